//! The address of a server: host and port as users type them. It must not resolve names.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use parlor_proto::DEFAULT_PORT;
use rustls::pki_types::ServerName;

/// Host and port of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    name: ServerName<'static>,
    port: u16,
}

/// The text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The part before the port is neither a name nor an IP address.
    #[error("no host name or IP address; an address is HOST, HOST:PORT or [IPV6]:PORT")]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("the port is a number from 1 to 65535")]
    Port,
    /// The IPv6 address has no brackets, so the start of the port is ambiguous.
    #[error("an IPv6 address stands in brackets, as in [::1]:7878")]
    Brackets,
    /// A URL, such as a browser shows.
    #[error("a URL is no address; give HOST or HOST:PORT, without https:// and without a path")]
    Url,
}

impl Address {
    /// The host in the form that certificates use.
    pub fn server_name(&self) -> &ServerName<'static> {
        &self.name
    }

    /// The host, without brackets; an IPv6 address in its shortest form.
    pub fn host(&self) -> String {
        match &self.name {
            // The TLS library writes ::1 as 0::1.
            ServerName::IpAddress(address) => IpAddr::from(*address).to_string(),
            name => name.to_str().into_owned(),
        }
    }

    /// The port, never 0.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the host names this machine without any lookup: 127.0.0.0/8, ::1 or localhost.
    pub fn is_loopback(&self) -> bool {
        match &self.name {
            ServerName::IpAddress(address) => IpAddr::from(*address).is_loopback(),
            name => name.to_str().eq_ignore_ascii_case("localhost"),
        }
    }
}

impl Default for Address {
    fn default() -> Self {
        Self { name: ServerName::from(IpAddr::from([127, 0, 0, 1])), port: DEFAULT_PORT }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Reads an address as people type or paste it, spaces around it included.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.contains("://") {
            return Err(AddressError::Url);
        }
        if let Some(bracketed) = text.strip_prefix('[') {
            let (host, port) = bracketed.split_once(']').ok_or(AddressError::Brackets)?;
            let host: Ipv6Addr = host.parse().map_err(|_| AddressError::Host)?;
            return Ok(Self { name: ServerName::from(IpAddr::from(host)), port: port_after(port)? });
        }
        let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
        if text.parse::<Ipv6Addr>().is_ok() || port.matches(':').count() > 1 && !is_name(host) {
            return Err(AddressError::Brackets);
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|_| AddressError::Host)?;
        Ok(Self { name, port: port_after(port)? })
    }
}

/// Whether something is the name of a host that cannot be the beginning of an IPv6 address.
fn is_name(host: &str) -> bool {
    host.chars().any(|letter| !letter.is_ascii_hexdigit())
}

/// The port in what follows the host: `:PORT` or nothing.
fn port_after(text: &str) -> Result<u16, AddressError> {
    let Some(digits) = text.strip_prefix(':') else {
        return if text.is_empty() { Ok(DEFAULT_PORT) } else { Err(AddressError::Port) };
    };
    digits.parse().ok().filter(|&port| port != 0).ok_or(AddressError::Port)
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host();
        if host.contains(':') { write!(out, "[{host}]:{}", self.port) } else { write!(out, "{host}:{}", self.port) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port() {
        let cases = [
            ("chat.example", "chat.example:7878"),
            ("chat.example:1", "chat.example:1"),
            ("10.0.0.1", "10.0.0.1:7878"),
            ("10.0.0.1:443", "10.0.0.1:443"),
            ("[::1]", "[::1]:7878"),
            ("[0:0:0:0:0:0:0:1]:1", "[::1]:1"),
            (" chat.example:1 ", "chat.example:1"),
            ("\t[::1]:1\n", "[::1]:1"),
            ("[2001:db8::7]:65535", "[2001:db8::7]:65535"),
        ];
        for (typed, meant) in cases {
            assert_eq!(typed.parse::<Address>().unwrap().to_string(), meant);
        }
        assert_eq!(Address::default().to_string(), "127.0.0.1:7878");
    }

    #[test]
    fn what_is_no_address() {
        let cases = [
            ("", AddressError::Host),
            (":7878", AddressError::Host),
            ("a b", AddressError::Host),
            ("[chat.example]:1", AddressError::Host),
            ("::1", AddressError::Brackets),
            ("[::1", AddressError::Brackets),
            ("2001:db8::7", AddressError::Brackets),
            ("fe80:1:7878", AddressError::Brackets),
            ("https://host:7878/", AddressError::Url),
            (" parlor://host", AddressError::Url),
            ("host:7878:1", AddressError::Port),
            ("host:7878/", AddressError::Port),
            ("host/", AddressError::Host),
            ("host:", AddressError::Port),
            ("host:0", AddressError::Port),
            ("host:65536", AddressError::Port),
            ("host:http", AddressError::Port),
            ("[::1]7878", AddressError::Port),
        ];
        for (typed, fault) in cases {
            assert_eq!(typed.parse::<Address>(), Err(fault), "{typed}");
        }
    }

    #[test]
    fn which_hosts_are_this_machine() {
        for (host, expected) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("[::1]", true),
            ("LocalHost", true),
            ("10.0.0.1", false),
            ("localhost.example", false),
        ] {
            assert_eq!(host.parse::<Address>().unwrap().is_loopback(), expected, "{host}");
        }
    }
}
