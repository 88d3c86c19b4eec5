//! The book of names: for whom the numbers stand that a device tells with its actions. Only lists of the device fill it, and
//! a list may be incomplete, so what is missing in one is not forgotten.

use std::collections::{BTreeMap, HashMap};

use super::names_sql as sql;
use super::report::{LockEvent, Observation};
use super::{LogRecord, Report};
use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::ids::DeviceId;
use crate::ways::Fact;

/// Names of one device; what was told last stays. A lock has 200 codes at most, and fewer people.
pub const MOST_NAMES: usize = 400;
/// What a lock's log calls a keypad that nobody named otherwise.
const KEYPAD: &str = "Keypad";

/// What a device tells of whoever sets off an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Number {
    Authorization(u32),
    /// Of a code of the keypad; not the code.
    Code(u32),
}

impl Number {
    const AUTHORIZATION: i64 = 1;
    const CODE: i64 = 2;

    /// Every code of a keypad comes with the keypad's own authorization, so a code decides (MQTT API 1.4,
    /// `lockActionEvent`; Nuki Hub, issue 408).
    fn of(auth_id: Option<u32>, code_id: Option<u32>) -> Option<Self> {
        code_id.map(Self::Code).or(auth_id.map(Self::Authorization))
    }

    pub(super) fn stored(self) -> (i64, i64) {
        match self {
            Self::Authorization(id) => (Self::AUTHORIZATION, i64::from(id)),
            Self::Code(id) => (Self::CODE, i64::from(id)),
        }
    }

    pub(super) fn from_stored(kind: i64, number: i64) -> Option<Self> {
        let number = u32::try_from(number).ok()?;
        match kind {
            Self::AUTHORIZATION => Some(Self::Authorization(number)),
            Self::CODE => Some(Self::Code(number)),
            _ => None,
        }
    }
}

/// What the book has for the numbers that a batch speaks of.
#[derive(Default)]
pub(super) struct Names(HashMap<(DeviceId, Number), String>);

impl Names {
    /// One look for what devices with a book said in a batch, and none if nothing of it has a number without a name.
    pub(super) async fn load<'r>(
        tx: &mut Tx,
        reports: impl Iterator<Item = &'r Report>,
    ) -> Result<Self, DbError> {
        let mut asked = Vec::new();
        for report in reports {
            numbers(&report.seen, &mut |number| asked.push((report.device, number)));
        }
        asked.sort_unstable();
        asked.dedup();
        Ok(Self(sql::find(tx, &asked).await?.into_iter().collect()))
    }

    /// Whose event it is.
    pub(super) fn of_event(&self, device: DeviceId, event: &LockEvent) -> Option<String> {
        self.find(device, Number::of(event.auth_id, event.code_id)?).cloned()
    }

    /// Whose entry of the lock's log it is. What a log names beside a code is mostly the keypad, which is nobody.
    pub(super) fn of_record(&self, device: DeviceId, record: &LogRecord) -> Option<String> {
        let told = record.name.as_ref();
        let Some(code) = record.code_id else {
            let known = || self.find(device, Number::Authorization(record.auth_id?));
            return told.or_else(known).cloned();
        };
        let keypad = record.auth_id.and_then(|id| self.find(device, Number::Authorization(id)));
        let person = || told.filter(|told| *told != KEYPAD && Some(*told) != keypad);
        self.find(device, Number::Code(code)).or_else(person).cloned()
    }

    fn find(&self, device: DeviceId, number: Number) -> Option<&String> {
        self.0.get(&(device, number))
    }

    /// A list of the device: what it names is known from here on. True if there is anything new.
    pub(super) async fn told(
        &mut self,
        tx: &mut Tx,
        device: DeviceId,
        (list, at): (&[(Number, String)], Time),
    ) -> Result<bool, DbError> {
        // The newest of what a list has twice, and not more than the book holds.
        let list: BTreeMap<Number, &str> =
            list.iter().map(|(number, name)| (*number, name.as_str())).collect();
        let list: Vec<(Number, &str)> = list.into_iter().take(MOST_NAMES).collect();
        let is_news = sql::write(tx, device, &list, at).await?;
        if is_news {
            sql::trim(tx, device, MOST_NAMES).await?;
        }
        self.0.extend(list.into_iter().map(|(number, name)| ((device, number), name.to_owned())));
        Ok(is_news)
    }
}

