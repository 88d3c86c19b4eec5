//! The queries of accounts, sessions and tokens.

use sqlx::FromRow;

use super::Account;
use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::ids::{AccountId, SessionId, TokenId};

#[derive(FromRow)]
pub(super) struct AccountRow {
    pub id: AccountId,
    pub master_id: Option<AccountId>,
    pub email: String,
    pub name: String,
    pub password_hash: String,
    pub rights: i64,
    pub language: String,
    pub time_zone: String,
    pub created_at: Time,
    pub updated_at: Time,
}

macro_rules! select_account {
    ($rest:literal) => {
        concat!(
            "select a.id, a.master_id, a.email, a.name, a.password_hash, a.rights, a.language, a.time_zone, \
             a.created_at, a.updated_at from accounts a where ",
            $rest
        )
    };
}

pub(super) async fn load(tx: &mut Tx, id: AccountId) -> Result<AccountRow, DbError> {
    tx.query(select_account!("a.id = $1")).bind(id).one().await
}

pub(super) async fn find_by_email(tx: &mut Tx, email: &str) -> Result<Option<AccountRow>, DbError> {
    tx.query(select_account!("a.email = $1")).bind(email.to_owned()).find().await
}

pub(super) async fn any(tx: &mut Tx) -> Result<bool, DbError> {
    Ok(tx.query("select count(*) from (select 1 from accounts limit 1) found").value::<i64>().await? > 0)
}

pub(super) async fn insert(tx: &mut Tx, new: &AccountRow) -> Result<(), DbError> {
    tx.query(
        "insert into accounts (id, master_id, email, name, password_hash, rights, language, time_zone, created_at, \
         updated_at, password_changed_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $9)",
    )
    .bind(new.id)
    .bind(new.master_id)
    .bind(new.email.clone())
    .bind(new.name.clone())
    .bind(new.password_hash.clone())
    .bind(new.rights)
    .bind(new.language.clone())
    .bind(new.time_zone.clone())
    .bind(new.created_at)
    .run()
    .await?;
    Ok(())
}

pub(super) async fn set_profile(
    tx: &mut Tx,
    id: AccountId,
    name: &str,
    time_zone: &str,
    now: Time,
) -> Result<(), DbError> {
    tx.query("update accounts set name = $2, time_zone = $3, updated_at = $4 where id = $1")
        .bind(id)
        .bind(name.to_owned())
        .bind(time_zone.to_owned())
        .bind(now)
        .run()
        .await?;
    Ok(())
}

pub(super) async fn set_password(tx: &mut Tx, id: AccountId, hash: String, now: Time) -> Result<(), DbError> {
    tx.query(
        "update accounts set password_hash = $2, password_changed_at = $3, updated_at = $3 where id = $1",
    )
    .bind(id)
    .bind(hash)
    .bind(now)
    .run()
    .await?;
    Ok(())
}

pub(super) async fn all_passwords(tx: &mut Tx) -> Result<Vec<(AccountId, String, Time)>, DbError> {
    tx.query("select id, password_hash, password_changed_at from accounts").all().await
}

/// The password's hash with today's costs, unless it was changed meanwhile.
pub(super) async fn renew_hash(tx: &mut Tx, id: AccountId, old: &str, new: String) -> Result<(), DbError> {
    tx.query("update accounts set password_hash = $3 where id = $1 and password_hash = $2")
        .bind(id)
        .bind(old.to_owned())
        .bind(new)
        .run()
        .await?;
    Ok(())
}

// Failed sign-ins.

#[derive(Clone, Copy, Default, FromRow)]
pub(super) struct Failures {
    pub failures: i64,
    pub failed_at: Option<Time>,
}

pub(super) async fn failures(tx: &mut Tx, key: &str) -> Result<Failures, DbError> {
    let found = tx
        .query("select failures, failed_at from sign_in_failures where key = $1")
        .bind(key.to_owned())
        .find::<Failures>()
        .await?;
    Ok(found.unwrap_or_default())
}

