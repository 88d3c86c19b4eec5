//! The lock's sequences, without time or network.

use super::*;
use crate::memory::log::Kind;

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
            Output::Result { order, code } => said.push(format!("order {order}={code}")),
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
fn every_action_goes_the_documented_way_from_wherever_it_begins() {
    let unlocked = || Machine { state: state::UNLOCKED, rest: state::UNLOCKED, ..machine() };
    for (mut machine, number, way) in [
        (machine(), action::UNLOCK, &["state=2", "state=3"][..]),
        (unlocked(), action::LOCK, &["state=4", "state=1"]),
        (machine(), action::LOCK, &["state=4", "state=1"]),
        (unlocked(), action::FULL_LOCK, &["state=4", "state=1"]),
        (unlocked(), action::UNLATCH, &["state=7", "state=5", "state=3"]),
        (machine(), action::LOCK_N_GO, &["state=2", "state=6", "state=4", "state=1"]),
        (unlocked(), action::LOCK_N_GO, &["state=6", "state=4", "state=1"]),
    ] {
        let said = play(&mut machine, Input::Command(number));
        let (ends, between) = (said.first().zip(said.last()), &said[1..said.len() - 1]);
        let event = format!("lockActionEvent={number},172,0,0,0");
        assert_eq!(ends, Some((&event, &"commandResponse=0".to_owned())));
        assert_eq!(between, way, "action {number}");
    }
}

/// How long each step of an unlatch from locked takes, as it was asked for.
fn waits(spec: LockSpec, seed: u64) -> Vec<f64> {
    let mut machine = Machine::new(spec, Order::Documented, seed);
    let (mut waits, mut todo) = (Vec::new(), machine.step(Input::Command(action::UNLATCH)));
    while let Some(output) = todo.pop() {
        if let Output::Wait { after, number } = output {
            waits.push(after.as_secs_f64());
            todo.extend(machine.step(Input::Due(number)));
        }
    }
    waits
}

#[test]
fn movements_take_as_long_as_those_of_their_kind_give_or_take_a_tenth() {
    let older = LockSpec::new(0xA1, "Door");
    let ultra = LockSpec { device_type: 5, turn: Duration::from_secs(2), ..LockSpec::new(0xA1, "Door") };
    for (spec, expected) in [(older, [4.5, 1.2, 3.0]), (ultra, [2.0, 1.2, 3.0])] {
        let all: Vec<Vec<f64>> = (0..50).map(|seed| waits(spec.clone(), seed)).collect();
        for (step, expected) in expected.into_iter().enumerate() {
            assert!(all.iter().all(|waits| (waits[step] / expected - 1.0).abs() <= 0.1), "{expected}");
            assert!(all.iter().any(|waits| (waits[step] / expected - 1.0).abs() > 0.05), "no two are alike");
        }
    }
}

#[test]
fn a_battery_is_told_in_even_steps_is_critical_from_20_percent_and_pays_more_for_the_latch() {
    let mut machine = machine();
    for (percent, told, critical) in
        [(86, "86", "false"), (21, "20", "false"), (20, "20", "true"), (7, "6", "true")]
    {
        let out = machine.step(Input::Battery(percent));
        assert!(out.contains(&retained("batteryChargeState", told.to_owned())), "{percent}");
        assert!(out.contains(&retained("batteryCritical", critical.to_owned())), "{percent}");
    }
    let after = |number| {
        let mut machine =
            Machine::new(LockSpec { battery: 100, ..LockSpec::new(0xA1, "Door") }, Order::Documented, 1);
        for _ in 0..100 {
            play(&mut machine, Input::Command(number));
            play(&mut machine, Input::Command(action::LOCK));
        }
        machine.battery
    };
    assert!(after(action::UNLATCH) < after(action::UNLOCK));
}

#[test]
fn the_button_while_it_moves_cancels_and_what_is_told_of_the_bolt_is_either() {
    for (order, stands) in [(Order::Documented, "state=1"), (Order::EventLate, "state=255")] {
        let mut machine = Machine::new(LockSpec::new(0xA1, "Door"), order, 1);
        machine.step(Input::Command(action::UNLOCK));
        let button = Input::Act { action: action::LOCK, trigger: 2, auth_id: 0, code_id: 0, extra: 1 };
        assert_eq!(play(&mut machine, button), ["commandResponse=70", stands]);
        let said = play(&mut machine, Input::Command(action::LOCK));
        assert_eq!(said.last().unwrap(), "commandResponse=0", "and it goes on from there");
    }
}

