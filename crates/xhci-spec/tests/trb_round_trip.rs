//! `parse` and `emit` are each other's inverse, and `parse` bears anything.

use proptest::array::uniform4;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use xhci_spec::context::StreamContextType;
use xhci_spec::number::{Dci, InterrupterId, Iova, PortId, SlotId, SpeedId, StreamId};
use xhci_spec::trb::{
    Command, CompletionCode, Data, Event, Link, ParseTrbErrorKind, Transfer, TransferFlags, Trb,
    TrbType, Trt, reserved_bits,
};

fn slot() -> impl Strategy<Value = SlotId> {
    (1..=255u8).prop_map(|number| SlotId::new(number).unwrap())
}

fn maybe_slot() -> impl Strategy<Value = Option<SlotId>> {
    any::<u8>().prop_map(SlotId::new)
}

fn maybe_port() -> impl Strategy<Value = Option<PortId>> {
    any::<u8>().prop_map(PortId::new)
}

fn endpoint() -> impl Strategy<Value = Dci> {
    (1..=31u8).prop_map(|index| Dci::new(index).unwrap())
}

fn maybe_endpoint() -> impl Strategy<Value = Option<Dci>> {
    (0..=31u8).prop_map(Dci::new)
}

fn aligned() -> impl Strategy<Value = Iova> {
    any::<u64>().prop_map(|at| Iova(at & !0xf))
}

fn interrupter() -> impl Strategy<Value = InterrupterId> {
    (0..1024u16).prop_map(InterrupterId)
}

fn code() -> impl Strategy<Value = CompletionCode> {
    any::<u8>().prop_map(CompletionCode)
}

fn vendor() -> impl Strategy<Value = Trb> {
    (uniform4(any::<u32>()), 48..=63u32)
        .prop_map(|([a, b, c, d], kind)| Trb([a, b, c, d & !0xfc01 | kind << 10]))
}

fn flags() -> impl Strategy<Value = TransferFlags> {
    any::<[bool; 6]>().prop_map(|[ioc, isp, ch, ent, ns, bei]| TransferFlags {
        interrupt_on_completion: ioc,
        interrupt_on_short_packet: isp,
        chain: ch,
        evaluate_next: ent,
        no_snoop: ns,
        block_event_interrupt: bei,
    })
}

fn data() -> impl Strategy<Value = Data> {
    prop_oneof![
        any::<u64>().prop_map(|at| Data::Pointer(Iova(at))),
        any::<[u8; 8]>().prop_map(Data::Immediate),
    ]
}

fn slot_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        Just(Command::NoOp),
        (0..32u8).prop_map(|slot_type| Command::EnableSlot { slot_type }),
        slot().prop_map(|slot| Command::DisableSlot { slot }),
        slot().prop_map(|slot| Command::ResetDevice { slot }),
        slot().prop_map(|slot| Command::NegotiateBandwidth { slot }),
        (aligned(), slot(), any::<bool>()).prop_map(|(input, slot, block_set_address)| {
            Command::AddressDevice {
                input,
                slot,
                block_set_address,
            }
        }),
        (aligned(), slot(), any::<bool>()).prop_map(|(input, slot, deconfigure)| {
            Command::ConfigureEndpoint {
                input,
                slot,
                deconfigure,
            }
        }),
        (aligned(), slot()).prop_map(|(input, slot)| Command::EvaluateContext { input, slot }),
        vendor().prop_map(Command::Vendor),
    ]
}

fn endpoint_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        (slot(), endpoint(), any::<bool>()).prop_map(|(slot, endpoint, preserve)| {
            Command::ResetEndpoint {
                slot,
                endpoint,
                transfer_state_preserve: preserve,
            }
        }),
        (slot(), endpoint(), any::<bool>()).prop_map(|(slot, endpoint, suspend)| {
            Command::StopEndpoint {
                slot,
                endpoint,
                suspend,
            }
        }),
        (
            slot(),
            endpoint(),
            aligned(),
            any::<bool>(),
            0..8u8,
            any::<u16>()
        )
            .prop_map(|(slot, endpoint, dequeue, cycle, kind, stream)| {
                Command::SetTrDequeue {
                    slot,
                    endpoint,
                    dequeue,
                    cycle,
                    stream_context_type: StreamContextType(kind),
                    stream: StreamId(stream),
                }
            }),
    ]
}

