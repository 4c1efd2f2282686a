//! Why a command ended early, and the exit code that says so.

use std::io;

use antiphon::Error;

/// What a command returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

#[derive(Debug)]
pub(crate) enum Failure {
    /// A call, a file or a setting is wrong.
    Error(Error),
    /// The command line is wrong, or asks for help.
    Usage(clap::Error),
    /// The output could not be written; quiet where the reader has gone.
    Output(io::Error),
    /// Ctrl-C.
    Interrupted,
    /// Some rows of a batch failed, which was told.
    Rows,
}

/// The codes that a shell gives to what a signal ended: 128 and the signal's number.
const INTERRUPTED: u8 = 128 + 2;
const BROKEN_PIPE: u8 = 128 + 13;

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Failure::Error(error) => error.kind().row().exit_code,
            Failure::Usage(error) => u8::try_from(error.exit_code()).unwrap_or(2),
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => BROKEN_PIPE,
            Failure::Output(_) | Failure::Rows => 1,
            Failure::Interrupted => INTERRUPTED,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Error(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}
