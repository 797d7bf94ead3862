//! A memory for these tests: device addresses are not places in it, there are holes, and a test can look in between any two stores.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use memory::{Direction, Fault, Iova, Memory, OutOfBounds, Slice};
use xhci_hal::DmaBuffer;
use xhci_ring::link::Consumer;
use xhci_spec::number::InterrupterId;
use xhci_spec::trb::{Link, Trb, TrbType};

/// The device address of the first buffer; the next ones follow with holes between them.
pub(crate) const FIRST: u64 = 0x7_0000_0000;
const DISTANCE: u64 = 0x4_0000;

/// Memory and, at the same time, the allocator of buffers in it.
#[derive(Clone, Default)]
pub(crate) struct Ram(Rc<Inside>);

#[derive(Default)]
struct Inside {
    bytes: RefCell<Vec<u8>>,
    /// Device address, place, length.
    mappings: RefCell<Vec<(u64, usize, usize)>>,
    watcher: RefCell<Option<Rc<dyn Fn()>>>,
    loads: Cell<u64>,
}

impl Ram {
    /// A new buffer, aligned to 256 KiB for the device and never at the same place in the bytes.
    pub(crate) fn alloc(&self, len: usize) -> Piece {
        let mut mappings = self.0.mappings.borrow_mut();
        let iova = FIRST + DISTANCE * mappings.len() as u64;
        let mut bytes = self.0.bytes.borrow_mut();
        let start = bytes.len().next_multiple_of(16);
        bytes.resize(start + len, 0);
        mappings.push((iova, start, len));
        drop(bytes);
        drop(mappings);
        Piece {
            ram: self.clone(),
            iova: Iova(iova),
            start,
            len,
        }
    }

    /// A segment of this many TRBs.
    pub(crate) fn segment(&self, trbs: usize) -> Piece {
        self.alloc(trbs * Trb::SIZE)
    }

    /// Calls `watcher` after every dword that is stored from now on.
    pub(crate) fn watch(&self, watcher: impl Fn() + 'static) {
        *self.0.watcher.borrow_mut() = Some(Rc::new(watcher));
    }

    /// How many TRBs have been loaded so far.
    pub(crate) fn loads(&self) -> u64 {
        self.0.loads.get()
    }

    fn stored(&self) {
        let watcher = self.0.watcher.borrow().clone();
        if let Some(watcher) = watcher {
            watcher();
        }
    }
}

impl std::fmt::Debug for Ram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ram")
    }
}

impl Memory for Ram {
    type Slice = Piece;

    fn slice(&self, at: Iova, len: usize, _: Direction) -> Result<Piece, Fault> {
        let mappings = self.0.mappings.borrow();
        let found = mappings
            .iter()
            .find(|(iova, _, len)| at.0 >= *iova && at.0 - iova < *len as u64);
        let (iova, start, mapped) = *found.ok_or(Fault::Unmapped { at })?;
        let inside = (at.0 - iova) as usize;
        Ok(Piece {
            ram: self.clone(),
            iova: at,
            start: start + inside,
            len: len.min(mapped - inside),
        })
    }
}

/// A piece of it: a DMA buffer, and its own slice.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    ram: Ram,
    iova: Iova,
    start: usize,
    len: usize,
}

impl Piece {
    fn place(&self, offset: usize, wanted: usize, align: usize) -> Result<usize, OutOfBounds> {
        let fits = offset
            .checked_add(wanted)
            .is_some_and(|end| end <= self.len);
        if fits && (self.start + offset).is_multiple_of(align) {
            Ok(self.start + offset)
        } else {
            Err(OutOfBounds {
                offset,
                wanted,
                len: self.len,
            })
        }
    }

    /// The same buffer at another device address.
    pub(crate) fn at(self, iova: u64) -> Self {
        Self {
            iova: Iova(iova),
            ..self
        }
    }

    /// The TRB at `index`.
    pub(crate) fn trb(&self, index: usize) -> Trb {
        Trb(self.load_block(index * Trb::SIZE).unwrap())
    }

