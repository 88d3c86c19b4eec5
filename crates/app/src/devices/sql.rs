//! The queries of devices and their states.

use std::collections::HashMap;

use sqlx::FromRow;

use super::{
    Connector, Device, DeviceType, DoorState, LastEvent, LeftOpen, Link, LockAction, LockState, Mode, Safety,
    Said, Trigger,
};
use crate::activity::Origin;
use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::history;
use crate::ids::{AccountId, DeviceId, GroupId};

/// A device's state as it is stored.
#[derive(Clone, Debug, Default, PartialEq, FromRow)]
pub(super) struct StateRow {
    pub online: bool,
    pub online_changed_at: Option<Time>,
    pub accepts_commands: Option<bool>,
    pub said_at: Option<Time>,
    pub state: Option<i64>,
    pub state_said_at: Option<Time>,
    pub state_changed_at: Option<Time>,
    pub rest_state: Option<i64>,
    pub mode: Option<i64>,
    pub last_action: Option<i64>,
    pub last_trigger: Option<i64>,
    pub last_origin: Option<i64>,
    pub last_auth_id: Option<i64>,
    pub last_code_id: Option<i64>,
    pub last_name: Option<String>,
    /// Whether its book of names holds any.
    pub has_names: bool,
    pub last_event_at: Option<Time>,
    pub expected_action: Option<i64>,
    pub untimed_entry: Option<i64>,
    pub door_state: Option<i64>,
    pub door_changed_at: Option<Time>,
    pub battery_critical: Option<bool>,
    pub battery_percent: Option<i64>,
    pub battery_charging: Option<bool>,
    pub keypad_battery_critical: Option<bool>,
    pub door_battery_critical: Option<bool>,
    pub server_connected: Option<bool>,
    pub firmware: Option<String>,
    pub own_name: Option<String>,
    pub ring_at: Option<Time>,
    pub device_time: Option<Time>,
    pub clock_offset_ms: Option<i64>,
    pub connected_at: Option<Time>,
    pub repeats_from: Option<Time>,
    pub deliveries: Option<Vec<u8>>,
    /// Whose word counts (`Connector::code`), and since when.
    pub speaker: Option<i64>,
    pub speaker_since: Option<Time>,
    /// The last entry of the lock's own log that was taken over.
    pub log_index: Option<i64>,
    pub log_at: Option<Time>,
    pub snapshot_at: Option<Time>,
    pub log_shift: Option<i64>,
    /// What was last written of its history (`history::Pictured`).
    pub pictured: Option<i64>,
}

#[derive(FromRow)]
pub(super) struct KnownRow {
    pub id: DeviceId,
    pub account_id: AccountId,
    #[sqlx(flatten)]
    pub state: StateRow,
}

#[derive(FromRow)]
struct DeviceRow {
    id: DeviceId,
    account_id: AccountId,
    connector: String,
    name: String,
    nuki_id: Option<i64>,
    device_type: Option<i64>,
    group_id: Option<GroupId>,
    favourite: bool,
    added_at: Time,
    updated_at: Time,
    is_opener: bool,
    never_open: bool,
    ask_again: bool,
    fresh_sign_in: bool,
    left_open_minutes: i64,
    unlocking_opens: bool,
    /// Who is there and does not reach it; the better one, where there are two.
    lost_by: Option<String>,
    #[sqlx(flatten)]
    state: StateRow,
}

macro_rules! state_columns {
    () => {
        "s.online, s.online_changed_at, s.accepts_commands, s.said_at, s.state, s.state_said_at, s.state_changed_at, \
         s.rest_state, s.mode, s.last_action, s.last_trigger, s.last_origin, s.last_auth_id, s.last_code_id, \
         s.last_name, s.has_names, s.last_event_at, s.expected_action, s.untimed_entry, s.door_state, s.door_changed_at, s.battery_critical, \
         s.battery_percent, s.battery_charging, s.keypad_battery_critical, s.door_battery_critical, \
         s.server_connected, s.firmware, s.own_name, s.ring_at, s.device_time, s.clock_offset_ms, s.connected_at, \
         s.repeats_from, s.deliveries, s.speaker, s.speaker_since, s.log_index, s.log_at, \
         s.snapshot_at, s.log_shift, s.pictured"
    };
}