pub(super) async fn failed(tx: &mut Tx, key: &str, failures: i64, now: Time) -> Result<(), DbError> {
    tx.query(
        "insert into sign_in_failures (key, failures, failed_at) values ($1, $2, $3) \
         on conflict (key) do update set failures = excluded.failures, failed_at = excluded.failed_at",
    )
    .bind(key.to_owned())
    .bind(failures)
    .bind(now)
    .run()
    .await?;
    Ok(())
}

pub(super) async fn forget_failures(tx: &mut Tx, key: &str) -> Result<(), DbError> {
    tx.query("delete from sign_in_failures where key = $1").bind(key.to_owned()).run().await?;
    Ok(())
}

/// Takes back what was counted before it was known that it is none.
pub(super) async fn one_less(tx: &mut Tx, key: &str) -> Result<(), DbError> {
    tx.query("update sign_in_failures set failures = failures - 1 where key = $1 and failures > 0")
        .bind(key.to_owned())
        .run()
        .await?;
    Ok(())
}

pub(super) async fn forget_old_failures(tx: &mut Tx, before: Time, locked: i64) -> Result<(), DbError> {
    tx.query("delete from sign_in_failures where failed_at < $1 and failures < $2")
        .bind(before)
        .bind(locked)
        .run()
        .await?;
    Ok(())
}

pub(super) async fn browser_failures(
    tx: &mut Tx,
    browser: &[u8],
    account: AccountId,
) -> Result<Option<i64>, DbError> {
    tx.query("select failures from known_browsers where token_hash = $1 and account_id = $2")
        .bind(browser.to_vec())
        .bind(account)
        .find_value()
        .await
}

pub(super) async fn know_browser(
    tx: &mut Tx,
    browser: &[u8],
    account: AccountId,
    failures: i64,
    now: Time,
) -> Result<(), DbError> {
    tx.query(
        "insert into known_browsers (token_hash, account_id, failures, seen_at) values ($1, $2, $3, $4) \
         on conflict (token_hash) do update set failures = excluded.failures, seen_at = excluded.seen_at",
    )
    .bind(browser.to_vec())
    .bind(account)
    .bind(failures)
    .bind(now)
    .run()
    .await?;
    Ok(())
}

pub(super) async fn forget_browsers(tx: &mut Tx, account: AccountId) -> Result<(), DbError> {
    tx.query("delete from known_browsers where account_id = $1").bind(account).run().await?;
    Ok(())
}

// Sessions.

#[derive(FromRow)]
pub(super) struct SessionRow {
    pub id: SessionId,
    pub account_id: AccountId,
    pub master_id: Option<AccountId>,
    pub rights: i64,
    /// Whether the token asked with is the one before the last rotation.
    pub previous: bool,
    pub rotated_at: Time,
    pub created_at: Time,
    pub seen_at: Time,
    pub ends_at: Time,
    pub address: String,
    pub user_agent: String,
}

macro_rules! select_session {
    ($previous:literal, $rest:literal) => {
        concat!(
            "select s.id, s.account_id, a.master_id, a.rights, ",
            $previous,
            " as previous, s.rotated_at, s.created_at, s.seen_at, s.ends_at, s.address, s.user_agent \
             from sessions s join accounts a on a.id = s.account_id where ",
            $rest
        )
    };
}

pub(super) async fn find_session(tx: &mut Tx, token_hash: &[u8]) -> Result<Option<SessionRow>, DbError> {
    let current = tx
        .query(select_session!("false", "s.token_hash = $1"))
        .bind(token_hash.to_vec())
        .find::<SessionRow>()
        .await?;
    if current.is_some() {
        return Ok(current);
    }
    tx.query(select_session!("true", "s.previous_hash = $1")).bind(token_hash.to_vec()).find().await
}

