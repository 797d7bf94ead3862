//! What cannot be a disk is refused with words that help.

use std::fs::{self, File};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use block::{FileMedium, Medium, Mode, OpenError};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("there is room"))
    }

    fn file(&self, name: &str, len: u64) -> PathBuf {
        let path = self.0.path().join(name);
        File::create(&path)
            .and_then(|file| file.set_len(len))
            .expect("there is room");
        path
    }
}

fn refusal(path: &Path, mode: Mode) -> OpenError {
    FileMedium::open(path, mode, 512).expect_err("it cannot be a disk")
}

#[test]
fn an_image_of_whole_blocks_is_opened() {
    let folder = Folder::new();
    let path = folder.file("disk", 1024);
    let medium = FileMedium::open(&path, Mode::ReadWrite, 512).expect("it is fit");
    assert_eq!((medium.len(), medium.is_read_only()), (1024, false));
}

#[test]
fn a_missing_image_comes_with_the_command_that_makes_one() {
    let folder = Folder::new();
    let path = folder.0.path().join("none");
    let error = refusal(&path, Mode::ReadOnly);
    assert!(matches!(error, OpenError::Missing { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("truncate -s 64M {}", path.display())),
        "{error}"
    );
    assert!(matches!(
        refusal(&folder.file("disk", 512).join("below"), Mode::ReadOnly),
        OpenError::System { .. }
    ));
}

#[test]
fn an_odd_size_comes_with_the_command_that_rounds_it_up() {
    let folder = Folder::new();
    let path = folder.file("odd", 1025);
    let error = refusal(&path, Mode::ReadOnly);
    assert!(
        matches!(
            error,
            OpenError::OddSize {
                len: 1025,
                block_size: 512,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains(&format!("truncate -s %512 {}", path.display())),
        "{error}"
    );
}

#[test]
fn an_empty_file_a_directory_and_things_without_a_size_are_told_apart() {
    let folder = Folder::new();
    assert!(matches!(
        refusal(&folder.file("empty", 0), Mode::ReadOnly),
        OpenError::Empty { .. }
    ));
    assert!(matches!(
        refusal(folder.0.path(), Mode::ReadOnly),
        OpenError::Directory { .. }
    ));
    assert!(matches!(
        refusal(Path::new("/dev/null"), Mode::ReadWrite),
        OpenError::NotADisk { .. }
    ));
    let socket = folder.0.path().join("socket");
    let _listener = UnixListener::bind(&socket).expect("there is room");
    assert!(matches!(
        refusal(&socket, Mode::ReadOnly),
        OpenError::NotADisk { .. }
    ));
}

#[test]
fn a_writer_is_alone_and_readers_are_together() {
    let folder = Folder::new();
    let path = folder.file("disk", 512);
    let writer = FileMedium::open(&path, Mode::ReadWrite, 512).expect("nobody else is there");
    let error = refusal(&path, Mode::ReadWrite);
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains(",ro"), "{error}");
    assert!(matches!(
        refusal(&path, Mode::ReadOnly),
        OpenError::InUse { .. }
    ));
    drop(writer);
    let _reader = FileMedium::open(&path, Mode::ReadOnly, 512).expect("the writer has gone");
    let _other = FileMedium::open(&path, Mode::ReadOnly, 512).expect("readers share");
    assert!(matches!(
        refusal(&path, Mode::ReadWrite),
        OpenError::InUse { .. }
    ));
}

#[test]
fn an_image_that_may_only_be_read_is_not_opened_for_writing_behind_the_users_back() {
    let folder = Folder::new();
    let path = folder.file("disk", 512);
    let mut permissions = fs::metadata(&path).expect("it is there").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).expect("it is ours");
    if File::options().write(true).open(&path).is_err() {
        let error = refusal(&path, Mode::ReadWrite);
        assert!(matches!(error, OpenError::NotWritable { .. }), "{error}");
        assert!(
            error
                .to_string()
                .contains(&format!("--device disk:{},ro", path.display())),
            "{error}"
        );
    }
    // Whoever may write everything (root) sees the same with a descriptor that cannot.
    let read_only = File::open(&path).expect("it may be read");
    let error = FileMedium::from_file(read_only, Mode::ReadWrite, 512)
        .expect_err("the descriptor cannot write");
    assert!(matches!(error, OpenError::NotWritable { .. }), "{error}");
    assert!(FileMedium::open(&path, Mode::ReadOnly, 512).is_ok());
}

#[test]
fn a_passed_descriptor_is_checked_as_a_path_is() {
    let folder = Folder::new();
    let open = |name, len| File::open(folder.file(name, len)).expect("it may be read");
    let medium = FileMedium::from_file(open("disk", 2048), Mode::ReadOnly, 512).expect("it is fit");
    assert_eq!(medium.len(), 2048);
    assert!(matches!(
        FileMedium::from_file(open("odd", 100), Mode::ReadOnly, 512),
        Err(OpenError::OddSize { .. })
    ));
    let write_only = File::create(folder.0.path().join("new")).expect("there is room");
    assert!(matches!(
        FileMedium::from_file(write_only, Mode::ReadOnly, 512),
        Err(OpenError::NotReadable { .. })
    ));
}
