//! `cargo xtask test` and `cargo xtask ci`: everything that must hold, in one run.

use anyhow::Result;

use crate::machine::{self, Workspace, output, show};
use crate::step::{Outcome, Steps, count_tests};
use crate::{nostd, tidy};

/// How strict a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// At a desk: quick to repeat.
    Developer,
    /// On a fresh machine: `Cargo.lock` is law, no incremental files, versions printed, cargo-deny if it is there.
    BuildMachine,
}

/// Runs all steps, cheapest news first; true when nothing failed.
pub(crate) fn run(workspace: &Workspace, strictness: Strictness) -> bool {
    let strict = strictness == Strictness::BuildMachine;
    let cargo = |verb: &str| {
        let mut command = workspace.cargo([verb]);
        // A test run compares golden files; it never writes them.
        command
            .env_remove("DOORBELL_GOLDEN")
            .env("PATH", machine::search_path());
        if strict && verb != "fmt" {
            command.arg("--locked").env("CARGO_INCREMENTAL", "0");
        }
        command
    };
    let mut steps = Steps::default();
    if strict {
        steps.run("versions", || versions(workspace));
    }
    steps.run("test programs", || {
        machine::ensure_test_programs().map(Outcome::passed)
    });
    steps.run("fmt", || shown(cargo("fmt").args(["--all", "--check"])));
    steps.run("tidy", || tidy::run(workspace));
    if strict && has_cargo_deny(workspace) {
        steps.run("deny", || shown(&mut workspace.cargo(["deny", "check"])));
    }
    steps.run("clippy", || {
        shown(cargo("clippy").args([
            "--workspace",
            "--keep-going",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    });
    steps.run("test", || {
        count_tests(cargo("test").args(["--workspace", "--no-fail-fast"]))
    });
    steps.run("doc", || {
        shown(
            cargo("doc")
                .args(["--workspace", "--keep-going", "--no-deps"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    });
    steps.run("no_std", || nostd::run(workspace));
    steps.finish()
}

fn shown(command: &mut std::process::Command) -> Result<Outcome> {
    show(command).map(|()| Outcome::passed(""))
}

fn versions(workspace: &Workspace) -> Result<Outcome> {
    for verb in ["--version", "fmt", "clippy"] {
        let mut command = workspace.cargo([verb]);
        if verb != "--version" {
            command.arg("--version");
        }
        println!("{}", output(&mut command)?.trim());
    }
    Ok(Outcome::passed(""))
}

fn has_cargo_deny(workspace: &Workspace) -> bool {
    let there = output(&mut workspace.cargo(["deny", "--version"])).is_ok();
    if !there {
        println!(
            "\ncargo-deny is not installed; tidy reads licences and sources against deny.toml in its place"
        );
    }
    there
}
