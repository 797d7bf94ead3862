//! Transfer TRBs (xHCI 1.2 §6.4.1, and §6.4.4.2 for Event Data).

use super::{ParseTrbError, ParseTrbErrorKind, Trb, TrbType, layout};
use crate::field::value;
use crate::number::{InterrupterId, Iova};

/// What software asks an endpoint to do; a Link TRB is not among them, see [`super::Link`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transfer {
    /// A buffer of a bulk or interrupt TD, or a further buffer of any TD (§6.4.1.1).
    Normal {
        /// The buffer.
        data: Data,
        /// Its length in bytes, 17 bits; at most 65536 (§4.11.1, unchecked).
        length: u32,
        /// Packets that remain in the TD behind this TRB, at most 31 (§4.11.2.4).
        td_size: u8,
        /// Where its event goes.
        interrupter: InterrupterId,
        /// Its flags.
        flags: TransferFlags,
    },
    /// The setup packet of a control transfer; always immediate data of 8 bytes (§6.4.1.2.1).
    SetupStage {
        /// The packet, in the order of the wire.
        setup: [u8; 8],
        /// Whether a data stage follows, and which way.
        transfer_type: Trt,
        /// Whether it makes an event.
        ioc: bool,
        /// Where its event goes.
        interrupter: InterrupterId,
    },
    /// The first buffer of a control transfer's data stage (§6.4.1.2.2); further ones are `Normal`.
    DataStage {
        /// The buffer.
        data: Data,
        /// Its length in bytes, 17 bits.
        length: u32,
        /// Packets that remain in the TD behind this TRB, at most 31.
        td_size: u8,
        /// Whether the device sends.
        direction_in: bool,
        /// Where its event goes.
        interrupter: InterrupterId,
        /// Its flags; this TRB has no Block Event Interrupt, `emit` leaves it out.
        flags: TransferFlags,
    },
    /// The status stage of a control transfer (§6.4.1.2.3).
    StatusStage {
        /// Whether the device sends the status, that is: unless the data stage was IN.
        direction_in: bool,
        /// Whether it makes an event.
        ioc: bool,
        /// Whether an Event Data TRB follows in the same TD.
        chain: bool,
        /// Whether the controller looks at the next TRB before it saves its state (§4.12.3, unchecked).
        evaluate_next: bool,
        /// Where its event goes.
        interrupter: InterrupterId,
    },
    /// The first buffer of an isochronous TD (§6.4.1.3).
    Isoch {
        /// The buffer.
        data: Data,
        /// Its length in bytes, 17 bits.
        length: u32,
        /// Packets that remain in the TD; the burst count where the controller has Extended TBC enabled.
        td_size: u8,
        /// Bursts of the TD less one, 2 bits.
        burst_count_z: u8,
        /// Packets of the last burst less one, 4 bits.
        last_burst_packets_z: u8,
        /// The frame to start in, 11 bits; means nothing with `start_asap`.
        frame_id: u16,
        /// Whether to start as soon as possible.
        start_asap: bool,
        /// Where its event goes.
        interrupter: InterrupterId,
        /// Its flags.
        flags: TransferFlags,
    },
    /// Ends or interrupts a TD with an event that carries software's own 64 bits (§6.4.4.2).
    EventData {
        /// What the event will carry.
        data: u64,
        /// Whether it makes an event, as it should.
        ioc: bool,
        /// Whether the TD goes on.
        chain: bool,
        /// Whether the controller looks at the next TRB before it saves its state.
        evaluate_next: bool,
        /// Whether the event raises no interrupt.
        block_event_interrupt: bool,
        /// Where its event goes.
        interrupter: InterrupterId,
    },
    /// Does nothing (§6.4.1.4).
    NoOp {
        /// Whether it makes an event.
        ioc: bool,
        /// Whether the TD goes on.
        chain: bool,
        /// Whether the controller looks at the next TRB before it saves its state.
        evaluate_next: bool,
        /// Where its event goes.
        interrupter: InterrupterId,
    },
}

