//! What a person reads when something is wrong.

use usb_class::bot::{Fault, Stage};
use usb_class::scsi::Error;
use usb_class::transport::Status;
use usb_spec::class::mass_storage::scsi::{AdditionalSense, Opcode, Sense, SenseKey};

#[test]
fn an_error_says_what_happened_and_what_to_do() {
    let sense = Sense::new(
        SenseKey::MEDIUM_ERROR,
        AdditionalSense::UNRECOVERED_READ_ERROR,
    );
    let text = Error::Medium {
        lba: 77,
        writing: false,
        sense,
    }
    .to_string();
    assert!(
        text.contains("block 77 cannot be read")
            && text.contains("unrecovered read error")
            && text.contains("replace"),
        "{text}"
    );

    let cause = Fault::Transfer {
        stage: Stage::Status,
        status: Status::Timeout,
    };
    let text = Error::Transport { cause }.to_string();
    assert!(
        text.contains("the status stage ended with a timeout") && text.contains("try another"),
        "{text}"
    );

    let text = Error::Short {
        operation: Opcode::READ_10,
        wanted: 512,
        got: 3,
    }
    .to_string();
    assert!(text.contains("READ(10) moved 3 of 512 bytes"), "{text}");

    let text = Error::BlockSize { bytes: 520 }.to_string();
    assert!(
        text.contains("520") && text.contains("512 and 4096"),
        "{text}"
    );
}

#[test]
fn a_write_error_speaks_of_writing() {
    let sense = Sense::new(SenseKey::MEDIUM_ERROR, AdditionalSense::WRITE_ERROR);
    let text = Error::Medium {
        lba: 1,
        writing: true,
        sense,
    }
    .to_string();
    assert!(text.contains("block 1 cannot be written"), "{text}");
}
