//! What a picture shows, as a table: every stretch, the newest first.

use lockwarden_app::history::{Held, History};
use maud::{Markup, html};

use crate::when::When;

/// Rows that are shown; a longer history has its own page of the activity log.
const MOST: usize = 100;

/// `words` tell a value.
pub(super) fn of(words: impl Fn(Held) -> String, history: &History, when: &When) -> Markup {
    let stretches = history.stretches();
    let more = stretches.len().saturating_sub(MOST);
    html! {
        details {
            summary { "As a table" }
            table.plain {
                thead { tr { th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "What" } } }
                tbody {
                    @for one in stretches.iter().rev().take(MOST) {
                        tr {
                            td { (when.exact(one.from)) }
                            td { @if one.to == history.to { "now" } @else { (when.exact(one.to)) } }
                            td { (words(one.held)) }
                        }
                    }
                }
            }
            @if more > 0 { p.hint { "The newest " (MOST) " of " (stretches.len()) ". The activity log has all that happened." } }
        }
    }
}
