//! `doorbell usb …`

mod clear_halt;
mod describe;
mod keyboard;
mod read;
mod tree;
mod write;

use clap::Subcommand;

use crate::args::Common;
use crate::failure::Failure;
use crate::output::Out;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show what is plugged in
    Tree(tree::Tree),
    /// Show a device's descriptors
    Describe(describe::Describe),
    /// Copy bytes of a disk into a file
    Read(read::Read),
    /// Copy a file onto a disk
    Write(write::Write),
    /// Print what a keyboard sends
    Type(keyboard::Type),
    /// End an endpoint's halt, in the controller and in the device
    ClearHalt(clear_halt::ClearHalt),
}

impl Verb {
    pub(crate) fn common(&self) -> &Common {
        match self {
            Self::Tree(verb) => &verb.common,
            Self::Describe(verb) => &verb.common,
            Self::Read(verb) => &verb.common,
            Self::Write(verb) => &verb.common,
            Self::Type(verb) => &verb.common,
            Self::ClearHalt(verb) => &verb.common,
        }
    }

    pub(crate) fn run(self, out: &mut Out) -> Result<(), Failure> {
        match self {
            Self::Tree(verb) => verb.run(out),
            Self::Describe(verb) => verb.run(out),
            Self::Read(verb) => verb.run(out),
            Self::Write(verb) => verb.run(out),
            Self::Type(verb) => verb.run(out),
            Self::ClearHalt(verb) => verb.run(out),
        }
    }
}
