//! A device's history as pictures: state, battery and connection over some days. Each can be read without colour, by its
//! patterns and words, without seeing, by its description, and in full, in the table behind it. Where nothing was known
//! there is a gap.

mod axis;
mod band;
mod battery;
mod table;

use std::time::Duration;

use lockwarden_app::Result;
use lockwarden_app::clock::Time;
use lockwarden_app::devices::Device;
use lockwarden_app::history::forecast::Forecast;
use lockwarden_app::history::{History, Kind};
use maud::{Markup, html};

use crate::fields::Asked;
use crate::identify::Person;
use crate::web::Web;
use crate::when::When;

/// A picture from side to side, in percent of what room there is: what is drawn follows it, and the words stay as large as
/// they are elsewhere.
const WIDTH: f64 = 100.0;
/// How far back a picture goes, in days, and how that is called.
const RANGES: [(u64, &str); 3] = [(7, "7 days"), (30, "30 days"), (365, "A year")];

/// The histories of one device, and what its battery is expected to do.
pub(crate) struct Pictures {
    device: Device,
    days: u64,
    state: History,
    battery: History,
    link: History,
    forecast: Forecast,
}

impl Pictures {
    pub(crate) async fn load(web: &Web, person: &Person, device: &Device, asked: &Asked) -> Result<Self> {
        let days =
            asked.read("days").filter(|days| RANGES.iter().any(|(known, _)| known == days)).unwrap_or(7);
        let now = web.app.now();
        let span = (now.minus(Duration::from_hours(24 * days)), now);
        let load = async |kind| web.app.load_history(&person.actor, device.id, kind, span).await;
        Ok(Self {
            days,
            state: load(Kind::State).await?,
            battery: load(Kind::Battery).await?,
            link: load(Kind::Link).await?,
            forecast: web.app.forecast_battery(&person.actor, device.id).await?,
            device: device.clone(),
        })
    }

    pub(crate) fn draw(&self, when: &When) -> Markup {
        let path = |days: u64| format!("/devices/{}?days={days}#history", self.device.id);
        html! {
            section #history {
                div.bar {
                    h2 { "History" }
                    nav.bar aria-label="How far back" {
                        @for (days, words) in RANGES {
                            a.chipf href=(path(days)) aria-current=[(days == self.days).then_some("true")] { (words) }
                        }
                    }
                }
                div.stack {
                    figure.card.pad {
                        figcaption { b { "State" } }
                        (band::state(self.device.kind, &self.state, when))
                        (table::of(|held| band::state_of(self.device.kind, held).1, &self.state, when))
                    }
                    figure.card.pad {
                        figcaption { b { "Battery" } }
                        (battery::line(&self.battery, &self.forecast, when))
                        (table::of(battery::charge, &self.battery, when))
                    }
                    figure.card.pad {
                        figcaption { b { "Connection" } }
                        (band::link(&self.link, when))
                        (table::of(|held| band::link_of(held).1, &self.link, when))
                    }
                    p.hint { "Where nothing was heard of the device, nothing is shown: it may have changed meanwhile." }
                }
            }
        }
    }
}

/// Hundredths are enough for a picture.
fn unit(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn percent(value: f64) -> String {
    format!("{}%", unit(value))
}

#[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
fn length(from: Time, to: Time) -> f64 {
    to.0.saturating_sub(from.0).max(0) as f64
}
