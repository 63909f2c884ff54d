//! What settings can be, beside plain texts and numbers. It must not read them, nor know what they are for.

use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use parlor_proto::{NameError, UserName};

/// Files that hold the server's certificate and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CertificateFiles {
    /// Files of the operator; the server never writes them.
    Own {
        /// PEM file of the chain, the server's certificate first.
        chain: PathBuf,
        /// PEM file of the private key.
        key: PathBuf,
    },
    /// Files that the server makes in this directory, with a private authority.
    Made {
        /// The TLS directory.
        dir: PathBuf,
    },
}

/// What an accepted message survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Synchronous {
    /// The death of the process.
    Normal,
    /// Also a loss of power.
    Full,
}

/// Whether owners may shorten the time for which messages of their rooms are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoomRetention {
    /// They may.
    On,
    /// Only operators may.
    Off,
}

/// Whether the web door is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WebState {
    /// Browsers find the page.
    On,
    /// Every connection speaks lines.
    Off,
}

/// Whether strangers may create accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Registration {
    /// They may.
    Open,
    /// Only the operator creates accounts.
    Closed,
}

/// More entries than any log has, and few enough for the arithmetic of each store.
const ALL_ENTRIES: u64 = 1 << 52;

/// Reads how many entries are kept.
pub(super) fn history(text: &str) -> Result<u64, String> {
    if text == "all" {
        return Ok(ALL_ENTRIES);
    }
    text.parse().map_err(|_| "expected a number of messages, or all".to_owned())
}

/// A name in the list of reserved ones; nothing if it is empty, so that an empty list can be written in the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReservedName(pub(super) Option<UserName>);

impl FromStr for ReservedName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() { Ok(Self(None)) } else { text.parse().map(Some).map(Self) }
    }
}

/// What a login does to an earlier session of the same user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DuplicateLogin {
    /// The earlier session is ended.
    Takeover,
    /// The login is refused.
    Reject,
}

/// How each event is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// What is logged: text that is checked to be a valid filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogFilter(String);

impl LogFilter {
    /// Returns the filter as the operator wrote it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match tracing_subscriber::EnvFilter::try_new(text) {
            Ok(_) => Ok(Self(text.into())),
            Err(error) => Err(error.to_string()),
        }
    }
}
