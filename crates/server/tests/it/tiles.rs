//! Every state that a tile can show, as tiles and as rows: in a real Chromium, light and dark, narrow and wide, nothing is
//! cut, nothing overlaps and everything can be read. With `PICTURES=DIR` they are there to be looked at, too.

use std::time::Duration;

use lockwarden_app::actor::Actor;
use lockwarden_app::clock::Time;
use lockwarden_app::commands::{ANSWER, DEADLINE, Order};
use lockwarden_app::devices::{
    Connector, DeviceType, DoorState, HubAnswer, LockAction, LockEvent, LockState, Mode, NewDevice,
    Observation, Safety, Trigger,
};
use lockwarden_app::groups::NewGroup;
use lockwarden_app::ids::DeviceId;
use lockwarden_app::ways::Trouble;
use lockwarden_testkit::{PASSWORD, START, World};
use lockwarden_web::WebConfig;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::browser::run;

const LONG: &str = "Müller & Söhne, Büro im 3. Stock links hinter dem langen Gang";
const ONE_WORD: &str = "Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüssel";

/// An account with a device in every state. Its clock stands still, so that all of them last.
struct House {
    world: World,
    anna: Actor,
    nuki_id: u32,
}

impl House {
    async fn new() -> Self {
        let world = World::new().await;
        let anna = world.owner("Anna").await;
        Self { world, anna, nuki_id: 0xA000 }
    }

    fn next(&mut self) -> u32 {
        self.nuki_id += 1;
        self.nuki_id
    }

    /// A lock with its own MQTT that is locked, with its door closed, and then says this.
    async fn lock(&mut self, name: &str, says: &[Observation]) -> DeviceId {
        let nuki_id = self.next();
        let device = self.world.lock(&self.anna, name, nuki_id).await;
        self.says(device, Connector::NukiMqtt, says).await;
        device
    }

    async fn says(&self, device: DeviceId, by: Connector, says: &[Observation]) {
        for seen in says {
            self.world.says_by(device, by, seen.clone()).await;
        }
    }

    /// A device of this kind behind a hub that is connected and says this.
    async fn behind_hub(&mut self, name: &str, kind: DeviceType, says: &[Observation]) -> DeviceId {
        let new = NewDevice::by_hub(name, None);
        let (device, credentials) = self.world.app.add_device(&self.anna, new).await.unwrap();
        let login = self.world.login(&credentials).await;
        let nuki_id = self.next();
        self.world.app.bind_login(&login, nuki_id).await.unwrap().unwrap();
        let first =
            [Observation::Link { up: true }, Observation::Listens(true), Observation::DeviceType(kind)];
        self.says(device, Connector::NukiHub, &first).await;
        self.says(device, Connector::NukiHub, says).await;
        device
    }

    async fn order(&self, device: DeviceId, action: LockAction) {
        self.world.app.order(&self.anna, Order { device, action, idempotency_key: None }).await.unwrap();
    }

    /// Takes every order that waits, as if it was on the wire.
    async fn send(&self) {
        for (command, _) in self.world.app.due_commands().await.unwrap() {
            self.world.app.take_command(command).await.unwrap();
        }
    }

    async fn ordered(&mut self, name: &str, action: LockAction, then: &[Observation]) {
        let device = self.lock(name, &[]).await;
        self.order(device, action).await;
        self.send().await;
        self.says(device, Connector::NukiMqtt, then).await;
    }

    /// Every state of a lock, and what it says beside it.
    async fn fill_with_states(&mut self) {
        for state in LockState::KNOWN.iter().copied().chain([LockState::Other(99)]) {
            let says = [Observation::Door(DoorState::Closed), Observation::State(state)];
            self.lock(&format!("State {}", state.code()), &says).await;
        }
        let doors = [
            (DoorState::Deactivated, "deactivated"),
            (DoorState::Opened, "open and locked"),
            (DoorState::Unknown, "unknown"),
            (DoorState::Calibrating, "calibrating"),
            (DoorState::Uncalibrated, "uncalibrated"),
            (DoorState::Tampered, "tampered"),
            (DoorState::Undefined, "undefined"),
        ];
        for (door, name) in doors {
            self.lock(&format!("Door {name}"), &[Observation::Door(door)]).await;
        }
        let unlocked = [Observation::State(LockState::Unlocked), Observation::Door(DoorState::Opened)];
        self.lock("Door open just now", &unlocked).await;
        let batteries = [
            ("Battery 50", &[Observation::BatteryPercent(50)][..]),
            ("Battery low", &[Observation::BatteryPercent(18)]),
            ("Battery charging", &[Observation::BatteryPercent(18), Observation::BatteryCharging(true)]),
            ("Battery critical", &[Observation::BatteryPercent(6), Observation::BatteryCritical(true)]),
            ("Battery critical, no percent", &[Observation::BatteryCritical(true)]),
            ("Keypad battery", &[Observation::KeypadBatteryCritical(true)]),
            ("Door sensor battery", &[Observation::DoorBatteryCritical(true)]),
            ("Clock wrong", &[Observation::DeviceTime(Time(START.0 + 7_200_000))]),
        ];
        for (name, says) in batteries {
            self.lock(name, says).await;
        }
        self.lock("Several faults at once", &faults()).await;
        self.lock(LONG, &faults()).await;
        self.lock(ONE_WORD, &[Observation::BatteryPercent(18)]).await;
    }

