//! `docs/settings.md` says what the catalogue says. To write it anew:
//! `WRITE_SETTINGS=1 cargo test -p lockwarden-app the_document_of_the_settings`.

use std::fmt::Write as _;
use std::path::Path;

use super::about::{About, Choice, Kind, Model, Reach, Section, Unit, Way};
use super::{NOT_OF_THE_LOCK, OPERATING_MODES, Setting, ZONES};
use crate::devices::DeviceType;

const HEAD: &str = "\
# Settings of locks, openers, boxes and smart doors

Made from the catalogue in `crates/app/src/settings/mod.rs` and held to it by the test
`the_document_of_the_settings_says_what_the_catalogue_says`.

**for**: 1 Smart Lock 1 and 2 · 3 Smart Lock 3 and 4 · 5 Smart Lock 5 (Go, Pro, Ultra) · D Smart Door · O Opener ·
B Box. **new**: what a new device has, where a source says so; the source stands below the table. **Web** is the Nuki
Web API 4.10.0, **Hub** is Nuki Hub 9.15: `rw` reads and sets, `r` only reads, `w` sets and is never told what became
of it. What neither sets is set in the Nuki app; Nuki's own MQTT and the Bridge set nothing. **in**: the model of the
Web API. **by**: who gives the range or the choices.
";

fn devices(about: &About) -> String {
    let letters = [
        (DeviceType::SmartLock12, '1'),
        (DeviceType::SmartLock34, '3'),
        (DeviceType::SmartLock5, '5'),
        (DeviceType::SmartDoor, 'D'),
        (DeviceType::Opener, 'O'),
        (DeviceType::Box, 'B'),
    ];
    letters.iter().filter(|(device, _)| about.devices.contains(device)).map(|(_, letter)| *letter).collect()
}

fn reach(reach: Reach) -> &'static str {
    match reach {
        Reach::None => "–",
        Reach::Reads => "r",
        Reach::ReadsAndSets => "rw",
        Reach::Sets => "w",
    }
}

fn hub(about: &About) -> String {
    let has = |opener: bool| about.devices.iter().any(|device| (*device == DeviceType::Opener) == opener);
    match (has(false), has(true)) {
        (true, true) if about.hub_on_locks != about.hub_on_openers => {
            format!("{}, O {}", reach(about.hub_on_locks), reach(about.hub_on_openers))
        }
        (false, true) => reach(about.hub_on_openers).to_owned(),
        _ => reach(about.hub_on_locks).to_owned(),
    }
}

fn unit(unit: Unit) -> &'static str {
    unit.word(0)
}

fn value(kind: Kind) -> String {
    match kind {
        Kind::Bool => "on, off".to_owned(),
        Kind::Int { min, max, unit: of, .. } => format!("{min} to {max}{}", unit(of)),
        Kind::OneOf { of, unit: counted } => {
            let numbers: Vec<String> = of.iter().map(ToString::to_string).collect();
            format!("{}{}", numbers.join(", "), unit(counted))
        }
        Kind::Choice { of, .. } => format!("1 of {}", of.len()),
        Kind::Several(of) => format!("any of {}", of.len()),
        Kind::Text { max_bytes } => format!("text, {max_bytes} bytes"),
        Kind::MinuteOfDay => "00:00 to 23:59".to_owned(),
        Kind::Degrees { min, max } => format!("{min}° to {max}°"),
        Kind::Coordinate { max } => format!("-{max}° to {max}°"),
        Kind::TimeZone => "1 of 46".to_owned(),
    }
}

fn models(about: &About) -> String {
    let names = about.models.iter().map(|model| match model {
        Model::Config => "Config",
        Model::Advanced => "Advanced",
        Model::Opener => "Opener",
        Model::SmartDoor => "Smartdoor",
    });
    if about.models.is_empty() { "–".to_owned() } else { names.collect::<Vec<_>>().join(", ") }
}

/// The two that stand in the head of the document.
fn short_source(about: &About) -> Option<&'static str> {
    match about.source {
        "Web API 4.10.0" => Some("Web"),
        "Nuki Hub 9.15" => Some("Hub"),
        _ => None,
    }
}

fn normal(setting: Setting) -> Option<String> {
    let value = setting.normal()?;
    Some(setting.about().kind.in_words(&value))
}

