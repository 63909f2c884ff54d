//! Addresses to which a server posts by HTTP. It must not resolve names, nor judge who may be posted to.

use core::net::{IpAddr, Ipv6Addr};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest address, in bytes.
pub const ENDPOINT_MAX_BYTES: usize = 1024;

/// Longest name of a host, in bytes.
const HOST_MAX_BYTES: usize = 253;

/// An `http` or `https` address with a host, and perhaps a port, a path and a query: without credentials and without a fragment.
/// Scheme and host are in lower case. A path can be a secret of the receiver, so it is not printed for debugging.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint {
    /// All of it.
    url: String,
    is_encrypted: bool,
    /// A name or an address, without brackets.
    host: String,
    port: u16,
    /// Where the path begins in `url`.
    path: usize,
}

/// The text is no [`Endpoint`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointError;

impl fmt::Display for EndpointError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(Endpoint::SYNTAX)
    }
}

impl std::error::Error for EndpointError {}

impl Endpoint {
    /// What an address looks like.
    pub(crate) const SYNTAX: &str = "An address is https://host[:port][/path], or http, without a user and without #";

    /// All of it.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Whether it is `https`.
    pub fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// The name or the address of the host, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The host, if it is an address.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Host and port as they are written: what `Host` says in a request.
    pub fn authority(&self) -> &str {
        self.url[..self.path].split_once("://").map_or("", |(_, authority)| authority)
    }

    /// Path and query: what a request asks for.
    pub fn target(&self) -> &str {
        &self.url[self.path..]
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !br##""#<>\^`{|}"##.contains(&byte);
        if text.len() > ENDPOINT_MAX_BYTES || !text.bytes().all(is_plain) {
            return Err(EndpointError);
        }
        let (scheme, rest) = text.split_once("://").ok_or(EndpointError)?;
        let (scheme, is_encrypted) = match scheme.to_ascii_lowercase().as_str() {
            "https" => ("https", true),
            "http" => ("http", false),
            _ => return Err(EndpointError),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if target.starts_with('?') {
            return Err(EndpointError);
        }
        let authority = authority.to_ascii_lowercase();
        let (host, port) = split_authority(&authority).ok_or(EndpointError)?;
        let port = port.unwrap_or(if is_encrypted { 443 } else { 80 });
        let start = format!("{scheme}://{authority}");
        let (path, target) = (start.len(), if target.is_empty() { "/" } else { target });
        Ok(Self { url: start + target, is_encrypted, host: host.to_owned(), port, path })
    }
}

/// Host, and port if there is one.
fn split_authority(authority: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        return Some((host, read_port(rest)?));
    }
    let (host, rest) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
    let is_label = |label: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.bytes().all(is_letter)
    };
    let is_host = host.len() <= HOST_MAX_BYTES && host.split('.').all(is_label);
    is_host.then_some((host, read_port(rest)?))
}

