//! `/smartlock/log` and `/smartlock/{smartlockId}/log`: the log, newest first, in pages of at most 50. What the Web API
//! has no number for (a device that went offline, say) is left out by the query, so it takes no place on a page.

use axum::extract::State;
use lockwarden_app::App;
use lockwarden_app::activity::{Entry, EntryQuery, Happening};
use lockwarden_app::actor::Actor;
use lockwarden_app::ids::DeviceId;

use crate::ask::{Ask, Smartlock};
use crate::bearer::Bearer;
use crate::error::Failure;
use crate::reply::Reply;
use crate::wire::{LogFilter, SmartlockLog};

pub(crate) async fn list(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Ask(filter): Ask<LogFilter>,
) -> Result<Reply<Vec<SmartlockLog>>, Failure> {
    actor.may_read_log()?;
    read(&app, &actor, None, &filter).await
}

pub(crate) async fn list_of_device(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Smartlock(number): Smartlock,
    Ask(filter): Ask<LogFilter>,
) -> Result<Reply<Vec<SmartlockLog>>, Failure> {
    actor.may_read_log()?;
    let device = app.find_logged(&actor, number).await?;
    read(&app, &actor, Some(device), &filter).await
}

async fn read(
    app: &App,
    actor: &Actor,
    device: Option<DeviceId>,
    filter: &LogFilter,
) -> Result<Reply<Vec<SmartlockLog>>, Failure> {
    let limit = filter.limit()?;
    let (from, to) = filter.period()?;
    let before = match filter.cursor()? {
        Some(id) => Some(app.find_entry(actor, id).await?),
        None => None,
    };
    // There are no users yet whom an entry could belong to.
    if filter.names_a_user() {
        return Ok(Reply(Vec::new()));
    }
    let query = EntryQuery { device, from, to, before, limit, in_web_api: true, happening: None };
    let entries = match filter.happenings() {
        None => app.list_activity(actor, query).await?.entries,
        Some(happenings) => merged(app, actor, query, &happenings).await?,
    };
    Ok(Reply(entries.iter().filter_map(SmartlockLog::of).collect()))
}

/// Several of our kinds of entry can be one number of the Web API; each has an index, so each is asked for.
async fn merged(
    app: &App,
    actor: &Actor,
    query: EntryQuery,
    happenings: &[Happening],
) -> Result<Vec<Entry>, Failure> {
    let mut found = Vec::new();
    for happening in happenings {
        let query = EntryQuery { happening: Some(*happening), ..query };
        found.extend(app.list_activity(actor, query).await?.entries);
    }
    found.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.id)));
    found.truncate(query.limit);
    Ok(found)
}
