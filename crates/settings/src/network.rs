//! An address or a network of addresses, as settings contain them. It must not resolve names.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// Bits of an IPv6 address before the embedded IPv4 address (RFC 4291, section 2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// Addresses with a common prefix. An IPv4 network also contains the same addresses mapped to IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// Whether the network contains the address.
    pub fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Length of the common prefix in bits.
    pub fn prefix(self) -> u8 {
        self.0.prefix_len()
    }

    /// Whether this is an IPv4 network.
    pub fn is_ipv4(self) -> bool {
        matches!(self.0, IpNet::V4(_))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => text.parse::<IpNet>().map_err(|_| "expected ADDRESS or ADDRESS/PREFIX")?,
        };
        if network.addr() != network.network() {
            return Err(format!(
                "{text} is an address within the network {}; which of them is meant?",
                network.trunc()
            ));
        }
        Ok(Self(canonical(network)))
    }
}

/// Turns a network of mapped addresses into an IPv4 network.
fn canonical(network: IpNet) -> IpNet {
    let mapped = match network {
        IpNet::V4(_) => None,
        IpNet::V6(network) => network.addr().to_ipv4_mapped().zip(network.prefix_len().checked_sub(MAPPED_BITS)),
    };
    let as_ipv4 = mapped.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok());
    as_ipv4.map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(network: &str, address: &str) -> bool {
        network.parse::<Network>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn an_address_is_a_network_of_one() {
        assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.8"));
        assert!(holds("2001:db8::7", "2001:db8::7") && !holds("2001:db8::7", "2001:db8::8"));
        assert_eq!("192.0.2.7".parse::<Network>().unwrap().to_string(), "192.0.2.7/32");
    }

    #[test]
    fn a_network_holds_the_addresses_with_its_prefix() {
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1") && !holds("2001:db8::/32", "2001:db9::1"));
        assert!(holds("0.0.0.0/0", "192.0.2.1") && !holds("0.0.0.0/0", "2001:db8::1"));
    }

    #[test]
    fn mapped_addresses_are_those_of_ipv4() {
        assert!(holds("192.0.2.7", "::ffff:192.0.2.7"));
        assert!(holds("::ffff:192.0.2.7", "192.0.2.7"));
        assert!(holds("::ffff:10.0.0.0/104", "10.1.2.3") && !holds("::ffff:10.0.0.0/104", "11.0.0.1"));
        assert!(!holds("::/0", "::ffff:192.0.2.7"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "localhost", "192.0.2.1/33", "192.0.2.1/", "192.0.2", "2001:db8::/129", "10.0.0.1:80"] {
            assert!(text.parse::<Network>().is_err(), "{text:?} was accepted");
        }
        let doubtful = "10.0.0.5/8".parse::<Network>().unwrap_err();
        assert!(doubtful.contains("10.0.0.0/8"), "{doubtful}");
    }
}