/// The numbers in this for which a name may be wanted.
fn numbers(seen: &Observation, wanted: &mut impl FnMut(Number)) {
    match seen {
        Observation::Event(event) => {
            Number::of(event.auth_id, event.code_id).into_iter().for_each(wanted);
        }
        Observation::Log(records) => {
            for record in records.iter().filter(|record| record.name.is_none() || record.code_id.is_some()) {
                record.code_id.map(Number::Code).into_iter().for_each(&mut *wanted);
                record.auth_id.map(Number::Authorization).into_iter().for_each(&mut *wanted);
            }
        }
        Observation::Snapshot { seen, .. } => seen.iter().for_each(|one| numbers(one, wanted)),
        _ => {}
    }
}

/// How many of each kind there are.
pub(super) async fn counted(tx: &mut Tx, device: DeviceId) -> Result<Vec<(Fact, String)>, DbError> {
    let facts = sql::counts(tx, device).await?.into_iter().map(|(kind, count)| {
        let fact = if kind == Number::CODE { Fact::NamedCodes } else { Fact::NamedAuthorizations };
        (fact, count.to_string())
    });
    Ok(facts.collect())
}

/// The device is not in the account any more: whoever could open it is nobody's business.
pub(super) async fn forget(tx: &mut Tx, device: DeviceId) -> Result<(), DbError> {
    sql::forget(tx, device).await
}

/// The device was `other` all along: its lists were of that.
pub(super) async fn join(tx: &mut Tx, device: DeviceId, other: DeviceId) -> Result<(), DbError> {
    sql::copy(tx, device, other).await?;
    sql::forget(tx, device).await?;
    sql::trim(tx, other, MOST_NAMES).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::{Completion, Happening, Origin};
    use crate::devices::{LockAction, Trigger};

    const DOOR: DeviceId = DeviceId(1);
    const BY_CODE: (Option<u32>, Option<u32>) = (Some(195_249), Some(8_193));
    const BY_APP: (Option<u32>, Option<u32>) = (Some(54_321), None);

    fn book() -> Names {
        let known = [
            (Number::Authorization(54_321), "Anna"),
            (Number::Authorization(195_249), "Side door keypad"),
            (Number::Code(8_193), "Guest"),
        ];
        Names(known.into_iter().map(|(number, name)| ((DOOR, number), name.to_owned())).collect())
    }

    fn record((auth_id, code_id): (Option<u32>, Option<u32>), name: Option<&str>) -> LogRecord {
        LogRecord {
            index: 1,
            at: Time(0),
            name: name.map(str::to_owned),
            auth_id,
            code_id,
            happening: Happening::Unlock,
            origin: Origin::KeypadCode,
            trigger: None,
            result: Completion::Success,
        }
    }

    #[test]
    fn a_code_decides_whose_event_it_is_and_the_keypads_own_number_names_nobody() {
        let whose = |(auth_id, code_id), device| {
            let (action, trigger) = (LockAction::Unlatch, Trigger::System);
            book().of_event(device, &LockEvent { action, trigger, auth_id, code_id, extra: 1 })
        };
        assert_eq!(whose(BY_CODE, DOOR).as_deref(), Some("Guest"));
        assert_eq!(whose((BY_CODE.0, Some(8_194)), DOOR), None, "a code that no list had");
        assert_eq!(whose(BY_APP, DOOR).as_deref(), Some("Anna"));
        assert_eq!(whose((None, None), DOOR), None);
        assert_eq!(whose(BY_CODE, DeviceId(2)), None, "another lock's numbers are others");
    }

    #[test]
    fn a_log_is_believed_in_whom_it_names_unless_that_is_only_the_keypad() {
        let whose = |numbers, told| book().of_record(DOOR, &record(numbers, told));
        assert_eq!(whose(BY_CODE, Some("Keypad")).as_deref(), Some("Guest"));
        assert_eq!(whose(BY_CODE, None).as_deref(), Some("Guest"));
        let unknown = (BY_CODE.0, Some(8_194));
        for keypad in ["Keypad", "Side door keypad"] {
            assert_eq!(whose(unknown, Some(keypad)), None, "a number says more than that");
        }
        assert_eq!(whose(unknown, Some("Cleaner")).as_deref(), Some("Cleaner"));
        assert_eq!(whose(BY_APP, None).as_deref(), Some("Anna"));
        assert_eq!(whose(BY_APP, Some("Anna Maria")).as_deref(), Some("Anna Maria"), "as it was called then");
        assert_eq!(whose((BY_CODE.0, None), Some("Keypad")).as_deref(), Some("Keypad"), "a wrong code");
    }
}
