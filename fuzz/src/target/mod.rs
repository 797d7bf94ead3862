//! The targets: one file each, one line here.

mod capabilities;
mod context;
mod controller;
mod descriptors;
mod device;
mod disk_device;
mod event_ring;
mod event_ring_ends;
mod guest;
mod keyboard_device;
mod link_ring;
mod link_ring_ends;
mod mass_storage;
mod model_disk;
mod model_keyboard;
mod registers;
mod requests;
mod trb;

/// One door, and what knocks at it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its folder under `corpus/`.
    pub name: &'static str,
    /// What it plays, in a few words.
    pub about: &'static str,
    /// The longest input worth trying, in bytes; what is longer is cut.
    pub longest: usize,
    run: fn(&[u8]),
}

impl Target {
    /// The target of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Plays one input.
    ///
    /// # Panics
    /// When something is wrong with the house, never because of the input.
    pub fn play(&self, input: &[u8]) {
        (self.run)(input.get(..self.longest).unwrap_or(input));
    }
}

/// All targets.
pub const TARGETS: &[Target] = &[
    trb::TARGET,
    context::TARGET,
    registers::TARGET,
    capabilities::TARGET,
    descriptors::TARGET,
    requests::TARGET,
    mass_storage::TARGET,
    link_ring::TARGET,
    link_ring_ends::TARGET,
    event_ring::TARGET,
    event_ring_ends::TARGET,
    disk_device::TARGET,
    keyboard_device::TARGET,
    model_disk::TARGET,
    model_keyboard::TARGET,
    guest::TARGET,
    controller::TARGET,
    device::TARGET,
];
