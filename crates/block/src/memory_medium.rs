use usb_model::WorkError;
use volmem::VolatileSlice;

use crate::Medium;
use crate::walk::Walk;

/// A medium whose bytes lie in this process; for small disks and for tests. They are gone with it.
#[derive(Clone)]
pub struct MemoryMedium {
    bytes: Vec<u8>,
    read_only: bool,
}

impl MemoryMedium {
    /// A medium that begins with these bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            read_only: false,
        }
    }

    /// The same medium, write-protected.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self {
            read_only: true,
            ..self
        }
    }

    /// What it holds.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn part(&mut self, at: u64, length: usize) -> Result<&mut [u8], WorkError> {
        let start = usize::try_from(at).map_err(|_| WorkError::Range)?;
        let end = start.checked_add(length).ok_or(WorkError::Range)?;
        self.bytes.get_mut(start..end).ok_or(WorkError::Range)
    }
}

impl Medium for MemoryMedium {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn read(&mut self, at: u64, into: &[VolatileSlice], length: usize) -> Result<(), WorkError> {
        Walk::new(into)
            .put(self.part(at, length)?)
            .map_err(|_| WorkError::Read)
    }

    fn write(&mut self, at: u64, from: &[VolatileSlice], length: usize) -> Result<(), WorkError> {
        if self.read_only {
            return Err(WorkError::Protected);
        }
        Walk::new(from)
            .take(self.part(at, length)?)
            .map_err(|_| WorkError::Write)
    }

    fn flush(&mut self) -> Result<(), WorkError> {
        Ok(())
    }
}

impl std::fmt::Debug for MemoryMedium {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryMedium")
            .field("len", &self.bytes.len())
            .field("read_only", &self.read_only)
            .finish()
    }
}
