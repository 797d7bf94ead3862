//! The proof that layers 0 to 2 need no `std`.
//!
//! Two proofs. With the core library of a bare-metal target installed, the rooms are built for that target: nothing
//! there offers `std`. Always, on any machine, `nostd-proof/lib.rs` is built with all rooms linked in; its head says
//! why that fails as soon as one of them reaches `std`. Building `core` ourselves would need a nightly compiler, so it is
//! not tried.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::machine::{Workspace, output, show};
use crate::step::Outcome;
use crate::tidy::rooms::{Layer, ROOMS};

/// Targets without `std`, used when their core library is installed.
const BARE_TARGETS: [&str; 3] = [
    "x86_64-unknown-none",
    "aarch64-unknown-none",
    "thumbv7em-none-eabi",
];

/// The source of the proof; the rooms are appended as `rooms.rs`.
const PROOF: &str = include_str!("../nostd-proof/lib.rs");

/// A room to prove: its package, its library and its folder.
#[derive(Debug)]
struct Subject {
    package: String,
    library: String,
    folder: PathBuf,
}

/// Runs the proofs that this machine can run.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let subjects = subjects(&workspace.root);
    let folder = workspace.target()?.join("nostd-proof");
    prepare(&folder, &subjects)?;
    // The same versions as the workspace; cargo drops the entries that the proof does not need.
    let lock = workspace.root.join("Cargo.lock");
    if lock.is_file() {
        fs::copy(lock, folder.join("Cargo.lock")).context("copying Cargo.lock")?;
    }
    show(&mut proof(workspace, &folder))
        .context("layers 0 to 2 do not build without std (E0152: std came in)")?;
    let mut note = format!("{} rooms link without std", subjects.len());
    for target in BARE_TARGETS {
        if !has_core(target) {
            println!("{target}: its core library is not installed, not built for it");
            continue;
        }
        let mut build = workspace.cargo(["build", "--lib", "--target", target]);
        for subject in &subjects {
            build.args(["--package", &subject.package]);
        }
        show(&mut build).with_context(|| format!("the no_std rooms do not build for {target}"))?;
        note += &format!(", build for {target}");
    }
    println!("{note}");
    Ok(Outcome::passed(note))
}

/// The rooms of layers 0 to 2 that stand in the tree.
fn subjects(root: &Path) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for room in ROOMS.iter().filter(|room| room.layer <= Layer::Core) {
        let folder = root.join("crates").join(room.name);
        if folder.join("Cargo.toml").is_file() {
            subjects.push(Subject {
                package: room.package(),
                library: room.library(),
                folder,
            });
        }
    }
    subjects
}

/// Writes the package that links all subjects.
fn prepare(folder: &Path, subjects: &[Subject]) -> Result<()> {
    let mut manifest = toml::Table::new();
    let mut dependencies = toml::Table::new();
    let mut rooms = String::new();
    for subject in subjects {
        let path = subject
            .folder
            .to_str()
            .context("the tree's path is not UTF-8")?;
        let entry = toml::Table::from_iter([("path".to_owned(), path.into())]);
        dependencies.insert(subject.package.clone(), entry.into());
        rooms += &format!("use {} as _;\n", subject.library);
    }
    let package = [
        ("name", "nostd-proof"),
        ("version", "0.0.0"),
        ("edition", "2024"),
    ];
    let package =
        toml::Table::from_iter(package.map(|(key, value)| (key.to_owned(), value.into())));
    manifest.insert("package".to_owned(), package.into());
    manifest.insert(
        "lib".to_owned(),
        toml::Table::from_iter([("path".to_owned(), "lib.rs".into())]).into(),
    );
    // Its own workspace: the tree's workspace must not take it for a member.
    manifest.insert("workspace".to_owned(), toml::Table::new().into());
    manifest.insert("dependencies".to_owned(), dependencies.into());
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let files = [
        ("Cargo.toml", manifest.to_string()),
        ("lib.rs", PROOF.to_owned()),
        ("rooms.rs", rooms),
    ];
    for (name, text) in files {
        fs::write(folder.join(name), text)
            .with_context(|| format!("cannot write {name} of the proof"))?;
    }
    Ok(())
}

/// The command that builds the proof in `folder`.
fn proof(workspace: &Workspace, folder: &Path) -> Command {
    let mut build = workspace.cargo(["build", "--quiet", "--lib"]);
    build
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"));
    build
}

fn has_core(target: &str) -> bool {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let Ok(folder) = output(rustc.args(["--print", "target-libdir", "--target", target])) else {
        return false;
    };
    let Ok(entries) = fs::read_dir(folder.trim()) else {
        return false;
    };
    entries
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds the proof over one package with this source.
    fn proof_over(source: &str) -> Result<String> {
        let place = tempfile::tempdir().unwrap();
        let room = place.path().join("room");
        fs::create_dir_all(room.join("src")).unwrap();
        fs::write(
            room.join("Cargo.toml"),
            "[package]\nname = \"room\"\nversion = \"0.0.0\"\nedition = \"2024\"\n",
        )
        .unwrap();
        fs::write(room.join("src/lib.rs"), source).unwrap();
        let folder = place.path().join("proof");
        let subject = Subject {
            package: "room".to_owned(),
            library: "room".to_owned(),
            folder: room,
        };
        prepare(&folder, &[subject]).unwrap();
        let workspace = Workspace {
            root: place.path().to_owned(),
        };
        output(&mut proof(&workspace, &folder))
    }

    #[test]
    fn a_room_that_needs_only_core_and_alloc_passes() {
        proof_over("#![no_std]\nextern crate alloc;\npub fn f() -> alloc::vec::Vec<u8> { alloc::vec![1] }\n").unwrap();
    }

    #[test]
    fn a_room_that_uses_std_fails_even_when_it_claims_no_std() {
        for source in [
            "#![no_std]\nextern crate std;\npub fn f() { std::thread::yield_now(); }\n",
            "pub fn f() -> String { String::new() }\n",
        ] {
            let error = proof_over(source).unwrap_err().to_string();
            assert!(
                error.contains("E0152") && error.contains("which `room` depends on"),
                "{error}"
            );
        }
    }

    #[test]
    fn every_standing_room_of_the_lower_layers_is_proved() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let libraries: Vec<String> = subjects(root)
            .into_iter()
            .map(|subject| subject.library)
            .collect();
        for library in [
            "usb_spec",
            "xhci_spec",
            "memory",
            "xhci_ring",
            "xhci_hal",
            "xhci_driver",
            "xhci_model",
        ] {
            assert!(
                libraries.iter().any(|known| known == library),
                "{library} is not proved"
            );
        }
        assert!(
            !libraries
                .iter()
                .any(|known| known == "volmem" || known == "host"),
            "{libraries:?}"
        );
    }
}
