//! What the logical unit says.

use usb_model::device::{BlockSize, DiskOptions};
use usb_spec::class::mass_storage::scsi::{
    AdditionalSense, BlockLimits, Cdb, Command, FormatCapacities, Inquiry, ModeHeader, ModePage,
    PageControl, ReadCapacity10, ReadCapacity16, ReportLuns, SenseKey, SupportedPages,
    UnitSerialNumber, VpdPage,
};
use usb_spec::class::mass_storage::{Cbw, CswStatus};
use usb_spec::{Direction, Speed};

use crate::common::DiskBench;

fn options() -> DiskOptions {
    DiskOptions {
        speed: Speed::High,
        blocks: 256,
        ..DiskOptions::default()
    }
}

fn refused(disk: &mut DiskBench, command: Command, length: u32) -> (SenseKey, AdditionalSense) {
    assert_eq!(disk.read(command, length).status, CswStatus::FAILED);
    let sense = disk.sense();
    (sense.key, sense.additional)
}

fn page(page: VpdPage) -> Command {
    Command::Inquiry {
        page: Some(page),
        allocation_length: 255,
    }
}

#[test]
fn the_first_command_hears_that_the_disk_is_new_and_the_second_does_not() {
    let mut disk = DiskBench::plugged(options());
    let inquiry = Command::Inquiry {
        page: None,
        allocation_length: 36,
    };
    assert_eq!(
        disk.read(inquiry, 36).status,
        CswStatus::PASSED,
        "INQUIRY does not care"
    );
    let (key, additional) = refused(&mut disk, Command::ReadCapacity10, 8);
    assert_eq!(key, SenseKey::UNIT_ATTENTION);
    assert!(matches!(
        additional,
        AdditionalSense::MEDIUM_MAY_HAVE_CHANGED | AdditionalSense::POWER_ON_OR_RESET
    ));
    assert_eq!(
        disk.read(Command::ReadCapacity10, 8).status,
        CswStatus::PASSED
    );
}

#[test]
fn request_sense_tells_and_ends_the_unit_attention() {
    let mut disk = DiskBench::plugged(options());
    assert_eq!(disk.sense().key, SenseKey::UNIT_ATTENTION);
    assert_eq!(disk.sense().key, SenseKey::NO_SENSE);
    assert_eq!(disk.none(Command::TestUnitReady).status, CswStatus::PASSED);
}

#[test]
fn inquiry_has_the_names_and_is_cut_to_what_was_allocated() {
    let mut disk = DiskBench::ready(options());
    let outcome = disk.read(
        Command::Inquiry {
            page: None,
            allocation_length: 36,
        },
        36,
    );
    let inquiry = Inquiry::parse(&outcome.data).unwrap();
    assert_eq!((&inquiry.vendor, &inquiry.revision), (b"Doorbell", b"1.0 "));
    assert!(inquiry.removable);
    let five = disk.read(
        Command::Inquiry {
            page: None,
            allocation_length: 5,
        },
        36,
    );
    assert_eq!((five.data.len(), five.residue, five.stalled), (5, 31, true));
}

#[test]
fn the_pages_of_vital_product_data_are_those_that_page_zero_lists() {
    let mut disk = DiskBench::ready(options());
    let list = disk.read(page(VpdPage::SUPPORTED_PAGES), 255).data;
    let pages: Vec<_> = SupportedPages::parse(&list).unwrap().iter().collect();
    assert_eq!(
        pages.iter().map(|page| page.0).collect::<Vec<_>>(),
        [0x00, 0x80, 0x83, 0xb0]
    );
    for code in pages {
        let data = disk.read(page(code), 255).data;
        assert_eq!(data[1], code.0);
        assert_eq!(usize::from(data[3]) + 4, data.len());
    }
    let serial = disk.read(page(VpdPage::UNIT_SERIAL_NUMBER), 255).data;
    assert_eq!(
        UnitSerialNumber::parse(&serial).unwrap().serial,
        b"0123456789AB"
    );
    let limits = disk.read(page(VpdPage::BLOCK_LIMITS), 255).data;
    assert_eq!(BlockLimits::parse(&limits).unwrap().optimal_granularity, 8);
    let other = refused(&mut disk, page(VpdPage(0xb2)), 255);
    assert_eq!(
        other,
        (
            SenseKey::ILLEGAL_REQUEST,
            AdditionalSense::INVALID_FIELD_IN_CDB
        )
    );
}