fn rare_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        (aligned(), interrupter(), any::<u8>()).prop_map(|(event, interrupter, function)| {
            Command::ForceEvent {
                event,
                interrupter,
                virtual_function: function,
            }
        }),
        (0..4096u16).prop_map(|belt| Command::SetLatencyTolerance { belt }),
        (aligned(), 0..16u8, maybe_slot()).prop_map(|(bandwidth_context, speed, hub_slot)| {
            Command::GetPortBandwidth {
                bandwidth_context,
                speed: SpeedId(speed),
                hub_slot,
            }
        }),
        (
            0..32u8,
            0..1u32 << 27,
            any::<u32>(),
            any::<u32>(),
            maybe_port()
        )
            .prop_map(|(packet_type, low, middle, high, port)| {
                Command::ForceHeader {
                    packet_type,
                    header: [low, middle, high],
                    port,
                }
            }),
        (
            aligned(),
            any::<u16>(),
            0..8u8,
            maybe_endpoint(),
            maybe_slot()
        )
            .prop_map(|(context, capability, subtype, endpoint, slot)| {
                Command::GetExtendedProperty {
                    context,
                    capability,
                    subtype,
                    endpoint,
                    slot,
                }
            }),
        (
            any::<u16>(),
            any::<u8>(),
            0..8u8,
            maybe_endpoint(),
            maybe_slot()
        )
            .prop_map(|(capability, parameter, subtype, endpoint, slot)| {
                Command::SetExtendedProperty {
                    capability,
                    capability_parameter: parameter,
                    subtype,
                    endpoint,
                    slot,
                }
            }),
    ]
}

fn buffer_transfer() -> impl Strategy<Value = Transfer> {
    let buffer = (data(), 0..1u32 << 17, 0..32u8, interrupter(), flags());
    let isoch = (0..4u8, 0..16u8, 0..2048u16, any::<bool>());
    (buffer, isoch, 0..3u8).prop_map(|(buffer, isoch, kind)| {
        let (data, length, td_size, interrupter, flags) = buffer;
        let (burst_count_z, last_burst_packets_z, frame_id, start_asap) = isoch;
        match kind {
            0 => Transfer::Normal {
                data,
                length,
                td_size,
                interrupter,
                flags,
            },
            1 => Transfer::DataStage {
                data,
                length,
                td_size,
                direction_in: start_asap,
                interrupter,
                flags: TransferFlags {
                    block_event_interrupt: false,
                    ..flags
                },
            },
            _ => Transfer::Isoch {
                data,
                length,
                td_size,
                burst_count_z,
                last_burst_packets_z,
                frame_id,
                start_asap,
                interrupter,
                flags,
            },
        }
    })
}

