//! What xtask asks of the machine: where the workspace is, cargo, and the programs that tests call.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Programs that the tests call, and the Debian package that brings each.
const TEST_PROGRAMS: &[(&str, &str)] = &[
    ("mkfs.vfat", "dosfstools"),
    ("mkfs.ext4", "e2fsprogs"),
    ("mcopy", "mtools"),
];

/// Folders of system programs that an ordinary user's PATH often lacks.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/sbin", "/sbin"];

/// The checked-out tree.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
}

impl Workspace {
    /// Finds the tree that this program was started in: cargo says where xtask's manifest is; started by hand, the
    /// nearest folder upwards that holds `xtask/Cargo.toml` counts.
    pub(crate) fn find() -> Result<Self> {
        if let Some(manifest) = env::var_os("CARGO_MANIFEST_DIR") {
            let root = Path::new(&manifest)
                .parent()
                .context("xtask has no parent folder")?;
            return Ok(Self {
                root: root.to_owned(),
            });
        }
        let here = env::current_dir().context("cannot tell the current folder")?;
        here.ancestors()
            .find(|folder| folder.join("xtask/Cargo.toml").is_file())
            .map(|root| Self {
                root: root.to_owned(),
            })
            .context("not inside the doorbell tree; start it with `cargo xtask`")
    }

    /// The cargo that started this program, to be run in the tree's root.
    ///
    /// What `cargo run` told *us* about our package is removed: it would reach build scripts as if it were theirs.
    pub(crate) fn cargo<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root).args(arguments);
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(is_about_our_package) {
                command.env_remove(name);
            }
        }
        command
    }

    /// The folder for build products that cargo uses for this tree.
    pub(crate) fn target(&self) -> Result<PathBuf> {
        let metadata = self.metadata(["--no-deps"])?;
        let folder = metadata["target_directory"]
            .as_str()
            .context("cargo metadata names no target_directory")?;
        Ok(folder.into())
    }

    /// `cargo metadata`, as JSON.
    pub(crate) fn metadata<const N: usize>(&self, more: [&str; N]) -> Result<serde_json::Value> {
        let mut command = self.cargo(["metadata", "--format-version", "1"]);
        let text = output(command.args(more))?;
        serde_json::from_str(&text).context("cargo metadata did not print JSON")
    }
}

fn is_about_our_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_MANIFEST_")
        || name == "CARGO_BIN_NAME"
}

/// Runs `command` to its end and returns what it printed.
///
/// # Errors
/// When it cannot be started, ends with failure (its own error text is in the message), or prints no UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = name(command);
    let output = command
        .output()
        .with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        bail!(
            "{name} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("{name} printed text that is not UTF-8"))
}