#[test]
fn capacities_are_told_and_those_above_two_tebibytes_in_the_long_form() {
    let mut disk = DiskBench::ready(DiskOptions {
        block_size: BlockSize::Bytes4096,
        ..options()
    });
    let short = ReadCapacity10::parse(&disk.read(Command::ReadCapacity10, 8).data).unwrap();
    assert_eq!((short.last_lba, short.block_length), (255, 4096));
    let formats = disk
        .read(
            Command::ReadFormatCapacities {
                allocation_length: 12,
            },
            12,
        )
        .data;
    assert_eq!(FormatCapacities::parse(&formats).unwrap().blocks, 256);

    let blocks = (1 << 32) + 5;
    let mut large = DiskBench::ready(DiskOptions {
        blocks,
        ..options()
    });
    let short = ReadCapacity10::parse(&large.read(Command::ReadCapacity10, 8).data).unwrap();
    assert!(short.needs_16());
    let long = large
        .read(
            Command::ReadCapacity16 {
                allocation_length: 32,
            },
            32,
        )
        .data;
    let long = ReadCapacity16::parse(&long).unwrap();
    assert_eq!((long.last_lba, long.block_length), (blocks - 1, 512));
}

#[test]
fn mode_sense_shows_write_protection_and_the_cache() {
    for read_only in [false, true] {
        let mut disk = DiskBench::ready(DiskOptions {
            read_only,
            ..options()
        });
        let (page, subpage, control) = (ModePage::ALL, 0, PageControl::CURRENT);
        let six = Command::ModeSense6 {
            page,
            subpage,
            control,
            disable_block_descriptors: false,
            allocation_length: 192,
        };
        let outcome = disk.read(six, 192);
        let header = ModeHeader::parse_6(&outcome.data).unwrap();
        assert_eq!(
            (header.write_protected, usize::from(header.data_length) + 1),
            (read_only, outcome.data.len())
        );
        let ten = Command::ModeSense10 {
            page: ModePage::CACHING,
            subpage,
            control,
            disable_block_descriptors: true,
            long_lba_accepted: false,
            allocation_length: 192,
        };
        let outcome = disk.read(ten, 192);
        let header = ModeHeader::parse_10(&outcome.data).unwrap();
        assert_eq!(
            (header.write_protected, usize::from(header.data_length) + 2),
            (read_only, outcome.data.len())
        );
    }
}

#[test]
fn a_protected_medium_is_read_but_not_written() {
    let mut disk = DiskBench::ready(DiskOptions {
        read_only: true,
        ..options()
    });
    let outcome = disk.write(
        Command::Write10 {
            lba: 0,
            blocks: 1,
            fua: false,
        },
        &[1; 512],
    );
    assert_eq!(
        (outcome.status, outcome.residue, outcome.stalled),
        (CswStatus::FAILED, 512, true)
    );
    let sense = disk.sense();
    assert_eq!(
        (sense.key, sense.additional),
        (SenseKey::DATA_PROTECT, AdditionalSense::WRITE_PROTECTED)
    );
    assert_eq!(
        disk.read(
            Command::Read10 {
                lba: 0,
                blocks: 1,
                fua: false
            },
            512
        )
        .status,
        CswStatus::PASSED
    );
}

