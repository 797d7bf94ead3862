//! `cargo xtask fuzz`: lets a coverage-guided engine look for inputs that break a target.
//!
//! The engine is libFuzzer, which the crate `libfuzzer-sys` brings as source. What cargo-fuzz does around it needs a few compiler
//! flags, all of them stable; so nothing has to be installed, and the nightly compiler is not needed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::machine::{Workspace, host, show};

/// Coverage counters for each edge and hints from each comparison, where LLVM's SanitizerCoverage puts them. No sanitizer is linked:
/// the rooms under test have no `unsafe`, so there is nothing for one to find.
const COVERAGE_FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// Seconds after which one input counts as hanging.
const HANG_SECONDS: u32 = 5;

/// Mebibytes above which one input counts as bloating.
const MEMORY_MIB: u32 = 1024;

/// Inputs that `--minimize` keeps of each target, and how large each may be.
const KEPT_FILES: usize = 10;
const KEPT_BYTES: u64 = 2048;

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Request<'r> {
    /// One target, or all.
    pub(crate) target: Option<&'r str>,
    /// How long each runs.
    pub(crate) seconds: u32,
    /// Choose the committed corpus anew instead of looking for inputs.
    pub(crate) minimize: bool,
}

/// Runs the targets one after the other; `false` when one of them was broken.
pub(crate) fn run(workspace: &Workspace, request: &Request<'_>) -> Result<bool> {
    let bench = Bench::build(workspace)?;
    let mut names = target_names(&workspace.root)?;
    if let Some(wanted) = request.target {
        if !names.iter().any(|name| name == wanted) {
            bail!(
                "no target is called {wanted}; there are: {}",
                names.join(" ")
            );
        }
        names.retain(|name| name == wanted);
    }
    let mut broken = Vec::new();
    for name in &names {
        if request.minimize {
            bench.minimize(name)?;
        } else if !bench.look(name, request.seconds)? {
            broken.push(name.as_str());
        }
    }
    if !broken.is_empty() {
        println!(
            "broken: {}; the inputs lie under fuzz/corpus, where `cargo test -p doorbell-fuzz` plays them until they pass",
            broken.join(" ")
        );
    }
    Ok(broken.is_empty())
}

