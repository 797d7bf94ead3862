use alloc::vec::Vec;

/// Names one piece of work; the device chooses it, the worker only repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkId(pub u64);

/// What is to be done with the medium behind a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkKind {
    /// Fill the buffers from the medium.
    Read,
    /// Put the buffers onto the medium.
    Write,
    /// Make everything written so far durable.
    Flush,
}

/// A piece of work that takes time: done by an edge straight between medium and shared memory, so that each byte is copied once.
#[derive(Debug)]
pub struct Work<S> {
    /// Comes back in [`WorkDone`].
    pub id: WorkId,
    /// What to do.
    pub kind: WorkKind,
    /// Where on the medium, in bytes.
    pub offset: u64,
    /// From or to where in memory, in order.
    pub buffers: Vec<S>,
    /// How many bytes: no more than the sum of the buffers' lengths.
    pub length: usize,
}

/// What became of a piece of work.
#[derive(Debug)]
pub struct WorkDone<S> {
    /// The work's name.
    pub id: WorkId,
    /// The work's buffers, for the device to give back.
    pub buffers: Vec<S>,
    /// All bytes were moved, or why not.
    pub result: Result<(), WorkError>,
}

/// Why the medium could not do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkError {
    /// The medium could not be read (unrecovered read error).
    Read,
    /// The medium could not be written.
    Write,
    /// The medium is write-protected.
    Protected,
    /// The offset lies outside the medium.
    Range,
    /// There is no medium any more.
    Gone,
}
