//! The facts, by what they are about. Which devices have a setting: the models of the Web API, its "only for type"
//! notes (whose type 1 is the box by number and a lock by sense, so that both have them), and which of its two halves Nuki Hub tells it in.

pub(super) mod buttons;
pub(super) mod connection;
pub(super) mod general;
pub(super) mod locking;
pub(super) mod night;
pub(super) mod opener;
pub(super) mod positions;
pub(super) mod sounds;
pub(super) mod time;

use super::about::{About, Choice, Kind, Model, Reach, Section, Unit};
use crate::devices::DeviceType as D;

const EVERY: &[D] = &[D::SmartLock12, D::Box, D::Opener, D::SmartDoor, D::SmartLock34, D::SmartLock5];
/// The discontinued box has no button, no fob and no batteries that are told here.
const NO_BOX: &[D] = &[D::SmartLock12, D::Opener, D::SmartDoor, D::SmartLock34, D::SmartLock5];
/// What turns a bolt.
const TURNING: &[D] = &[D::SmartLock12, D::SmartDoor, D::SmartLock34, D::SmartLock5];
/// With the box, where the Web API says "only for type=1 and type=3".
const TURNING_AND_BOX: &[D] = &[D::SmartLock12, D::Box, D::SmartDoor, D::SmartLock34, D::SmartLock5];
/// What sits on a cylinder.
const LOCKS: &[D] = &[D::SmartLock12, D::SmartLock34, D::SmartLock5];
/// With the box, where the Web API says "only for type=1".
const LOCKS_AND_BOX: &[D] = &[D::SmartLock12, D::Box, D::SmartLock34, D::SmartLock5];
const LOCKS_AND_OPENERS: &[D] = &[D::SmartLock12, D::Opener, D::SmartLock34, D::SmartLock5];
const OPENERS: &[D] = &[D::Opener];
const SMART_DOORS: &[D] = &[D::SmartDoor];
const FIFTH: &[D] = &[D::SmartLock5];

const CONFIG: &[Model] = &[Model::Config];
const ADVANCED: &[Model] = &[Model::Advanced];
const ADVANCED_AND_DOOR: &[Model] = &[Model::Advanced, Model::SmartDoor];
const ADVANCED_ALL: &[Model] = &[Model::Advanced, Model::Opener, Model::SmartDoor];
const ADVANCED_AND_OPENER: &[Model] = &[Model::Advanced, Model::Opener];
const OPENER: &[Model] = &[Model::Opener];
const DOOR: &[Model] = &[Model::SmartDoor];

/// For a source that gives the range which the Web API leaves open.
const HUB: &str = "Nuki Hub 9.15";