/// The names in the library's table, which are also those of the files.
fn target_names(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("fuzz/src/target");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        names.extend(name.filter(|name| *name != "mod").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// The built fuzzer and its folders.
#[derive(Debug)]
struct Bench {
    program: PathBuf,
    /// Committed inputs, and those that broke something.
    kept: PathBuf,
    /// Whatever else the engine found worth keeping; not committed.
    found: PathBuf,
}

impl Bench {
    fn build(workspace: &Workspace) -> Result<Self> {
        let target = workspace.target()?.join("fuzz");
        let host = host()?;
        // With a platform named, cargo keeps the flags away from build scripts and macros, which could not be linked with them.
        let mut cargo = workspace.cargo(["build", "--release", "--package", "doorbell-fuzz"]);
        cargo
            .args(["--features", "engine", "--target", &host, "--target-dir"])
            .arg(&target)
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("RUSTFLAGS", COVERAGE_FLAGS.join(" "))
            .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true")
            .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true");
        show(&mut cargo)?;
        Ok(Self {
            program: target.join(host).join("release/doorbell-fuzz"),
            kept: workspace.root.join("fuzz/corpus"),
            found: target.join("corpus"),
        })
    }

    /// Looks for inputs for some seconds; `false` when one broke the target.
    ///
    /// What the engine has to say goes into a file; here stand its numbers, and why it stopped early if it did.
    fn look(&self, name: &str, seconds: u32) -> Result<bool> {
        let (kept, found) = self.folders(name)?;
        let log = self.found.join(format!("{name}.log"));
        let mut engine = self.engine(name);
        engine
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/", kept.display()))
            .args(["-print_final_stats=1", "-use_value_profile=1"])
            .args([&found, &kept])
            .stderr(fs::File::create(&log).context("making the engine's log")?);
        let ok = show(&mut engine).is_ok();
        let text = fs::read(&log).context("reading the engine's log")?;
        let numbers = Numbers::read(&String::from_utf8_lossy(&text));
        let verdict = if ok { "ok" } else { "BROKEN" };
        println!("{name:<18} {verdict:<6} {numbers}");
        if !ok {
            println!("{}\nmore in {}", numbers.last_words, log.display());
        }
        Ok(ok)
    }

    /// Chooses few inputs that reach most of what all found inputs reach, and makes them the committed corpus.
    ///
    /// Inputs that once broke something stay, whatever they reach.
    fn minimize(&self, name: &str) -> Result<()> {
        let (kept, found) = self.folders(name)?;
        let scratch = self.found.join(format!("{name}.merged"));
        let control = self.found.join(format!("{name}.merge"));
        // What an interrupted run left behind would be merged as well.
        let _ = (fs::remove_dir_all(&scratch), fs::remove_file(&control));
        fs::create_dir_all(&scratch)?;
        let mut engine = self.engine(name);
        engine
            .arg("-merge=1")
            .arg(format!("-merge_control_file={}", control.display()))
            .args([&scratch, &found, &kept]);
        show(&mut engine)?;
        let text = fs::read_to_string(&control).context("reading what each input reaches")?;
        let chosen = choose(&merged_inputs(&text), KEPT_FILES);
        let mut files = Vec::new();
        for path in &chosen {
            files.push(fs::read(path).with_context(|| format!("reading {path}"))?);
        }
        for entry in fs::read_dir(&kept)? {
            let path = entry?.path();
            if !is_case(&path) {
                fs::remove_file(&path)?;
            }
        }
        for (number, bytes) in files.iter().enumerate() {
            fs::write(kept.join(format!("seed-{number:02}")), bytes)?;
        }
        println!("{name}: {} inputs kept", files.len());
        Ok(())
    }

    fn engine(&self, name: &str) -> Command {
        let mut engine = Command::new(&self.program);
        engine
            .env("DOORBELL_FUZZ_TARGET", name)
            .arg(format!("-timeout={HANG_SECONDS}"))
            .arg(format!("-rss_limit_mb={MEMORY_MIB}"));
        engine
    }

    fn folders(&self, name: &str) -> Result<(PathBuf, PathBuf)> {
        let folders = (self.kept.join(name), self.found.join(name));
        fs::create_dir_all(&folders.0)?;
        fs::create_dir_all(&folders.1)?;
        Ok(folders)
    }
}

/// What a run came to, in the engine's own words.
#[derive(Debug, Default, PartialEq, Eq)]
struct Numbers {
    executions: u64,
    per_second: u64,
    /// Edges of the program that were reached, the last that the engine said.
    edges: u64,
    /// The panic, or the engine's own complaint.
    last_words: String,
}

impl Numbers {
    fn read(log: &str) -> Self {
        let after = |what: &str| {
            let found = log.lines().rev().find_map(|line| line.split(what).nth(1));
            let word = found.and_then(|rest| rest.split_whitespace().next());
            word.and_then(|word| word.parse().ok()).unwrap_or(0)
        };
        let lines: Vec<&str> = log.lines().collect();
        let is_reason = |line: &&str| line.contains("panicked at") || line.contains("ERROR:");
        let reason = lines.iter().position(is_reason).unwrap_or(lines.len());
        let last_words: Vec<&str> = lines.iter().skip(reason).take(4).copied().collect();
        Self {
            executions: after("stat::number_of_executed_units:"),
            per_second: after("stat::average_exec_per_sec:"),
            edges: after(" cov: "),
            last_words: last_words.join("\n"),
        }
    }
}

impl std::fmt::Display for Numbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            executions,
            per_second,
            edges,
            ..
        } = self;
        write!(
            f,
            "{executions:>11} executions, {per_second:>7} in a second, {edges:>6} edges reached"
        )
    }
}

/// Whether this file is an input that once broke its target: the engine names such files so.
fn is_case(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let prefixes = ["crash-", "timeout-", "oom-", "leak-", "slow-unit-"];
    name.is_some_and(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)))
}

/// One input of a merge: where it lies, how large it is, what it reaches.
#[derive(Debug, PartialEq, Eq)]
struct Merged {
    path: String,
    bytes: u64,
    features: BTreeSet<u32>,
}

