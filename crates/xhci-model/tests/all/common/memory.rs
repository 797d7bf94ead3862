use std::cell::RefCell;
use std::rc::Rc;

use memory::{Direction, Fault, Iova, Memory, OutOfBounds, Slice};

/// Memory in regions with holes between them.
#[derive(Clone, Debug)]
pub(crate) struct Ram {
    regions: Vec<(Iova, Rc<RefCell<Vec<u8>>>)>,
}

impl Ram {
    pub(crate) fn new(regions: &[(Iova, usize)]) -> Self {
        let region = |&(at, len)| (at, Rc::new(RefCell::new(vec![0; len])));
        Self {
            regions: regions.iter().map(region).collect(),
        }
    }
}

impl Memory for Ram {
    type Slice = Piece;

    fn slice(&self, at: Iova, len: usize, _: Direction) -> Result<Piece, Fault> {
        for (base, bytes) in &self.regions {
            let end = bytes.borrow().len();
            let start =
                at.0.checked_sub(base.0)
                    .and_then(|start| usize::try_from(start).ok());
            if let Some(start) = start.filter(|start| *start < end) {
                let len = len.min(end - start);
                let bytes = Rc::clone(bytes);
                return Ok(Piece { bytes, start, len });
            }
        }
        Err(Fault::Unmapped { at })
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Piece {
    bytes: Rc<RefCell<Vec<u8>>>,
    start: usize,
    len: usize,
}

impl Piece {
    fn check(&self, offset: usize, wanted: usize, align: usize) -> Result<usize, OutOfBounds> {
        let end = offset.checked_add(wanted).filter(|end| *end <= self.len);
        match end {
            Some(_) if offset.is_multiple_of(align) => Ok(self.start + offset),
            _ => Err(OutOfBounds {
                offset,
                wanted,
                len: self.len,
            }),
        }
    }
}

impl Slice for Piece {
    fn len(&self) -> usize {
        self.len
    }

    fn part(&self, offset: usize, len: usize) -> Result<Self, OutOfBounds> {
        let start = self.check(offset, len, 1)?;
        let bytes = Rc::clone(&self.bytes);
        Ok(Self { bytes, start, len })
    }

    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfBounds> {
        let at = self.check(offset, into.len(), 1)?;
        into.copy_from_slice(&self.bytes.borrow()[at..at + into.len()]);
        Ok(())
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfBounds> {
        let at = self.check(offset, from.len(), 1)?;
        self.bytes.borrow_mut()[at..at + from.len()].copy_from_slice(from);
        Ok(())
    }

    fn fill(&self, offset: usize, len: usize, value: u8) -> Result<(), OutOfBounds> {
        let at = self.check(offset, len, 1)?;
        self.bytes.borrow_mut()[at..at + len].fill(value);
        Ok(())
    }

    fn load32(&self, offset: usize) -> Result<u32, OutOfBounds> {
        self.check(offset, 4, 4)?;
        let mut bytes = [0; 4];
        self.read(offset, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn store32(&self, offset: usize, value: u32) -> Result<(), OutOfBounds> {
        self.check(offset, 4, 4)?;
        self.write(offset, &value.to_le_bytes())
    }

    fn load64(&self, offset: usize) -> Result<u64, OutOfBounds> {
        self.check(offset, 8, 8)?;
        let mut bytes = [0; 8];
        self.read(offset, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn store64(&self, offset: usize, value: u64) -> Result<(), OutOfBounds> {
        self.check(offset, 8, 8)?;
        self.write(offset, &value.to_le_bytes())
    }

    fn load_block(&self, offset: usize) -> Result<[u32; 4], OutOfBounds> {
        self.check(offset, 16, 16)?;
        let mut block = [0; 4];
        for (index, dword) in block.iter_mut().enumerate() {
            *dword = self.load32(offset + 4 * index)?;
        }
        Ok(block)
    }

    fn store_block(&self, offset: usize, block: [u32; 4]) -> Result<(), OutOfBounds> {
        self.check(offset, 16, 16)?;
        for (index, dword) in block.into_iter().enumerate() {
            self.store32(offset + 4 * index, dword)?;
        }
        Ok(())
    }
}
