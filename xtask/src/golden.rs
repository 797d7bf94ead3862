//! `cargo xtask golden`: writes `tests/golden` anew and lists what changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::machine::{Workspace, search_path};
use crate::step::count_tests;
use crate::tidy::tree::Tree;

/// Files by path, relative to the folder of golden files.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Runs all tests of the packages that call `golden(…)`, with `DOORBELL_GOLDEN=write`; true when they passed.
pub(crate) fn run(workspace: &Workspace) -> Result<bool> {
    let packages = packages(&Tree::read(&workspace.root)?);
    if packages.is_empty() {
        println!("no test calls golden(…); nothing to write");
        return Ok(true);
    }
    let folder = workspace.root.join("tests/golden");
    let before = read(&folder)?;
    let mut command = workspace.cargo(["test", "--no-fail-fast"]);
    for package in &packages {
        command.args(["--package", package]);
    }
    let outcome = count_tests(
        command
            .env("DOORBELL_GOLDEN", "write")
            .env("PATH", search_path()),
    )?;
    let changes = changes(&before, &read(&folder)?);
    println!("\ntests/golden: {} changed", changes.len());
    for change in &changes {
        println!("  {change}");
    }
    if outcome.failed > 0 {
        println!(
            "{} tests failed while golden files were written; look at them before you commit",
            outcome.failed
        );
    }
    Ok(outcome.failed == 0)
}

/// Packages with a source file that calls `golden(`; the test kit only offers it.
fn packages(tree: &Tree) -> BTreeSet<String> {
    let calls = |file: &&crate::tidy::source::Source| file.text.contains("golden(");
    let rooms = tree
        .sources
        .iter()
        .filter(calls)
        .filter_map(|file| tree.package_of(&file.path));
    rooms
        .filter(|package| !["testkit", "xtask"].contains(&package.room.as_str()))
        .map(|package| package.name.clone())
        .collect()
}

fn read(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        let Ok(entries) = fs::read_dir(folder.join(&relative)) else {
            continue;
        };
        for entry in entries {
            let entry = entry.context("reading tests/golden")?;
            let path = relative.join(entry.file_name());
            if entry.file_type().context("reading tests/golden")?.is_dir() {
                open.push(path);
            } else {
                let bytes = fs::read(entry.path())
                    .with_context(|| format!("reading {}", entry.path().display()))?;
                files.insert(path, bytes);
            }
        }
    }
    Ok(files)
}

fn changes(before: &Files, after: &Files) -> Vec<String> {
    let paths: BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    let line = |path: &&PathBuf| {
        let word = match (before.get(*path), after.get(*path)) {
            (None, Some(_)) => "new",
            (Some(_), None) => "gone",
            (old, new) if old != new => "changed",
            _ => return None,
        };
        Some(format!("{word:<8} {}", path.display()))
    };
    paths.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_changed_and_gone_files_are_listed_and_equal_ones_are_not() {
        let place = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(place.path().join(name), text).unwrap();
        fs::create_dir(place.path().join("deep")).unwrap();
        write("same", "1");
        write("deep/changed", "1");
        write("gone", "1");
        let before = read(place.path()).unwrap();
        write("deep/changed", "2");
        write("new", "1");
        fs::remove_file(place.path().join("gone")).unwrap();
        let after = read(place.path()).unwrap();
        assert_eq!(
            changes(&before, &after),
            ["changed  deep/changed", "gone     gone", "new      new"]
        );
    }

    #[test]
    fn only_packages_that_call_golden_are_run() {
        let tree = crate::tidy::tree::fixture(&[
            (
                "crates/usb-spec/Cargo.toml",
                "[package]\nname = \"doorbell-usb-spec\"\n",
            ),
            ("crates/usb-spec/src/lib.rs", "fn f() {}"),
            (
                "crates/memory/Cargo.toml",
                "[package]\nname = \"doorbell-memory\"\n",
            ),
            (
                "crates/memory/tests/log.rs",
                "fn f() { testkit::golden(\"log\", b\"\"); }",
            ),
        ]);
        assert_eq!(
            packages(&tree),
            BTreeSet::from(["doorbell-memory".to_owned()])
        );
    }
}
