//! What may differ from disk to disk.

use core::time::Duration;

use crate::bot;

/// The knobs of a disk. The defaults ask only for what old sticks are known to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The knobs of the transport.
    pub transport: bot::Policy,
    /// The most bytes in one command; 1 MiB. At least one block is always asked for.
    pub max_transfer: u32,
    /// How often one command is sent before its failure is reported; 4, and at least 1.
    pub tries: u8,
    /// How long a disk may take to become ready; 30 s.
    pub ready_timeout: Duration,
    /// How long to wait before asking again; 100 ms.
    pub ready_pause: Duration,
    /// How long a disk may take to write down what it holds, or to spin up; 60 s.
    pub flush_timeout: Duration,
    /// Ask the disk for the most it takes in one command (VPD page B0). Off, because sticks have been seen to hang when asked for a page they lack.
    pub read_block_limits: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            transport: bot::Policy::default(),
            max_transfer: 1 << 20,
            tries: 4,
            ready_timeout: Duration::from_secs(30),
            ready_pause: Duration::from_millis(100),
            flush_timeout: Duration::from_secs(60),
            read_block_limits: false,
        }
    }
}