#[test]
fn blocks_outside_the_medium_are_refused() {
    let mut disk = DiskBench::ready(options());
    for command in [
        Command::Read10 {
            lba: 256,
            blocks: 1,
            fua: false,
        },
        Command::Read10 {
            lba: 255,
            blocks: 2,
            fua: false,
        },
        Command::Read16 {
            lba: u64::MAX,
            blocks: 1,
            fua: false,
        },
        Command::Verify10 {
            lba: 250,
            blocks: 7,
            byte_check: 0,
        },
    ] {
        let refusal = refused(&mut disk, command, 512);
        assert_eq!(
            refusal,
            (SenseKey::ILLEGAL_REQUEST, AdditionalSense::LBA_OUT_OF_RANGE)
        );
    }
    assert_eq!(
        disk.none(Command::Verify10 {
            lba: 250,
            blocks: 6,
            byte_check: 0
        })
        .status,
        CswStatus::PASSED
    );
}

#[test]
fn an_unknown_operation_is_refused() {
    let mut disk = DiskBench::ready(options());
    let mut bytes = [0; 16];
    bytes[0] = 0x04;
    let cbw = Cbw::new(77, 0, Direction::Out, 0, Cdb { bytes, length: 6 });
    assert_eq!(disk.raw(&cbw, &[]).status, CswStatus::FAILED);
    let sense = disk.sense();
    assert_eq!(
        (sense.key, sense.additional),
        (
            SenseKey::ILLEGAL_REQUEST,
            AdditionalSense::INVALID_COMMAND_OPERATION_CODE
        )
    );
}

#[test]
fn the_short_and_middle_forms_of_read_move_the_same_bytes() {
    let mut disk = DiskBench::ready(options());
    let six = [0x08, 0, 0, 3, 1, 0];
    let twelve = [0xa8, 0, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0];
    for block in [&six[..], &twelve[..]] {
        let mut bytes = [0; 16];
        bytes[..block.len()].copy_from_slice(block);
        let cdb = Cdb {
            bytes,
            length: u8::try_from(block.len()).unwrap(),
        };
        let cbw = Cbw::new(78, 512, Direction::In, 0, cdb);
        let outcome = disk.raw(&cbw, &[]);
        assert_eq!(
            (outcome.status, &outcome.data[..]),
            (CswStatus::PASSED, &disk.medium[1536..2048])
        );
    }
}

#[test]
fn a_medium_is_ejected_unless_that_is_prevented_and_comes_back_as_new() {
    let mut disk = DiskBench::ready(options());
    let eject = Command::StartStopUnit {
        immediate: false,
        power_condition: 0,
        load_eject: true,
        start: false,
    };
    let load = Command::StartStopUnit {
        immediate: false,
        power_condition: 0,
        load_eject: true,
        start: true,
    };
    disk.none(Command::PreventAllowMediumRemoval { prevent: true });
    assert_eq!(disk.none(eject).status, CswStatus::FAILED);
    assert_eq!(
        disk.sense().additional,
        AdditionalSense::MEDIUM_REMOVAL_PREVENTED
    );
    disk.none(Command::PreventAllowMediumRemoval { prevent: false });
    assert_eq!(disk.none(eject).status, CswStatus::PASSED);
    let refusal = refused(&mut disk, Command::ReadCapacity10, 8);
    assert_eq!(
        refusal,
        (SenseKey::NOT_READY, AdditionalSense::MEDIUM_NOT_PRESENT)
    );
    assert_eq!(disk.none(load).status, CswStatus::PASSED);
    let refusal = refused(&mut disk, Command::ReadCapacity10, 8);
    assert_eq!(
        refusal,
        (
            SenseKey::UNIT_ATTENTION,
            AdditionalSense::MEDIUM_MAY_HAVE_CHANGED
        )
    );
    assert_eq!(
        disk.read(Command::ReadCapacity10, 8).status,
        CswStatus::PASSED
    );
}

#[test]
fn one_unit_is_listed() {
    let mut disk = DiskBench::plugged(options());
    let data = disk
        .read(
            Command::ReportLuns {
                select_report: 0,
                allocation_length: 64,
            },
            64,
        )
        .data;
    assert_eq!(
        ReportLuns::parse(&data).unwrap().iter().collect::<Vec<_>>(),
        [0]
    );
}
