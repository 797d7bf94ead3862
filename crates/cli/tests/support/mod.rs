//! Runs the program, and makes files for it.
#![expect(dead_code, reason = "each test program uses a part of this")]

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorbell"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("NO_COLOR");
    command
}

/// Runs the program to its end.
pub(crate) fn doorbell(arguments: &[&str]) -> Run {
    command(arguments)
        .output()
        .expect("the program runs")
        .into()
}

/// Runs it, presses Ctrl-C after its first output or a while, and waits for its end.
pub(crate) fn interrupted(arguments: &[&str]) -> Run {
    let mut command = command(arguments);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.expect("the program runs");
    let mut first = [0; 1];
    child
        .stdout
        .as_mut()
        .expect("a pipe")
        .read_exact(&mut first)
        .expect("some output");
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.expect("kill runs").success());
    child.wait_with_output().expect("it ends").into()
}

/// Runs it, presses Ctrl-C as soon as `ready` says so, and waits for its end.
pub(crate) fn interrupted_when(arguments: &[&str], ready: impl Fn() -> bool) -> Run {
    let mut command = command(arguments);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let child = child.expect("the program runs");
    let begin = std::time::Instant::now();
    while !ready() {
        assert!(begin.elapsed() < Duration::from_secs(30), "it does nothing");
        std::thread::sleep(Duration::from_millis(1));
    }
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.expect("kill runs").success());
    child.wait_with_output().expect("it ends").into()
}

/// Runs it with an output that nobody reads.
pub(crate) fn unread(arguments: &[&str]) -> Run {
    let mut command = command(arguments);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.expect("the program runs");
    drop(child.stdout.take());
    std::thread::sleep(Duration::from_millis(10));
    child.wait_with_output().expect("it ends").into()
}

/// The pattern disk's bytes, from its published formula and nothing of this workspace.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    let word = |index: u64| {
        let x = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (x ^ (x >> 32)).to_le_bytes()
    };
    (0..len as u64 / 8).flat_map(word).collect()
}

/// Bytes without any order (xorshift64).
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x2545_f491_4f6c_dd1d) | 1;
    let word = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = (0..len.div_ceil(8)).flat_map(word).collect();
    bytes.truncate(len);
    bytes
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A folder for one test, gone after it.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "doorbell-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder for temporary files");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0
            .join(name)
            .to_str()
            .expect("a path of text")
            .to_owned()
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("a temporary file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left over in a folder for temporary files hurts nobody.
        let _left_over = std::fs::remove_dir_all(&self.0);
    }
}