pub(super) async fn find_session_by_id(tx: &mut Tx, id: SessionId) -> Result<Option<SessionRow>, DbError> {
    tx.query(select_session!("false", "s.id = $1")).bind(id).find().await
}

pub(super) async fn list_sessions(tx: &mut Tx, account: AccountId) -> Result<Vec<SessionRow>, DbError> {
    tx.query(select_session!("false", "s.account_id = $1 order by s.seen_at desc")).bind(account).all().await
}

pub(super) struct NewSession<'a> {
    pub id: SessionId,
    pub account: AccountId,
    pub token_hash: &'a [u8],
    pub now: Time,
    pub ends_at: Time,
    pub address: &'a str,
    pub user_agent: &'a str,
}

pub(super) async fn insert_session(tx: &mut Tx, new: NewSession<'_>) -> Result<(), DbError> {
    tx.query(
        "insert into sessions (id, account_id, token_hash, rotated_at, created_at, seen_at, ends_at, address, \
         user_agent) values ($1, $2, $3, $4, $4, $4, $5, $6, $7)",
    )
    .bind(new.id)
    .bind(new.account)
    .bind(new.token_hash.to_vec())
    .bind(new.now)
    .bind(new.ends_at)
    .bind(new.address.to_owned())
    .bind(new.user_agent.to_owned())
    .run()
    .await?;
    Ok(())
}

pub(super) async fn session_proved(tx: &mut Tx, id: SessionId, now: Time) -> Result<(), DbError> {
    tx.query("update sessions set proved_at = $2 where id = $1").bind(id).bind(now).run().await?;
    Ok(())
}

pub(super) async fn proved_at(tx: &mut Tx, id: SessionId) -> Result<Option<Time>, DbError> {
    tx.query("select coalesce(proved_at, created_at) from sessions where id = $1").bind(id).find_value().await
}

pub(super) async fn session_seen(tx: &mut Tx, id: SessionId, now: Time) -> Result<(), DbError> {
    tx.query("update sessions set seen_at = $2 where id = $1").bind(id).bind(now).run().await?;
    Ok(())
}

/// Only from the token it still has: of two requests that want to rotate it, one does.
pub(super) async fn rotate_session(
    tx: &mut Tx,
    id: SessionId,
    from: &[u8],
    to: &[u8],
    now: Time,
) -> Result<bool, DbError> {
    let rotated = tx
        .query(
            "update sessions set previous_hash = token_hash, token_hash = $3, rotated_at = $4, seen_at = $4 \
             where id = $1 and token_hash = $2",
        )
        .bind(id)
        .bind(from.to_vec())
        .bind(to.to_vec())
        .bind(now)
        .run()
        .await?;
    Ok(rotated == 1)
}

pub(super) async fn end_session(tx: &mut Tx, account: AccountId, id: SessionId) -> Result<bool, DbError> {
    let ended = tx
        .query("delete from sessions where id = $1 and account_id = $2")
        .bind(id)
        .bind(account)
        .run()
        .await?;
    Ok(ended == 1)
}

pub(super) async fn end_other_sessions(
    tx: &mut Tx,
    account: AccountId,
    except: Option<SessionId>,
) -> Result<(), DbError> {
    tx.query("delete from sessions where account_id = $1 and id <> $2")
        .bind(account)
        .bind(except.unwrap_or(SessionId(0)))
        .run()
        .await?;
    Ok(())
}

pub(super) async fn forget_ended_sessions(tx: &mut Tx, now: Time, idle_since: Time) -> Result<(), DbError> {
    tx.query("delete from sessions where ends_at < $1 or seen_at < $2")
        .bind(now)
        .bind(idle_since)
        .run()
        .await?;
    Ok(())
}

// Tokens.

#[derive(FromRow)]
pub(super) struct TokenRow {
    pub id: TokenId,
    pub account_id: AccountId,
    pub master_id: Option<AccountId>,
    pub rights: i64,
    pub name: String,
    pub scopes: String,
    pub created_at: Time,
    pub used_at: Option<Time>,
}

