//! The product's one error. It knows nothing of HTTP; each door words it for its own side.

use crate::db::DbError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not exist, or it is not the actor's: the same answer for both.
    #[error("not found")]
    NotFound,
    /// The session or token that the actor came in by was closed meanwhile.
    #[error("this way in was closed meanwhile: nothing was changed")]
    Ended,
    /// The actor may see it, but not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// What was given cannot be right.
    #[error("{field}: {why}")]
    Invalid { field: &'static str, why: String },
    /// Right in itself, but not now.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// Ours to mend. Logged once, at the door; the person sees only that it failed.
    #[error("{0}")]
    Internal(String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something that is allowed was not done now. Each door words these for a person or a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the lock is offline: nothing was sent")]
    Offline,
    #[error("the lock has never connected: nothing was sent")]
    NeverConnected,
    #[error(
        "“Allow locking” is off in the lock’s MQTT settings: it would ignore the command, so nothing was sent"
    )]
    LockingNotAllowed,
    #[error("the hub is connected but has asked for no commands: nothing was sent; restart the hub")]
    HubDoesNotListen,
    #[error("this kind of lock cannot do that")]
    NotOffered,
    #[error("no way to this device can do that now: nothing was sent{0}")]
    NoWayToDo(String),
    #[error("there is a bridge at this address already")]
    BridgeExists,
    #[error("there is a way of this kind to it already; remove that one first")]
    WayExists,
    #[error("a bridge brings its devices itself: add the bridge, and this device has both ways")]
    BridgeBrings,
    #[error("{0} does not lead to devices of this type: nothing was changed")]
    NotReachedBy(&'static str),
    #[error("it is the only way to this device; remove the device instead, or add another way first")]
    LastWay,
    #[error("this door is never opened from here: its owner does not want it")]
    NeverOpens,
    #[error("give your password once more: this asks for one that was given a moment ago")]
    ProveAgain,
    #[error("this door opens only for somebody who has just given their password, not for a program")]
    NotByProgram,
    #[error("it was opened too often; wait up to {0} s")]
    TooManyOpenings(u64),
    #[error("it has not said yet which lock it speaks for: nothing was sent")]
    NotIdentified,
    #[error("{0}: no way to this device can set it; a Nuki Hub could, or the Nuki app")]
    NoWayToSet(&'static str),
    #[error("somebody changed it meanwhile. {0}. Look at it, and save again if you still want to")]
    ChangedMeanwhile(String),
    #[error("it could not be written down in time: nothing was sent")]
    TooLate,
    #[error("{0} commands are already waiting for this lock")]
    TooManyWaiting(usize),
    #[error("e-mail or password is wrong")]
    WrongPassword,
    #[error("too many failed attempts; try again in {0} s")]
    WaitBeforeSignIn(u64),
    #[error("too many failed attempts; an administrator must set a new password on the server")]
    PasswordLocked,
    #[error("an account with this e-mail exists")]
    EmailTaken,
    #[error("the set-up link is used up or too old; restart the server for a new one")]
    SetUpLinkUsed,
    #[error("this was proposed a while ago and things may have changed: look at it anew")]
    ProposalTooOld,
    #[error("at most {1} {0}")]
    TooMany(&'static str, usize),
}

impl Error {
    pub fn invalid(field: &'static str, why: impl Into<String>) -> Self {
        Self::Invalid { field, why: why.into() }
    }

    pub fn internal(what: impl std::fmt::Display) -> Self {
        Self::Internal(what.to_string())
    }
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Sql(sqlx::Error::RowNotFound) => Self::NotFound,
            other => Self::internal(other),
        }
    }
}
