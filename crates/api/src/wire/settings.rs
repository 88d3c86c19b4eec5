//! `Smartlock.Config`, `.AdvancedConfig`, `.OpenerAdvancedConfig` and `.SmartdoorAdvancedConfig`, made from the catalogue of
//! settings. What is answered is what the device says; a model is only answered if all its required keys are known. What
//! comes in is usually the whole object as it was answered, changed here and there.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use lockwarden_app::clock::Time;
use lockwarden_app::devices::{Device, DeviceType};
use lockwarden_app::profiles::Profile;
use lockwarden_app::settings::{Change, Model, Setting, SettingValue, Wire};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::loose::is_true;

/// More than the largest model has, for keys that somebody adds.
const MOST_KEYS: usize = 128;
const OPERATION: &str = "operationId";

/// One of the four models.
pub(crate) trait Of {
    const MODEL: Model;
    const NAME: &'static str;
    const REQUIRED: &'static [&'static str];
    /// Which types have it (Web API 4.10.0, paths of `/advanced`). A smart door has the lock's model as well: clients know
    /// only that one.
    fn is_on(kind: DeviceType) -> bool;
}

#[derive(Debug)]
pub(crate) struct Config;

impl Of for Config {
    const MODEL: Model = Model::Config;
    const NAME: &'static str = "Smartlock.Config";
    const REQUIRED: &'static [&'static str] =
        &["advertisingMode", "latitude", "longitude", "name", "singleLock", "timezoneId", "timezoneOffset"];

    fn is_on(_: DeviceType) -> bool {
        true
    }
}

#[derive(Debug)]
pub(crate) struct Advanced;

impl Of for Advanced {
    const MODEL: Model = Model::Advanced;
    const NAME: &'static str = "Smartlock.AdvancedConfig";
    const REQUIRED: &'static [&'static str] = &[
        "batteryType",
        "lockedPositionOffsetDegrees",
        "singleLockedPositionOffsetDegrees",
        "totalDegrees",
        "unlockedPositionOffsetDegrees",
    ];

    fn is_on(kind: DeviceType) -> bool {
        use DeviceType::{SmartDoor, SmartLock5, SmartLock12, SmartLock34};
        matches!(kind, SmartLock12 | SmartDoor | SmartLock34 | SmartLock5)
    }
}

#[derive(Debug)]
pub(crate) struct Opener;

impl Of for Opener {
    const MODEL: Model = Model::Opener;
    const NAME: &'static str = "Smartlock.OpenerAdvancedConfig";
    const REQUIRED: &'static [&'static str] = &[
        "batteryType",
        "busModeSwitch",
        "disableRtoAfterRing",
        "doorbellSuppression",
        "doorbellSuppressionDuration",
        "doubleButtonPressAction",
        "electricStrikeDelay",
        "electricStrikeDuration",
        "intercomId",
        "randomElectricStrikeDelay",
        "rtoTimeout",
        "shortCircuitDuration",
        "singleButtonPressAction",
        "soundCm",
        "soundConfirmation",
        "soundLevel",
        "soundOpen",
        "soundRing",
        "soundRto",
    ];

    fn is_on(kind: DeviceType) -> bool {
        kind == DeviceType::Opener
    }
}

#[derive(Debug)]
pub(crate) struct SmartDoor;

impl Of for SmartDoor {
    const MODEL: Model = Model::SmartDoor;
    const NAME: &'static str = "Smartlock.SmartdoorAdvancedConfig";
    const REQUIRED: &'static [&'static str] = &["autoLock", "batteryType"];

    fn is_on(kind: DeviceType) -> bool {
        kind == DeviceType::SmartDoor
    }
}

/// A model as it is answered.
#[derive(Debug)]
pub(crate) struct Settings<M> {
    told: Vec<(Setting, SettingValue)>,
    operation: Option<String>,
    model: PhantomData<M>,
}

fn settings_of(model: Model) -> impl Iterator<Item = Setting> {
    Setting::ALL.iter().copied().filter(move |setting| setting.about().models.contains(&model))
}

