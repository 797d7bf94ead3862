//! The firmware loader and the loaders of others against the model of the chip: every failure that was ever reported, and a way
//! out of each.
//!
//! Scenarios are numbered S1 to S28. What the chip does is inferred from public reports; no card was tried.

mod arbitrary;
mod bench;
mod interface;
mod linux_download;
mod linux_rom;
mod others;
mod power;
mod power_cut;
mod rom;
mod story;
mod table;
mod update;
