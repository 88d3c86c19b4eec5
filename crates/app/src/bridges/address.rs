//! Where a bridge is, and whom we speak to about it: exactly the host and port that were configured, at an address that
//! can be a bridge's. Public addresses are not refused: every device has one under IPv6, some local networks use them
//! under IPv4, and whoever may configure a bridge could reach a public address without us.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Bridge API 1.13.3; the port can be changed in the Nuki app.
const PORT: u16 = 8080;
/// RFC 1035, 2.3.4.
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;
/// Addresses of one name that are tried.
const MOST: usize = 4;

/// A bridge's host and port, as configured. `Display` writes it so that it reads back as the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BridgeAddress {
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    Ip(IpAddr),
    /// In lower case, without a dot at its end.
    Name(String),
}

impl BridgeAddress {
    /// Reads `http://192.168.1.50:8080`, `192.168.1.50`, `bridge.lan:8080`, `[fd00::50]:8080` or `fd00::50`; what is
    /// wrong with it otherwise, in words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let authority = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => {
                return Err("a bridge speaks plain http and no https");
            }
            Some(_) => return Err("a bridge's address begins with http://, or with the address itself"),
            None => text,
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.is_empty() {
            return Err("enter the address of the bridge, for example 192.168.1.50");
        }
        if authority.contains(['/', '?', '#', '\\']) {
            return Err("only the address and port of the bridge, nothing behind them");
        }
        if authority.contains('@') {
            return Err("no user name or password in the address: a bridge has a token instead");
        }
        if authority.contains('%') {
            return Err("no network interface and no escapes in the address");
        }
        let (host, port) = split(authority)?;
        Ok(Self { host: Host::parse(host)?, port: port.map_or(Ok(PORT), port_number)? })
    }

    pub fn host(&self) -> &Host {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// For the `Host` of a request (RFC 9110, 7.2): the port only if it is not that of HTTP.
    pub fn host_header(&self) -> String {
        if self.port == 80 { self.host.to_string() } else { self.to_string() }
    }

    /// Which of the addresses that a name has just resolved to may be connected to: none that nothing is ever sent to,
    /// and for a name none that only an address in numbers may mean. IPv4 first, because bridges speak it.
    pub fn allowed(&self, found: impl Iterator<Item = IpAddr>) -> Vec<SocketAddr> {
        let may = |address: &IpAddr| match &self.host {
            Host::Ip(configured) => address == configured,
            Host::Name(name) => !is_never(*address) && (name == "localhost" || !is_only_in_numbers(*address)),
        };
        let mut addresses: Vec<IpAddr> = found.map(|address| address.to_canonical()).filter(may).collect();
        addresses.sort_by_key(IpAddr::is_ipv6);
        addresses.dedup();
        addresses.into_iter().take(MOST).map(|address| SocketAddr::new(address, self.port)).collect()
    }
}

impl fmt::Display for BridgeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Host {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if let Ok(address) = text.parse::<IpAddr>() {
            let address = address.to_canonical();
            return if is_never(address) {
                Err("no device has this address; enter the bridge's own")
            } else {
                Ok(Self::Ip(address))
            };
        }
        if text.contains(':') {
            return Err("this is no address of IPv6");
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let mut labels = name.split('.');
        if name.len() > LONGEST_NAME || !labels.clone().all(is_label) {
            return Err("a name has only letters, digits, hyphens and dots");
        }
        // Resolvers read `127.1`, `0x7f000001` and `2130706433` as addresses.
        if labels.next_back().is_some_and(is_numeral) {
            return Err("write the address as four numbers, for example 192.168.1.50");
        }
        Ok(Self::Name(name))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Ip(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Host and port; the brackets of IPv6 are gone.
fn split(authority: &str) -> Result<(&str, Option<&str>), &'static str> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("an address of IPv6 ends with ]")?;
        if host.parse::<Ipv6Addr>().is_err() {
            return Err("this is no address of IPv6");
        }
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err("behind ] comes only a port"),
        };
    }
    match authority.split_once(':') {
        // More than one colon: IPv6 without brackets, so without a port.
        Some((_, rest)) if rest.contains(':') => Ok((authority, None)),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

fn port_number(text: &str) -> Result<u16, &'static str> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if is_number && port != 0 => Ok(port),
        _ => Err("a port is a number from 1 to 65535"),
    }
}

fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LONGEST_LABEL).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_numeral(label: &str) -> bool {
    match label.strip_prefix("0x") {
        Some(rest) => rest.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Nothing is ever sent there, whoever configured it: no network at all (`0.0.0.0` reaches this machine), many devices,
/// or all of them.
fn is_never(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets()[0] == 0 || v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => {
            v6.is_unspecified() || v6.is_multicast() || inside(v6).is_some_and(|v4| is_never(IpAddr::V4(v4)))
        }
    }
}

/// This machine and the neighbours on the wire (among them what clouds tell a machine about itself): meant only by
/// whoever writes their address, because a name can be made to lead there at any time.
fn is_only_in_numbers(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unicast_link_local()
                || inside(v6).is_some_and(|v4| is_only_in_numbers(IpAddr::V4(v4)))
        }
    }
}

/// The address of IPv4 that one of IPv6 carries and that a router on the way may take out: IPv4-compatible, NAT64
/// (RFC 6052) and 6to4 (RFC 3056). IPv4-mapped ones are addresses of IPv4 here already.
fn inside(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let pair = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(pair(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some(pair(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        BridgeAddress::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
    }

    fn refused(text: &str) -> &'static str {
        BridgeAddress::parse(text).expect_err(text)
    }

    #[test]
    fn an_address_of_a_bridge_is_understood_as_people_copy_it() {
        for (text, address) in [
            ("192.168.1.50", "192.168.1.50:8080"),
            (" http://192.168.1.50:8081/ ", "192.168.1.50:8081"),
            ("bridge.lan", "bridge.lan:8080"),
            ("fd00::50", "[fd00::50]:8080"),
            ("[fd00::50]:80", "[fd00::50]:80"),
        ] {
            assert_eq!(written(text), address, "{text}");
        }
        for text in
            ["", "https://192.168.1.50", "a b", "x/y", "user@host", "host:0", "host:+80", "-x.lan", "a..b"]
        {
            assert!(BridgeAddress::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_reads_however_people_write_it() {
        for (text, meant) in [
            ("http://192.168.1.50:8080", "192.168.1.50:8080"),
            (" 192.168.1.50 ", "192.168.1.50:8080"),
            ("HTTP://192.168.1.50/", "192.168.1.50:8080"),
            ("192.168.1.50:80", "192.168.1.50:80"),
            ("Bridge.lan:8081", "bridge.lan:8081"),
            ("nuki_bridge_1", "nuki_bridge_1:8080"),
            ("2nd-floor.7a", "2nd-floor.7a:8080"),
            ("bridge.lan.", "bridge.lan:8080"),
            ("[fd00::50]:9000", "[fd00::50]:9000"),
            ("http://[fd00::50]", "[fd00::50]:8080"),
            ("fd00::50", "[fd00::50]:8080"),
            ("::ffff:192.168.1.50", "192.168.1.50:8080"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("169.254.7.7", "169.254.7.7:8080"),
        ] {
            assert_eq!(written(text), meant, "{text}");
            assert_eq!(written(meant), meant, "what is stored reads as the same");
        }
    }

    #[test]
    fn the_host_header_names_the_port_unless_it_is_that_of_http() {
        let header = |text: &str| BridgeAddress::parse(text).unwrap().host_header();
        assert_eq!(header("bridge.lan"), "bridge.lan:8080");
        assert_eq!(header("bridge.lan:80"), "bridge.lan");
        assert_eq!(header("[fd00::50]:80"), "[fd00::50]");
        assert_eq!(header("fd00::50"), "[fd00::50]:8080");
    }

    #[test]
    fn whatever_is_more_than_host_and_port_is_refused_in_words() {
        for (text, word) in [
            ("https://192.168.1.50", "no https"),
            ("ftp://192.168.1.50", "begins with http://"),
            ("file:///etc/passwd", "begins with http://"),
            ("", "enter the address"),
            ("http://", "enter the address"),
            ("192.168.1.50/list", "nothing behind"),
            ("192.168.1.50?token=1", "nothing behind"),
            ("192.168.1.50#a", "nothing behind"),
            ("192.168.1.50\\@10.0.0.1", "nothing behind"),
            ("anna:secret@192.168.1.50", "no user name"),
            ("[fe80::1%25eth0]", "no network interface"),
            ("192.168.1.50%2f", "no network interface"),
            ("192.168.1.50:0", "from 1 to 65535"),
            ("192.168.1.50:65536", "from 1 to 65535"),
            ("192.168.1.50:+80", "from 1 to 65535"),
            ("192.168.1.50:", "from 1 to 65535"),
            ("[fd00::50", "ends with ]"),
            ("[fd00::50]80", "only a port"),
            ("[192.168.1.50]", "no address of IPv6"),
            ("fd00::zz", "no address of IPv6"),
            ("bridge lan", "only letters"),
            ("brücke.lan", "only letters"),
            ("bridge\r\nHost: a", "only letters"),
            ("bridge..lan", "only letters"),
            ("-bridge", "only letters"),
        ] {
            assert!(refused(text).contains(word), "{text}: {}", refused(text));
        }
        assert!(refused(&"a.".repeat(200)).contains("only letters"));
        assert!(refused(&"a".repeat(64)).contains("only letters"));
    }

    #[test]
    fn numbers_that_only_a_resolver_reads_as_an_address_are_refused() {
        for text in
            ["127.1", "2130706433", "0x7f000001", "017700000001", "0300.0250.1.50", "192.168.1.050", "1.2.3"]
        {
            assert!(refused(text).contains("four numbers"), "{text}: {}", refused(text));
        }
    }

    #[test]
    fn what_is_nobodys_address_is_refused_even_if_configured() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.251",
            "239.255.255.250",
            "255.255.255.255",
            "[::]",
            "[ff02::1]",
            "[::ffff:0.0.0.0]",
            "[::ffff:224.0.0.1]",
            "[64:ff9b::255.255.255.255]",
            "[2002:e000:1::1]",
        ] {
            assert!(refused(text).contains("no device has this address"), "{text}");
        }
    }

    fn allowed(configured: &str, found: &[&str]) -> Vec<String> {
        let address = BridgeAddress::parse(configured).unwrap();
        let found = found.iter().map(|text| text.parse().unwrap());
        address.allowed(found).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_address_in_numbers_means_only_itself() {
        assert_eq!(allowed("127.0.0.1:9", &["127.0.0.1", "192.168.1.50"]), ["127.0.0.1:9"]);
        assert_eq!(allowed("169.254.7.7", &["169.254.7.7"]), ["169.254.7.7:8080"]);
        assert_eq!(allowed("192.168.1.50", &["::ffff:192.168.1.50"]), ["192.168.1.50:8080"]);
    }

    #[test]
    fn a_name_leads_to_no_address_that_somebody_would_have_to_write_in_numbers() {
        for trap in [
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "::1",
            "fe80::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::169.254.169.254",
            "2002:7f00:1::1",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "255.255.255.255",
        ] {
            assert_eq!(allowed("bridge.lan", &[trap]), Vec::<String>::new(), "{trap}");
            assert_eq!(allowed("bridge.lan", &[trap, "10.0.0.7"]), ["10.0.0.7:8080"], "{trap}");
        }
    }

    #[test]
    fn a_name_leads_to_private_and_public_addresses_the_older_protocol_first() {
        assert_eq!(
            allowed("bridge.lan:99", &["2001:db8::7", "192.168.1.50", "fd00::7", "203.0.113.9"]),
            ["192.168.1.50:99", "203.0.113.9:99", "[2001:db8::7]:99", "[fd00::7]:99"]
        );
        assert_eq!(allowed("localhost", &["::1", "127.0.0.1"]), ["127.0.0.1:8080", "[::1]:8080"]);
        let many: Vec<String> = (1..20).map(|last| format!("10.0.0.{last}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(allowed("bridge.lan", &many).len(), 4);
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_reads_back_and_is_nothing_but_host_and_port(
            text in r"(http://)?[a-z0-9\[\]:./@%?# -]{0,30}"
        ) {
            if let Ok(address) = BridgeAddress::parse(&text) {
                let written = address.to_string();
                prop_assert_eq!(BridgeAddress::parse(&written), Ok(address));
                prop_assert!(!written.contains(['/', '@', '%', '?', '#', ' ']), "{}", written);
            }
        }
    }
}
