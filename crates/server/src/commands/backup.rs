//! `lockwarden backup` and `restore`.

use crate::cli::{BackupArgs, RestoreArgs};
use crate::commands::admin::tell;
use crate::exit::{CommandError, Exit, Result};
use crate::home::{close, make_or_open, open_beside, settings_of};

pub async fn backup(args: BackupArgs) -> Result<()> {
    if args.file.exists() {
        let words = format!("{} exists; a backup never overwrites a file", args.file.display());
        return Err(CommandError::new(Exit::Refused, words));
    }
    let place = args.file.parent().filter(|place| !place.as_os_str().is_empty());
    if let Some(missing) = place.filter(|place| !place.is_dir()) {
        let words = format!("{} is not a directory that exists", missing.display());
        return Err(CommandError::new(Exit::NotFound, words));
    }
    let settings = settings_of(&args.at.data_dir)?;
    let app = open_beside(&settings).await?;
    let rows = app.back_up(&args.file).await?;
    app.db().close().await;
    tell(&format!("{rows} rows in {}", args.file.display()));
    Ok(())
}

pub async fn restore(args: RestoreArgs) -> Result<()> {
    if !args.file.is_file() {
        return Err(CommandError::new(Exit::NotFound, format!("{} is not a file", args.file.display())));
    }
    let settings = settings_of(&args.at.data_dir)?;
    let app = make_or_open(&settings).await?;
    let restored = app.restore(&args.file).await?;
    close(app, &settings).await?;
    tell(&format!("{} rows restored; everybody has to sign in again, and no command is open", restored.rows));
    if restored.still_revoked > 0 {
        tell(&format!("{} tokens and logins stay revoked, as they were before", restored.still_revoked));
    }
    if restored.passwords_kept > 0 {
        tell(&format!("{} passwords that are newer than the backup stay", restored.passwords_kept));
    }
    Ok(())
}
