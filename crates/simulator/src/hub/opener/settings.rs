//! The settings of an Opener: what the hub tells of them, and the command that writes them (Nuki Hub, publishConfig,
//! publishAdvancedConfig and onConfigUpdateReceived of NukiNetworkOpener).

use tokio::time::Instant;

use super::OpenerWork;
use crate::hub::discovery::Entity;
use crate::hub::settings::{Desk, Holder, put};
use crate::hub::work::SETTLED;
use crate::json::Object;
use crate::memory::settings::Part;
use crate::opener::OpenerMachine;
use crate::opener::settings::ALL;

impl OpenerWork {
    pub(super) async fn read_config(&mut self) {
        if !self.line.exchange().await {
            return;
        }
        let told = self.opener.visit(|machine| (machine.spec.clone(), basic(machine))).await;
        let Some((spec, basic)) = told else { return };
        self.config_is_known = true;
        if self.line.spec.config_info {
            self.line.tell_json("opener/configuration/basicJson", basic);
            self.line.tell("opener/info/firmwareVersion", spec.firmware.clone());
            self.line.tell("opener/info/hardwareVersion", spec.hardware.clone());
        }
        self.fetch_authorizations().await;
        if self.line.exchange().await
            && let Some(advanced) = self.opener.visit(advanced).await
            && self.line.spec.config_info
        {
            self.line.tell_json("opener/configuration/advancedJson", advanced);
        }
        if !std::mem::replace(&mut self.is_told, true) {
            self.line.announce(&Entity {
                side: "opener",
                model: "Opener",
                nuki_id: spec.nuki_id,
                name: &spec.name,
                firmware: &spec.firmware,
                hardware: &spec.hardware,
                payloads: ["deactivateRTO", "activateRTO", "electricStrikeActuation"],
            });
        }
    }

    pub(super) async fn write_settings(&mut self) {
        while let Some(payload) = self.changes.pop_front() {
            let is_known = self.config_is_known;
            let desk = Desk { line: &self.line, holder: Holder::Opener(&self.opener), is_known };
            let json = desk.answer(&payload).await;
            self.line.tell_json("opener/configuration/commandResult", json);
            self.line.tell("opener/configuration/action", "--");
            self.config_at = Instant::now() + self.line.options.scaled(SETTLED);
        }
    }
}

fn basic(machine: &mut OpenerMachine) -> String {
    let now = machine.memory.now();
    let (spec, settings) = (&machine.spec, &machine.memory.settings);
    let json = Object::new()
        .text("nukiID", &format!("{:x}", spec.nuki_id))
        .text("name", &spec.name)
        .text("capabilities", "Both");
    put(json, settings, ALL, &[Part::Basic])
        .text("currentTime", &now.to_string())
        .flag("hasFob", true)
        .flag("hasKeypad", false)
        .flag("hasKeypadV2", false)
        .text("firmwareVersion", &spec.firmware)
        .text("hardwareRevision", &spec.hardware)
        .text("timeZone", settings.get("timeZone"))
        .end()
}

fn advanced(machine: &mut OpenerMachine) -> String {
    put(Object::new(), &machine.memory.settings, ALL, &[Part::Advanced]).end()
}
