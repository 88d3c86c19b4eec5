//! A client of the router, and a strict reader of what the Web API's models allow.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use lockwarden_app::accounts::{NewToken, TokenScope};
use lockwarden_app::actor::Actor;
use lockwarden_app::devices::{Connector, DeviceType, LockState, NewDevice, Observation};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::settings::{Kind as SettingKind, Setting, SettingValue};
use lockwarden_testkit::World;
use serde_json::Value;
use tower::ServiceExt as _;

pub(crate) struct Api {
    pub(crate) world: World,
    router: Router,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/json;charset=UTF-8");
        serde_json::from_str(&self.text).unwrap()
    }
}

impl Api {
    pub(crate) async fn new() -> Self {
        Self::on(World::new().await)
    }

    fn on(world: World) -> Self {
        let router = Router::new().nest("/api", lockwarden_api::router(world.app.clone()));
        Self { world, router }
    }

    /// The same database after the process died and came back at the same moment.
    pub(crate) async fn restart(self, seed: u64) -> Self {
        drop(self.router);
        Self::on(self.world.restart(seed).await)
    }

    pub(crate) async fn token(&self, actor: &Actor, scopes: &[TokenScope]) -> String {
        self.world.app.create_token(actor, NewToken { name: "test", scopes }).await.unwrap().1
    }

    /// A device behind a hub.
    pub(crate) async fn behind_hub(
        &self,
        owner: &Actor,
        name: &str,
        (kind, nuki_id): (DeviceType, u32),
    ) -> DeviceId {
        let (device, _) = self.world.app.add_device(owner, NewDevice::by_hub(name, None)).await.unwrap();
        for seen in [
            Observation::Link { up: true },
            Observation::NukiId(nuki_id),
            Observation::DeviceType(kind),
            Observation::Listens(true),
            Observation::State(LockState::Locked),
        ] {
            self.hub_says(device, seen).await;
        }
        device
    }

    pub(crate) async fn hub_says(&self, device: DeviceId, seen: Observation) {
        self.world.says_by(device, Connector::NukiHub, seen).await;
    }

    pub(crate) async fn call(&self, method: &str, path: &str, token: &str, body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api{path}"));
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.call("GET", path, token, "").await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 10_000_000).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }
}

/// A value for every setting of the Web API that this kind of device has.
pub(crate) fn everything_of(kind: DeviceType) -> Vec<(Setting, SettingValue)> {
    let of_web = Setting::of(kind).filter(|setting| !setting.about().models.is_empty());
    let value = |setting: Setting| match setting.kind(kind) {
        SettingKind::Bool => SettingValue::Bool(true),
        SettingKind::Int { min, .. } => SettingValue::Int(min),
        SettingKind::OneOf { of, .. } => SettingValue::Int(of[0]),
        SettingKind::Choice { of, .. } => SettingValue::Int(of[0].0),
        SettingKind::Several(_) => SettingValue::from_codes(&[0, 2]),
        SettingKind::Text { .. } => SettingValue::Text("Front door".to_owned()),
        SettingKind::MinuteOfDay | SettingKind::Degrees { .. } => SettingValue::Int(0),
        SettingKind::Coordinate { .. } => SettingValue::Float(48.5),
        SettingKind::TimeZone => SettingValue::Int(37),
    };
    of_web.map(|setting| (setting, value(setting))).collect()
}

/// What a model of the Web API 4.10.0 allows: required keys, optional keys, and their kinds.
pub(crate) struct Model {
    pub(crate) required: &'static [(&'static str, Kind)],
    pub(crate) optional: &'static [(&'static str, Kind)],
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// A whole number in this range.
    Int(i64, i64),
    Float,
    Bool,
    Text,
    Ints,
    /// RFC 3339 with milliseconds and Z.
    Date,
    Model(&'static Model),
}

const I32: Kind = Kind::Int(i32::MIN as i64, i32::MAX as i64);

pub(crate) static MY_ACCOUNT: Model = Model {
    required: &[
        ("accountId", I32),
        ("type", Kind::Int(0, 2)),
        ("email", Kind::Text),
        ("name", Kind::Text),
        ("creationDate", Kind::Date),
        ("updateDate", Kind::Date),
    ],
    optional: &[
        ("emailVerified", Kind::Bool),
        ("masterAccountId", I32),
        ("rights", Kind::Int(0, 127)),
        ("language", Kind::Text),
    ],
};

