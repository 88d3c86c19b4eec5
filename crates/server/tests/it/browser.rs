//! Journeys in a real Chromium. Each is a script in `browser/`; what it needs is started here.

use std::path::{Path, PathBuf};
use std::process::Command;

use lockwarden_app::db::Db;
use lockwarden_app::devices::LockAction;
use lockwarden_simulator::{Fleet, LockSpec, Options};

use crate::kit::{EMAIL, PASSWORD, Site, within};

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/browser")
}

#[track_caller]
fn drive(script: &str, site: &Site, more: &[(&str, &str)]) {
    let url = format!("http://{}", site.http);
    let given = [("URL", url.as_str()), ("EMAIL", EMAIL), ("PASSWORD", PASSWORD)];
    run(script, &[&given[..], more].concat());
}

/// Runs a journey with what it is given.
#[track_caller]
pub(crate) fn run(script: &str, given: &[(&str, &str)]) {
    let chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let chromium =
        chromium.iter().find(|path| Path::new(path).exists()).expect("Chromium; scripts/install installs it");
    let output = Command::new("node")
        .arg(here().join(script))
        .env("CHROMIUM", chromium)
        .env("LOCKWARDEN", env!("CARGO_BIN_EXE_lockwarden"))
        .envs(given.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {said}{}", String::from_utf8_lossy(&output.stdout));
}

/// A house with three doors, one of which is away, and a token for it.
async fn doors() -> (Site, Fleet, String) {
    let site = Site::serving().await;
    let token = site.token();
    let names = ["Front door", "Müller & Söhne, Büro im 3. Stock links hinter dem langen Gang", "Cellar"];
    let specs: Vec<LockSpec> = names.iter().zip(0xA1..).map(|(name, id)| site.lock(name, id)).collect();
    let fleet = Fleet::start(&site.broker(), specs, &Options { time_scale: 0.05, ..Options::default() });
    within(20, fleet.all_connected()).await;
    fleet.locks()[2].keypad(8_193);
    fleet.locks()[2].wait_for(|seen| seen.moves == 1 && seen.state == 3).await;
    fleet.locks()[2].go_offline(None);
    (site, fleet, token)
}

async fn with_doors(script: &str) {
    with_doors_and(script, &[]).await;
}

async fn with_doors_and(script: &str, more: &[(&str, &str)]) {
    let (site, fleet, token) = doors().await;
    let given = [&[("TOKEN", token.as_str())], more].concat();
    tokio::task::block_in_place(|| drive(script, &site, &given));
    fleet.stop().await;
}

/// A server that nobody has an account at, and the link that it printed.
async fn not_set_up() -> (Site, String) {
    let mut site = Site::new().await;
    site.serve().await;
    let link = within(10, async {
        loop {
            if let Some(link) = site.said().split_whitespace().find(|word| word.contains("/set-up/")) {
                return link.to_owned();
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    (site, link)
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_new_gets_from_the_set_up_link_to_an_unlocked_door_in_the_log() {
    let (site, link) = not_set_up().await;
    tokio::task::block_in_place(|| drive("first-run.mjs", &site, &[("SET_UP", &link)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_user_adds_a_simulated_lock_by_each_way_from_the_readme_alone() {
    let (site, link) = not_set_up().await;
    tokio::task::block_in_place(|| drive("new-user.mjs", &site, &[("SET_UP", &link)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_user_without_javascript_gets_as_far() {
    let (site, link) = not_set_up().await;
    tokio::task::block_in_place(|| drive("new-user.mjs", &site, &[("SET_UP", &link), ("SCRIPT", "off")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_windows_show_the_same_within_a_second_and_a_lost_stream_says_so() {
    with_doors("two-windows.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_alone_is_enough_and_opening_takes_two_presses() {
    with_doors("keyboard.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_without_javascript() {
    let (_fresh, link) = not_set_up().await;
    with_doors_and("no-script.mjs", &[("SET_UP", &link)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_connection_and_a_proxys_error_page_are_told_and_lived_through() {
    with_doors("connection.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_arrives_takes_neither_focus_nor_question_and_puts_no_other_button_under_a_finger() {
    with_doors("parts.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_360_px_a_door_is_unlocked_and_opened_with_a_thumb() {
    with_doors("narrow.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doors_are_found_by_typing_and_lock_all_locks_what_can_be_locked_and_opens_nothing() {
    let (site, fleet, token) = doors().await;
    tokio::task::block_in_place(|| drive("listing.mjs", &site, &[("TOKEN", &token)]));
    let received = |place: usize| {
        let commands = fleet.locks()[place].seen().commands;
        commands.into_iter().map(|one| one.payload).collect::<Vec<_>>()
    };
    assert_eq!(
        received(0),
        ["1", "2"],
        "unlocked by its own button, and then locked once, though pressed twice"
    );
    assert!(received(1).is_empty() && received(2).is_empty());
    fleet.stop().await;
    let db = Db::open(&site.database.url).await.unwrap();
    let mut tx = db.read().await.unwrap();
    let by_bulk = "select d.name, c.action from commands c join devices d on d.id = c.device_id \
        join bulk_items i on i.command_id = c.id";
    let ordered = tx.query(by_bulk).all::<(String, i64)>().await.unwrap();
    assert_eq!(ordered, [("Front door".to_owned(), LockAction::Lock.stored())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_shuts_anybody_out_in_light_or_dark_narrow_or_wide() {
    let (fresh, link) = not_set_up().await;
    let fresh_url = format!("http://{}", fresh.http);
    // All but what is no page.
    let pages: Vec<&str> = lockwarden_web::routes()
        .iter()
        .filter(|route| route.method == "GET" && !["/", "/live", "/assets/{name}"].contains(&route.path))
        .map(|route| route.path)
        .collect();
    let given = [("FRESH_URL", fresh_url.as_str()), ("SET_UP", &link), ("PAGES", &pages.join(" "))];
    with_doors_and("access.mjs", &given).await;
}
