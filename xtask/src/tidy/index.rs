//! Each folder's index equals the folder: a file that no `mod` names is not compiled, and nobody notices.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::Report;
use super::source::{Source, attribute, group, is_ident, is_punct, line};
use super::tree::Tree;

/// Every `.rs` file under `src` is a crate root or named by a `mod` of its parent; every `mod` has its file.
pub(crate) fn check(tree: &Tree, report: &mut Report) {
    let sources: BTreeMap<&Path, &Source> = tree
        .sources
        .iter()
        .map(|source| (source.path.as_path(), source))
        .collect();
    for package in &tree.packages {
        let src = package.folder.join("src");
        let mut named: Vec<PathBuf> = Vec::new();
        let mut open: Vec<PathBuf> = sources
            .keys()
            .filter(|path| is_root(&src, path))
            .map(|path| path.to_path_buf())
            .collect();
        // Each file is opened once: a file's modules lie below it, so this ends with the tree.
        while let Some(file) = open.pop() {
            let Some(source) = sources.get(file.as_path()) else {
                continue;
            };
            for declared in declared(source, &src, report) {
                let there: Vec<&PathBuf> = declared
                    .places
                    .iter()
                    .filter(|place| sources.contains_key(place.as_path()))
                    .collect();
                match there.as_slice() {
                    [] => report.error(
                        source.at(declared.line),
                        format!("mod {} has no file", declared.name),
                    ),
                    [one] => open.push((*one).clone()),
                    _ => report.error(
                        source.at(declared.line),
                        format!("mod {} has two files", declared.name),
                    ),
                }
            }
            named.push(file);
        }
        for path in sources
            .keys()
            .filter(|path| path.starts_with(&src) && !named.iter().any(|known| known == *path))
        {
            report.error(path.display(), "no mod names this file: it is not compiled");
        }
    }
}

/// A crate root: `lib.rs`, `main.rs`, or a file of `src/bin`.
pub(crate) fn is_root(src: &Path, path: &Path) -> bool {
    let folder = path.parent();
    let bin = src.join("bin");
    let main = path.file_name().is_some_and(|name| name == "main.rs");
    let lib = path.file_name().is_some_and(|name| name == "lib.rs");
    (folder == Some(src) && (main || lib))
        || folder == Some(&bin)
        || (main && folder.and_then(Path::parent) == Some(&bin))
}

/// A `mod name;` and the two places where its file may be.
struct Declared {
    name: String,
    line: usize,
    places: [PathBuf; 2],
}

fn declared(source: &Source, src: &Path, report: &mut Report) -> Vec<Declared> {
    let folder = source.path.parent().unwrap_or(Path::new(""));
    let is_index =
        is_root(src, &source.path) || source.path.file_name().is_some_and(|name| name == "mod.rs");
    let below = if is_index {
        folder.to_owned()
    } else {
        source.path.with_extension("")
    };
    let mut found = Vec::new();
    modules(&source.tokens, &below, source, &mut found, report);
    found
}

/// Collects the modules of one level; a `mod name { … }` in the file is a folder on the way.
fn modules(
    tokens: &TokenStream,
    below: &Path,
    source: &Source,
    found: &mut Vec<Declared>,
    report: &mut Report,
) {
    let slice: Vec<TokenTree> = tokens.clone().into_iter().collect();
    for index in 0..slice.len() {
        if let Some(inside) = attribute(&slice, index)
            && is_ident(inside.clone().into_iter().next().as_ref(), "path")
        {
            report.error(
                source.at(slice.get(index).map_or(0, line)),
                "#[path] hides a file from its folder's index",
            );
        }
        if !is_ident(slice.get(index), "mod") {
            continue;
        }
        let Some(TokenTree::Ident(name)) = slice.get(index + 1) else {
            continue;
        };
        let file = name.to_string();
        let file = file.trim_start_matches("r#");
        if is_punct(slice.get(index + 2), ';') {
            let places = [
                below.join(format!("{file}.rs")),
                below.join(file).join("mod.rs"),
            ];
            found.push(Declared {
                name: name.to_string(),
                line: name.span().start().line,
                places,
            });
        } else if let Some(inside) = group(&slice, index + 2, Delimiter::Brace) {
            modules(&inside.stream(), &below.join(file), source, found, report);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: (&str, &str) = ("crates/x/Cargo.toml", "[package]\nname = \"x\"\n");

    fn of(files: &[(&str, &str)]) -> Report {
        Report::of(check, &[&[MANIFEST], files].concat())
    }

    #[test]
    fn a_folder_whose_index_names_every_file_passes() {
        of(&[
            (
                "crates/x/src/lib.rs",
                "mod quirk;\npub mod lane;\nmod inline { mod deep; }",
            ),
            ("crates/x/src/inline/deep.rs", ""),
            ("crates/x/src/lane.rs", "#[cfg(test)]\nmod tests;"),
            ("crates/x/src/lane/tests.rs", ""),
            ("crates/x/src/quirk/mod.rs", "pub(crate) mod nec_720200;"),
            ("crates/x/src/quirk/nec_720200.rs", ""),
            ("crates/x/src/bin/tool.rs", ""),
            ("crates/x/tests/whole.rs", ""),
        ])
        .assert_clean();
    }

    #[test]
    fn a_file_that_the_index_forgot_fails() {
        let files = [
            ("crates/x/src/lib.rs", "mod quirk;"),
            ("crates/x/src/quirk/mod.rs", "// mod nec_720200;"),
            ("crates/x/src/quirk/nec_720200.rs", ""),
        ];
        of(&files).assert_says("crates/x/src/quirk/nec_720200.rs: no mod names this file");
    }

    #[test]
    fn a_module_without_a_file_fails_and_so_does_one_with_two() {
        of(&[("crates/x/src/lib.rs", "mod gone;")]).assert_says("mod gone has no file");
        let report = of(&[
            ("crates/x/src/lib.rs", "mod a;"),
            ("crates/x/src/a.rs", ""),
            ("crates/x/src/a/mod.rs", ""),
        ]);
        assert!(
            report
                .errors
                .iter()
                .any(|error| error.contains("mod a has two files")),
            "{report:?}"
        );
    }

    #[test]
    fn a_path_attribute_fails() {
        let report = of(&[
            ("crates/x/src/lib.rs", "#[path = \"b.rs\"]\nmod a;"),
            ("crates/x/src/a.rs", ""),
        ]);
        report.assert_says("#[path] hides a file");
    }
}
