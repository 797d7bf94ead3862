//! Devices as a host meets them.

mod anything;
mod bot_cases;
mod chapter9;
mod common;
mod control;
mod disk;
mod endpoints;
mod hub_ports;
mod hub_trees;
mod keyboard;
mod scsi;
mod zero;
