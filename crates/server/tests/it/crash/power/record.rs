//! The kernel's record of the server's calls, read as what it did to its disk and what it said to others.

use std::collections::BTreeMap;

/// What the database consists of. The third file beside them is shared memory, and made anew.
pub(super) const FILES: [&str; 2] = ["lockwarden.db", "lockwarden.db-wal"];

#[derive(Debug)]
pub(super) enum Step {
    Written {
        file: usize,
        at: usize,
        bytes: Vec<u8>,
    },
    Resized {
        file: usize,
        length: usize,
    },
    /// A sync succeeded that began after so many steps.
    Synced {
        file: usize,
        began: usize,
    },
    /// So did one of the directory: the files in it have names that last.
    Named,
    Sent {
        /// Both ends, as in `127.0.0.1:1883->127.0.0.1:40000`.
        connection: String,
        bytes: Vec<u8>,
    },
}

enum Place {
    File(usize),
    Directory,
    Connection(String),
}

/// `directory` is where the database is. Calls of others' files are left out.
pub(super) fn read(record: &str, directory: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut syncs: BTreeMap<&str, (Place, usize)> = BTreeMap::new();
    for line in record.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        let failed = call.rsplit_once(" = ").is_some_and(|(_, result)| result.starts_with("-1 "));
        if call.starts_with("<... f") && call.contains("sync resumed>") {
            if let Some((place, began)) = syncs.remove(thread)
                && !failed
            {
                steps.extend(synced(&place, began));
            }
            continue;
        }
        let Some((name, arguments)) = call.split_once('(') else { continue };
        let Some(place) = place(arguments, directory) else { continue };
        match (name, &place) {
            _ if failed => {}
            ("fsync" | "fdatasync", _) if call.ends_with("<unfinished ...>") => {
                syncs.insert(thread, (place, steps.len()));
            }
            ("fsync" | "fdatasync", _) => steps.extend(synced(&place, steps.len())),
            ("pwrite64", Place::File(file)) => {
                let bytes = strings(arguments);
                assert_eq!(bytes.len(), number(arguments, 0), "the record is cut short");
                steps.push(Step::Written { file: *file, at: number(arguments, 1), bytes });
            }
            ("ftruncate", Place::File(file)) => {
                steps.push(Step::Resized { file: *file, length: number(arguments, 0) });
            }
            ("sendto" | "write" | "writev", Place::Connection(ends)) => {
                steps.push(Step::Sent { connection: ends.clone(), bytes: strings(arguments) });
            }
            (_, Place::File(_)) => panic!("an unknown way to write: {name}"),
            _ => {}
        }
    }
    steps
}

fn synced(place: &Place, began: usize) -> Option<Step> {
    match place {
        Place::File(file) => Some(Step::Synced { file: *file, began }),
        Place::Directory => Some(Step::Named),
        Place::Connection(_) => None,
    }
}

/// What the call's descriptor is, which the record names behind its number.
fn place(arguments: &str, directory: &str) -> Option<Place> {
    let (_, rest) = arguments.split_once('<')?;
    if let Some(ends) = rest.strip_prefix("TCP:[") {
        return Some(Place::Connection(ends.split_once(']')?.0.to_owned()));
    }
    let path = String::from_utf8(unhex(rest.split_once('>')?.0)).ok()?;
    if path == directory {
        return Some(Place::Directory);
    }
    let name = path.strip_prefix(directory)?.strip_prefix('/')?;
    FILES.iter().position(|file| *file == name).map(Place::File)
}

/// The number that so many commas follow on behind the last string or descriptor.
fn number(arguments: &str, commas: usize) -> usize {
    let behind = arguments.rsplit(['"', '>']).find(|part| part.starts_with(", ")).unwrap();
    let digits = behind.split(", ").nth(commas + 1).unwrap();
    digits.split([')', ' ']).next().unwrap().parse().unwrap()
}

/// The bytes of all strings of a call, one behind the other.
fn strings(arguments: &str) -> Vec<u8> {
    let parts: Vec<Vec<u8>> = arguments.split('"').skip(1).step_by(2).map(unhex).collect();
    parts.concat()
}

/// `\x41\x42` as bytes.
fn unhex(text: &str) -> Vec<u8> {
    let value = |digit: u8| (digit & 0xF) + 9 * (digit >> 6);
    let mut bytes = vec![0; text.len() / 4];
    for (byte, four) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(4)) {
        *byte = value(four[2]) << 4 | value(four[3]);
    }
    bytes
}
