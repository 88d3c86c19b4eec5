//! The night of night mode as a picture of the day with words beside it, and what the clock of a time zone does.

use lockwarden_app::settings::{Held, NightWindow, SettingValue, ZoneClock, zone_clock, zone_name};
use maud::{Markup, html};

use crate::when::When;

/// Pixels of an hour.
const HOUR: u16 = 12;
const DAY: u16 = 24 * HOUR;

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn minute(held: Option<&Held>) -> Option<u16> {
    match held.and_then(Held::shown) {
        Some(SettingValue::Int(minute)) => u16::try_from(*minute).ok(),
        _ => None,
    }
}

/// Where the night lies on the line of the day: from, and how wide.
fn stretches(night: NightWindow) -> Vec<(u16, u16)> {
    let at = |minute: u16| minute * HOUR / 60;
    if night.crosses_midnight() {
        vec![(0, at(night.end())), (at(night.start()), DAY - at(night.start()))]
    } else {
        vec![(at(night.start()), at(night.end()) - at(night.start()))]
    }
}

/// "From 22:00 to 06:00 on the next day: 8 h."
fn words(night: NightWindow) -> String {
    let next = if night.crosses_midnight() { " on the next day" } else { "" };
    let (hours, minutes) = (night.lasts() / 60, night.lasts() % 60);
    let minutes = if minutes == 0 { String::new() } else { format!(" {minutes} min") };
    format!("From {} to {}{next}: {hours} h{minutes}.", clock(night.start()), clock(night.end()))
}

/// The picture and its words; only words where there is no such night.
pub(crate) fn picture((start, end): (Option<&Held>, Option<&Held>), is_off: bool) -> Markup {
    let window = minute(start).zip(minute(end)).map(|(start, end)| NightWindow::new(start, end));
    html! {
        div #night {
            @match window {
                None => p.hint { "When the night begins and ends is not known yet." },
                Some(Err(why)) => p.hint { "No night can be drawn: " (why) "." },
                Some(Ok(night)) => {
                    svg.picture.day viewBox={ "-10 0 " (DAY + 20) " 58" } aria-hidden="true" {
                        defs {
                            pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                                path.line d="M0 0v6" {}
                            }
                        }
                        @for (from, width) in stretches(night) {
                            rect.night x=(from) y="6" width=(width) height="26" fill="url(#hatch)" {}
                        }
                        rect.line x="0" y="6" width=(DAY) height="26" rx="4" {}
                        @for hours in [0, 6, 12, 18, 24] {
                            path.line d={ "M" (hours * HOUR) " 32v5" } {}
                            text.small x=(hours * HOUR) y="50" text-anchor="middle" { (hours) }
                        }
                    }
                    p.hint {
                        (words(night)) " By the clock of the lock." @if is_off { b { " Night mode is off." } }
                    }
                },
            }
        }
    }
}

fn offset(minutes: i32) -> String {
    let sign = if minutes < 0 { '−' } else { '+' };
    format!("UTC{sign}{}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// "UTC+1:00 (CET) now. On 28 March 2027 at 02:00 (your time) it becomes UTC+2:00, summer time."
fn zone_words(clock: &ZoneClock, when: &When) -> String {
    let season = if clock.summer_time { ", summer time" } else { "" };
    let now = format!("{} ({}{season}) now. ", offset(clock.offset), clock.short_name);
    now + &match clock.next {
        None => "Its clocks are not changed any more.".to_owned(),
        Some(next) => {
            let season = if next.summer_time { ", summer time" } else { "" };
            let (date, time) = (when.date(next.at), when.clock(next.at));
            format!("On {date} at {time} (your time) it becomes {}{season}.", offset(next.offset))
        }
    }
}

/// What the clock of the device's zone shows, and when it is changed next.
pub(crate) fn zone(id: Option<i64>, when: &When) -> Markup {
    let told = id.and_then(|id| Some((zone_name(id)?, zone_clock(id, when.now)?)));
    html! {
        div #zone-clock {
            @if let Some((name, clock)) = told {
                p.hint { (name) ": " (zone_words(&clock, when)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use lockwarden_app::clock::Time;
    use lockwarden_app::settings::zone_id;

    use super::*;

    #[test]
    fn a_night_over_midnight_is_drawn_at_both_ends_of_the_day() {
        let night = NightWindow::new(22 * 60, 6 * 60).unwrap();
        assert_eq!(stretches(night), [(0, 72), (264, 24)]);
        assert_eq!(words(night), "From 22:00 to 06:00 on the next day: 8 h.");
        let nap = NightWindow::new(13 * 60, 14 * 60 + 30).unwrap();
        assert_eq!(stretches(nap), [(156, 18)]);
        assert_eq!(words(nap), "From 13:00 to 14:30: 1 h 30 min.");
    }

    #[test]
    fn a_zone_tells_its_offset_and_when_the_clocks_change() {
        let when = When::new(TimeZone::UTC, Time(1_795_521_600_000));
        let berlin = zone_clock(zone_id("Europe/Berlin").unwrap(), when.now).unwrap();
        let told = zone_words(&berlin, &when);
        assert_eq!(
            told,
            "UTC+1:00 (CET) now. On 28 March 2027 at 01:00 (your time) it becomes UTC+2:00, summer time."
        );
        let tokyo = zone_clock(zone_id("Asia/Tokyo").unwrap(), when.now).unwrap();
        assert!(zone_words(&tokyo, &when).ends_with("Its clocks are not changed any more."));
    }
}
