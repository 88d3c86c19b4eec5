//! Personal API tokens: shown once, stored hashed, limited to scopes and never above what the person may do now.

use std::time::Duration;

use super::scopes::{self, TokenScope};
use super::sql::{self, TokenRow};
use crate::App;
use crate::actor::{Actor, Rights, Scope, Who};
use crate::bus::Event;
use crate::clock::Time;
use crate::error::{Error, Refusal, Result};
use crate::ids::TokenId;
use crate::secrets::{hash, token};

const MOST_TOKENS: usize = 100;
/// "Last used" is this exact, to spare a write per request.
const SEEN: Duration = Duration::from_mins(1);

pub struct NewToken<'a> {
    pub name: &'a str,
    pub scopes: &'a [TokenScope],
}

/// A token as its holder sees it; the secret was shown when it was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub id: TokenId,
    pub name: String,
    pub scopes: Vec<TokenScope>,
    pub created_at: Time,
    pub used_at: Option<Time>,
}

impl App {
    /// Makes a token; the secret cannot be read again.
    pub async fn create_token(&self, actor: &Actor, new: NewToken<'_>) -> Result<(TokenId, String)> {
        actor.may_hold_account()?;
        let name = new.name.trim();
        if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            return Err(Error::invalid("name", "1 to 64 characters"));
        }
        if new.scopes.is_empty() {
            return Err(Error::invalid("scopes", "choose at least one"));
        }
        let secret = token(self.chance());
        let id = TokenId(self.random_id());
        let (mut tx, actor) = self.write_as(actor).await?;
        let holder = actor.may_hold_account()?;
        if sql::list_tokens(&mut tx, holder.person()).await?.len() >= MOST_TOKENS {
            return Err(Refusal::TooMany("API tokens", MOST_TOKENS).into());
        }
        let scopes = scopes::join(new.scopes);
        sql::insert_token(&mut tx, (id, holder.person()), name, &hash(secret.as_bytes()), scopes, self.now())
            .await?;
        tx.commit().await?;
        Ok((id, secret))
    }

    pub async fn list_tokens(&self, actor: &Actor) -> Result<Vec<Token>> {
        let holder = actor.may_hold_account()?;
        let mut tx = self.read().await?;
        let rows = sql::list_tokens(&mut tx, holder.person()).await?;
        Ok(rows
            .into_iter()
            .map(|row| Token {
                id: row.id,
                name: row.name,
                scopes: scopes::split(&row.scopes),
                created_at: row.created_at,
                used_at: row.used_at,
            })
            .collect())
    }

    /// From the next request on, the token is nobody's.
    pub async fn revoke_token(&self, actor: &Actor, id: TokenId) -> Result<()> {
        let (mut tx, actor) = self.write_as(actor).await?;
        let holder = actor.may_hold_account()?;
        if !sql::revoke_token(&mut tx, holder.person(), id).await? {
            return Err(Error::NotFound);
        }
        tx.emit(Event::AccessChanged { account: actor.account });
        tx.commit().await?;
        Ok(())
    }

    /// Who a token stands for; nobody, once it was revoked.
    pub async fn authenticate_token(&self, secret: &str) -> Result<Option<Actor>> {
        let (given, now, closed) = (hash(secret.as_bytes()), self.now(), self.bus().ways_in_closed());
        if let Some((actor, used_at)) = self.known_tokens().find(&given, closed)
            && now.since(used_at) <= SEEN
        {
            return Ok(Some(actor));
        }
        let mut tx = self.read().await?;
        let Some(row) = sql::find_token(&mut tx, &given).await? else {
            return Ok(None);
        };
        drop(tx);
        let mut used_at = row.used_at;
        if used_at.is_none_or(|at| now.since(at) > SEEN) {
            let mut tx = self.write().await?;
            sql::token_used(&mut tx, row.id, now).await?;
            tx.commit().await?;
            used_at = Some(now);
        }
        let actor = actor(&row);
        self.known_tokens().remember(given, actor.clone(), used_at.unwrap_or(now), closed);
        Ok(Some(actor))
    }
}

pub(super) fn actor(row: &TokenRow) -> Actor {
    Actor {
        who: Who::Token { id: row.account_id, token: row.id },
        account: row.master_id.unwrap_or(row.account_id),
        rights: Rights::from_bits(row.rights).and(scopes::rights(&scopes::split(&row.scopes))),
        scope: Scope::All,
    }
}