fn bufferless_transfer() -> impl Strategy<Value = Transfer> {
    (any::<[bool; 5]>(), any::<[u8; 8]>(), interrupter(), 0..5u8).prop_map(
        |([ioc, chain, evaluate_next, bei, direction_in], bytes, interrupter, kind)| match kind {
            0 => Transfer::NoOp {
                ioc,
                chain,
                evaluate_next,
                interrupter,
            },
            1 => Transfer::StatusStage {
                direction_in,
                ioc,
                chain,
                evaluate_next,
                interrupter,
            },
            2 => Transfer::EventData {
                data: u64::from_le_bytes(bytes),
                ioc,
                chain,
                evaluate_next,
                block_event_interrupt: bei,
                interrupter,
            },
            _ => Transfer::SetupStage {
                setup: bytes,
                transfer_type: Trt(bytes[0] & 3),
                ioc,
                interrupter,
            },
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (
            any::<u64>(),
            0..1u32 << 24,
            code(),
            maybe_endpoint(),
            maybe_slot(),
            any::<bool>()
        )
            .prop_map(|(trb, residue, code, endpoint, slot, event_data)| {
                Event::Transfer {
                    trb: Iova(trb),
                    residue,
                    code,
                    endpoint,
                    slot,
                    event_data,
                }
            }),
        (aligned(), 0..1u32 << 24, code(), maybe_slot(), any::<u8>()).prop_map(
            |(trb, parameter, code, slot, virtual_function)| {
                Event::CommandCompletion {
                    trb,
                    parameter,
                    code,
                    slot,
                    virtual_function,
                }
            }
        ),
        (maybe_port(), code()).prop_map(|(port, code)| Event::PortStatusChange { port, code }),
        (code(), maybe_slot()).prop_map(|(code, slot)| Event::BandwidthRequest { code, slot }),
        (0..32u8, code(), any::<u8>(), maybe_slot()).prop_map(
            |(reason, code, virtual_function, slot)| Event::Doorbell {
                reason,
                code,
                virtual_function,
                slot
            }
        ),
        code().prop_map(|code| Event::HostController { code }),
        (0..16u8, 0..1u64 << 56, code(), maybe_slot()).prop_map(
            |(notification_type, data, code, slot)| Event::DeviceNotification {
                notification_type,
                data,
                code,
                slot
            }
        ),
        code().prop_map(|code| Event::MfindexWrap { code }),
        vendor().prop_map(Event::Unknown),
    ]
}

/// A raw TRB of a named or unnamed type, its reserved bits zero.
fn clean_trb() -> impl Strategy<Value = Trb> {
    (uniform4(any::<u32>()), 0..64u8).prop_map(|([a, b, c, d], raw_type)| {
        let mask = reserved_bits(TrbType(raw_type));
        let raw = [a, b, c, d & !0xfc01 | u32::from(raw_type) << 10];
        Trb(std::array::from_fn(|dword| raw[dword] & !mask[dword]))
    })
}

proptest! {
    #[test]
    fn a_command_comes_back_from_its_dwords(
        command in prop_oneof![slot_command(), endpoint_command(), rare_command()],
        cycle in any::<bool>(),
    ) {
        let trb = command.emit();
        prop_assert!(!trb.cycle());
        prop_assert_eq!(trb.trb_type(), command.trb_type());
        prop_assert_eq!(trb.reserved_bits_set(), [0; 4]);
        prop_assert_eq!(Command::parse(trb.with_cycle(cycle)), Ok(command));
    }

    #[test]
    fn a_transfer_comes_back_from_its_dwords(
        transfer in prop_oneof![buffer_transfer(), bufferless_transfer()],
        cycle in any::<bool>(),
    ) {
        let trb = transfer.emit();
        prop_assert!(!trb.cycle());
        prop_assert_eq!(trb.reserved_bits_set(), [0; 4]);
        prop_assert_eq!(Transfer::parse(trb.with_cycle(cycle)), Ok(transfer));
    }

    #[test]
    fn an_event_comes_back_from_its_dwords(event in event(), cycle in any::<bool>()) {
        let trb = event.emit();
        prop_assert!(!trb.cycle());
        prop_assert_eq!(trb.trb_type(), event.trb_type());
        prop_assert_eq!(trb.reserved_bits_set(), [0; 4]);
        prop_assert_eq!(Event::parse(trb.with_cycle(cycle)), event);
    }

    #[test]
    fn a_link_comes_back_from_its_dwords(
        next in aligned(),
        [toggle_cycle, chain, ioc, cycle] in any::<[bool; 4]>(),
        interrupter in interrupter(),
    ) {
        let link = Link { next, toggle_cycle, chain, ioc, interrupter };
        let trb = link.emit();
        prop_assert_eq!((trb.toggle_cycle(), trb.chain(), trb.ioc()), (toggle_cycle, chain, ioc));
        prop_assert_eq!(Link::parse(trb.with_cycle(cycle)), Ok(link));
    }

    #[test]
    fn dwords_without_reserved_bits_come_back_from_their_meaning(trb in clean_trb()) {
        if let Ok(command) = Command::parse(trb) {
            prop_assert_eq!(command.emit(), trb);
        }
        if let Ok(transfer) = Transfer::parse(trb) {
            prop_assert_eq!(transfer.emit(), trb);
        }
        if let Ok(link) = Link::parse(trb) {
            prop_assert_eq!(link.emit(), trb);
        }
        prop_assert_eq!(Event::parse(trb).emit(), trb);
    }

    #[test]
    fn any_dwords_parse_or_are_refused_whole(raw in uniform4(any::<u32>())) {
        let trb = Trb(raw);
        let refusals = [Command::parse(trb).err(), Transfer::parse(trb).err(), Link::parse(trb).err()];
        for error in refusals.into_iter().flatten() {
            prop_assert_eq!(error.trb, trb);
            prop_assert_eq!(error.completion_code(), CompletionCode::TRB_ERROR);
            prop_assert!(!error.to_string().is_empty());
        }
        let shown = format!("{:?}", Event::parse(trb));
        prop_assert!(!shown.is_empty());
    }

    #[test]
    fn a_number_too_wide_for_its_field_changes_no_other(residue in any::<u32>(), length in any::<u32>()) {
        let event = Event::Transfer {
            trb: Iova(0), residue, code: CompletionCode::SUCCESS, endpoint: None, slot: None, event_data: false,
        };
        prop_assert_eq!(event.emit().0, [0, 0, 0x0100_0000 | residue & 0xff_ffff, 32 << 10]);
        let normal = Transfer::Normal {
            data: Data::Pointer(Iova(0)), length, td_size: 0, interrupter: InterrupterId(0), flags: TransferFlags::default(),
        };
        prop_assert_eq!(normal.emit().0, [0, 0, length & 0x1_ffff, 1 << 10]);
    }
}

#[test]
fn a_command_for_slot_0_is_refused_with_the_reason() {
    for trb_type in 10..=17 {
        let trb = Trb([0, 0, 0, trb_type << 10 | 0x0001_0000]);
        let error = Command::parse(trb).unwrap_err();
        assert_eq!(error.kind, ParseTrbErrorKind::ZeroSlot, "type {trb_type}");
    }
}

#[test]
fn an_endpoint_command_for_index_0_is_refused_with_the_reason() {
    for trb_type in 14..=16 {
        let error = Command::parse(Trb([0, 0, 0, trb_type << 10 | 0x0100_0000])).unwrap_err();
        assert_eq!(
            error.kind,
            ParseTrbErrorKind::BadEndpoint,
            "type {trb_type}"
        );
    }
}

#[test]
fn a_setup_stage_that_is_not_eight_immediate_bytes_is_refused_with_the_field() {
    let good = Transfer::SetupStage {
        setup: [0; 8],
        transfer_type: Trt::NO_DATA,
        ioc: false,
        interrupter: InterrupterId(0),
    }
    .emit();
    let mut pointer = good;
    pointer.0[3] &= !(1 << 6);
    let mut long = good;
    long.0[2] = 9;
    for (trb, field, value) in [(pointer, "immediate_data", 0), (long, "length", 9)] {
        let error = Transfer::parse(trb).unwrap_err();
        assert_eq!(
            error.kind,
            ParseTrbErrorKind::ReservedField { field, value }
        );
        assert!(error.to_string().contains(field), "{error}");
    }
}

#[test]
fn a_trb_of_another_family_is_refused() {
    let normal = Trb([0, 0, 0, 1 << 10]);
    let no_op = Command::NoOp.emit();
    let link = Trb([0, 0, 0, 6 << 10]);
    for error in [
        Command::parse(normal).unwrap_err(),
        Command::parse(link).unwrap_err(),
        Transfer::parse(no_op).unwrap_err(),
        Transfer::parse(link).unwrap_err(),
        Link::parse(no_op).unwrap_err(),
    ] {
        assert_eq!(error.kind, ParseTrbErrorKind::UnknownType);
    }
}

#[test]
fn a_vendors_event_survives_whole() {
    let trb = Trb([0x1234_5678, 0x9abc_def0, 0x0100_3025, 0x0000_c1ff]);
    assert_eq!(trb.trb_type(), TrbType(48));
    assert_eq!(Event::parse(trb), Event::Unknown(trb.with_cycle(false)));
    assert_eq!(Event::parse(trb).emit().with_cycle(true), trb);
}
