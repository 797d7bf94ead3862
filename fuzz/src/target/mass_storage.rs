//! Bulk-Only wrappers and SCSI from any bytes: what parses comes back from `emit`, and no length leaves its field.

use usb_spec::class::mass_storage::scsi::{
    BlockLimits, CachingPage, Command, FormatCapacities, Inquiry, ModeHeader, ReadCapacity10,
    ReadCapacity16, ReportLuns, Sense, SupportedPages, UnitSerialNumber,
};
use usb_spec::class::mass_storage::{Cbw, Csw};

use super::Target;

pub(super) const TARGET: Target = Target {
    name: "mass_storage",
    about: "CBW, CSW, SCSI command blocks, sense and parameter data from any bytes",
    longest: 128,
    run,
};

/// What parses is parsed the same from what it emits.
macro_rules! undone {
    ($bytes:expr; $($data:ident $parse:ident $emit:ident),+ $(,)?) => {
        $(if let Some(parsed) = $data::$parse($bytes) {
            assert_eq!($data::$parse(&parsed.$emit()), Some(parsed), stringify!($data));
        })+
    };
}

fn run(bytes: &[u8]) {
    let Some((&which, bytes)) = bytes.split_first() else {
        return;
    };
    match which % 4 {
        0 => wrappers(bytes),
        1 => command(bytes),
        2 => sense(bytes),
        _ => parameters(bytes),
    }
}

fn wrappers(bytes: &[u8]) {
    match Cbw::parse(bytes) {
        Ok(cbw) => {
            assert_eq!(Cbw::parse(&cbw.to_bytes()), Ok(cbw));
            assert_eq!(cbw.command_block().len(), usize::from(cbw.cdb_length));
            command(cbw.command_block());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    match Csw::parse(bytes) {
        Ok(csw) => assert_eq!(Csw::parse(&csw.to_bytes()), Ok(csw)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn command(bytes: &[u8]) {
    match Command::parse(bytes) {
        Ok(command) => {
            let cdb = command.emit();
            assert_eq!(Command::parse(cdb.as_slice()), Ok(command));
            assert_eq!(cdb.as_slice().first(), bytes.first());
            let length = command.opcode().cdb_length();
            assert_eq!(length.map(usize::from), Some(cdb.as_slice().len()));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn sense(bytes: &[u8]) {
    match Sense::parse(bytes) {
        Ok(sense) => {
            assert!(!sense.to_string().is_empty());
            let again = Sense::parse(&sense.emit()).expect("our own sense data");
            assert_eq!((again.key, again.additional), (sense.key, sense.additional));
            assert_eq!(again.deferred, sense.deferred);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn parameters(bytes: &[u8]) {
    undone!(bytes; Inquiry parse emit, ReadCapacity10 parse emit, ReadCapacity16 parse emit, CachingPage parse emit,
        BlockLimits parse emit, FormatCapacities parse emit, ModeHeader parse_6 emit_6, ModeHeader parse_10 emit_10);
    if let Some(inquiry) = Inquiry::parse(bytes) {
        let text: String = Inquiry::text(&inquiry.product).collect();
        assert!(text.chars().all(|letter| !letter.is_control()));
    }
    if let Some(capacity) = ReadCapacity16::parse(bytes) {
        let _ = format!("{capacity:?}");
    }
    if let Some(pages) = SupportedPages::parse(bytes) {
        assert!(pages.iter().count() <= bytes.len());
    }
    if let Some(luns) = ReportLuns::parse(bytes) {
        assert!(luns.iter().count() <= bytes.len() / 8);
    }
    let _ = UnitSerialNumber::parse(bytes);
}
