//! The battery's charge as a line of steps, interrupted where nothing was heard, and on into the future as its forecast.

use std::fmt::Write as _;
use std::time::Duration;

use lockwarden_app::clock::Time;
use lockwarden_app::history::forecast::{Falls, Forecast, LOW, Left};
use lockwarden_app::history::{Held, History};
use maud::{Markup, html};

use super::axis::Axis;
use super::{WIDTH, percent as across, unit};
use crate::when::When;

/// Room for the words of the topmost line.
const TOP: f64 = 18.0;
const BOTTOM: f64 = 104.0;
const DAY: u64 = 86_400;

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
            // A line cannot be told in percent, but be stretched to them.
            svg.across width="100%" height=(unit(BOTTOM)) viewBox={ "0 0 " (unit(WIDTH)) " " (unit(BOTTOM)) } preserveAspectRatio="none" {
                path.line d=(steps(history, axis)) {}
                @if let Some(falls) = falls { (future(falls, history.to, axis)) }
            }
            text x="2" y=(unit(y(f64::from(LOW)) - 3.0)) { "20 %" }
            text x="2" y=(unit(TOP - 5.0)) { "100 %" }
            @if falls.is_some() {
                text x=(across(axis.x(history.to))) dx="4" y=(unit(TOP - 5.0)) { "expected" }
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
    match left.as_secs() / DAY {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days @ 2..=365 => format!("{days} days"),
        _ => "more than a year".to_owned(),
    }
}

/// Likely when, and between when and when, unless that is the same.
fn expected(ahead: &Left) -> String {
    let likely = match ahead.likely.as_secs() / DAY {
        0 => "within a day".to_owned(),
        1..=365 => format!("in about {}", days(ahead.likely)),
        _ => "in more than a year".to_owned(),
    };
    let (from, to) = (days(ahead.earliest), days(ahead.latest));
    if from == to { likely } else { format!("{likely} (between {from} and {to})") }
}

pub(crate) fn words(forecast: &Forecast, when: &When) -> String {
    let falls = match forecast {
        Forecast::Falls(falls) => falls,
        Forecast::Not(why) => return format!("No forecast: {}", first_lower(why.words())),
    };
    let low = if falls.percent <= LOW {
        format!("It is at {} % now", falls.percent)
    } else {
        format!("At 20 % {}", expected(&falls.low))
    };
    format!("{low}; empty {}. From its own history since {}.", expected(&falls.empty), when.date(falls.since))
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
        assert_eq!(steps(&history, axis), "M0 35.2H25V36.92H50M75 36.92H100");
    }

    #[test]
    fn a_length_is_told_in_whole_days() {
        let told = |hours| {
            let [earliest, likely, latest] = [hours / 2, hours, hours * 2].map(Duration::from_hours);
            expected(&Left { earliest, likely, latest })
        };
        assert_eq!(told(5), "within a day");
        assert_eq!(told(30), "in about 1 day (between less than a day and 2 days)");
        assert_eq!(told(24 * 400), "in more than a year (between 200 days and more than a year)");
        let told = |hours| days(Duration::from_hours(hours));
        assert_eq!(
            [told(5), told(30), told(24 * 40), told(24 * 400)],
            ["less than a day", "1 day", "40 days", "more than a year"]
        );
    }
}
