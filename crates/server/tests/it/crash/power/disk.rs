//! A disk that keeps what it was asked to sync and, when the power goes, of the rest whatever chance says.

use std::path::Path;
use std::sync::Arc;

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::record::{FILES, Step};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

#[derive(Clone, Default)]
pub(super) struct Disk {
    files: [Contents; 2],
    /// The log has a name that lasts.
    is_named: bool,
}

#[derive(Clone, Default)]
struct Contents {
    kept: Vec<u8>,
    /// What is not synced, each with the number of its step.
    pending: Vec<(usize, Change)>,
}

#[derive(Clone)]
enum Change {
    Bytes(usize, Arc<Vec<u8>>),
    Length(usize),
}

impl Disk {
    /// The directory as it is, all of it kept.
    pub(super) fn of(directory: &Path) -> Self {
        let mut disk = Self::default();
        for (contents, name) in disk.files.iter_mut().zip(FILES) {
            contents.kept = std::fs::read(directory.join(name)).unwrap_or_default();
        }
        disk
    }

    pub(super) fn take(&mut self, number: usize, step: Step) {
        match step {
            Step::Written { file, at, bytes } => {
                self.files[file].pending.push((number, Change::Bytes(at, Arc::new(bytes))));
            }
            Step::Resized { file, length } => {
                self.files[file].pending.push((number, Change::Length(length)));
            }
            Step::Synced { file, began } => self.files[file].sync(began),
            Step::Named => self.is_named = true,
            Step::Sent { .. } => {}
        }
    }

    /// Writes into `directory` what is found when the power is back.
    pub(super) fn lose_power(&self, chance: &mut StdRng, directory: &Path) {
        for (contents, name) in self.files.iter().zip(FILES) {
            let has_no_name = name == FILES[1] && !self.is_named && chance.random_bool(0.5);
            if !has_no_name {
                std::fs::write(directory.join(name), contents.lose_power(chance)).unwrap();
            }
        }
    }
}

impl Contents {
    fn sync(&mut self, began: usize) {
        let later = self.pending.partition_point(|(number, _)| *number < began);
        for (_, change) in self.pending.drain(..later) {
            change.apply(&mut self.kept, |_| true);
        }
    }

    fn lose_power(&self, chance: &mut StdRng) -> Vec<u8> {
        let mut found = self.kept.clone();
        for (_, change) in &self.pending {
            match chance.random_range(0..3) {
                0 => {}
                1 => change.apply(&mut found, |_| true),
                _ => change.apply(&mut found, |_| chance.random_bool(0.5)),
            }
        }
        found
    }
}

impl Change {
    /// `keeps` is asked for every sector.
    fn apply(&self, found: &mut Vec<u8>, mut keeps: impl FnMut(usize) -> bool) {
        match self {
            Self::Length(length) => found.resize(*length, 0),
            Self::Bytes(at, bytes) => {
                let mut from = 0;
                while from < bytes.len() {
                    let sector = (at + from) / SECTOR;
                    let to = bytes.len().min((sector + 1) * SECTOR - at);
                    if keeps(sector) {
                        found.resize(found.len().max(at + to), 0);
                        found[at + from..at + to].copy_from_slice(&bytes[from..to]);
                    }
                    from = to;
                }
            }
        }
    }
}
