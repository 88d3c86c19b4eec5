//! A browser without a window: it keeps its cookies, sends forms as browsers do, and follows nothing by itself.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Body, BodyDataStream, to_bytes};
use http::{HeaderMap, Request, Response, StatusCode};
use lockwarden_app::actor::Actor;
use lockwarden_app::devices::{Connector, DeviceType, LockState, NewDevice, Observation};
use lockwarden_app::ids::DeviceId;
use lockwarden_testkit::{PASSWORD, World};
use lockwarden_web::{WebConfig, router};
use tower::ServiceExt as _;

pub(crate) const HOST: &str = "console.test";

fn usual() -> WebConfig {
    WebConfig { public_url: None, mqtt_host: "192.0.2.20".to_owned(), mqtt_port: 1883, demo: false }
}

pub(crate) struct Site {
    pub world: World,
    pub router: Router,
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::with(usual()).await
    }

    /// The same database after the process died and came back at the same moment; the browser stays as it is.
    pub(crate) async fn restart(self, seed: u64, browser: &mut Browser) -> Self {
        drop(self.router);
        let world = self.world.restart(seed).await;
        let site = Self { router: router(world.app.clone(), usual()), world };
        browser.router = site.router.clone();
        site
    }

    pub(crate) async fn with(config: WebConfig) -> Self {
        let world = World::new().await;
        Self { router: router(world.app.clone(), config), world }
    }

    /// A browser nobody has signed in with.
    pub(crate) fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: BTreeMap::new() }
    }

    /// A new account, and a browser in which its owner has signed in.
    pub(crate) async fn owner(&self, name: &str) -> (Actor, Browser) {
        let actor = self.world.owner(name).await;
        (actor, self.signed_in(name).await)
    }

    /// Another browser of the same person.
    pub(crate) async fn signed_in(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        let email = format!("{}@example.org", name.to_lowercase());
        let answer = browser.post("/sign-in", &[("email", &email), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        browser
    }
}

#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    pub cookies: BTreeMap<String, String>,
}

pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub(crate) fn leads_to(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.headers["location"].to_str().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// What stands between the first `from` and the next `to`.
    pub(crate) fn between(&self, from: &str, to: &str) -> &str {
        let (_, rest) = self.body.split_once(from).unwrap_or_else(|| panic!("no {from} in {}", self.body));
        rest.split_once(to).unwrap().0
    }

    /// Where the page listens to what changes.
    pub(crate) fn stream(&self) -> String {
        self.between("<live-events src=\"", "\"").replace("&amp;", "&")
    }

    /// The value of a hidden field.
    pub(crate) fn hidden(&self, name: &str) -> String {
        self.between(&format!("name=\"{name}\" value=\""), "\"").to_owned()
    }

    /// The part with this id, to its end or the page's.
    pub(crate) fn part(&self, id: &str) -> &str {
        let from = self.body.find(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no part {id}"));
        let rest = &self.body[from..];
        let end = rest.find("</article>").or_else(|| rest.find("</section>")).unwrap_or(rest.len());
        &rest[..end]
    }
}

pub(crate) fn encode(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        text.bytes().fold(String::new(), |out, byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                out + &char::from(byte).to_string()
            }
            _ => out + &format!("%{byte:02X}"),
        })
    };
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    pairs.join("&")
}

impl Browser {
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = self.request("GET", path).body(Body::empty()).unwrap();
        self.take(request).await
    }

    /// A form, sent from one of our pages.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(path, fields, &[("origin", &format!("http://{HOST}"))]).await
    }

    /// A form that our script sends.
    pub(crate) async fn post_live(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = format!("http://{HOST}");
        self.post_with(path, fields, &[("origin", &origin), ("lockwarden-parts", "1")]).await
    }

    pub(crate) async fn post_with(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request =
            self.request("POST", path).header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.take(request.body(Body::from(encode(fields))).unwrap()).await
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::builder().method(method).uri(path).header("host", HOST);
        if pairs.is_empty() { request } else { request.header("cookie", pairs.join("; ")) }
    }

    pub(crate) async fn take(&mut self, request: Request<Body>) -> Answer {
        let response = self.send(request).await;
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 16 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// How many bytes come for this address, compressed.
    pub(crate) async fn weigh(&mut self, path: &str) -> usize {
        let request =
            self.request("GET", path).header("accept-encoding", "gzip").body(Body::empty()).unwrap();
        let response = self.send(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-encoding"], "gzip", "{path}");
        to_bytes(response.into_body(), 16 << 20).await.unwrap().len()
    }

    async fn send(&mut self, request: Request<Body>) -> Response<Body> {
        let response = self.router.clone().oneshot(request).await.unwrap();
        for line in response.headers().get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }

    /// An open page's stream.
    pub(crate) async fn listen(&mut self, path: &str) -> BodyDataStream {
        let request = self.request("GET", path).body(Body::empty()).unwrap();
        let response = self.send(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        response.into_body().into_data_stream()
    }
}

/// A device behind a Nuki Hub: connected, listening, and of this kind.
pub(crate) async fn behind_hub(site: &Site, owner: &Actor, kind: DeviceType, nuki_id: u32) -> DeviceId {
    let new = NewDevice::by_hub("Front door", None);
    let (device, credentials) = site.world.app.add_device(owner, new).await.unwrap();
    let login = site.world.login(&credentials).await;
    site.world.app.bind_login(&login, nuki_id).await.unwrap().unwrap();
    let says = [
        Observation::Link { up: true },
        Observation::Listens(true),
        Observation::DeviceType(kind),
        Observation::State(LockState::Locked),
    ];
    for seen in says {
        site.world.says_by(device, Connector::NukiHub, seen).await;
    }
    device
}
