//! The Opener's sequences, without time or network.

use super::*;

/// Lets every delay but that of ring to open pass; the states on the way.
fn play(machine: &mut OpenerMachine, input: Input) -> Vec<u8> {
    let mut states = Vec::new();
    let mut todo = machine.step(input);
    states.push(machine.state);
    while let Some(output) = todo.pop() {
        if let Output::Wait { number, after } = output
            && after != machine.spec.rto_timeout
        {
            todo.extend(machine.step(Input::Due(number)));
            states.push(machine.state);
        }
    }
    states
}

fn order(action: u8) -> Input {
    Input::Order { action, auth_id: 1, order: 1 }
}

#[test]
fn ring_to_open_opens_at_the_next_ring_and_is_over_then() {
    let mut machine = OpenerMachine::new(OpenerSpec::new(0xB1, "Gate"));
    assert_eq!(play(&mut machine, Input::Ring), [state::ONLINE], "nobody asked it to open");
    play(&mut machine, order(action::ACTIVATE_RTO));
    assert_eq!(machine.state, state::RTO_ACTIVE);
    let states = play(&mut machine, Input::Ring);
    assert_eq!(states, [state::RTO_ACTIVE, state::OPENING, state::OPEN, state::ONLINE]);
    play(&mut machine, Input::Ring);
    assert_eq!((machine.opened, machine.rings), (1, 3));
}

#[test]
fn ring_to_open_ends_by_itself() {
    let mut machine = OpenerMachine::new(OpenerSpec::new(0xB1, "Gate"));
    let out = machine.step(order(action::ACTIVATE_RTO));
    let Output::Wait { number, after } = out[0] else { panic!("{out:?}") };
    assert_eq!(after, Duration::from_mins(20));
    machine.step(Input::Due(number));
    assert_eq!(machine.state, state::ONLINE);
}

#[test]
fn continuous_mode_opens_at_every_ring() {
    let mut machine = OpenerMachine::new(OpenerSpec::new(0xB1, "Gate"));
    play(&mut machine, order(action::ACTIVATE_CM));
    assert_eq!((machine.state, machine.mode), (state::ONLINE, CONTINUOUS));
    for _ in 0..3 {
        play(&mut machine, Input::Ring);
    }
    assert_eq!(machine.opened, 3);
    play(&mut machine, order(action::DEACTIVATE_CM));
    play(&mut machine, Input::Ring);
    assert_eq!((machine.opened, machine.mode), (3, DOOR_MODE));
}

#[test]
fn the_strike_answers_when_it_is_done_is_busy_meanwhile_and_untrained_does_nothing() {
    let mut machine = OpenerMachine::new(OpenerSpec::new(0xB1, "Gate"));
    machine.step(order(action::STRIKE));
    let second = machine.step(Input::Order { action: action::STRIKE, auth_id: 1, order: 2 });
    assert_eq!(second, [Output::Result { order: 2, code: error::BUSY }]);
    machine.step(Input::Trained(false));
    let third = machine.step(Input::Order { action: action::STRIKE, auth_id: 1, order: 3 });
    assert_eq!(third, [Output::Result { order: 3, code: error::NOT_CALIBRATED }]);
}
