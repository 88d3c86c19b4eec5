//! The work list, and its number.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{
    Ailment, Attention, Detail, MOST_LISTED, Patient, SOON_LOW, WEAK_SIGNAL, Ward, WhyOffline, detail_of, sql,
};
use crate::App;
use crate::actor::Actor;
use crate::bridges;
use crate::clock::Steady;
use crate::devices::list::{Filter, ListQuery, Place};
use crate::devices::{self, Connector, Device, Problem};
use crate::error::Result;
use crate::history::forecast::LOW;
use crate::ids::{AccountId, DeviceId};
use crate::ways::{self, Trouble};

/// How long the number beside the navigation may be behind in what only the database tells.
const REMEMBERED: Duration = Duration::from_secs(30);

/// What the database tells beside the devices' own states, by account, for as long as it is remembered.
#[derive(Default)]
pub(crate) struct Known(Mutex<HashMap<AccountId, (Steady, Arc<Found>)>>);

#[derive(Default)]
struct Found {
    ailing: Vec<(Ailment, DeviceId, Detail)>,
    /// Those that somebody is called for.
    calling: HashSet<DeviceId>,
    unusable_bridges: usize,
}

impl App {
    /// How many devices and bridges need somebody, soon at the latest.
    pub async fn count_attention(&self, actor: &Actor) -> Result<usize> {
        actor.may_list_devices()?;
        let found = self.found(actor.account).await?;
        let bridges = if actor.may_add_devices().is_ok() { found.unusable_bridges } else { 0 };
        Ok(self.count_ailing(actor, &found.calling).await? + bridges)
    }

    /// What needs somebody, of the devices in the actor's scope: of all, or of those in this place.
    pub async fn load_attention(&self, actor: &Actor, place: Option<Place>) -> Result<Attention> {
        actor.may_list_devices()?;
        let found = self.find(actor.account).await?;
        let filter = Filter { place, ..Filter::default() };
        let ailing = self.list_ailing(actor, &filter, MOST_LISTED).await?;
        let query = ListQuery { filter, ..ListQuery::default() };
        let here: Option<HashSet<DeviceId>> = match place {
            Some(_) => Some(self.list_matching(actor, &query).await?.into_iter().collect()),
            None => None,
        };
        let mut wards: HashMap<Ailment, (usize, Vec<(DeviceId, Detail)>)> = HashMap::new();
        for (problem, count, devices) in ailing.problems {
            let listed = devices.into_iter().map(|device| (device, Detail::Nothing)).collect();
            wards.insert(Ailment::Problem(problem), (count, listed));
        }
        let old =
            ailing.old.into_iter().map(|(device, newest)| (device, Detail::Firmware(String::new(), newest)));
        if ailing.old_count > 0 {
            wards.insert(Ailment::OldFirmware, (ailing.old_count, old.collect()));
        }
        for (ailment, device, detail) in &found.ailing {
            if !actor.scope.contains(*device) || here.as_ref().is_some_and(|here| !here.contains(device)) {
                continue;
            }
            let (count, listed) = wards.entry(*ailment).or_default();
            *count += 1;
            if listed.len() < MOST_LISTED {
                listed.push((*device, detail.clone()));
            }
        }
        let mut attention = self.fill(actor, wards).await?;
        // A bridge is in no group.
        if place.is_none() {
            attention.bridges = self.list_unusable_bridges(actor).await?;
        }
        Ok(attention)
    }

    /// Loads the devices that are listed, and what is to be said of each.
    async fn fill(
        &self,
        actor: &Actor,
        mut wards: HashMap<Ailment, (usize, Vec<(DeviceId, Detail)>)>,
    ) -> Result<Attention> {
        let mut ids: Vec<DeviceId> =
            wards.values().flat_map(|(_, listed)| listed.iter().map(|(device, _)| *device)).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut tx = self.read().await?;
        let loaded = devices::some(&mut tx, actor.account, &ids).await?;
        let devices: HashMap<DeviceId, Device> = loaded.into_iter().map(|one| (one.id, one)).collect();
        let away: Vec<DeviceId> =
            devices.values().filter(|device| !device.link.online).map(|device| device.id).collect();
        let ways = ways::load_of_each(&mut tx, &away).await?;
        drop(tx);
        let detail = |ailment: Ailment, device: &Device, detail: Detail| match (ailment, detail) {
            (Ailment::Problem(Problem::Offline), _) => {
                let ways = ways.get(&device.id).map(Vec::as_slice).unwrap_or_default();
                Detail::Offline(device.link.changed_at, WhyOffline::of(device, ways))
            }
            (Ailment::Problem(problem), _) => detail_of(problem, device),
            (_, Detail::Firmware(_, newest)) => {
                Detail::Firmware(device.said.firmware.clone().unwrap_or_default(), newest)
            }
            (_, other) => other,
        };
        let mut attention = Attention::default();
        for ailment in Ailment::all() {
            let Some((count, listed)) = wards.remove(&ailment) else { continue };
            let patients = listed.into_iter().filter_map(|(id, said)| {
                let device = devices.get(&id)?;
                Some(Patient { detail: detail(ailment, device, said), device: device.clone() })
            });
            attention.wards.push(Ward { ailment, count, patients: patients.collect() });
        }
        Ok(attention)
    }

    async fn found(&self, account: AccountId) -> Result<Arc<Found>> {
        let now = self.clock().steady();
        let kept = self.ailments().0.lock().unwrap_or_else(PoisonError::into_inner).get(&account).cloned();
        match kept {
            Some((at, found)) if now.since(at) < REMEMBERED => Ok(found),
            _ => self.find(account).await,
        }
    }

    async fn find(&self, account: AccountId) -> Result<Arc<Found>> {
        let mut tx = self.read().await?;
        let mut ailing = Vec::new();
        for (device, connector, trouble, detail) in sql::troubles(&mut tx, account).await? {
            // What a later version noted is not ours to word.
            let Some((connector, trouble)) =
                Connector::from_name(&connector).zip(Trouble::from_name(&trouble))
            else {
                continue;
            };
            ailing.push((Ailment::Trouble(trouble), device, Detail::Way(connector, detail)));
        }
        for (device, setting, why) in sql::refused(&mut tx, account).await? {
            ailing.push((Ailment::SettingRefused, device, Detail::Setting(setting, why)));
        }
        let by = self.now().plus(SOON_LOW);
        for (device, low, earliest) in sql::soon_low(&mut tx, account, by, i64::from(LOW)).await? {
            ailing.push((Ailment::BatterySoonLow, device, Detail::LowAt(low, earliest)));
        }
        for (device, signal) in sql::weak(&mut tx, account).await? {
            if let Some(signal) = signal.parse().ok().filter(|signal| *signal < WEAK_SIGNAL) {
                ailing.push((Ailment::WeakSignal, device, Detail::Signal(signal)));
            }
        }
        let unusable_bridges = bridges::unusable(&mut tx, account).await?.len();
        drop(tx);
        let calling = ailing.iter().filter(|(ailment, ..)| ailment.calls_somebody());
        let calling = calling.map(|(_, device, _)| *device).collect();
        let found = Arc::new(Found { ailing, calling, unusable_bridges });
        let now = self.clock().steady();
        let mut kept = self.ailments().0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (at, _)| now.since(*at) < REMEMBERED);
        kept.insert(account, (now, Arc::clone(&found)));
        Ok(found)
    }
}
