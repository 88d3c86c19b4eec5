//! Where a moment is in a picture, and the dates below it.

use lockwarden_app::clock::Time;
use maud::{Markup, html};

use super::{WIDTH, length, percent, unit};
use crate::when::When;

#[derive(Clone, Copy)]
pub(super) struct Axis {
    pub from: Time,
    pub to: Time,
}

impl Axis {
    /// From the left edge, in percent.
    pub(super) fn x(self, at: Time) -> f64 {
        let all = length(self.from, self.to);
        if all > 0.0 { (length(self.from, at) / all * WIDTH).clamp(0.0, WIDTH) } else { 0.0 }
    }

    fn middle(self) -> Time {
        Time(self.from.0 + self.to.0.saturating_sub(self.from.0) / 2)
    }

    /// The first moment, the one in the middle and the last, below a picture of this height.
    pub(super) fn dates(self, y: f64, when: &When) -> Markup {
        let places =
            [(0.0, "start", self.from), (WIDTH / 2.0, "middle", self.middle()), (WIDTH, "end", self.to)];
        html! {
            @for (x, anchor, at) in places {
                text x=(percent(x)) y=(unit(y)) text-anchor=(anchor) { (when.day_short(at)) }
            }
        }
    }
}
