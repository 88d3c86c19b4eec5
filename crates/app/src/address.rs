//! Who counts as one place in a network, for limits and for guesses.

use std::net::{IpAddr, Ipv6Addr};

/// A household or office has one address of IPv4, and a /64 of IPv6, of which every device may choose a new one at any
/// time (RFC 8981).
#[must_use]
pub fn place_of(address: IpAddr) -> IpAddr {
    let IpAddr::V6(long) = address else { return address };
    if let Some(short) = long.to_ipv4_mapped() {
        return short.into();
    }
    let [a, b, c, d, ..] = long.segments();
    Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_ipv4_is_a_place_however_it_is_written_and_so_is_a_64_of_ipv6() {
        let place = |text: &str| place_of(text.parse().unwrap());
        assert_eq!(place("192.0.2.7"), place("::ffff:192.0.2.7"));
        assert_ne!(place("192.0.2.7"), place("192.0.2.8"));
        assert_eq!(place("2001:db8:1:2::1"), place("2001:db8:1:2:ffff::9"));
        assert_ne!(place("2001:db8:1:2::1"), place("2001:db8:1:3::1"));
    }
}
