//! Signing in with e-mail and password. An attempt is counted before the password is looked at, so that neither many
//! at once nor a crash gives more guesses. Answers are the same, and as slow, whether or not the e-mail is known.

use std::time::Duration;

use super::password::{self, Verified};
use super::sql::{self, AccountRow, Failures, NewSession};
use super::{check_email, sessions};
use crate::App;
use crate::address::place_of;
use crate::clock::Time;
use crate::error::{Error, Refusal, Result};
use crate::ids::{AccountId, SessionId};
use crate::secrets::{hash, hex, token};

/// Wrong passwords in a row without a delay.
const FREE: i64 = 5;
/// Wrong passwords in a row until only a known browser or the operator helps (NIST SP 800-63B-4, 3.2.2: at most 100).
const LAST: i64 = 50;
/// Wrong passwords per address within [`ADDRESS_MEMORY`] before it has to wait.
const FREE_PER_ADDRESS: i64 = 20;
const ADDRESS_MEMORY: Duration = Duration::from_hours(1);
const FIRST_DELAY: Duration = Duration::from_secs(30);
const LONGEST_DELAY: Duration = Duration::from_hours(1);

pub struct SignIn<'a> {
    pub email: &'a str,
    pub password: &'a str,
    /// The secret of a browser that signed in before.
    pub browser: Option<&'a str>,
    pub address: &'a str,
    pub user_agent: &'a str,
}

pub struct SignedIn {
    pub account: AccountId,
    pub session: SessionId,
    /// The session's secret, for a cookie.
    pub token: String,
    /// The browser's secret, for a cookie that outlives the session.
    pub browser: String,
}

pub(super) fn email_key(email: &str) -> String {
    format!("email:{}", hex(&hash(email.as_bytes())))
}

/// Whoever is signed in has a count of their own: strangers who guess at the e-mail cannot keep them from changing it.
pub(super) fn change_key(account: AccountId) -> String {
    format!("change:{account}")
}

fn address_key(address: &str) -> String {
    match address.parse() {
        Ok(address) => format!("address:{}", place_of(address)),
        Err(_) => format!("address:{address}"),
    }
}

/// How long to wait after this many failures.
fn delay(failures: i64, free: i64) -> Duration {
    let over = failures - free;
    if over < 0 {
        return Duration::ZERO;
    }
    FIRST_DELAY.saturating_mul(1_u32 << over.min(10)).min(LONGEST_DELAY)
}

fn wait_left(failures: Failures, free: i64, now: Time) -> Option<Refusal> {
    let delay = delay(failures.failures, free);
    // A clock that was set back must not make anybody wait for longer than was meant.
    let left = failures.failed_at?.plus(delay).since(now).min(delay);
    (!left.is_zero()).then(|| Refusal::WaitBeforeSignIn(left.as_secs().max(1)))
}

impl App {
    pub async fn sign_in(&self, with: SignIn<'_>) -> Result<SignedIn> {
        // A text that is no address cannot have an account; it is counted and answered like any other wrong one.
        let email = check_email(with.email)
            .unwrap_or_else(|_| with.email.chars().filter(|c| !c.is_control()).take(254).collect());
        let browser = with.browser.map(|secret| hash(secret.as_bytes()));
        let mut tx = self.write().await?;
        let account = sql::find_by_email(&mut tx, &email).await?;
        let known = match (&account, &browser) {
            (Some(account), Some(browser)) => sql::browser_failures(&mut tx, browser, account.id).await?,
            _ => None,
        };
        match (known, &account, &browser) {
            (Some(failures), Some(account), Some(browser)) if failures < LAST => {
                sql::know_browser(&mut tx, browser, account.id, failures + 1, self.now()).await?;
            }
            _ => self.count_attempt(&mut tx, &email, with.address).await?,
        }
        tx.commit().await?;

        let verified = self.verify(account.as_ref(), with.password).await?;
        let (Some(account), Verified::Right | Verified::RightButOld) = (account, &verified) else {
            return Err(Refusal::WrongPassword.into());
        };
        let renewed = match verified {
            Verified::RightButOld => Some(self.hash_password(with.password).await?),
            _ => None,
        };
        self.begin_session(&account, &with, known.is_some(), renewed).await
    }

