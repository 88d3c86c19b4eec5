//! Reading and changing settings, and bringing changes to their device until it says that it has them.

use std::collections::{BTreeMap, HashMap};

use super::sql;
use super::{Delivery, Held, Setting, SettingValue, Way, beyond_hub, check};
use crate::App;
use crate::actor::{Actor, Configurable};
use crate::bulks;
use crate::bus::Event;
use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::devices::{self, Connector, DeviceType};
use crate::error::{Error, Refusal, Result};
use crate::ids::DeviceId;
use crate::ways;

/// A change as somebody gives it: what it should be, and what they saw when they decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub setting: Setting,
    pub value: SettingValue,
    /// Nothing: they did not look, as programs do.
    pub seen: Option<Option<SettingValue>>,
}

/// Open settings read at once: more than one device has.
const AT_A_TIME: i64 = 1_024;

/// What is to be sent to a device now.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    pub device: DeviceId,
    pub kind: DeviceType,
    pub wanted: Vec<(Setting, SettingValue)>,
    /// Sent often enough, and never heard of.
    pub silent: Vec<Setting>,
}

/// What somebody who changes settings sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// What should be otherwise, and nothing else.
    Wishes,
    /// All there is, changed here and there.
    Everything,
}

/// What became of a setting that was sent; `None` is no refusal.
pub type Outcome = Option<(String, bool)>;

impl App {
    /// The settings a device has told of, or that somebody wants.
    pub async fn load_settings(&self, actor: &Actor, device: DeviceId) -> Result<Vec<Held>> {
        let mut tx = self.read().await?;
        let viewable = actor.may_view(&mut tx, device).await?;
        Ok(held_of(&mut tx, viewable.device()).await?.into_values().collect())
    }

    /// Writes down what a device's settings should be. They are sent when the way to it is there, and are what the device
    /// says when the device says so. Whoever changed one of them meanwhile is told instead of being overruled.
    pub async fn change_settings(&self, actor: &Actor, device: DeviceId, changes: &[Change]) -> Result<()> {
        self.change(actor, device, changes, Sent::Wishes).await
    }

    /// The same for a program that read everything and sends everything back. What is in it as the device says it is
    /// nobody's wish, so a change that is on its way is not taken back by a value that was read before it arrived.
    pub async fn send_back_settings(
        &self,
        actor: &Actor,
        device: DeviceId,
        changes: &[Change],
    ) -> Result<()> {
        self.change(actor, device, changes, Sent::Everything).await
    }

