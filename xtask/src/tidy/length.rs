//! Files and functions are short enough to be read in one go.

use std::path::Path;

use proc_macro2::{Delimiter, TokenTree};

use super::Report;
use super::source::{Source, group, is_ident, is_punct, line, visit};
use super::tree::Tree;

/// Lines of shipped code, comments included, that a file may have.
const FILE_LINES_MAX: usize = 500;

/// Lines that a function should not exceed.
const FUNCTION_LINES: usize = 70;

/// Files that may be longer, and why. An entry that is no longer needed is an error.
const LONG_FILES: &[(&str, &str)] = &[];

/// Too long a file is an error, too long a function a warning.
pub(crate) fn check(tree: &Tree, report: &mut Report) {
    check_with(LONG_FILES, tree, report);
}

fn check_with(allowed: &[(&str, &str)], tree: &Tree, report: &mut Report) {
    for source in &tree.sources {
        let lines = source.shipped_lines();
        let entry = allowed
            .iter()
            .any(|(path, _)| Path::new(path) == source.path);
        if lines > FILE_LINES_MAX && !entry {
            report.error(
                source.path.display(),
                format!("{lines} lines without tests; {FILE_LINES_MAX} is the limit"),
            );
        }
        if lines <= FILE_LINES_MAX && entry {
            report.error(
                source.path.display(),
                "is short now: take it off the list of long files",
            );
        }
        check_functions(source, report);
    }
    for (path, reason) in allowed {
        if !tree
            .sources
            .iter()
            .any(|source| source.path == Path::new(path))
        {
            report.error(path, "is on the list of long files and does not exist");
        }
        if reason.trim().is_empty() {
            report.error(path, "is on the list of long files without a reason");
        }
    }
}

fn check_functions(source: &Source, report: &mut Report) {
    visit(&source.tokens, &mut |slice, index| {
        let (Some(start), Some(TokenTree::Ident(name))) = (slice.get(index), slice.get(index + 1))
        else {
            return;
        };
        if !is_ident(Some(start), "fn") {
            return;
        }
        let ends = |at: &usize| {
            is_punct(slice.get(*at), ';') || group(slice, *at, Delimiter::Brace).is_some()
        };
        let Some(end) = (index + 2..slice.len())
            .find(ends)
            .and_then(|at| slice.get(at))
        else {
            return;
        };
        let lines = end.span().end().line + 1 - line(start);
        if lines > FUNCTION_LINES {
            report.warning(
                source.at(line(start)),
                format!("fn {name} has {lines} lines; aim at {FUNCTION_LINES}"),
            );
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::fixture;

    fn of(allowed: &[(&str, &str)], text: &str) -> Report {
        let mut report = Report::default();
        check_with(allowed, &fixture(&[("a.rs", text)]), &mut report);
        report
    }

    #[test]
    fn a_file_past_the_limit_fails_and_its_tests_do_not_count() {
        of(&[], &"// x\n".repeat(500)).assert_clean();
        of(&[], &"// x\n".repeat(501)).assert_says("501 lines without tests");
        let tests = format!(
            "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
            "// x\n".repeat(500),
            "// x\n".repeat(300)
        );
        of(&[], &tests).assert_clean();
    }

    #[test]
    fn a_listed_file_may_be_long_until_it_is_short_again() {
        of(&[("a.rs", "a table")], &"// x\n".repeat(501)).assert_clean();
        of(&[("a.rs", "a table")], "").assert_says("take it off the list");
        of(
            &[("a.rs", "a table"), ("b.rs", "gone")],
            &"// x\n".repeat(501),
        )
        .assert_says("b.rs: is on the list");
        of(&[("a.rs", " ")], &"// x\n".repeat(501)).assert_says("without a reason");
    }

    #[test]
    fn a_long_function_is_a_warning() {
        let report = of(&[], &format!("fn f() {{\n{}}}\n", "    g();\n".repeat(69)));
        report.assert_clean();
        assert_eq!(report.warnings, ["a.rs:1: fn f has 71 lines; aim at 70"]);
        assert!(
            of(&[], &format!("fn f() {{\n{}}}\n", "    g();\n".repeat(68)))
                .warnings
                .is_empty()
        );
    }
}
