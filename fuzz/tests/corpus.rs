//! Every input that was ever worth keeping is played again: the seeds, and each case that once broke something.

use std::fs;
use std::path::{Path, PathBuf};

use fuzz::{TARGETS, Target};

/// What the corpora may hold together: enough to reach everything, little enough to be read and kept.
const FILES_MAX: usize = 200;
const BYTES_MAX: u64 = 200 * 1024;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The files of a folder; none if there is no such folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    files.sort();
    files
}

fn play(target: &Target) -> usize {
    let files = files(&corpora().join(target.name));
    for file in &files {
        let input = fs::read(file).expect("a readable file");
        if std::panic::catch_unwind(|| target.play(&input)).is_err() {
            panic!("{} breaks {}", file.display(), target.name);
        }
    }
    files.len()
}

#[test]
fn every_kept_input_passes_its_target() {
    for target in TARGETS {
        let played = play(target);
        assert!(played > 0, "{} has no corpus", target.name);
    }
}

#[test]
fn no_input_at_all_passes_every_target() {
    for target in TARGETS {
        target.play(&[]);
        target.play(&vec![0; target.longest]);
        target.play(&vec![0xff; target.longest]);
    }
}

#[test]
fn the_corpora_belong_to_targets_and_stay_small() {
    let mut total = (0, 0);
    for folder in files(&corpora()) {
        let name = folder.file_name().and_then(|name| name.to_str());
        assert!(
            name.and_then(Target::find).is_some(),
            "{} belongs to no target",
            folder.display()
        );
        for file in files(&folder) {
            total.0 += 1;
            total.1 += file.metadata().expect("a readable file").len();
        }
    }
    assert!(total.0 <= FILES_MAX, "{} files", total.0);
    assert!(total.1 <= BYTES_MAX, "{} bytes", total.1);
}

#[test]
fn targets_have_names_of_their_own_and_words_for_people() {
    for target in TARGETS {
        let found = Target::find(target.name).expect("found by its name");
        assert_eq!(found.about, target.about);
        assert!(!target.about.is_empty() && target.longest > 0);
    }
    assert!(Target::find("no such target").is_none());
}
