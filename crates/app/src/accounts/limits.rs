//! What the account chose for all its devices.

use crate::App;
use crate::actor::Actor;
use crate::bus::Event;
use crate::devices::LeftOpen;
use crate::error::Result;

impl App {
    /// From when on an open door counts as left open, for whoever may change it.
    pub async fn load_left_open(&self, actor: &Actor) -> Result<LeftOpen> {
        actor.may_set_for_all_devices()?;
        let mut tx = self.read().await?;
        let query = tx.query("select left_open_minutes from accounts where id = $1");
        Ok(LeftOpen::from_stored(query.bind(actor.account).value().await?))
    }

    /// Holds at once for every door of the account, also for those that stand open now.
    pub async fn set_left_open(&self, actor: &Actor, limit: LeftOpen) -> Result<()> {
        let (mut tx, actor) = self.write_as(actor).await?;
        actor.may_set_for_all_devices()?;
        tx.query("update accounts set left_open_minutes = $2, updated_at = $3 where id = $1")
            .bind(actor.account)
            .bind(limit.stored())
            .bind(self.now())
            .run()
            .await?;
        tx.emit(Event::AccountSet { account: actor.account });
        tx.commit().await?;
        Ok(())
    }
}