#[test]
fn auto_lock_at_closing_does_not_wait() {
    let spec = LockSpec {
        auto_lock: Some(Duration::from_mins(10)),
        lock_at_closing: true,
        ..LockSpec::new(0xA1, "Door")
    };
    let mut machine = Machine::new(spec, Order::Documented, 1);
    play(&mut machine, Input::Command(action::UNLOCK));
    machine.step(Input::DoorOpens);
    let out = machine.step(Input::DoorCloses);
    assert!(matches!(out[..], [_, Output::Wait { after: Duration::ZERO, .. }]), "{out:?}");
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
        let first = machine.jitter(Duration::from_secs(4));
        machine.command(action::UNLOCK, &mut out);
        (first, out)
    };
    assert_eq!(waits(5), waits(5));
    assert_ne!(waits(5), waits(6));
}

#[test]
fn a_lock_that_loses_power_at_rest_wakes_in_exactly_that_state() {
    for rest in [state::LOCKED, state::UNLOCKED, state::JAMMED, state::UNCALIBRATED] {
        let mut machine = machine();
        machine.enter(rest, &mut Vec::new());
        let mut said = play(&mut machine, Input::PowerLoss);
        assert_eq!(said.remove(0), "power lost");
        assert_eq!(said, [format!("state={rest}")]);
        // Twice in a row is no movement either.
        machine.step(Input::PowerLoss);
        assert_eq!(machine.state, state::BOOT);
        play(&mut machine, Input::PowerLoss);
        assert_eq!(machine.state, rest);
    }
}

#[test]
fn a_bolt_stopped_on_its_way_is_where_it_came_from_unless_it_was_nearly_there() {
    for (from, number, to) in [
        (state::LOCKED, action::UNLOCK, state::UNLOCKED),
        (state::UNLOCKED, action::LOCK, state::LOCKED),
        (state::LOCKED, action::LOCK, state::LOCKED),
    ] {
        let mut woke = [0, 0];
        for seed in 0..100 {
            let mut machine = Machine::new(LockSpec::new(0xA1, "Door"), Order::Documented, seed);
            machine.enter(from, &mut Vec::new());
            machine.faults.reboot = true;
            play(&mut machine, Input::Command(number));
            assert!(machine.state == from || machine.state == to, "seed {seed}: {}", machine.state);
            woke[usize::from(machine.state != from)] += 1;
        }
        assert!(woke[0] > 75 && (from == to || (1..25).contains(&woke[1])), "{from} to {to}: {woke:?}");
    }
}

#[test]
fn a_latch_springs_back_when_the_power_fails() {
    for number in [action::UNLATCH, action::LOCK_N_GO] {
        let mut machine = machine();
        machine.enter(state::UNLOCKED, &mut Vec::new());
        machine.step(Input::Command(number));
        assert!(matches!(machine.state, state::UNLATCHING | state::LOCK_N_GO), "{}", machine.state);
        play(&mut machine, Input::PowerLoss);
        assert_eq!(machine.state, state::UNLOCKED);
    }
}

#[test]
fn a_reboot_forgets_the_answer_that_was_owed() {
    let mut machine = machine();
    machine.faults.refuse = Some(error::BUSY);
    machine.faults.answer_late = Some(Duration::from_secs(40));
    let [Output::Wait { number, .. }] = machine.step(Input::Command(action::UNLOCK))[..] else {
        panic!("nothing but a late answer was expected")
    };
    machine.step(Input::PowerLoss);
    assert!(machine.step(Input::Due(number)).is_empty());
}

#[test]
fn two_late_answers_both_come() {
    let mut machine = machine();
    let mut owed = Vec::new();
    for _ in 0..2 {
        machine.faults.refuse = Some(error::BUSY);
        machine.faults.answer_late = Some(Duration::from_secs(40));
        owed.extend(machine.step(Input::Command(action::UNLOCK)));
    }
    for wait in owed {
        let Output::Wait { number, .. } = wait else { panic!("answered at once: {wait:?}") };
        assert_eq!(machine.step(Input::Due(number)), [told("commandResponse", error::BUSY.to_string())]);
    }
}

fn with_codes() -> Machine {
    // The second breaks the rules.
    let codes = vec![(589_472, "Carla".to_owned()), (121_111, "Nobody".to_owned())];
    Machine::new(LockSpec { codes, ..LockSpec::new(0xA1, "Door") }, Order::Documented, 1)
}

#[test]
fn an_order_over_bluetooth_moves_the_same_bolt_and_only_the_one_who_asked_hears_the_outcome() {
    let mut machine = machine();
    let said = play(&mut machine, Input::Order { action: action::UNLOCK, auth_id: 77, order: 9 });
    assert_eq!(said, ["lockActionEvent=1,0,77,0,0", "state=2", "state=3", "order 9=0"]);
    machine.step(Input::Order { action: action::LOCK, auth_id: 77, order: 10 });
    let busy = machine.step(Input::Command(action::LOCK));
    assert_eq!(busy, [told("commandResponse", error::BUSY.to_string())], "it moves for somebody else");
    machine.spec.answers_others = true;
    play(&mut machine, Input::ByHand { lock: false });
    let said = play(&mut machine, Input::Order { action: action::LOCK, auth_id: 77, order: 11 });
    assert_eq!(said[3..], ["order 11=0", "commandResponse=0"], "unconfirmed, so it can be switched on");
}

