//! Words that must not stand in the tree: unfinished or hidden work, `allow`, and traces of somebody's machine.

use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::Report;
use super::licences::CRATES_IO;
use super::source::{Source, attribute, group, holds_word, is_ident, is_punct, line, visit};
use super::tree::Tree;

/// Macros that stand for work not done.
const UNFINISHED: [&str; 2] = ["todo", "unimplemented"];

/// Folders of one person's machine. Split, so that this list does not find itself.
const MACHINE_FOLDERS: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/Us", "ers/"),
    concat!("/fa", "rm/"),
];

/// Hosts that serve packages: which one a machine uses is its own affair.
const REGISTRY_HOSTS: [&str; 8] = [
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("deb.", "debian.org"),
    concat!("security.", "debian.org"),
    concat!("archive.", "ubuntu.com"),
    concat!("pypi.", "org"),
    concat!("arti", "factory"),
    concat!("sparse+", "http"),
];

/// The compiler is named by `rust-version` alone: a pinned toolchain is downloaded behind the user's back.
const TOOLCHAIN_FILES: [&str; 2] = ["rust-toolchain", "rust-toolchain.toml"];

/// No unfinished work, no ignored test, no `allow`, and no `expect` without its reason.
pub(crate) fn check_code(tree: &Tree, report: &mut Report) {
    for source in &tree.sources {
        visit(&source.tokens, &mut |slice, index| {
            let at = source.at(slice.get(index).map_or(0, line));
            if let Some(name) = UNFINISHED
                .iter()
                .find(|name| is_ident(slice.get(index), name))
                && is_punct(slice.get(index + 1), '!')
            {
                report.error(&at, format!("{name}! is work not done"));
            }
            if let Some(inside) = attribute(slice, index) {
                check_attribute(&inside, source, report);
            }
        });
    }
}

fn check_attribute(inside: &TokenStream, source: &Source, report: &mut Report) {
    let is_doc = is_ident(inside.clone().into_iter().next().as_ref(), "doc");
    // `#[cfg_attr(…, ignore)]` and `#[cfg_attr(…, allow(…))]` hide as well as the plain form.
    visit(inside, &mut |slice, index| {
        let Some(token @ TokenTree::Ident(_)) = slice.get(index) else {
            return;
        };
        let at = source.at(line(token));
        let arguments = group(slice, index + 1, Delimiter::Parenthesis);
        if is_ident(Some(token), "ignore") && !is_doc {
            report.error(&at, "#[ignore] hides a test");
        }
        if is_ident(Some(token), "allow") && arguments.is_some() {
            report.error(&at, "allow(…): write expect(…, reason = \"…\")");
        }
        if is_ident(Some(token), "expect")
            && arguments.is_some_and(|list| !holds_word(&list.stream(), "reason"))
        {
            report.error(&at, "expect(…) without its reason");
        }
    });
}

/// No toolchain file, and no file that names a machine's folder or a registry's host.
pub(crate) fn check_files(tree: &Tree, report: &mut Report) {
    for file in &tree.files {
        if file
            .file_name()
            .is_some_and(|name| TOOLCHAIN_FILES.iter().any(|toolchain| name == *toolchain))
        {
            report.error(
                file.display(),
                "the compiler is named by rust-version alone; remove this file",
            );
        }
        // A file that is not text names nothing to a reader.
        let Ok(text) = fs::read_to_string(tree.root.join(file)) else {
            continue;
        };
        for (index, text) in text.lines().enumerate() {
            let at = format!("{}:{}", file.display(), index + 1);
            for folder in MACHINE_FOLDERS
                .iter()
                .filter(|folder| names_folder(text, folder))
            {
                report.error(&at, format!("{folder} is a folder of one machine"));
            }
            for host in REGISTRY_HOSTS.iter().filter(|host| text.contains(**host)) {
                report.error(&at, format!("{host} is a registry's host"));
            }
            if file == Path::new("Cargo.lock")
                && text.starts_with("source = ")
                && !text.contains(CRATES_IO)
            {
                report.error(&at, "a dependency from elsewhere than crates.io");
            }
        }
    }
}

/// True when `text` has `folder` as an absolute path, and not as the middle of a longer one.
fn names_folder(text: &str, folder: &str) -> bool {
    let inner = |character: char| character.is_alphanumeric() || "._-~}*)".contains(character);
    text.match_indices(folder)
        .any(|(at, _)| !text.get(..at).is_some_and(|before| before.ends_with(inner)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Report {
        Report::of(check_code, &[("a.rs", text)])
    }

    fn file(name: &str, text: &str) -> Report {
        Report::of(check_files, &[(name, text)])
    }

    #[test]
    fn unfinished_work_fails_wherever_it_stands() {
        code("fn f() { todo!() }").assert_says("todo! is work not done");
        code("macro_rules! m { () => { unimplemented!() } }").assert_says("unimplemented!");
        code("// todo!()\nfn todo() { \"todo!()\"; todo(); }").assert_clean();
    }

    #[test]
    fn a_hidden_test_fails() {
        code("#[test]\n#[ignore]\nfn f() {}").assert_says("a.rs:2: #[ignore] hides a test");
        code("#[ignore = \"slow\"]\nfn f() {}").assert_says("#[ignore]");
        code("#[cfg_attr(unix, ignore)]\nfn f() {}").assert_says("#[ignore]");
    }

    #[test]
    fn allow_fails_and_expect_needs_its_reason() {
        code("#[allow(dead_code)]\nfn f() {}").assert_says("allow");
        code("#![allow(dead_code, reason = \"x\")]").assert_says("allow");
        code("#[cfg_attr(test, allow(dead_code))]\nfn f() {}").assert_says("allow");
        code("#[expect(dead_code)]\nfn f() {}").assert_says("without its reason");
        code("#[expect(dead_code, reason = \"read by the C side\")]\nfn f() { x.expect(\"y\"); }")
            .assert_clean();
    }

    #[test]
    fn a_toolchain_file_fails() {
        file("rust-toolchain.toml", "").assert_says("rust-version alone");
    }

    #[test]
    fn folders_of_a_machine_fail_and_look_alikes_pass() {
        for folder in MACHINE_FOLDERS {
            file("notes.md", &format!("see `{folder}me/x`")).assert_says("a folder of one machine");
            file(
                "notes.md",
                &format!("see example.org{folder}x and $DIR/a{folder}x"),
            )
            .assert_clean();
        }
    }

    #[test]
    fn registry_hosts_fail() {
        for host in REGISTRY_HOSTS {
            file("a.toml", &format!("url = \"https://{host}/x\"")).assert_says("a registry's host");
        }
        file("a.md", "published on crates.io").assert_clean();
    }

    #[test]
    fn the_lock_file_may_name_crates_io_alone() {
        file("Cargo.lock", &format!("source = \"{CRATES_IO}\"\n")).assert_clean();
        file("Cargo.lock", "source = \"git+https://example.org/x#1\"\n")
            .assert_says("elsewhere than crates.io");
    }
}
