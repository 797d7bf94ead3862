use std::path::PathBuf;
use std::{env, fs};

/// Compares `text` with the file `name` of the golden texts; with `DOORBELL_GOLDEN=write` in the environment, writes it there instead.
///
/// # Panics
/// If they differ, naming the first line that does; if the file is not there.
pub fn golden(name: &str, text: &str) {
    let path = path(name);
    if env::var("DOORBELL_GOLDEN").is_ok_and(|mode| mode == "write") {
        return fs::write(&path, text).expect("the golden file to be written");
    }
    let expected = golden_text(name);
    if let Some(difference) = first_difference(&expected, text) {
        panic!(
            "{name}: {difference}\nIf that is how it should be, run the test again with DOORBELL_GOLDEN=write."
        );
    }
}

/// The file `name` of the golden texts.
///
/// # Panics
/// If it cannot be read.
#[must_use]
pub fn golden_text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| {
        panic!("{name}: {error}; DOORBELL_GOLDEN=write makes a golden text that is not there yet")
    })
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/golden")
        .join(name)
}

fn first_difference(expected: &str, text: &str) -> Option<String> {
    let mut left = expected.lines();
    let mut right = text.lines();
    let mut number = 0;
    loop {
        number += 1;
        match (left.next(), right.next()) {
            (None, None) => return None,
            (expected, got) if expected == got => {}
            (expected, got) => {
                let show = |line: Option<&str>| line.unwrap_or("(the end)").to_owned();
                return Some(format!(
                    "line {number} was\n    {}\nand is\n    {}",
                    show(expected),
                    show(got)
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_named() {
        let difference = first_difference("a\nb\n", "a\nc\n").expect("they differ");
        assert!(difference.contains("line 2"), "{difference}");
        assert_eq!(first_difference("a\n", "a\n"), None);
        let shorter = first_difference("a\nb\n", "a\n").expect("they differ");
        assert!(shorter.contains("(the end)"), "{shorter}");
    }
}
