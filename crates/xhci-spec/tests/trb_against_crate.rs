//! Our `emit` and `parse` against the setters and getters of the `xhci` crate, dword for dword.

use xhci::ring::trb::{Link as CrateLink, command, event, transfer};
use xhci_spec::context::StreamContextType;
use xhci_spec::number::{Dci, InterrupterId, Iova, PortId, SlotId, SpeedId, StreamId};
use xhci_spec::trb::{
    Command, CompletionCode, Data, Event, Link, Transfer, TransferFlags, Trb, Trt,
};

const AT: u64 = 0x1234_5678_9abc_def0;

fn slot() -> SlotId {
    SlotId::new(0xa5).unwrap()
}

fn endpoint() -> Dci {
    Dci::new(0x15).unwrap()
}

/// Our command and the crate's are the same dwords, and ours comes back from them.
fn same_command(ours: Command, theirs: [u32; 4]) {
    assert_eq!(ours.emit(), Trb(theirs), "{ours:?}");
    assert_eq!(Command::parse(Trb(theirs)), Ok(ours));
}

fn same_transfer(ours: Transfer, theirs: [u32; 4]) {
    assert_eq!(ours.emit(), Trb(theirs), "{ours:?}");
    assert_eq!(Transfer::parse(Trb(theirs)), Ok(ours));
}

#[test]
fn slot_commands_have_the_crates_dwords() {
    let (input, slot, id) = (Iova(AT), slot(), 0xa5);
    same_command(Command::NoOp, command::Noop::new().into_raw());
    same_command(
        Command::EnableSlot { slot_type: 0x1a },
        command::EnableSlot::new().set_slot_type(0x1a).into_raw(),
    );
    same_command(
        Command::DisableSlot { slot },
        command::DisableSlot::new().set_slot_id(id).into_raw(),
    );
    same_command(
        Command::ResetDevice { slot },
        command::ResetDevice::new().set_slot_id(id).into_raw(),
    );
    same_command(
        Command::AddressDevice {
            input,
            slot,
            block_set_address: true,
        },
        command::AddressDevice::new()
            .set_input_context_pointer(AT)
            .set_slot_id(id)
            .set_block_set_address_request()
            .into_raw(),
    );
    same_command(
        Command::ConfigureEndpoint {
            input,
            slot,
            deconfigure: true,
        },
        command::ConfigureEndpoint::new()
            .set_input_context_pointer(AT)
            .set_slot_id(id)
            .set_deconfigure()
            .into_raw(),
    );
    same_command(
        Command::EvaluateContext { input, slot },
        command::EvaluateContext::new()
            .set_input_context_pointer(AT)
            .set_slot_id(id)
            .into_raw(),
    );
    same_command(
        Command::NegotiateBandwidth { slot },
        command::NegotiateBandwidth::new()
            .set_slot_id(id)
            .into_raw(),
    );
}

#[test]
fn endpoint_commands_have_the_crates_dwords() {
    let (slot, endpoint) = (slot(), endpoint());
    same_command(
        Command::ResetEndpoint {
            slot,
            endpoint,
            transfer_state_preserve: true,
        },
        command::ResetEndpoint::new()
            .set_slot_id(0xa5)
            .set_endpoint_id(0x15)
            .set_transfer_state_preserve()
            .into_raw(),
    );
    same_command(
        Command::StopEndpoint {
            slot,
            endpoint,
            suspend: true,
        },
        command::StopEndpoint::new()
            .set_slot_id(0xa5)
            .set_endpoint_id(0x15)
            .set_suspend()
            .into_raw(),
    );
    same_command(
        Command::SetTrDequeue {
            slot,
            endpoint,
            dequeue: Iova(AT),
            cycle: true,
            stream_context_type: StreamContextType(5),
            stream: StreamId(0xbeef),
        },
        command::SetTrDequeuePointer::new()
            .set_slot_id(0xa5)
            .set_endpoint_id(0x15)
            .set_new_tr_dequeue_pointer(AT)
            .set_dequeue_cycle_state()
            .set_stream_context_type(5)
            .set_stream_id(0xbeef)
            .into_raw(),
    );
}

#[test]
fn rare_commands_have_the_crates_dwords() {
    let slot = Some(slot());
    same_command(
        Command::ForceEvent {
            event: Iova(AT),
            interrupter: InterrupterId(0x2a5),
            virtual_function: 0x5a,
        },
        command::ForceEvent::new()
            .set_event_trb_pointer(AT)
            .set_vf_interrupter_target(0x2a5)
            .set_vf_id(0x5a)
            .into_raw(),
    );
    same_command(
        Command::SetLatencyTolerance { belt: 0xa5a },
        command::SetLatencyToleranceValue::new()
            .set_best_effort_latency_tolerance_value(0xa5a)
            .into_raw(),
    );
    same_command(
        Command::GetPortBandwidth {
            bandwidth_context: Iova(AT),
            speed: SpeedId(0xa),
            hub_slot: slot,
        },
        command::GetPortBandwidth::new()
            .set_port_bandwidth_context_pointer(AT)
            .set_dev_speed(0xa)
            .set_hub_slot_id(0xa5)
            .into_raw(),
    );
    same_command(
        Command::ForceHeader {
            packet_type: 0x15,
            header: [0x555_aaaa, 0xdead_beef, 0x0bad_cafe],
            port: PortId::new(0x77),
        },
        command::ForceHeader::new()
            .set_packet_type(0x15)
            .set_header_info([0x555_aaaa << 5, 0xdead_beef, 0x0bad_cafe])
            .set_root_hub_port_number(0x77)
            .into_raw(),
    );
}