/// Reads the file by which libFuzzer remembers a merge: the number of files and of those merged before, their paths, and then for each
/// `STARTED number size` and `FT number features…`.
fn merged_inputs(text: &str) -> Vec<Merged> {
    let mut lines = text.lines();
    let mut number = || lines.next().and_then(|line| line.trim().parse().ok());
    let count: usize = number().unwrap_or(0);
    let _merged_before = number();
    let mut inputs: Vec<Merged> = lines
        .by_ref()
        .take(count)
        .map(|path| Merged {
            path: path.to_owned(),
            bytes: 0,
            features: BTreeSet::new(),
        })
        .collect();
    for line in lines {
        let mut words = line.split_whitespace();
        let what = words.next();
        let mut numbers = words.filter_map(|word| word.parse::<u32>().ok());
        let input = numbers
            .next()
            .and_then(|index| inputs.get_mut(usize::try_from(index).ok()?));
        match (what, input) {
            (Some("STARTED"), Some(input)) => input.bytes = numbers.next().unwrap_or(0).into(),
            (Some("FT"), Some(input)) => input.features.extend(numbers),
            _ => {}
        }
    }
    inputs
}

/// At most `most` inputs, each the one that adds the most to what those before it reach; of equals the smallest.
fn choose(inputs: &[Merged], most: usize) -> Vec<String> {
    let mut reached = BTreeSet::new();
    let mut chosen = Vec::new();
    let fit = |input: &&Merged| input.bytes <= KEPT_BYTES && !is_case(Path::new(&input.path));
    while chosen.len() < most {
        let gain = |input: &&Merged| {
            let new = input.features.difference(&reached).count();
            (new, std::cmp::Reverse(input.bytes))
        };
        let Some(best) = inputs.iter().filter(fit).max_by_key(gain) else {
            break;
        };
        if best.features.is_subset(&reached) {
            break;
        }
        reached.extend(&best.features);
        chosen.push(best.path.clone());
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    const MERGE: &str = "3\n0\n/c/a\n/c/b\n/c/crash-1\nSTARTED 0 10\nFT 0 1 2 3\nCOV 0 7\nSTARTED 1 4\nFT 1 3 4\nSTARTED 2 1\nFT 2 1 2 3 4 5\n";

    #[test]
    fn what_each_input_reaches_is_read_from_a_merge() {
        let inputs = merged_inputs(MERGE);
        let summary: Vec<_> = inputs
            .iter()
            .map(|input| (input.path.as_str(), input.bytes, input.features.len()))
            .collect();
        assert_eq!(
            summary,
            [("/c/a", 10, 3), ("/c/b", 4, 2), ("/c/crash-1", 1, 5)]
        );
    }

    #[test]
    fn the_inputs_that_add_most_are_chosen_and_found_cases_are_not_chosen_twice() {
        let inputs = merged_inputs(MERGE);
        assert_eq!(choose(&inputs, 1), ["/c/a"]);
        assert_eq!(choose(&inputs, 9), ["/c/a", "/c/b"]);
    }

    #[test]
    fn a_merge_that_makes_no_sense_has_no_inputs() {
        assert_eq!(merged_inputs(""), []);
        assert_eq!(merged_inputs("x\ny\nFT 9 9\n"), []);
        assert!(choose(&[], 3).is_empty());
    }

    #[test]
    fn numbers_and_reasons_are_read_from_the_engines_log() {
        let log = "#2 INITED cov: 41 ft: 5\n#9 NEW cov: 57 ft: 9\nthread panicked at fuzz/src/a.rs:1:2:\nboom\n";
        let numbers = Numbers::read(&format!(
            "{log}stat::number_of_executed_units: 1234\nstat::average_exec_per_sec:     99\n"
        ));
        let expected = (1234, 99, 57);
        assert_eq!(
            (numbers.executions, numbers.per_second, numbers.edges),
            expected
        );
        assert!(
            numbers.last_words.starts_with("thread panicked at")
                && numbers.last_words.contains("boom")
        );
        assert_eq!(Numbers::read(""), Numbers::default());
    }

    #[test]
    fn every_target_is_a_file_of_the_library() {
        let workspace = Workspace::find().unwrap();
        let names = target_names(&workspace.root).unwrap();
        let table = fs::read_to_string(workspace.root.join("fuzz/src/target/mod.rs")).unwrap();
        assert!(!names.is_empty());
        for name in names {
            assert!(
                table.contains(&format!("{name}::TARGET")),
                "{name} is not in the table"
            );
        }
    }
}