    /// Counts the attempt as failed before it is known whether it is, or refuses to look at it at all.
    async fn count_attempt(&self, tx: &mut crate::db::Tx, email: &str, address: &str) -> Result<()> {
        let now = self.now();
        let key = email_key(email);
        let failures = sql::failures(tx, &key).await?;
        if failures.failures >= LAST {
            return Err(Refusal::PasswordLocked.into());
        }
        if let Some(wait) = wait_left(failures, FREE, now) {
            return Err(wait.into());
        }
        let place = address_key(address);
        let mut from_there = sql::failures(tx, &place).await?;
        if from_there.failed_at.is_some_and(|at| now.since(at) > ADDRESS_MEMORY) {
            from_there = Failures::default();
        }
        if let Some(wait) = wait_left(from_there, FREE_PER_ADDRESS, now) {
            return Err(wait.into());
        }
        sql::failed(tx, &key, failures.failures + 1, now).await?;
        sql::failed(tx, &place, from_there.failures + 1, now).await?;
        Ok(())
    }

    async fn verify(&self, account: Option<&AccountRow>, given: &str) -> Result<Verified> {
        let _turn = self.hashing().acquire().await.map_err(Error::internal)?;
        let stored = account.map(|account| account.password_hash.clone()).unwrap_or_default();
        let given = given.to_owned();
        tokio::task::spawn_blocking(move || password::verify(&given, &stored)).await.map_err(Error::internal)
    }

    /// Checks the present password of somebody who is signed in, with the same limit on guesses.
    pub(super) async fn verify_within_limits(&self, account: &AccountRow, given: &str) -> Result<()> {
        let key = change_key(account.id);
        let mut tx = self.write().await?;
        let failures = sql::failures(&mut tx, &key).await?;
        if failures.failures >= LAST {
            return Err(Refusal::PasswordLocked.into());
        }
        if let Some(wait) = wait_left(failures, FREE, self.now()) {
            return Err(wait.into());
        }
        sql::failed(&mut tx, &key, failures.failures + 1, self.now()).await?;
        tx.commit().await?;
        if matches!(self.verify(Some(account), given).await?, Verified::Wrong) {
            return Err(Refusal::WrongPassword.into());
        }
        let mut tx = self.write().await?;
        sql::forget_failures(&mut tx, &key).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn begin_session(
        &self,
        account: &AccountRow,
        with: &SignIn<'_>,
        known_browser: bool,
        renewed: Option<String>,
    ) -> Result<SignedIn> {
        let now = self.now();
        let secret = token(self.chance());
        let browser = match with.browser {
            Some(browser) if known_browser => browser.to_owned(),
            _ => token(self.chance()),
        };
        let session = SessionId(self.random_id());
        let user_agent: String = with.user_agent.chars().filter(|c| !c.is_control()).take(300).collect();
        let mut tx = self.write().await?;
        if sql::load(&mut tx, account.id).await?.password_hash != account.password_hash {
            // It was changed after it had been looked at, and that ended every session.
            return Err(Refusal::WrongPassword.into());
        }
        if !known_browser {
            // A known browser proves nothing about the guesser elsewhere, whose count goes on.
            sql::forget_failures(&mut tx, &email_key(&account.email)).await?;
            sql::one_less(&mut tx, &address_key(with.address)).await?;
        }
        sql::know_browser(&mut tx, &hash(browser.as_bytes()), account.id, 0, now).await?;
        if let Some(hash) = renewed {
            sql::renew_hash(&mut tx, account.id, &account.password_hash, hash).await?;
        }
        let new = NewSession {
            id: session,
            account: account.id,
            token_hash: &hash(secret.as_bytes()),
            now,
            ends_at: now.plus(sessions::LONGEST),
            address: with.address,
            user_agent: &user_agent,
        };
        sql::insert_session(&mut tx, new).await?;
        tx.commit().await?;
        Ok(SignedIn { account: account.id, session, token: secret, browser })
    }

    /// Forgets counts that nobody needs any more. A locked password stays locked.
    pub async fn forget_old_sign_ins(&self) -> Result<()> {
        let now = self.now();
        let mut tx = self.write().await?;
        sql::forget_old_failures(&mut tx, now.minus(Duration::from_hours(720)), LAST).await?;
        sql::forget_ended_sessions(&mut tx, now, now.minus(sessions::IDLE)).await?;
        tx.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_counts_as_one_address_and_a_mapped_one_as_what_it_maps() {
        assert_eq!(address_key("2001:db8:1:2:3:4:5:6"), address_key("2001:db8:1:2::1"));
        assert_ne!(address_key("2001:db8:1:2::1"), address_key("2001:db8:1:3::1"));
        assert_eq!(address_key("::ffff:192.0.2.1"), address_key("192.0.2.1"));
    }

    #[test]
    fn delays_grow_to_an_hour_and_no_further() {
        assert_eq!(delay(4, FREE), Duration::ZERO);
        assert_eq!(delay(5, FREE), FIRST_DELAY);
        assert_eq!(delay(6, FREE), Duration::from_mins(1));
        assert_eq!(delay(40, FREE), LONGEST_DELAY);
    }
}