/// The data of a transfer TRB: elsewhere, or in the TRB itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Data {
    /// The buffer lies at this address.
    Pointer(Iova),
    /// The TRB holds up to eight bytes to send (§4.11.7); the Immediate Data flag is set.
    #[doc(alias = "IDT")]
    Immediate([u8; 8]),
}

/// Flags that buffers' TRBs share. Immediate Data is not among them: [`Data`] says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TransferFlags {
    /// An event when the TRB completes.
    #[doc(alias = "IOC")]
    pub interrupt_on_completion: bool,
    /// An event when a packet of the TRB was short.
    #[doc(alias = "ISP")]
    pub interrupt_on_short_packet: bool,
    /// The TD goes on with the next TRB.
    #[doc(alias = "CH")]
    pub chain: bool,
    /// The controller looks at the next TRB before it saves its state.
    #[doc(alias = "ENT")]
    pub evaluate_next: bool,
    /// The controller may skip cache snooping.
    #[doc(alias = "NS")]
    pub no_snoop: bool,
    /// The event raises no interrupt.
    #[doc(alias = "BEI")]
    pub block_event_interrupt: bool,
}

/// Transfer Type of a Setup Stage TRB; the reserved value 1 survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Trt(pub u8);

impl Trt {
    /// No data stage.
    pub const NO_DATA: Self = Self(0);
    /// The host sends the data stage.
    pub const OUT: Self = Self(2);
    /// The device sends the data stage.
    pub const IN: Self = Self(3);
}

value! { Trt, u8: Trt, |trt: Trt| trt.0; }

impl Transfer {
    /// Reads a TRB of a transfer ring.
    ///
    /// # Errors
    ///
    /// `UnknownType` for a TRB of another family, and `ReservedField` for a Setup Stage TRB that is not 8 bytes of immediate data.
    pub fn parse(trb: Trb) -> Result<Self, ParseTrbError> {
        let ioc = trb.read(&layout::INTERRUPT_ON_COMPLETION);
        let chain = trb.read(&layout::CHAIN);
        let evaluate_next = trb.read(&layout::EVALUATE_NEXT);
        let interrupter = trb.read(&layout::INTERRUPTER);
        Ok(match trb.trb_type() {
            TrbType::NORMAL => Self::Normal {
                data: data(trb),
                length: trb.read(&layout::LENGTH),
                td_size: trb.read(&layout::TD_SIZE),
                interrupter,
                flags: flags(trb),
            },
            TrbType::SETUP_STAGE => {
                check_setup(trb)?;
                Self::SetupStage {
                    setup: trb.parameter().to_le_bytes(),
                    transfer_type: trb.read(&layout::TRANSFER_TYPE),
                    ioc,
                    interrupter,
                }
            }
            TrbType::DATA_STAGE => parse_data_stage(trb),
            TrbType::STATUS_STAGE => Self::StatusStage {
                direction_in: trb.read(&layout::DIRECTION_IN),
                ioc,
                chain,
                evaluate_next,
                interrupter,
            },
            TrbType::ISOCH => parse_isoch(trb),
            TrbType::EVENT_DATA => Self::EventData {
                data: trb.parameter(),
                ioc,
                chain,
                evaluate_next,
                block_event_interrupt: trb.read(&layout::BLOCK_EVENT_INTERRUPT),
                interrupter,
            },
            TrbType::NO_OP => Self::NoOp {
                ioc,
                chain,
                evaluate_next,
                interrupter,
            },
            _ => {
                return Err(ParseTrbError {
                    kind: ParseTrbErrorKind::UnknownType,
                    trb,
                });
            }
        })
    }

