//! A band that is cut into stretches, each with a pattern of its own, and its word where there is room for it.

use lockwarden_app::devices::{DeviceType, Kind as Sort, LockState};
use lockwarden_app::history::{CONTINUOUS, Held, History, Stretch};
use maud::{Markup, html};

use super::axis::Axis;
use super::{length, percent, unit};
use crate::parts::words;
use crate::when::When;

/// Stretches narrower than this are drawn together, as several.
const NARROWEST: f64 = 0.4;
const HEIGHT: f64 = 34.0;

/// How a stretch looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Full,
    Striped,
    Crossed,
    Several,
    Empty,
}

impl Look {
    fn fill(self, of: &str) -> String {
        match self {
            Self::Full => "currentColor".to_owned(),
            Self::Striped => format!("url(#{of}-striped)"),
            Self::Crossed => format!("url(#{of}-crossed)"),
            Self::Several => format!("url(#{of}-several)"),
            Self::Empty => "none".to_owned(),
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Striped => "striped",
            Self::Crossed => "crossed",
            Self::Several => "several",
            Self::Empty => "empty",
        }
    }
}

struct Piece {
    from: f64,
    to: f64,
    look: Look,
    words: String,
}

pub(super) fn state_of(kind: Option<DeviceType>, held: Held) -> (Look, String) {
    match held {
        Held::Nothing => (Look::Empty, "Nothing known".to_owned()),
        Held::Several(changes) => (Look::Several, format!("{changes} changes")),
        Held::Value(CONTINUOUS) => (Look::Striped, "Continuous mode".to_owned()),
        Held::Value(code) => {
            let state = LockState::from_code(code);
            let state = kind.map_or(state, |kind| kind.reads(state));
            (look_of(kind, state), words::state(kind, state, None).1.to_owned())
        }
    }
}

/// What has no bolt is never locked: at rest it lets nobody in.
fn look_of(kind: Option<DeviceType>, state: LockState) -> Look {
    match Sort::of_said(kind, state, None) {
        Sort::Locked | Sort::Ready => Look::Full,
        Sort::Unlocked => Look::Striped,
        _ if state == LockState::Unlatching && !kind.is_none_or(DeviceType::has_bolt) => Look::Striped,
        _ => Look::Crossed,
    }
}

pub(super) fn link_of(held: Held) -> (Look, String) {
    match held {
        Held::Nothing => (Look::Empty, "Nothing known".to_owned()),
        Held::Several(changes) => (Look::Several, format!("{changes} changes")),
        Held::Value(0) => (Look::Striped, "Offline".to_owned()),
        Held::Value(_) => (Look::Full, "Online".to_owned()),
    }
}

pub(super) fn state(kind: Option<DeviceType>, history: &History, when: &When) -> Markup {
    let (rests, lets_in) = match kind {
        Some(DeviceType::Opener) => ("ready", "ring to open, or open"),
        Some(DeviceType::Box) => ("ready", "open"),
        _ => ("locked", "unlocked or open"),
    };
    let legend = [
        (Look::Full, rests),
        (Look::Striped, lets_in),
        (Look::Crossed, "a problem, or none of these"),
        (Look::Several, "several changes"),
        (Look::Empty, "nothing known"),
    ];
    draw(("state", "State"), history, |held| state_of(kind, held), &legend, when)
}

pub(super) fn link(history: &History, when: &When) -> Markup {
    let legend = [
        (Look::Full, "online"),
        (Look::Striped, "offline"),
        (Look::Several, "several changes"),
        (Look::Empty, "nothing known"),
    ];
    draw(("link", "Connection"), history, link_of, &legend, when)
}

fn draw(
    (id, title): (&str, &str),
    history: &History,
    look: impl Fn(Held) -> (Look, String) + Copy,
    legend: &[(Look, &str)],
    when: &When,
) -> Markup {
    let axis = Axis { from: history.from, to: history.to };
    let stretches = history.stretches();
    let pieces = pieces(&stretches, axis, look);
    let seen = |kind: Look| pieces.iter().any(|piece| piece.look == kind);
    html! {
        svg.pic height="54" role="img" aria-labelledby={ "pic-" (id) "-title pic-" (id) "-desc" } {
            title id={ "pic-" (id) "-title" } { (title) " from " (when.short(history.from)) " to now" }
            desc id={ "pic-" (id) "-desc" } { (shares(&stretches, look)) }
            (patterns(id))
            @for piece in &pieces {
                rect class=(piece.look.class()) x=(percent(piece.from)) y="2" width=(percent((piece.to - piece.from).max(0.15)))
                    height=(unit(HEIGHT)) fill=(piece.look.fill(id)) {}
                @if room_for(piece) {
                    text class={ "on " (piece.look.class()) } x=(percent(f64::midpoint(piece.from, piece.to))) y="23" text-anchor="middle" { (piece.words) }
                }
            }
            rect.frame x="0" y="2" width="100%" height=(unit(HEIGHT)) fill="none" {}
            (axis.dates(50.0, when))
        }
        ul.legend {
            @for (kind, words) in legend.iter().filter(|(kind, _)| seen(*kind)) {
                li {
                    svg viewBox="0 0 22 12" aria-hidden="true" { rect class=(kind.class()) x="0.5" y="0.5" width="21" height="11" fill=(kind.fill(id)) {} }
                    (words)
                }
            }
        }
    }
}

