//! Registers over memory.

use memory::Slice;
use volmem::{MmioRegion, Pages, Region};
use xhci_hal::Mmio;

#[test]
fn registers_are_little_endian_dwords_in_the_region() {
    let region = Region::anonymous(4096, Pages::Normal).expect("memory is there");
    let mmio = MmioRegion::new(region.clone());
    mmio.write32(0x20, 0x1234_5678);
    assert_eq!(mmio.read32(0x20), 0x1234_5678);
    let mut bytes = [0; 4];
    region.slice().read(0x20, &mut bytes).expect("inside");
    assert_eq!(bytes, [0x78, 0x56, 0x34, 0x12]);
}

#[test]
fn where_no_register_lives_reads_are_all_ones_and_writes_are_lost() {
    let region = Region::anonymous(4096, Pages::Normal).expect("memory is there");
    let mmio = MmioRegion::new(region.clone());
    for at in [1, 2, 4093, 4096, u32::MAX - 3, u32::MAX] {
        mmio.write32(at, 0);
        assert_eq!(mmio.read32(at), u32::MAX, "offset {at:#x}");
    }
    mmio.write32(4092, 9);
    assert_eq!(mmio.read32(4092), 9, "the last register is there");
}