macro_rules! select_device {
    ($rest:literal) => {
        concat!(
            "select d.id, d.account_id, d.connector, d.name, d.nuki_id, d.device_type, d.group_id, d.favourite, \
             d.added_at, d.updated_at, d.is_opener, d.never_open, d.ask_again, d.fresh_sign_in, \
             (select a.left_open_minutes from accounts a where a.id = d.account_id) as left_open_minutes, \
             exists (select 1 from settings t where t.device_id = d.id and t.setting = 'autoUnlatch' \
             and (t.reported = 'true' or t.desired = 'true')) as unlocking_opens, \
             (select max(t.connector) from troubles t where t.device_id = d.id and t.trouble = 'out-of-reach') as lost_by, ",
            state_columns!(),
            " from devices d join device_states s on s.device_id = d.id where d.removed_at is null ",
            $rest
        )
    };
}

pub(super) async fn account_of(tx: &mut Tx, device: DeviceId) -> Result<Option<AccountId>, DbError> {
    tx.query("select account_id from devices where id = $1 and removed_at is null")
        .bind(device)
        .find_value()
        .await
}

pub(super) async fn load(tx: &mut Tx, device: DeviceId) -> Result<Device, DbError> {
    Ok(tx.query(select_device!("and d.id = $1")).bind(device).one::<DeviceRow>().await?.into())
}

pub(super) async fn load_by_nuki_id(
    tx: &mut Tx,
    account: AccountId,
    device_type: i64,
    nuki_id: i64,
) -> Result<Device, DbError> {
    let query = tx.query(select_device!("and d.account_id = $1 and d.device_type = $2 and d.nuki_id = $3"));
    Ok(query.bind(account).bind(device_type).bind(nuki_id).one::<DeviceRow>().await?.into())
}

pub(super) async fn list(tx: &mut Tx, account: AccountId) -> Result<Vec<Device>, DbError> {
    let found = tx.query(select_device!("and d.account_id = $1")).bind(account).all::<DeviceRow>().await?;
    Ok(found.into_iter().map(Into::into).collect())
}

/// The next devices of an account, by their ids.
pub(super) async fn after(
    tx: &mut Tx,
    account: AccountId,
    last: DeviceId,
    limit: i64,
) -> Result<Vec<Device>, DbError> {
    let query = tx.query(select_device!("and d.account_id = $1 and d.id > $2 order by d.id limit $3"));
    let found = query.bind(account).bind(last).bind(limit).all::<DeviceRow>().await?;
    Ok(found.into_iter().map(Into::into).collect())
}

/// The accounts that have devices.
pub(super) async fn accounts(tx: &mut Tx) -> Result<Vec<AccountId>, DbError> {
    let owners = "select id from accounts where master_id is null and exists \
        (select 1 from devices d where d.account_id = accounts.id and d.removed_at is null)";
    Ok(tx.query(owners).all::<(AccountId,)>().await?.into_iter().map(|(account,)| account).collect())
}

pub(super) async fn set_favourite(tx: &mut Tx, id: DeviceId, yes: bool, now: Time) -> Result<(), DbError> {
    tx.query("update devices set favourite = $2, updated_at = $3 where id = $1")
        .bind(id)
        .bind(yes)
        .bind(now)
        .run()
        .await?;
    Ok(())
}

/// Those of these devices that the account has.
pub(super) async fn some(
    tx: &mut Tx,
    account: AccountId,
    devices: &[DeviceId],
) -> Result<Vec<Device>, DbError> {
    let mut found = Vec::with_capacity(devices.len());
    for chunk in crate::db::chunks(devices) {
        let query = tx.among(select_device!("and d.id in ("), chunk, ")");
        found.extend(query.all::<DeviceRow>().await?.into_iter().map(Device::from));
    }
    found.retain(|device| device.account == account);
    Ok(found)
}

