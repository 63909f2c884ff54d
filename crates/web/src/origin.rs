//! Whom a request is for, and from which page it comes: `Host` and `Origin`. It must not look names up.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The port of `https` if none is given.
const DEFAULT_PORT: u16 = 443;

/// Longest name in DNS, in bytes.
const MAX_NAME_BYTES: usize = 253;

/// The host of an authority.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name, in lower case: letters, digits, `-`, `_` and `.`.
    Name(String),
    /// An address. An IPv6 address is in brackets in the header.
    Address(IpAddr),
}

/// A host and a port: the value of `Host`, or an origin without its scheme.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Authority {
    /// The host.
    pub host: Host,
    /// The port. Without one in the text it is 443, since there is no scheme but `https`.
    pub port: u16,
}

impl Authority {
    /// Parses `host` or `host:port`. `None` if it is anything else: user information, an empty port, a zone of an
    /// address, characters that a name cannot have.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, rest) = match text.strip_prefix('[') {
            Some(bracketed) => {
                let (address, rest) = bracketed.split_once(']')?;
                (Host::Address(address.parse::<Ipv6Addr>().ok()?.into()), rest)
            }
            None => {
                let (host, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
                (name_or_ipv4(host)?, rest)
            }
        };
        let port = match rest.strip_prefix(':') {
            Some(port) => parse_port(port)?,
            None if rest.is_empty() => DEFAULT_PORT,
            None => return None,
        };
        Some(Self { host, port })
    }

    /// Whether `origin`, the value of an `Origin` header, is the page at `https://` and this authority. `null` is not.
    pub fn is_origin(&self, origin: &str) -> bool {
        const SCHEME: &str = "https://";
        let scheme = origin.get(..SCHEME.len()).filter(|scheme| scheme.eq_ignore_ascii_case(SCHEME));
        scheme.is_some() && Self::parse(&origin[SCHEME.len()..]).as_ref() == Some(self)
    }
}

fn name_or_ipv4(text: &str) -> Option<Host> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(Host::Address(address.into()));
    }
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let fits = (1..=MAX_NAME_BYTES).contains(&text.len());
    (fits && text.bytes().all(is_allowed)).then(|| Host::Name(text.to_ascii_lowercase()))
}

/// Decimal without a sign or zeros in front, from 1 to 65535.
fn parse_port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    is_plain.then(|| text.parse().ok())?
}

/// The hosts that a request may name. A page of an attacker whose name in DNS was changed to our address still sends
/// its own name (*DNS rebinding*), so a request for any other host must be refused with 421.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AllowedHosts {
    names: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl AllowedHosts {
    /// The names and addresses of a certificate, and `localhost`, which no one else can own. A name `*.example.org`
    /// allows one label in place of the star.
    pub fn new(names: impl IntoIterator<Item = impl AsRef<str>>, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let given = names.into_iter().map(|name| name.as_ref().to_ascii_lowercase());
        Self { names: given.chain(["localhost".to_owned()]).collect(), addresses: addresses.into_iter().collect() }
    }

    /// Whether a request may name `host`. The port does not matter: a balancer may have another one.
    pub fn allows(&self, host: &Host) -> bool {
        match host {
            Host::Address(address) => self.addresses.contains(address),
            Host::Name(name) => self.names.iter().any(|pattern| is_match(pattern, name)),
        }
    }
}

