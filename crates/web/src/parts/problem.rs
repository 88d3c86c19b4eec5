//! What can be wrong with a device, in words: short ones for a filter.

use lockwarden_app::devices::Problem;

pub(crate) fn words(problem: Problem) -> &'static str {
    match problem {
        Problem::Jammed => "Jammed",
        Problem::LockedButOpen => "Door open although locked",
        Problem::SensorTampered => "Door sensor tampered with",
        Problem::NotCalibrated => "Not calibrated",
        Problem::StateUnknown => "Does not know its state",
        Problem::BatteryCritical => "Battery critical",
        Problem::DoorLeftOpen => "Door left open",
        Problem::KeypadBattery => "Keypad battery critical",
        Problem::DoorBattery => "Door sensor battery critical",
        Problem::BatteryLow => "Battery low",
        Problem::TakesNoCommands => "Takes no commands",
        Problem::ClockWrong => "Clock is wrong",
        Problem::Offline => "Offline",
    }
}
