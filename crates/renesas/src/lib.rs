//! Brings firmware into a Renesas uPD720201 or uPD720202: into its RAM, or into the ROM beside it.
//!
//! A [`job`] is a value: it is polled with a [`Card`] and the time, does a few accesses to configuration space, and says when it
//! wants to be polled again. So several cards at once are several values, and a test owns the clock.
//!
//! | to | use |
//! |---|---|
//! | see what a card is at | [`CardStatus`] |
//! | load firmware into RAM | [`job::RamDownload`] |
//! | read the ROM, and keep a backup | [`job::RomRead`], [`Backup`] |
//! | replace the firmware in ROM, keeping a way back | [`job::RomUpdate`] |
//! | erase the ROM, write it raw, start from it again | [`job::RomErase`], [`job::RomWrite`], [`job::Reload`] |
//! | judge a file, make a harmless one | [`Image`], [`SyntheticImage`] |
//! | read and write the vendor's settings | [`Vscd`] |
//!
//! # What it does that others leave out
//!
//! It tells from the version register and from USBSTS whether firmware runs, not from result bits, which stay 0 after a start from
//! ROM. It touches nothing while USBCMD.R/S is 1. It tells the chip which ROM it has, by writing External ROM Configuration. How
//! long each step may take follows from the ROM part and from what was seen, not from a number of tries. After a failed ROM access
//! it waits for the ROM engine before it goes on, and it never leaves an Enable or Access bit set. It writes the ROM only
//! when it is asked to ([`Consent`]), and never the block that the card would start from if the power went.
//!
//! # How sure this is
//!
//! The manual is not public. That loaders time out because External ROM Configuration stays 0, so that the chip programmes byte by
//! byte, is *inferred* from public figures; no card was tried. See `renesas-spec`.
//!
//! # What this crate does not do
//!
//! It has no clock, sleeps never, opens no file, and unbinds no driver: that nothing else drives the card is for the caller to
//! make sure. It holds no firmware.
#![no_std]
#![forbid(unsafe_code)]
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

extern crate alloc;

mod card;
mod card_status;
mod content;
mod error;
mod image;
pub mod job;
mod limits;
mod pace;
mod rom_table;
mod vscd;

pub use card::{Bar, Card, ControllerStatus, Seen};
pub use card_status::{CardStatus, Verdict};
pub use content::{Backup, Block, RomContent, SavedBackup, UpdatePlan, VscdChoice};
pub use error::{Error, Transfer};
pub use image::{Image, ImageError, SyntheticImage};
pub use pace::{Step, Wait};
pub use rom_table::{RomRow, RomTable, RomTableError};
pub use vscd::{Vscd, VscdError};

/// The user's word that the ROM may be changed. Nothing that changes it can be had without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent(());

impl Consent {
    /// The user asked for it, by a command or an answer that says so.
    #[must_use]
    pub const fn given_by_the_user() -> Self {
        Self(())
    }
}
