//! Who gets to see what, for every route there is.

use http::StatusCode;
use lockwarden_app::accounts::{NewToken, TokenScope};
use lockwarden_app::actor::Rights;
use lockwarden_app::devices::SortBy;
use lockwarden_web::{RouteInfo, WebConfig, Who, routes};

use crate::kit::{Answer, Browser, HOST, Site};

/// A route's path with ids in it.
fn filled(route: &RouteInfo, id: &str) -> String {
    route.path.replace("{id}", id).replace("{token}", "0").replace("{name}", "none.css")
}

async fn ask(browser: &mut Browser, route: &RouteInfo, id: &str) -> Answer {
    match route.method {
        "GET" => browser.get(&format!("{}?order=open", filled(route, id))).await,
        "POST" => {
            browser
                .post(
                    &filled(route, id),
                    &[("order", "lock"), ("deed", "lock"), ("name", "x"), ("typed", "x")],
                )
                .await
        }
        other => panic!("teach this test the method {other}"),
    }
}

#[tokio::test]
async fn without_a_session_every_route_leads_to_the_sign_in_or_is_meant_for_anyone() {
    let site = Site::new().await;
    site.world.owner("Anna").await;
    for route in routes() {
        let answer = ask(&mut site.browser(), &route, "1").await;
        match (route.who, route.path) {
            (Who::SignedIn, "/live") => assert_eq!(answer.status, StatusCode::UNAUTHORIZED),
            (Who::SignedIn, _) => {
                assert!(answer.leads_to().starts_with("/sign-in"), "{} {}", route.method, route.path);
            }
            (Who::Anyone, path) => {
                let open = ["/assets/{name}", "/set-up", "/set-up/{token}", "/sign-in"];
                assert!(open.contains(&path), "{path} is open to anyone: is it meant to be?");
                assert!(!answer.body.contains("Signed in as"), "{path}");
            }
        }
    }
}

/// The right that a route is for. A new route has to be told apart here.
fn right_for(route: &RouteInfo) -> Rights {
    match (route.method, route.path) {
        // Leads on, and leaving is everybody's.
        ("GET", "/") | ("POST", "/sign-out") => Rights::NONE,
        ("GET", "/live" | "/devices" | "/devices/{id}" | "/attention") => Rights::VIEW,
        (_, "/devices/new" | "/devices/new/announced") => Rights::CREATE,
        (_, path) if path.starts_with("/bridges/") => Rights::CREATE,
        ("GET", "/devices/{id}/settings") => Rights::VIEW,
        (_, path) if path.starts_with("/devices/{id}/settings") => Rights::CONFIGURE,
        (_, "/devices/{id}/order" | "/devices/{id}/sync") | ("POST", "/bulks") => Rights::OPERATE,
        (_, path) if path.starts_with("/bulks/") => Rights::VIEW,
        (_, path) if path.starts_with("/groups") => Rights::MANAGE,
        (_, path) if path.starts_with("/devices/{id}") => Rights::MANAGE,
        ("GET", "/activity") => Rights::LOG,
        (_, "/settings/left-open") => Rights::MANAGE,
        (_, path) if path.starts_with("/settings/") => Rights::ACCOUNT,
        (method, path) => panic!("which right is {method} {path} for?"),
    }
}

#[tokio::test]
async fn whoever_lacks_the_right_of_a_route_is_refused_by_it_and_changes_nothing() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let app = &site.world.app;
    let before = app.load_device(&anna, device).await.unwrap();
    for route in routes().into_iter().filter(|route| route.who == Who::SignedIn) {
        let needed = right_for(&route);
        if needed == Rights::NONE {
            continue;
        }
        let mut tx = app.db().write().await.unwrap();
        let all_but = Rights::ALL.bits() & !needed.bits();
        tx.query("update accounts set rights = $1").bind(all_but).run().await.unwrap();
        tx.commit().await.unwrap();
        let id = if route.path.starts_with("/devices/") { device.to_string() } else { "1".to_owned() };
        let answer = ask(&mut browser, &route, &id).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {}", route.method, route.path);
        assert!(!answer.body.contains("mqtt-user") && !answer.body.contains("192.0.2.1"), "{}", route.path);
    }
    assert_eq!(app.load_device(&anna, device).await.unwrap(), before);
    assert!(app.list_commands(&anna, device, 10).await.unwrap().is_empty());
    assert_eq!(app.list_devices(&anna, SortBy::Name).await.unwrap().len(), 1);
    assert!(app.list_tokens(&anna).await.unwrap().is_empty());
}