    /// Puts a TRB at `index`.
    pub(crate) fn put(&self, index: usize, trb: Trb) {
        self.store_block(index * Trb::SIZE, trb.0).unwrap();
    }
}

impl DmaBuffer for Piece {
    type Slice = Self;
    fn iova(&self) -> Iova {
        self.iova
    }
    fn slice(&self) -> &Self {
        self
    }
}

impl Slice for Piece {
    fn len(&self) -> usize {
        self.len
    }

    fn part(&self, offset: usize, len: usize) -> Result<Self, OutOfBounds> {
        let start = self.place(offset, len, 1)?;
        Ok(Self {
            start,
            len,
            iova: self.iova.offset(offset as u64),
            ram: self.ram.clone(),
        })
    }

    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfBounds> {
        let start = self.place(offset, into.len(), 1)?;
        into.copy_from_slice(&self.ram.0.bytes.borrow()[start..start + into.len()]);
        Ok(())
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfBounds> {
        let start = self.place(offset, from.len(), 1)?;
        self.ram.0.bytes.borrow_mut()[start..start + from.len()].copy_from_slice(from);
        self.ram.stored();
        Ok(())
    }

    fn fill(&self, offset: usize, len: usize, value: u8) -> Result<(), OutOfBounds> {
        self.write(offset, &vec![value; len])
    }

    fn load32(&self, offset: usize) -> Result<u32, OutOfBounds> {
        self.place(offset, 4, 4)?;
        let mut bytes = [0; 4];
        self.read(offset, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn store32(&self, offset: usize, value: u32) -> Result<(), OutOfBounds> {
        self.place(offset, 4, 4)?;
        self.write(offset, &value.to_le_bytes())
    }

    fn load64(&self, offset: usize) -> Result<u64, OutOfBounds> {
        self.place(offset, 8, 8)?;
        Ok(u64::from(self.load32(offset)?) | u64::from(self.load32(offset + 4)?) << 32)
    }

    fn store64(&self, offset: usize, value: u64) -> Result<(), OutOfBounds> {
        self.place(offset, 8, 8)?;
        self.write(offset, &value.to_le_bytes())
    }

    fn load_block(&self, offset: usize) -> Result<[u32; 4], OutOfBounds> {
        self.place(offset, 16, 16)?;
        self.ram.0.loads.set(self.ram.0.loads.get() + 1);
        let mut block = [0; 4];
        for (dword, value) in block.iter_mut().enumerate() {
            *value = self.load32(offset + 4 * dword)?;
        }
        Ok(block)
    }

    fn store_block(&self, offset: usize, block: [u32; 4]) -> Result<(), OutOfBounds> {
        self.place(offset, 16, 16)?;
        for (dword, value) in block.into_iter().enumerate() {
            self.store32(offset + 4 * dword, value)?;
        }
        Ok(())
    }
}

/// The TRB at `at`.
pub(crate) fn trb_at(ram: &Ram, at: u64) -> Trb {
    Trb(ram.load_block(Iova(at)).unwrap())
}

/// A Normal TRB that can be told from others by `id`.
pub(crate) fn normal(id: u32, chain: bool) -> Trb {
    Trb([
        id,
        0,
        0,
        u32::from(TrbType::NORMAL.0) << 10 | u32::from(chain) << 4,
    ])
}

/// A TD of Normal TRBs, numbered from `id` on.
pub(crate) fn td(id: u32, trbs: usize) -> Vec<Trb> {
    (0..trbs)
        .map(|index| normal(id + index as u32, index + 1 < trbs))
        .collect()
}

/// A Link.
pub(crate) fn link(next: u64, toggle_cycle: bool) -> Link {
    Link {
        next: Iova(next),
        toggle_cycle,
        chain: false,
        ioc: false,
        interrupter: InterrupterId(0),
    }
}

/// The next TRB, its cycle bit aside.
pub(crate) fn pop(consumer: &mut Consumer, ram: &Ram) -> Option<Trb> {
    consumer
        .pop(ram)
        .unwrap()
        .map(|taken| taken.trb.with_cycle(false))
}
