//! What goes wrong is told in one sentence, with a hint, and with the exit code that the help promises.

mod support;

use std::fs;

use serde_json::Value;
use support::{Folder, doorbell, pattern};

/// The sentence, and that there is a hint below it and nothing else.
fn sentence(err: &str) -> &str {
    let mut lines = err.lines();
    let error = lines.next().and_then(|line| line.strip_prefix("error: "));
    let hint = lines.next().and_then(|line| line.strip_prefix("hint: "));
    assert!(
        hint.is_some_and(|hint| hint.len() > 5),
        "no hint in:\n{err}"
    );
    assert_eq!(
        lines.next(),
        None,
        "more than a sentence and a hint:\n{err}"
    );
    error.unwrap_or_else(|| panic!("no sentence in:\n{err}"))
}

#[test]
fn images_that_are_none_are_named_with_what_is_wrong() {
    let folder = Folder::new();
    let empty = folder.file("empty.img", b"");
    let odd = folder.file("odd.img", &[0; 1000]);
    let cases = [
        (folder.path("missing.img"), "does not exist"),
        (empty, "is empty"),
        (
            odd,
            "has 1000 bytes, which is not a multiple of the block size 512",
        ),
        (folder.path(""), "is a directory"),
    ];
    for (image, wrong) in cases {
        let run = doorbell(&["up", "--device", &format!("disk:{image}")]).fails(3);
        let sentence = sentence(&run.err);
        assert!(
            sentence.contains(wrong) && sentence.contains(&image),
            "{sentence}"
        );
    }
}

#[test]
fn a_disk_that_is_read_only_is_not_written() {
    let folder = Folder::new();
    let image = folder.file("image", &[7; 4096]);
    let source = folder.file("source", &[8; 4096]);
    let device = format!("disk:{image},ro");
    let run = doorbell(&[
        "usb", "write", "--in", &source, "--yes", "--device", &device,
    ])
    .fails(3);
    assert_eq!(sentence(&run.err), "the disk is write-protected");
    assert_eq!(fs::read(&image).unwrap(), [7; 4096]);
}

#[test]
fn nothing_is_written_without_yes() {
    let folder = Folder::new();
    let image = folder.file("image", &[7; 4096]);
    let source = folder.file("source", &[8; 4096]);
    let run = doorbell(&[
        "usb",
        "write",
        "--in",
        &source,
        "--device",
        &format!("disk:{image}"),
    ])
    .fails(2);
    assert!(
        sentence(&run.err).contains("overwrites 4 KiB"),
        "{}",
        run.err
    );
    assert_eq!(fs::read(&image).unwrap(), [7; 4096]);
}

#[test]
fn a_disk_with_a_bad_block_names_it_and_keeps_what_was_read() {
    let folder = Folder::new();
    let copy = folder.path("copy");
    let run = doorbell(&[
        "usb",
        "read",
        "--out",
        &copy,
        "--device",
        "disk:size=8M,pattern,bad=5M",
    ])
    .fails(3);
    let sentence = sentence(&run.err);
    assert!(
        sentence.contains("block 10240 cannot be read (medium error"),
        "{sentence}"
    );
    let part = format!("{copy}.part");
    assert!(
        sentence.ends_with(&format!("the first 5 MiB were read into {part}")),
        "{sentence}"
    );
    assert!(
        !fs::exists(&copy).unwrap(),
        "half a copy looks like a whole one"
    );
    assert!(
        fs::read(&part).unwrap() == pattern(8 << 20)[..5 << 20],
        "what was kept is wrong"
    );
    let source = folder.file("source", &vec![1; 8 << 20]);
    let run = doorbell(&[
        "usb",
        "write",
        "--in",
        &source,
        "--yes",
        "--device",
        "disk:size=8M,bad=5M",
    ])
    .fails(3);
    assert!(
        run.err.contains("block 10240 cannot be written"),
        "{}",
        run.err
    );
    assert!(
        run.err
            .contains("5 MiB of 8 MiB were written, and perhaps a part of the next 1 MiB"),
        "{}",
        run.err
    );
}

#[test]
fn a_disk_that_is_pulled_out_while_it_is_read_is_told_about() {
    let run = doorbell(&["up", "--json", "--device", "disk:size=8M,pattern,unplug=5M"]).fails(3);
    assert_eq!(sentence(&run.err), "the disk is not there any more");
    let object: Value = serde_json::from_str(&run.out).expect("one JSON object");
    assert_eq!(object["error"]["exit_code"], 3);
    assert_eq!(object["error"]["message"], "the disk is not there any more");
}

#[test]
fn arguments_that_make_no_sense_end_with_two() {
    let folder = Folder::new();
    let out = folder.path("out");
    let odd = folder.file("odd", &[1; 1000]);
    let empty = folder.file("empty", b"");
    let cases: [(&[&str], &str); 10] = [
        (&["down"], "unrecognized subcommand 'down'"),
        (
            &["up", "--device", "mouse"],
            "no device called `mouse`\nhint: there are disk, keyboard, hub",
        ),
        (
            &["up", "--device", "disk:size=1M,sped=high"],
            "no option of a disk called `sped`",
        ),
        (
            &["up", "--controller", "vfio:0000:01:00.0"],
            "no controller called `vfio`",
        ),
        (
            &[
                "up",
                "--controller",
                "model:ports3=1",
                "--device",
                "disk:size=1M",
                "--device",
                "disk:size=1M",
            ],
            "no free port",
        ),
        (
            &["usb", "read", "--out", &out, "--offset", "65M"],
            "behind the end of the disk",
        ),
        (
            &["usb", "read", "--out", &out, "--length", "lots"],
            "give a size such as",
        ),
        (
            &["usb", "write", "--in", &odd, "--yes"],
            "has 1000 bytes, which is not a multiple",
        ),
        (
            &["usb", "write", "--in", &empty, "--yes"],
            "is empty, so there is nothing to write",
        ),
        (
            &["usb", "clear-halt", "disk", "--endpoint", "0x83"],
            "has no endpoint 0x83",
        ),
    ];
    for (arguments, wrong) in cases {
        let run = doorbell(arguments).fails(2);
        assert!(run.err.contains(wrong), "{arguments:?}: {}", run.err);
        assert!(run.err.starts_with("error: "), "{arguments:?}: {}", run.err);
    }
}

