//! A disk behind driver and model, and the file that it is made of.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;

use host::storage::{self, Policy, PolledDisk};
use host::{Buffer, Engine};
use local::Local;
use tempfile::NamedTempFile;

/// The size of the disk.
pub const DISK_BYTES: usize = 64 << 20;

/// A super-speed disk whose bytes are a file's, to be read through the driver or directly, into the same DMA buffer.
#[derive(Debug)]
pub struct DiskRig {
    engine: Engine<Local>,
    disk: PolledDisk,
    buffer: Option<Buffer>,
    image: NamedTempFile,
    file: File,
    chunk: usize,
}

impl DiskRig {
    /// The rig, with the image in the page cache. Its disk is read in pieces of `chunk` bytes, which divides [`DISK_BYTES`].
    ///
    /// # Panics
    /// When the file cannot be made or the disk does not open.
    #[must_use]
    pub fn new(chunk: usize) -> Self {
        assert!(DISK_BYTES.is_multiple_of(chunk), "whole pieces");
        let image = image();
        let disk = format!("disk:{},ro", image.path().display());
        let setup = crate::setup().with_device(disk.parse().expect("a disk"));
        let mut engine = crate::engine(setup);
        let slot = engine
            .devices()
            .find(|device| storage::function(device).is_some())
            .expect("a disk")
            .slot;
        let disk = PolledDisk::open(&mut engine, slot, Policy::default()).expect("it opens");
        let buffer = engine.pool().allocate(chunk).expect("a buffer");
        let file = image.reopen().expect("the image opens again");
        let mut rig = Self {
            engine,
            disk,
            buffer: Some(buffer),
            image,
            file,
            chunk,
        };
        rig.check();
        rig
    }

    /// The engine.
    pub fn engine(&mut self) -> &mut Engine<Local> {
        &mut self.engine
    }

    /// Reads one piece through driver and model.
    ///
    /// # Panics
    /// When it fails.
    pub fn read_one(&mut self, at: usize) {
        let buffer = self.buffer.take().expect("it came back");
        let begun = self
            .disk
            .begin_read(self.engine.now(), at as u64, buffer, self.chunk);
        begun.expect("it begins");
        let done = self.disk.finish(&mut self.engine);
        done.result.expect("it is read");
        assert_eq!(done.bytes, self.chunk);
        self.buffer = done.buffer;
    }

    /// Reads the whole disk through driver and model.
    pub fn read_all(&mut self) {
        for at in (0..DISK_BYTES).step_by(self.chunk) {
            self.read_one(at);
        }
    }

    /// Reads the whole file with `pread` into the same buffer.
    ///
    /// # Panics
    /// When it fails.
    pub fn pread_all(&mut self) {
        let buffer = self.buffer.as_mut().expect("it came back");
        for at in (0..DISK_BYTES).step_by(self.chunk) {
            let read = self.file.read_at(&mut buffer[..], at as u64);
            assert_eq!(read.expect("it is read"), self.chunk);
        }
    }

    /// The bytes that were read last.
    ///
    /// # Panics
    /// Never: the buffer always comes back.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.buffer.as_deref().expect("it came back")
    }

    /// What is not correct is not fast: every byte is compared once before anything is measured.
    fn check(&mut self) {
        let mut wanted = vec![0; self.chunk];
        for at in (0..DISK_BYTES).step_by(self.chunk) {
            self.read_one(at);
            let read = self.file.read_exact_at(&mut wanted, at as u64);
            read.expect("the image is there");
            assert!(self.bytes() == wanted, "wrong bytes at {at}");
        }
    }

    /// Where the image lies.
    #[must_use]
    pub fn image(&self) -> &std::path::Path {
        self.image.path()
    }
}

/// A file in which no two pages are alike.
fn image() -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    let mut word = 0u64;
    let mut piece = Vec::with_capacity(1 << 20);
    for _ in 0..DISK_BYTES / piece.capacity() {
        piece.clear();
        while piece.len() < piece.capacity() {
            word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
            piece.extend_from_slice(&word.to_le_bytes());
        }
        file.write_all(&piece).expect("room for the image");
    }
    file.flush().expect("room for the image");
    file
}
