//! Sessions of signed-in browsers: idle and absolute end, a secret that changes while it is used, a list to end them from.

use std::time::Duration;

use super::sql::{self, SessionRow};
use super::tokens;
use crate::App;
use crate::actor::{Actor, Rights, Scope, Who};
use crate::bus::Event;
use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, SessionId, TokenId};
use crate::secrets::{hash, token};

/// From sign-in to the end, used or not (NIST SP 800-63B-4, 2.1.3: at most 30 days with a password alone).
pub(super) const LONGEST: Duration = Duration::from_hours(720);
/// Without a request.
pub(super) const IDLE: Duration = Duration::from_hours(168);
/// The secret of a session in use lives this long.
const ROTATION: Duration = Duration::from_hours(1);
/// Requests that were under way while it changed may still carry the old one.
const GRACE: Duration = Duration::from_mins(1);
/// "Last seen" is this exact, to spare a write per request.
const SEEN: Duration = Duration::from_mins(1);

pub struct Authenticated {
    pub actor: Actor,
    pub session: SessionId,
    /// The session's new secret, if it was time for one.
    pub rotated: Option<String>,
}

/// A session as its holder sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub id: SessionId,
    pub created_at: Time,
    pub seen_at: Time,
    pub ends_at: Time,
    pub address: String,
    pub user_agent: String,
    /// The one that asks.
    pub current: bool,
}

impl App {
    /// Who a session's secret stands for; nobody, once it has ended.
    pub async fn authenticate_session(&self, secret: &str) -> Result<Option<Authenticated>> {
        let now = self.now();
        let given = hash(secret.as_bytes());
        let mut tx = self.read().await?;
        let found = sql::find_session(&mut tx, &given).await?;
        drop(tx);
        let Some(row) = found.filter(|row| alive(row, now)) else {
            return Ok(None);
        };
        if row.previous && now.since(row.rotated_at) > GRACE {
            return Ok(None);
        }
        let mut rotated = None;
        if !row.previous && now.since(row.rotated_at) > ROTATION {
            let fresh = token(self.chance());
            let mut tx = self.write().await?;
            if sql::rotate_session(&mut tx, row.id, &given, &hash(fresh.as_bytes()), now).await? {
                rotated = Some(fresh);
            }
            tx.commit().await?;
        } else if now.since(row.seen_at) > SEEN {
            let mut tx = self.write().await?;
            sql::session_seen(&mut tx, row.id, now).await?;
            tx.commit().await?;
        }
        Ok(Some(Authenticated { actor: actor(&row), session: row.id, rotated }))
    }

    /// Whether a session still stands, for streams that stay open longer than a request. Does not count as use.
    pub async fn session_stands(&self, id: SessionId) -> Result<Option<Actor>> {
        let mut tx = self.read().await?;
        let found = sql::find_session_by_id(&mut tx, id).await?;
        Ok(found.filter(|row| alive(row, self.now())).map(|row| actor(&row)))
    }

    pub async fn sign_out(&self, actor: &Actor) -> Result<()> {
        let Who::Person { id, session } = actor.who else {
            return Ok(());
        };
        // Whoever got in may leave, whatever else they may.
        end(self.write().await?, actor.account, id, session).await
    }

    pub async fn list_sessions(&self, actor: &Actor) -> Result<Vec<Session>> {
        let holder = actor.may_hold_account()?;
        let now = self.now();
        let mut tx = self.read().await?;
        let rows = sql::list_sessions(&mut tx, holder.person()).await?;
        let current = match actor.who {
            Who::Person { session, .. } => Some(session),
            _ => None,
        };
        let standing = rows.into_iter().filter(|row| alive(row, now));
        Ok(standing
            .map(|row| Session {
                id: row.id,
                created_at: row.created_at,
                seen_at: row.seen_at,
                ends_at: row.ends_at,
                address: row.address,
                user_agent: row.user_agent,
                current: Some(row.id) == current,
            })
            .collect())
    }

    /// Ends one of one's own sessions. What is open with it closes within a second.
    pub async fn end_session(&self, actor: &Actor, id: SessionId) -> Result<()> {
        let (tx, actor) = self.write_as(actor).await?;
        let holder = actor.may_hold_account()?;
        end(tx, actor.account, holder.person(), id).await
    }

    pub async fn end_other_sessions(&self, actor: &Actor) -> Result<()> {
        let Who::Person { session, .. } = actor.who else {
            return Err(Error::Forbidden("only a signed-in person has sessions"));
        };
        let (mut tx, actor) = self.write_as(actor).await?;
        let holder = actor.may_hold_account()?;
        sql::end_other_sessions(&mut tx, holder.person(), Some(session)).await?;
        tx.emit(Event::AccessChanged { account: actor.account });
        tx.commit().await?;
        Ok(())
    }
}

async fn end(mut tx: Tx, account: AccountId, person: AccountId, id: SessionId) -> Result<()> {
    if !sql::end_session(&mut tx, person, id).await? {
        return Err(Error::NotFound);
    }
    tx.emit(Event::AccessChanged { account });
    tx.commit().await?;
    Ok(())
}

fn alive(row: &SessionRow, now: Time) -> bool {
    now < row.ends_at && now.since(row.seen_at) <= IDLE
}

fn actor(row: &SessionRow) -> Actor {
    Actor {
        who: Who::Person { id: row.account_id, session: row.id },
        account: row.master_id.unwrap_or(row.account_id),
        rights: Rights::from_bits(row.rights),
        scope: Scope::All,
    }
}

/// When the person behind a session last gave their password.
pub(crate) async fn proved_at(tx: &mut Tx, session: SessionId) -> Result<Option<Time>, DbError> {
    sql::proved_at(tx, session).await
}

/// Who an order came from, with the rights they have now; nobody, if that way in was closed meanwhile.
pub(crate) async fn actor_now(
    tx: &mut Tx,
    account: AccountId,
    (person, session, token): (Option<AccountId>, Option<SessionId>, Option<TokenId>),
    now: Time,
) -> Result<Option<Actor>, DbError> {
    let found = match (person, session, token) {
        (_, Some(session), _) => {
            let row = sql::find_session_by_id(tx, session).await?;
            row.filter(|row| alive(row, now)).map(|row| actor(&row))
        }
        (_, None, Some(token)) => sql::find_token_by_id(tx, token).await?.map(|row| tokens::actor(&row)),
        (None, None, None) => Some(Actor::operator(account)),
        // A way in that was neither a session nor a token does not exist.
        (Some(_), None, None) => None,
    };
    Ok(found.filter(|actor| actor.account == account))
}
