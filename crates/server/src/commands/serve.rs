//! `lockwarden serve`.

use crate::commands::admin::tell;
use crate::exit::{CommandError, Exit, Result};
use crate::server::{Server, Sources, asked_to_stop, url_for_people};
use crate::settings::Settings;

pub async fn serve(settings: &Settings) -> Result<()> {
    let mut server = Server::start(settings, Sources::system()).await?;
    let asked = asked_to_stop();
    let url = url_for_people(settings, server.running.http);
    tracing::info!(url, mqtt = %server.running.mqtt, "serving");
    if let Some(secret) = server.app.create_set_up_link().await? {
        tell(&format!(
            "\nNo account exists yet. Make the first one here, once, within 24 hours:\n\n  {url}/set-up/{secret}\n"
        ));
    }
    let displaced = tokio::select! {
        () = asked => false,
        () = server.displaced() => true,
    };
    tracing::info!("stopping");
    server.stop().await;
    if displaced {
        let words = "PostgreSQL let go of this server’s claim to the database, and another may have it now: two would \
                     send orders past each other. Start it again";
        return Err(CommandError::new(Exit::Failed, words));
    }
    Ok(())
}
