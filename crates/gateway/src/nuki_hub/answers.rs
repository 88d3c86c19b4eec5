//! What a hub says of a command: that it has it, how each try went, and that it gave up (Nuki Hub 9, `NukiNetworkLock.cpp`
//! and `NukiWrapper.cpp`).

use lockwarden_app::devices::HubAnswer;

/// On the command's own topic. The command itself, and the dashes a hub puts there, are no answers.
pub(super) fn action(word: &str) -> Option<HubAnswer> {
    match word {
        "ack" => Some(HubAnswer::Acknowledged),
        "denied" => Some(HubAnswer::Denied),
        "unknown_action" | "error" => Some(HubAnswer::Refused),
        _ => None,
    }
}

/// `commandResult`. `undefined` says nothing: in hybrid mode a hub reads the lock's own 0 (success) as that.
pub(super) fn command_result(word: &str) -> Option<HubAnswer> {
    match word {
        "success" => Some(HubAnswer::Success),
        "failed" | "error" => Some(HubAnswer::Failed),
        "timeOut" => Some(HubAnswer::TimedOut),
        "notPaired" => Some(HubAnswer::NotPaired),
        _ => None,
    }
}

/// `retry`: the number of the next try, `failed` when there is none, `--` or `0` when there is nothing to try again.
pub(super) fn retry(word: &str) -> Option<HubAnswer> {
    match word {
        "failed" => Some(HubAnswer::GaveUp),
        other => other.parse().ok().filter(|number| *number > 0).map(HubAnswer::Retry),
    }
}
