//! What to run when no lock is at hand: the whole command for a simulated one, as far as it is known at this step.

use lockwarden_app::devices::Connector;
use lockwarden_app::logins::{BASE_PATH, Login};
use maud::{Markup, html};

use super::icon::{Icon, icon};
use crate::web::WebConfig;

/// Where a simulated bridge listens: beside the usual ports of pages, locks and bridges' calls.
const BRIDGE: &str = "127.0.0.1:8082";

/// For a login that was made: nothing is left to fill in but the password.
pub(crate) fn with_login(config: &WebConfig, login: &Login) -> Markup {
    let mut command = format!(
        "lockwarden simulate --broker {} --username {} --password-stdin",
        address(config),
        login.username
    );
    if login.connector == Connector::NukiHub {
        command.push_str(" --hub");
    }
    if let Some(path) = login.base_path.as_ref().filter(|path| *path != BASE_PATH) {
        command.push_str(" --base-path=");
        command.push_str(&quoted(path));
    }
    let what = if login.connector == Connector::NukiHub { "hub" } else { "lock" };
    let hint = "Run this in another terminal, with the program that serves these pages, and give it the password when it asks.";
    part(what, login.connector, hint, &command)
}

pub(crate) fn bridge() -> Markup {
    let hint = "Run this in another terminal, with the program that serves these pages. It prints the address and the token to \
                type in here.";
    part("bridge", Connector::NukiBridge, hint, &format!("lockwarden simulate --bridge {BRIDGE}"))
}

fn part(what: &str, connector: Connector, hint: &str, command: &str) -> Markup {
    let id = format!("simulate-{}", connector.name());
    html! {
        details.card.pad id={ (id) "-part" } {
            summary { "Try with a simulated " (what) }
            div.stack {
                p.hint { (hint) }
                pre tabindex="0" aria-label="Command" { code id=(id) { (command) } }
                div.acts.scripted {
                    button.btn type="button" data-copy=(id) { (icon(Icon::Copy)) span { "Copy" } span.sr { " the command" } }
                }
            }
        }
    }
}

fn address(config: &WebConfig) -> String {
    let host = &config.mqtt_host;
    if host.contains(':') {
        format!("[{host}]:{}", config.mqtt_port)
    } else {
        format!("{host}:{}", config.mqtt_port)
    }
}

/// As one word of a shell.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/-_.".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell_whatever_it_holds() {
        assert_eq!(quoted("house/door-1"), "house/door-1");
        assert_eq!(quoted("my house; rm -rf ~"), "'my house; rm -rf ~'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn an_address_of_the_new_kind_is_told_from_its_port() {
        let config =
            |host: &str| WebConfig { mqtt_host: host.to_owned(), mqtt_port: 1883, ..WebConfig::default() };
        assert_eq!(address(&config("192.0.2.20")), "192.0.2.20:1883");
        assert_eq!(address(&config("fd00::7")), "[fd00::7]:1883");
    }
}
