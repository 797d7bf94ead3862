//! Chips that there are: one file or folder each.

pub mod renesas_upd72020x;