#[tokio::test]
async fn somebody_elses_device_answers_exactly_like_one_that_never_was() {
    let site = Site::new().await;
    let (anna, mut annas) = site.owner("Anna").await;
    let (_, mut berts) = site.owner("Bert").await;
    let device = site.world.lock(&anna, "Anna's secret door", 7).await;
    let of_devices = routes().into_iter().filter(|route| route.path.starts_with("/devices/{id}"));
    for route in of_devices.chain(routes().into_iter().filter(|route| route.path == "/activity")) {
        let mut both = Vec::new();
        for id in [device.to_string(), "4503599627370497".to_owned(), "not-a-number".to_owned()] {
            let answer = if route.path == "/activity" {
                berts.get(&format!("/activity?device={id}")).await
            } else {
                ask(&mut berts, &route, &id).await
            };
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{} {}", route.method, route.path);
            assert!(!answer.body.contains("secret"));
            both.push(answer.body);
        }
        assert!(both.windows(2).all(|pair| pair[0] == pair[1]), "{} {}", route.method, route.path);
    }
    assert!(annas.get(&format!("/devices/{device}")).await.body.contains("secret door"));
    assert!(!berts.get("/devices").await.body.contains("secret"));
    assert!(!berts.get("/activity").await.body.contains("secret"));
}

#[tokio::test]
async fn somebody_elses_session_and_token_answer_like_ones_that_never_were() {
    let site = Site::new().await;
    let (anna, _) = site.owner("Anna").await;
    let (_, mut berts) = site.owner("Bert").await;
    let session = site.world.app.list_sessions(&anna).await.unwrap()[0].id;
    let new = NewToken { name: "Anna's secret token", scopes: TokenScope::ALL };
    let (token, secret) = site.world.app.create_token(&anna, new).await.unwrap();
    let sessions =
        [session.to_string(), "5".to_owned()].map(|id| format!("/settings/account/sessions/{id}/end"));
    let tokens = [token.to_string(), "5".to_owned()].map(|id| format!("/settings/api-tokens/{id}/revoke"));
    for [theirs, never] in [sessions, tokens.clone()] {
        let (one, other) = (berts.post(&theirs, &[]).await, berts.post(&never, &[]).await);
        assert_eq!((one.status, one.body), (StatusCode::NOT_FOUND, other.body), "{theirs}");
    }
    let [theirs, never] = tokens;
    let (one, other) = (berts.get(&theirs).await, berts.get(&never).await);
    assert_eq!((one.status, one.body), (StatusCode::NOT_FOUND, other.body));
    assert_eq!(site.world.app.list_sessions(&anna).await.unwrap().len(), 2);
    assert!(site.world.app.authenticate_token(&secret).await.unwrap().is_some());
}

#[tokio::test]
async fn a_form_from_another_origin_changes_nothing_on_any_route() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await.to_string();
    let fields = [("order", "unlock"), ("name", "Evil"), ("typed", "Front door")];
    for route in routes().into_iter().filter(|route| route.method == "POST") {
        for headers in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "null")],
            &[("sec-fetch-site", "cross-site"), ("origin", "http://console.test")],
            &[("sec-fetch-site", "same-site")],
            &[("referer", "http://console.test/devices")],
            &[],
        ] {
            let answer = browser.post_with(&filled(&route, &device), &fields, headers).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {headers:?}", route.path);
        }
    }
    let page = browser.get(&format!("/devices/{device}")).await;
    assert!(page.body.contains("Nothing was ordered from here yet"));
    assert!(!page.body.contains("Evil"));
}

