//! What became of a change, as the Hub says it at `configuration/commandResult` (Nuki Hub 9.15,
//! `onConfigUpdateReceived`; the outcomes of Bluetooth from `cmdResultToString`).

use lockwarden_app::settings::Setting;

use super::{Side, Unreadable, object};

/// Of one setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The lock has taken it; what it then says of itself is the proof.
    Success,
    /// The lock had it already.
    Unchanged,
    NoValueSet,
    InvalidValue,
    ValueTooLong,
    AccessDenied,
    Failed,
    TimeOut,
    Working,
    NotPaired,
    Error,
    Undefined,
    /// A word this version does not know.
    Unknown,
}

impl Outcome {
    pub(crate) const ALL: &'static [(&'static str, Self)] = &[
        ("success", Self::Success),
        ("unchanged", Self::Unchanged),
        ("noValueSet", Self::NoValueSet),
        ("invalidValue", Self::InvalidValue),
        ("valueTooLong", Self::ValueTooLong),
        ("accessDenied", Self::AccessDenied),
        ("failed", Self::Failed),
        ("timeOut", Self::TimeOut),
        ("working", Self::Working),
        ("notPaired", Self::NotPaired),
        ("error", Self::Error),
        ("undefined", Self::Undefined),
    ];

    fn from_word(word: &str) -> Self {
        Self::ALL.iter().find(|(known, _)| *known == word).map_or(Self::Unknown, |(_, outcome)| *outcome)
    }

    /// The lock has what was asked for.
    pub(crate) fn is_done(self) -> bool {
        matches!(self, Self::Success | Self::Unchanged)
    }

    /// Whether asking again may end otherwise, without anybody doing something first.
    pub(crate) fn may_be_repeated(self) -> bool {
        matches!(
            self,
            Self::Failed | Self::TimeOut | Self::Working | Self::Error | Self::Undefined | Self::Unknown
        )
    }

    /// What happened and what helps, for a person.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Success => "the lock has taken it",
            Self::Unchanged => "the lock had it already",
            Self::NoValueSet => "Nuki Hub was sent no value",
            Self::InvalidValue => "Nuki Hub does not take this value; set it in the Nuki app",
            Self::ValueTooLong => "Nuki Hub does not take a text as long as this",
            Self::AccessDenied => {
                "Nuki Hub does not allow it: on its web page, under “Access Level Configuration”, tick this setting \
                 among those that may be changed, and save"
            }
            Self::Failed => "the lock refused it",
            Self::TimeOut => {
                "the lock did not answer Nuki Hub; is it near enough, and are its batteries good?"
            }
            Self::Working => "the lock was busy with something else",
            Self::NotPaired => "Nuki Hub is not paired with the lock; pair it on its web page",
            Self::Error => "Nuki Hub could not speak with the lock",
            Self::Undefined => "Nuki Hub does not know what became of it",
            Self::Unknown => "Nuki Hub answered with a word that this version does not know",
        }
    }
}

/// Of the message as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum General {
    /// At least one setting was changed.
    Success,
    /// None was, whether because they were so already or because each failed.
    NoChange,
    ConfigNotReady,
    NoValidPinSet,
    InvalidJson,
    Unknown,
}

impl General {
    pub(crate) const ALL: &'static [(&'static str, Self)] = &[
        ("success", Self::Success),
        ("noChange", Self::NoChange),
        ("configNotReady", Self::ConfigNotReady),
        ("noValidPinSet", Self::NoValidPinSet),
        ("invalidJson", Self::InvalidJson),
    ];

    /// The Hub did not look at any setting of the message.
    pub(crate) fn is_refusal(self) -> bool {
        matches!(self, Self::ConfigNotReady | Self::NoValidPinSet | Self::InvalidJson)
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Success => "something was changed",
            Self::NoChange => "nothing was changed",
            Self::ConfigNotReady => {
                "Nuki Hub has not read the lock’s settings yet; it takes some minutes after its start, and the lock \
                 must be near"
            }
            Self::NoValidPinSet => {
                "Nuki Hub does not have the lock’s PIN, or a wrong one: enter it on its web page, under “Credentials”"
            }
            Self::InvalidJson => "Nuki Hub could not read what it was sent",
            Self::Unknown => "Nuki Hub answered with a word that this version does not know",
        }
    }
}

/// What the Hub answered to one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub general: Option<General>,
    pub settings: Vec<(Setting, Outcome)>,
}

impl Answer {
    /// What became of one setting of the message. A refusal of the whole message is none of any setting.
    pub(crate) fn of(&self, setting: Setting) -> Option<Outcome> {
        self.settings.iter().find(|(known, _)| *known == setting).map(|(_, outcome)| *outcome)
    }
}

