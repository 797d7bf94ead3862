//! What the unit says of itself: INQUIRY and the pages of vital product data. SPC-4 §6.6, §7.8.

use alloc::vec::Vec;

use usb_spec::class::mass_storage::scsi::{
    AdditionalSense, BlockLimits, Inquiry, PeripheralType, Sense, SenseKey, SupportedPages,
    UnitSerialNumber, VpdPage,
};

use super::scsi::Unit;

/// The pages, in ascending order.
const PAGES: [VpdPage; 4] = [
    VpdPage::SUPPORTED_PAGES,
    VpdPage::UNIT_SERIAL_NUMBER,
    VpdPage::DEVICE_IDENTIFICATION,
    VpdPage::BLOCK_LIMITS,
];

/// The most bytes of a serial number in the identification page.
const SERIAL_MAX: usize = 64;

/// The size of a page of memory on most hosts: transfers of such pieces suit the disk.
const OPTIMAL_BYTES: u32 = 4096;

impl Unit {
    pub(super) fn inquire(&self, page: Option<VpdPage>, reply: &mut Vec<u8>) -> Result<(), Sense> {
        let (vendor, product, revision, serial) = self.name();
        match page {
            None => reply.extend_from_slice(
                &Inquiry {
                    qualifier: 0,
                    peripheral: PeripheralType::DISK,
                    removable: self.options.removable,
                    version: 6,
                    vendor: Inquiry::field(vendor),
                    product: Inquiry::field(product),
                    revision: Inquiry::field(revision),
                }
                .emit(),
            ),
            Some(VpdPage::SUPPORTED_PAGES) => {
                reply.extend_from_slice(&SupportedPages::emit(&PAGES))
            }
            Some(VpdPage::UNIT_SERIAL_NUMBER) => {
                reply.extend_from_slice(&UnitSerialNumber::emit(serial.as_bytes()))
            }
            Some(VpdPage::DEVICE_IDENTIFICATION) => identification(vendor, product, serial, reply),
            Some(VpdPage::BLOCK_LIMITS) => {
                let blocks = OPTIMAL_BYTES / self.options.block_size.bytes();
                let optimal_granularity = u16::try_from(blocks).unwrap_or(1);
                reply.extend_from_slice(
                    &BlockLimits {
                        optimal_granularity,
                        ..BlockLimits::default()
                    }
                    .emit(),
                );
            }
            Some(_) => {
                return Err(Sense::new(
                    SenseKey::ILLEGAL_REQUEST,
                    AdditionalSense::INVALID_FIELD_IN_CDB,
                ));
            }
        }
        Ok(())
    }
}

/// One designator: T10 vendor identification (type 1, ASCII), vendor, product and serial number in one. SPC-4 §7.8.6 (unchecked).
fn identification(vendor: &str, product: &str, serial: &str, reply: &mut Vec<u8>) {
    let serial = serial.as_bytes();
    let serial = serial.get(..SERIAL_MAX).unwrap_or(serial);
    let designator = u8::try_from(8 + 16 + serial.len()).unwrap_or(u8::MAX);
    reply.extend_from_slice(&[
        PeripheralType::DISK.0,
        VpdPage::DEVICE_IDENTIFICATION.0,
        0,
        designator.saturating_add(4),
    ]);
    reply.extend_from_slice(&[0x02, 0x01, 0, designator]);
    reply.extend_from_slice(&Inquiry::field::<8>(vendor));
    reply.extend_from_slice(&Inquiry::field::<16>(product));
    reply.extend_from_slice(serial);
}
