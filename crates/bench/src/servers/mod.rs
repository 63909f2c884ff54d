//! The servers that are measured: Parlor, started here or elsewhere, and the bare servers beside it. It must not
//! measure.

pub(crate) mod accounts;
pub(crate) mod baseline;
pub(crate) mod dialect;
pub(crate) mod parlor;

use std::env;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};

use accounts::Accounts;
use dialect::Dialect;
use parlor::{Server, trust};

/// Connections that a server allows beyond the planned ones.
const SPARE: usize = 64;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ServerKind {
    /// Encrypts and sends each message for each member, on one thread, and does nothing else
    Bare,
    /// The same, but what waits for a member together goes into one record and one send
    BareCoalesced,
    /// Parlor
    Parlor,
}

impl fmt::Display for ServerKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Bare => "bare",
            Self::BareCoalesced => "bare-coalesced",
            Self::Parlor => "parlor",
        })
    }
}

/// Which Parlor is measured. Without these, one is started for each measurement.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Running {
    /// A server that runs already, in place of one that is started
    #[arg(long, value_name = "ADDR:PORT", requires = "ca")]
    server: Option<SocketAddr>,
    /// PEM file by which that server is verified
    #[arg(long, value_name = "FILE", requires = "server")]
    ca: Option<PathBuf>,
    /// Its process id; without it no processor time and no memory is measured
    #[arg(long, requires = "server")]
    pid: Option<u32>,
    /// Its data directory, in which accounts are made and deleted again; without it by REGISTER, and they stay
    #[arg(long, value_name = "DIR", requires = "server")]
    data: Option<PathBuf>,
}

/// A server to measure, and what its clients need.
#[derive(Debug)]
pub(crate) struct Target {
    /// Its listen address.
    pub(crate) address: SocketAddr,
    /// How clients talk to it.
    pub(crate) dialect: Dialect,
    /// How clients verify it.
    pub(crate) config: Arc<ClientConfig>,
    /// Its process id, if it is known.
    pub(crate) pid: Option<u32>,
    /// How to create accounts.
    pub(crate) accounts: Accounts,
    /// The process ends when this is dropped.
    _process: Option<Server>,
}

impl Target {
    /// A server that runs at least as long as the measurement, with separate accounts. Its clients talk text lines.
    pub(crate) fn of(server: &Server) -> Self {
        let (address, config, pid) = (server.address(), server.config().clone(), Some(server.pid()));
        Self { address, dialect: Dialect::Text, config, pid, accounts: Accounts::registered(), _process: None }
    }

    /// Starts a server that allows this many connections, or uses the one that already runs.
    pub(crate) fn open(contestant: ServerKind, running: &Running, parlor: &Path, connections: usize) -> Result<Self> {
        if let (ServerKind::Parlor, Some(address), Some(ca)) = (contestant, running.server, &running.ca) {
            ensure!(address.ip().is_loopback(), "{address} is not on this machine: sender and hearer share its clock");
            let accounts = match &running.data {
                Some(data) => Accounts::added(parlor, data),
                None => Accounts::registered(),
            };
            let (dialect, config) = (Dialect::Text, trust(ca)?);
            return Ok(Self { address, dialect, config, pid: running.pid, accounts, _process: None });
        }
        let this = env::current_exe().context("where this program is")?;
        let connections = (connections + SPARE).to_string();
        let process = match contestant {
            ServerKind::Bare => Server::spawn(&this, &["bare"])?,
            ServerKind::BareCoalesced => Server::spawn(&this, &["bare", "--coalesce"])?,
            ServerKind::Parlor => Server::start(parlor, None, &["--max-connections", &connections])?,
        };
        Ok(Self {
            address: process.address(),
            dialect: Dialect::Text,
            config: process.config().clone(),
            pid: Some(process.pid()),
            accounts: Accounts::registered(),
            _process: Some(process),
        })
    }

    /// The same server for clients that talk in this way. Only Parlor knows others than text lines.
    pub(crate) fn speaking(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        if dialect == Dialect::Web {
            Arc::make_mut(&mut self.config).alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        self
    }
}
