//! The project's own tasks: `cargo xtask <verb>`.
//!
//! `test` is the one command that says whether the tree is good; `ci` is the same with the strictness a fresh
//! machine wants; `tidy` reads the house rules to the tree; `nostd` proves layers 0 to 2 free of `std`; `golden`
//! writes the golden files anew; `fuzz` looks for inputs that break something. It does *not* build releases, and
//! no room depends on it.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "a program that talks to the person at the terminal"
)]

mod fuzz;
mod golden;
mod machine;
mod nostd;
mod step;
mod tidy;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::machine::Workspace;

/// Doorbell's tasks. `cargo xtask test` passes everything that must hold.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run every check: formatting, tidy, clippy, all tests, documentation, the no_std proof.
    ///
    /// Every step runs even when an earlier one failed; the exit code is not 0 if any did. Tests make real file
    /// systems with mkfs.vfat, mkfs.ext4 and mcopy; when one is missing and this runs as root on a Debian-like
    /// system, its package is installed with apt-get.
    Test,
    /// Run `test` as a build machine should: locked dependencies, no incremental files, and cargo-deny if installed.
    Ci,
    /// Check the house rules: import table, folder indexes, unsafe rooms, words, lengths, licences.
    Tidy,
    /// Prove that layers 0 to 2 build without std.
    Nostd,
    /// Write tests/golden anew from what the tests produce, and list what changed.
    Golden,
    /// Look for inputs that break a parser, a ring, a device or a host; see docs/guide/fuzzing.md.
    ///
    /// An input that breaks a target is kept under fuzz/corpus, where the ordinary tests play it until it passes.
    Fuzz {
        /// One target, by the name of its file in fuzz/src/target; all of them, if none is named.
        target: Option<String>,
        /// How long each target runs.
        #[arg(long, default_value_t = 60, value_name = "N")]
        seconds: u32,
        /// Choose the kept inputs anew from all that were found, instead of looking for more.
        #[arg(long)]
        minimize: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments.verb) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one verb; `false` says that it found something wrong.
fn run(verb: &Verb) -> anyhow::Result<bool> {
    let workspace = Workspace::find()?;
    match verb {
        Verb::Test => Ok(verify::run(&workspace, verify::Strictness::Developer)),
        Verb::Ci => Ok(verify::run(&workspace, verify::Strictness::BuildMachine)),
        Verb::Tidy => tidy::run(&workspace).map(|outcome| outcome.failed == 0),
        Verb::Nostd => nostd::run(&workspace).map(|outcome| outcome.failed == 0),
        Verb::Golden => golden::run(&workspace),
        Verb::Fuzz {
            target,
            seconds,
            minimize,
        } => {
            let request = fuzz::Request {
                target: target.as_deref(),
                seconds: *seconds,
                minimize: *minimize,
            };
            fuzz::run(&workspace, &request)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