    /// Devices that are not there, or do not listen.
    async fn fill_with_absence(&mut self) {
        self.world.device(&self.anna, "Never connected").await;
        let silent = self.world.device(&self.anna, "Said no state").await;
        let login = self.world.login(&silent.1).await;
        let nuki_id = self.next();
        self.world.app.bind_login(&login, nuki_id).await.unwrap().unwrap();
        self.says(silent.0, Connector::NukiMqtt, &[Observation::Link { up: true }]).await;
        let away = [Observation::Link { up: false }];
        self.lock("Away since now", &away).await;
        let flat = [Observation::BatteryPercent(4), Observation::BatteryCritical(true), away[0].clone()];
        self.lock("Away with a flat battery", &flat).await;
        self.lock("Away while it moved", &[Observation::State(LockState::Unlocking), away[0].clone()]).await;
        let back = [away[0].clone(), Observation::Link { up: true }, Observation::Listens(true)];
        self.lock("Back and has said nothing", &back).await;
        self.lock("Allow locking is off", &[Observation::Listens(false)]).await;
        let deaf = [Observation::State(LockState::Locked), Observation::Listens(false)];
        self.behind_hub("The hub takes no commands", DeviceType::SmartLock34, &deaf).await;
        let hub_away = [Observation::State(LockState::Locked), away[0].clone()];
        self.behind_hub("The hub is away", DeviceType::SmartLock34, &hub_away).await;
        let lost = Observation::Trouble(Trouble::OutOfReach, Some(String::new()));
        let door = Observation::Door(DoorState::Closed);
        let lost = [Observation::State(LockState::Locked), door, Observation::BatteryPercent(64), lost];
        self.behind_hub("Out of reach of the hub", DeviceType::SmartLock34, &lost).await;
        self.behind_hub("Never reached by the hub", DeviceType::SmartLock34, &lost[3..]).await;
    }

    /// Orders in every state they can be in, and doors that are not opened just like that.
    async fn fill_with_orders(&mut self) {
        use LockAction::{Lock, LockNGo, Unlatch, Unlock};
        let begun = |action| {
            let trigger = Trigger::Mqtt;
            Observation::Event(LockEvent { action, trigger, auth_id: None, code_id: None, extra: 0 })
        };
        let moves = [begun(Unlock), Observation::State(LockState::Unlocking)];
        // First those that end by time passing.
        let expired = self.lock("Order expired", &[]).await;
        self.order(expired, Unlock).await;
        self.world.clock.advance(DEADLINE + Duration::from_secs(1));
        self.world.app.settle_commands().await.unwrap();
        self.ordered("Order unanswered", Unlock, &[]).await;
        self.world.clock.advance(ANSWER + Duration::from_secs(1));
        self.world.app.settle_commands().await.unwrap();
        self.ordered("Order sent", Unlock, &[]).await;
        self.ordered("Order begun", Unlock, &moves).await;
        let done = [moves[0].clone(), moves[1].clone(), Observation::State(LockState::Unlocked)];
        self.ordered("Order done", Unlock, &[&done[..], &[Observation::CommandResponse(0)]].concat()).await;
        self.ordered("Order failed", Unlock, &[Observation::CommandResponse(0x45)]).await;
        self.ordered(
            "Order failed, jammed",
            Lock,
            &[Observation::State(LockState::MotorBlocked), Observation::CommandResponse(0x48)],
        )
        .await;
        let go = [begun(LockNGo), Observation::State(LockState::UnlockedLockNGo)];
        self.ordered("Lock ’n’ go under way", LockNGo, &go).await;
        self.ordered("Tür zum Hof neben den Fahrrädern, wird gerade bedient", Unlatch, &[]).await;
        let by_hub = self
            .behind_hub("By the hub", DeviceType::SmartLock12, &[Observation::State(LockState::Locked)])
            .await;
        self.order(by_hub, Unlock).await;
        self.send().await;
        let answers = [HubAnswer::Acknowledged, HubAnswer::Failed, HubAnswer::Retry(2)];
        self.says(by_hub, Connector::NukiHub, &answers.map(Observation::Hub)).await;
        for (name, safety) in [
            ("Asks first", Safety { ask_again: true, ..Safety::default() }),
            ("Never from here", Safety { never_open: true, ..Safety::default() }),
            ("Wants the password", Safety { fresh_sign_in: true, ask_again: true, never_open: false }),
        ] {
            let device = self.lock(name, &[]).await;
            self.world.app.set_safety(&self.anna, device, safety).await.unwrap();
        }
        // Last, for whoever takes what is due takes these too.
        let twice = self.lock("Two orders", &[]).await;
        self.order(twice, Unlock).await;
        self.order(twice, Lock).await;
    }