/// The platform that this machine's compiler builds for when nobody says otherwise.
///
/// # Errors
/// When rustc cannot be asked.
pub(crate) fn host() -> Result<String> {
    let text = output(Command::new("rustc").arg("-vV"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).context("rustc -vV names no host")
}

/// Runs `command` with its output on our terminal.
///
/// # Errors
/// When it cannot be started or ends with failure.
pub(crate) fn show(command: &mut Command) -> Result<()> {
    let name = name(command);
    let status = command
        .status()
        .with_context(|| format!("cannot start {name}"))?;
    if !status.success() {
        bail!("{name} ended with {status}");
    }
    Ok(())
}

/// The program's name with its first argument, as a person would say it: `cargo clippy`, not where cargo lies.
fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let words = program
        .file_name()
        .into_iter()
        .chain(command.get_args().take(1));
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

/// The search path with the system folders added, for tests that call `mkfs`.
pub(crate) fn search_path() -> OsString {
    let mut folders: Vec<PathBuf> = env::var_os("PATH")
        .map(|path| env::split_paths(&path).collect())
        .unwrap_or_default();
    for folder in SYSTEM_FOLDERS {
        if !folders.iter().any(|known| known == Path::new(folder)) {
            folders.push(folder.into());
        }
    }
    env::join_paths(folders).unwrap_or_else(|_| env::var_os("PATH").unwrap_or_default())
}

/// True when `program` is in one of the folders of `path`.
pub(crate) fn is_installed(program: &str, path: &OsString) -> bool {
    env::split_paths(path).any(|folder| folder.join(program).is_file())
}

/// Makes sure of the programs that the tests call, and says what it did.
///
/// # Errors
/// When one is missing and cannot be installed: not root, not a Debian-like system, or apt-get failed. The message
/// names the packages.
pub(crate) fn ensure_test_programs() -> Result<String> {
    let path = search_path();
    let packages = missing_packages(|program| is_installed(program, &path));
    if packages.is_empty() {
        return Ok("all there".to_owned());
    }
    let list = packages.join(" ");
    let root = output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    may_install(&list, root, is_installed("apt-get", &path))?;
    println!("missing: {list}; running apt-get update and apt-get install, as root");
    // An update may fail where the lists are already there; the installation decides.
    if let Err(error) = show(apt_get(["update", "-q"]).env("PATH", &path)) {
        println!("{error:#}; going on with the package lists at hand");
    }
    let mut install = apt_get(["install", "-q", "-y", "--no-install-recommends"]);
    show(install.args(&packages).env("PATH", &path))
        .with_context(|| format!("installing {list}"))?;
    let still = missing_packages(|program| is_installed(program, &path));
    if !still.is_empty() {
        bail!(
            "apt-get ended well, yet the programs of {} are missing",
            still.join(" ")
        );
    }
    Ok(format!("installed {list}"))
}

/// Refuses, with what to do, when packages cannot be installed here.
fn may_install(list: &str, root: bool, has_apt: bool) -> Result<()> {
    match (root, has_apt) {
        (true, true) => Ok(()),
        (false, true) => bail!(
            "the tests need these packages: {list}. Install them with `sudo apt-get install {list}` and try again"
        ),
        (_, false) => bail!(
            "the tests need mkfs.vfat, mkfs.ext4 and mcopy; Debian has them in {list}. Install them and try again"
        ),
    }
}

fn missing_packages(there: impl Fn(&str) -> bool) -> Vec<&'static str> {
    TEST_PROGRAMS
        .iter()
        .filter(|(program, _)| !there(program))
        .map(|(_, package)| *package)
        .collect()
}

fn apt_get<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_asked_for_by_its_package() {
        assert_eq!(missing_packages(|program| program != "mcopy"), ["mtools"]);
        assert!(missing_packages(|_| true).is_empty());
    }

    #[test]
    fn who_may_not_install_is_told_the_packages() {
        assert!(may_install("mtools", true, true).is_ok());
        for (root, has_apt) in [(false, true), (true, false), (false, false)] {
            let error = may_install("mtools", root, has_apt).unwrap_err();
            assert!(error.to_string().contains("mtools"), "{error}");
        }
    }

    #[test]
    fn the_search_path_holds_the_system_folders() {
        let folders: Vec<PathBuf> = env::split_paths(&search_path()).collect();
        for folder in SYSTEM_FOLDERS {
            assert!(
                folders.contains(&folder.into()),
                "{folder} is missing from {folders:?}"
            );
        }
    }

    #[test]
    fn a_failing_program_is_an_error_with_its_own_words() {
        let error =
            output(Command::new("sh").args(["-c", "echo out of paper >&2; exit 3"])).unwrap_err();
        assert!(error.to_string().contains("out of paper"), "{error}");
        let error = show(Command::new("/bin/sh").arg("-ec").arg("exit 3")).unwrap_err();
        assert!(
            error.to_string().starts_with("sh -ec ended with"),
            "{error}"
        );
    }

    #[test]
    fn what_cargo_said_about_xtask_is_kept_from_its_children() {
        assert!(
            is_about_our_package("CARGO_PKG_NAME") && is_about_our_package("CARGO_MANIFEST_DIR")
        );
        assert!(!is_about_our_package("CARGO_TARGET_DIR") && !is_about_our_package("CARGO_HOME"));
    }
}
