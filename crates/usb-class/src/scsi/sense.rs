//! What to do about what a disk says. SPC-4 §4.5.

use usb_spec::class::mass_storage::scsi::{AdditionalSense, Opcode, Sense, SenseKey};

use super::Error;

/// What a sense means for the command that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The command was done after all.
    Done,
    /// The disk had something else to say first: send it again.
    Attention(Error),
    /// It was interrupted, or nobody knows: send it again.
    Again(Error),
    /// The disk needs time.
    Later(Error),
    /// The disk waits to be told to start.
    NeedsStart(Error),
    /// Sending it again is no use.
    Fail(Error),
}

/// The command that failed, and what it was about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    pub(super) operation: Opcode,
    pub(super) lba: u64,
    pub(super) writing: bool,
    /// A device that was reset reports so, or that its medium is back; a device that was not has no reason to.
    pub(super) expects_attention: bool,
}

const ASC_NO_MEDIUM: u8 = AdditionalSense::MEDIUM_NOT_PRESENT.asc();
const ASC_MEDIUM_MAY_HAVE_CHANGED: u8 = AdditionalSense::MEDIUM_MAY_HAVE_CHANGED.asc();

pub(super) fn judge(sense: Sense, subject: Subject) -> Verdict {
    let Subject {
        operation,
        lba,
        writing,
        expects_attention,
    } = subject;
    let failed = Error::Failed { operation, sense };
    let asc = sense.additional.asc();
    match sense.key {
        // A deferred sense is about an earlier command; this one was not begun. SPC-4 §4.5.7 (unchecked).
        SenseKey::RECOVERED_ERROR if !sense.deferred => Verdict::Done,
        SenseKey::NOT_READY if asc == ASC_NO_MEDIUM => Verdict::Fail(Error::NoMedium),
        SenseKey::NOT_READY if sense.additional == AdditionalSense::INITIALIZING_REQUIRED => {
            Verdict::NeedsStart(Error::NotReady { sense })
        }
        SenseKey::NOT_READY => Verdict::Later(Error::NotReady { sense }),
        SenseKey::MEDIUM_ERROR => Verdict::Fail(Error::Medium {
            lba: sense.information.unwrap_or(lba),
            writing,
            sense,
        }),
        SenseKey::HARDWARE_ERROR => Verdict::Fail(Error::Hardware { sense }),
        SenseKey::ILLEGAL_REQUEST => Verdict::Fail(Error::IllegalRequest { operation, sense }),
        SenseKey::DATA_PROTECT => Verdict::Fail(Error::WriteProtected),
        SenseKey::UNIT_ATTENTION if expects_attention => Verdict::Attention(failed),
        SenseKey::UNIT_ATTENTION
            if asc == ASC_MEDIUM_MAY_HAVE_CHANGED
                || sense.additional == AdditionalSense::CAPACITY_CHANGED =>
        {
            // To write on would be to write one medium's data onto another.
            Verdict::Fail(Error::MediumChanged)
        }
        SenseKey::UNIT_ATTENTION => Verdict::Attention(failed),
        // NO SENSE after a failure, ABORTED COMMAND, and whatever has no name: the next try tells more.
        _ => Verdict::Again(failed),
    }
}
