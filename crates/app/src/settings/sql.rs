//! The queries of settings.

use sqlx::FromRow;

use super::{Delivery, Held, Setting, SettingValue};
use crate::clock::Time;
use crate::db::{DbError, Tx, chunks};
use crate::devices::Connector;
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

/// One setting of each of these devices.
pub(super) async fn of_devices(
    tx: &mut Tx,
    setting: Setting,
    devices: &[DeviceId],
) -> Result<Vec<SettingRow>, DbError> {
    let mut found = Vec::new();
    for chunk in chunks(devices) {
        let mut query = tx.rows(select_setting!("(device_id, setting) in ("), 2, chunk.len(), ")");
        for device in chunk {
            query = query.bind(*device).bind(setting.key());
        }
        found.extend(query.all::<SettingRow>().await?);
    }
    Ok(found)
}

/// What is still to be brought to its device, where a hub is there to bring it; of the devices after this one.
const OPEN: &str = select_setting!(
    "state in ('wanted', 'sent') and device_id > $1 and exists (select 1 from ways w \
     where w.device_id = settings.device_id and w.connector = $2 and w.online and w.speaks_for is null) \
     order by device_id, setting limit $3"
);

pub(super) async fn open(tx: &mut Tx, after: DeviceId, limit: i64) -> Result<Vec<SettingRow>, DbError> {
    tx.query(OPEN).bind(after).bind(Connector::NukiHub.name()).bind(limit).all().await
}

/// Nobody wants anything of a device any more; how much was wanted.
pub(super) async fn leave_all(tx: &mut Tx, device: DeviceId) -> Result<u64, DbError> {
    tx.query(
        "update settings set desired = null, state = null, reason = null, sent_at = null, tries = 0 \
         where device_id = $1 and state is not null",
    )
    .bind(device)
    .run()
    .await
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::plans::plans;

    #[tokio::test]
    async fn what_is_open_is_found_without_a_look_at_the_rest_and_one_setting_of_a_device_by_its_key() {
        let of_devices = select_setting!("(device_id, setting) in ( values ($1,$2),($3,$4))");
        let plans = plans(&[OPEN, of_devices]).await;
        assert!(
            plans[0].starts_with("SEARCH settings USING INDEX settings_wanted (device_id>?)"),
            "{plans:?}"
        );
        assert!(plans[0].contains("ways_of_device (device_id=? AND connector=?)"), "{plans:?}");
        assert!(!plans[0].contains("TEMP B-TREE"), "{plans:?}");
        assert!(plans[1].contains("(device_id=? AND setting=?)"), "{plans:?}");
        assert!(!plans[1].contains("SCAN settings"), "{plans:?}");
    }
}
