//! Steps: named pieces of work that are timed, counted and listed in a table at the end.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What a step found. A step that counts nothing finer is itself the one thing that passed or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    /// A few words for the table.
    pub(crate) note: String,
}

impl Outcome {
    pub(crate) fn passed(note: impl Into<String>) -> Self {
        Self {
            passed: 1,
            failed: 0,
            note: note.into(),
        }
    }

    pub(crate) fn failed(note: impl Into<String>) -> Self {
        Self {
            passed: 0,
            failed: 1,
            note: note.into(),
        }
    }
}

/// The steps run so far.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<(&'static str, Outcome, Duration)>,
}

impl Steps {
    /// Runs one step. An error is a failure of that step, not the end: later steps still run.
    pub(crate) fn run(&mut self, name: &'static str, work: impl FnOnce() -> Result<Outcome>) {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = work().unwrap_or_else(|error| {
            println!("{name}: {error:#}");
            Outcome::failed(format!("{error:#}"))
        });
        let took = start.elapsed();
        println!("== {name}: {} in {}", word(&outcome), seconds(took));
        self.done.push((name, outcome, took));
    }

    /// Prints the table and the closing line; true when nothing failed.
    pub(crate) fn finish(&self) -> bool {
        println!("\n{}", self.table());
        self.done.iter().all(|(_, outcome, _)| outcome.failed == 0)
    }

    fn table(&self) -> String {
        let mut text = format!("{:<14} {:<6} {:>9}  {}\n", "step", "result", "time", "note");
        for (name, outcome, took) in &self.done {
            let note = outcome.note.lines().next().unwrap_or_default();
            text += &format!(
                "{name:<14} {:<6} {:>9}  {note}\n",
                word(outcome),
                seconds(*took)
            );
        }
        let total: Duration = self.done.iter().map(|(_, _, took)| *took).sum();
        text += &format!("{:<14} {:<6} {:>9}\n\n", "total", "", seconds(total));
        let passed: u64 = self.done.iter().map(|(_, outcome, _)| outcome.passed).sum();
        let failed: u64 = self.done.iter().map(|(_, outcome, _)| outcome.failed).sum();
        text + &format!("{passed} passed, {failed} failed")
    }
}

fn word(outcome: &Outcome) -> &'static str {
    if outcome.failed == 0 { "ok" } else { "FAILED" }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

/// Runs `cargo test`, shows every line of it, and counts the tests by the runner's own `test result:` lines.
///
/// # Errors
/// When it cannot be started or its output cannot be read.
pub(crate) fn count_tests(command: &mut Command) -> Result<Outcome> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo test")?;
    let Some(pipe) = child.stdout.take() else {
        bail!("cargo test has no output")
    };
    let (passed, mut failed) = copy_and_count(BufReader::new(pipe), &mut std::io::stdout())?;
    let status = child.wait().context("waiting for cargo test")?;
    if !status.success() && failed == 0 {
        println!(
            "cargo test ended with {status}, with no failed test: the build failed, or a test program crashed"
        );
        failed = 1;
    }
    Ok(Outcome {
        passed,
        failed,
        note: format!("{passed} tests passed, {failed} failed"),
    })
}

/// Copies the runner's output line by line, and sums up the tests that passed and failed.
fn copy_and_count(mut from: impl BufRead, to: &mut impl Write) -> Result<(u64, u64)> {
    let (mut passed, mut failed) = (0, 0);
    let mut line = Vec::new();
    // Bytes, not lines of text: a test may print anything, and that must not end the count.
    while from
        .read_until(b'\n', &mut line)
        .context("reading cargo test's output")?
        != 0
    {
        to.write_all(&line)
            .and_then(|()| to.flush())
            .context("writing to the terminal")?;
        let (more_passed, more_failed) =
            test_result(&String::from_utf8_lossy(&line)).unwrap_or((0, 0));
        passed += more_passed;
        failed += more_failed;
        line.clear();
    }
    Ok((passed, failed))
}

/// Reads `test result: ok. 3 passed; 1 failed; …` as (3, 1).
fn test_result(line: &str) -> Option<(u64, u64)> {
    let (_, counts) = line
        .trim_start()
        .strip_prefix("test result:")?
        .split_once(". ")?;
    let count = |what: &str| {
        let part = counts.split(';').find(|part| part.trim().ends_with(what))?;
        part.trim().strip_suffix(what)?.trim().parse().ok()
    };
    Some((count("passed")?, count("failed")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runners_result_lines_are_counted() {
        let line = "test result: FAILED. 11 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s";
        assert_eq!(test_result(line), Some((11, 2)));
        assert_eq!(test_result("test ring::wraps ... ok"), None);
    }

    #[test]
    fn tests_are_summed_over_programs_and_shown_bytes_may_be_anything() {
        let output: &[u8] = b"test result: ok. 3 passed; 0 failed; 0 ignored\n\xff\ntest result: FAILED. 1 passed; 1 failed; 0 ignored";
        let mut shown = Vec::new();
        assert_eq!(copy_and_count(output, &mut shown).unwrap(), (4, 1));
        assert_eq!(shown, output);
    }

    #[test]
    fn a_build_that_fails_is_a_failure_though_no_test_ran() {
        let outcome = count_tests(Command::new("sh").args(["-c", "exit 101"])).unwrap();
        assert_eq!((outcome.passed, outcome.failed), (0, 1));
    }

    #[test]
    fn one_failed_step_fails_the_whole_and_later_steps_still_run() {
        let mut steps = Steps::default();
        steps.run("first", || bail!("no disk"));
        steps.run("second", || {
            Ok(Outcome {
                passed: 7,
                failed: 0,
                note: String::new(),
            })
        });
        assert!(!steps.finish());
        assert!(
            steps.table().ends_with("7 passed, 1 failed"),
            "{}",
            steps.table()
        );
        assert!(steps.table().contains("no disk"), "{}", steps.table());
    }
}
