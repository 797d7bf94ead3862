//! Layout of a firmware image: a header, then four sections. R19UH0078EJ §6.3.1 (unchecked).
//!
//! All numbers are 16 bits, little endian. Each section is followed by its check sum; sections 1 to 3 also by two zero bytes, so
//! that the next one begins at a multiple of four. The image ends right there.

/// The image's first word: bytes AAh 55h.
pub const MAGIC: u16 = 0x55aa;
/// Offset of the header's check sum.
pub const HEADER_CRC: usize = 0x02;
/// Offset of the table of sections: per section a pointer and a length. The first pointer is also where the version stands.
pub const SECTION_TABLE: usize = 0x04;
/// Bytes of the header; its check sum covers those from [`SECTION_TABLE`] on.
pub const HEADER_BYTES: usize = 0x14;
/// How many sections there are.
pub const SECTIONS: usize = 4;
/// Bytes of an entry of the table of sections.
pub const SECTION_ENTRY_BYTES: usize = 4;
/// Offset of the version within section 0.
pub const VERSION: usize = 0;
/// Offset within section 1 of the byte that shows as sub-version in the version register (inferred from three images).
pub const SUB_VERSION: usize = 3;
/// The section of the main code.
pub const CODE_SECTION: usize = 2;
/// Linux takes no smaller image.
pub const BYTES_MIN: usize = 0x1000;
/// Every image is smaller: pointers have 16 bits. Linux has the same limit.
pub const BYTES_END: usize = 0x1_0000;

/// Bytes between the end of a section and the next: its check sum, and zeros.
#[must_use]
pub const fn trailer_bytes(section: usize) -> usize {
    if section == 0 { 2 } else { 4 }
}