#[test]
fn a_right_code_opens_and_is_counted_and_a_wrong_one_only_leaves_a_line_in_the_log() {
    let mut machine = with_codes();
    let said = play(&mut machine, Input::Code(589_472));
    assert_eq!(said[0], "lockActionEvent=3,0,195249,8192,1");
    assert_eq!(machine.memory().codes[0].count, 1);
    assert!(play(&mut machine, Input::Code(589_473)).is_empty(), "nothing is told of a wrong code");
    let kinds: Vec<_> = machine.memory().log.iter().map(|entry| entry.kind).collect();
    let keypad = |completion, code_id| Kind::Keypad { action: 3, source: 1, completion, code_id };
    assert_eq!(kinds, [keypad(completion::SUCCESS, 8_192), keypad(completion::INVALID_CODE, 0)]);
    machine.memory().codes[0].enabled = false;
    assert!(play(&mut machine, Input::Code(589_472)).is_empty());
    assert!(play(&mut machine, Input::Finger(9)).is_empty());
    let last: Vec<_> = machine.memory().log.iter().rev().take(2).map(|entry| entry.kind).collect();
    let finger = Kind::Keypad { action: 3, source: 2, completion: completion::INVALID_FINGER, code_id: 0 };
    assert_eq!(last, [finger, keypad(completion::NOT_AUTHORIZED, 8_192)]);
}

#[test]
fn after_five_wrong_codes_the_keypad_is_deaf_for_half_a_minute_even_to_the_right_one() {
    let mut machine = with_codes();
    for _ in 0..4 {
        assert!(machine.step(Input::Code(111_111)).is_empty());
    }
    let out = machine.step(Input::Code(111_111));
    let [Output::Wait { after, number }] = out[..] else { panic!("a pause was expected: {out:?}") };
    assert_eq!(after, Duration::from_secs(30));
    assert!(machine.step(Input::Code(589_472)).is_empty());
    assert_eq!(machine.memory().log.len(), 5, "what it does not hear it does not write down");
    machine.step(Input::Due(number));
    assert!(!machine.step(Input::Code(589_472)).is_empty());
}

#[test]
fn a_lock_refuses_a_code_against_the_rules_a_second_one_alike_and_one_too_many() {
    let mut machine = with_codes();
    let memory = machine.memory();
    assert_eq!(memory.add_simple_code(589_472, "Dora"), Err(error::CODE_EXISTS));
    assert_eq!(memory.add_simple_code(121_111, "Dora"), Err(error::CODE_INVALID));
    memory.codes_limit = 2;
    assert_eq!(memory.add_simple_code(333_333, "Dora"), Ok(8_193));
    assert_eq!(memory.add_simple_code(444_444, "Emil"), Err(error::TOO_MANY_ENTRIES));
    memory.delete_code(8_193).unwrap();
    assert_eq!(memory.add_simple_code(444_444, "Emil"), Ok(8_194), "an id is not used again");
}

#[test]
fn settings_are_lived_by() {
    let mut machine = machine();
    machine.set("autoLockEnabled", "1");
    machine.set("autoLockTimeOut", "88");
    assert_eq!(machine.spec.auto_lock, Some(Duration::from_secs(88)));
    assert_eq!(machine.set("name", "Back door"), [told_name("Back door")]);
    machine.set("autoUnlatch", "1");
    let said = play(&mut machine, Input::Command(1));
    assert!(
        said.contains(&"state=5".to_owned()) && said.contains(&"lockActionEvent=1,172,0,0,0".to_owned()),
        "{said:?}"
    );
    machine.set("fobAction1", "Lock");
    let said = play(&mut machine, Input::Order { action: action::FOB_1, auth_id: 1, order: 1 });
    assert_eq!(said[0], "lockActionEvent=2,0,1,0,0");
}

#[test]
fn the_log_tells_by_hand_from_auto_lock_from_a_jam() {
    let mut machine = machine();
    machine.memory();
    play(&mut machine, Input::ByHand { lock: false });
    machine.faults.jam = true;
    play(&mut machine, Input::Act { action: 2, trigger: 6, auth_id: 0, code_id: 0, extra: 0 });
    machine.step(Input::DoorOpens);
    let kinds: Vec<_> = machine.memory().log.iter().map(|entry| entry.kind).collect();
    let acted = |action, trigger, completion| Kind::Action { action, trigger, completion };
    assert_eq!(kinds, [acted(1, 1, 0), acted(2, 6, 1), Kind::Door { event: 0 }]);
}
