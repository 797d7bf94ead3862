//! Event TRBs (xHCI 1.2 §6.4.2).

use super::{CompletionCode, Trb, TrbType, layout};
use crate::number::{Dci, Iova, PortId, SlotId};

/// What the controller tells software.
///
/// Every TRB is some event: numbers that may not be 0 are `None` there, and what has no name stays raw, for the reader on an event ring
/// cannot refuse what it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A transfer TRB ended, or an endpoint has something to say (§6.4.2.1).
    Transfer {
        /// The TRB; software's own 64 bits where `event_data` is true; may be 0 for some codes.
        trb: Iova,
        /// Bytes of the TRB not transferred, 24 bits; where `event_data` is true, bytes of the TD that were transferred.
        residue: u32,
        /// How it ended.
        code: CompletionCode,
        /// The endpoint.
        endpoint: Option<Dci>,
        /// The slot.
        slot: Option<SlotId>,
        /// Whether an Event Data TRB made the event.
        event_data: bool,
    },
    /// A command ended (§6.4.2.2).
    CommandCompletion {
        /// The command's TRB.
        trb: Iova,
        /// What some commands return, 24 bits.
        parameter: u32,
        /// How it ended.
        code: CompletionCode,
        /// The slot that the command was about, or got.
        slot: Option<SlotId>,
        /// The virtual function that sent it; 0 without virtualisation.
        virtual_function: u8,
    },
    /// A change bit of a port went from 0 to 1 (§6.4.2.3).
    PortStatusChange {
        /// The port.
        port: Option<PortId>,
        /// Success.
        code: CompletionCode,
    },
    /// Another device needs bandwidth (§6.4.2.4).
    BandwidthRequest {
        /// Success.
        code: CompletionCode,
        /// The slot asked to give some up.
        slot: Option<SlotId>,
    },
    /// A virtual function rang an emulated device's doorbell (§6.4.2.5).
    Doorbell {
        /// The doorbell's target, 5 bits.
        reason: u8,
        /// Success.
        code: CompletionCode,
        /// The virtual function.
        virtual_function: u8,
        /// The slot.
        slot: Option<SlotId>,
    },
    /// The controller is in trouble, for example because an event ring is full (§6.4.2.6).
    HostController {
        /// Which trouble.
        code: CompletionCode,
    },
    /// A device sent a Device Notification packet (§6.4.2.7).
    DeviceNotification {
        /// Notification type, 4 bits; 1 is Function Wake.
        notification_type: u8,
        /// Data of the packet, 56 bits.
        data: u64,
        /// Success.
        code: CompletionCode,
        /// The slot.
        slot: Option<SlotId>,
    },
    /// The microframe counter wrapped (§6.4.2.8).
    MfindexWrap {
        /// Success.
        code: CompletionCode,
    },
    /// Any other TRB, vendors' events among them, kept whole but for the cycle bit.
    Unknown(Trb),
}

impl Event {
    /// Reads a TRB of an event ring; every TRB is something.
    #[must_use]
    pub fn parse(trb: Trb) -> Self {
        let code = trb.read(&layout::COMPLETION_CODE);
        let slot = trb.read(&layout::SLOT);
        match trb.trb_type() {
            TrbType::TRANSFER_EVENT => Self::Transfer {
                trb: trb.read(&layout::EVENT_TRB),
                residue: trb.read(&layout::RESIDUE),
                code,
                endpoint: trb.read(&layout::ENDPOINT),
                slot,
                event_data: trb.read(&layout::EVENT_DATA_FLAG),
            },
            TrbType::COMMAND_COMPLETION => Self::CommandCompletion {
                trb: trb.read(&layout::COMMAND_TRB),
                parameter: trb.read(&layout::PARAMETER),
                code,
                slot,
                virtual_function: trb.read(&layout::VIRTUAL_FUNCTION),
            },
            TrbType::PORT_STATUS_CHANGE => Self::PortStatusChange {
                port: trb.read(&layout::PORT),
                code,
            },
            TrbType::BANDWIDTH_REQUEST => Self::BandwidthRequest { code, slot },
            TrbType::DOORBELL => Self::Doorbell {
                reason: trb.read(&layout::DOORBELL_REASON),
                code,
                virtual_function: trb.read(&layout::VIRTUAL_FUNCTION),
                slot,
            },
            TrbType::HOST_CONTROLLER => Self::HostController { code },
            TrbType::DEVICE_NOTIFICATION => Self::DeviceNotification {
                notification_type: trb.read(&layout::NOTIFICATION_TYPE),
                data: trb.read(&layout::NOTIFICATION_DATA),
                code,
                slot,
            },
            TrbType::MFINDEX_WRAP => Self::MfindexWrap { code },
            _ => Self::Unknown(trb.with_cycle(false)),
        }
    }

    /// Writes it, cycle bit 0; numbers wider than their fields lose their upper bits.
    #[must_use]
    pub fn emit(&self) -> Trb {
        let start =
            |code: CompletionCode| Trb::new(self.trb_type()).with(&layout::COMPLETION_CODE, code);
        match *self {
            Self::Transfer {
                trb,
                residue,
                code,
                endpoint,
                slot,
                event_data,
            } => start(code)
                .with(&layout::EVENT_TRB, trb)
                .with(&layout::RESIDUE, residue)
                .with(&layout::ENDPOINT, endpoint)
                .with(&layout::SLOT, slot)
                .with(&layout::EVENT_DATA_FLAG, event_data),
            Self::CommandCompletion {
                trb,
                parameter,
                code,
                slot,
                virtual_function,
            } => start(code)
                .with(&layout::COMMAND_TRB, trb)
                .with(&layout::PARAMETER, parameter)
                .with(&layout::SLOT, slot)
                .with(&layout::VIRTUAL_FUNCTION, virtual_function),
            Self::PortStatusChange { port, code } => start(code).with(&layout::PORT, port),
            Self::BandwidthRequest { code, slot } => start(code).with(&layout::SLOT, slot),
            Self::Doorbell {
                reason,
                code,
                virtual_function,
                slot,
            } => start(code)
                .with(&layout::DOORBELL_REASON, reason)
                .with(&layout::VIRTUAL_FUNCTION, virtual_function)
                .with(&layout::SLOT, slot),
            Self::HostController { code } | Self::MfindexWrap { code } => start(code),
            Self::DeviceNotification {
                notification_type,
                data,
                code,
                slot,
            } => start(code)
                .with(&layout::NOTIFICATION_TYPE, notification_type)
                .with(&layout::NOTIFICATION_DATA, data)
                .with(&layout::SLOT, slot),
            Self::Unknown(trb) => trb.with_cycle(false),
        }
    }

    /// Which TRB carries it.
    #[must_use]
    pub const fn trb_type(&self) -> TrbType {
        match self {
            Self::Transfer { .. } => TrbType::TRANSFER_EVENT,
            Self::CommandCompletion { .. } => TrbType::COMMAND_COMPLETION,
            Self::PortStatusChange { .. } => TrbType::PORT_STATUS_CHANGE,
            Self::BandwidthRequest { .. } => TrbType::BANDWIDTH_REQUEST,
            Self::Doorbell { .. } => TrbType::DOORBELL,
            Self::HostController { .. } => TrbType::HOST_CONTROLLER,
            Self::DeviceNotification { .. } => TrbType::DEVICE_NOTIFICATION,
            Self::MfindexWrap { .. } => TrbType::MFINDEX_WRAP,
            Self::Unknown(trb) => trb.trb_type(),
        }
    }
}