/// What kinds of device these are, where it is known.
pub(super) async fn kinds(
    tx: &mut Tx,
    devices: &[DeviceId],
) -> Result<HashMap<DeviceId, DeviceType>, DbError> {
    let mut found = HashMap::with_capacity(devices.len());
    for chunk in crate::db::chunks(devices) {
        let head = "select id, device_type, is_opener from devices where removed_at is null and id in (";
        let rows = tx.among(head, chunk, ")").all::<(DeviceId, Option<i64>, bool)>().await?;
        found
            .extend(rows.into_iter().filter_map(|(id, stored, opener)| Some((id, kind_of(stored, opener)?))));
    }
    Ok(found)
}

pub(super) async fn find_by_nuki_id(
    tx: &mut Tx,
    account: AccountId,
    device_type: i64,
    nuki_id: i64,
) -> Result<Option<DeviceId>, DbError> {
    tx.query(
        "select id from devices where account_id = $1 and device_type = $2 and nuki_id = $3 and removed_at is null",
    )
    .bind(account)
    .bind(device_type)
    .bind(nuki_id)
    .find_value()
    .await
}

pub(super) async fn count(tx: &mut Tx, account: AccountId) -> Result<i64, DbError> {
    tx.query("select count(*) from devices where account_id = $1 and removed_at is null")
        .bind(account)
        .value()
        .await
}

pub(super) async fn rename(tx: &mut Tx, id: DeviceId, name: &str, now: Time) -> Result<(), DbError> {
    tx.query("update devices set name = $2, name_given = true, updated_at = $3 where id = $1")
        .bind(id)
        .bind(name.to_owned())
        .bind(now)
        .run()
        .await?;
    Ok(())
}

pub(super) async fn remove(tx: &mut Tx, id: DeviceId, now: Time) -> Result<(), DbError> {
    tx.query("update devices set removed_at = $2, updated_at = $2 where id = $1")
        .bind(id)
        .bind(now)
        .run()
        .await?;
    tx.query("update device_states set online = false where device_id = $1").bind(id).run().await?;
    Ok(())
}

pub(super) async fn set_type(tx: &mut Tx, id: DeviceId, device_type: i64, now: Time) -> Result<(), DbError> {
    tx.query(
        "update devices set device_type = $2, updated_at = $3 \
         where id = $1 and (device_type is null or device_type <> $2)",
    )
    .bind(id)
    .bind(device_type)
    .bind(now)
    .run()
    .await?;
    Ok(())
}

/// Nobody is connected to a process that has just started. Who was away before still is, since then; since when the
/// others are, nobody knows yet.
pub(super) async fn all_offline(tx: &mut Tx) -> Result<(), DbError> {
    tx.query(
        "update device_states set online = false, accepts_commands = null, online_changed_at = null, \
         expected_action = null, pictured = null where online",
    )
    .run()
    .await?;
    Ok(())
}

/// Devices of which nobody knows since when they are away, marked as away since `since`.
pub(super) async fn absent(tx: &mut Tx, since: Time) -> Result<Vec<(DeviceId, AccountId)>, DbError> {
    tx.query(
        "update device_states set online_changed_at = $1, pictured = $2 where not online and online_changed_at is null \
         and connected_at is not null and device_id in (select id from devices where removed_at is null) \
         returning device_id, \
         (select d.account_id from devices d where d.id = device_states.device_id)",
    )
    .bind(since)
    .bind(history::AWAY)
    .all()
    .await
}

