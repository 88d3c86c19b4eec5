//! The lock's sequences, without time or network.

use super::*;

/// Lets every delay pass at once; what was published, in order.
fn play(machine: &mut Machine, input: Input) -> Vec<String> {
    let mut said = Vec::new();
    let mut todo: VecDeque<Output> = machine.step(input).into();
    while let Some(output) = todo.pop_front() {
        match output {
            Output::Publish { topic, payload, .. } if !topic.starts_with("battery") => {
                said.push(format!("{topic}={payload}"));
            }
            Output::Publish { .. } => {}
            Output::Wait { number, .. } => todo.extend(machine.step(Input::Due(number))),
            Output::LosePower => said.push("power lost".to_owned()),
        }
    }
    said
}

fn machine() -> Machine {
    Machine::new(LockSpec::new(0xA1, "Door"), Order::Documented, 1)
}

#[test]
fn a_locked_door_opens_by_way_of_unlocking_and_unlatching() {
    let said = play(&mut machine(), Input::Command(action::UNLATCH));
    let expected =
        ["lockActionEvent=3,172,0,0,0", "state=2", "state=7", "state=5", "state=3", "commandResponse=0"];
    assert_eq!(said, expected);
}

#[test]
fn lock_n_go_ends_locked() {
    let said = play(&mut machine(), Input::Command(action::LOCK_N_GO_UNLATCH));
    assert_eq!(
        said[1..],
        ["state=2", "state=7", "state=5", "state=6", "state=4", "state=1", "commandResponse=0"]
    );
}

#[test]
fn a_jam_is_answered_with_66_and_the_next_good_action_clears_it() {
    let mut machine = machine();
    machine.faults.jam = true;
    let said = play(&mut machine, Input::Command(action::UNLOCK));
    assert_eq!(said[1..], ["state=2", "state=254", "commandResponse=66"]);
    assert_eq!(play(&mut machine, Input::Command(action::LOCK)).last().unwrap(), "commandResponse=0");
    assert_eq!(machine.state, state::LOCKED);
}

#[test]
fn a_second_command_while_it_moves_is_busy() {
    let mut machine = machine();
    machine.step(Input::Command(action::UNLOCK));
    let answer = machine.step(Input::Command(action::LOCK));
    assert_eq!(answer, [told("commandResponse", error::BUSY.to_string())]);
}

#[test]
fn a_hand_on_the_knob_cancels_a_command_and_announces_nothing() {
    let mut machine = machine();
    machine.step(Input::Command(action::UNLOCK));
    let said = play(&mut machine, Input::ByHand { lock: true });
    assert_eq!(said, ["commandResponse=70", "state=1"]);
}

#[test]
fn auto_lock_waits_for_the_door_to_have_been_opened_and_closed() {
    let mut spec = LockSpec::new(0xA1, "Door");
    spec.auto_lock = Some(Duration::from_mins(1));
    let mut machine = Machine::new(spec, Order::Documented, 1);
    play(&mut machine, Input::Command(action::UNLOCK));
    assert_eq!(machine.state, state::UNLOCKED, "the door was never opened");
    play(&mut machine, Input::DoorOpens);
    assert_eq!(machine.state, state::UNLOCKED, "the door is open");
    let said = play(&mut machine, Input::DoorCloses);
    assert_eq!(said, ["doorsensorState=2", "lockActionEvent=2,6,0,0,0", "state=4", "state=1"]);
}

#[test]
fn a_simple_unlock_opens_a_knob_door_and_only_unlocks_a_handle_door() {
    let mut handle = machine();
    assert!(!play(&mut handle, Input::Simple { unlock: true }).contains(&"state=5".to_owned()));
    let mut knob = machine();
    knob.spec.knob = true;
    assert!(play(&mut knob, Input::Simple { unlock: true }).contains(&"state=5".to_owned()));
}

#[test]
fn a_reboot_in_the_middle_of_a_command_never_answers() {
    let mut machine = machine();
    machine.faults.reboot = true;
    let said = play(&mut machine, Input::Command(action::UNLOCK));
    assert!(
        said.contains(&"power lost".to_owned())
            && !said.iter().any(|word| word.starts_with("commandResponse"))
    );
}

#[test]
fn nonsense_flat_batteries_and_no_calibration_are_refused_by_number() {
    let mut machine = machine();
    for number in [0, 7, 80, 255] {
        assert_eq!(play(&mut machine, Input::Command(number)), ["commandResponse=35"]);
    }
    machine.battery = 2;
    assert_eq!(play(&mut machine, Input::Command(action::UNLOCK)), ["commandResponse=73"]);
    machine.state = state::UNCALIBRATED;
    assert_eq!(play(&mut machine, Input::Command(action::UNLOCK)), ["commandResponse=71"]);
    assert_eq!(machine.moves, 0);
}

#[test]
fn answers_can_come_twice_late_or_never() {
    let mut machine = machine();
    machine.faults.answer_twice = true;
    let twice = play(&mut machine, Input::Command(action::UNLOCK));
    assert_eq!(twice.iter().filter(|word| *word == "commandResponse=0").count(), 2);
    machine.faults.never_answer = true;
    assert!(!play(&mut machine, Input::Command(action::LOCK)).contains(&"commandResponse=0".to_owned()));
    machine.faults.answer_late = Some(Duration::from_secs(40));
    assert_eq!(play(&mut machine, Input::Command(action::UNLOCK)).last().unwrap(), "commandResponse=0");
}

#[test]
fn the_same_seed_gives_the_same_lock() {
    let waits = |seed| {
        let mut machine = Machine::new(LockSpec::new(0xA1, "Door"), Order::Documented, seed);
        let mut out = Vec::new();
        let first = machine.jitter(TURN);
        machine.command(action::UNLOCK, &mut out);
        (first, out)
    };
    assert_eq!(waits(5), waits(5));
    assert_ne!(waits(5), waits(6));
}
