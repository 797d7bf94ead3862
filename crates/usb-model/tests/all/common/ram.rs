use std::cell::RefCell;
use std::rc::Rc;

use memory::{OutOfBounds, Slice};

/// Memory that both sides see.
#[derive(Clone, Debug)]
pub(crate) struct Ram(Rc<RefCell<Vec<u8>>>);

impl Ram {
    pub(crate) fn new(size: usize) -> Self {
        Self(Rc::new(RefCell::new(vec![0; size])))
    }

    pub(crate) fn slice(&self, start: usize, len: usize) -> RamSlice {
        assert!(start + len <= self.0.borrow().len());
        RamSlice {
            ram: self.clone(),
            start,
            len,
        }
    }

    pub(crate) fn put(&self, start: usize, bytes: &[u8]) {
        self.0.borrow_mut()[start..start + bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn get(&self, start: usize, len: usize) -> Vec<u8> {
        self.0.borrow()[start..start + len].to_vec()
    }
}

/// A piece of it.
#[derive(Clone, Debug)]
pub(crate) struct RamSlice {
    ram: Ram,
    start: usize,
    len: usize,
}

impl RamSlice {
    fn check(&self, offset: usize, wanted: usize, align: usize) -> Result<usize, OutOfBounds> {
        let inside = offset
            .checked_add(wanted)
            .is_some_and(|end| end <= self.len)
            && offset.is_multiple_of(align);
        if inside {
            Ok(self.start + offset)
        } else {
            Err(OutOfBounds {
                offset,
                wanted,
                len: self.len,
            })
        }
    }

    fn array<const N: usize>(&self, offset: usize, align: usize) -> Result<[u8; N], OutOfBounds> {
        let at = self.check(offset, N, align)?;
        Ok(self.ram.get(at, N).try_into().unwrap())
    }

    fn put(&self, offset: usize, align: usize, bytes: &[u8]) -> Result<(), OutOfBounds> {
        let at = self.check(offset, bytes.len(), align)?;
        self.ram.put(at, bytes);
        Ok(())
    }
}

impl Slice for RamSlice {
    fn len(&self) -> usize {
        self.len
    }

    fn part(&self, offset: usize, len: usize) -> Result<Self, OutOfBounds> {
        let start = self.check(offset, len, 1)?;
        Ok(Self {
            ram: self.ram.clone(),
            start,
            len,
        })
    }

    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfBounds> {
        let at = self.check(offset, into.len(), 1)?;
        into.copy_from_slice(&self.ram.get(at, into.len()));
        Ok(())
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfBounds> {
        self.put(offset, 1, from)
    }

    fn fill(&self, offset: usize, len: usize, value: u8) -> Result<(), OutOfBounds> {
        self.put(offset, 1, &vec![value; len])
    }

    fn load32(&self, offset: usize) -> Result<u32, OutOfBounds> {
        self.array(offset, 4).map(u32::from_le_bytes)
    }

    fn store32(&self, offset: usize, value: u32) -> Result<(), OutOfBounds> {
        self.put(offset, 4, &value.to_le_bytes())
    }

    fn load64(&self, offset: usize) -> Result<u64, OutOfBounds> {
        self.array(offset, 8).map(u64::from_le_bytes)
    }

    fn store64(&self, offset: usize, value: u64) -> Result<(), OutOfBounds> {
        self.put(offset, 8, &value.to_le_bytes())
    }

    fn load_block(&self, offset: usize) -> Result<[u32; 4], OutOfBounds> {
        self.check(offset, 16, 16)?;
        let word = |at: usize| self.array(offset + at, 4).map(u32::from_le_bytes);
        Ok([word(0)?, word(4)?, word(8)?, word(12)?])
    }

    fn store_block(&self, offset: usize, block: [u32; 4]) -> Result<(), OutOfBounds> {
        let bytes: Vec<u8> = block.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.put(offset, 16, &bytes)
    }
}
