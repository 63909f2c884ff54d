//! What an operator allows servers to post to, as settings contain it: a host, the hosts below a name, all of them, or a network.
//! It must not resolve names.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::network::Network;

/// Hosts, or a network of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointRule {
    /// Every host: `*`.
    All,
    /// The hosts below a name, but not itself: `*.example.org`.
    Below(String),
    /// One host.
    Host(String),
    /// All addresses of a network, whatever name stands for them.
    Network(Network),
}

impl EndpointRule {
    /// Whether a rule about names is about this host, which is in lower case.
    pub fn names(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Below(name) => {
                host.strip_suffix(name.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            Self::Host(name) => host == name,
            Self::Network(_) => false,
        }
    }

    /// Whether a rule about a network is about this address.
    pub fn contains(&self, address: IpAddr) -> bool {
        matches!(self, Self::Network(network) if network.contains(address))
    }
}

impl fmt::Display for EndpointRule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => out.write_str("*"),
            Self::Below(name) => write!(out, "*.{name}"),
            Self::Host(name) => out.write_str(name),
            Self::Network(network) => network.fmt(out),
        }
    }
}

impl FromStr for EndpointRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::All);
        }
        let is_network = text.contains(['/', ':']) || text.parse::<IpAddr>().is_ok();
        if is_network {
            return text.parse().map(Self::Network);
        }
        let lower = text.to_ascii_lowercase();
        let (name, is_below) = lower.strip_prefix("*.").map_or((&*lower, false), |name| (name, true));
        let is_label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        if !name.split('.').all(is_label) {
            return Err("expected a host, *.DOMAIN, *, or ADDRESS[/PREFIX]".to_owned());
        }
        let name = name.to_owned();
        Ok(if is_below { Self::Below(name) } else { Self::Host(name) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> EndpointRule {
        text.parse().unwrap()
    }

    #[test]
    fn hosts_are_named_by_themselves_or_by_what_they_are_below() {
        assert!(
            rule("Bot.example.org").names("bot.example.org") && !rule("bot.example.org").names("a.bot.example.org")
        );
        let below = rule("*.example.org");
        assert!(below.names("a.example.org") && below.names("a.b.example.org"));
        for host in ["example.org", "evilexample.org", ".example.org", "example.org.evil.net", "org"] {
            assert!(!below.names(host), "{host}");
        }
        assert!(rule("*").names("example.org"));
    }

    #[test]
    fn a_network_is_about_addresses_only() {
        let network = rule("10.0.0.0/8");
        assert!(network.contains("10.1.2.3".parse().unwrap()) && !network.contains("11.1.2.3".parse().unwrap()));
        assert!(!network.names("10.1.2.3") && !rule("*").contains("10.1.2.3".parse().unwrap()));
        assert!(rule("::1").contains("::1".parse().unwrap()));
        for text in ["*", "*.example.org", "example.org", "10.0.0.0/8"] {
            assert_eq!(rule(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in
            ["", "a..b", "*.", "*a.org", "a.*.org", "https://a.org", "a.org:80", "a b", "10.0.0.1/8", "user@a.org"]
        {
            assert!(text.parse::<EndpointRule>().is_err(), "{text:?} was accepted");
        }
    }
}
