//! Who is asking, and what they may do. Every action takes the actor first and turns it into a permission value.

use std::collections::BTreeSet;
use std::ops::BitOr;

use crate::db::Tx;
use crate::devices::{self, Device};
use crate::error::{Error, Result};
use crate::ids::{AccountId, DeviceId, SessionId, TokenId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub who: Who,
    /// The account whose things the actor may touch: nobody ever acts in two.
    pub account: AccountId,
    pub rights: Rights,
    pub scope: Scope,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A signed-in browser.
    Person { id: AccountId, session: SessionId },
    /// A program with a personal API token. It never has more rights than the person has now.
    Token { id: AccountId, token: TokenId },
    /// The administrator at the command line of the server's own machine.
    Operator,
}

impl Who {
    /// The sign-in behind it, if there is one.
    pub fn person(self) -> Option<AccountId> {
        match self {
            Self::Person { id, .. } | Self::Token { id, .. } => Some(id),
            Self::Operator => None,
        }
    }
}

/// A set of rights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights(u32);

impl Rights {
    pub const NONE: Self = Self(0);
    /// Name, login and removal of devices.
    pub const MANAGE: Self = Self(1);
    /// Lock, unlock, open.
    pub const OPERATE: Self = Self(2);
    pub const CONFIGURE: Self = Self(4);
    pub const AUTHORIZE: Self = Self(8);
    /// Read the activity log.
    pub const LOG: Self = Self(16);
    pub const SUB_ACCOUNTS: Self = Self(32);
    pub const CREATE: Self = Self(64);
    /// See devices and their state.
    pub const VIEW: Self = Self(128);
    /// See and change the account itself: sign-in, sessions, tokens.
    pub const ACCOUNT: Self = Self(256);
    pub const ALL: Self = Self(511);

    #[must_use]
    pub const fn from_bits(bits: i64) -> Self {
        #[expect(clippy::cast_sign_loss, reason = "masked to nine bits")]
        Self((bits & 511) as u32)
    }

    pub fn bits(self) -> i64 {
        i64::from(self.0)
    }

    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Rights {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Which devices of the account exist for this actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    All,
    Only(BTreeSet<DeviceId>),
}

impl Scope {
    pub fn contains(&self, device: DeviceId) -> bool {
        match self {
            Self::All => true,
            Self::Only(devices) => devices.contains(&device),
        }
    }

    /// What is in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::All, scope) | (scope, Self::All) => scope.clone(),
            (Self::Only(these), Self::Only(those)) => Self::Only(these & those),
        }
    }
}

/// A device the actor may see. Only [`Actor::may_view`] makes one; the same holds for the others below.
#[derive(Clone, Copy, Debug)]
pub struct Viewable(DeviceId);
/// A device the actor may order to lock, unlock or open.
#[derive(Clone, Copy, Debug)]
pub struct Operable(DeviceId);
/// A device whose settings the actor may change.
#[derive(Clone, Copy, Debug)]
pub struct Configurable(DeviceId);
/// A device the actor may rename, remove, or whose login they may change.
#[derive(Clone, Copy, Debug)]
pub struct Manageable(DeviceId);
/// The actor may read the activity log of the devices in its scope.
#[derive(Clone, Copy, Debug)]
pub struct LogReader(());
/// The actor may see and change the sign-in, its sessions and its tokens.
#[derive(Clone, Copy, Debug)]
pub struct AccountHolder(AccountId);

impl Viewable {
    pub fn device(self) -> DeviceId {
        self.0
    }
}

impl Operable {
    pub fn device(self) -> DeviceId {
        self.0
    }
}

impl Configurable {
    pub fn device(self) -> DeviceId {
        self.0
    }
}

impl Manageable {
    pub fn device(self) -> DeviceId {
        self.0
    }
}

impl AccountHolder {
    pub fn person(self) -> AccountId {
        self.0
    }
}

impl Actor {
    pub fn operator(account: AccountId) -> Self {
        Self { who: Who::Operator, account, rights: Rights::ALL, scope: Scope::All }
    }

    /// The person, and the session or token they came in by.
    pub(crate) fn way_in(&self) -> (Option<AccountId>, Option<SessionId>, Option<TokenId>) {
        match self.who {
            Who::Person { id, session } => (Some(id), Some(session), None),
            Who::Token { id, token } => (Some(id), None, Some(token)),
            Who::Operator => (None, None, None),
        }
    }

