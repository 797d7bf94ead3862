//! A Rust file as tokens.
//!
//! Tokens, not a syntax tree: they know comments and strings from code, which is all that the checks need, they reach
//! into macros, and `proc-macro2` is in every build already where `syn` with all its features is not.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::Report;
use super::tree::Tree;

/// One Rust file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the tree's root.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    /// Empty when the file could not be read as Rust; `problem` says why.
    pub(crate) tokens: TokenStream,
    problem: Option<String>,
    /// Lines that only test builds compile: items under `#[cfg(test)]`.
    test_lines: Vec<RangeInclusive<usize>>,
}

impl Source {
    pub(crate) fn parse(path: PathBuf, text: String) -> Self {
        let (tokens, problem) = match text.parse::<TokenStream>() {
            Ok(tokens) => (tokens, None),
            Err(error) => (TokenStream::new(), Some(error.to_string())),
        };
        let mut test_lines = Vec::new();
        visit(&tokens, &mut |slice, index| {
            test_lines.extend(test_item(slice, index))
        });
        if let Some(first) = inner_attribute_of_test(&tokens) {
            test_lines.push(first..=usize::MAX);
        }
        Self {
            path,
            text,
            tokens,
            problem,
            test_lines,
        }
    }

    /// `path:line`.
    pub(crate) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }

    /// True for code that is not shipped: in `tests`, `benches`, `examples` or `fuzz` folders, or under `#[cfg(test)]`.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        self.is_test_file() || self.test_lines.iter().any(|range| range.contains(&line))
    }

    /// True for a file that holds only test code, told by its place or its name.
    pub(crate) fn is_test_file(&self) -> bool {
        let folder = |name: &str| self.path.components().any(|part| part.as_os_str() == name);
        ["tests", "benches", "examples", "fuzz"]
            .into_iter()
            .any(folder)
            || self.path.ends_with("tests.rs")
    }

    /// Lines of shipped code and its comments.
    pub(crate) fn shipped_lines(&self) -> usize {
        (1..=self.text.lines().count())
            .filter(|line| !self.is_test(*line))
            .count()
    }
}

/// Every file must be readable, or the other checks would be blind to it.
pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for source in &tree.sources {
        if let Some(problem) = &source.problem {
            report.error(
                source.path.display(),
                format!("cannot be read as Rust: {problem}"),
            );
        }
    }
}

/// Calls `see` with every token, as its surrounding sequence and its place in it; outer tokens first.
pub(crate) fn visit(tokens: &TokenStream, see: &mut dyn FnMut(&[TokenTree], usize)) {
    let slice: Vec<TokenTree> = tokens.clone().into_iter().collect();
    for (index, token) in slice.iter().enumerate() {
        see(&slice, index);
        if let TokenTree::Group(group) = token {
            visit(&group.stream(), see);
        }
    }
}

/// The line on which a token begins.
pub(crate) fn line(token: &TokenTree) -> usize {
    token.span().start().line
}

pub(crate) fn is_ident(token: Option<&TokenTree>, name: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == name)
}

pub(crate) fn is_punct(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

/// The group at `index`, if it has this delimiter.
pub(crate) fn group(slice: &[TokenTree], index: usize, delimiter: Delimiter) -> Option<&Group> {
    match slice.get(index) {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

/// The inside of an attribute whose `#` stands at `index`; `#[…]` and `#![…]` alike.
pub(crate) fn attribute(slice: &[TokenTree], index: usize) -> Option<TokenStream> {
    if !is_punct(slice.get(index), '#') {
        return None;
    }
    let inside = if is_punct(slice.get(index + 1), '!') {
        index + 2
    } else {
        index + 1
    };
    group(slice, inside, Delimiter::Bracket).map(Group::stream)
}

/// True when the tokens hold this word, at any depth.
pub(crate) fn holds_word(tokens: &TokenStream, word: &str) -> bool {
    let mut found = false;
    visit(tokens, &mut |slice, index| {
        found |= is_ident(slice.get(index), word)
    });
    found
}

fn is_cfg_test(attribute: &TokenStream) -> bool {
    let is_cfg = is_ident(attribute.clone().into_iter().next().as_ref(), "cfg");
    is_cfg
        && holds_word(attribute, "test")
        && !holds_word(attribute, "not")
        && !holds_word(attribute, "any")
}

/// The lines of the item under a `#[cfg(test)]` that stands at `index`: to its closing brace or its semicolon.
fn test_item(slice: &[TokenTree], index: usize) -> Option<RangeInclusive<usize>> {
    let start = slice.get(index)?;
    if is_punct(slice.get(index + 1), '!') || !is_cfg_test(&attribute(slice, index)?) {
        return None;
    }
    let ends = |token: &&TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        other => is_punct(Some(other), ';'),
    };
    let end = slice.iter().skip(index + 2).find(ends).or(slice.last())?;
    Some(line(start)..=end.span().end().line)
}

/// The line of a `#![cfg(test)]` at the head of a file.
fn inner_attribute_of_test(tokens: &TokenStream) -> Option<usize> {
    let slice: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let heads = (0..slice.len()).filter(|index| is_punct(slice.get(index + 1), '!'));
    heads
        .into_iter()
        .find(|index| attribute(&slice, *index).is_some_and(|inside| is_cfg_test(&inside)))
        .map(|_| 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source::parse(path.into(), text.to_owned())
    }

    #[test]
    fn lines_under_cfg_test_are_test_lines_and_others_are_not() {
        let text = "fn a() {}\n#[cfg(test)]\nextern crate std;\nfn b() {}\n#[cfg(test)]\nmod tests {\n    fn c() {}\n}\n";
        let file = source("crates/memory/src/lib.rs", text);
        let tests: Vec<usize> = (1..=8).filter(|line| file.is_test(*line)).collect();
        assert_eq!(tests, [2, 3, 5, 6, 7, 8]);
        assert_eq!(file.shipped_lines(), 2);
        assert!(!source("src/lib.rs", "#[cfg(not(test))]\nfn a() {}\n").is_test(2));
        assert!(source("src/kit.rs", "//! Kit.\n#![cfg(test)]\nfn a() {}\n").is_test(3));
    }

    #[test]
    fn a_file_is_test_code_by_its_place() {
        assert!(source("crates/host/tests/disk.rs", "").is_test(1));
        assert!(source("crates/host/src/lane/tests.rs", "").is_test(1));
        assert!(!source("crates/host/src/tested.rs", "").is_test(1));
    }

    #[test]
    fn a_file_that_is_not_rust_is_an_error() {
        Report::of(check, &[("a.rs", "fn f( {")]).assert_says("cannot be read as Rust");
        Report::of(check, &[("a.rs", "fn f() { \"}\"; }")]).assert_clean();
    }
}
