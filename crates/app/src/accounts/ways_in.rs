//! What a restore must not undo: tokens revoked and passwords changed since the backup was made.

use std::collections::{HashMap, HashSet};

use super::sql;
use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::ids::{AccountId, TokenId};

/// The ways in as they are before a restore.
pub(crate) struct WaysIn {
    tokens: HashSet<TokenId>,
    passwords: HashMap<AccountId, (String, Time)>,
}

impl WaysIn {
    pub(crate) async fn of(tx: &mut Tx) -> Result<Self, DbError> {
        let tokens = sql::all_tokens(tx).await?.into_iter().map(|(token, _)| token).collect();
        let passwords = sql::all_passwords(tx).await?;
        let passwords = passwords.into_iter().map(|(account, hash, at)| (account, (hash, at))).collect();
        Ok(Self { tokens, passwords })
    }
}

/// After a restore: how many tokens of accounts that were here before it took away again, because they were not here any
/// more, and how many passwords it put back to what they are now.
pub(crate) async fn keep_newer(tx: &mut Tx, before: &WaysIn) -> Result<(u64, u64), DbError> {
    let (mut tokens, mut passwords) = (0, 0);
    for (token, account) in sql::all_tokens(tx).await? {
        if before.passwords.contains_key(&account)
            && !before.tokens.contains(&token)
            && sql::revoke_token(tx, account, token).await?
        {
            tokens += 1;
        }
    }
    for (account, _, restored) in sql::all_passwords(tx).await? {
        if let Some((hash, at)) = before.passwords.get(&account)
            && *at > restored
        {
            sql::set_password(tx, account, hash.clone(), *at).await?;
            sql::forget_browsers(tx, account).await?;
            passwords += 1;
        }
    }
    Ok((tokens, passwords))
}
