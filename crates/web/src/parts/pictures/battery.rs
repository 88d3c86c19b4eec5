//! The battery's charge as a line of steps, interrupted where nothing was heard, and on into the future as its forecast.

use std::fmt::Write as _;
use std::time::Duration;

use lockwarden_app::clock::Time;
use lockwarden_app::history::forecast::{Falls, Forecast, LOW};
use lockwarden_app::history::{Held, History};
use maud::{Markup, html};

use super::axis::Axis;
use super::{WIDTH, percent as across, unit};
use crate::when::When;

const TOP: f64 = 4.0;
const BOTTOM: f64 = 104.0;

fn y(percent: f64) -> f64 {
    BOTTOM - percent.clamp(0.0, 100.0) / 100.0 * (BOTTOM - TOP)
}

pub(super) fn charge(held: Held) -> String {
    match held {
        Held::Nothing => "Nothing known".to_owned(),
        Held::Several(changes) => format!("{changes} changes"),
        Held::Value(percent) => format!("{percent} %"),
    }
}

pub(super) fn line(history: &History, forecast: &Forecast, when: &When) -> Markup {
    let falls = match forecast {
        Forecast::Falls(falls) => Some(falls),
        Forecast::Not(_) => None,
    };
    // A third as much of the future as of the past.
    let ahead = history.to.since(history.from) / 3;
    let to = if falls.is_some() { history.to.plus(ahead) } else { history.to };
    let axis = Axis { from: history.from, to };
    html! {
        svg.pic height="124" role="img" aria-labelledby="pic-battery-title pic-battery-desc" {
            title #pic-battery-title { "Battery from " (when.short(history.from)) " to now" }
            desc #pic-battery-desc { (told(history)) " " (words(forecast, when)) }
            @for percent in [0.0, 50.0, 100.0] {
                line.grid x1="0" x2="100%" y1=(unit(y(percent))) y2=(unit(y(percent))) {}
            }
            line.limit x1="0" x2="100%" y1=(unit(y(f64::from(LOW)))) y2=(unit(y(f64::from(LOW)))) {}
            text x="2" y=(unit(y(f64::from(LOW)) - 3.0)) { "20 %" }
            text x="2" y=(unit(TOP + 10.0)) { "100 %" }
            // A line cannot be told in percent, but be stretched to them.
            svg.across width="100%" height=(unit(BOTTOM)) viewBox={ "0 0 " (unit(WIDTH)) " " (unit(BOTTOM)) } preserveAspectRatio="none" {
                path.line d=(steps(history, axis)) {}
                @if let Some(falls) = falls { (future(falls, history.to, axis)) }
            }
            @if falls.is_some() {
                text x=(across(axis.x(history.to))) dx="4" y=(unit(TOP + 10.0)) { "expected" }
            }
            (axis.dates(120.0, when))
        }
        p.hint { (words(forecast, when)) }
    }
}

fn steps(history: &History, axis: Axis) -> String {
    let mut path = String::new();
    let mut drawn_to = None;
    for one in history.stretches() {
        let Held::Value(percent) = one.held else {
            drawn_to = None;
            continue;
        };
        let (from, to, y) = (axis.x(one.from), axis.x(one.to), y(f64::from(percent)));
        let begin = if drawn_to == Some(one.from) { "V" } else { "M" };
        let _ = match begin {
            "V" => write!(path, "V{}H{}", unit(y), unit(to)),
            _ => write!(path, "M{} {}H{}", unit(from), unit(y), unit(to)),
        };
        drawn_to = Some(one.to);
    }
    path
}

/// From now on to empty: likely, and as early and as late as it may be.
fn future(falls: &Falls, now: Time, axis: Axis) -> Markup {
    let start = f64::from(falls.percent);
    let to = |left: Duration| {
        let end = now.plus(left);
        let shown = end.min(axis.to);
        let share = if left.is_zero() { 1.0 } else { shown.since(now).as_secs_f64() / left.as_secs_f64() };
        format!(
            "M{} {}L{} {}",
            unit(axis.x(now)),
            unit(y(start)),
            unit(axis.x(shown)),
            unit(y(start * (1.0 - share)))
        )
    };
    html! {
        line.now x1=(unit(axis.x(now))) x2=(unit(axis.x(now))) y1=(unit(TOP)) y2=(unit(BOTTOM)) {}
        path.likely d=(to(falls.empty.likely)) {}
        path.perhaps d=(to(falls.empty.earliest)) {}
        path.perhaps d=(to(falls.empty.latest)) {}
    }
}

fn told(history: &History) -> String {
    let values = history.stretches().into_iter().filter_map(|one| match one.held {
        Held::Value(percent) => Some(percent),
        _ => None,
    });
    let values: Vec<u8> = values.collect();
    match (values.first(), values.last()) {
        (Some(first), Some(last)) if values.len() > 1 => format!("From {first} % to {last} %."),
        (Some(only), _) => format!("{only} % all the time that is known."),
        _ => "Nothing known.".to_owned(),
    }
}

fn days(left: Duration) -> String {
    match left.as_secs() / 86_400 {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days @ 2..=365 => format!("{days} days"),
        _ => "more than a year".to_owned(),
    }
}

pub(crate) fn words(forecast: &Forecast, when: &When) -> String {
    let falls = match forecast {
        Forecast::Falls(falls) => falls,
        Forecast::Not(why) => return format!("No forecast: {}", first_lower(why.words())),
    };
    let range = |from: Duration, to: Duration| {
        let (from, to) = (days(from), days(to));
        if from == to { from } else { format!("between {from} and {to}") }
    };
    let low = if falls.percent <= LOW {
        format!("It is at {} % now", falls.percent)
    } else {
        format!(
            "At 20 % in about {} ({})",
            days(falls.low.likely),
            range(falls.low.earliest, falls.low.latest)
        )
    };
    format!(
        "{low}; empty in about {} ({}). From its own history since {}.",
        days(falls.empty.likely),
        range(falls.empty.earliest, falls.empty.latest),
        when.date(falls.since)
    )
}

fn first_lower(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use lockwarden_app::history::Point;

    use super::*;

    #[test]
    fn the_line_is_interrupted_where_nothing_was_heard() {
        let point = |at, value| Point { at: Time(at), value, changes: 1, since: Time(at) };
        let points = vec![point(0, Some(80)), point(90, Some(78)), point(180, None), point(270, Some(78))];
        let history = History { from: Time(0), to: Time(360), points };
        let axis = Axis { from: history.from, to: history.to };
        assert_eq!(steps(&history, axis), "M0 24H25V26H50M75 26H100");
    }

    #[test]
    fn a_length_is_told_in_whole_days() {
        let told = |hours| days(Duration::from_hours(hours));
        assert_eq!(
            [told(5), told(30), told(24 * 40), told(24 * 400)],
            ["less than a day", "1 day", "40 days", "more than a year"]
        );
    }
}