impl<M: Of> Settings<M> {
    /// None, if this type has no such model, or if one of the required keys is not known.
    pub(super) fn of(device: &Device, profile: &Profile) -> Option<Self> {
        let kind = device.kind.filter(|kind| M::is_on(*kind))?;
        let told: Vec<_> = settings_of(M::MODEL)
            .filter_map(|setting| {
                Some((setting, profile.reported(setting).or_else(|| lacks(setting, kind))?))
            })
            .collect();
        let is_whole = M::REQUIRED.iter().all(|key| told.iter().any(|(setting, _)| setting.key() == *key));
        let operation = profile.waiting_in(M::MODEL).map(|since| operation_id(device, since));
        is_whole.then_some(Self { told, operation, model: PhantomData })
    }
}

/// `singleLock` is required of every type; what has no bolt to turn twice does not turn it once either.
fn lacks(setting: Setting, kind: DeviceType) -> Option<SettingValue> {
    let has_none = setting == Setting::SingleLock && !setting.is_on(kind);
    has_none.then_some(SettingValue::Bool(false))
}

/// Made like the Web API's ids, 24 hexadecimal digits beginning with the seconds since 1970: of the newest change that is
/// on its way, and of the device.
pub(super) fn operation_id(device: &Device, since: Time) -> String {
    format!("{:08x}{:016x}", (since.0 / 1_000) & 0xFFFF_FFFF, device.id.0)
}

impl<M> Serialize for Settings<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (setting, value) in &self.told {
            let key = setting.key();
            match value {
                SettingValue::Bool(yes) => map.serialize_entry(key, yes)?,
                SettingValue::Int(number) => map.serialize_entry(key, number)?,
                SettingValue::Float(number) => map.serialize_entry(key, number)?,
                SettingValue::Text(_) if setting.about().kind.wire() == Wire::Array => {
                    map.serialize_entry(key, &value.codes())?;
                }
                SettingValue::Text(text) => map.serialize_entry(key, text)?,
            }
        }
        if let Some(operation) = &self.operation {
            map.serialize_entry(OPERATION, operation)?;
        }
        map.end()
    }
}

impl<M: Of> JsonSchema for Settings<M> {
    fn schema_name() -> Cow<'static, str> {
        M::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut properties = serde_json::Map::new();
        for setting in settings_of(M::MODEL) {
            let about = setting.about();
            let mut property = match about.kind.wire() {
                Wire::Boolean => serde_json::json!({ "type": "boolean" }),
                Wire::Integer => serde_json::json!({ "type": "integer", "format": "int32" }),
                Wire::Number => serde_json::json!({ "type": "number", "format": "float" }),
                Wire::String => serde_json::json!({ "type": "string" }),
                Wire::Array => serde_json::json!({ "type": "array", "items": { "type": "integer" } }),
            };
            if let Some(property) = property.as_object_mut() {
                property.insert("description".to_owned(), about.help.into());
                if !about.web.sets() {
                    property.insert("readOnly".to_owned(), true.into());
                }
            }
            properties.insert(about.key.to_owned(), property);
        }
        let operation = "There while a change to one of these is on its way to the device.";
        let operation = serde_json::json!({ "type": "string", "description": operation, "readOnly": true });
        properties.insert(OPERATION.to_owned(), operation);
        json_schema!({ "type": "object", "properties": properties, "required": M::REQUIRED })
    }
}

/// A model as it is sent to us: any of its keys. What can only be read, is null or is no key of it is nobody's wish.
#[derive(Debug)]
pub(crate) struct Wanted<M> {
    pub(crate) changes: Vec<Change>,
    /// All required keys are there: it is what was answered before, sent back.
    pub(crate) is_whole: bool,
    model: PhantomData<M>,
}

impl<M: Of> JsonSchema for Wanted<M> {
    fn schema_name() -> Cow<'static, str> {
        Settings::<M>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Settings::<M>::json_schema(generator)
    }
}

impl<'de, M: Of> Deserialize<'de> for Wanted<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<M>(PhantomData<M>);

        impl<'de, M: Of> Visitor<'de> for Reader<M> {
            type Value = Wanted<M>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an object with keys of {}", M::NAME)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Wanted<M>, A::Error> {
                let mut changes = Vec::new();
                let mut seen = HashSet::new();
                while let Some(key) = map.next_key::<String>()? {
                    let value = map.next_value::<Value>()?;
                    let setting =
                        settings_of(M::MODEL).find(|one| one.key() == key && one.about().web.sets());
                    if let Some(setting) = setting.filter(|_| !value.is_null()) {
                        let value = read(setting, value).ok_or_else(|| A::Error::custom(wrong(setting)))?;
                        changes.push(Change { setting, value, seen: None });
                    }
                    if !seen.insert(key) || seen.len() > MOST_KEYS {
                        return Err(A::Error::custom("a key is given twice, or there are too many"));
                    }
                }
                let is_whole = M::REQUIRED.iter().all(|key| seen.contains(*key));
                Ok(Wanted { changes, is_whole, model: PhantomData })
            }
        }

        deserializer.deserialize_map(Reader(PhantomData))
    }
}