fn is_match(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix("*."), name.split_once('.')) {
        (Some(parent), Some((label, rest))) => !label.is_empty() && rest == parent,
        (Some(_), None) => false,
        (None, _) => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        Authority::parse(text).unwrap().host
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        let name = |name: &str, port| Some(Authority { host: Host::Name(name.to_owned()), port });
        assert_eq!(Authority::parse("Chat.Example.org"), name("chat.example.org", 443));
        assert_eq!(Authority::parse("a_b-1:7878"), name("a_b-1", 7878));
        assert_eq!(Authority::parse("a:65535"), name("a", 65535));
        let address = |address: &str, port| Some(Authority { host: Host::Address(address.parse().unwrap()), port });
        assert_eq!(Authority::parse("192.0.2.1:80"), address("192.0.2.1", 80));
        assert_eq!(Authority::parse("[2001:DB8::1]"), address("2001:db8::1", 443));
        assert_eq!(Authority::parse("[::ffff:192.0.2.1]:1"), address("::ffff:192.0.2.1", 1));
    }

    #[test]
    fn anything_else_is_no_host() {
        for text in [
            "",
            ":",
            ":80",
            "a:",
            "a:0",
            "a:080",
            "a:+80",
            "a:65536",
            "a:80:80",
            "a b",
            "a@b",
            "a/",
            "a,b",
            "a\\b",
            "ä",
            "::1",
            "[::1",
            "::1]",
            "[::1]80",
            "[::1]:",
            "[fe80::1%25eth0]",
            "[192.0.2.1]",
            "[]",
            "*.a",
            "a\0",
        ] {
            assert_eq!(Authority::parse(text), None, "{text}");
        }
        assert!(Authority::parse(&"a".repeat(MAX_NAME_BYTES)).is_some());
        assert!(Authority::parse(&"a".repeat(MAX_NAME_BYTES + 1)).is_none());
    }

    #[test]
    fn an_origin_is_ours_if_scheme_name_and_port_are() {
        for (authority, origin) in [
            ("a.org", "https://a.org"),
            ("A.org", "HTTPS://a.ORG"),
            ("a.org:443", "https://a.org"),
            ("a.org", "https://a.org:443"),
            ("a.org:7878", "https://a.org:7878"),
            ("192.0.2.1:7878", "https://192.0.2.1:7878"),
            ("[2001:db8:0::1]:7878", "https://[2001:db8::1]:7878"),
        ] {
            assert!(Authority::parse(authority).unwrap().is_origin(origin), "{authority} {origin}");
        }
    }

    #[test]
    fn any_other_origin_is_not_ours() {
        let ours = Authority::parse("a.org:7878").unwrap();
        for origin in [
            "",
            "null",
            "a.org:7878",
            "http://a.org:7878",
            "wss://a.org:7878",
            "https://a.org",
            "https://a.org:443",
            "https://a.org:7879",
            "https://b.org:7878",
            "https://b.a.org:7878",
            "https://a.org.b:7878",
            "https://a.org:7878/",
            "https://a.org:7878 https://b.org",
            "https://a.org:7878@b.org",
            "https://b.org#@a.org:7878",
            "https:/a.org:7878",
            "https://",
            "ääääääää",
        ] {
            assert!(!ours.is_origin(origin), "{origin}");
        }
        assert!(!Authority::parse("127.0.0.1").unwrap().is_origin("https://localhost"));
        assert!(!Authority::parse("[::1]").unwrap().is_origin("https://127.0.0.1"));
    }

    #[test]
    fn a_request_may_name_what_is_in_the_certificate() {
        let addresses = ["192.0.2.1", "2001:db8::1"].map(|address| address.parse().unwrap());
        let allowed = AllowedHosts::new(["Chat.example.org", "*.example.net"], addresses);
        for text in [
            "chat.example.org",
            "CHAT.EXAMPLE.ORG:1",
            "a.example.net",
            "192.0.2.1",
            "[2001:db8::1]:7878",
            "localhost:7878",
        ] {
            assert!(allowed.allows(&host(text)), "{text}");
        }
        for text in [
            "example.org",
            "a.chat.example.org",
            "chat.example.org.",
            "example.net",
            ".example.net",
            "a.b.example.net",
            "xexample.net",
            "192.0.2.2",
            "127.0.0.1",
            "[2001:db8::2]",
            "[::ffff:192.0.2.1]",
            "attacker.example",
        ] {
            assert!(!allowed.allows(&host(text)), "{text}");
        }
    }

    #[test]
    fn without_a_certificate_only_the_machine_itself_may_be_named() {
        let allowed = AllowedHosts::new([""; 0], []);
        assert!(allowed.allows(&host("LocalHost")));
        assert!(!allowed.allows(&host("a.localhost")));
    }
}
