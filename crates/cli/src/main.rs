//! `doorbell`: parses arguments, prints. What it does, the rooms below do.
#![forbid(unsafe_code)]

mod args;
mod command;
mod failure;
mod moving;
mod output;
mod session;
mod target;

use std::process::ExitCode;

use clap::Parser;

use args::Arguments;
use failure::Failure;
use output::Out;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut out = Out::new(arguments.wants_json());
    let result = command::run(arguments, &mut out).and_then(|()| out.flush());
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(failure) => {
            out.failure(&failure);
            failure.exit_code()
        }
    }
}
