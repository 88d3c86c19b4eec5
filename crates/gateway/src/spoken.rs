//! What a name means for the login that uses it: which of its devices a publish speaks of, what it may listen to, and where
//! its commands go. Everything outside its own topics is refused.

use std::sync::atomic::Ordering;

use lockwarden_app::clock::Steady;
use lockwarden_app::commands::DEADLINE;
use lockwarden_app::devices::{Connector, LockAction, Observation};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::logins::{Authenticated, RefusalReason, Stranger};
use lockwarden_app::ways::HubPart;

use crate::codec::Will;
use crate::conn::{Connection, Stream};
use crate::discovery::{self, Announced};
use crate::names::{self, Own};
use crate::nuki_hub::{self, HubName, Taken, Unreadable};
use crate::nuki_mqtt;
use crate::realm::{Ear, Question};

/// What a publish says, and of which device; nothing if it says nothing that is kept. An error is what may not be said.
type Spoken = Result<Option<(DeviceId, Observation)>, ()>;

/// Of whom an announcement speaks.
enum Whose {
    Own(DeviceId),
    Stranger { is_opener: bool },
    Nobodys,
}

/// Whether a login may listen here: below its own topics. One that has not spoken yet may listen under any Nuki ID; once it
/// is bound, only what is its own counts.
pub(crate) fn may_listen(login: &Authenticated, filter: &str) -> bool {
    let base = login.base_path.as_deref();
    if login.connector == Connector::NukiHub
        && base
            .is_some_and(|base| nuki_hub::filter_for(base, filter).is_some() && names::own(filter).is_none())
    {
        return true;
    }
    names::own(filter).is_some_and(|own| login.nuki_id.is_none_or(|bound| bound == own.nuki_id))
}

/// A will, read like anything else the device says. A hub's says only that it is gone, which is seen anyway.
pub(crate) fn last_words(connector: Connector, will: &Will) -> Option<Observation> {
    if connector == Connector::NukiHub {
        return None;
    }
    nuki_mqtt::read(names::own(&will.topic)?.rest, &will.payload).ok().flatten()
}

impl<S: Stream> Connection<S> {
    /// Whether the database has to say first whose topic this is.
    pub(crate) fn has_to_ask(&self, topic: &str) -> bool {
        match self.login.connector {
            Connector::NukiHub => matches!(
                self.hub_name(topic),
                Some(HubName::Part(part, _))
                    if self.device_of(part).is_none() && self.login.left_out != Some(part)
            ),
            _ => self.login.nuki_id.is_none() && names::own(topic).is_some(),
        }
    }