/// Reads nothing, or a colon and a port.
fn read_port(text: &str) -> Option<Option<u16>> {
    if text.is_empty() {
        return Some(None);
    }
    let digits = text.strip_prefix(':').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|port| *port > 0).map(Some)
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.url)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Endpoint({}/…)", &self.url[..self.path])
    }
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;

    fn try_from(text: String) -> Result<Self, EndpointError> {
        text.parse()
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> String {
        endpoint.url
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Endpoint {
        text.parse().unwrap_or_else(|_| panic!("{text} was refused"))
    }

    #[test]
    fn an_address_has_scheme_host_port_and_path() {
        let endpoint = read("HTTPS://Bot.Example.org:8443/Hook/a?b=C");
        assert_eq!(endpoint.as_str(), "https://bot.example.org:8443/Hook/a?b=C");
        assert!(endpoint.is_encrypted() && endpoint.address().is_none());
        assert_eq!((endpoint.host(), endpoint.port()), ("bot.example.org", 8443));
        assert_eq!((endpoint.authority(), endpoint.target()), ("bot.example.org:8443", "/Hook/a?b=C"));
        let endpoint = read("http://[::1]");
        assert_eq!((endpoint.host(), endpoint.port(), endpoint.target()), ("::1", 80, "/"));
        assert_eq!((endpoint.as_str(), endpoint.authority()), ("http://[::1]/", "[::1]"));
        assert_eq!(endpoint.address(), Some(IpAddr::V6(Ipv6Addr::LOCALHOST)));
        assert_eq!(read("https://example.org/").port(), 443);
    }

    #[test]
    fn whatever_could_be_read_in_two_ways_is_refused() {
        for text in [
            "",
            "example.org/hook",
            "ftp://example.org/",
            "file:///etc/passwd",
            "gopher://example.org/",
            "https:example.org",
            "https://",
            "https:///path",
            "https://user@example.org/",
            "https://user:password@example.org/",
            "https://example.org@127.0.0.1/",
            "https://example.org#@127.0.0.1/",
            "https://example.org/a#b",
            "https://example.org\\@127.0.0.1/",
            "https://example.org:0/",
            "https://example.org:65536/",
            "https://example.org:+80/",
            "https://example.org:80:80/",
            "https://example.org?a=b",
            "https://example..org/",
            "https://example.org./",
            "https://[::1/",
            "https://[::1]x/",
            "https://[fe80::1%25eth0]/",
            "https://[127.0.0.1]/",
            "https://exämple.org/",
            "https://example.org/ä",
            "https://example.org/a b",
            "https://example.org/\r\nX:y",
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(EndpointError), "{text}");
        }
        assert!(format!("https://example.org/{}", "a".repeat(ENDPOINT_MAX_BYTES)).parse::<Endpoint>().is_err());
    }

    #[test]
    fn addresses_and_hosts_are_bounded() {
        let of_size = |bytes: usize| format!("https://example.org/{}", "a".repeat(bytes - 20));
        assert_eq!(read(&of_size(ENDPOINT_MAX_BYTES)).as_str().len(), 1024);
        assert!(of_size(ENDPOINT_MAX_BYTES + 1).parse::<Endpoint>().is_err());
        let host = |bytes: usize| format!("http://{}/", "a".repeat(bytes));
        assert_eq!(read(&host(HOST_MAX_BYTES)).host().len(), 253);
        assert!(host(HOST_MAX_BYTES + 1).parse::<Endpoint>().is_err());
        assert_eq!(read("http://example.org:65535").port(), 65_535);
    }

    #[test]
    fn an_address_that_was_stored_is_checked_again() {
        let endpoint = read("https://[2001:DB8::1]:8443/a");
        assert_eq!((endpoint.host(), endpoint.port()), ("2001:db8::1", 8443));
        let stored = serde_json::to_string(&endpoint).unwrap();
        assert_eq!(serde_json::from_str::<Endpoint>(&stored).unwrap(), endpoint);
        assert!(serde_json::from_str::<Endpoint>(r#""https://user@example.org/""#).is_err());
    }

    #[test]
    fn the_path_is_not_printed_for_debugging() {
        let shown = format!("{:?}", read("https://example.org/services/secret"));
        assert_eq!(shown, "Endpoint(https://example.org/…)");
    }

    #[test]
    fn no_character_that_a_browser_would_escape_stands_in_an_address() {
        for character in ['"', '<', '>', '^', '`', '{', '|', '}', '\\', '\u{7f}', '\t', '\u{a0}'] {
            for text in [format!("https://example.org/a{character}"), format!("https://exa{character}mple.org/")] {
                assert_eq!(text.parse::<Endpoint>(), Err(EndpointError), "{text:?}");
            }
        }
        assert_eq!(read("https://example.org/-._~!$&'()*+,;=:@%2f?a=/b?c").target(), "/-._~!$&'()*+,;=:@%2f?a=/b?c");
    }

    #[test]
    fn a_host_may_be_an_address_of_either_kind() {
        let address = |text: &str| read(text).address().map(|address| address.to_string());
        assert_eq!(address("http://192.0.2.7:8080/a").as_deref(), Some("192.0.2.7"));
        assert_eq!(address("http://[2001:DB8:0::1]/").as_deref(), Some("2001:db8::1"));
        assert_eq!(address("http://192.0.2.7.example.org/"), None);
        assert_eq!(read("http://my_host-1:80").authority(), "my_host-1:80");
    }

    #[test]
    fn a_wrong_address_is_explained_without_repeating_it() {
        let error = "https://user:hunter2@example.org/".parse::<Endpoint>().unwrap_err();
        assert_eq!(error.to_string(), Endpoint::SYNTAX);
        let stored = serde_json::from_str::<Endpoint>(r#""https://user:hunter2@example.org/""#).unwrap_err();
        assert!(stored.to_string().contains(Endpoint::SYNTAX) && !stored.to_string().contains("hunter2"));
    }

    proptest! {
        #[test]
        fn an_address_is_made_of_its_parts(
            is_encrypted in any::<bool>(),
            host in "[A-Za-z0-9_-]{1,9}(\\.[A-Za-z0-9-]{1,5}){0,2}",
            port in prop::option::of(prop_oneof![Just(80), Just(443), 1..=u16::MAX]),
            target in "(/[A-Za-z0-9?=%._~!$&'()*+,;:@/-]{0,20})?",
        ) {
            let (scheme, default) = if is_encrypted { ("HTTPS", 443) } else { ("Http", 80) };
            let authority = host.clone() + &port.map(|port| format!(":{port}")).unwrap_or_default();
            let endpoint = read(&format!("{scheme}://{authority}{target}"));
            let host = host.to_ascii_lowercase();
            prop_assert_eq!((endpoint.host(), endpoint.port()), (host.as_str(), port.unwrap_or(default)));
            prop_assert_eq!(endpoint.is_encrypted(), is_encrypted);
            let target = if target.is_empty() { "/" } else { target.as_str() };
            prop_assert_eq!(endpoint.target(), target);
            let scheme = scheme.to_ascii_lowercase();
            let written = format!("{scheme}://{}{target}", authority.to_ascii_lowercase());
            prop_assert_eq!(endpoint.as_str(), written.as_str());
            prop_assert_eq!(read(&written), endpoint);
        }

        #[test]
        fn any_text_is_an_address_of_its_parts_or_refused(text in "(https?://)?[a-c0-9.:/?@#\\[\\]%é-]{0,16}") {
            if let Ok(endpoint) = text.parse::<Endpoint>() {
                let (authority, target) = (endpoint.authority(), endpoint.target());
                prop_assert!(!authority.contains(['@', '/', '?', '#']) && !endpoint.host().is_empty(), "{:?}", text);
                prop_assert!(target.starts_with('/') && !target.contains('#') && endpoint.port() > 0, "{:?}", text);
                prop_assert_eq!(read(endpoint.as_str()), endpoint.clone());
            }
        }
    }
}