    pub async fn may_view(&self, tx: &mut Tx, device: DeviceId) -> Result<Viewable> {
        self.reach(tx, device).await?;
        self.hold(Rights::VIEW, "this sign-in may not see devices")?;
        Ok(Viewable(device))
    }

    /// The same for a device that is at hand already, without asking the database again.
    pub fn may_view_this(&self, device: &Device) -> Result<Viewable> {
        if !self.scope.contains(device.id) || device.account != self.account {
            return Err(Error::NotFound);
        }
        self.hold(Rights::VIEW, "this sign-in may not see devices")?;
        Ok(Viewable(device.id))
    }

    pub async fn may_operate(&self, tx: &mut Tx, device: DeviceId) -> Result<Operable> {
        self.reach(tx, device).await?;
        self.hold(Rights::OPERATE, "this sign-in may not operate devices")?;
        Ok(Operable(device))
    }

    pub async fn may_configure(&self, tx: &mut Tx, device: DeviceId) -> Result<Configurable> {
        self.reach(tx, device).await?;
        self.hold(Rights::CONFIGURE, "this sign-in may not change settings of devices")?;
        Ok(Configurable(device))
    }

    pub async fn may_manage(&self, tx: &mut Tx, device: DeviceId) -> Result<Manageable> {
        self.reach(tx, device).await?;
        self.hold(Rights::MANAGE, "this sign-in may not manage devices")?;
        Ok(Manageable(device))
    }

    /// Whether the actor may change settings of any device at all, asked before it is known of which.
    pub fn may_configure_devices(&self) -> Result<()> {
        self.hold(Rights::CONFIGURE, "this sign-in may not change settings of devices")
    }

    pub fn may_add_devices(&self) -> Result<()> {
        self.hold(Rights::CREATE, "this sign-in may not add devices")
    }

    /// Groups are of the whole account: whoever is shown only some of its devices would change what others see.
    pub fn may_manage_groups(&self) -> Result<()> {
        self.hold(Rights::MANAGE, "this sign-in may not manage groups")?;
        self.see_everything("groups are managed by somebody who may see every device")
    }

    /// What holds for every device at once, for the same reason.
    pub fn may_set_for_all_devices(&self) -> Result<()> {
        self.hold(Rights::MANAGE, "this sign-in may not manage devices")?;
        self.see_everything("this is changed by somebody who may see every device")
    }

    pub fn may_list_devices(&self) -> Result<()> {
        self.hold(Rights::VIEW, "this sign-in may not see devices")
    }

    pub fn may_read_log(&self) -> Result<LogReader> {
        self.hold(Rights::LOG, "this sign-in may not read the activity log")?;
        Ok(LogReader(()))
    }

    pub async fn may_read_log_of(&self, tx: &mut Tx, device: DeviceId) -> Result<LogReader> {
        self.reach(tx, device).await?;
        self.may_read_log()
    }

    pub fn may_hold_account(&self) -> Result<AccountHolder> {
        self.hold(Rights::ACCOUNT, "this sign-in may not see or change the account")?;
        Ok(AccountHolder(self.who.person().unwrap_or(self.account)))
    }

    fn hold(&self, right: Rights, refusal: &'static str) -> Result<()> {
        if self.rights.contains(right) { Ok(()) } else { Err(Error::Forbidden(refusal)) }
    }

    fn see_everything(&self, refusal: &'static str) -> Result<()> {
        if self.scope == Scope::All { Ok(()) } else { Err(Error::Forbidden(refusal)) }
    }

    /// What is not the actor's answers exactly like what never was.
    async fn reach(&self, tx: &mut Tx, device: DeviceId) -> Result<()> {
        if !self.scope.contains(device) || devices::account_of(tx, device).await? != Some(self.account) {
            return Err(Error::NotFound);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_scopes_leave_what_is_in_both() {
        let only = |ids: &[i64]| Scope::Only(ids.iter().map(|id| DeviceId(*id)).collect());
        assert_eq!(Scope::All.and(&Scope::All), Scope::All);
        assert_eq!(Scope::All.and(&only(&[1])), only(&[1]));
        assert_eq!(only(&[1, 2]).and(&Scope::All), only(&[1, 2]));
        assert_eq!(only(&[1, 2]).and(&only(&[2, 3])), only(&[2]));
    }
}