#[test]
fn extended_property_commands_have_the_crates_dwords() {
    let slot = Some(slot());
    same_command(
        Command::GetExtendedProperty {
            context: Iova(AT),
            capability: 0xbeef,
            subtype: 5,
            endpoint: Some(endpoint()),
            slot,
        },
        command::GetExtendedProperty::new()
            .set_extended_property_context_pointer(AT)
            .set_extended_capability_identifier(0xbeef)
            .set_command_sub_type(5)
            .set_endpoint_id(0x15)
            .set_slot_id(0xa5)
            .into_raw(),
    );
    same_command(
        Command::SetExtendedProperty {
            capability: 0xbeef,
            capability_parameter: 0x5a,
            subtype: 5,
            endpoint: Some(endpoint()),
            slot,
        },
        command::SetExtendedProperty::new()
            .set_extended_capability_identifier(0xbeef)
            .set_capability_parameter(0x5a)
            .set_command_sub_type(5)
            .set_endpoint_id(0x15)
            .set_slot_id(0xa5)
            .into_raw(),
    );
}

#[test]
fn buffers_have_the_crates_dwords() {
    let (length, td_size, interrupter) = (0x1_5a5a, 0x15, InterrupterId(0x2a5));
    let flags = |name: &str| TransferFlags {
        interrupt_on_completion: name == "IOC",
        interrupt_on_short_packet: name == "ISP",
        chain: name == "CH",
        evaluate_next: name == "ENT",
        no_snoop: name == "NS",
        block_event_interrupt: name == "BEI",
    };
    for name in ["", "IOC", "ISP", "CH", "ENT", "NS", "BEI", "IDT"] {
        let data = match name {
            "IDT" => Data::Immediate(AT.to_le_bytes()),
            _ => Data::Pointer(Iova(AT)),
        };
        let mut theirs = transfer::Normal::new();
        theirs
            .set_data_buffer_pointer(AT)
            .set_trb_transfer_length(length)
            .set_td_size(td_size)
            .set_interrupter_target(0x2a5);
        match name {
            "IOC" => theirs.set_interrupt_on_completion(),
            "ISP" => theirs.set_interrupt_on_short_packet(),
            "CH" => theirs.set_chain_bit(),
            "ENT" => theirs.set_evaluate_next_trb(),
            "NS" => theirs.set_no_snoop(),
            "BEI" => theirs.set_block_event_interrupt(),
            "IDT" => theirs.set_immediate_data(),
            _ => &mut theirs,
        };
        let flags = flags(name);
        same_transfer(
            Transfer::Normal {
                data,
                length,
                td_size,
                interrupter,
                flags,
            },
            theirs.into_raw(),
        );
    }
}

#[test]
fn first_buffers_of_a_stage_and_of_an_isoch_td_have_the_crates_dwords() {
    let (length, td_size, interrupter) = (0x1_5a5a, 0x15, InterrupterId(0x2a5));
    let theirs = transfer::DataStage::new()
        .set_data_buffer_pointer(AT)
        .set_trb_transfer_length(length)
        .set_td_size(td_size)
        .set_interrupter_target(0x2a5)
        .set_direction(transfer::Direction::In)
        .set_no_snoop()
        .into_raw();
    same_transfer(
        Transfer::DataStage {
            data: Data::Pointer(Iova(AT)),
            length,
            td_size,
            direction_in: true,
            interrupter,
            flags: TransferFlags {
                no_snoop: true,
                ..TransferFlags::default()
            },
        },
        theirs,
    );
    let theirs = transfer::Isoch::new()
        .set_data_buffer_pointer(AT)
        .set_trb_transfer_length(length)
        .set_td_size_or_tbc(td_size)
        .set_interrupter_target(0x2a5)
        .set_transfer_burst_count(2)
        .set_transfer_last_burst_packet_count(0xa)
        .set_frame_id(0x5a5)
        .set_start_isoch_asap()
        .set_block_event_interrupt()
        .into_raw();
    same_transfer(
        Transfer::Isoch {
            data: Data::Pointer(Iova(AT)),
            length,
            td_size,
            burst_count_z: 2,
            last_burst_packets_z: 0xa,
            frame_id: 0x5a5,
            start_asap: true,
            interrupter,
            flags: TransferFlags {
                block_event_interrupt: true,
                ..TransferFlags::default()
            },
        },
        theirs,
    );
}

