//! State machines of xHCI 1.2 as tables of legal transitions.
//!
//! A table says what may happen and what follows; it does nothing. A driver expects by it, a model obeys it, a checker
//! judges by it. What is not in a table is illegal in that state: a command then fails with
//! [`slot::refusal`] or [`endpoint::refusal`], a register write is ignored.

pub mod endpoint;
pub mod port;
pub mod slot;

pub use endpoint::EndpointInput;
pub use port::{
    Changes, PortInput, PortTransition, Signals, Usb2Port, Usb3Port, next_usb2, next_usb3,
};
pub use slot::{SlotInput, SlotPhase};

/// One row of a table: in state `from`, `input` leads to `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition<S, I> {
    /// The state before.
    pub from: S,
    /// What happens.
    pub input: I,
    /// The state after.
    pub to: S,
}

const fn row<S: Copy, I: Copy>(from: S, input: I, to: S) -> Transition<S, I> {
    Transition { from, input, to }
}

fn look_up<S: Copy + Eq, I: Copy + Eq>(
    table: &[Transition<S, I>],
    state: S,
    input: I,
) -> Option<S> {
    table
        .iter()
        .find(|row| row.from == state && row.input == input)
        .map(|row| row.to)
}
