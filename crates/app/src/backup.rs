//! Backups and their way back. A restore ends every session and every open command: nothing that was true when the
//! backup was made may open a door now. What was revoked since stays revoked.

use std::path::{Path, PathBuf};

use crate::App;
use crate::accounts::{self, WaysIn};
use crate::bus::Event;
use crate::db::{Db, DbError, Tx};
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::{commands, devices, logins};

/// What a restore did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    pub rows: u64,
    /// Tokens and logins that the backup knows and that were revoked after it was made.
    pub still_revoked: u64,
    /// Passwords that were changed after it was made, and stay as they are now.
    pub passwords_kept: u64,
}

impl App {
    /// Writes all data into a new SQLite file, whichever database they are in; the number of rows. The file appears under
    /// its name once it is complete.
    pub async fn back_up(&self, file: &Path) -> Result<u64> {
        let unfinished = beside(file, ".writing")?;
        remove(&unfinished);
        make_private(&unfinished)?;
        let written = self.db().back_up(&unfinished).await;
        let done = written.map_err(Error::from).and_then(|rows| {
            std::fs::rename(&unfinished, file).map_err(|error| not_written(&error))?;
            Ok(rows)
        });
        remove(&unfinished);
        done
    }

    /// Replaces all data by a backup's, in one transaction. A server that runs meanwhile cuts off every lock and browser,
    /// which come back with what the backup knows of them.
    pub async fn restore(&self, file: &Path) -> Result<Restored> {
        let scratch = beside(file, ".restoring")?;
        remove(&scratch);
        let mut tx = self.write().await?;
        let done = self.restore_in(&mut tx, file, &scratch).await;
        remove(&scratch);
        let restored = done?;
        tx.commit().await?;
        Ok(restored)
    }

    async fn restore_in(&self, tx: &mut Tx, file: &Path, scratch: &Path) -> Result<Restored> {
        let before = WaysIn::of(tx).await?;
        let (revoked, mut touched) = (logins::revoked(tx).await?, all_accounts(tx).await?);
        let rows = Db::restore_into(tx, file, scratch).await.map_err(|error| match error {
            DbError::NotABackup(why) => Error::invalid("file", why),
            other => other.into(),
        })?;
        let (tokens, passwords_kept) = accounts::keep_newer(tx, &before).await?;
        let still_revoked = tokens + logins::keep_revoked(tx, &revoked).await?;
        commands::settle_all(tx, self.now()).await?;
        devices::all_offline(tx).await?;
        touched.extend(all_accounts(tx).await?);
        for account in touched {
            tx.emit(Event::AccessChanged { account });
            tx.emit(Event::DevicesChanged { account });
        }
        tx.emit(Event::DataReplaced);
        Ok(Restored { rows, still_revoked, passwords_kept })
    }
}

async fn all_accounts(tx: &mut Tx) -> Result<Vec<AccountId>> {
    let rows = tx.query("select id from accounts").all::<(AccountId,)>().await?;
    Ok(rows.into_iter().map(|(account,)| account).collect())
}

/// A name beside the file for what is not the file yet.
fn beside(file: &Path, ending: &str) -> Result<PathBuf> {
    let name = file.file_name().ok_or_else(|| Error::invalid("file", "is not a file"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(ending);
    Ok(file.with_file_name(hidden))
}

/// Removes a database file with what SQLite keeps beside it. A leftover log would be taken for the next file's own.
fn remove(file: &Path) {
    for ending in ["", "-wal", "-shm", "-journal"] {
        let mut path = file.as_os_str().to_owned();
        path.push(ending);
        let _ = std::fs::remove_file(path);
    }
}

/// An empty file that only its owner can read: what comes into it are password hashes and the whole log.
fn make_private(file: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map_err(|error| not_written(&error))?;
    Ok(())
}

fn not_written(error: &std::io::Error) -> Error {
    Error::internal(format!("the backup could not be written: {error}"))
}
