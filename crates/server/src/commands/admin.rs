//! Accounts and tokens from the command line, whether or not the server runs.

use std::io::Write as _;

use lockwarden_app::App;
use lockwarden_app::accounts::{NewAccount, NewToken, TokenScope};
use lockwarden_app::actor::Actor;

use crate::cli::{AccountCommand, TokenCommand};
use crate::exit::{CommandError, Exit, Result};
use crate::home::{close, make_or_open, open_beside, read_password, settings_of};

pub async fn account(command: AccountCommand) -> Result<()> {
    match command {
        AccountCommand::Create { at, email, name, password_stdin: _ } => {
            let settings = settings_of(&at.data_dir)?;
            let app = make_or_open(&settings).await?;
            let password = read_password()?;
            let zone = time_zone();
            let new = NewAccount { email: &email, name: &name, password: &password, time_zone: &zone };
            let id = app.create_account(new).await?;
            close(app, &settings).await?;
            tell(&format!("account {id} for {email} is ready"));
        }
        AccountCommand::Password { at, email, password_stdin: _ } => {
            let settings = settings_of(&at.data_dir)?;
            let app = open_beside(&settings).await?;
            actor_of(&app, &email).await?;
            app.reset_password(&email, &read_password()?).await?;
            close(app, &settings).await?;
            tell(&format!("new password set for {email}; every session and token of it has ended"));
        }
    }
    Ok(())
}

pub async fn token(command: TokenCommand) -> Result<()> {
    let TokenCommand::Create { at, email, name } = command;
    let settings = settings_of(&at.data_dir)?;
    let app = open_beside(&settings).await?;
    let actor = actor_of(&app, &email).await?;
    let (_, secret) = app.create_token(&actor, NewToken { name: &name, scopes: TokenScope::ALL }).await?;
    print_line(&secret)?;
    close(app, &settings).await
}

/// The operator acts for the account an e-mail signs in to, with all its rights.
pub async fn actor_of(app: &App, email: &str) -> Result<Actor> {
    let account = app.find_account(email).await.map_err(|error| match error {
        lockwarden_app::Error::NotFound => {
            CommandError::new(Exit::NotFound, format!("no account signs in as {email}"))
        }
        other => other.into(),
    })?;
    Ok(Actor::operator(account.master.unwrap_or(account.id)))
}

/// The zone of this machine, for people who have not chosen one.
pub fn time_zone() -> String {
    jiff::tz::TimeZone::system().iana_name().unwrap_or("UTC").to_owned()
}

pub fn tell(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

/// Data for scripts: one line on standard output, flushed.
pub fn print_line(line: &str) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| CommandError::failed("cannot print", error))
}
