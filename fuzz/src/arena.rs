//! Memory that targets play in: mapped once for each thread, wiped for each input.

use std::cell::OnceCell;

use memory::{Iova, Slice};
use volmem::{Access, AddressSpace, Pages, Region, VolatileSlice};

/// Bytes of the larger piece.
pub(crate) const MAIN_LEN: usize = 8192;
/// Where the larger piece lies for the device.
pub(crate) const MAIN: Iova = Iova(0x1_0000);
/// Bytes of the piece that lies right behind it, in other memory.
pub(crate) const NEXT_LEN: usize = 4096;
/// Where it lies.
pub(crate) const NEXT: Iova = Iova(MAIN.0 + MAIN_LEN as u64);
/// Where the piece lies that the device may only read; nothing is mapped before it.
pub(crate) const READ_ONLY: Iova = Iova(0x2_0000);
/// The last page of the address space.
pub(crate) const TOP: Iova = Iova(u64::MAX - 0xfff);

/// A device's view of memory with all that makes one difficult: a seam, holes, a piece that cannot be written, and the very top.
#[derive(Debug)]
pub(crate) struct Arena {
    pub(crate) space: AddressSpace,
    pieces: [VolatileSlice; 4],
}

impl Arena {
    fn new() -> Self {
        let mut space = AddressSpace::new();
        let pieces = [
            (MAIN, MAIN_LEN, Access::ReadWrite),
            (NEXT, NEXT_LEN, Access::ReadWrite),
            (READ_ONLY, 4096, Access::Read),
            (TOP, 4096, Access::ReadWrite),
        ]
        .map(|(at, len, access)| {
            let region = Region::anonymous(len, Pages::Normal).expect("a few pages of memory");
            let slice = region.slice();
            space
                .map(at, slice.clone(), access)
                .expect("pieces do not overlap");
            slice
        });
        Self { space, pieces }
    }

    /// Calls `play` with the thread's arena; each piece is filled with `bytes`, and zeros behind them.
    pub(crate) fn with(bytes: &[u8], play: impl FnOnce(&Self)) {
        thread_local! {
            static ARENA: OnceCell<Arena> = const { OnceCell::new() };
        }
        ARENA.with(|arena| {
            let arena = arena.get_or_init(Self::new);
            for piece in &arena.pieces {
                let now = bytes.get(..piece.len()).unwrap_or(bytes);
                let wiped = piece.fill(now.len(), piece.len() - now.len(), 0);
                wiped.and(piece.write(0, now)).expect("inside the piece");
            }
            play(arena);
        });
    }

    /// An address in, or near, one of the pieces.
    pub(crate) fn address(which: u8, offset: u16) -> Iova {
        let base = [MAIN, MAIN, NEXT, READ_ONLY, TOP, Iova(0)][usize::from(which) % 6];
        Iova(base.0.wrapping_add(u64::from(offset)))
    }
}
