//! The first start: as long as nobody can sign in, a one-time link lets whoever reads the server's own output make the
//! first account. There is no default account.

use std::time::Duration;

use super::actions::{NewAccount, insert};
use super::sql;
use crate::App;
use crate::error::{Refusal, Result};
use crate::ids::AccountId;
use crate::secrets::{hash, token};

/// A link works this long, and only until it is used or the server starts again.
const LIFETIME: Duration = Duration::from_hours(24);

impl App {
    /// Whether nobody can sign in yet, because there is no account.
    pub async fn needs_set_up(&self) -> Result<bool> {
        let mut tx = self.read().await?;
        Ok(!sql::any(&mut tx).await?)
    }

    /// The secret part of a new set-up link, if no account exists. Links made before stop working.
    pub async fn create_set_up_link(&self) -> Result<Option<String>> {
        let mut tx = self.write().await?;
        if sql::any(&mut tx).await? {
            return Ok(None);
        }
        let secret = token(self.chance());
        sql::replace_set_up_link(&mut tx, &hash(secret.as_bytes()), self.now().plus(LIFETIME)).await?;
        tx.commit().await?;
        Ok(Some(secret))
    }

    pub async fn set_up_link_works(&self, secret: &str) -> Result<bool> {
        let mut tx = self.read().await?;
        Ok(!sql::any(&mut tx).await?
            && sql::set_up_link_valid(&mut tx, &hash(secret.as_bytes()), self.now()).await?)
    }

    /// Makes the first account. Of several who try with the same link, one does.
    pub async fn complete_set_up(&self, secret: &str, new: NewAccount<'_>) -> Result<AccountId> {
        if !self.set_up_link_works(secret).await? {
            return Err(Refusal::SetUpLinkUsed.into());
        }
        let row = self.new_account_row(&new).await?;
        let mut tx = self.write().await?;
        let valid = sql::set_up_link_valid(&mut tx, &hash(secret.as_bytes()), self.now()).await?;
        if !valid || sql::forget_set_up_links(&mut tx).await? == 0 || sql::any(&mut tx).await? {
            return Err(Refusal::SetUpLinkUsed.into());
        }
        insert(&mut tx, &row).await?;
        tx.commit().await?;
        Ok(row.id)
    }
}
