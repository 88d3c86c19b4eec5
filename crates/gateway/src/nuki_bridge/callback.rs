//! Callbacks: keeping one of a bridge's three places without taking another's, and telling a call of the bridge from
//! anybody else's. A call is never believed; it only says that a device is worth a fresh look.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use hyper::Method;
use subtle::ConstantTimeEq as _;

use super::wire::{self, Registered};

/// Before the token of the bridge.
const PATH: &str = "/nuki-bridge/";
/// Bridge API 1.13.3, `/callback/add`.
const PLACES: usize = 3;
/// In letters and digits: five bits and more each.
const SHORTEST_TOKEN: usize = 24;
const LONGEST_TOKEN: usize = 64;

/// The secret part of the path that one bridge calls. It makes a call worth a look, and tells which places are ours
/// after our address changed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct PathToken(String);

impl fmt::Debug for PathToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PathToken(…)")
    }
}

impl PathToken {
    /// Lower-case letters and digits, as `Chance::code::<32>` makes them.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let fits = (SHORTEST_TOKEN..=LONGEST_TOKEN).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        fits.then(|| Self(text.to_owned()))
    }
}

/// Where a bridge is to call: our side of a connection to it, with the port of our listener.
pub(crate) fn url(reached_at: SocketAddr, token: &PathToken) -> String {
    format!("http://{reached_at}{PATH}{}", token.0)
}

/// What to do about the callbacks of a bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Ours is there.
    Nothing,
    Add,
    /// One of ours that nobody answers any more: with an address that we had before, or of a bridge that was removed. Places move up when one is given back: ask for the list again
    /// before anything else, in the same turn of the queue.
    Remove(Registered),
    /// Others have all places. Somebody else's is not taken away.
    Full,
}

impl Keep {
    /// For whoever looks at the bridge.
    pub(crate) fn words(&self) -> &'static str {
        match self {
            Self::Nothing => "the bridge calls when something happens",
            Self::Add | Self::Remove(_) => "the bridge is being told to call when something happens",
            Self::Full => {
                "other programs have all three callbacks of the bridge, so changes show only when it is asked next"
            }
        }
    }
}

/// From the answer to `/callback/list`. A stale one of ours goes first, because a bridge that gets no answer from one
/// may not call the others (homebridge-nb, issue 51). At our own address the secret may be an old one, unless another bridge
/// of ours has it now: they may be the same, in two accounts.
pub(crate) fn keep(
    registered: &[Registered],
    ours: &str,
    (token, is_others): (&PathToken, impl Fn(&PathToken) -> bool),
) -> Keep {
    let ours = parts(ours);
    let own_address = ours.as_ref().map(|(authority, _)| authority);
    let stale = registered.iter().find(|entry| {
        let parts = parts(&entry.url);
        let secret = parts.as_ref().and_then(|(_, path)| PathToken::new(path.strip_prefix(PATH)?));
        let is_here = parts.as_ref().map(|(authority, _)| authority) == own_address;
        let is_ours = |secret| secret == *token || (is_here && !is_others(&secret));
        parts != ours && secret.is_some_and(is_ours)
    });
    if let Some(stale) = stale {
        return Keep::Remove(stale.clone());
    }
    if ours.is_some() && registered.iter().any(|entry| parts(&entry.url) == ours) {
        return Keep::Nothing;
    }
    if registered.len() >= PLACES { Keep::Full } else { Keep::Add }
}

/// The place of a bridge that is none of ours any more.
pub(crate) fn taken_by<'a>(registered: &'a [Registered], token: &PathToken) -> Option<&'a Registered> {
    let own_path = format!("{PATH}{}", token.0);
    registered.iter().find(|entry| parts(&entry.url).is_some_and(|(_, path)| path == own_path))
}

/// Host with port, and path, however the bridge writes them down.
fn parts(url: &str) -> Option<(String, &str)> {
    let rest = url.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://")).and(url.get(7..))?;
    let (authority, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))?;
    let authority = authority.to_ascii_lowercase();
    let authority = authority.strip_suffix(":80").unwrap_or(&authority).to_owned();
    Some((authority, path.trim_end_matches('/')))
}

/// A call of a bridge that may make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Called {
    pub bridge: PathToken,
    /// Look at this one afresh. None: the bridge said something that we do not understand; look at all of its devices.
    pub nuki_id: Option<u32>,
    pub peer: IpAddr,
}