    fn hub_name<'n>(&self, topic: &'n str) -> Option<HubName<'n>> {
        nuki_hub::name(self.login.base_path.as_deref()?, topic)
    }

    fn device_of(&self, part: HubPart) -> Option<DeviceId> {
        match (part, self.login.is_opener) {
            (HubPart::Lock, false) | (HubPart::Opener, true) => Some(self.login.device),
            (HubPart::Opener, false) => self.login.opener,
            (HubPart::Lock, true) => None,
        }
    }

    /// What the device says by this, if anything. An error is what it may not say.
    pub(crate) fn read_publish(&mut self, topic: &str, payload: &[u8]) -> Spoken {
        let is_hub = self.login.connector == Connector::NukiHub;
        if is_hub && let Some(name) = self.hub_name(topic) {
            return Ok(self.read_hub(name, topic, payload));
        }
        if discovery::is_discovery(topic, is_hub) {
            return Ok(discovery::read(topic, payload).and_then(|told| self.announced(&told)));
        }
        let own = self.check_own(topic, RefusalReason::ForeignTopic)?;
        if is_hub {
            return self.pass_on(own.rest, payload, topic);
        }
        if names::is_command(own.rest) && !payload.is_empty() {
            self.refused(RefusalReason::RetainedCommand, topic);
            return Err(());
        }
        if let Ok(text) = std::str::from_utf8(payload) {
            self.door.realm.mirror(self.login.device, own.rest, text);
        }
        let seen = nuki_mqtt::read(own.rest, payload).unwrap_or_else(|_| {
            self.refused(RefusalReason::Malformed, topic);
            None
        });
        Ok(seen.map(|seen| (self.login.device, seen)))
    }

    /// A device says who it is. What is said of another than those that this login brings is only noted for the owner.
    fn announced(&mut self, told: &Announced) -> Option<(DeviceId, Observation)> {
        let is_opener = match self.announcing(told) {
            Whose::Own(device) => {
                let mark = told.mark(device.0);
                let is_new =
                    std::mem::replace(&mut self.told.get_or_insert_default().announced, mark) != mark;
                return is_new.then(|| (device, Observation::Facts(told.facts())));
            }
            Whose::Stranger { is_opener } => is_opener,
            Whose::Nobodys => return None,
        };
        let (name, model) = (told.name.clone(), told.model.clone());
        let nuki_id = told.topics.iter().find_map(|topic| Some(names::own(topic)?.nuki_id));
        let nuki_id = nuki_id.or(told.nuki_id)?;
        self.door.strangers.note(self.login.login, Stranger { nuki_id, is_opener, name, model });
        None
    }

    /// Whose announcement it is goes by the topics below which it says it speaks; its number counts where it names none.
    fn announcing(&self, told: &Announced) -> Whose {
        let mut topics = told.topics.iter();
        if self.login.connector == Connector::NukiHub {
            let part = topics.find_map(|topic| match self.hub_name(topic) {
                Some(HubName::Part(part, _)) => Some(part),
                _ => None,
            });
            return match part.map(|part| (part, self.device_of(part))) {
                Some((_, Some(device))) => Whose::Own(device),
                Some((part, None)) if self.login.left_out == Some(part) => {
                    Whose::Stranger { is_opener: part == HubPart::Opener }
                }
                // Of a part that has yet to speak; or of something that cannot be reached through this hub.
                _ => Whose::Nobodys,
            };
        }
        let ids: Vec<u32> = topics.filter_map(|topic| Some(names::own(topic)?.nuki_id)).collect();
        let (Some(id), true) =
            (ids.first().copied().or(told.nuki_id), ids.iter().all(|id| Some(id) == ids.first()))
        else {
            return Whose::Nobodys;
        };
        match self.login.nuki_id {
            Some(bound) if bound == id => Whose::Own(self.login.device),
            Some(_) => Whose::Stranger { is_opener: false },
            // A lock is known by its last message before it announces anything; this may be of any.
            None => Whose::Nobodys,
        }
    }

    fn read_hub(
        &mut self,
        name: HubName<'_>,
        topic: &str,
        payload: &[u8],
    ) -> Option<(DeviceId, Observation)> {
        let (device, rest, read) = match name {
            HubName::Own(rest) => (self.login.device, rest, nuki_hub::read_own(rest, payload)),
            HubName::Part(part, rest) => {
                let read = nuki_hub::read(part, rest, payload);
                let Some(device) = self.device_of(part) else {
                    self.note_left_out(part, read.ok().flatten().as_ref());
                    return None;
                };
                (device, rest, read)
            }
        };
        let seen = match read {
            Ok(seen) if nuki_hub::may_be_cut(rest) => {
                let whole = nuki_hub::truncated(rest, false);
                let seen = match seen {
                    Some(Observation::Snapshot { seen, .. }) => seen,
                    other => other.into_iter().collect(),
                };
                let seen = seen.into_iter().chain([whole]).collect();
                Some(Observation::Snapshot { clock: None, zone_minutes: 0, seen })
            }
            Ok(seen) => seen,
            Err(Unreadable::Truncated) => Some(nuki_hub::truncated(rest, true)),
            Err(Unreadable::Malformed) => {
                self.refused(RefusalReason::Malformed, topic);
                None
            }
        }?;
        let seen = match name {
            HubName::Part(part, rest) => self.if_reached(part, rest, seen)?,
            HubName::Own(_) => seen,
        };
        if rest == "configuration/commandResult" {
            // Only what the lock then says of itself is the proof.
            nuki_hub::ask_again(&self.handle);
        }
        if let Some(id) = nuki_hub::nuki_id_in(&seen) {
            self.login.nuki_id.get_or_insert(id);
        }
        Some((device, seen))
    }

    /// Whether this is the device's own word: a hub says some things also of one that it does not reach.
    fn if_reached(&mut self, part: HubPart, rest: &str, seen: Observation) -> Option<Observation> {
        let reach = &mut self.told.get_or_insert_default().reach;
        match reach.take((part, rest), seen, self.door.app.now()) {
            Taken::Said(seen) => Some(seen),
            Taken::Kept => None,
            Taken::Doubted => {
                // If it was not yet asked how everything stands, it will be.
                if self.handle.is_asked.load(Ordering::Relaxed) {
                    nuki_hub::ask_state(&self.handle);
                }
                None
            }
        }
    }

    /// A part of the hub that its owner removed still speaks: they may want it back.
    fn note_left_out(&self, part: HubPart, seen: Option<&Observation>) {
        let Some(Observation::Snapshot { seen, .. }) = seen else { return };
        let name = seen.iter().find_map(|one| match one {
            Observation::OwnName(name) => Some(name.clone()),
            _ => None,
        });
        let is_opener = part == HubPart::Opener;
        if let Some(nuki_id) = seen.iter().find_map(nuki_hub::nuki_id_in) {
            let stranger = Stranger { name, is_opener, ..Stranger::lock(nuki_id) };
            self.door.strangers.note(self.login.login, stranger);
        }
    }

    /// A hub in hybrid mode gives its commands to the lock's own MQTT client: to the connection that is there, at once or
    /// not at all. Nothing else may be published there by a hub.
    fn pass_on(&mut self, rest: &str, payload: &[u8], topic: &str) -> Spoken {
        let action = std::str::from_utf8(payload).ok().and_then(|text| text.trim().parse().ok());
        let action = action.map(LockAction::from_code).filter(|action| (1..=6).contains(&action.code()));
        let Some(action) = action.filter(|_| rest == "lockAction") else {
            self.refused(RefusalReason::ForeignTopic, topic);
            return Err(());
        };
        let until: Steady = self.door.app.clock().steady().plus(DEADLINE);
        let device = self.login.device;
        let listener = self.door.realm.listener(device, Connector::NukiMqtt);
        match listener.and_then(|lock| lock.command(device, action, until)) {
            Ok(()) => tracing::info!(device.id = %device, action = action.code(), "a hub told its lock"),
            Err(why) => tracing::warn!(device.id = %device, ?why, "a hub could not tell its lock"),
        }
        Ok(None)
    }

    /// Reads a name as this login's own, or counts and tells what it is instead.
    pub(crate) fn check_own<'n>(&mut self, name: &'n str, reason: RefusalReason) -> Result<Own<'n>, ()> {
        let Some(own) = names::own(name) else {
            self.refused(reason, name);
            return Err(());
        };
        let is_foreign = match self.login.nuki_id {
            Some(bound) => bound != own.nuki_id,
            // A hub is known by what it says of its configuration, not by a topic it happens to use.
            None => self.login.connector == Connector::NukiHub,
        };
        if is_foreign {
            self.refused(RefusalReason::OtherDevice, name);
            if self.login.connector == Connector::NukiMqtt {
                self.door.strangers.note(self.login.login, Stranger::lock(own.nuki_id));
            }
            return Err(());
        }
        Ok(own)
    }

    pub(crate) fn may_listen(&mut self, filter: &str) -> bool {
        if may_listen(&self.login, filter) {
            return true;
        }
        let other = names::own(filter).is_some();
        let reason = if other { RefusalReason::OtherDevice } else { RefusalReason::ForeignSubscription };
        self.refused(reason, filter);
        false
    }

    /// Where commands are heard (spelled as the device spells it, with the QoS it asked for), and what else is listened to.
    pub(crate) fn ears(&self) -> (Box<[Ear]>, Box<[Question]>) {
        if self.login.connector == Connector::NukiHub {
            return self.hub_ears();
        }
        let ear = self.filters.iter().find_map(|(filter, qos)| {
            let own = names::own(filter)?;
            let topic = format!("nuki/{}/lockAction", own.id).into();
            names::covers_commands(own.rest).then_some(Ear { part: HubPart::Lock, topic, qos })
        });
        (ear.into_iter().collect(), Box::default())
    }

    fn hub_ears(&self) -> (Box<[Ear]>, Box<[Question]>) {
        let (mut ears, mut questions) = (Vec::new(), Vec::new());
        for (filter, qos) in self.filters.iter() {
            match self.hub_name(filter) {
                // An order for one part never goes to another: not to one that has not spoken, nor to one that was removed.
                Some(HubName::Part(part, "action")) if self.device_of(part).is_some() => {
                    ears.push(Ear { part, topic: filter.into(), qos });
                }
                Some(HubName::Part(_, "action")) => {}
                _ => questions.push((filter.into(), qos)),
            }
        }
        (ears.into(), questions.into())
    }

    /// A hub in hybrid mode expects to find what the lock last published.
    pub(crate) async fn tell_how_the_lock_is(&mut self) {
        let device = self.login.device;
        let is_hub = self.login.connector == Connector::NukiHub;
        if !is_hub || self.door.realm.listener(device, Connector::NukiMqtt).is_err() {
            return;
        }
        let Ok(Some(device)) = self.door.app.find_said(device).await else {
            return;
        };
        for (rest, value) in nuki_mqtt::published(&device) {
            self.door.realm.mirror(device.id, rest, &value);
        }
    }
}