    /// What is no lock of the third generation.
    async fn fill_with_kinds(&mut self) {
        let opener = DeviceType::Opener;
        for state in [
            LockState::Uncalibrated,
            LockState::Locked,
            LockState::Unlocked,
            LockState::Unlatched,
            LockState::Unlatching,
            LockState::BootRun,
            LockState::Undefined,
        ] {
            let says = [Observation::State(state)];
            self.behind_hub(&format!("Opener {}", state.code()), opener, &says).await;
        }
        let continuous = [Observation::State(LockState::Locked), Observation::Mode(Mode::Continuous)];
        self.behind_hub("Opener, continuous mode", opener, &continuous).await;
        let ready = [Observation::State(LockState::Locked), Observation::BatteryCritical(true)];
        let strikes = self
            .behind_hub("Haustür an der Straße mit Gegensprechanlage und Klingelbrett", opener, &ready)
            .await;
        self.order(strikes, LockAction::Unlatch).await;
        self.send().await;
        let rang = [Observation::State(LockState::Locked), Observation::RingTime(START)];
        self.behind_hub("Opener that rang", opener, &rang).await;
        for (name, kind) in [
            ("First generation", DeviceType::SmartLock12),
            ("Fifth generation", DeviceType::SmartLock5),
            ("A kind nobody knows", DeviceType::Other(42)),
        ] {
            self.lock(name, &[Observation::DeviceType(kind)]).await;
        }
        for state in LockState::KNOWN.iter().copied().chain([LockState::Other(77)]) {
            for (name, kind) in [("Box", DeviceType::Box), ("Smart Door", DeviceType::SmartDoor)] {
                let says = [Observation::DeviceType(kind), Observation::State(state)];
                self.lock(&format!("{name} {}", state.code()), &says).await;
            }
        }
        let event = |action, trigger, code_id, extra| {
            Observation::Event(LockEvent { action, trigger, auth_id: Some(7), code_id, extra })
        };
        let code = event(LockAction::Unlock, Trigger::System, Some(4711), 1);
        self.lock("By an entry code", &[code, Observation::State(LockState::Unlocked)]).await;
        let fob = event(LockAction::Unlock, Trigger::Automatic, None, 2);
        let favourite =
            self.lock("Favourite, by a fob", &[fob, Observation::State(LockState::Unlocked)]).await;
        self.world.app.set_favourite(&self.anna, favourite, true).await.unwrap();
        let mut parent = None;
        for name in ["Hafenstraße 22 bis 24, Hinterhaus und Remise", "3. Stock", ONE_WORD] {
            parent = Some(self.world.app.create_group(&self.anna, NewGroup { name, parent }).await.unwrap());
        }
        self.world.app.set_group(&self.anna, favourite, parent).await.unwrap();
    }
}

fn faults() -> [Observation; 7] {
    [
        Observation::State(LockState::MotorBlocked),
        Observation::Door(DoorState::Tampered),
        Observation::BatteryPercent(6),
        Observation::BatteryCritical(true),
        Observation::KeypadBatteryCritical(true),
        Observation::DoorBatteryCritical(true),
        Observation::DeviceTime(Time(START.0 - 7_200_000)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_of_a_tile_can_be_read_as_tile_and_row_in_both_themes_narrow_and_wide() {
    let mut house = House::new().await;
    house.fill_with_states().await;
    // A door that is open now was left open later.
    let left = [Observation::State(LockState::Unlocked), Observation::Door(DoorState::Opened)];
    house.lock("Door left open", &left).await;
    house.world.clock.advance(Duration::from_mins(11));
    house.fill_with_absence().await;
    house.fill_with_kinds().await;
    house.fill_with_orders().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = listener.local_addr().unwrap();
    let router = lockwarden_web::router(house.world.app.clone(), WebConfig::default());
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, router).await });
    let given = [
        ("URL", format!("http://{http}")),
        ("EMAIL", "anna@example.org".to_owned()),
        ("PASSWORD", PASSWORD.to_owned()),
    ];
    let given: Vec<(&str, &str)> = given.iter().map(|(name, value)| (*name, value.as_str())).collect();
    tokio::task::block_in_place(|| run("tiles.mjs", &given));
}