    /// Writes it, cycle bit 0; numbers wider than their fields lose their upper bits.
    #[must_use]
    pub fn emit(&self) -> Trb {
        let trb = Trb::new(self.trb_type())
            .with(&layout::INTERRUPTER, self.interrupter())
            .with(&layout::INTERRUPT_ON_COMPLETION, self.ioc())
            .with(&layout::CHAIN, self.chain())
            .with(&layout::EVALUATE_NEXT, self.evaluate_next());
        match *self {
            Self::Normal {
                data,
                length,
                td_size,
                flags,
                ..
            } => buffer(trb, data, length, td_size, flags)
                .with(&layout::BLOCK_EVENT_INTERRUPT, flags.block_event_interrupt),
            Self::SetupStage {
                setup,
                transfer_type,
                ..
            } => trb
                .with(&layout::SETUP, u64::from_le_bytes(setup))
                .with(&layout::LENGTH, SETUP_BYTES)
                .with(&layout::IMMEDIATE_DATA, true)
                .with(&layout::TRANSFER_TYPE, transfer_type),
            Self::DataStage {
                data,
                length,
                td_size,
                direction_in,
                flags,
                ..
            } => {
                buffer(trb, data, length, td_size, flags).with(&layout::DIRECTION_IN, direction_in)
            }
            Self::StatusStage { direction_in, .. } => trb.with(&layout::DIRECTION_IN, direction_in),
            Self::Isoch {
                data,
                length,
                td_size,
                burst_count_z,
                last_burst_packets_z,
                frame_id,
                start_asap,
                flags,
                interrupter: _,
            } => buffer(trb, data, length, td_size, flags)
                .with(&layout::BLOCK_EVENT_INTERRUPT, flags.block_event_interrupt)
                .with(&layout::BURST_COUNT, burst_count_z)
                .with(&layout::LAST_BURST_PACKETS, last_burst_packets_z)
                .with(&layout::FRAME_ID, frame_id)
                .with(&layout::START_ASAP, start_asap),
            Self::EventData {
                data,
                block_event_interrupt,
                ..
            } => trb
                .with(&layout::DATA, data)
                .with(&layout::BLOCK_EVENT_INTERRUPT, block_event_interrupt),
            Self::NoOp { .. } => trb,
        }
    }

    /// Which TRB carries it.
    #[must_use]
    pub const fn trb_type(&self) -> TrbType {
        match self {
            Self::Normal { .. } => TrbType::NORMAL,
            Self::SetupStage { .. } => TrbType::SETUP_STAGE,
            Self::DataStage { .. } => TrbType::DATA_STAGE,
            Self::StatusStage { .. } => TrbType::STATUS_STAGE,
            Self::Isoch { .. } => TrbType::ISOCH,
            Self::EventData { .. } => TrbType::EVENT_DATA,
            Self::NoOp { .. } => TrbType::NO_OP,
        }
    }

    /// Where its event goes.
    #[must_use]
    pub const fn interrupter(&self) -> InterrupterId {
        match *self {
            Self::Normal { interrupter, .. }
            | Self::SetupStage { interrupter, .. }
            | Self::DataStage { interrupter, .. }
            | Self::StatusStage { interrupter, .. }
            | Self::Isoch { interrupter, .. }
            | Self::EventData { interrupter, .. }
            | Self::NoOp { interrupter, .. } => interrupter,
        }
    }

    /// Whether its completion makes an event.
    #[must_use]
    #[doc(alias = "IOC")]
    pub const fn ioc(&self) -> bool {
        match *self {
            Self::Normal { flags, .. }
            | Self::DataStage { flags, .. }
            | Self::Isoch { flags, .. } => flags.interrupt_on_completion,
            Self::SetupStage { ioc, .. }
            | Self::StatusStage { ioc, .. }
            | Self::EventData { ioc, .. }
            | Self::NoOp { ioc, .. } => ioc,
        }
    }

    /// Whether the TD goes on with the next TRB; a Setup Stage is a TD of its own (§4.11.2.2).
    #[must_use]
    #[doc(alias = "CH")]
    pub const fn chain(&self) -> bool {
        match *self {
            Self::Normal { flags, .. }
            | Self::DataStage { flags, .. }
            | Self::Isoch { flags, .. } => flags.chain,
            Self::StatusStage { chain, .. }
            | Self::EventData { chain, .. }
            | Self::NoOp { chain, .. } => chain,
            Self::SetupStage { .. } => false,
        }
    }

