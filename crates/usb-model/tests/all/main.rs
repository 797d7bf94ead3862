//! Devices as a host meets them.

mod anything;
mod bot_cases;
mod chapter9;
mod common;
mod control;
mod disk;
mod endpoints;
mod hub_children;
mod hub_links;
mod hub_ports;
mod hub_trees;
mod keyboard;
mod more_devices;
mod scsi;
mod zero;
