//! How a command ended, for scripts.

use std::process::ExitCode;

use lockwarden_app::Error;

/// Exit codes. 2 is the command line parser's own, for arguments it cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Something broke that is not the caller's fault.
    Failed = 1,
    /// What was given cannot be right.
    Invalid = 3,
    /// No such account or device.
    NotFound = 4,
    /// Right in itself, but not now: exists already, in use, refused.
    Refused = 5,
}

#[derive(Debug)]
pub struct CommandError {
    pub exit: Exit,
    pub words: String,
}

pub type Result<T, E = CommandError> = std::result::Result<T, E>;

impl CommandError {
    pub fn new(exit: Exit, words: impl Into<String>) -> Self {
        Self { exit, words: words.into() }
    }

    pub fn failed(what: &str, error: impl std::fmt::Display) -> Self {
        Self::new(Exit::Failed, format!("{what}: {error}"))
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        let exit = match &error {
            Error::NotFound => Exit::NotFound,
            Error::Invalid { .. } => Exit::Invalid,
            Error::Forbidden(_) | Error::Ended | Error::Refused(_) => Exit::Refused,
            Error::Internal(_) => Exit::Failed,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<CommandError> for ExitCode {
    fn from(error: CommandError) -> Self {
        Self::from(error.exit as u8)
    }
}
