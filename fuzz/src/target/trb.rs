//! TRBs of all families: what parses comes back from its own `emit` as the same meaning, and `emit` sets no reserved bit.

use xhci_spec::state::{EndpointInput, SlotInput};
use xhci_spec::trb::{Command, Event, Link, ParseTrbError, Transfer, Trb};

use super::Target;
use crate::input::Input;

pub(super) const TARGET: Target = Target {
    name: "trb",
    about: "command, transfer, event and link TRBs from any dwords",
    longest: 64,
    run,
};

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    while !input.is_empty() {
        let trb = Trb(input.dwords());
        look(trb);
        if let Some(command) = meaning(Command::parse(trb)) {
            assert_eq!(Command::parse(clean(command.emit())), Ok(command));
            let _ = (SlotInput::of(&command), EndpointInput::of(&command));
        }
        if let Some(transfer) = meaning(Transfer::parse(trb)) {
            assert_eq!(Transfer::parse(clean(transfer.emit())), Ok(transfer));
            assert_eq!(transfer.ioc(), trb.ioc());
            assert_eq!(transfer.emit().trb_type(), transfer.trb_type());
            let _ = (
                transfer.interrupter(),
                transfer.chain(),
                transfer.evaluate_next(),
            );
        }
        if let Some(link) = meaning(Link::parse(trb)) {
            assert_eq!(Link::parse(clean(link.emit())), Ok(link));
            assert_eq!(link.toggle_cycle, trb.toggle_cycle());
        }
        let event = Event::parse(trb);
        assert_eq!(Event::parse(event.emit()), event);
        let _ = format!("{event:?} {}", event.trb_type());
    }
}

/// Everything that can be asked of a raw TRB.
fn look(trb: Trb) {
    assert_eq!(trb.with_cycle(!trb.cycle()).cycle(), !trb.cycle());
    assert_eq!(trb.with_cycle(trb.cycle()), trb);
    let _ = (trb.parameter(), trb.status(), trb.control(), trb.chain());
    let _ = (trb.reserved_bits_set(), trb.trb_type().to_string());
}

/// A TRB that we wrote; it has no reserved bit set, and cycle bit 0.
fn clean(trb: Trb) -> Trb {
    assert_eq!(
        trb.reserved_bits_set(),
        [0; 4],
        "reserved bits in {trb:08x?}"
    );
    assert!(!trb.cycle());
    trb
}

/// What was parsed; a refusal can be shown to a person.
fn meaning<T>(parsed: Result<T, ParseTrbError>) -> Option<T> {
    parsed
        .map_err(|error| {
            let _ = (error.to_string(), error.completion_code());
        })
        .ok()
}
