#![no_std]
#![forbid(unsafe_code)]
//! The data of xHCI 1.2: numbers, TRBs, contexts, registers, extended capabilities and legal state transitions.
//!
//! Everything here is a value. A structure of the specification appears twice: raw, as the dwords that lie in memory (so that nothing
//! unknown is lost), and as meaning, with a `parse` and an `emit` that are each other's inverse. Where each field lies is declared once
//! as a [`field::Field`]; getters, setters, `Debug` output, reserved-bit masks and layout tests all read that declaration.
//!
//! What this crate does *not* do: it touches no memory and no register, knows no ring position, keeps no time, allocates nothing, logs
//! nothing and decides nothing. Cursors and cycle state live in `xhci-ring`, sequences in `xhci-driver`, behaviour in `xhci-model`.
//!
//! A section mark "(unchecked)" says that nobody could compare the number with the specification's text or with a public source that
//! cites it.
//!
//! ```
//! use xhci_spec::number::{Iova, SlotId};
//! use xhci_spec::trb::Command;
//!
//! let slot = SlotId::new(3).expect("3 is not 0");
//! let command = Command::EvaluateContext { input: Iova(0x1_0000_2000), slot };
//! let trb = command.emit().with_cycle(true);
//! assert_eq!(trb.0, [0x0000_2000, 0x1, 0, 0x0300_3401]);
//! assert_eq!(Command::parse(trb), Ok(command));
//! ```

pub mod context;
pub mod extended;
pub mod field;
pub mod number;
pub mod registers;
pub mod state;
pub mod trb;
