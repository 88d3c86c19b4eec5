//! The house as ARCHITECTURE.md draws it, held by the machine: who may depend on whom, what every feature folder holds,
//! how long a file may be, and that the documents name what exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use lockwarden_app::devices::{Capability, Connector};
use serde_json::Value;

const OURS: &str = "lockwarden";
/// A longer file is a question of design.
const LINES: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Every file that git knows with this ending, but for what tools make.
fn files(ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "target" | "node_modules" | "venv" | "fuzz")
                    && !name.starts_with('.')
                {
                    folders.push(path);
                }
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn crates_depend_on_each_other_only_as_drawn() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::from([
        ("lockwarden-app", BTreeSet::new()),
        ("lockwarden-gateway", ["lockwarden-app"].into()),
        ("lockwarden-web", ["lockwarden-app"].into()),
        ("lockwarden-api", ["lockwarden-app"].into()),
        ("lockwarden-simulator", BTreeSet::new()),
        ("lockwarden-testkit", ["lockwarden-app"].into()),
        ("lockwarden-benches", ["lockwarden-app"].into()),
        (
            "lockwarden",
            [
                "lockwarden-api",
                "lockwarden-app",
                "lockwarden-gateway",
                "lockwarden-simulator",
                "lockwarden-web",
            ]
            .into(),
        ),
    ]);
    let metadata = metadata();
    let mut seen = BTreeSet::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        if !name.starts_with(OURS) {
            continue;
        }
        seen.insert(name);
        for dependency in package["dependencies"].as_array().unwrap() {
            let to = dependency["name"].as_str().unwrap();
            let normal = dependency["kind"].is_null();
            let may_help_tests = ["lockwarden-testkit", "lockwarden-simulator"].contains(&to);
            if to.starts_with(OURS) && (normal || !may_help_tests) {
                assert!(allowed[name].contains(to), "{name} -> {to}: doors never see each other");
            }
            let only_in = match to {
                "sqlx" | "argon2" => &["lockwarden-app", "lockwarden-testkit"][..],
                "axum" => &["lockwarden-web", "lockwarden-api", "lockwarden"],
                "maud" => &["lockwarden-web"],
                "aide" => &["lockwarden-api"],
                "rmqtt-codec" => &["lockwarden-gateway"],
                // The load generator of the benches is a client over TLS.
                "tokio-rustls" => &["lockwarden-gateway", "lockwarden-benches"],
                "rumqttc" => &["lockwarden-simulator"],
                _ => continue,
            };
            assert!(!normal || only_in.contains(&name), "{to} belongs behind its own door, not in {name}");
        }
    }
    assert_eq!(
        seen,
        allowed.keys().copied().collect(),
        "a new crate needs its place in ARCHITECTURE.md and here"
    );
}

#[test]
fn every_crate_keeps_the_lints_of_the_workspace() {
    for manifest in files("Cargo.toml") {
        let text = read(&manifest);
        let is_root = text.contains("[workspace]");
        assert!(is_root || text.contains("[lints]\nworkspace = true"), "{}", manifest.display());
    }
}

#[test]
fn no_file_is_longer_than_one_can_hold_in_mind() {
    for file in [".rs", ".js", ".mjs", ".css", ".py", ".md"].into_iter().flat_map(files) {
        let lines = read(&file).lines().count();
        assert!(lines <= LINES, "{}: {lines} lines", file.display());
    }
}

#[test]
fn every_feature_folder_has_its_trio_and_keeps_its_queries_to_itself() {
    let app = root().join("crates/app/src");
    for entry in std::fs::read_dir(&app).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() || folder.ends_with("db") {
            continue;
        }
        for file in ["mod.rs", "actions.rs", "sql.rs"] {
            assert!(folder.join(file).is_file(), "{} has no {file}", folder.display());
        }
        let module = read(&folder.join("mod.rs"));
        assert!(module.contains("\nmod sql;"), "{}: sql.rs is private", folder.display());
    }
}

#[test]
fn only_db_names_a_database() {
    for file in files(".rs") {
        let inside =
            file.strip_prefix(root().join("crates/app/src")).is_ok_and(|path| path.starts_with("db"));
        if inside || file.ends_with("architecture.rs") || file.starts_with(root().join("crates/testkit")) {
            continue;
        }
        let text = read(&file);
        // What the database holds may be told how to be stored (`sqlx::Type`), and nothing else.
        let named: Vec<&str> = text.match_indices("sqlx::").map(|(at, _)| &text[at + 6..]).collect();
        for rest in named {
            let fine = ["Type", "FromRow"].iter().any(|name| rest.starts_with(name))
                || rest.starts_with("Error") && file.ends_with("error.rs");
            assert!(fine, "{} names sqlx::{}", file.display(), rest.lines().next().unwrap_or_default());
        }
        for driver in ["SqlitePool", "PgPool", "rusqlite", "libsqlite3", "tokio_postgres"] {
            assert!(!text.contains(driver), "{} names {driver}", file.display());
        }
    }
}

