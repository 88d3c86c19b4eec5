//! Buttons, light, beeps and fobs.

use super::{
    ADVANCED_ALL, About, CONFIG, Choice, DOOR, Kind, NO_BOX, Reach, SMART_DOORS, Section, TURNING_AND_BOX,
    Unit,
};

pub(crate) const BUTTON_ENABLED: About = About::new(
    Section::Buttons,
    "buttonEnabled",
    "Button on the device",
    "Whether pressing the button on the device does anything.",
    Kind::Bool,
)
.on(NO_BOX, CONFIG)
.hub(Reach::ReadsAndSets, Reach::ReadsAndSets);

const PRESSES: Kind = Kind::choice(&[
    Choice(0, "nothing"),
    Choice(1, "lock or unlock, whichever fits"),
    Choice(2, "unlock"),
    Choice(3, "lock"),
    Choice(4, "open the door"),
    Choice(5, "Lock ’n’ Go"),
    Choice(6, "show its state"),
]);
const OPENER_PRESSES: Kind = Kind::choice(&[
    Choice(0, "nothing"),
    Choice(1, "ring to open on or off"),
    Choice(2, "ring to open on"),
    Choice(3, "ring to open off"),
    Choice(4, "continuous mode on or off"),
    Choice(5, "continuous mode on"),
    Choice(6, "continuous mode off"),
    Choice(7, "open the door"),
]);

pub(crate) const SINGLE_PRESS: About = About::new(
    Section::Buttons,
    "singleButtonPressAction",
    "One press of the button",
    "What happens at the door when the button on the device is pressed once.",
    PRESSES,
)
.or_on_openers(OPENER_PRESSES)
.on(NO_BOX, ADVANCED_ALL)
.hub(Reach::ReadsAndSets, Reach::ReadsAndSets);

pub(crate) const DOUBLE_PRESS: About = About::new(
    Section::Buttons,
    "doubleButtonPressAction",
    "Two presses of the button",
    "What happens at the door when the button on the device is pressed twice.",
    PRESSES,
)
.or_on_openers(OPENER_PRESSES)
.on(NO_BOX, ADVANCED_ALL)
.hub(Reach::ReadsAndSets, Reach::ReadsAndSets);

pub(crate) const LED_ENABLED: About = About::new(
    Section::Buttons,
    "ledEnabled",
    "Light on the device",
    "Whether a light on the device shows its state; on an opener it blinks while a ring opens the door.",
    Kind::Bool,
)
.on(NO_BOX, CONFIG)
.hub(Reach::ReadsAndSets, Reach::ReadsAndSets);

pub(crate) const LED_BRIGHTNESS: About = About::new(
    Section::Buttons,
    "ledBrightness",
    "Brightness of the light",
    "How bright the light on the device is; 0 is dark.",
    Kind::int(0, 5, Unit::None),
)
.on(TURNING_AND_BOX, CONFIG)
.hub(Reach::ReadsAndSets, Reach::None);

pub(crate) const BUZZER_VOLUME: About = About::new(
    Section::Buttons,
    "buzzerVolume",
    "Loudness of the beeps",
    "How loud the door beeps when it was locked or unlocked or when something is wrong.",
    Kind::choice(&[Choice(0, "off"), Choice(1, "low"), Choice(2, "normal")]),
)
.on(SMART_DOORS, DOOR);

pub(crate) const FOB_PAIRED: About = About::new(
    Section::Fob,
    "fobPaired",
    "A fob is paired",
    "Whether at least one fob can operate this device.",
    Kind::Bool,
)
.on(NO_BOX, CONFIG)
.told()
.hub(Reach::Reads, Reach::Reads);

const FOB: Kind = Kind::choice(&[
    Choice(0, "nothing"),
    Choice(1, "unlock"),
    Choice(2, "lock"),
    Choice(3, "Lock ’n’ Go"),
    Choice(4, "lock or unlock, whichever fits"),
]);
const OPENER_FOB: Kind = Kind::choice(&[
    Choice(0, "nothing"),
    Choice(1, "ring to open on or off"),
    Choice(2, "ring to open on"),
    Choice(3, "ring to open off"),
    Choice(7, "open the door"),
    Choice(8, "ring"),
]);

const fn fob(key: &'static str, label: &'static str, help: &'static str) -> About {
    About::new(Section::Fob, key, label, help, FOB)
        .or_on_openers(OPENER_FOB)
        .on(NO_BOX, CONFIG)
        .told()
        .hub(Reach::ReadsAndSets, Reach::ReadsAndSets)
}

pub(crate) const FOB_ACTION_1: About = fob(
    "fobAction1",
    "One press of a fob",
    "What happens at the door when the button of a fob is pressed once.",
);

pub(crate) const FOB_ACTION_2: About = fob(
    "fobAction2",
    "Two presses of a fob",
    "What happens at the door when the button of a fob is pressed twice.",
);

pub(crate) const FOB_ACTION_3: About = fob(
    "fobAction3",
    "Three presses of a fob",
    "What happens at the door when the button of a fob is pressed three times.",
);
