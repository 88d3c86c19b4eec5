//! Who signs in, and how: accounts, passwords, sessions, personal API tokens, the first start.

mod actions;
mod known_tokens;
mod limits;
mod password;
mod preferences;
mod scopes;
mod sessions;
mod set_up;
mod sign_in;
mod sql;
mod tokens;
mod ways_in;

pub use actions::NewAccount;
pub(crate) use known_tokens::KnownTokens;
pub use password::MIN_PASSWORD;
pub use preferences::Preference;
pub use scopes::TokenScope;
pub use sessions::{Authenticated, Session};
pub(crate) use sessions::{actor_now, proved_at};
pub use sign_in::{SignIn, SignedIn};
pub use tokens::{NewToken, Token};
pub(crate) use ways_in::{WaysIn, keep_newer};

use crate::clock::Time;
use crate::ids::AccountId;

/// A sign-in as its holder sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub id: AccountId,
    /// The account it belongs to: itself, for an owner.
    pub master: Option<AccountId>,
    pub email: String,
    pub name: String,
    pub language: String,
    /// IANA name, for example `Europe/Vienna`.
    pub time_zone: String,
    pub created_at: Time,
    pub updated_at: Time,
}

/// What is wrong with a person's name, if anything.
fn check_person_name(name: &str) -> Result<&str, &'static str> {
    let name = name.trim();
    if name.is_empty() {
        return Err("give a name");
    }
    if name.chars().count() > 100 {
        return Err("at most 100 characters");
    }
    if name.chars().any(char::is_control) {
        return Err("no line breaks or control characters");
    }
    Ok(name)
}

/// One `@` with something on both sides and no spaces: whether it arrives, only a mail can tell. Compared in lower case.
fn check_email(email: &str) -> Result<String, &'static str> {
    let email = email.trim();
    let shaped = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !domain.starts_with('.')
    });
    if !shaped || email.len() > 254 || email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("this does not look like an e-mail address");
    }
    Ok(email.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::check_email;

    #[test]
    fn an_address_is_kept_in_lower_case_and_nonsense_is_refused() {
        assert_eq!(check_email(" Anna@Example.ORG "), Ok("anna@example.org".to_owned()));
        for wrong in ["", "anna", "@example.org", "anna@", "a b@c.d", "a@b@c", "a@.d", "a\n@b.c"] {
            assert!(check_email(wrong).is_err(), "{wrong}");
        }
    }
}
