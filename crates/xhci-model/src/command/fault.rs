use xhci_spec::trb::TrbType;

/// Commands that go wrong on purpose, so that a driver's way out can be tried. xHCI 1.2 §4.6.1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandFaults {
    /// Which commands never complete by themselves.
    pub stuck: Option<StuckCommand>,
    /// Whether a stuck command ends when it is aborted. If not, CRR stays 1 and only a reset of the controller helps.
    pub lets_go: bool,
    /// The ring stops without a Command Ring Stopped event; only CRR tells.
    pub omit_stopped_event: bool,
}

/// Which commands get stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StuckCommand {
    /// Each command of this type.
    Type(TrbType),
    /// The n-th TRB taken from the command ring since power-on, counted from 1.
    Nth(u64),
}

impl Default for CommandFaults {
    /// No fault.
    fn default() -> Self {
        Self {
            stuck: None,
            lets_go: true,
            omit_stopped_event: false,
        }
    }
}

impl CommandFaults {
    pub(super) fn catches(&self, trb_type: TrbType, number: u64) -> bool {
        match self.stuck {
            Some(StuckCommand::Type(stuck)) => stuck == trb_type,
            Some(StuckCommand::Nth(stuck)) => stuck == number,
            None => false,
        }
    }
}
