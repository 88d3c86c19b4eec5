//! What a token may be limited to: the Web API's scopes (4.10.0, OAuth2 security definitions).

use crate::actor::Rights;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenScope {
    Account,
    Smartlock,
    SmartlockReadOnly,
    SmartlockAction,
    SmartlockConfig,
    SmartlockLog,
}

impl TokenScope {
    pub const ALL: &'static [Self] = &[
        Self::Account,
        Self::Smartlock,
        Self::SmartlockReadOnly,
        Self::SmartlockAction,
        Self::SmartlockConfig,
        Self::SmartlockLog,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Smartlock => "smartlock",
            Self::SmartlockReadOnly => "smartlock.readOnly",
            Self::SmartlockAction => "smartlock.action",
            Self::SmartlockConfig => "smartlock.config",
            Self::SmartlockLog => "smartlock.log",
        }
    }

    /// For the person who chooses.
    pub fn words(self) -> &'static str {
        match self {
            Self::Account => "See and manage the account",
            Self::Smartlock => "See and manage devices",
            Self::SmartlockReadOnly => "See devices",
            Self::SmartlockAction => "Operate devices: it may open your doors",
            Self::SmartlockConfig => "Change settings of devices",
            Self::SmartlockLog => "Read the activity log",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scope| scope.name() == name)
    }

    fn rights(self) -> Rights {
        match self {
            Self::Account => Rights::ACCOUNT,
            Self::Smartlock => Rights::VIEW | Rights::MANAGE,
            Self::SmartlockReadOnly => Rights::VIEW,
            Self::SmartlockAction => Rights::OPERATE,
            Self::SmartlockConfig => Rights::CONFIGURE,
            Self::SmartlockLog => Rights::LOG,
        }
    }
}

pub(super) fn join(scopes: &[TokenScope]) -> String {
    scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" ")
}

pub(super) fn split(stored: &str) -> Vec<TokenScope> {
    stored.split(' ').filter_map(TokenScope::from_name).collect()
}

pub(super) fn rights(scopes: &[TokenScope]) -> Rights {
    scopes.iter().fold(Rights::NONE, |rights, scope| rights | scope.rights())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back_as_they_were_stored_and_unknown_ones_give_nothing() {
        assert_eq!(split(&join(TokenScope::ALL)), TokenScope::ALL);
        assert_eq!(rights(&split("smartlock.everything")), Rights::NONE);
    }
}