/// The states of these devices; a device that was removed meanwhile is not among them.
pub(super) async fn states(tx: &mut Tx, devices: &[DeviceId]) -> Result<Vec<KnownRow>, DbError> {
    if devices.is_empty() {
        return Ok(Vec::new());
    }
    tx.among(
        concat!(
            "select d.id, d.account_id, ",
            state_columns!(),
            " from devices d join device_states s on s.device_id = d.id where d.removed_at is null and d.id in ("
        ),
        &crate::db::filled(devices),
        ")",
    )
    .all()
    .await
}

const STATE_COLUMNS: usize = 43;

/// Writes whole states, many rows to a statement.
pub(super) async fn write_states(tx: &mut Tx, states: &[(DeviceId, StateRow)]) -> Result<(), DbError> {
    for chunk in crate::db::chunks(states) {
        let mut query = tx.rows(WRITE_STATES, STATE_COLUMNS, chunk.len(), WRITE_STATES_CONFLICT);
        for (device, s) in chunk {
            query = query
                .bind(*device)
                .bind(s.online)
                .bind(s.online_changed_at)
                .bind(s.accepts_commands)
                .bind(s.said_at)
                .bind(s.state)
                .bind(s.state_said_at)
                .bind(s.state_changed_at)
                .bind(s.rest_state)
                .bind(s.mode)
                .bind(s.last_action)
                .bind(s.last_trigger)
                .bind(s.last_origin)
                .bind(s.last_auth_id)
                .bind(s.last_code_id)
                .bind(s.last_name.clone())
                .bind(s.has_names)
                .bind(s.last_event_at)
                .bind(s.expected_action)
                .bind(s.untimed_entry)
                .bind(s.door_state)
                .bind(s.door_changed_at)
                .bind(s.battery_critical)
                .bind(s.battery_percent)
                .bind(s.battery_charging)
                .bind(s.keypad_battery_critical)
                .bind(s.door_battery_critical)
                .bind(s.server_connected)
                .bind(s.firmware.clone())
                .bind(s.own_name.clone())
                .bind(s.ring_at)
                .bind(s.device_time)
                .bind(s.clock_offset_ms)
                .bind(s.connected_at)
                .bind(s.repeats_from)
                .bind(s.deliveries.clone())
                .bind(s.speaker)
                .bind(s.speaker_since)
                .bind(s.log_index)
                .bind(s.log_at)
                .bind(s.snapshot_at)
                .bind(s.log_shift)
                .bind(s.pictured);
        }
        query.run().await?;
    }
    Ok(())
}

const WRITE_STATES: &str = "insert into device_states (device_id, online, online_changed_at, accepts_commands, \
    said_at, state, state_said_at, state_changed_at, rest_state, mode, last_action, last_trigger, last_origin, \
    last_auth_id, last_code_id, last_name, has_names, last_event_at, expected_action, untimed_entry, door_state, door_changed_at, \
    battery_critical, battery_percent, battery_charging, keypad_battery_critical, door_battery_critical, \
    server_connected, firmware, own_name, ring_at, device_time, clock_offset_ms, connected_at, repeats_from, \
    deliveries, speaker, speaker_since, log_index, log_at, snapshot_at, log_shift, pictured)";
const WRITE_STATES_CONFLICT: &str = " on conflict (device_id) do update set online = excluded.online, \
    online_changed_at = excluded.online_changed_at, accepts_commands = excluded.accepts_commands, \
    said_at = excluded.said_at, state = excluded.state, state_said_at = excluded.state_said_at, \
    state_changed_at = excluded.state_changed_at, rest_state = excluded.rest_state, mode = excluded.mode, \
    last_action = excluded.last_action, last_trigger = excluded.last_trigger, last_origin = excluded.last_origin, \
    last_auth_id = excluded.last_auth_id, last_code_id = excluded.last_code_id, \
    last_name = excluded.last_name, has_names = excluded.has_names, \
    last_event_at = excluded.last_event_at, expected_action = excluded.expected_action, \
    untimed_entry = excluded.untimed_entry, door_state = excluded.door_state, \
    door_changed_at = excluded.door_changed_at, battery_critical = excluded.battery_critical, \
    battery_percent = excluded.battery_percent, battery_charging = excluded.battery_charging, \
    keypad_battery_critical = excluded.keypad_battery_critical, \
    door_battery_critical = excluded.door_battery_critical, server_connected = excluded.server_connected, \
    firmware = excluded.firmware, own_name = excluded.own_name, ring_at = excluded.ring_at, \
    device_time = excluded.device_time, clock_offset_ms = excluded.clock_offset_ms, \
    connected_at = excluded.connected_at, repeats_from = excluded.repeats_from, deliveries = excluded.deliveries, \
    speaker = excluded.speaker, speaker_since = excluded.speaker_since, log_index = excluded.log_index, \
    log_at = excluded.log_at, snapshot_at = excluded.snapshot_at, log_shift = excluded.log_shift, \
    pictured = excluded.pictured";

