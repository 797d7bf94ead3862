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
use clap::error::ErrorKind;

use args::Arguments;
use failure::Failure;
use output::Out;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() && is_json_wanted() => {
            let failure = misunderstood(&error);
            Out::new(true).failure(&failure);
            return failure.exit_code();
        }
        Err(error) => error.exit(),
    };
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

/// Whether a script is to be answered, although its arguments make no sense.
fn is_json_wanted() -> bool {
    std::env::args_os()
        .skip(1)
        .take_while(|argument| argument != "--")
        .any(|argument| argument == "--json")
}

/// What is wrong with the arguments, as a sentence and a hint.
fn misunderstood(error: &clap::Error) -> Failure {
    const HINT: &str = "`--help` shows what there is";
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Failure::usage("a verb is missing", HINT);
    }
    let text = error.render().to_string();
    let sentence = text.split("\n\n").next().unwrap_or_default();
    let sentence = sentence.strip_prefix("error: ").unwrap_or(sentence);
    let words: Vec<_> = sentence.split_whitespace().collect();
    let tip = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("tip: "));
    Failure::usage(words.join(" "), tip.unwrap_or(HINT))
}
