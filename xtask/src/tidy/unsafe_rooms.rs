//! `unsafe` stands in its rooms only, each time with its proof; layers 0 to 2 are `no_std`.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenTree};

use super::Report;
use super::index::is_root;
use super::rooms::{Layer, UNSAFE_ROOMS};
use super::source::{Source, attribute, group, holds_word, is_ident, is_punct, line, visit};
use super::tree::Tree;

/// How many lines above an `unsafe` its proof may begin.
const PROOF_LINES: usize = 16;

/// Programs that run inside guests may use `unsafe`, with proofs.
const GUEST_PROGRAMS: &str = "guest";

/// Crate roots forbid `unsafe`, save in its rooms; there each use has its proof, and elsewhere there is none.
pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for source in &tree.sources {
        let package = tree.package_of(&source.path);
        let allowed = package.is_some_and(|package| UNSAFE_ROOMS.contains(&package.room.as_str()))
            || source.path.starts_with(GUEST_PROGRAMS);
        if allowed {
            check_proofs(source, report);
            continue;
        }
        for line in uses(source) {
            report.error(
                source.at(line),
                format!("unsafe outside its rooms ({})", UNSAFE_ROOMS.join(", ")),
            );
        }
        let root =
            package.is_some_and(|package| is_root(&package.folder.join("src"), &source.path));
        if root && !says(source, "forbid", "unsafe_code") {
            report.error(
                source.path.display(),
                "the crate root lacks #![forbid(unsafe_code)]",
            );
        }
    }
}

/// The library roots of layers 0 to 2 say `#![no_std]`, without condition.
pub(crate) fn check_no_std(tree: &Tree, report: &mut Report) {
    for package in &tree.packages {
        let root = package.folder.join("src/lib.rs");
        let Some(room) = package.row().filter(|room| room.layer <= Layer::Core) else {
            continue;
        };
        let source = tree.sources.iter().find(|source| source.path == root);
        if !source.is_some_and(|source| says(source, "no_std", "no_std")) {
            report.error(
                root.display(),
                format!("{} is below the edges and lacks #![no_std]", room.name),
            );
        }
    }
}

/// True when the file has a `#![name(…word…)]`, or `#![name]` with `word` being the name itself.
fn says(source: &Source, name: &str, word: &str) -> bool {
    let slice: Vec<TokenTree> = source.tokens.clone().into_iter().collect();
    (0..slice.len())
        .filter(|index| is_punct(slice.get(index + 1), '!'))
        .any(|index| {
            let Some(inside) = attribute(&slice, index) else {
                return false;
            };
            is_ident(inside.clone().into_iter().next().as_ref(), name) && holds_word(&inside, word)
        })
}

/// The lines of each `unsafe` that opens a block or an item; the type `unsafe fn(…)` needs no proof.
fn uses(source: &Source) -> Vec<usize> {
    let mut lines = Vec::new();
    visit(&source.tokens, &mut |slice, index| {
        let is_type = is_ident(slice.get(index + 1), "fn")
            && group(slice, index + 2, Delimiter::Parenthesis).is_some();
        // `#[unsafe(no_mangle)]` is as unsafe as a block.
        if is_ident(slice.get(index), "unsafe") && !is_type {
            lines.extend(slice.get(index).map(line));
        }
    });
    lines
}

/// Each `unsafe` has its own `// SAFETY:` or `# Safety` above it: a proof serves one place.
fn check_proofs(source: &Source, report: &mut Report) {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut taken = BTreeSet::new();
    for at in uses(source) {
        match proof_above(&lines, at, &taken) {
            Some(proof) => drop(taken.insert(proof)),
            None => report.error(
                source.at(at),
                "unsafe without its own `// SAFETY:` or `# Safety` above it",
            ),
        }
    }
}

/// The line of the nearest proof above line `at` that no other `unsafe` has taken, in the same paragraph of code.
fn proof_above(lines: &[&str], at: usize, taken: &BTreeSet<usize>) -> Option<usize> {
    let first = at.saturating_sub(PROOF_LINES).max(1);
    for number in (first..=at).rev() {
        let text = lines.get(number - 1)?.trim();
        let comment = text
            .find("//")
            .and_then(|start| text.get(start..))
            .unwrap_or("");
        if (comment.contains("SAFETY:") || comment.contains("# Safety")) && !taken.contains(&number)
        {
            return Some(number);
        }
        if text.is_empty() {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(check: super::super::Check, room: &str, code: &str) -> Report {
        let manifest = format!("[package]\nname = \"doorbell-{room}\"\n");
        let root = format!("crates/{room}/src/lib.rs");
        Report::of(
            check,
            &[
                (&format!("crates/{room}/Cargo.toml"), &manifest),
                (&root, code),
            ],
        )
    }

    #[test]
    fn a_crate_root_without_the_ban_fails() {
        of(check, "block", "#![forbid(unsafe_code)]\nfn f() {}").assert_clean();
        of(check, "block", "// #![forbid(unsafe_code)]\nfn f() {}")
            .assert_says("lacks #![forbid(unsafe_code)]");
        of(check, "block", "#![deny(unsafe_code)]").assert_says("lacks #![forbid(unsafe_code)]");
    }

    #[test]
    fn unsafe_outside_its_rooms_fails_even_in_a_test() {
        let report = Report::of(
            check,
            &[(
                "crates/host/tests/a.rs",
                "#[test]\nfn t() { unsafe { f() } }",
            )],
        );
        report.assert_says("crates/host/tests/a.rs:2: unsafe outside its rooms");
        Report::of(
            check,
            &[(
                "crates/host/tests/a.rs",
                "// unsafe\nfn t() { \"unsafe\"; }",
            )],
        )
        .assert_clean();
    }

    #[test]
    fn unsafe_in_its_room_needs_its_own_proof() {
        of(
            check,
            "volmem",
            "fn f() {\n    // SAFETY: p is inside the mapping.\n    let x = unsafe { *p };\n}",
        )
        .assert_clean();
        of(
            check,
            "volmem",
            "/// Reads.\n///\n/// # Safety\n/// p is valid.\npub unsafe fn f() {}",
        )
        .assert_clean();
        of(check, "volmem", "type F = unsafe fn(u8);").assert_clean();
        of(check, "volmem", "fn f() {\n    let x = unsafe { *p };\n}")
            .assert_says("lib.rs:2: unsafe without its own");
        let two =
            "fn f() {\n    // SAFETY: p is inside.\n    unsafe { *p };\n    unsafe { *q };\n}";
        of(check, "volmem", two).assert_says("lib.rs:4: unsafe without its own");
        of(
            check,
            "volmem",
            "// SAFETY: far away.\n\nunsafe impl Send for A {}",
        )
        .assert_says("lib.rs:3");
    }

    #[test]
    fn guest_programs_may_use_it_with_proofs() {
        Report::of(
            check,
            &[(
                "guest/poke.rs",
                "// SAFETY: BAR0 is mapped.\nconst A: u8 = unsafe { f() };",
            )],
        )
        .assert_clean();
        Report::of(check, &[("guest/poke.rs", "const A: u8 = unsafe { f() };")])
            .assert_says("without its own");
    }

    #[test]
    fn a_lower_room_that_does_not_say_no_std_fails() {
        of(check_no_std, "xhci-spec", "#![no_std]").assert_clean();
        of(check_no_std, "xhci-spec", "//! #![no_std]").assert_says("lacks #![no_std]");
        of(check_no_std, "xhci-spec", "#![cfg_attr(not(test), no_std)]")
            .assert_says("lacks #![no_std]");
        of(check_no_std, "host", "").assert_clean();
    }
}
