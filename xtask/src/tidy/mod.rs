//! The house rules, read to the tree.
//!
//! Each check is a function over a [`Tree`] that writes what it finds into a [`Report`]; each has tests that prove it
//! can fail. What is data (the import table, the long files that are allowed) stands at the head of its file.

mod imports;
mod index;
mod length;
mod licences;
mod paths;
pub(crate) mod rooms;
pub(crate) mod source;
pub(crate) mod tree;
mod unsafe_rooms;
mod words;

use anyhow::Result;

use crate::machine::Workspace;
use crate::step::Outcome;
use tree::Tree;

/// What the checks found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl Report {
    /// Notes a broken rule. `place` is a path, or `path:line`.
    fn error(&mut self, place: impl std::fmt::Display, text: impl std::fmt::Display) {
        self.errors.push(format!("{place}: {text}"));
    }

    /// Notes something to look at that breaks no rule.
    fn warning(&mut self, place: impl std::fmt::Display, text: impl std::fmt::Display) {
        self.warnings.push(format!("{place}: {text}"));
    }
}

type Check = fn(&Tree, &mut Report);

/// All checks that need only the tree.
const CHECKS: &[(&str, Check)] = &[
    ("every source file can be read as Rust", source::check),
    ("imports follow the table of rooms", imports::check),
    (
        "memory takes one name from xhci-spec",
        imports::check_one_name,
    ),
    ("each folder's index equals the folder", index::check),
    (
        "unsafe stands only in its rooms, with proofs",
        unsafe_rooms::check,
    ),
    ("layers 0 to 2 say no_std", unsafe_rooms::check_no_std),
    ("no unfinished or hidden work, no allow", words::check_code),
    ("nothing of a machine in the tree", words::check_files),
    ("files and functions are short", length::check),
];

/// Runs all checks and prints what they found.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let tree = Tree::read(&workspace.root)?;
    let mut report = Report::default();
    let mut failed = 0;
    let mut after = |name: &str, report: &mut Report| {
        let ok = report.errors.is_empty();
        failed += u64::from(!ok);
        println!("{} {name}", if ok { "ok    " } else { "FAILED" });
        for error in report.errors.drain(..) {
            println!("       error: {error}");
        }
    };
    for (name, check) in CHECKS {
        check(&tree, &mut report);
        after(name, &mut report);
    }
    licences::check(workspace, &mut report)?;
    after("licences and sources are those of deny.toml", &mut report);
    for warning in &report.warnings {
        println!("warning: {warning}");
    }
    let checks = CHECKS.len() as u64 + 1;
    let note = format!(
        "{checks} checks, {failed} failed, {} warnings",
        report.warnings.len()
    );
    println!("tidy: {note}");
    Ok(Outcome {
        passed: checks - failed,
        failed,
        note,
    })
}

#[cfg(test)]
impl Report {
    /// What `check` finds in a tree of these files.
    fn of(check: Check, files: &[(&str, &str)]) -> Self {
        let mut report = Self::default();
        check(&tree::fixture(files), &mut report);
        report
    }

    #[track_caller]
    fn assert_clean(&self) {
        assert!(self.errors.is_empty(), "{:#?}", self.errors);
    }

    /// Asserts that there is exactly one error, and that it says `words`.
    #[track_caller]
    fn assert_says(&self, words: &str) {
        assert!(
            self.errors.len() == 1 && self.errors[0].contains(words),
            "expected one «{words}»: {:#?}",
            self.errors
        );
    }
}

#[cfg(test)]
mod tests {
    use super::CHECKS;

    #[test]
    fn architecture_names_every_check_as_the_proof_of_an_invariant() {
        let page = include_str!("../../../ARCHITECTURE.md");
        for (name, _) in CHECKS {
            let named = |line: &str| {
                line.starts_with("**Invariant:**") && line.contains(&format!("*{name}*"))
            };
            assert!(
                page.lines().any(named),
                "ARCHITECTURE.md has no invariant proved by *{name}*"
            );
        }
    }
}
