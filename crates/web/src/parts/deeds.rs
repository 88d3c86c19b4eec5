//! The orders a page offers: their names in forms, and which of them take more than one press.

use lockwarden_app::commands;
use lockwarden_app::devices::{Device, LockAction};

use super::words::is_opener;

/// An action in a form and in an address.
pub(crate) fn order_name(action: LockAction) -> &'static str {
    match action {
        LockAction::Unlock => "unlock",
        LockAction::Unlatch => "open",
        LockAction::LockNGo => "lock-n-go",
        LockAction::LockNGoUnlatch => "lock-n-go-open",
        LockAction::FullLock => "full-lock",
        LockAction::Lock | LockAction::FobNoAction | LockAction::ButtonNoAction | LockAction::Other(_) => {
            "lock"
        }
    }
}

pub(crate) fn order_from_name(name: &str) -> Option<LockAction> {
    use LockAction::{Lock, LockNGo, LockNGoUnlatch, Unlatch, Unlock};
    [Lock, Unlock, Unlatch, LockNGo, LockNGoUnlatch].into_iter().find(|action| order_name(*action) == name)
}

/// Whether it takes two steps. What lets somebody in does, but for ring to open, which lets in one and ends.
fn takes_two(device: &Device, action: LockAction) -> bool {
    let rings_open = is_opener(device) && action == LockAction::Unlock;
    commands::opens(device, action) && !rings_open
}

/// Whether a person is asked before it happens: an opening always, and what the owner of this door wants asked too.
pub(crate) fn asks(device: &Device, action: LockAction) -> bool {
    let unlocks = matches!(action, LockAction::Unlock | LockAction::LockNGo);
    let lets_in = unlocks || commands::opens(device, action);
    takes_two(device, action)
        || (device.safety.ask_again && lets_in)
        || (device.safety.fresh_sign_in && commands::opens(device, action))
}

/// Whether the owner of this door wants it never to be opened from here, and this would.
pub(crate) fn is_forbidden(device: &Device, action: LockAction) -> bool {
    device.safety.never_open && commands::opens(device, action)
}
