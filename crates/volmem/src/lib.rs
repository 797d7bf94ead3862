//! Mapped memory as bounds-checked volatile access: the room that implements [`memory::Memory`], [`xhci_hal::Dma`] and
//! [`xhci_hal::Mmio`] over real bytes.
//!
//! A [`Region`] owns a mapping; a [`VolatileSlice`] is a checked piece of one; an [`AddressSpace`] says which device addresses lead
//! to which regions; a [`DmaPool`] hands out buffers that the device can reach. Files are read and written straight from and to
//! slices, so that each byte is copied once.
//!
//! This is one of the two rooms where `unsafe` may stand, because somebody has to turn addresses into bytes. It stands in the files that
//! need it and nowhere else; every file that has it says at its head what it is for.
//!
//! # What this crate does not do
//!
//! It knows no register, ring or TRB, no PCI and no VFIO. It does not catch SIGBUS: a mapped *file* that somebody cuts short kills
//! the process that touches the missing part (see [`Region::of_file`]).
//!
//! # Without std
//!
//! With `default-features = false` the words, slices, address spaces, barriers and [`MmioRegion`] remain, over memory that the caller
//! vouches for ([`Region::from_raw`]).
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod access;
mod address_space;
mod barrier;
mod mmio;
mod region;
mod slice;

#[cfg(feature = "std")]
mod file;
#[cfg(feature = "std")]
mod map;
#[cfg(feature = "std")]
mod pool;

pub use address_space::{Access, AddressSpace, MapError};
pub use barrier::{dma_rmb, dma_wmb};
pub use mmio::MmioRegion;
pub use region::Region;
pub use slice::VolatileSlice;

#[cfg(feature = "std")]
pub use file::{CopyError, IOVECS_MAX, read_vectored, write_vectored};
#[cfg(feature = "std")]
pub use map::{Pages, RegionError};
#[cfg(feature = "std")]
pub use pool::{DmaBuf, DmaPool, PoolError, PoolUsage, Trampled};
