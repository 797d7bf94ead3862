//! What a person is told when something goes wrong, and what a script is.

use std::io;
use std::process::ExitCode;

use host::{OperationError, TransferError};
use local::{LocalError, SpecError};

/// Why a verb did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something on this computer.
    Here {
        message: String,
        hint: Option<String>,
    },
    /// The arguments.
    Usage {
        message: String,
        hint: Option<String>,
    },
    /// A device or its medium.
    Device {
        message: String,
        hint: Option<String>,
    },
    /// The controller.
    Controller {
        message: String,
        hint: Option<String>,
    },
    /// Ctrl-C.
    Interrupted { message: String },
    /// Nobody reads the output any more.
    Closed,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
            hint: Some(hint.into()),
        }
    }

    pub(crate) fn device(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Device {
            message: message.into(),
            hint: Some(hint.into()),
        }
    }

    pub(crate) fn interrupted() -> Self {
        Self::Interrupted {
            message: "interrupted; the controller was handed back".to_owned(),
        }
    }

    /// A file of the user's that failed.
    pub(crate) fn file(what: &str, path: &std::path::Path, error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "check the path",
            io::ErrorKind::PermissionDenied => "check its permissions",
            io::ErrorKind::StorageFull => "free some space",
            _ => "choose another file",
        };
        Self::Here {
            message: format!("{} cannot be {what}: {error}", path.display()),
            hint: Some(hint.to_owned()),
        }
    }

    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Here { message, .. }
            | Self::Usage { message, .. }
            | Self::Device { message, .. }
            | Self::Controller { message, .. }
            | Self::Interrupted { message } => message,
            Self::Closed => "the output was closed",
        }
    }

    pub(crate) fn hint(&self) -> Option<&str> {
        match self {
            Self::Here { hint, .. }
            | Self::Usage { hint, .. }
            | Self::Device { hint, .. }
            | Self::Controller { hint, .. } => hint.as_deref(),
            Self::Interrupted { .. } | Self::Closed => None,
        }
    }

    /// The number that `--help` promises.
    pub(crate) fn number(&self) -> u8 {
        match self {
            Self::Here { .. } | Self::Closed => 1,
            Self::Usage { .. } => 2,
            Self::Device { .. } => 3,
            Self::Controller { .. } => 4,
            Self::Interrupted { .. } => 130,
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.number())
    }

    /// The same failure with one more sentence in its message.
    pub(crate) fn with_note(mut self, note: &str) -> Self {
        if let Self::Here { message, .. }
        | Self::Usage { message, .. }
        | Self::Device { message, .. }
        | Self::Controller { message, .. }
        | Self::Interrupted { message } = &mut self
        {
            message.push_str("; ");
            message.push_str(note);
        }
        self
    }
}

/// Errors of the rooms say what is wrong, and behind a mark what to do.
fn split(message: String, mark: &str) -> (String, Option<String>) {
    match message.rsplit_once(mark) {
        Some((what, hint)) => (what.to_owned(), Some(hint.to_owned())),
        None => (message, None),
    }
}

fn is_dead(error: &host::Error) -> bool {
    matches!(
        error,
        host::Error::Died(_)
            | host::Error::Start(_)
            | host::Error::Stopped
            // What an engine waits for so long is its controller.
            | host::Error::TimedOut { .. }
            | host::Error::Transfer(TransferError::ControllerDead)
            | host::Error::Operation(OperationError::ControllerDead)
    )
}

impl From<host::Error> for Failure {
    fn from(error: host::Error) -> Self {
        let mark = if matches!(error, host::Error::Disk(_) | host::Error::Keyboard(_)) {
            ": "
        } else {
            "; "
        };
        let (message, hint) = split(error.to_string(), mark);
        if is_dead(&error) {
            Self::Controller { message, hint }
        } else if matches!(error, host::Error::Memory(_) | host::Error::Thread(_)) {
            Self::Here { message, hint }
        } else {
            Self::Device { message, hint }
        }
    }
}

impl From<SpecError> for Failure {
    fn from(error: SpecError) -> Self {
        let (message, hint) = split(error.to_string(), "; ");
        Self::Usage { message, hint }
    }
}

impl From<LocalError> for Failure {
    fn from(error: LocalError) -> Self {
        let (message, hint) = match error.to_string().split_once("; ") {
            Some((what, hint)) => (what.to_owned(), Some(hint.to_owned())),
            None => (error.to_string(), None),
        };
        match error {
            LocalError::NoPort { .. } | LocalError::NoFit { .. } | LocalError::Outside { .. } => {
                Self::Usage { message, hint }
            }
            LocalError::Pool(_) => Self::Here { message, hint },
            _ => Self::Device { message, hint },
        }
    }
}

impl From<io::Error> for Failure {
    /// Only of the standard output: files have [`Failure::file`].
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Here {
                message: format!("the output cannot be written: {error}"),
                hint: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_controller_that_is_not_handed_back_in_time_failed_and_no_device_did() {
        let failure = Failure::from(host::Error::TimedOut {
            what: "handing the controller back",
            limit: Duration::from_secs(15),
        });
        assert_eq!(failure.number(), 4);
    }

    #[test]
    fn memory_that_this_computer_does_not_have_is_no_failure_of_a_device() {
        let local = local::Local::new(local::Setup::default()).unwrap();
        let engine = host::Engine::new(local, host::EngineOptions::default()).unwrap();
        let error = engine.pool().allocate(1 << 40).unwrap_err();
        assert_eq!(Failure::from(host::Error::from(error)).number(), 1);
    }
}