/// Whether it is right is said by the setting itself; here it only becomes a value of its kind.
fn read(setting: Setting, value: Value) -> Option<SettingValue> {
    let wire = setting.about().kind.wire();
    match (wire, value) {
        (Wire::String, Value::String(text)) => Some(SettingValue::Text(text)),
        (Wire::String | Wire::Array, _)
        | (Wire::Number, Value::Bool(_))
        | (_, Value::Null | Value::Array(_) | Value::Object(_)) => None,
        (_, Value::Bool(yes)) => Some(SettingValue::Bool(yes)),
        (Wire::Number, Value::Number(number)) => number.as_f64().map(SettingValue::Float),
        (_, Value::Number(number)) => match number.as_i64() {
            Some(number) => Some(SettingValue::Int(number)),
            None => number.as_f64().map(SettingValue::Float),
        },
        (Wire::Boolean, Value::String(text)) => is_true(&text).map(SettingValue::Bool),
        (Wire::Integer, Value::String(text)) => text.parse().ok().map(SettingValue::Int),
        (Wire::Number, Value::String(text)) => {
            text.parse().ok().filter(|number: &f64| number.is_finite()).map(SettingValue::Float)
        }
    }
}

fn wrong(setting: Setting) -> String {
    let kind = match setting.about().kind.wire() {
        Wire::Boolean => "true or false",
        Wire::Integer => "a whole number",
        Wire::Number => "a number",
        Wire::String => "text",
        Wire::Array => "a list of numbers",
    };
    format!("{} must be {kind}", setting.key())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted<M: Of>(text: &str) -> Result<(Vec<(Setting, SettingValue)>, bool), String> {
        let wanted = serde_json::from_str::<Wanted<M>>(text).map_err(|error| error.to_string())?;
        let changes = wanted.changes.into_iter().map(|change| (change.setting, change.value)).collect();
        Ok((changes, wanted.is_whole))
    }

    #[test]
    fn a_body_is_read_as_clients_write_it() {
        let body = r#"{"ledEnabled":"True","ledBrightness":"3","latitude":"48.2","longitude":16,"name":"Door",
            "singleLock":1,"buttonEnabled":null,"fobAction1":4,"operationId":"x","lngTimeout":20,"more":{"a":[1]}}"#;
        let (changes, is_whole) = wanted::<Config>(body).unwrap();
        assert!(!is_whole);
        assert_eq!(
            changes,
            [
                (Setting::LedEnabled, SettingValue::Bool(true)),
                (Setting::LedBrightness, SettingValue::Int(3)),
                (Setting::Latitude, SettingValue::Float(48.2)),
                (Setting::Longitude, SettingValue::Float(16.0)),
                (Setting::Name, SettingValue::Text("Door".to_owned())),
                (Setting::SingleLock, SettingValue::Int(1)),
            ]
        );
        let (changes, is_whole) = wanted::<SmartDoor>(r#"{"batteryType":0,"autoLock":false}"#).unwrap();
        assert!(is_whole && changes.len() == 2);
        assert_eq!(wanted::<Opener>("{}").unwrap(), (Vec::new(), false));
    }

    #[test]
    fn what_could_mean_two_things_or_nothing_is_no_wish() {
        let many: Vec<String> = (0..200).map(|number| format!("\"k{number}\":0")).collect();
        for text in [
            "",
            "[]",
            "null",
            "1",
            r#"{"ledEnabled":true,"ledEnabled":false}"#,
            r#"{"ledEnabled":"perhaps"}"#,
            r#"{"ledEnabled":[true]}"#,
            r#"{"ledBrightness":"bright"}"#,
            r#"{"latitude":true}"#,
            r#"{"latitude":"NaN"}"#,
            r#"{"name":5}"#,
            &format!("{{{}}}", many.join(",")),
        ] {
            assert!(wanted::<Config>(text).is_err(), "{text}");
        }
    }
}
