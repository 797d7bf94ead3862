use thiserror::Error;
use xhci_hal::DmaError;
use xhci_spec::extended::WalkError;
use xhci_spec::trb::CompletionCode;

/// Why a transfer did not end well. The buffer comes back all the same, with the bytes moved until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TransferError {
    /// The device answered STALL. On a bulk or interrupt endpoint nothing moves until its halt is cleared.
    #[error(
        "the device refused the request (STALL); clear the endpoint's halt before using it again"
    )]
    Stall,
    /// The device did not answer, or not understandably, also when tried again.
    #[error(
        "the device does not answer (transaction error, {retries} retries); check cable and device, or reset the device"
    )]
    Transaction {
        /// How often the controller was made to try again.
        retries: u8,
    },
    /// The device sent more than it may.
    #[error(
        "the device sent more data than allowed (babble); clear the endpoint's halt, or reset the device"
    )]
    Babble,
    /// The time set for the transfer ran out.
    #[error("the transfer took longer than its time limit and was taken back")]
    TimedOut,
    /// Taken back by whoever submitted it.
    #[error("the transfer was cancelled")]
    Cancelled,
    /// Another transfer on this endpoint failed and halted it; this one was not, or not completely, carried out.
    #[error("the endpoint was halted by an earlier transfer; clear its halt, then submit again")]
    Halted,
    /// The device is gone.
    #[error("the device was disconnected")]
    Disconnected,
    /// The endpoint is not open: not configured, or being taken down.
    #[error("the endpoint is not open; configure the device first")]
    NotOpen,
    /// The endpoint does not recover; the device needs a reset.
    #[error("the endpoint does not recover; reset the device")]
    Broken,
    /// The controller is dead or gone.
    #[error("the controller no longer works; reset it or bring it up again")]
    ControllerDead,
    /// No memory for the ring to grow.
    #[error(
        "no DMA memory is left for the transfer ring; use fewer or smaller transfers at a time"
    )]
    NoMemory,
    /// The request makes no sense for this endpoint: a setup packet on a bulk endpoint, a length beyond the buffer.
    #[error("the request does not fit this endpoint: {reason}")]
    BadRequest {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The controller reported something else.
    #[error("the controller reported {} (completion code {})", .code.name(), .code.0)]
    Other {
        /// Its completion code.
        code: CompletionCode,
    },
}

/// Why a command did not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// The controller refused it.
    #[error("the controller refused the command: {} (completion code {})", .code.name(), .code.0)]
    Refused {
        /// Its completion code.
        code: CompletionCode,
    },
    /// It took longer than its deadline and was aborted.
    #[error("the controller did not finish the command in time; it was aborted")]
    Aborted,
    /// The controller is dead or gone.
    #[error("the controller no longer works; reset it or bring it up again")]
    ControllerDead,
}

/// Why a controller could not be brought up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StartError {
    /// Registers read as all ones.
    #[error(
        "nothing answers at the controller's registers (all ones); look at the slot, or whether the device sleeps (D3)"
    )]
    Gone,
    /// What answers is no xHCI controller.
    #[error("this is not an xHCI controller, or it is not awake: {what}")]
    Nonsense {
        /// What gave it away.
        what: &'static str,
    },
    /// The extended capabilities cannot be walked.
    #[error("the controller's extended capabilities are broken: {error}")]
    Extended {
        /// Where and how.
        error: WalkError,
    },
    /// A register did not change in time.
    #[error(
        "the controller is stuck in {phase}: {register} did not change within {limit_ms} ms; power-cycle it"
    )]
    Stuck {
        /// What was being done.
        phase: &'static str,
        /// Which register and bit.
        register: &'static str,
        /// How long was waited, in milliseconds.
        limit_ms: u64,
    },
    /// No memory for its structures.
    #[error("no memory for the controller's structures: {error}")]
    Memory {
        /// What was asked for.
        error: DmaError,
    },
    /// The No Op command did not come back.
    #[error(
        "the self-test failed: {reason}; is bus mastering on, and can the device reach its memory (IOMMU)?"
    )]
    SelfTest {
        /// What was seen.
        reason: &'static str,
    },
}