#[tokio::test]
async fn an_address_that_only_looks_like_a_page_is_none() {
    let site = Site::new().await;
    let (_, mut browser) = site.owner("Anna").await;
    assert_eq!(browser.get("/settings/account").await.status, StatusCode::OK);
    for path in [
        "/settings//account",
        "//settings/account",
        "/settings/account/",
        "/settings/account/.",
        "/./settings/account",
        "/devices/../settings/account",
        "/devices/%2e%2e/settings/account",
        "/settings%2faccount",
        "/settings/account;x",
        "/settings/account%00",
        "/SETTINGS/account",
        "/settings\\account",
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_protect_it() {
    let site = Site::new().await;
    let (_, mut browser) = site.owner("Anna").await;
    let mut stranger = site.browser();
    for route in routes() {
        // The stream does not end by itself; its headers come from the same place.
        let answer = if route.path == "/live" {
            stranger.get("/live").await
        } else {
            ask(&mut browser, &route, "1").await
        };
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{} {policy}", route.path);
        for forbidden in ["form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(forbidden), "{} {policy}", route.path);
        }
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(answer.header("cache-control"), "no-store", "{}", route.path);
        assert!(answer.header("strict-transport-security").is_empty());
        for inline in [" style=", " onclick=", "<script>", "javascript:"] {
            assert!(!answer.body.contains(inline), "{} has {inline}", route.path);
        }
    }
}

#[tokio::test]
async fn behind_https_cookies_are_host_bound_and_secure() {
    let config = WebConfig { public_url: Some(format!("https://{HOST}/")), ..WebConfig::default() };
    let site = Site::with(config).await;
    site.world.owner("Anna").await;
    let fields = [("email", "anna@example.org"), ("password", lockwarden_testkit::PASSWORD)];
    let answer = site.browser().post_with("/sign-in", &fields, &[("origin", "https://console.test")]).await;
    let cookies: Vec<&str> =
        answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    assert_eq!(cookies.len(), 2);
    for cookie in cookies {
        assert!(cookie.starts_with("__Host-lockwarden"), "{cookie}");
        for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/;"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    assert_eq!(answer.header("strict-transport-security"), "max-age=63072000");
}

#[tokio::test]
async fn what_is_not_there_says_so_without_telling_more() {
    let site = Site::new().await;
    let (_, mut browser) = site.owner("Anna").await;
    let missing = browser.get("/no/such/page").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.body.contains("Signed in as"));
    let wrong_method = browser.post("/devices", &[]).await;
    assert_eq!(wrong_method.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(wrong_method.body.contains("This cannot be done here"));
    let huge = "x".repeat(70_000);
    let too_much = browser.post("/devices/new", &[("name", &huge)]).await;
    assert_eq!(too_much.status, StatusCode::PAYLOAD_TOO_LARGE);
    let twice = browser.post("/devices/new", &[("name", "a"), ("name", "b")]).await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST);
    assert!(browser.get("/devices").await.body.contains("No devices yet"));
}

#[tokio::test]
async fn the_navigation_leads_to_what_there_is_and_to_nothing_else() {
    let site = Site::new().await;
    let (_, mut browser) = site.owner("Anna").await;
    let page = browser.get("/devices").await;
    for nav in ["<nav aria-label=\"Main\">", "<nav class=\"bottom\""] {
        let inside = page.between(nav, "</nav>").to_owned();
        let paths: Vec<&str> =
            inside.split("href=\"/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(paths, ["devices", "attention", "activity", "settings/api-tokens", "settings/account"]);
        for path in paths {
            assert_eq!(browser.get(&format!("/{path}")).await.status, StatusCode::OK, "{path}");
        }
        for later in ["Users", "rental", "IFTTT", "Rights", "Notifications", "Help"] {
            assert!(!inside.contains(later), "{later}");
        }
    }
}

#[tokio::test]
async fn a_failure_of_ours_has_a_number_and_tells_nothing_of_its_cause() {
    let site = Site::new().await;
    let (_, mut browser) = site.owner("Anna").await;
    site.world.app.db().close().await;
    let answer = browser.get("/devices").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.body.contains("noted in the server’s log as"), "{}", answer.body);
    assert!(!answer.body.to_lowercase().contains("pool"));
}

#[tokio::test]
async fn assets_are_kept_for_ever_under_an_address_that_changes_with_them() {
    let site = Site::new().await;
    site.world.owner("Anna").await;
    let mut browser = site.browser();
    let page = browser.get("/sign-in").await;
    for (from, kind) in
        [("rel=\"stylesheet\" href=\"", "text/css"), ("type=\"module\" src=\"", "text/javascript")]
    {
        let path = page.between(from, "\"").to_owned();
        let asset = browser.get(&path).await;
        assert_eq!(asset.status, StatusCode::OK);
        assert!(asset.header("content-type").starts_with(kind));
        assert!(asset.header("cache-control").contains("immutable"));
    }
    assert_eq!(browser.get("/assets/look-000000000000.css").await.status, StatusCode::NOT_FOUND);
}