/// In a narrow window, where a letter takes the most of it.
fn room_for(piece: &Piece) -> bool {
    let letters = u32::try_from(piece.words.chars().count()).unwrap_or(u32::MAX);
    piece.to - piece.from > f64::from(letters) * 2.6 + 3.0
}

/// What is too narrow to be seen is drawn together with its neighbours, and not as one of them.
fn pieces(stretches: &[Stretch], axis: Axis, look: impl Fn(Held) -> (Look, String)) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut narrow = false;
    for one in stretches {
        let (from, to) = (axis.x(one.from), axis.x(one.to));
        let is_narrow = to - from < NARROWEST && one.held != Held::Nothing;
        if let Some(last) = pieces.last_mut()
            && is_narrow
            && narrow
        {
            (last.to, last.look) = (to, Look::Several);
            "Several changes".clone_into(&mut last.words);
            continue;
        }
        narrow = is_narrow;
        let (look, words) = look(one.held);
        pieces.push(Piece { from, to, look, words });
    }
    pieces
}

/// "Locked 80 % of the time, Unlocked 12 %, Nothing known 8 %."
fn shares(stretches: &[Stretch], look: impl Fn(Held) -> (Look, String)) -> String {
    let mut shares: Vec<(String, f64)> = Vec::new();
    for one in stretches {
        let words = match one.held {
            Held::Several(_) => "Several changes".to_owned(),
            held => look(held).1,
        };
        let long = length(one.from, one.to);
        match shares.iter_mut().find(|(known, _)| *known == words) {
            Some((_, sum)) => *sum += long,
            None => shares.push((words, long)),
        }
    }
    let all: f64 = shares.iter().map(|(_, long)| long).sum();
    shares.sort_by(|one, other| other.1.total_cmp(&one.1));
    let told = shares.iter().map(|(words, long)| match long / all * 100.0 {
        share if share < 1.0 => format!("{words} less than 1 %"),
        share => format!("{words} {share:.0} %"),
    });
    format!("{} of the time. The table below has every change.", told.collect::<Vec<_>>().join(", "))
}

fn patterns(id: &str) -> Markup {
    html! {
        defs {
            pattern id={ (id) "-striped" } width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                rect width="6" height="6" class="under" {}
                rect width="2" height="6" fill="currentColor" {}
            }
            pattern id={ (id) "-crossed" } width="6" height="6" patternUnits="userSpaceOnUse" {
                rect width="6" height="6" class="under" {}
                path d="M0 0L6 6M6 0L0 6" stroke="currentColor" stroke-width="1.4" {}
            }
            pattern id={ (id) "-several" } width="4" height="4" patternUnits="userSpaceOnUse" {
                rect width="4" height="4" class="under" {}
                circle cx="2" cy="2" r="1.1" fill="currentColor" {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lockwarden_app::clock::Time;

    use super::*;

    fn lock(held: Held) -> (Look, String) {
        state_of(None, held)
    }

    fn stretch(from: i64, to: i64, held: Held) -> Stretch {
        Stretch { from: Time(from), to: Time(to), held }
    }

    #[test]
    fn what_is_too_narrow_to_be_seen_is_not_drawn_as_one_of_its_states() {
        let axis = Axis { from: Time(0), to: Time(3_600) };
        let quick = (0..10)
            .map(|one| stretch(1_000 + one, 1_001 + one, Held::Value(if one % 2 == 0 { 1 } else { 3 })));
        let all: Vec<_> = std::iter::once(stretch(0, 1_000, Held::Value(1)))
            .chain(quick)
            .chain([stretch(1_010, 3_600, Held::Nothing)])
            .collect();
        let looks: Vec<Look> = pieces(&all, axis, lock).iter().map(|piece| piece.look).collect();
        assert_eq!(looks, [Look::Full, Look::Several, Look::Empty]);
    }

    #[test]
    fn only_locked_looks_full_and_what_is_unknown_is_empty() {
        for state in LockState::KNOWN {
            let (look, _) = lock(Held::Value(state.code()));
            assert_eq!(look == Look::Full, *state == LockState::Locked, "{state:?}");
            assert_ne!(look, Look::Empty);
        }
        assert_eq!(lock(Held::Nothing).0, Look::Empty);
    }

    #[test]
    fn a_number_that_no_document_gives_a_box_is_drawn_as_nothing_that_it_may_not_be() {
        let number = Held::Value(LockState::UnlockedLockNGo.code());
        assert_eq!(lock(number).0, Look::Striped);
        let (look, words) = state_of(Some(DeviceType::Box), number);
        assert_eq!((look, words.as_str()), (Look::Crossed, "Unknown"));
    }

    #[test]
    fn the_description_tells_the_shares_of_the_time() {
        let all = [
            stretch(0, 60, Held::Value(1)),
            stretch(60, 90, Held::Value(3)),
            stretch(90, 100, Held::Nothing),
        ];
        assert!(
            shares(&all, lock).starts_with("Locked 60 %, Unlocked 30 %, Nothing known 10 % of the time.")
        );
    }
}
