//! Names of a certificate. It must not resolve any of them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use rustls::pki_types::DnsName;
use serde::{Deserialize, Serialize};

/// A DNS name, optionally with the prefix `*.`, or an IP address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) enum TlsName {
    /// In lower case.
    Dns(String),
    /// Version 4 or 6.
    Ip(IpAddr),
}

impl TlsName {
    /// Returns the names under which programs on this machine can reach every server: localhost, both loopback
    /// addresses and the host name, if it is a DNS name.
    pub(crate) fn of_machine() -> Vec<Self> {
        let host = rustix::system::uname().nodename().to_str().ok().and_then(|name| name.parse().ok());
        let localhost = Self::Dns("localhost".into());
        let loopback = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])].map(Self::Ip);
        [localhost]
            .into_iter()
            .chain(loopback)
            .chain(host.filter(|name| *name != Self::Dns("localhost".into())))
            .collect()
    }

    /// The name of a certificate by which other machines reach a server: one of those that were asked for, else the address of
    /// the listener, else any that is of this server alone.
    pub(crate) fn public(names: &[Self], asked: &[Self], listener: Option<IpAddr>) -> Option<Self> {
        let machine = Self::of_machine();
        let given = asked.iter().find(|name| names.contains(name) && name.is_one_host());
        let bound = listener.map(Self::Ip).filter(|name| names.contains(name));
        let other = names.iter().find(|name| !machine.contains(name) && name.is_one_host());
        given.or(bound.as_ref()).or(other).cloned()
    }

    /// Whether the name is one of a single host that others can reach.
    fn is_one_host(&self) -> bool {
        match self {
            Self::Dns(name) => !name.starts_with("*.") && name != "localhost",
            Self::Ip(address) => !address.is_loopback(),
        }
    }

    /// The name as it stands before a port.
    pub(crate) fn in_url(&self) -> String {
        match self {
            Self::Ip(IpAddr::V6(address)) => format!("[{address}]"),
            name => name.to_string(),
        }
    }
}

impl fmt::Display for TlsName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => out.pad(name),
            Self::Ip(address) => address.fmt(out),
        }
    }
}

impl From<TlsName> for String {
    fn from(name: TlsName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for TlsName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for TlsName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        match DnsName::try_from(text.strip_prefix("*.").unwrap_or(text)) {
            Ok(_) => Ok(Self::Dns(text.to_ascii_lowercase())),
            Err(_) => Err("expected a DNS name or an IP address".into()),
        }
    }
}