    /// Whether the controller looks at the next TRB before it saves its state; a Setup Stage cannot ask for it.
    #[must_use]
    #[doc(alias = "ENT")]
    pub const fn evaluate_next(&self) -> bool {
        match *self {
            Self::Normal { flags, .. }
            | Self::DataStage { flags, .. }
            | Self::Isoch { flags, .. } => flags.evaluate_next,
            Self::StatusStage { evaluate_next, .. }
            | Self::EventData { evaluate_next, .. }
            | Self::NoOp { evaluate_next, .. } => evaluate_next,
            Self::SetupStage { .. } => false,
        }
    }
}

fn parse_data_stage(trb: Trb) -> Transfer {
    Transfer::DataStage {
        data: data(trb),
        length: trb.read(&layout::LENGTH),
        td_size: trb.read(&layout::TD_SIZE),
        direction_in: trb.read(&layout::DIRECTION_IN),
        interrupter: trb.read(&layout::INTERRUPTER),
        flags: TransferFlags {
            block_event_interrupt: false,
            ..flags(trb)
        },
    }
}

fn parse_isoch(trb: Trb) -> Transfer {
    Transfer::Isoch {
        data: data(trb),
        length: trb.read(&layout::LENGTH),
        td_size: trb.read(&layout::TD_SIZE),
        burst_count_z: trb.read(&layout::BURST_COUNT),
        last_burst_packets_z: trb.read(&layout::LAST_BURST_PACKETS),
        frame_id: trb.read(&layout::FRAME_ID),
        start_asap: trb.read(&layout::START_ASAP),
        interrupter: trb.read(&layout::INTERRUPTER),
        flags: flags(trb),
    }
}

/// A setup packet's length, the only one that a Setup Stage TRB may state (§6.4.1.2.1).
const SETUP_BYTES: u32 = 8;

fn check_setup(trb: Trb) -> Result<(), ParseTrbError> {
    let refuse = |field: &crate::field::Field| {
        Err(ParseTrbError {
            kind: ParseTrbErrorKind::ReservedField {
                field: field.name,
                value: trb.read(field),
            },
            trb,
        })
    };
    if !trb.read::<bool>(&layout::IMMEDIATE_DATA) {
        return refuse(&layout::IMMEDIATE_DATA);
    }
    if trb.read::<u32>(&layout::LENGTH) != SETUP_BYTES {
        return refuse(&layout::LENGTH);
    }
    Ok(())
}

fn data(trb: Trb) -> Data {
    if trb.read(&layout::IMMEDIATE_DATA) {
        Data::Immediate(trb.parameter().to_le_bytes())
    } else {
        Data::Pointer(trb.read(&layout::DATA))
    }
}

fn flags(trb: Trb) -> TransferFlags {
    TransferFlags {
        interrupt_on_completion: trb.read(&layout::INTERRUPT_ON_COMPLETION),
        interrupt_on_short_packet: trb.read(&layout::INTERRUPT_ON_SHORT_PACKET),
        chain: trb.read(&layout::CHAIN),
        evaluate_next: trb.read(&layout::EVALUATE_NEXT),
        no_snoop: trb.read(&layout::NO_SNOOP),
        block_event_interrupt: trb.read(&layout::BLOCK_EVENT_INTERRUPT),
    }
}

/// The fields that TRBs with a buffer share; Block Event Interrupt is not among them, for a Data Stage TRB has none.
fn buffer(trb: Trb, data: Data, length: u32, td_size: u8, flags: TransferFlags) -> Trb {
    let trb = trb
        .with(&layout::LENGTH, length)
        .with(&layout::TD_SIZE, td_size)
        .with(
            &layout::INTERRUPT_ON_SHORT_PACKET,
            flags.interrupt_on_short_packet,
        )
        .with(&layout::NO_SNOOP, flags.no_snoop);
    match data {
        Data::Pointer(at) => trb.with(&layout::DATA, at),
        Data::Immediate(bytes) => trb
            .with(&layout::DATA, u64::from_le_bytes(bytes))
            .with(&layout::IMMEDIATE_DATA, true),
    }
}
