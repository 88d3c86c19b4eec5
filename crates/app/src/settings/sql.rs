//! The queries of settings.

use sqlx::FromRow;

use super::{Delivery, Held, Setting, SettingValue};
use crate::clock::Time;
use crate::db::{DbError, Tx, chunks};
use crate::ids::{AccountId, DeviceId};

#[derive(FromRow)]
pub(super) struct SettingRow {
    pub device_id: DeviceId,
    setting: String,
    reported: Option<String>,
    reported_at: Option<Time>,
    desired: Option<String>,
    desired_at: Option<Time>,
    desired_by: Option<AccountId>,
    state: Option<String>,
    reason: Option<String>,
    sent_at: Option<Time>,
    tries: i64,
}

macro_rules! select_setting {
    ($rest:literal) => {
        concat!(
            "select device_id, setting, reported, reported_at, desired, desired_at, desired_by, state, reason, \
             sent_at, tries from settings where ",
            $rest
        )
    };
}

pub(super) async fn of_device(tx: &mut Tx, device: DeviceId) -> Result<Vec<SettingRow>, DbError> {
    tx.query(select_setting!("device_id = $1 order by setting")).bind(device).all().await
}

/// All settings of these devices.
pub(super) async fn of_devices(tx: &mut Tx, devices: &[DeviceId]) -> Result<Vec<SettingRow>, DbError> {
    let mut found = Vec::new();
    for chunk in chunks(devices) {
        found.extend(tx.among(select_setting!("device_id in ("), chunk, ")").all::<SettingRow>().await?);
    }
    Ok(found)
}

/// What is still to be brought to its device.
pub(super) async fn open(tx: &mut Tx) -> Result<Vec<SettingRow>, DbError> {
    tx.query(select_setting!("state in ('wanted', 'sent') order by device_id, setting limit 4096"))
        .all()
        .await
}

pub(super) async fn has_open(tx: &mut Tx) -> Result<bool, DbError> {
    let found =
        tx.query("select 1 from settings where state in ('wanted', 'sent') limit 1").find_value::<i32>();
    Ok(found.await?.is_some())
}

pub(super) async fn write(tx: &mut Tx, device: DeviceId, held: &Held) -> Result<(), DbError> {
    tx.query(
        "insert into settings (device_id, setting, reported, reported_at, desired, desired_at, desired_by, state, \
         reason, sent_at, tries) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         on conflict (device_id, setting) do update set reported = excluded.reported, \
         reported_at = excluded.reported_at, desired = excluded.desired, desired_at = excluded.desired_at, \
         desired_by = excluded.desired_by, state = excluded.state, reason = excluded.reason, \
         sent_at = excluded.sent_at, tries = excluded.tries",
    )
    .bind(device)
    .bind(held.setting.key())
    .bind(held.reported.as_ref().map(SettingValue::stored))
    .bind(held.reported_at)
    .bind(held.desired.as_ref().map(SettingValue::stored))
    .bind(held.desired_at)
    .bind(held.desired_by)
    .bind(held.delivery.map(Delivery::name))
    .bind(held.reason.clone())
    .bind(held.sent_at)
    .bind(held.tries)
    .run()
    .await?;
    Ok(())
}

impl SettingRow {
    /// A setting of a later version is none of ours.
    pub(super) fn held(self) -> Option<Held> {
        let setting = Setting::from_key(&self.setting)?;
        let value = |text: Option<String>| text.and_then(|text| SettingValue::from_stored(setting, &text));
        Some(Held {
            setting,
            reported: value(self.reported),
            reported_at: self.reported_at,
            desired: value(self.desired),
            desired_at: self.desired_at,
            desired_by: self.desired_by,
            delivery: self.state.as_deref().and_then(Delivery::from_name),
            reason: self.reason,
            sent_at: self.sent_at,
            tries: self.tries,
        })
    }
}