/// A cleared topic is an answer without anything. Keys that are no settings (`rebootNuki`) are passed over.
pub(crate) fn read_result(side: Side, payload: &[u8]) -> Result<Answer, Unreadable> {
    let mut answer = Answer::default();
    let Some(object) = object(payload)? else { return Ok(answer) };
    for (key, value) in &object {
        let word = value.as_str();
        if key == "general" {
            let known = General::ALL.iter().find(|(known, _)| Some(*known) == word);
            answer.general = Some(known.map_or(General::Unknown, |(_, general)| *general));
        } else if let Some(setting) = side.setting(key) {
            answer.settings.push((setting, word.map_or(Outcome::Unknown, Outcome::from_word)));
        }
    }
    // Whatever order the Hub writes them in.
    answer.settings.sort_unstable_by_key(|(setting, _)| *setting);
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Answer {
        read_result(Side::Lock, text.as_bytes()).unwrap()
    }

    #[test]
    fn the_answers_of_the_hub_are_read_by_setting() {
        let answer = answer(
            r#"{"advertisingMode":"success","autoLockTimeOut":"unchanged","nightModeStartTime":"timeOut",
            "general":"success"}"#,
        );
        assert_eq!(answer.general, Some(General::Success));
        assert_eq!(answer.of(Setting::AdvertisingMode), Some(Outcome::Success));
        assert_eq!(answer.of(Setting::AutoLockTimeout), Some(Outcome::Unchanged));
        assert_eq!(answer.of(Setting::NightModeStart), Some(Outcome::TimeOut));
        assert_eq!(answer.of(Setting::Name), None);
        assert_eq!(answer.settings.len(), 3);
    }

    #[test]
    fn every_word_is_its_own_outcome_and_only_two_mean_done() {
        for (word, outcome) in Outcome::ALL {
            assert_eq!(answer(&format!(r#"{{"name":"{word}"}}"#)).of(Setting::Name), Some(*outcome));
            assert_eq!(outcome.is_done(), matches!(*word, "success" | "unchanged"), "{word}");
            assert!(!(outcome.is_done() && outcome.may_be_repeated()));
        }
        for (word, general) in General::ALL {
            assert_eq!(answer(&format!(r#"{{"general":"{word}"}}"#)).general, Some(*general));
        }
        for strange in [r#"{"name":"splendid","general":"marvellous"}"#, r#"{"name":1,"general":true}"#] {
            let answer = answer(strange);
            assert_eq!(
                (answer.of(Setting::Name), answer.general),
                (Some(Outcome::Unknown), Some(General::Unknown))
            );
        }
        assert!(!Outcome::Unknown.is_done());
    }

    #[test]
    fn a_refused_message_says_of_no_setting_that_it_is_done_and_how_to_go_on() {
        for (word, help) in
            [("noValidPinSet", "PIN"), ("configNotReady", "not read"), ("invalidJson", "not read")]
        {
            let answer = answer(&format!(r#"{{"general":"{word}"}}"#));
            let general = answer.general.unwrap();
            assert!(general.is_refusal() && answer.settings.is_empty());
            assert!(general.words().contains(help), "{}", general.words());
        }
        assert!(!General::NoChange.is_refusal());
        assert!(Outcome::AccessDenied.words().contains("Access Level Configuration"));
        assert!(!Outcome::AccessDenied.may_be_repeated());
    }

    #[test]
    fn the_sides_have_keys_of_their_own_and_unknown_ones_are_passed_over() {
        let text = br#"{"ledFlashEnabled":"success","ledEnabled":"failed","rebootNuki":"success","hint":[1,{"a":2}]}"#;
        let opener = read_result(Side::Opener, text).unwrap();
        assert_eq!(opener.settings, [(Setting::LedEnabled, Outcome::Success)]);
        let lock = read_result(Side::Lock, text).unwrap();
        assert_eq!(lock.settings, [(Setting::LedEnabled, Outcome::Failed)]);
    }

    #[test]
    fn a_cleared_topic_is_no_answer_and_garbage_is_refused() {
        assert_eq!(read_result(Side::Lock, b""), Ok(Answer::default()));
        assert_eq!(read_result(Side::Lock, b"--"), Ok(Answer::default()));
        for garbage in
            [&b"success"[..], b"[]", b"\"name\"", b"{\"name\":\"succ", b"{\"name\":\"\xFF\"}", b"null"]
        {
            assert_eq!(read_result(Side::Lock, garbage), Err(Unreadable::Malformed), "{garbage:?}");
        }
        let long = format!(r#"{{"name":"{}"#, "x".repeat(2_040));
        assert_eq!(read_result(Side::Lock, &long.as_bytes()[..2_047]), Err(Unreadable::Truncated));
    }
}
