//! Simple pictures of our own: what a way looks like, and the fields of the screen on which it is set up. Words beside
//! them say the same, so a screen reader is told nothing of them.

use lockwarden_app::devices::Connector;
use maud::{Markup, html};

/// The lock, what it speaks through, and the server.
pub(crate) fn way(connector: Connector) -> Markup {
    html! {
        svg.picture viewBox="0 0 200 72" aria-hidden="true" {
            rect.line x="8" y="10" width="34" height="52" rx="8" {}
            circle.line cx="25" cy="36" r="9" {}
            path.line d="M25 30v12" {}
            @match connector {
                Connector::NukiMqtt => path.line d="M50 36h96" {},
                Connector::NukiHub => {
                    path.line.dashed d="M50 36h20" {}
                    rect.fill x="76" y="26" width="46" height="20" rx="4" {}
                    path.line d="M84 26v-8M92 26v-8M106 26v-8M114 26v-8M84 46v8M92 46v8M106 46v8M114 46v8M130 36h16" {}
                },
                Connector::NukiBridge => {
                    path.line.dashed d="M50 36h20" {}
                    rect.fill x="78" y="18" width="40" height="36" rx="10" {}
                    path.line d="M90 54v8M106 54v8M126 36h20" {}
                },
            }
            rect.line x="152" y="12" width="40" height="20" rx="4" {}
            rect.line x="152" y="40" width="40" height="20" rx="4" {}
            circle.fill cx="161" cy="22" r="3" {}
            circle.fill cx="161" cy="50" r="3" {}
        }
    }
}

/// The fields of the screen, in their order.
fn fields(connector: Connector) -> (&'static str, &'static [&'static str], &'static [&'static str]) {
    match connector {
        Connector::NukiMqtt => (
            "MQTT",
            &["Host", "Port", "User name", "Password"],
            &["Allow locking: on", "Auto discovery: either"],
        ),
        Connector::NukiHub => {
            ("MQTT Configuration", &["Broker", "Port", "User name", "Password", "MQTT base path"], &["Save"])
        }
        Connector::NukiBridge => ("Developer mode", &["HTTP API: on", "Address", "Token"], &[]),
    }
}

/// A phone or a web page with the fields to fill in.
pub(crate) fn screen(connector: Connector) -> Markup {
    let (title, texts, below) = fields(connector);
    let rows = texts.len() + below.len();
    let height = 62 + 34 * rows;
    let round = if connector == Connector::NukiHub { "6" } else { "18" };
    html! {
        svg.picture.screen viewBox={ "0 0 190 " (height) } aria-hidden="true" {
            rect.line x="4" y="4" width="182" height=(height - 8) rx=(round) {}
            text x="20" y="32" { (title) }
            path.line d="M4 44h182" {}
            @for (row, words) in texts.iter().enumerate() {
                rect.line x="16" y=(54 + 34 * row) width="158" height="26" rx="5" {}
                text.small x="24" y=(71 + 34 * row) { (words) }
            }
            @for (row, words) in below.iter().enumerate() {
                rect.fill x="16" y=(54 + 34 * (texts.len() + row)) width="158" height="26" rx="13" {}
                text.small x="24" y=(71 + 34 * (texts.len() + row)) { (words) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_words_of_a_screen_are_longer_than_the_field_they_stand_in() {
        for connector in Connector::ALL {
            let (title, texts, below) = fields(*connector);
            assert!(title.chars().count() <= 18, "{title}");
            for words in texts.iter().chain(below) {
                assert!(words.chars().count() <= 22, "{words}");
            }
        }
    }
}
