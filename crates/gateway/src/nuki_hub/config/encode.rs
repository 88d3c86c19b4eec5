//! Wanted settings as what the Hub takes at `configuration/action` (Nuki Hub 9.15, `onConfigUpdateReceived`). Every
//! value is a JSON string, because the Hub writes a number or a switch through a pointer that leads nowhere; what it
//! would set otherwise than asked is not sent at all.

use std::borrow::Cow;

use lockwarden_app::devices::DeviceType;
use lockwarden_app::settings::{Setting, SettingValue, Way, beyond_hub, check, zone_name};

use super::Side;

/// The Hub's buffer for what comes in has 800 bytes, the last of them its end.
const LONGEST_PAYLOAD: usize = 799;

/// One message for `configuration/action`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    pub text: String,
    /// Of which the Hub will say what became of them.
    pub settings: Vec<Setting>,
}

/// What to send, and what not and why, in words that follow the setting's label and a colon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Encoded {
    pub payloads: Vec<Payload>,
    pub refused: Vec<(Setting, Cow<'static, str>)>,
}

/// Of a setting that is wanted twice the last counts.
pub(crate) fn encode(side: Side, device: DeviceType, wanted: &[(Setting, SettingValue)]) -> Encoded {
    let mut encoded = Encoded::default();
    for (place, (setting, value)) in wanted.iter().enumerate() {
        if wanted.iter().skip(place + 1).any(|(later, _)| later == setting) {
            continue;
        }
        match pair(side, device, *setting, value) {
            Ok(pair) => add(&mut encoded.payloads, *setting, &pair),
            Err(why) => encoded.refused.push((*setting, why)),
        }
    }
    encoded
}

/// Into the last message if there is room, else into a new one.
fn add(payloads: &mut Vec<Payload>, setting: Setting, pair: &str) {
    if let Some(last) = payloads.last_mut()
        && last.text.len() + 1 + pair.len() <= LONGEST_PAYLOAD
    {
        last.text.pop();
        last.text.push(',');
        last.text.push_str(pair);
        last.text.push('}');
        last.settings.push(setting);
        return;
    }
    payloads.push(Payload { text: format!("{{{pair}}}"), settings: vec![setting] });
}

/// `"key":"value"`.
fn pair(
    side: Side,
    device: DeviceType,
    setting: Setting,
    value: &SettingValue,
) -> Result<String, Cow<'static, str>> {
    let value = check(setting, device, value.clone())?;
    let key = side.key(setting).filter(|_| side.serves(device) && setting.reach(Way::NukiHub, device).sets());
    let Some(key) = key else {
        return Err("Nuki Hub cannot set it; set it in the Nuki app".into());
    };
    if let Some(why) = beyond_hub(setting, &value) {
        return Err(why.into());
    }
    let text = text(side, setting, &value).ok_or("Nuki Hub has no word for it; set it in the Nuki app")?;
    let pair = format!("\"{key}\":{}", serde_json::Value::String(text));
    // A name of 32 bytes that all need six each would still be far from it.
    if pair.len() + 2 > LONGEST_PAYLOAD {
        return Err("it is longer than Nuki Hub can take".into());
    }
    Ok(pair)
}

/// A value as the Hub reads it.
fn text(side: Side, setting: Setting, value: &SettingValue) -> Option<String> {
    let words = side.words(setting);
    match (setting, value) {
        (_, SettingValue::Bool(on)) => Some(if *on { "1" } else { "0" }.to_owned()),
        (Setting::Timezone, SettingValue::Int(id)) => zone_name(*id).map(str::to_owned),
        (Setting::NightModeStart | Setting::NightModeEnd, SettingValue::Int(minute)) => {
            Some(format!("{:02}:{:02}", minute / 60, minute % 60))
        }
        (_, SettingValue::Int(number)) if words.is_empty() => Some(number.to_string()),
        (_, SettingValue::Int(code)) => {
            words.iter().find(|(known, _)| known == code).map(|(_, word)| (*word).to_owned())
        }
        (_, SettingValue::Float(degrees)) => Some(format!("{degrees:.6}")),
        (_, SettingValue::Text(text)) => Some(text.clone()),
    }
}
