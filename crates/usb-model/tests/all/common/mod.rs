//! A host without a controller: memory, a worker and a bus with one device on it.

mod bench;
mod disk;
mod ram;
pub(crate) mod tree;

pub(crate) use bench::Bench;
pub(crate) use disk::DiskBench;
pub(crate) use ram::{Ram, RamSlice};
