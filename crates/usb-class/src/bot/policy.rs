//! What may differ from device to device in the transport.

use core::time::Duration;

/// The knobs of a Bulk-Only transport. The defaults suit devices that keep the specification, and most that do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long a command block wrapper may take; 5 s.
    pub command_timeout: Duration,
    /// How long the data of one command may take; 30 s.
    pub data_timeout: Duration,
    /// How long the device may work after the data before it sends its status; 5 s.
    pub status_timeout: Duration,
    /// How long a request on endpoint 0 may take, and the end of a halt; 5 s, as USB 2.0 §9.2.6.1 has it for the slowest.
    pub control_timeout: Duration,
    /// How long a port reset may take until the device is configured again; 10 s.
    pub port_reset_timeout: Duration,
    /// Ask for the status while the data is still under way, which saves a round trip per command. Off, because QEMU's usb-storage
    /// never answers a status that was queued behind data which it still reads from its file.
    pub pre_queue_status: bool,
    /// Do not believe the residue, only what crossed the bus. Some devices report one where all data came.
    pub ignore_residue: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            command_timeout: Duration::from_secs(5),
            data_timeout: Duration::from_secs(30),
            status_timeout: Duration::from_secs(5),
            control_timeout: Duration::from_secs(5),
            port_reset_timeout: Duration::from_secs(10),
            pre_queue_status: false,
            ignore_residue: false,
        }
    }
}
