//! The queries of profiles. All that is known of a device comes in rows of one shape, so that it is one query.

use std::collections::HashMap;

use super::{Profile, WebConfig};
use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::devices::Connector;
use crate::ids::{AccountId, DeviceId};
use crate::settings::{Delivery, Setting, SettingValue};
use crate::ways::{Fact, Trouble};

/// Device, what it is, its name, its value, where it stands, why, since when.
type Row = (DeviceId, String, String, Option<String>, Option<String>, Option<String>, Option<Time>);

macro_rules! select_profile {
    ($which:literal) => {
        concat!(
            "select device_id, 'setting', setting, reported, state, reason, desired_at from settings where ",
            $which,
            " union all select device_id, 'fact', fact, value, null, null, null from facts where ",
            $which,
            " union all select device_id, 'trouble', trouble, null, null, null, null from troubles where ",
            $which,
            " union all select device_id, 'way', connector, null, null, null, null from ways where ",
            $which,
            " union all select device_id, 'kept', 'kept', dismissed, case when battery_mails then 'yes' \
             when not battery_mails then 'no' end, null, null from web_configs where ",
            $which
        )
    };
}

pub(super) async fn of_device(tx: &mut Tx, device: DeviceId) -> Result<Profile, DbError> {
    let rows = tx.query(select_profile!("device_id = $1")).bind(device).all::<Row>().await?;
    let mut profile = Profile::default();
    for row in rows {
        add(&mut profile, row);
    }
    Ok(profile)
}

/// Of all devices of an account that have any.
pub(super) async fn of_account(
    tx: &mut Tx,
    account: AccountId,
) -> Result<HashMap<DeviceId, Profile>, DbError> {
    let query = tx.query(select_profile!(
        "device_id in (select id from devices where account_id = $1 and removed_at is null)"
    ));
    let mut profiles: HashMap<DeviceId, Profile> = HashMap::new();
    for row in query.bind(account).all::<Row>().await? {
        add(profiles.entry(row.0).or_default(), row);
    }
    Ok(profiles)
}

fn add(profile: &mut Profile, (_, what, name, value, state, why, since): Row) {
    match what.as_str() {
        "setting" => {
            let Some(setting) = Setting::from_key(&name) else { return };
            if let Some(value) = value.and_then(|text| SettingValue::from_stored(setting, &text)) {
                profile.reported.insert(setting, value);
            }
            match state.as_deref().and_then(Delivery::from_name) {
                Some(Delivery::Wanted | Delivery::Sent) => {
                    profile.waiting.insert(setting, since.unwrap_or(Time(0)));
                }
                Some(Delivery::Refused) => {
                    profile.refused.insert(setting, why.unwrap_or_else(|| "no reason given".to_owned()));
                }
                None => {}
            }
        }
        "fact" => {
            profile.facts.extend(Fact::from_name(&name).zip(value));
        }
        "trouble" => profile.no_pin |= name == Trouble::NoPin.name(),
        "way" => profile.by_hub |= name == Connector::NukiHub.name(),
        _ => {
            let battery_mails = state.map(|word| word == "yes");
            profile.web_config = Some(WebConfig { battery_mails, dismissed: value.map(|ids| split(&ids)) });
        }
    }
}

/// Keeps what is given; the rest stays as it was.
pub(super) async fn keep(tx: &mut Tx, device: DeviceId, config: &WebConfig) -> Result<(), DbError> {
    let dismissed = config.dismissed.as_ref();
    let dismissed = dismissed.map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    tx.query(
        "insert into web_configs (device_id, battery_mails, dismissed) values ($1, $2, $3) \
         on conflict (device_id) do update set \
         battery_mails = coalesce(excluded.battery_mails, web_configs.battery_mails), \
         dismissed = coalesce(excluded.dismissed, web_configs.dismissed)",
    )
    .bind(device)
    .bind(config.battery_mails)
    .bind(dismissed)
    .run()
    .await?;
    Ok(())
}

fn split(ids: &str) -> Vec<i64> {
    ids.split(',').filter_map(|id| id.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use crate::db::plans::plans;

    #[tokio::test]
    async fn a_profile_is_found_by_keys_and_not_by_reading_everybodys() {
        for plan in plans(&[
            select_profile!("device_id = $1"),
            select_profile!(
                "device_id in (select id from devices where account_id = $1 and removed_at is null)"
            ),
        ])
        .await
        {
            assert!(plan.matches("SEARCH").count() >= 5, "{plan}");
            assert!(!plan.contains("SCAN"), "{plan}");
        }
    }
}
