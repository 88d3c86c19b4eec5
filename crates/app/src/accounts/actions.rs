//! Accounts themselves: making one, reading one's own, changing the password.

use super::sign_in::{change_key, email_key};
use super::sql::{self, AccountRow};
use super::{Account, check_email, check_person_name, password};
use crate::App;
use crate::actor::{Actor, Rights, Who};
use crate::bus::Event;
use crate::db::DbError;
use crate::error::{Error, Refusal, Result};
use crate::ids::AccountId;

pub struct NewAccount<'a> {
    pub email: &'a str,
    pub name: &'a str,
    pub password: &'a str,
    /// IANA name; the operator's choice, changed later by the holder.
    pub time_zone: &'a str,
}

impl App {
    /// Makes an account with its owner. Only the machine's operator and the first start can: there is no open sign-up.
    pub async fn create_account(&self, new: NewAccount<'_>) -> Result<AccountId> {
        let row = self.new_account_row(&new).await?;
        let id = row.id;
        let mut tx = self.write().await?;
        insert(&mut tx, &row).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Checks what was given and hashes the password, outside of any transaction.
    pub(super) async fn new_account_row(&self, new: &NewAccount<'_>) -> Result<AccountRow> {
        let email = check_email(new.email).map_err(|why| Error::invalid("email", why))?;
        let name = check_person_name(new.name).map_err(|why| Error::invalid("name", why))?;
        password::check(new.password, &[&email, name]).map_err(|why| Error::invalid("password", why))?;
        let now = self.now();
        Ok(AccountRow {
            id: AccountId(self.chance().number(31)),
            master_id: None,
            email,
            name: name.to_owned(),
            password_hash: self.hash_password(new.password).await?,
            rights: Rights::ALL.bits(),
            language: "en".to_owned(),
            time_zone: new.time_zone.to_owned(),
            created_at: now,
            updated_at: now,
        })
    }

    /// For the command line: the account an e-mail signs in to.
    pub async fn find_account(&self, email: &str) -> Result<Account> {
        let email = check_email(email).map_err(|why| Error::invalid("email", why))?;
        let mut tx = self.read().await?;
        Ok(sql::find_by_email(&mut tx, &email).await?.ok_or(Error::NotFound)?.into())
    }

    pub async fn load_account(&self, actor: &Actor) -> Result<Account> {
        let holder = actor.may_hold_account()?;
        let mut tx = self.read().await?;
        Ok(sql::load(&mut tx, holder.person()).await?.into())
    }

    /// The name and zone to greet somebody with, whatever their rights.
    pub async fn load_profile(&self, actor: &Actor) -> Result<Account> {
        let mut tx = self.read().await?;
        Ok(sql::load(&mut tx, actor.who.person().unwrap_or(actor.account)).await?.into())
    }

    /// Changes the name to be greeted with, and the time zone (an IANA name) in which times are shown.
    pub async fn change_profile(&self, actor: &Actor, name: &str, time_zone: &str) -> Result<()> {
        actor.may_hold_account()?;
        let name = check_person_name(name).map_err(|why| Error::invalid("name", why))?;
        if jiff::tz::TimeZone::get(time_zone).is_err() {
            return Err(Error::invalid("time zone", "choose one from the list"));
        }
        let (mut tx, actor) = self.write_as(actor).await?;
        let holder = actor.may_hold_account()?;
        sql::set_profile(&mut tx, holder.person(), name, time_zone, self.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Changes the password, which takes the present one, and ends every other session and token of this sign-in.
    pub async fn change_password(&self, actor: &Actor, present: &str, new: &str) -> Result<()> {
        let holder = actor.may_hold_account()?;
        let mut tx = self.read().await?;
        let account = sql::load(&mut tx, holder.person()).await?;
        drop(tx);
        self.verify_within_limits(&account, present).await?;
        password::check(new, &[&account.email, &account.name])
            .map_err(|why| Error::invalid("new password", why))?;
        let hash = self.hash_password(new).await?;
        let keep = match actor.who {
            Who::Person { session, .. } => Some(session),
            _ => None,
        };
        let (mut tx, actor) = self.write_as(actor).await?;
        actor.may_hold_account()?;
        sql::set_password(&mut tx, account.id, hash, self.now()).await?;
        sql::end_other_sessions(&mut tx, account.id, keep).await?;
        sql::revoke_all_tokens(&mut tx, account.id).await?;
        sql::forget_browsers(&mut tx, account.id).await?;
        tx.emit(Event::AccessChanged { account: actor.account });
        tx.commit().await?;
        Ok(())
    }

    /// The person behind a session gives their password once more. Wrong ones count as they do at a change of password.
    pub async fn prove_again(&self, actor: &Actor, password: &str) -> Result<()> {
        let holder = actor.who.person().ok_or(Error::NotFound)?;
        let mut tx = self.read().await?;
        let account = sql::load(&mut tx, holder).await?;
        drop(tx);
        self.verify_within_limits(&account, password).await?;
        let (mut tx, actor) = self.write_as(actor).await?;
        if let Who::Person { session, .. } = actor.who {
            sql::session_proved(&mut tx, session, self.now()).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// For the operator: a new password for somebody who lost theirs. Ends every session and token of the sign-in.
    pub async fn reset_password(&self, email: &str, new: &str) -> Result<()> {
        let account = self.find_account(email).await?;
        password::check(new, &[&account.email, &account.name])
            .map_err(|why| Error::invalid("password", why))?;
        let hash = self.hash_password(new).await?;
        let mut tx = self.write().await?;
        sql::set_password(&mut tx, account.id, hash, self.now()).await?;
        sql::end_other_sessions(&mut tx, account.id, None).await?;
        sql::revoke_all_tokens(&mut tx, account.id).await?;
        sql::forget_browsers(&mut tx, account.id).await?;
        for key in [email_key(&account.email), change_key(account.id)] {
            sql::forget_failures(&mut tx, &key).await?;
        }
        tx.emit(Event::AccessChanged { account: account.master.unwrap_or(account.id) });
        tx.commit().await?;
        Ok(())
    }

    pub(super) async fn hash_password(&self, password: &str) -> Result<String> {
        let _turn = self.hashing().acquire().await.map_err(Error::internal)?;
        let password = password.to_owned();
        tokio::task::spawn_blocking(move || password::hash(&password))
            .await
            .map_err(Error::internal)?
            .ok_or_else(|| Error::internal("the password could not be hashed"))
    }
}

pub(super) async fn insert(tx: &mut crate::db::Tx, row: &AccountRow) -> Result<()> {
    match sql::insert(tx, row).await {
        Err(DbError::Unique(_)) => Err(Refusal::EmailTaken.into()),
        other => Ok(other?),
    }
}
