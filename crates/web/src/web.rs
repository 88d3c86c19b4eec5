//! What every handler holds: the app, how this installation is reached, and the cookies that follow from it.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lockwarden_app::{App, Result};

/// What the pages need to know of the installation.
#[derive(Clone, Debug, Default)]
pub struct WebConfig {
    /// Where people reach these pages, for example `https://locks.example.org`. Without it, cookies are not `Secure`
    /// and a form's origin is compared with the host it was sent to.
    pub public_url: Option<String>,
    /// What to type into a lock's app.
    pub mqtt_host: String,
    pub mqtt_port: u16,
    /// Simulated locks, thrown away at the end: every page says so.
    pub demo: bool,
}

#[derive(Clone)]
pub(crate) struct Web(Arc<Inner>);

pub(crate) struct Inner {
    pub app: App,
    pub config: WebConfig,
    pub https: bool,
    /// `scheme://host[:port]` of the public address.
    pub origin: Option<String>,
    /// An account exists. It never ceases to, so it is asked for until the first yes.
    set_up: AtomicBool,
}

impl Deref for Web {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Web {
    pub(crate) fn new(app: App, config: WebConfig) -> Self {
        let origin = config.public_url.as_deref().map(origin_of);
        let https = origin.as_deref().is_some_and(|origin| origin.starts_with("https://"));
        Self(Arc::new(Inner { app, config, https, origin, set_up: AtomicBool::new(false) }))
    }

    pub(crate) async fn is_set_up(&self) -> Result<bool> {
        if self.set_up.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let done = !self.app.needs_set_up().await?;
        self.set_up.store(done, Ordering::Relaxed);
        Ok(done)
    }
}

/// Scheme and authority of an address, as a browser's `Origin` has them.
fn origin_of(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_lowercase();
    let scheme = scheme.to_lowercase();
    let usual = if scheme == "https" { ":443" } else { ":80" };
    format!("{scheme}://{}", authority.strip_suffix(usual).unwrap_or(&authority))
}

#[cfg(test)]
mod tests {
    use super::origin_of;

    #[test]
    fn an_origin_is_the_address_without_its_path_and_usual_port() {
        assert_eq!(origin_of("https://Locks.Example.org:443/console/"), "https://locks.example.org");
        assert_eq!(origin_of("http://192.0.2.1:8080"), "http://192.0.2.1:8080");
        assert_eq!(origin_of("http://[2001:db8::1]:80/"), "http://[2001:db8::1]");
    }
}