/// Which bridges may call, and from where. Changed while the listener runs.
#[derive(Clone, Default)]
pub(crate) struct Callers(Arc<RwLock<Vec<(PathToken, IpAddr)>>>);

impl Callers {
    /// From now on this bridge may call from this address and no other.
    pub(crate) fn allow(&self, token: &PathToken, peer: IpAddr) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(known, _)| known != token);
        all.push((token.clone(), peer.to_canonical()));
    }

    pub(crate) fn forget(&self, token: &PathToken) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).retain(|(known, _)| known != token);
    }

    pub(crate) fn is_known(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.read().unwrap_or_else(PoisonError::into_inner).iter().any(|(_, known)| *known == peer)
    }

    /// Whose call this is, by its head; nobody's if anything is not as we told the bridge. Every token is compared in
    /// full, so that the time taken tells nothing of any.
    pub(crate) fn caller(&self, method: &Method, target: &str, peer: IpAddr) -> Option<PathToken> {
        let given = target.strip_prefix(PATH).filter(|_| method == Method::POST)?;
        let peer = peer.to_canonical();
        let mut found = None;
        for (token, known) in self.0.read().unwrap_or_else(PoisonError::into_inner).iter() {
            let is_same = bool::from(token.0.as_bytes().ct_eq(given.as_bytes()));
            if is_same && *known == peer {
                found = Some(token.clone());
            }
        }
        found
    }
}