#[test]
fn the_documents_name_only_files_that_exist() {
    let mut checked = 0;
    for document in files(".md") {
        let folder = document.parent().unwrap();
        for piece in read(&document).split('`').skip(1).step_by(2) {
            let looks_like_a_path = piece.contains('/')
                && !piece.contains([' ', '{', '<', '*', ':', '$', '…'])
                && !piece.starts_with(['/', '~', '-'])
                && ["crates/", "docs/", "scripts/", "benches/", "fuzz/", ".ci/"]
                    .iter()
                    .any(|start| piece.starts_with(start));
            if looks_like_a_path {
                let exists = root().join(piece).exists() || folder.join(piece).exists();
                assert!(exists, "{} names {piece}", document.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 20, "only {checked} names were found: has the way they are written changed?");
}

#[test]
fn the_tests_that_documents_name_exist() {
    let sources: String = files(".rs").iter().map(|file| read(file)).collect();
    let text: String = files(".md").iter().map(|file| read(file)).collect();
    let is_name = |piece: &&str| {
        let plain = |byte: u8| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit();
        piece.len() > 30 && piece.bytes().all(plain)
    };
    // Whatever stands between two of these signs, wherever a text or a block of code begins.
    let names: Vec<&str> = text.split('`').filter(is_name).collect();
    assert!(names.len() > 150, "only {} were found: has the way they are written changed?", names.len());
    for name in names {
        assert!(sources.contains(&format!("fn {name}(")), "{name} is no test");
    }
}

#[test]
fn every_dependency_has_a_licence_that_may_be_passed_on() {
    const FINE: &[&str] = &[
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "Unicode-3.0",
        "CC0-1.0",
        "0BSD",
        "MIT-0",
        "Unlicense",
        "BSL-1.0",
        "CDLA-Permissive-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "OpenSSL",
    ];
    for package in metadata()["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or("none").replace('/', " OR ");
        let fine = licence.split(" OR ").any(|choice| {
            choice
                .trim_matches(['(', ')', ' '])
                .split(" AND ")
                .all(|part| FINE.contains(&part.trim_matches(['(', ')', ' '])))
        });
        assert!(fine, "{name}: {licence}");
    }
}

#[test]
fn nothing_is_there_twice_without_a_reason() {
    // The crate, and who holds its older version.
    const KNOWN: &[(&str, &str)] = &[
        ("base64", "sqlx"),
        ("block-buffer", "sha2 of sqlx"),
        ("cpufeatures", "sha2 of sqlx, and crypto_secretbox"),
        ("crypto-common", "sha2 of sqlx, and crypto_secretbox"),
        ("digest", "sha2 of sqlx"),
        ("flume", "rumqttc"),
        ("getrandom", "ring"),
        ("hashbrown", "hashlink of sqlx"),
        ("sha2", "sqlx"),
        ("syn", "maud, sqlx, tracing"),
        ("thiserror", "rmqtt-codec"),
        ("thiserror-impl", "rmqtt-codec"),
    ];
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--workspace",
            "--locked",
            "--edges",
            "normal,build,dev",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            versions.entry(name).or_default().insert(version);
        }
    }
    let doubles: BTreeSet<&str> =
        versions.iter().filter(|(_, versions)| versions.len() > 1).map(|(name, _)| *name).collect();
    let known: BTreeSet<&str> = KNOWN.iter().map(|(name, _)| *name).collect();
    assert!(!doubles.is_empty(), "cargo tree told nothing");
    assert_eq!(doubles, known, "align them, or write down here who needs the older one");
}

/// The rows of the table in docs/connectors/README.md, and what of the code each of them is about.
const MATRIX: &[(&str, Option<Capability>)] = &[
    ("lock, unlock, open, lock 'n' go", Some(Capability::Operate)),
    ("lock with both turns", Some(Capability::FullLock)),
    ("every state, also while it moves", Some(Capability::EveryState)),
    ("who did what, as it happens", Some(Capability::Events)),
    ("names, from the lock's log", Some(Capability::Log)),
    ("failed attempts, from the lock's log", Some(Capability::Log)),
    ("names of codes and of who has access", Some(Capability::Names)),
    ("codes, access and schedules themselves", None),
    ("settings", Some(Capability::Settings)),
    ("battery in percent", Some(Capability::BatteryPercent)),
    ("voltage, resistance, temperature", Some(Capability::BatteryReport)),
    ("fetching everything anew", Some(Capability::Sync)),
];

#[test]
fn the_matrix_of_ways_and_what_they_give_is_the_documented_one() {
    let text = read(&root().join("docs/connectors/README.md"));
    let rows = text.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    let mut rows = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let head = rows.next().unwrap();
    let ways = head[1..=Connector::ALL.len()]
        .iter()
        .map(|name| Connector::from_name(name.trim_matches('`')).unwrap());
    let ways: Vec<Connector> = ways.collect();
    assert_eq!(ways, Connector::ALL, "a column for each");
    let rows: Vec<_> = rows.skip(1).collect();
    let labels: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(labels, MATRIX.iter().map(|(label, _)| *label).collect::<Vec<_>>());
    let is_there = |one: &Capability| MATRIX.iter().any(|(_, of)| *of == Some(*one));
    assert!(Capability::ALL.iter().all(is_there), "a row for everything that a way can give");
    for (row, (label, capability)) in rows.iter().zip(MATRIX) {
        for (way, cell) in ways.iter().zip(&row[1..]) {
            let gives = capability.is_some_and(|capability| way.can(capability));
            assert_eq!(*cell != "no", gives, "{label} by {}: {cell}", way.name());
        }
        let tests = row[ways.len() + 1];
        assert!(tests.contains('`') || tests == "the same", "{label}: no test is named");
    }
}
