//! Which addresses may be posted to. What counts is the address that is really connected to. It must not resolve names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use parlor_core::ports::EndpointGuard;
use parlor_proto::Endpoint;
use parlor_settings::EndpointRule;

/// What the operator allows.
pub(crate) struct Guard(Vec<EndpointRule>);

impl Guard {
    pub(crate) fn new(rules: Vec<EndpointRule>) -> Self {
        Self(rules)
    }

    /// Whether a connection to this address may be opened for the endpoint. An address of a network that the operator named may;
    /// any other one must be public, belong to a host that the operator named, and be spoken to in TLS.
    pub(super) fn allows(&self, endpoint: &Endpoint, address: IpAddr) -> bool {
        self.contains(address) || self.names(endpoint) && is_public(address)
    }

    /// Whether a connection may be spoken on that was opened from one address to another. A system that connects to itself uses
    /// one address at both ends, also for its public ones. Those may be spoken to only in a network that the operator named.
    pub(super) fn allows_connection(&self, from: IpAddr, to: IpAddr) -> bool {
        from.to_canonical() != to.to_canonical() || self.contains(to)
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|rule| rule.contains(address.to_canonical()))
    }

    fn names(&self, endpoint: &Endpoint) -> bool {
        endpoint.is_encrypted() && self.0.iter().any(|rule| rule.names(endpoint.host()))
    }
}

impl EndpointGuard for Guard {
    fn may_be_allowed(&self, endpoint: &Endpoint) -> bool {
        match endpoint.address() {
            Some(address) => self.allows(endpoint, address),
            // What the name stands for is seen when something is posted.
            None => self.names(endpoint) || self.0.iter().any(|rule| matches!(rule, EndpointRule::Network(_))),
        }
    }
}

/// Whether an address is one of the internet, which everybody reaches. Addresses that stand for another one are none.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Source: <https://www.iana.org/assignments/iana-ipv4-special-registry/>
fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_special = match address.octets() {
        [0 | 10 | 127, ..] | [169, 254, ..] | [192, 168, ..] => true,
        [100, second, ..] => second & 0xc0 == 64,
        [172, second, ..] => second & 0xf0 == 16,
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        [198, second, ..] => second & 0xfe == 18,
        [first, ..] => first >= 224,
    };
    !is_special
}

/// Source: <https://www.iana.org/assignments/iana-ipv6-special-registry/>. Only 2000::/3 is given out.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let is_special = match address.segments() {
        // Teredo and others; documentation; 6to4, in which there is an IPv4 address.
        [0x2001, second, ..] => second < 0x0200 || second == 0x0db8,
        [0x2002, ..] => true,
        [0x3fff, second, ..] => second < 0x1000,
        [first, ..] => first & 0xe000 != 0x2000,
    };
    !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(rules: &[&str], url: &str, address: &str) -> bool {
        let guard = Guard::new(rules.iter().map(|rule| rule.parse().unwrap()).collect());
        guard.allows(&url.parse().unwrap(), address.parse().unwrap())
    }

    fn may_be(rules: &[&str], url: &str) -> bool {
        let guard = Guard::new(rules.iter().map(|rule| rule.parse().unwrap()).collect());
        guard.may_be_allowed(&url.parse().unwrap())
    }

    #[test]
    fn a_host_is_allowed_at_public_addresses_only() {
        let url = "https://bot.example.org/";
        assert!(allows(&["*.example.org"], url, "93.184.215.14") && allows(&["*"], url, "2606:2800::1"));
        assert!(!allows(&["example.org"], url, "93.184.215.14"));
        for address in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.19.0.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd00::1",
            "ff02::1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "100::1",
        ] {
            assert!(!allows(&["*", "bot.example.org"], url, address), "{address}");
        }
        for address in
            ["172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "198.20.0.1", "223.1.1.1", "::ffff:8.8.8.8"]
        {
            assert!(allows(&["*"], url, address), "{address}");
        }
    }

    #[test]
    fn a_network_is_allowed_by_whatever_name_and_in_the_clear() {
        assert!(allows(&["10.0.0.0/8"], "http://bot.internal/", "10.1.2.3"));
        assert!(allows(&["127.0.0.1"], "http://localhost:8080/", "::ffff:127.0.0.1"));
        assert!(!allows(&["127.0.0.1"], "http://localhost:8080/", "127.0.0.2"));
        assert!(!allows(&["127.0.0.1"], "http://localhost:8080/", "::1"));
        assert!(!allows(&["10.0.0.0/8"], "https://bot.internal/", "93.184.215.14"));
        assert!(!allows(&["*"], "http://bot.example.org/", "93.184.215.14"), "in the clear");
    }

    #[test]
    fn this_machine_is_spoken_to_in_a_named_network_only() {
        let allows = |rules: &[&str], from: &str, to: &str| {
            let guard = Guard::new(rules.iter().map(|rule| rule.parse().unwrap()).collect());
            guard.allows_connection(from.parse().unwrap(), to.parse().unwrap())
        };
        assert!(allows(&["*"], "10.0.0.1", "93.184.215.14"));
        assert!(!allows(&["*"], "93.184.215.14", "93.184.215.14"));
        assert!(!allows(&["*"], "2606:2800::1", "2606:2800::1"));
        assert!(!allows(&["*"], "::ffff:93.184.215.14", "93.184.215.14"));
        assert!(allows(&["93.184.215.0/24"], "93.184.215.14", "93.184.215.14"));
        assert!(allows(&["127.0.0.1"], "127.0.0.1", "::ffff:127.0.0.1"));
    }

    #[test]
    fn what_can_be_known_without_a_look_at_names_is_told_at_once() {
        assert!(
            may_be(&["*.example.org"], "https://bot.example.org/")
                && !may_be(&["*.example.org"], "https://bot.example.net/")
        );
        assert!(!may_be(&["*"], "https://127.0.0.1/") && !may_be(&["*"], "https://[::ffff:127.0.0.1]/"));
        assert!(!may_be(&["*"], "http://bot.example.org/") && may_be(&["127.0.0.1"], "http://127.0.0.1:8080/"));
        assert!(may_be(&["10.0.0.0/8"], "http://bot.internal/") && !may_be(&["10.0.0.0/8"], "http://127.0.0.1/"));
        assert!(!may_be(&[], "https://bot.example.org/"));
    }
}
