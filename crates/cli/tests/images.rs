//! Disk images, as real tools make them, through controller, driver and USB.

mod support;

use std::fs;
use std::process::Command;

use serde_json::Value;
use support::{Folder, doorbell, noise, sha256};

/// Runs a tool that this machine must have.
fn tool(name: &str, arguments: &[&str]) {
    let output = Command::new(name).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{name} is needed for this test: {error}"));
    assert!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_fat_image_with_a_file_is_read_byte_for_byte() {
    let folder = Folder::new();
    let image = folder.file("fat.img", &vec![0; 16 << 20]);
    tool("mkfs.vfat", &[&image]);
    let text = folder.file("text", &noise(300_000, 1));
    tool("mcopy", &["-i", &image, &text, "::TEXT.BIN"]);
    let copy = folder.path("copy.img");
    let device = format!("disk:{image},ro");
    doorbell(&["usb", "read", "--out", &copy, "--device", &device]).succeeds();
    assert!(
        fs::read(&image).unwrap() == fs::read(&copy).unwrap(),
        "the copy differs"
    );
    let back = folder.path("back");
    tool("mcopy", &["-i", &copy, "::TEXT.BIN", &back]);
    assert!(
        fs::read(&text).unwrap() == fs::read(&back).unwrap(),
        "the file in the copy differs"
    );
}

#[test]
fn an_ext4_image_on_a_high_speed_disk_with_large_blocks_is_read_byte_for_byte() {
    let folder = Folder::new();
    let image = folder.file("ext4.img", &vec![0; 8 << 20]);
    tool("mkfs.ext4", &["-q", "-F", &image]);
    let copy = folder.path("copy.img");
    let device = format!("disk:{image},ro,speed=high,blocks=4096");
    let run = doorbell(&["usb", "read", "--json", "--out", &copy, "--device", &device]).succeeds();
    let bytes = fs::read(&image).unwrap();
    assert!(bytes == fs::read(&copy).unwrap(), "the copy differs");
    let object: Value = serde_json::from_str(&run.out).expect("one JSON object");
    assert_eq!(object["sha256"], sha256(&bytes));
}

#[test]
fn sixty_four_mebibytes_are_written_byte_for_byte() {
    let folder = Folder::new();
    let image = folder.path("target.img");
    fs::File::create(&image).unwrap().set_len(64 << 20).unwrap();
    let source = folder.file("source", &noise(64 << 20, 2));
    let device = format!("disk:{image}");
    doorbell(&[
        "usb", "write", "--in", &source, "--yes", "--device", &device,
    ])
    .succeeds();
    assert!(
        fs::read(&source).unwrap() == fs::read(&image).unwrap(),
        "the image differs"
    );
}

#[test]
fn a_range_that_begins_and_ends_inside_blocks_is_read() {
    let folder = Folder::new();
    let bytes = noise(3 << 20, 3);
    let image = folder.file("image", &bytes);
    let copy = folder.path("copy");
    let device = format!("disk:{image},ro");
    let range = ["--offset", "700", "--length", "2097153"];
    let arguments = ["usb", "read", "--out", &copy, "--device", &device];
    doorbell(&[&arguments[..], &range].concat()).succeeds();
    assert!(
        fs::read(&copy).unwrap() == bytes[700..700 + 2_097_153],
        "the part differs"
    );
}

#[test]
fn a_write_in_the_middle_leaves_the_rest_alone() {
    let folder = Folder::new();
    let mut bytes = noise(1 << 20, 4);
    let image = folder.file("image", &bytes);
    let part = noise(8192, 5);
    let source = folder.file("part", &part);
    let device = format!("disk:{image},speed=full");
    let arguments = [
        "usb", "write", "--in", &source, "--offset", "64K", "--yes", "--device", &device,
    ];
    doorbell(&arguments).succeeds();
    bytes[65536..65536 + 8192].copy_from_slice(&part);
    assert!(fs::read(&image).unwrap() == bytes, "the image differs");
}
