//! The program as a person or a script meets it.

mod support;

use std::fs;

use serde_json::Value;
use support::{Folder, doorbell, pattern, sha256};

#[test]
fn up_shows_the_phases_the_devices_and_the_digest_within_three_seconds() {
    let begin = std::time::Instant::now();
    let run = doorbell(&["up"]).succeeds();
    assert!(
        begin.elapsed() < std::time::Duration::from_secs(3),
        "{:?}",
        begin.elapsed()
    );
    for word in [
        "handoff",
        "reset",
        "start",
        "self-test",
        "ports",
        "enumeration",
        "Doorbell Keyboard",
        "low-speed",
        "up to 98 mA",
        "Doorbell Disk",
        "super-speed",
        "interface 0: disk",
        "endpoint 2 OUT: bulk",
        "reading all of Disk on port 5: 64 MiB",
        "MiB/s",
        "halted and handed back",
    ] {
        assert!(
            run.out.contains(word),
            "`{word}` is missing in:\n{}",
            run.out
        );
    }
    let digest = sha256(&pattern(64 << 20));
    assert!(
        run.out.contains(&digest),
        "SHA-256 {digest} is missing in:\n{}",
        run.out
    );
    assert!(
        !run.out.contains('\u{1b}') && run.err.is_empty(),
        "no bar and no colour into a pipe: {}",
        run.err
    );
}

