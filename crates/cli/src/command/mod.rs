//! The verbs.

mod up;
mod usb;

use clap::Subcommand;

use crate::args::{Arguments, Common};
use crate::failure::Failure;
use crate::output::Out;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Bring a controller up, show what is plugged in, read a disk
    Up(up::Up),
    /// Look at USB devices and use them
    #[command(subcommand)]
    Usb(usb::Verb),
}

impl Verb {
    pub(crate) fn common(&self) -> &Common {
        match self {
            Self::Up(up) => &up.common,
            Self::Usb(verb) => verb.common(),
        }
    }
}

pub(crate) fn run(arguments: Arguments, out: &mut Out) -> Result<(), Failure> {
    match arguments.verb {
        Verb::Up(up) => up.run(out),
        Verb::Usb(verb) => verb.run(out),
    }
}
