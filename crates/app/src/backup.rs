//! Backups and their way back. A restore ends every session and every open command: nothing that was true when the
//! backup was made may open a door now.

use std::path::Path;

use crate::App;
use crate::bus::Event;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::ids::{AccountId, DeviceId};

impl App {
    /// Writes all data into a new SQLite file, whichever database they are in; the number of rows.
    pub async fn back_up(&self, file: &Path) -> Result<u64> {
        Ok(self.db().back_up(file).await?)
    }

    /// Replaces all data by a backup's. A server that runs meanwhile cuts off every lock and browser, which come back
    /// with what the backup knows of them.
    pub async fn restore(&self, file: &Path) -> Result<u64> {
        let scratch = scratch_beside(file)?;
        let mut tx = self.write().await?;
        let restored = Db::restore_into(&mut tx, file, &scratch).await;
        for leftover in ["", "-wal", "-shm"] {
            let mut path = scratch.clone().into_os_string();
            path.push(leftover);
            // A scratch file that stays behind does no harm.
            let _ = std::fs::remove_file(path);
        }
        let rows = restored?;
        let accounts = tx.query("select id from accounts").all::<(AccountId,)>().await?;
        for (account,) in accounts {
            tx.emit(Event::AccessChanged { account });
            tx.emit(Event::DevicesChanged { account });
        }
        let devices = tx.query("select account_id, id from devices").all::<(AccountId, DeviceId)>().await?;
        for (account, device) in devices {
            tx.emit(Event::LoginChanged { account, device });
        }
        tx.commit().await?;
        self.settle_after_restart().await?;
        self.forget_connections().await?;
        Ok(rows)
    }
}

/// A name for the copy that an older backup is brought up to date in.
fn scratch_beside(file: &Path) -> Result<std::path::PathBuf> {
    let name = file.file_name().ok_or_else(|| Error::invalid("file", "is not a file"))?;
    let mut scratch = std::ffi::OsString::from(".");
    scratch.push(name);
    scratch.push(".restoring");
    Ok(file.with_file_name(scratch))
}