#[test]
fn up_tells_scripts_the_same_as_one_object() {
    let run = doorbell(&[
        "up",
        "--json",
        "--device",
        "disk:size=4M,pattern,blocks=4096",
    ])
    .succeeds();
    let object: Value = serde_json::from_str(&run.out).expect("one JSON object");
    let phases: Vec<_> = object["phases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|phase| &phase["name"])
        .collect();
    assert_eq!(
        phases,
        [
            "handoff",
            "reset",
            "start",
            "self-test",
            "ports",
            "enumeration"
        ]
    );
    assert_eq!(object["disk"]["sha256"], sha256(&pattern(4 << 20)));
    assert_eq!(object["disk"]["bytes"], 4 << 20);
    assert_eq!(object["disk"]["block_bytes"], 4096);
    assert_eq!(object["devices"][0]["interfaces"][0]["name"], "disk");
    assert_eq!(object["controller"]["xhci_version"], "1.1");
    assert_eq!(object["failed"], Value::Array(Vec::new()));
}

#[test]
fn controllers_of_many_kinds_come_up() {
    for options in [
        "bios=none",
        "bios=never",
        "contexts=64",
        "ac64=off",
        "seed=7",
        "scratchpads=0",
        "interrupters=1",
        "ports2=0",
        "ports3=0",
        "ports2=1,ports3=1,slots=2,seed=3,contexts=64,ac64=off,scratchpads=99",
    ] {
        let controller = format!("model:{options}");
        let run = doorbell(&["usb", "tree", "--json", "--controller", &controller]).succeeds();
        let object: Value = serde_json::from_str(&run.out).expect("one JSON object");
        assert_eq!(
            object["devices"].as_array().map(Vec::len),
            Some(2),
            "{options}"
        );
    }
}

#[test]
fn a_device_for_which_there_is_no_slot_is_told_about() {
    let run = doorbell(&["usb", "tree", "--controller", "model:slots=1"]).fails(3);
    assert!(run.out.contains("a device is there, but"), "{}", run.out);
    assert!(
        run.err
            .starts_with("error: a device could not be made to work\nhint: "),
        "{}",
        run.err
    );
    let run = doorbell(&["usb", "describe", "--controller", "model:slots=1"]).fails(3);
    assert!(run.out.contains("a device is there, but"), "{}", run.out);
    assert!(
        run.err
            .starts_with("error: a device could not be made to work\nhint: "),
        "{}",
        run.err
    );
    // The keyboard has the one slot.
    for verb in [["usb", "describe", "disk"], ["usb", "type", "disk"]] {
        let arguments = [&verb[..], &["--controller", "model:slots=1"]].concat();
        let run = doorbell(&arguments).fails(3);
        assert!(
            run.err
                .starts_with("error: no device answers to `disk`; port 5: a device is there, but "),
            "{}",
            run.err
        );
    }
}

#[test]
fn the_tree_shows_every_speed() {
    let devices = [
        "disk:size=1M,speed=full",
        "disk:size=1M,speed=high",
        "disk:size=1M,speed=super+",
        "keyboard:speed=high",
    ];
    let mut arguments = vec!["usb", "tree"];
    for device in devices {
        arguments.extend(["--device", device]);
    }
    let run = doorbell(&arguments).succeeds();
    for speed in [
        "full-speed (12 Mbit/s)",
        "high-speed (480 Mbit/s)",
        "super-speed",
    ] {
        assert!(
            run.out.contains(speed),
            "{speed} is missing in:\n{}",
            run.out
        );
    }
}

#[test]
fn describe_shows_descriptors_of_the_device_that_is_meant() {
    for device in ["keyboard", "1", "1209:0002", "Keyb"] {
        let run = doorbell(&["usb", "describe", device]).succeeds();
        assert!(
            run.out
                .starts_with("Doorbell Keyboard (1209:0002) on port 1"),
            "{device}: {}",
            run.out
        );
        assert!(
            run.out.contains("09 04 00 00 01 03 01 01 00"),
            "its interface descriptor: {}",
            run.out
        );
    }
    let run = doorbell(&["usb", "describe", "--json"]).succeeds();
    let object: Value = serde_json::from_str(&run.out).expect("one JSON object");
    let bytes = object["devices"][0]["configuration_descriptors"]
        .as_str()
        .unwrap();
    assert!(bytes.starts_with("0902"), "{bytes}");
}

#[test]
fn type_prints_what_the_keyboard_sends() {
    let run = doorbell(&["usb", "type"]).succeeds();
    assert_eq!(run.out, "Hello from Doorbell\n");
    let text = "It's 9:41 -- {Shift}, \"quotes\" & tabs?";
    let run = doorbell(&["usb", "type", "--json", "--text", text]).succeeds();
    let object: Value = serde_json::from_str(&run.out).expect("one JSON object");
    assert_eq!(object["text"], text);
    let run = doorbell(&["usb", "type", "--device", "keyboard:text=a\\,b,speed=full"]).succeeds();
    assert_eq!(run.out, "a,b\n");
}

#[test]
fn clear_halt_goes_to_each_endpoint() {
    let run = doorbell(&["usb", "clear-halt", "disk"]).succeeds();
    assert!(
        run.out.contains("endpoint 1 IN of Disk") && run.out.contains("endpoint 2 OUT of Disk"),
        "{}",
        run.out
    );
    let run = doorbell(&[
        "usb",
        "clear-halt",
        "keyboard",
        "--endpoint",
        "0x81",
        "--json",
    ])
    .succeeds();
    let object: Value = serde_json::from_str(&run.out).expect("one JSON object");
    assert_eq!(object["cleared"], serde_json::json!(["0x81"]));
}

#[test]
fn help_shows_examples_and_exit_codes() {
    let run = doorbell(&["--help"]).succeeds();
    assert!(
        run.out.contains("Exit codes:") && run.out.contains("130  interrupted"),
        "{}",
        run.out
    );
    for verb in [
        &["up"][..],
        &["usb", "read"],
        &["usb", "write"],
        &["usb", "type"],
        &["usb", "clear-halt"],
    ] {
        let run = doorbell(&[verb, &["--help"]].concat()).succeeds();
        assert!(
            run.out.contains("Example") && run.out.contains("--controller"),
            "{verb:?}: {}",
            run.out
        );
    }
}

#[test]
fn ctrl_c_hands_the_controller_back() {
    let run = support::interrupted(&["usb", "type", "--seconds", "60"]);
    assert_eq!(
        (run.code, run.err.as_str()),
        (
            Some(130),
            "error: interrupted; the controller was handed back\n"
        )
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error_worth_a_panic() {
    let run = support::unread(&["usb", "tree"]);
    assert!(!run.err.contains("panicked"), "{}", run.err);
}

#[test]
fn a_file_that_is_read_into_is_not_lost_when_there_is_no_disk() {
    let folder = Folder::new();
    let file = folder.file("kept", b"old");
    doorbell(&["usb", "read", "--out", &file, "--device", "keyboard"]).fails(3);
    assert_eq!(fs::read(&file).unwrap(), b"old");
}
