//! The paths that a file's code names: `use` trees written out, and paths in expressions and types.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::source::{Source, group, is_ident, is_punct, line, visit};

/// A path as written, from its first segment on; `*` stands for all names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// Written with `::` in front, so its head can only be a crate.
    absolute: bool,
}

/// Words that may stand before a path that starts with `::`.
const BEFORE_ABSOLUTE: [&str; 12] = [
    "use", "return", "as", "in", "else", "match", "if", "mut", "dyn", "impl", "for", "where",
];

/// All paths of the file whose head could be a crate: heads that name a module or an import of the file are left out.
pub(crate) fn crate_paths(source: &Source) -> Vec<Path> {
    let mut paths = Vec::new();
    collect(&source.tokens, &mut paths);
    let local = local_names(source);
    paths.retain(|path| {
        path.absolute
            || path
                .segments
                .first()
                .is_some_and(|head| !local.contains(head))
    });
    paths
}

/// Names that the file itself declares with `mod`, or imports from inside its own crate.
fn local_names(source: &Source) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    visit(&source.tokens, &mut |slice, index| {
        let named = |ident: &TokenTree| ident.to_string();
        if is_ident(slice.get(index), "mod") {
            names.extend(slice.get(index + 1).map(named));
        }
    });
    let mut paths = Vec::new();
    collect(&source.tokens, &mut paths);
    for path in &paths {
        let inside = path
            .segments
            .first()
            .is_some_and(|head| ["crate", "self", "super"].contains(&head.as_str()));
        if let (true, Some(last)) = (inside, path.segments.last()) {
            names.insert(last.clone());
        }
    }
    names
}

fn collect(tokens: &TokenStream, paths: &mut Vec<Path>) {
    let slice: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut index = 0;
    while index < slice.len() {
        match slice.get(index) {
            Some(TokenTree::Ident(_)) if is_head(&slice, index) => {
                let imported = index.checked_sub(1).is_some_and(|before| {
                    is_ident(slice.get(before), "use")
                        || is_ident(slice.get(before), "crate") && is_extern(&slice, before)
                });
                let (found, next) = tree(&slice, index, &[], is_absolute(&slice, index));
                paths.extend(
                    found
                        .into_iter()
                        .filter(|path| imported || path.segments.len() > 1),
                );
                index = next;
            }
            Some(TokenTree::Group(group)) => {
                if index > 0 && is_ident(slice.get(index - 1), "use") {
                    paths.extend(list(&group.stream(), &[], false));
                } else {
                    collect(&group.stream(), paths);
                }
                index += 1;
            }
            _ => index += 1,
        }
    }
}

/// True when the identifier at `index` begins a path.
fn is_head(slice: &[TokenTree], index: usize) -> bool {
    let before = |back: usize| index.checked_sub(back).and_then(|at| slice.get(at));
    if is_keyword(slice.get(index)) {
        return false;
    }
    if is_punct(before(1), ':') && is_punct(before(2), ':') {
        return is_absolute(slice, index);
    }
    // `.name` is a field or a method, `..name` is a range; `$name` is a macro's variable.
    let method = is_punct(before(1), '.') && !is_punct(before(2), '.');
    !method && !is_punct(before(1), '$')
}

/// True when the identifier at `index` has a `::` before it that begins the path.
fn is_absolute(slice: &[TokenTree], index: usize) -> bool {
    let before = |back: usize| index.checked_sub(back).and_then(|at| slice.get(at));
    if !(is_punct(before(1), ':') && is_punct(before(2), ':')) {
        return false;
    }
    match before(3) {
        ident @ Some(TokenTree::Ident(_)) => is_keyword(ident),
        // `-> ::a` begins a path; `<T>::a` and `a::<T>::b` go on with one.
        Some(TokenTree::Punct(punct)) => punct.as_char() != '>' || is_punct(before(4), '-'),
        Some(_) => false,
        None => true,
    }
}

fn is_keyword(token: Option<&TokenTree>) -> bool {
    BEFORE_ABSOLUTE.iter().any(|word| is_ident(token, word))
}

fn is_extern(slice: &[TokenTree], crate_at: usize) -> bool {
    crate_at
        .checked_sub(1)
        .is_some_and(|at| is_ident(slice.get(at), "extern"))
}

/// Reads the path or `use` tree that begins at `index`; returns its paths and the first token after it.
fn tree(
    slice: &[TokenTree],
    mut index: usize,
    prefix: &[String],
    absolute: bool,
) -> (Vec<Path>, usize) {
    let mut segments = prefix.to_vec();
    let first_line = slice.get(index).map_or(0, line);
    while let Some(TokenTree::Ident(ident)) = slice.get(index) {
        segments.push(ident.to_string());
        index += 1;
        if !(is_punct(slice.get(index), ':') && is_punct(slice.get(index + 1), ':')) {
            break;
        }
        if let Some(group) = group(slice, index + 2, Delimiter::Brace) {
            return (list(&group.stream(), &segments, absolute), index + 3);
        }
        if is_punct(slice.get(index + 2), '*') {
            segments.push("*".to_owned());
            index += 3;
            break;
        }
        if !matches!(slice.get(index + 2), Some(TokenTree::Ident(_))) {
            break;
        }
        index += 2;
    }
    (
        vec![Path {
            segments,
            line: first_line,
            absolute,
        }],
        index,
    )
}

/// Reads the inside of `{…}` in a `use` tree.
fn list(tokens: &TokenStream, prefix: &[String], absolute: bool) -> Vec<Path> {
    let slice: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut paths = Vec::new();
    for part in slice.split(|token| is_punct(Some(token), ',')) {
        if is_punct(part.first(), '*') {
            let mut segments = prefix.to_vec();
            segments.push("*".to_owned());
            paths.push(Path {
                segments,
                line: part.first().map_or(0, line),
                absolute,
            });
            continue;
        }
        let leading = is_punct(part.first(), ':');
        let start = if leading { 2 } else { 0 };
        if part.len() > start {
            paths.extend(tree(part, start, prefix, absolute || leading).0);
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let source = Source::parse("src/lib.rs".into(), text.to_owned());
        crate_paths(&source)
            .into_iter()
            .map(|path| path.segments.join("::"))
            .collect()
    }

    #[test]
    fn use_trees_are_written_out() {
        let found = paths(
            "use xhci_spec::{Iova, trb::{self, Command}, number::*};\nuse host as h;\nuse {memory::Fault};",
        );
        let expected = [
            "xhci_spec::Iova",
            "xhci_spec::trb::self",
            "xhci_spec::trb::Command",
            "xhci_spec::number::*",
            "host",
            "memory::Fault",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn paths_in_code_types_and_macros_are_seen() {
        let found = paths(
            "fn f(x: &dyn memory::Memory) -> ::host::A { assert!(trace::on()); <u8 as check::C>::go() }",
        );
        assert_eq!(
            found,
            ["memory::Memory", "host::A", "trace::on", "check::C"]
        );
    }

    #[test]
    fn what_only_looks_like_a_crate_is_left_out() {
        assert!(paths("mod trace;\nfn f() { trace::on(); }").is_empty());
        assert!(
            !paths("use crate::block;\nfn f() { block::on(); }").contains(&"block::on".to_owned())
        );
        assert!(
            paths("fn f() { x.memory::<u8>(); let memory = 1; // memory::no\n \"host::no\"; }")
                .is_empty()
        );
    }

    #[test]
    fn a_leading_colon_means_the_crate_even_beside_a_module_of_that_name() {
        assert_eq!(paths("mod trace;\nuse ::trace::Event;"), ["trace::Event"]);
    }
}
