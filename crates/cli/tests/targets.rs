//! What is read into: an old file is never half overwritten, an image never cut off.

mod support;

use std::fs;
use std::os::unix::fs::MetadataExt;

use support::{Folder, doorbell, interrupted_when, noise, pattern};

#[test]
fn an_image_is_not_read_into_itself_by_any_name() {
    let folder = Folder::new();
    let bytes = noise(1 << 20, 1);
    let image = folder.file("a.img", &bytes);
    let (hard, soft) = (folder.path("hard"), folder.path("soft"));
    fs::hard_link(&image, &hard).unwrap();
    std::os::unix::fs::symlink(&image, &soft).unwrap();
    for device in [
        format!("disk:{image}"),
        format!("disk:{image},ro"),
        format!("hub(keyboard; composite:{image},ro)"),
    ] {
        for out in [&image, &hard, &soft] {
            let run =
                doorbell(&["usb", "read", "disk", "--out", out, "--device", &device]).fails(2);
            assert_eq!(
                run.err,
                format!(
                    "error: {out} is the image of a disk that is plugged in\nhint: choose another file\n"
                )
            );
            assert!(fs::read(&image).unwrap() == bytes, "the image was changed");
        }
    }
}

#[test]
fn an_image_that_another_program_uses_is_not_read_into() {
    let folder = Folder::new();
    let image = folder.file("a.img", b"another's");
    let other = fs::File::open(&image).unwrap();
    other.lock_shared().unwrap();
    let run = doorbell(&["usb", "read", "--out", &image]).fails(2);
    assert!(
        run.err.contains("a.img is in use by another program\nhint"),
        "{}",
        run.err
    );
    assert_eq!(fs::read(&image).unwrap(), b"another's");
}

#[test]
fn an_image_whose_name_ends_in_part_is_no_place_for_half_a_copy() {
    let folder = Folder::new();
    let image = folder.file("a.img.part", &[7; 4096]);
    let out = folder.path("a.img");
    let device = format!("disk:{image}");
    doorbell(&["usb", "read", "--out", &out, "--device", &device]).fails(2);
    assert_eq!(fs::read(&image).unwrap(), [7; 4096]);
}

#[test]
fn what_is_no_file_is_read_into_as_it_is() {
    doorbell(&["usb", "read", "--out", "/dev/null"]).succeeds();
    let run = doorbell(&[
        "usb",
        "read",
        "--out",
        "/dev/stdout",
        "--device",
        "disk:size=8K",
    ]);
    assert!(
        run.succeeds().out.starts_with(&"\0".repeat(8192)),
        "the bytes come first"
    );
}

#[test]
fn an_old_file_is_replaced_when_all_is_read_and_keeps_its_permissions() {
    let folder = Folder::new();
    let old = folder.file("old", b"old");
    let link = folder.path("link");
    std::os::unix::fs::symlink(&old, &link).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&old, private).unwrap();
    let part = folder.file("old.part", b"of an earlier run");
    doorbell(&["usb", "read", "--length", "1M", "--out", &link]).succeeds();
    assert!(
        fs::read(&old).unwrap() == pattern(1 << 20),
        "the copy is wrong"
    );
    assert_eq!(fs::metadata(&old).unwrap().mode() & 0o777, 0o600);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(!fs::exists(&part).unwrap());
}

#[test]
fn an_old_file_is_as_it_was_when_the_disk_fails() {
    let folder = Folder::new();
    let old = folder.file("old", b"old");
    let device = "disk:size=8M,pattern,bad=0";
    let run = doorbell(&["usb", "read", "--out", &old, "--device", device]).fails(3);
    assert!(
        run.err
            .contains(&format!("; nothing was read, and {old} is as it was")),
        "{}",
        run.err
    );
    assert_eq!(fs::read(&old).unwrap(), b"old");
    assert!(!fs::exists(format!("{old}.part")).unwrap());
}

#[test]
fn ctrl_c_says_what_was_read() {
    let folder = Folder::new();
    let old = folder.file("old", b"old");
    let part = format!("{old}.part");
    let arguments = [
        "usb",
        "read",
        "--out",
        &old,
        "--device",
        "disk:size=1T,pattern",
    ];
    let run = interrupted_when(&arguments, || {
        fs::metadata(&part).is_ok_and(|part| part.len() > 0)
    })
    .fails(130);
    let begin = "error: interrupted; the controller was handed back; the first ";
    let end = format!(" were read into {part}, and {old} is as it was\n");
    assert!(
        run.err.starts_with(begin) && run.err.ends_with(&end),
        "{}",
        run.err
    );
    assert_eq!(fs::read(&old).unwrap(), b"old");
}

#[test]
fn ctrl_c_says_what_was_written() {
    let folder = Folder::new();
    let (source, image) = (folder.path("source"), folder.path("image"));
    for path in [&source, &image] {
        fs::File::create(path).unwrap().set_len(1 << 40).unwrap();
    }
    let device = format!("disk:{image}");
    let arguments = [
        "usb", "write", "--in", &source, "--yes", "--device", &device,
    ];
    let run = interrupted_when(&arguments, || {
        fs::metadata(&image).is_ok_and(|image| image.blocks() > 4096)
    })
    .fails(130);
    assert!(
        run.err.contains("handed back; ")
            && run
                .err
                .contains(" of 1 TiB were written, and perhaps a part of the next 1 MiB"),
        "{}",
        run.err
    );
}