pub(crate) static SMARTLOCK: Model = Model {
    required: &[
        ("smartlockId", Kind::Int(0, i64::MAX)),
        ("accountId", I32),
        ("type", Kind::Int(0, 5)),
        ("authId", I32),
        ("name", Kind::Text),
        ("favorite", Kind::Bool),
        ("serverState", Kind::Int(0, 4)),
        ("adminPinState", Kind::Int(0, 2)),
    ],
    optional: &[
        ("config", Kind::Model(&CONFIG)),
        ("advancedConfig", Kind::Model(&ADVANCED_CONFIG)),
        ("openerAdvancedConfig", Kind::Model(&OPENER_ADVANCED_CONFIG)),
        ("smartdoorAdvancedConfig", Kind::Model(&SMARTDOOR_ADVANCED_CONFIG)),
        ("webConfig", Kind::Model(&WEB_CONFIG)),
        ("operationId", Kind::Text),
        ("error", Kind::Text),
        ("state", Kind::Model(&STATE)),
        ("firmwareVersion", I32),
        ("hardwareVersion", I32),
        ("virtualDevice", Kind::Bool),
        ("creationDate", Kind::Date),
        ("updateDate", Kind::Date),
    ],
};

pub(crate) static CONFIG: Model = Model {
    required: &[
        ("advertisingMode", Kind::Int(0, 3)),
        ("latitude", Kind::Float),
        ("longitude", Kind::Float),
        ("name", Kind::Text),
        ("singleLock", Kind::Bool),
        ("timezoneId", Kind::Int(0, 45)),
        ("timezoneOffset", I32),
    ],
    optional: &[
        ("capabilities", Kind::Int(0, 2)),
        ("autoUnlatch", Kind::Bool),
        ("liftUpHandle", Kind::Bool),
        ("pairingEnabled", Kind::Bool),
        ("buttonEnabled", Kind::Bool),
        ("ledEnabled", Kind::Bool),
        ("ledBrightness", I32),
        ("daylightSavingMode", I32),
        ("fobPaired", Kind::Bool),
        ("fobAction1", Kind::Int(0, 8)),
        ("fobAction2", Kind::Int(0, 8)),
        ("fobAction3", Kind::Int(0, 8)),
        ("operatingMode", I32),
        ("keypadPaired", Kind::Bool),
        ("keypad2Paired", Kind::Bool),
        ("homekitState", Kind::Int(0, 3)),
        ("matterState", Kind::Int(0, 4)),
        ("deviceType", I32),
        ("wifiEnabled", Kind::Bool),
        ("operationId", Kind::Text),
        ("productVariant", Kind::Int(1, 3)),
    ],
};

pub(crate) static ADVANCED_CONFIG: Model = Model {
    required: &[
        ("batteryType", I32),
        ("lockedPositionOffsetDegrees", I32),
        ("singleLockedPositionOffsetDegrees", I32),
        ("totalDegrees", I32),
        ("unlockedPositionOffsetDegrees", I32),
    ],
    optional: &[
        ("lngTimeout", I32),
        ("singleButtonPressAction", I32),
        ("doubleButtonPressAction", I32),
        ("automaticBatteryTypeDetection", Kind::Bool),
        ("unlatchDuration", I32),
        ("operationId", Kind::Text),
        ("unlockedToLockedTransitionOffsetDegrees", I32),
        ("detachedCylinder", Kind::Bool),
        ("autoLock", Kind::Bool),
        ("autoLockTimeout", I32),
        ("autoUpdateEnabled", Kind::Bool),
        ("motorSpeed", I32),
        ("enableSlowSpeedDuringNightmode", Kind::Bool),
    ],
};

pub(crate) static OPENER_ADVANCED_CONFIG: Model = Model {
    required: &[
        ("batteryType", I32),
        ("busModeSwitch", I32),
        ("disableRtoAfterRing", Kind::Bool),
        ("doorbellSuppression", I32),
        ("doorbellSuppressionDuration", I32),
        ("doubleButtonPressAction", I32),
        ("electricStrikeDelay", I32),
        ("electricStrikeDuration", I32),
        ("intercomId", I32),
        ("randomElectricStrikeDelay", Kind::Bool),
        ("rtoTimeout", I32),
        ("shortCircuitDuration", I32),
        ("singleButtonPressAction", I32),
        ("soundCm", I32),
        ("soundConfirmation", I32),
        ("soundLevel", I32),
        ("soundOpen", I32),
        ("soundRing", I32),
        ("soundRto", I32),
    ],
    optional: &[
        ("automaticBatteryTypeDetection", Kind::Bool),
        ("autoUpdateEnabled", Kind::Bool),
        ("operationId", Kind::Text),
    ],
};