macro_rules! select_token {
    ($rest:literal) => {
        concat!(
            "select t.id, t.account_id, a.master_id, a.rights, t.name, t.scopes, t.created_at, t.used_at \
             from tokens t join accounts a on a.id = t.account_id where ",
            $rest
        )
    };
}

pub(super) async fn find_token(tx: &mut Tx, token_hash: &[u8]) -> Result<Option<TokenRow>, DbError> {
    tx.query(select_token!("t.token_hash = $1")).bind(token_hash.to_vec()).find().await
}

pub(super) async fn find_token_by_id(tx: &mut Tx, id: TokenId) -> Result<Option<TokenRow>, DbError> {
    tx.query(select_token!("t.id = $1")).bind(id).find().await
}

pub(super) async fn list_tokens(tx: &mut Tx, account: AccountId) -> Result<Vec<TokenRow>, DbError> {
    tx.query(select_token!("t.account_id = $1 order by t.created_at desc, t.id desc"))
        .bind(account)
        .all()
        .await
}

pub(super) async fn insert_token(
    tx: &mut Tx,
    ids: (TokenId, AccountId),
    name: &str,
    token_hash: &[u8],
    scopes: String,
    now: Time,
) -> Result<(), DbError> {
    tx.query("insert into tokens (id, account_id, name, token_hash, scopes, created_at) values ($1, $2, $3, $4, $5, $6)")
        .bind(ids.0)
        .bind(ids.1)
        .bind(name.to_owned())
        .bind(token_hash.to_vec())
        .bind(scopes)
        .bind(now)
        .run()
        .await?;
    Ok(())
}

pub(super) async fn all_tokens(tx: &mut Tx) -> Result<Vec<(TokenId, AccountId)>, DbError> {
    tx.query("select id, account_id from tokens").all().await
}

pub(super) async fn token_used(tx: &mut Tx, id: TokenId, now: Time) -> Result<(), DbError> {
    tx.query("update tokens set used_at = $2 where id = $1").bind(id).bind(now).run().await?;
    Ok(())
}

pub(super) async fn revoke_token(tx: &mut Tx, account: AccountId, id: TokenId) -> Result<bool, DbError> {
    let ended =
        tx.query("delete from tokens where id = $1 and account_id = $2").bind(id).bind(account).run().await?;
    Ok(ended == 1)
}

pub(super) async fn revoke_all_tokens(tx: &mut Tx, account: AccountId) -> Result<(), DbError> {
    tx.query("delete from tokens where account_id = $1").bind(account).run().await?;
    Ok(())
}

// The first start.

pub(super) async fn replace_set_up_link(
    tx: &mut Tx,
    token_hash: &[u8],
    ends_at: Time,
) -> Result<(), DbError> {
    tx.query("delete from set_up_links").run().await?;
    tx.query("insert into set_up_links (token_hash, ends_at) values ($1, $2)")
        .bind(token_hash.to_vec())
        .bind(ends_at)
        .run()
        .await?;
    Ok(())
}

pub(super) async fn set_up_link_valid(tx: &mut Tx, token_hash: &[u8], now: Time) -> Result<bool, DbError> {
    let found = tx
        .query("select count(*) from set_up_links where token_hash = $1 and ends_at > $2")
        .bind(token_hash.to_vec())
        .bind(now)
        .value::<i64>()
        .await?;
    Ok(found == 1)
}

pub(super) async fn forget_set_up_links(tx: &mut Tx) -> Result<u64, DbError> {
    tx.query("delete from set_up_links").run().await
}

impl From<AccountRow> for Account {
    fn from(row: AccountRow) -> Self {
        Self {
            id: row.id,
            master: row.master_id,
            email: row.email,
            name: row.name,
            language: row.language,
            time_zone: row.time_zone,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