#[test]
fn files_of_this_computer_that_fail_end_with_one() {
    let folder = Folder::new();
    let nowhere = folder.path("no/such/folder/out");
    let run = doorbell(&["usb", "read", "--out", &nowhere, "--device", "disk:size=1M"]).fails(1);
    assert!(
        sentence(&run.err).contains("cannot be made: No such file"),
        "{}",
        run.err
    );
    let missing = folder.path("missing");
    let run = doorbell(&["usb", "write", "--in", &missing, "--yes"]).fails(1);
    assert!(
        sentence(&run.err).contains("cannot be read: No such file"),
        "{}",
        run.err
    );
}

#[test]
fn a_device_that_is_not_there_is_asked_for_in_vain() {
    let run = doorbell(&["usb", "describe", "printer"]).fails(3);
    assert_eq!(sentence(&run.err), "no device answers to `printer`");
    let run = doorbell(&["usb", "type", "disk"]).fails(3);
    assert_eq!(sentence(&run.err), "Disk on port 5 is no keyboard");
    let run = doorbell(&[
        "usb",
        "describe",
        "--device",
        "disk:size=1M",
        "--device",
        "disk:size=1M",
        "disk",
    ])
    .fails(2);
    assert!(
        sentence(&run.err).contains("more than one device called `disk`"),
        "{}",
        run.err
    );
}

#[test]
fn a_pattern_disk_on_which_too_much_is_written_says_what_it_keeps() {
    let folder = Folder::new();
    let source = folder.file("source", &vec![1; 66 << 20]);
    let device = "disk:size=66M,pattern";
    let arguments = ["usb", "write", "--in", &source, "--yes", "--device", device];
    let run = doorbell(&arguments).fails(3);
    let sentence = sentence(&run.err);
    let why = "behind it: a pattern disk keeps at most 64 MiB of written data; use an image file; ";
    assert!(sentence.contains(why), "{sentence}");
    assert!(
        sentence.ends_with("64 MiB of 66 MiB were written, and perhaps a part of the next 1 MiB"),
        "{sentence}"
    );
    let help = doorbell(&["usb", "write", "--help"]).succeeds();
    assert!(help.out.contains("it keeps up to 64 MiB"), "{}", help.out);
}

#[test]
fn scripts_are_told_as_one_object_that_their_arguments_make_no_sense() {
    let cases: [(&[&str], &str, &str); 6] = [
        (
            &["down", "--json"],
            "unrecognized subcommand 'down'",
            "`--help` shows what there is",
        ),
        (
            &["usb", "tre", "--json"],
            "unrecognized subcommand 'tre'",
            "tree",
        ),
        (
            &["usb", "read", "--json"],
            "the following required arguments were not provided: --out <FILE>",
            "`--help` shows what there is",
        ),
        (
            &["usb", "read", "--json", "--out", "x", "--length", "lots"],
            "give a size such as",
            "`--help` shows what there is",
        ),
        (
            &["up", "--json", "--device", "mouse"],
            "there is no device called `mouse`",
            "there are disk, keyboard",
        ),
        (
            &["up", "--json", "--controller", "vfio"],
            "no controller called `vfio`",
            "model",
        ),
    ];
    for (arguments, message, hint) in cases {
        let run = doorbell(arguments).fails(2);
        let object: Value = serde_json::from_str(&run.out).expect("one JSON object");
        let error = &object["error"];
        assert_eq!(error["exit_code"], 2, "{arguments:?}");
        let said = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        assert!(said("message").contains(message), "{arguments:?}: {error}");
        assert!(said("hint").contains(hint), "{arguments:?}: {error}");
        sentence(&run.err);
    }
    let run = doorbell(&["usb", "read", "--json", "--help"]).succeeds();
    assert!(run.out.contains("Examples:"), "help is help: {}", run.out);
}

#[test]
fn a_fault_behind_the_end_of_a_disk_is_refused() {
    let folder = Folder::new();
    let image = folder.file("image", &[0; 4096]);
    for device in [
        "disk:size=4K,bad=4K",
        "disk:size=4K,pattern,unplug=4096",
        &format!("disk:{image},bad=4096"),
        &format!("hub(composite:{image},ro,unplug=4K)"),
    ] {
        let run = doorbell(&["up", "--device", device]).fails(2);
        let sentence = sentence(&run.err);
        assert!(
            sentence.contains("=4096` lies behind the end of the disk, which has 4096 bytes"),
            "{device}: {sentence}"
        );
    }
    let device = "disk:size=4K,pattern,bad=4095";
    let run = doorbell(&["up", "--device", device]).fails(3);
    assert!(
        run.err.contains("cannot be read (medium error"),
        "{}",
        run.err
    );
}