#[test]
fn bufferless_transfers_have_the_crates_dwords() {
    let interrupter = InterrupterId(0x2a5);
    let theirs = transfer::SetupStage::new()
        .set_request_type(0x80)
        .set_request(6)
        .set_value(0x0302)
        .set_index(0x0409)
        .set_length(0x1234)
        .set_transfer_type(transfer::TransferType::In)
        .set_interrupter_target(0x2a5)
        .set_interrupt_on_completion()
        .into_raw();
    same_transfer(
        Transfer::SetupStage {
            setup: [0x80, 6, 0x02, 0x03, 0x09, 0x04, 0x34, 0x12],
            transfer_type: Trt::IN,
            ioc: true,
            interrupter,
        },
        theirs,
    );
    let theirs = transfer::StatusStage::new()
        .set_direction()
        .set_chain_bit()
        .set_interrupter_target(0x2a5)
        .into_raw();
    same_transfer(
        Transfer::StatusStage {
            direction_in: true,
            ioc: false,
            chain: true,
            evaluate_next: false,
            interrupter,
        },
        theirs,
    );
    let theirs = transfer::EventData::new()
        .set_event_data(AT)
        .set_interrupt_on_completion()
        .set_block_event_interrupt()
        .set_interrupter_target(0x2a5)
        .into_raw();
    same_transfer(
        Transfer::EventData {
            data: AT,
            ioc: true,
            chain: false,
            evaluate_next: false,
            block_event_interrupt: true,
            interrupter,
        },
        theirs,
    );
    let theirs = transfer::Noop::new()
        .set_evaluate_next_trb()
        .set_interrupter_target(0x2a5)
        .into_raw();
    same_transfer(
        Transfer::NoOp {
            ioc: false,
            chain: false,
            evaluate_next: true,
            interrupter,
        },
        theirs,
    );
}

#[test]
fn a_link_has_the_crates_dwords() {
    let ours = Link {
        next: Iova(AT),
        toggle_cycle: true,
        chain: false,
        ioc: true,
        interrupter: InterrupterId(0x2a5),
    };
    let theirs = CrateLink::new()
        .set_ring_segment_pointer(AT)
        .set_toggle_cycle()
        .set_interrupt_on_completion()
        .set_interrupter_target(0x2a5)
        .into_raw();
    assert_eq!(ours.emit(), Trb(theirs));
    assert_eq!(Link::parse(Trb(theirs)), Ok(ours));
}

#[test]
fn the_crate_reads_our_transfer_and_command_events() {
    let code = CompletionCode::STALL_ERROR;
    let transfer = Event::Transfer {
        trb: Iova(AT + 5),
        residue: 0xa5_5aa5,
        code,
        endpoint: Some(endpoint()),
        slot: Some(slot()),
        event_data: true,
    };
    let theirs = event::TransferEvent::try_from(transfer.emit().0).expect("no reserved bit is set");
    assert_eq!(theirs.trb_pointer(), AT + 5);
    assert_eq!(theirs.trb_transfer_length(), 0xa5_5aa5);
    assert_eq!(
        theirs.completion_code(),
        Ok(event::CompletionCode::StallError)
    );
    assert_eq!((theirs.endpoint_id(), theirs.slot_id()), (0x15, 0xa5));
    assert!(theirs.event_data());

    let command = Event::CommandCompletion {
        trb: Iova(AT),
        parameter: 0x5a_a55a,
        code,
        slot: Some(slot()),
        virtual_function: 0x5a,
    };
    let theirs =
        event::CommandCompletion::try_from(command.emit().0).expect("no reserved bit is set");
    assert_eq!(theirs.command_trb_pointer(), AT);
    assert_eq!(theirs.command_completion_parameter(), 0x5a_a55a);
    assert_eq!((theirs.vf_id(), theirs.slot_id()), (0x5a, 0xa5));
}

#[test]
fn the_crate_reads_our_other_events() {
    let (code, slot) = (CompletionCode::SUCCESS, Some(slot()));
    let ours = Event::PortStatusChange {
        port: PortId::new(0x77),
        code,
    };
    let theirs = event::PortStatusChange::try_from(ours.emit().0).expect("no reserved bit is set");
    assert_eq!(theirs.port_id(), 0x77);

    let ours = Event::BandwidthRequest { code, slot };
    let theirs = event::BandwidthRequest::try_from(ours.emit().0).expect("no reserved bit is set");
    assert_eq!(theirs.slot_id(), 0xa5);

    let ours = Event::HostController { code };
    event::HostController::try_from(ours.emit().0).expect("no reserved bit is set");

    let ours = Event::MfindexWrap { code };
    let theirs = event::MfindexWrap::try_from(ours.emit().0).expect("no reserved bit is set");
    assert_eq!(theirs.completion_code(), Ok(event::CompletionCode::Success));

    let ours = Event::Doorbell {
        reason: 0x15,
        code,
        virtual_function: 0x5a,
        slot,
    };
    let theirs = event::Doorbell::try_from(ours.emit().0).expect("no reserved bit is set");
    assert_eq!(
        (theirs.db_reason(), theirs.vf_id(), theirs.slot_id()),
        (0x15, 0x5a, 0xa5)
    );
}
