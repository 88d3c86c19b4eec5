//! What a person chose to see, and how. It is nobody else's and needs no right.

use crate::App;
use crate::actor::Actor;
use crate::error::{Error, Result};

/// Characters of a choice at most.
const LONGEST: usize = 500;

/// What can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference {
    /// How the list of devices is ordered and drawn, as its address says it.
    DeviceList,
}

impl Preference {
    fn name(self) -> &'static str {
        match self {
            Self::DeviceList => "device-list",
        }
    }
}

impl App {
    /// What the actor's person chose, if they did.
    pub async fn preference(&self, actor: &Actor, which: Preference) -> Result<Option<String>> {
        let Some(person) = actor.who.person() else {
            return Ok(None);
        };
        let mut tx = self.read().await?;
        let query = tx.query("select value from preferences where person_id = $1 and name = $2");
        Ok(query.bind(person).bind(which.name()).find_value().await?)
    }

    pub async fn set_preference(&self, actor: &Actor, which: Preference, value: &str) -> Result<()> {
        if value.chars().count() > LONGEST {
            return Err(Error::invalid("value", format!("at most {LONGEST} characters")));
        }
        let (mut tx, actor) = self.write_as(actor).await?;
        let Some(person) = actor.who.person() else {
            return Ok(());
        };
        tx.query(
            "insert into preferences (person_id, name, value) values ($1, $2, $3) \
             on conflict (person_id, name) do update set value = excluded.value",
        )
        .bind(person)
        .bind(which.name())
        .bind(value.to_owned())
        .run()
        .await?;
        tx.commit().await?;
        Ok(())
    }
}
