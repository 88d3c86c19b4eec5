//! The part of a connection that asks the database before it answers: the first name a login speaks under, and what
//! it listens to.

use std::sync::atomic::Ordering;

use bytestring::ByteString;
use lockwarden_app::devices::Connector;
use lockwarden_app::logins::{BindRefusal, RefusalReason};
use lockwarden_app::ways::HubPart;

use crate::codec::{self, Packet};
use crate::conn::{Connection, Step, Stream};
use crate::names;
use crate::nuki_hub::{self, HubName};
use crate::realm::Ending;

/// Filters of one connection; a lock has three, a hub with everything on about forty.
const MOST_FILTERS: usize = 64;

impl<S: Stream> Connection<S> {
    /// Packets that need the database: a first publish, and subscriptions.
    pub(crate) async fn ask(&mut self, packet: Packet) -> Result<(), Ending> {
        match packet {
            Packet::Publish { topic, payload, qos, packet, dup } => {
                if self.login.connector == Connector::NukiHub {
                    self.find_part(&topic).await?;
                } else if let Some(own) = names::own(&topic).filter(|own| !names::is_command(own.rest))
                    // What is refused in any case binds nothing.
                    && let Err(reason) = self.bind(own.nuki_id).await?
                {
                    self.refused(reason, &topic);
                    return self.refuse_publish(qos, packet).map_or(Ok(()), |_| Err(Ending::Refused));
                }
                match self.publish(&topic, &payload, (qos, packet, dup)) {
                    Some(Step::End(ending)) => Err(ending),
                    _ => Ok(()),
                }
            }
            Packet::Subscribe { packet, filters } => self.subscribe(packet, filters).await,
            Packet::Unsubscribe { packet, filters } => {
                let found: Vec<bool> = filters.iter().map(|filter| self.drop_filter(filter)).collect();
                self.listen();
                self.save().await?;
                self.handle.send(&codec::unsubscribed(self.handle.version, packet, &found));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The first name a login speaks under is its lock's, for good.
    async fn bind(&mut self, nuki_id: u32) -> Result<Result<(), RefusalReason>, Ending> {
        if let Some(bound) = self.login.nuki_id {
            return Ok(if bound == nuki_id { Ok(()) } else { Err(RefusalReason::OtherDevice) });
        }
        match self.door.bind(&self.login, nuki_id).await {
            Ok(Ok(())) => {
                self.login.nuki_id = Some(nuki_id);
                self.drop_foreign_filters();
                Ok(Ok(()))
            }
            Ok(Err(BindRefusal::OtherDevice)) => Ok(Err(RefusalReason::OtherDevice)),
            Ok(Err(BindRefusal::DeviceTaken)) => Ok(Err(RefusalReason::DeviceTaken)),
            // It comes back as the device that it is.
            Ok(Err(BindRefusal::Joined)) => Err(Ending::LoginEnded),
            Err(error) => {
                tracing::error!(%error, "a login could not be bound");
                Err(Ending::NotCommitted)
            }
        }
    }

    /// A part of a hub speaks for the first time: the device that it is.
    async fn find_part(&mut self, topic: &str) -> Result<(), Ending> {
        let base = self.login.base_path.clone().unwrap_or_default();
        let Some(HubName::Part(part, _)) = nuki_hub::name(&base, topic) else {
            return Ok(());
        };
        let found = self.door.app.hub_part(self.login.login, part).await.map_err(|error| {
            tracing::error!(%error, "a part of a hub could not be added");
            Ending::NotCommitted
        })?;
        let Some(device) = found else {
            self.login.left_out = Some(part);
            return Ok(());
        };
        match part {
            HubPart::Opener if device == self.login.device => self.login.is_opener = true,
            HubPart::Opener => {
                self.login.opener = Some(device);
                self.door.realm.brings_too(&self.handle, device, &self.door.committer, self.door.app.now());
            }
            HubPart::Lock if device == self.login.device => {}
            // It comes back with its devices in their places.
            HubPart::Lock => return Err(Ending::LoginEnded),
        }
        self.listen();
        Ok(())
    }

    async fn subscribe(&mut self, packet: u16, filters: Vec<(ByteString, u8)>) -> Result<(), Ending> {
        let mut granted = Vec::with_capacity(filters.len());
        let before = self.filters.clone();
        for (filter, qos) in filters {
            granted.push(self.add_filter(&filter, qos).then_some(qos.min(2)));
        }
        self.listen();
        if self.filters != before {
            self.save().await?;
        }
        self.handle.send(&codec::subscribed(self.handle.version, packet, &granted));
        self.tell_how_the_lock_is().await;
        Ok(())
    }

    /// A login that has not spoken yet may listen under any id; once it is bound, only what is its own counts.
    fn add_filter(&mut self, filter: &str, qos: u8) -> bool {
        if !names::is_filter(filter) {
            self.refused(RefusalReason::ForeignSubscription, filter);
            return false;
        }
        if !self.may_listen(filter) {
            return false;
        }
        if !self.filters.contains(filter) && self.filters.iter().count() >= MOST_FILTERS {
            self.refused(RefusalReason::ForeignSubscription, filter);
            return false;
        }
        self.filters.put(filter, qos.min(2));
        true
    }

    fn drop_foreign_filters(&mut self) {
        let bound = self.login.nuki_id;
        let mut foreign = Vec::new();
        self.filters.retain(|filter| {
            let is_own = names::own(filter).is_none_or(|own| Some(own.nuki_id) == bound);
            if !is_own {
                foreign.push(filter.to_owned());
            }
            is_own
        });
        for filter in foreign {
            self.refused(RefusalReason::ForeignSubscription, &filter);
        }
        self.listen();
    }

    fn drop_filter(&mut self, filter: &str) -> bool {
        let was_there = self.filters.contains(filter);
        self.filters.retain(|other| other != filter);
        was_there
    }

    /// Works out from the filters where commands and questions are heard, and tells if that changed.
    pub(crate) fn listen(&mut self) {
        let (commands, questions) = self.ears();
        let mut out = self.handle.out();
        let changed = out.commands.is_empty() != commands.is_empty();
        out.commands = commands;
        out.questions = questions;
        drop(out);
        if changed {
            self.handle.deaf_since.store(0, Ordering::Relaxed);
            // Another of its connections may still listen.
            self.door.realm.tell_listening(&self.handle, &self.door.committer, self.door.app.now());
        }
    }

    /// A session that outlives the connection is on the disk before the client is told that it is.
    async fn save(&mut self) -> Result<(), Ending> {
        if !self.keep {
            return Ok(());
        }
        let (login, client_id) = (self.login.login, &self.handle.client_id);
        self.door.app.save_broker_session(login, client_id, &self.filters).await.map_err(|error| {
            tracing::error!(%error, "a session could not be saved");
            Ending::NotCommitted
        })
    }
}