/// What a call of this bridge says.
pub(crate) fn called(bridge: PathToken, peer: IpAddr, body: &[u8]) -> Called {
    let nuki_id = wire::devices::callback(body).ok().map(|device| device.nuki_id);
    Called { bridge, nuki_id, peer: peer.to_canonical() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "abcdefghijkmnpqrstuvwxyz23456789";

    fn token() -> PathToken {
        PathToken::new(TOKEN).unwrap()
    }

    fn ours() -> String {
        url("192.168.1.9:8099".parse().unwrap(), &token())
    }

    fn registered(urls: &[&str]) -> Vec<Registered> {
        (0..).zip(urls).map(|(id, url)| Registered { id, url: (*url).to_owned() }).collect()
    }

    fn decide(urls: &[&str]) -> Keep {
        keep(&registered(urls), &ours(), (&token(), |other| other.0.starts_with("other")))
    }

    #[test]
    fn the_address_is_where_the_bridge_reaches_us_and_short_enough_for_it() {
        assert_eq!(ours(), format!("http://192.168.1.9:8099/nuki-bridge/{TOKEN}"));
        let long = url(
            "[fd00:1111:2222:3333:4444:5555:6666:7777]:65535".parse().unwrap(),
            &PathToken::new(&"a".repeat(64)).unwrap(),
        );
        assert!(long.starts_with("http://[fd00:") && long.len() <= 254);
    }

    #[test]
    fn a_callback_that_is_there_stays_and_a_free_place_is_taken() {
        let (ours, other) = (ours(), "http://192.168.1.7/hook");
        assert_eq!(decide(&[]), Keep::Add);
        assert_eq!(decide(&[other, other]), Keep::Add);
        assert_eq!(decide(&[other, &ours, other]), Keep::Nothing);
        let otherwise = format!("HTTP://192.168.1.9:8099/nuki-bridge/{TOKEN}/");
        assert_eq!(decide(&[&otherwise]), Keep::Nothing);
    }

    #[test]
    fn only_a_stale_one_of_ours_is_ever_removed() {
        let stale = format!("http://192.168.1.44:8099/nuki-bridge/{TOKEN}");
        let other_port = format!("http://192.168.1.9:8100/nuki-bridge/{TOKEN}");
        let old_secret = format!("http://192.168.1.9:8099/nuki-bridge/{}", TOKEN.replace('a', "b"));
        for urls in [
            ["http://a/1", &stale, "http://b/2"],
            ["http://a/1", &other_port, &ours()],
            ["http://a/1", &old_secret, &ours()],
        ] {
            let expected = Registered { id: 1, url: urls[1].to_owned() };
            assert_eq!(decide(&urls), Keep::Remove(expected));
        }
    }

    #[test]
    fn three_of_others_are_full_however_much_they_look_like_ours() {
        let other_bridge = format!("http://192.168.1.9:8099/nuki-bridge/other{TOKEN}");
        let deeper = format!("http://192.168.1.9:8099/x/nuki-bridge/{TOKEN}");
        let query = format!("http://192.168.1.44/?a=/nuki-bridge/{TOKEN}");
        let secured = format!("https://192.168.1.44/nuki-bridge/{TOKEN}");
        let longer = format!("http://192.168.1.44/nuki-bridge/{TOKEN}9");
        let old = TOKEN.replace('a', "b");
        let elsewhere = format!("http://192.168.1.44:8099/nuki-bridge/{old}");
        let other_port = format!("http://192.168.1.9:8100/nuki-bridge/{old}");
        let no_secret = "http://192.168.1.9:8099/nuki-bridge/hook".to_owned();
        for urls in [
            ["http://a/1", "http://b/2", "http://c/3"],
            [other_bridge.as_str(), &deeper, &query],
            [&secured, &longer, ""],
            [&elsewhere, &other_port, &no_secret],
        ] {
            let decided = decide(&urls);
            assert_eq!(decided, Keep::Full, "{urls:?}");
            assert!(decided.words().contains("all three"));
        }
    }

    fn callers() -> Callers {
        let callers = Callers::default();
        callers.allow(&token(), "192.168.1.50".parse().unwrap());
        callers.allow(&PathToken::new(&"z".repeat(32)).unwrap(), "192.168.1.51".parse().unwrap());
        callers
    }

    fn who(method: &Method, target: &str, peer: &str) -> Option<PathToken> {
        callers().caller(method, target, peer.parse().unwrap())
    }

    #[test]
    fn a_call_is_the_bridges_only_by_method_path_token_and_address_together() {
        let right = format!("/nuki-bridge/{TOKEN}");
        assert_eq!(who(&Method::POST, &right, "192.168.1.50"), Some(token()));
        assert_eq!(who(&Method::POST, &right, "::ffff:192.168.1.50"), Some(token()));
        assert_eq!(who(&Method::GET, &right, "192.168.1.50"), None);
        assert_eq!(who(&Method::POST, &right, "192.168.1.51"), None, "the address of another bridge");
        for target in [
            "/",
            "",
            "/nuki-bridge/",
            &format!("/nuki-bridge/{}", &TOKEN[..31]),
            &format!("/nuki-bridge/{TOKEN}/"),
            &format!("/nuki-bridge/{TOKEN}?a"),
            &format!("/nuki-bridge//{TOKEN}"),
            &format!("//nuki-bridge/{TOKEN}"),
            &format!("/x/../nuki-bridge/{TOKEN}"),
            &format!("/nuki-bridge/%61{}", &TOKEN[1..]),
            &format!("/nuki-bridge/{}", TOKEN.to_uppercase()),
            &format!("http://192.168.1.9:8099/nuki-bridge/{TOKEN}"),
        ] {
            assert_eq!(who(&Method::POST, target, "192.168.1.50"), None, "{target}");
        }
    }

    #[test]
    fn a_bridge_that_moved_or_left_is_known_where_it_is_and_nowhere_else() {
        let callers = callers();
        let path = format!("/nuki-bridge/{TOKEN}");
        let [old, new] = ["192.168.1.50", "192.168.1.60"].map(|text| text.parse::<IpAddr>().unwrap());
        callers.allow(&token(), new);
        assert_eq!(callers.caller(&Method::POST, &path, old), None);
        assert_eq!(callers.caller(&Method::POST, &path, new), Some(token()));
        assert!(callers.is_known(new) && !callers.is_known(old));
        callers.forget(&token());
        assert_eq!(callers.caller(&Method::POST, &path, new), None);
        assert!(!callers.is_known(new));
    }

    #[test]
    fn what_a_call_says_is_only_which_device_to_look_at() {
        let peer = "::ffff:192.168.1.50".parse().unwrap();
        let named = called(token(), peer, br#"{"deviceType":0,"nukiId":11,"state":3}"#);
        assert_eq!(
            named,
            Called { bridge: token(), nuki_id: Some(11), peer: "192.168.1.50".parse().unwrap() }
        );
        assert_eq!(called(token(), peer, b"something new").nuki_id, None);
    }

    #[test]
    fn a_path_token_is_long_plain_and_never_shown() {
        for text in
            ["", "abc", &"a".repeat(23), &"a".repeat(65), &format!("{}/", "a".repeat(31)), &"A".repeat(32)]
        {
            assert_eq!(PathToken::new(text), None, "{text}");
        }
        assert!(!format!("{:?}", token()).contains("abc"));
        assert_eq!(token().0, TOKEN);
    }
}
