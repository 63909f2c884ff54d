//! How people reach a server, as the server itself knows it or its settings say. It must not look whether that is so.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::tls::TlsName;

/// Addresses and names of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entrance {
    /// Addresses on which it listens.
    pub(crate) listen: Vec<SocketAddr>,
    /// Names that its certificate was asked for.
    pub(crate) tls_names: Vec<TlsName>,
    /// PEM file of its certificate.
    pub(crate) certificate: PathBuf,
    /// Whether it has a page.
    pub(crate) has_web: bool,
    /// Names of the page, if a proxy stands in front of it.
    pub(crate) web_hosts: Vec<TlsName>,
}