pub(crate) static SMARTDOOR_ADVANCED_CONFIG: Model = Model {
    required: &[("autoLock", Kind::Bool), ("batteryType", I32)],
    optional: &[
        ("lngTimeout", I32),
        ("singleButtonPressAction", I32),
        ("doubleButtonPressAction", I32),
        ("automaticBatteryTypeDetection", Kind::Bool),
        ("unlatchDuration", I32),
        ("operationId", Kind::Text),
        ("buzzerVolume", I32),
        ("supportedBatteryTypes", Kind::Ints),
        ("autoLockTimeout", I32),
    ],
};

pub(crate) static WEB_CONFIG: Model = Model {
    required: &[],
    optional: &[("batteryWarningPerMailEnabled", Kind::Bool), ("dismissedLiftUpHandleWarning", Kind::Ints)],
};

pub(crate) static STATE: Model = Model {
    required: &[
        ("mode", Kind::Int(0, 5)),
        ("state", Kind::Int(0, 255)),
        ("trigger", Kind::Int(0, 7)),
        ("lastAction", Kind::Int(0, 5)),
        ("batteryCritical", Kind::Bool),
        ("doorState", Kind::Int(0, 255)),
        ("ringToOpenTimer", Kind::Int(0, 65_535)),
        ("nightMode", Kind::Bool),
    ],
    optional: &[
        ("batteryCharging", Kind::Bool),
        ("batteryCharge", Kind::Int(0, 100)),
        ("keypadBatteryCritical", Kind::Bool),
        ("doorsensorBatteryCritical", Kind::Bool),
        ("ringToOpenEnd", Kind::Date),
    ],
};

pub(crate) static LOG: Model = Model {
    required: &[
        ("id", Kind::Text),
        ("smartlockId", Kind::Int(0, i64::MAX)),
        ("deviceType", Kind::Int(0, 5)),
        ("name", Kind::Text),
        ("action", Kind::Int(1, 255)),
        ("trigger", Kind::Int(0, 255)),
        ("state", Kind::Int(0, 255)),
        ("autoUnlock", Kind::Bool),
        ("date", Kind::Date),
    ],
    optional: &[("accountUserId", I32), ("authId", Kind::Text), ("source", Kind::Int(0, 3))],
};

/// As the strictest client reads: every required key, no unknown key, and each of its kind.
#[track_caller]
pub(crate) fn check(model: &Model, value: &Value) {
    let object = value.as_object().unwrap_or_else(|| unreachable!("not an object: {value}"));
    for (key, _) in model.required {
        assert!(object.contains_key(*key), "{key} is missing in {value}");
    }
    for (key, value) in object {
        let mut known = model.required.iter().chain(model.optional);
        let (_, kind) = known
            .find(|(known, _)| known == key)
            .unwrap_or_else(|| unreachable!("{key} is no key of the model"));
        check_kind(key, *kind, value);
    }
}

#[track_caller]
fn check_kind(key: &str, kind: Kind, value: &Value) {
    match kind {
        Kind::Int(low, high) => {
            let number = value.as_i64().unwrap_or_else(|| unreachable!("{key}: {value} is no whole number"));
            assert!((low..=high).contains(&number), "{key}: {number}");
        }
        Kind::Float => assert!(value.is_number(), "{key}: {value}"),
        Kind::Ints => {
            assert!(value.as_array().unwrap().iter().all(Value::is_i64), "{key}: {value}");
        }
        Kind::Bool => assert!(value.is_boolean(), "{key}: {value}"),
        Kind::Text => assert!(value.is_string(), "{key}: {value}"),
        Kind::Date => {
            let text = value.as_str().unwrap_or_default();
            assert!(text.len() == 24 && text.ends_with('Z') && &text[19..20] == ".", "{key}: {text}");
        }
        Kind::Model(model) => check(model, value),
    }
}