fn table(text: &mut String, section: Section) {
    let settings: Vec<_> =
        Setting::ALL.iter().copied().filter(|setting| setting.about().section == section).collect();
    let _ = write!(
        text,
        "\n## {}\n\n| key | for | value | new | Web | Hub | in | by |\n|---|---|---|---|---|---|---|---|\n",
        section.title()
    );
    for setting in &settings {
        let about = setting.about();
        let cells = [
            format!("`{}`", about.key),
            devices(about),
            value(about.kind),
            normal(*setting).unwrap_or_else(|| "–".to_owned()),
            reach(about.web).to_owned(),
            hub(about),
            models(about),
            short_source(about).unwrap_or("below").to_owned(),
        ];
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text.push('\n');
    for setting in settings {
        notes(text, setting);
    }
}

/// Bullets of at most 120 columns.
fn bullet(text: &mut String, words: &str) {
    let mut line = String::from("-");
    for word in words.split(' ') {
        if line.chars().count() + word.chars().count() + 1 > 120 {
            let _ = writeln!(text, "{line}");
            line = String::from(" ");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{line}");
}

fn listed(choices: &[Choice]) -> String {
    choices.iter().map(|choice| format!("{} {}", choice.0, choice.1)).collect::<Vec<_>>().join(" · ")
}

fn notes(text: &mut String, setting: Setting) {
    let about = setting.about();
    let mut words = format!("**{}** (`{}`). {}", about.label, about.key, about.help);
    if let Some(danger) = about.danger {
        let _ = write!(words, " *{danger}*");
    }
    let told = |also: &[Choice]| {
        if also.is_empty() { String::new() } else { format!(" · only told: {}", listed(also)) }
    };
    match about.kind {
        _ if setting == Setting::OperatingMode => {}
        Kind::Choice { of, also } => {
            let _ = write!(words, " Values: {}{}.", listed(of), told(also));
        }
        Kind::Several(of) => {
            let _ = write!(words, " Any of: {}.", listed(of));
        }
        _ => {}
    }
    if let Some(Kind::Choice { of, .. }) = about.on_openers {
        let _ = write!(words, " On an opener: {}.", listed(of));
    }
    if let Some(normal) = about.normal {
        let _ = write!(words, " New devices by {}.", normal.source);
    }
    if short_source(about).is_none() {
        let _ = write!(words, " Range by {}.", about.source);
    }
    if let Some(note) = about.note {
        let _ = write!(words, " Note: {note}.");
    }
    bullet(text, &words);
}

fn document() -> String {
    let mut text = HEAD.to_owned();
    for section in Section::ALL {
        table(&mut text, *section);
    }
    text.push_str("\n## Time zones\n\n");
    let zones: Vec<String> = (0..).zip(ZONES).map(|(id, name): (i64, _)| format!("{id} {name}")).collect();
    bullet(&mut text, &format!("{}.", zones.join(" · ")));
    text.push_str("\n## Kinds of intercom\n\n");
    bullet(&mut text, &format!("{}.", listed(OPERATING_MODES)));
    text.push_str("\n## Not settings\n\n");
    bullet(
        &mut text,
        &format!(
            "`{}` is in every model, and made by the server while a change is under way. Nuki Hub's `rebootNuki` and \
             `recalibrateNuki` are orders; its `currentTime` is a clock.",
            NOT_OF_THE_LOCK.join("`, `")
        ),
    );
    bullet(
        &mut text,
        "Which brands and models of intercoms there are, the Web API answers from Nuki's own database; no public \
         source has its data.",
    );
    text
}

#[test]
fn the_document_of_the_settings_says_what_the_catalogue_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/settings.md");
    let expected = document();
    if std::env::var_os("WRITE_SETTINGS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    for (number, (found, expected)) in (1..).zip(found.lines().zip(expected.lines())) {
        assert_eq!(found, expected, "docs/settings.md, line {number}: see the head of this test's file");
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "docs/settings.md is shorter or longer");
}

#[test]
fn the_document_names_every_setting_and_which_way_sets_it() {
    let text = document();
    for setting in Setting::ALL {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{}` |", setting.key()))).unwrap();
        for device in setting.about().devices {
            let sets = Way::ALL.iter().any(|way| setting.reach(*way, *device).sets());
            assert!(!sets || row.contains('w'), "{row}");
        }
    }
    assert!(text.lines().count() < 500);
    assert!(text.lines().all(|line| line.chars().count() <= 126), "a line is too long to read");
}