/// Before an opener has told its type, it is known for one by what it is reached through.
fn kind_of(device_type: Option<i64>, is_opener: bool) -> Option<DeviceType> {
    device_type.map(DeviceType::from_stored).or(is_opener.then_some(DeviceType::Opener))
}

fn byte(number: i64) -> Option<u8> {
    u8::try_from(number).ok()
}

impl From<DeviceRow> for Device {
    fn from(row: DeviceRow) -> Self {
        let s = row.state;
        let connector = s.speaker.and_then(Connector::from_code).or(Connector::from_name(&row.connector));
        let connector = connector.unwrap_or(Connector::NukiMqtt);
        let link = Link {
            online: s.online,
            changed_at: s.online_changed_at,
            speaker_since: s.speaker_since,
            accepts_commands: s.accepts_commands,
            is_out_of_reach: row.lost_by.as_deref() == Some(connector.name()),
        };
        let kind = kind_of(row.device_type, row.is_opener);
        let mut said = Said::from(s);
        said.state = said.state.map(|state| kind.map_or(state, |kind| kind.reads(state)));
        Self {
            id: row.id,
            account: row.account_id,
            connector,
            name: row.name,
            nuki_id: row.nuki_id.and_then(|id| u32::try_from(id).ok()),
            kind,
            group: row.group_id,
            favourite: row.favourite,
            safety: Safety {
                never_open: row.never_open,
                ask_again: row.ask_again,
                fresh_sign_in: row.fresh_sign_in,
            },
            unlocking_opens: row.unlocking_opens,
            left_open: LeftOpen::from_stored(row.left_open_minutes),
            added_at: row.added_at,
            updated_at: row.updated_at,
            link,
            said,
        }
    }
}

impl From<StateRow> for Said {
    fn from(s: StateRow) -> Self {
        let last = s.last_event_at.zip(s.last_action).map(|(at, action)| LastEvent {
            action: LockAction::from_stored(action),
            trigger: s.last_trigger.map_or(Trigger::Undefined, Trigger::from_stored),
            origin: s.last_origin.map_or(Origin::Unknown, Origin::from_stored),
            auth_id: s.last_auth_id.and_then(|id| u32::try_from(id).ok()),
            code_id: s.last_code_id.and_then(|id| u32::try_from(id).ok()),
            name: s.last_name,
            at,
        });
        Self {
            at: s.said_at,
            state: s.state.map(LockState::from_stored),
            state_at: s.state_said_at,
            state_changed_at: s.state_changed_at,
            mode: s.mode.map(Mode::from_stored),
            last,
            door: s.door_state.map(DoorState::from_stored),
            door_changed_at: s.door_changed_at,
            battery_critical: s.battery_critical,
            battery_percent: s.battery_percent.and_then(byte),
            battery_charging: s.battery_charging,
            keypad_battery_critical: s.keypad_battery_critical,
            door_battery_critical: s.door_battery_critical,
            server_connected: s.server_connected,
            firmware: s.firmware,
            own_name: s.own_name,
            rang_at: s.ring_at,
            device_time: s.device_time,
            clock_offset_ms: s.clock_offset_ms,
        }
    }
}
