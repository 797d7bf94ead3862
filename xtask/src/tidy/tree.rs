//! The tree as the checks see it: the files that git knows, the packages, the parsed Rust sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::rooms::Room;
use super::source::Source;
use crate::machine::output;

/// A package of the workspace, or beside it.
#[derive(Debug)]
pub(crate) struct Package {
    /// As in its manifest.
    pub(crate) name: String,
    /// The package's name without `doorbell-`; the package `doorbell` is the room `cli`.
    pub(crate) room: String,
    /// Its folder, relative to the tree's root.
    pub(crate) folder: PathBuf,
    pub(crate) manifest: toml::Table,
}

impl Package {
    /// Its row in the table of rooms.
    pub(crate) fn row(&self) -> Option<&'static Room> {
        Room::find(&self.room)
    }
}

/// Everything that git tracks or would track, read once.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    /// All files, relative to the root, sorted.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) packages: Vec<Package>,
    pub(crate) sources: Vec<Source>,
    /// Keeps a test's folder until its tree goes.
    #[cfg(test)]
    place: Option<tempfile::TempDir>,
}

impl Tree {
    /// Reads the tree at `root`.
    ///
    /// # Errors
    /// When git cannot list it, or a manifest is not TOML.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut git = Command::new("git");
        // A build machine may have cloned as another user; we only list names.
        git.current_dir(root)
            .args(["-c", "safe.directory=*", "ls-files", "-z"]);
        git.args(["--cached", "--others", "--exclude-standard"]);
        let names = output(&mut git).context("listing the tree's files")?;
        Self::of(
            root,
            names.split_terminator('\0').map(PathBuf::from).collect(),
        )
    }

    fn of(root: &Path, mut files: Vec<PathBuf>) -> Result<Self> {
        // A file may be deleted and not yet committed so.
        files.retain(|file| root.join(file).is_file());
        files.sort();
        files.dedup();
        let mut packages = Vec::new();
        let mut sources = Vec::new();
        for file in &files {
            if file.file_name().is_some_and(|name| name == "Cargo.toml") {
                packages.extend(package(root, file)?);
            }
            if file.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(root.join(file))
                    .with_context(|| format!("reading {}", file.display()))?;
                sources.push(Source::parse(file.clone(), text));
            }
        }
        Ok(Self {
            root: root.to_owned(),
            files,
            packages,
            sources,
            #[cfg(test)]
            place: None,
        })
    }

    /// The package that `file` belongs to: the one with the longest folder above it.
    pub(crate) fn package_of(&self, file: &Path) -> Option<&Package> {
        let above = self
            .packages
            .iter()
            .filter(|package| file.starts_with(&package.folder));
        above.max_by_key(|package| package.folder.components().count())
    }

    /// All sources with their packages.
    pub(crate) fn with_packages(&self) -> impl Iterator<Item = (&Source, &Package)> {
        self.sources
            .iter()
            .filter_map(|source| Some((source, self.package_of(&source.path)?)))
    }
}

/// Reads a manifest; `None` for one that has no package, as the workspace's own.
fn package(root: &Path, file: &Path) -> Result<Option<Package>> {
    let text = fs::read_to_string(root.join(file))
        .with_context(|| format!("reading {}", file.display()))?;
    let manifest: toml::Table = text
        .parse()
        .with_context(|| format!("{} is not TOML", file.display()))?;
    let name = manifest
        .get("package")
        .and_then(|package| package.get("name"))
        .and_then(toml::Value::as_str);
    let Some(name) = name.map(str::to_owned) else {
        return Ok(None);
    };
    let room = if name == "doorbell" {
        "cli"
    } else {
        name.strip_prefix("doorbell-").unwrap_or(&name)
    }
    .to_owned();
    let folder = file.parent().map(Path::to_owned).unwrap_or_default();
    Ok(Some(Package {
        name,
        room,
        folder,
        manifest,
    }))
}

/// A tree of these files, for tests.
#[cfg(test)]
pub(crate) fn fixture(files: &[(&str, &str)]) -> Tree {
    let place = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = place.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let mut tree = Tree::of(
        place.path(),
        files.iter().map(|(name, _)| name.into()).collect(),
    )
    .unwrap();
    tree.place = Some(place);
    tree
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_belongs_to_the_nearest_package_above_it() {
        let tree = fixture(&[
            ("Cargo.toml", "[workspace]\n"),
            ("xtask/Cargo.toml", "[package]\nname = \"xtask\"\n"),
            ("crates/cli/Cargo.toml", "[package]\nname = \"doorbell\"\n"),
            ("crates/cli/src/main.rs", "fn main() {}"),
        ]);
        let room = |path: &str| {
            tree.package_of(Path::new(path))
                .map(|package| package.room.clone())
        };
        assert_eq!(room("crates/cli/src/main.rs").as_deref(), Some("cli"));
        assert_eq!(room("xtask/src/main.rs").as_deref(), Some("xtask"));
        assert_eq!(room("README.md"), None);
    }
}
