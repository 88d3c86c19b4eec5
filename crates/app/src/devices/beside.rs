//! What reports bring beside the state: names, facts, troubles, settings, each in a table of its own.

use super::Connector;
use super::identity;
use super::names;
use super::record::Batch;
use super::report::{Observation, Report};
use crate::bus::Event;
use crate::db::Tx;
use crate::error::Result;
use crate::settings;
use crate::ways::{self, Fact, Trouble};

/// What is no part of the state and has tables of its own. False if it is none of that.
pub(super) async fn keep_beside(
    tx: &mut Tx,
    work: &mut Batch,
    report: &Report,
    seen: &Observation,
) -> Result<bool> {
    let (device, at) = (report.device, report.received_at);
    let is_news = match seen {
        Observation::Facts(facts) => return take_facts(tx, work, report, facts).await.map(|()| true),
        Observation::RingToOpen(seconds) => ways::set_ring_to_open(tx, device, *seconds, at).await?,
        Observation::Names(list) => {
            if let Some(known) = work.known_mut(device) {
                known.dirty |= !std::mem::replace(&mut known.state.has_names, true);
            }
            if !work.names.told(tx, device, (list, at)).await? {
                return Ok(true);
            }
            let counted = names::counted(tx, device).await?;
            ways::set_facts(tx, device, &counted, at).await?
        }
        Observation::Trouble(..) if !work.has_way(report) => return Ok(true),
        Observation::Trouble(trouble, detail) => {
            let is_news =
                ways::note_trouble(tx, device, report.by, (*trouble, detail.as_deref()), at).await?;
            if is_news && *trouble == Trouble::OutOfReach && detail.is_some() {
                work.lost(report);
            }
            is_news
        }
        Observation::Whole(topic) => ways::came_whole(tx, device, report.by, topic).await?,
        Observation::Settings(told) => settings::told(tx, device, told, at).await?,
        Observation::SettingsAnswer(each, all) => settings::answered(tx, device, (each, all), at).await?,
        Observation::Link { up: false } if report.by != Connector::NukiMqtt => {
            // What a hub or a bridge reaches, only one that is there knows.
            ways::note_trouble(tx, device, report.by, (Trouble::OutOfReach, None), at).await?;
            return Ok(false);
        }
        _ => return Ok(false),
    };
    if is_news {
        work.changed(tx, device);
    }
    Ok(true)
}

async fn take_facts(tx: &mut Tx, work: &Batch, report: &Report, facts: &[(Fact, String)]) -> Result<()> {
    // What it calls itself in its own topics is better known.
    let has_own = work.known.get(&report.device).is_some_and(|known| known.state.own_name.is_some());
    if let Some((_, name)) = facts.iter().find(|(fact, _)| *fact == Fact::AnnouncedName && !has_own) {
        calls_itself(tx, work, report, name).await?;
    }
    if ways::set_facts(tx, report.device, facts, report.received_at).await? {
        work.changed(tx, report.device);
    }
    Ok(())
}

/// Without a name that a person gave it, a device is called what it calls itself.
pub(super) async fn calls_itself(tx: &mut Tx, work: &Batch, report: &Report, name: &str) -> Result<()> {
    let Some(known) = work.known.get(&report.device) else {
        return Ok(());
    };
    if identity::calls_itself(tx, report.device, name, report.received_at).await? {
        tx.emit(Event::DevicesChanged { account: known.account });
        work.changed(tx, report.device);
    }
    Ok(())
}
