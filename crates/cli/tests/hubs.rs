//! Trees of hubs, as a person or a script meets them.

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Folder, Run, doorbell, noise, pattern, sha256};

/// Twenty devices of all speeds in five tiers; a USB 3 hub is two of them.
const TWENTY: &str = "hub:ports=7(\
    keyboard; disk:size=1M,pattern; tablet; serial; \
    hub(zero; \
        hub:mtt(disk:size=1M,pattern; serial:speed=high; \
            hub:speed=high(keyboard:speed=full; \
                hub:speed=full(keyboard; disk:size=1M,pattern; tablet:speed=low)))); \
    zero:speed=super)";

fn object(run: &Run) -> Value {
    serde_json::from_str(&run.out).expect("one JSON object")
}

/// The device at a place.
fn at<'a>(object: &'a Value, location: &str) -> &'a Value {
    let devices = object["devices"].as_array().expect("devices");
    let device = devices.iter().find(|device| device["location"] == location);
    device.unwrap_or_else(|| panic!("nothing at {location}: {devices:#?}"))
}

#[test]
fn a_tree_stands_indented_with_ports_and_translators() {
    let tree = "hub(keyboard; disk:size=1M,pattern; 4=hub:speed=high,mtt(2=serial))";
    let run = doorbell(&["usb", "tree", "--device", tree]).succeeds();
    let expected = [
        "port 1: Doorbell Hub (1209:0003)",
        "  high-speed (480 Mbit/s), own power, can wake the host",
        "  hub: 4 ports, 2 in use, one translator for all; its other half is port 5",
        "  port 1.1: Doorbell Keyboard (1209:0002)",
        "    low-speed (1.5 Mbit/s), bus power, up to 98 mA, can wake the host",
        "    through the translator of the hub on port 1",
        "    interface 0: keyboard",
        "      endpoint 1 IN: interrupt, packets of 8 bytes, every 8 ms",
        "  port 1.4: Doorbell Hub (1209:0003)",
        "    high-speed (480 Mbit/s), own power, can wake the host",
        "    hub: 4 ports, 1 in use, a translator for each",
        "    port 1.4.2: Doorbell Serial (0403:6001)",
        "      full-speed (12 Mbit/s), bus power, up to 100 mA",
        "      through translator 2 of the hub on port 1.4",
        "      interface 0: vendor specific",
        "        endpoint 1 IN: bulk, packets of 64 bytes",
        "        endpoint 2 OUT: bulk, packets of 64 bytes",
        "port 5: Doorbell Hub (1209:0003)",
        "  super-speed (5 Gbit/s), own power, can wake the host",
        "  hub: 4 ports, 1 in use; its other half is port 1",
        "  port 5.2: Doorbell Disk (1209:0001, serial 0123456789AB)",
        "    super-speed (5 Gbit/s), bus power, up to 504 mA",
        "    interface 0: disk",
        "      endpoint 1 IN: bulk, packets of 1 KiB, bursts of 16",
        "      endpoint 2 OUT: bulk, packets of 1 KiB, bursts of 16",
    ];
    assert_eq!(run.out.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn scripts_are_told_places_hubs_and_translators() {
    let tree = "hub(keyboard; disk:size=1M,pattern; 4=hub:speed=high,mtt(2=serial))";
    let run = doorbell(&["usb", "tree", "--json", "--device", tree]).succeeds();
    let object = object(&run);
    let serial = at(&object, "1.4.2");
    assert_eq!(serial["parent"], json!({ "location": "1.4", "port": 2 }));
    assert_eq!(
        serial["translator"],
        json!({ "location": "1.4", "port": 2, "multi_tt": true })
    );
    let keyboard = at(&object, "1.1");
    assert_eq!(keyboard["translator"]["location"], "1");
    assert_eq!(
        at(&object, "5")["hub"],
        json!({ "ports": 4, "used_ports": [2], "multi_tt": false, "other_half": "1" })
    );
    assert_eq!(at(&object, "1")["hub"]["other_half"], "5");
    assert_eq!(at(&object, "1.4")["hub"]["other_half"], Value::Null);
    let disk = at(&object, "5.2");
    assert_eq!(
        (&disk["hub"], &disk["translator"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn up_brings_up_twenty_devices_of_all_speeds_in_five_tiers() {
    let run = doorbell(&["up", "--json", "--device", TWENTY]).succeeds();
    let object = object(&run);
    assert_eq!(object["devices"].as_array().map(Vec::len), Some(20));
    assert_eq!(object["failed"], json!([]));
    for (location, name, speed) in [
        ("1", "Hub", "high-speed"),
        ("5", "Hub", "super-speed"),
        ("1.1", "Keyboard", "low-speed"),
        ("5.2", "Disk", "super-speed"),
        ("1.5.1", "Gadget Zero", "high-speed"),
        ("5.5.2", "Hub", "super-speed"),
        ("1.5.2.2", "Serial", "high-speed"),
        ("5.5.2.1", "Disk", "super-speed"),
        ("1.5.2.3.1", "Keyboard", "full-speed"),
        ("1.5.2.3.2", "Hub", "full-speed"),
        ("1.5.2.3.2.1", "Keyboard", "low-speed"),
        ("1.5.2.3.2.2", "Disk", "full-speed"),
        ("1.5.2.3.2.3", "Tablet", "low-speed"),
        ("5.6", "Gadget Zero", "super-speed"),
    ] {
        let device = at(&object, location);
        assert_eq!(
            (&device["product"], &device["speed"]),
            (&json!(name), &json!(speed)),
            "{location}"
        );
    }
    // Behind the full-speed hub it is still the high-speed hub above that translates.
    let deepest = &at(&object, "1.5.2.3.2.1")["translator"];
    assert_eq!(
        (&deepest["location"], &deepest["port"]),
        (&json!("1.5.2.3"), &json!(2))
    );
    assert_eq!(object["disk"]["location"], "1.5.2.3.2.2");
    assert_eq!(object["disk"]["sha256"], sha256(&pattern(1 << 20)));
}

#[test]
fn a_disk_behind_two_hubs_is_chosen_by_its_place_and_copied_byte_for_byte() {
    let folder = Folder::new();
    let near = folder.file("near.img", &noise(1 << 20, 7));
    let far = folder.file("far.img", &noise(3 << 20, 8));
    let copy = folder.path("copy.img");
    let tree = format!("hub(disk:{near},ro; hub(keyboard; disk:{far}))");
    let arguments = ["usb", "read", "5.2.2", "--out", &copy, "--device", &tree];
    let run = doorbell(&arguments).succeeds();
    assert!(run.out.contains("Disk on port 5.2.2"), "{}", run.out);
    assert!(
        fs::read(&copy).unwrap() == noise(3 << 20, 8),
        "the copy differs"
    );
    let new = folder.file("new.img", &noise(2 << 20, 9));
    let arguments = [
        "usb", "write", "5.2.2", "--yes", "--json", "--in", &new, "--device", &tree,
    ];
    let run = doorbell(&arguments).succeeds();
    assert_eq!(object(&run)["location"], "5.2.2");
    let written = fs::read(&far).unwrap();
    assert!(
        written[..2 << 20] == noise(2 << 20, 9),
        "what was written differs"
    );
    assert!(written[2 << 20..] == noise(3 << 20, 8)[2 << 20..]);
    assert!(
        fs::read(&near).unwrap() == noise(1 << 20, 7),
        "the other disk was written"
    );
}

#[test]
fn a_disk_behind_a_translator_is_read_byte_for_byte() {
    let folder = Folder::new();
    let copy = folder.path("copy.img");
    let tree = "hub:speed=high(hub:speed=full(2=disk:size=256K,pattern))";
    doorbell(&["usb", "read", "1.1.2", "--out", &copy, "--device", tree]).succeeds();
    assert!(
        fs::read(&copy).unwrap() == pattern(256 << 10),
        "the copy differs"
    );
}

#[test]
fn a_keyboard_behind_hubs_prints_what_it_types() {
    let tree = "hub(hub(keyboard:text=far \\(away\\)\\; hub); keyboard:text=near)";
    let run = doorbell(&["usb", "type", "1.1.1", "--device", tree]).succeeds();
    assert_eq!(run.out, "far (away); hub\n");
    let tree = "hub(composite:size=1M,pattern)";
    let arguments = ["usb", "type", "--json", "--text", "both", "--device", tree];
    let object = object(&doorbell(&arguments).succeeds());
    assert_eq!(
        (&object["text"], &object["location"]),
        (&json!("both"), &json!("5.1"))
    );
}

#[test]
fn devices_behind_hubs_are_found_by_name_and_told_apart_by_place() {
    let tree = "hub:speed=high(zero; tablet; zero)";
    let run = doorbell(&["usb", "describe", "tablet", "--device", tree]).succeeds();
    assert!(
        run.out
            .starts_with("Doorbell Tablet (1209:0005) on port 1.2"),
        "{}",
        run.out
    );
    let run = doorbell(&["usb", "clear-halt", "zero", "--device", tree]).fails(2);
    assert!(
        run.err.contains(
            "hint: name one by its place; there are Hub on port 1 and Gadget Zero on port 1.1"
        ),
        "{}",
        run.err
    );
    let run = doorbell(&["usb", "clear-halt", "1.3", "--device", tree]).succeeds();
    assert!(
        run.out.contains("endpoint 1 IN of Gadget Zero on port 1.3"),
        "{}",
        run.out
    );
    doorbell(&["usb", "describe", "1.4", "--device", tree]).fails(3);
}

#[test]
fn a_disk_that_is_pulled_out_of_a_hub_while_it_is_read_is_told_about() {
    let tree = "hub(hub(disk:size=8M,pattern,unplug=5M))";
    let run = doorbell(&["up", "--device", tree]).fails(3);
    assert!(
        run.err
            .starts_with("error: the disk is not there any more\nhint: "),
        "{}",
        run.err
    );
}

#[test]
fn trees_that_cannot_be_end_with_two_and_a_hint() {
    let cases = [
        ("hub(mouse)", "no device called `mouse`", "there are disk"),
        (
            "hub(keyboard",
            "brackets of `hub(keyboard` do not match",
            "backslash",
        ),
        (
            "hub(hub(hub(hub(hub(hub)))))",
            "behind five others",
            "nearer",
        ),
        (
            "hub:ports=2(zero; zero; zero)",
            "`zero` wants port 3, and the hub has 2",
            "`hub:ports=3`",
        ),
        (
            "hub(1=zero; 1=tablet)",
            "port 1 of the hub is taken",
            "another",
        ),
        (
            "hub:speed=full(zero:speed=high)",
            "`zero` at high-speed is too fast for a hub of full-speed",
            "leave its speed out",
        ),
        (
            "keyboard(tablet)",
            "only a hub has something in it",
            "brackets",
        ),
    ];
    for (tree, wrong, hint) in cases {
        let run = doorbell(&["up", "--device", tree]).fails(2);
        let lines: Vec<_> = run.err.lines().collect();
        let [error, told] = lines[..] else {
            panic!("{tree}: {}", run.err);
        };
        assert!(
            error.starts_with("error: ") && error.contains(wrong),
            "{tree}: {error}"
        );
        assert!(
            told.starts_with("hint: ") && told.contains(hint),
            "{tree}: {told}"
        );
    }
    let crowd = [
        "up",
        "--controller",
        "model:ports2=1",
        "--device",
        "keyboard",
        "--device",
        "hub",
    ];
    let run = doorbell(&crowd).fails(2);
    assert!(
        run.err.contains("no free port for `hub`") && run.err.contains("ports2=8,ports3=8"),
        "{}",
        run.err
    );
}

#[test]
fn the_help_shows_how_a_tree_is_written() {
    let run = doorbell(&["up", "--help"]).succeeds();
    assert!(
        run.out
            .contains("'hub(keyboard; disk:stick.img,ro; 4=hub:speed=high,mtt(tablet; serial))'"),
        "{}",
        run.out
    );
}