    async fn change(&self, actor: &Actor, device: DeviceId, changes: &[Change], sent: Sent) -> Result<()> {
        let (mut tx, actor) = self.write_as(actor).await?;
        let configurable = actor.may_configure(&mut tx, device).await?;
        change_in(&mut tx, &actor, configurable, (changes, sent), self.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Drops what somebody wanted and the device does not have: it stays as the device says.
    pub async fn drop_change(&self, actor: &Actor, device: DeviceId, setting: Setting) -> Result<()> {
        let (mut tx, actor) = self.write_as(actor).await?;
        let configurable = actor.may_configure(&mut tx, device).await?;
        if let Some(one) = held_of(&mut tx, configurable.device()).await?.get_mut(&setting) {
            one.leave();
            store(&mut tx, device, one).await?;
            tx.emit(Event::DeviceChanged { account: actor.account, device });
            tx.commit().await?;
        }
        Ok(())
    }

    /// Asks the device for everything anew, by every way that can be asked. That costs its batteries something, so it takes
    /// the right to operate it, as in the Web API (4.10.0, scope of `/smartlock/{smartlockId}/sync`).
    pub async fn sync_device(&self, actor: &Actor, device: DeviceId) -> Result<()> {
        let (mut tx, actor) = self.write_as(actor).await?;
        let operable = actor.may_operate(&mut tx, device).await?;
        tx.emit(Event::SyncAsked { account: actor.account, device: operable.device() });
        tx.commit().await?;
        Ok(())
    }

    /// What could be sent now to the devices after this one, and the device after which to ask on while there may be more:
    /// what waits for its way or for an answer never keeps back what does not. For the gateway.
    pub async fn due_settings(&self, after: Option<DeviceId>) -> Result<(Vec<Due>, Option<DeviceId>)> {
        let now = self.now();
        let mut tx = self.read().await?;
        let rows = sql::open(&mut tx, after.unwrap_or(DeviceId(i64::MIN)), AT_A_TIME).await?;
        let is_full = i64::try_from(rows.len()).unwrap_or(AT_A_TIME) >= AT_A_TIME;
        let mut by_device: BTreeMap<DeviceId, Vec<Held>> = BTreeMap::new();
        for row in rows {
            let held = by_device.entry(row.device_id).or_default();
            held.extend(row.held());
        }
        // The last device may have more than there was room for. It comes first next time.
        let last = if is_full {
            by_device.pop_last();
            by_device.last_key_value().map(|(device, _)| *device)
        } else {
            None
        };
        let devices: Vec<DeviceId> = by_device.keys().copied().collect();
        let kinds = devices::kinds(&mut tx, &devices).await?;
        let due = by_device.into_iter().filter_map(|(device, held)| {
            let silent = held.iter().filter(|one| one.is_given_up(now)).map(|one| one.setting).collect();
            let due = Due { device, kind: *kinds.get(&device)?, wanted: ready(&held, now), silent };
            (!due.wanted.is_empty() || !due.silent.is_empty()).then_some(due)
        });
        Ok((due.collect(), last))
    }

    /// Marks settings as sent, before a byte of them leaves; or as refused, with why they cannot be.
    pub async fn settings_sent(
        &self,
        device: DeviceId,
        sent: &[Setting],
        refused: &[(Setting, String)],
    ) -> Result<()> {
        let now = self.now();
        let mut tx = self.write().await?;
        let mut held = held_of(&mut tx, device).await?;
        for setting in sent {
            if let Some(one) = held.get_mut(setting).filter(|one| one.is_open()) {
                one.sent(now);
                store(&mut tx, device, one).await?;
            }
        }
        for (setting, words) in refused {
            if let Some(one) = held.get_mut(setting).filter(|one| one.is_open()) {
                one.sent(now);
                one.answered(Some((words, false)));
                store(&mut tx, device, one).await?;
            }
        }
        changed(&mut tx, device).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// What of a device's open settings can be sent now. One message at a time: an answer says nothing of which it answers.
fn ready(open: &[Held], now: Time) -> Vec<(Setting, SettingValue)> {
    if open.iter().any(|one| one.delivery == Some(Delivery::Sent) && !one.is_overdue(now)) {
        return Vec::new();
    }
    let again = |one: &Held| one.is_overdue(now) && !one.is_given_up(now);
    let ready = open.iter().filter(|one| one.may_be_sent(now) || again(one));
    ready.filter_map(|one| Some((one.setting, one.desired.clone()?))).collect()
}

/// Writes changes down; false if the device says all of them already.
async fn change_in(
    tx: &mut Tx,
    actor: &Actor,
    configurable: Configurable,
    (changes, sent): (&[Change], Sent),
    now: Time,
) -> Result<bool> {
    let device = configurable.device();
    let kind = devices::load(tx, device).await?.kind.unwrap_or(DeviceType::Other(u8::MAX));
    let can_be_set = ways::load_of(tx, device).await?.iter().any(|way| way.connector == Connector::NukiHub);
    let mut held = held_of(tx, device).await?;
    let mut is_wanted = false;
    for change in changes {
        let label = change.setting.about().label;
        let says = held.get(&change.setting).and_then(|one| one.reported.as_ref());
        if sent == Sent::Everything && says.is_some_and(|says| says.agrees(&change.value)) {
            continue;
        }
        // Programs send everything back, also what can only be read: what is so already needs no permission.
        let told = held.get(&change.setting).filter(|one| !one.is_open()).and_then(Held::shown);
        if told.is_some_and(|told| told.agrees(&change.value)) {
            continue;
        }
        let value = check(change.setting, kind, change.value.clone())
            .map_err(|why| Error::invalid(change.setting.key(), format!("{label}: {why}")))?;
        let one = held.entry(change.setting).or_insert_with(|| Held::new(change.setting));
        if let Some(seen) = &change.seen
            && seen.as_ref() != one.shown()
        {
            return Err(changed_meanwhile(one, kind).into());
        }
        if !one.is_open() && one.reported.as_ref().is_some_and(|reported| reported.agrees(&value)) {
            if one.delivery.is_some() {
                one.leave();
                store(tx, device, one).await?;
            }
            continue;
        }
        if !can_be_set || !change.setting.reach(Way::NukiHub, kind).sets() {
            return Err(Refusal::NoWayToSet(label).into());
        }
        // Nothing but a hub sets anything, so what no hub can set need not wait for one to refuse it.
        if let Some(why) = beyond_hub(change.setting, &value) {
            return Err(Error::invalid(change.setting.key(), format!("{label}: {why}")));
        }
        one.want(value, actor.who.person(), now);
        store(tx, device, one).await?;
        is_wanted = true;
    }
    tx.emit(Event::DeviceChanged { account: actor.account, device });
    if is_wanted {
        tx.emit(Event::SettingsWanted);
    }
    Ok(is_wanted)
}

/// One change among many devices', on the same path as any other; false if the device says it already.
pub(crate) async fn want_one(
    tx: &mut Tx,
    actor: &Actor,
    configurable: Configurable,
    change: Change,
    now: Time,
) -> Result<bool> {
    change_in(tx, actor, configurable, (&[change], Sent::Wishes), now).await
}

/// One setting of each of these devices.
pub(crate) async fn held_of_each(
    tx: &mut Tx,
    setting: Setting,
    devices: &[DeviceId],
) -> Result<HashMap<DeviceId, Held>, DbError> {
    let rows = sql::of_devices(tx, setting, devices).await?.into_iter();
    Ok(rows.filter_map(|row| Some((row.device_id, row.held()?))).collect())
}

/// Writes it down, and what it means for whoever asked for it among many devices.
async fn store(tx: &mut Tx, device: DeviceId, held: &Held) -> Result<(), DbError> {
    sql::write(tx, device, held).await?;
    bulks::setting_stands(tx, device, held).await
}

fn changed_meanwhile(one: &Held, kind: DeviceType) -> Refusal {
    let now = one.shown().map_or_else(|| "not known".to_owned(), |value| value.in_words(one.setting, kind));
    Refusal::ChangedMeanwhile(format!("{}: {now}", one.setting.about().label))
}

async fn held_of(tx: &mut Tx, device: DeviceId) -> Result<BTreeMap<Setting, Held>, DbError> {
    let rows = sql::of_device(tx, device).await?.into_iter();
    Ok(rows.filter_map(sql::SettingRow::held).map(|held| (held.setting, held)).collect())
}

/// A device leaves the account: what was wanted of it will not come to it any more.
pub(crate) async fn device_removed(tx: &mut Tx, device: DeviceId) -> Result<(), DbError> {
    if sql::leave_all(tx, device).await? > 0 {
        bulks::device_removed(tx, device).await?;
        changed(tx, device).await?;
    }
    Ok(())
}

async fn changed(tx: &mut Tx, device: DeviceId) -> Result<(), DbError> {
    if let Some(account) = devices::account_of(tx, device).await? {
        tx.emit(Event::DeviceChanged { account, device });
    }
    Ok(())
}

/// The device told its settings; true if anything is new.
pub(crate) async fn told(
    tx: &mut Tx,
    device: DeviceId,
    told: &[(Setting, SettingValue)],
    now: Time,
) -> Result<bool, DbError> {
    let mut held = held_of(tx, device).await?;
    let mut is_new = false;
    for (setting, value) in told {
        let one = held.entry(*setting).or_insert_with(|| Held::new(*setting));
        if one.told(value, now) {
            is_new = true;
            store(tx, device, one).await?;
        }
    }
    if is_new {
        tx.emit(Event::SettingsWanted);
    }
    Ok(is_new)
}

/// What it is reached through answered to what was sent: refusals by setting, or of everything that is under way.
pub(crate) async fn answered(
    tx: &mut Tx,
    device: DeviceId,
    (outcomes, of_all): (&[(Setting, Outcome)], &Outcome),
    now: Time,
) -> Result<bool, DbError> {
    let mut held = held_of(tx, device).await?;
    let mut is_new = false;
    for one in held.values_mut().filter(|one| one.delivery == Some(Delivery::Sent)) {
        let said = outcomes.iter().find(|(setting, _)| *setting == one.setting).map(|(_, outcome)| outcome);
        match said.unwrap_or(of_all) {
            Some((words, may_be_repeated)) => one.answered(Some((words, *may_be_repeated))),
            // What the device never tells has no better proof than this.
            None if said.is_some() && !one.setting.about().hub_on_locks.reads() => {
                let Some(desired) = one.desired.clone() else { continue };
                one.told(&desired, now);
            }
            None => continue,
        }
        store(tx, device, one).await?;
        is_new = true;
    }
    Ok(is_new)
}
