//! How commands speak to a server that runs: one JSON line each way over a socket in its data directory. It must not be
//! reached by other users of the machine.

mod client;
mod entrance;
mod server;
mod sessions;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use client::{HandedOver, ask, hand_over};
pub(crate) use entrance::Entrance;
pub(crate) use server::{ControlSocket, Controls};
pub(crate) use sessions::{ListedSession, SessionList};

/// Name of the socket within the data directory.
pub(crate) const SOCKET: &str = "control.sock";

/// What a command wants of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case")]
pub(crate) enum Order {
    /// List the sessions.
    Sessions,
    /// Say how people reach the server.
    Entrance,
    /// Log what passes this filter from now on.
    LogLevel {
        /// As in `--log`.
        filter: String,
    },
    /// Send all clients away, and end.
    Drain {
        /// The time over which the goodbyes are spread.
        over: Duration,
    },
    /// Send all clients away, close the database, answer, and wait on this connection for a [`Word`]. If it ends without one, go
    /// on as before.
    HandOver,
}

/// What a command says to a server that has handed its database over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Word {
    /// Everything is in a Redis now: serve there.
    Moved {
        /// Its address, which may have a password.
        redis: String,
        /// The authority of its certificate.
        ca: Option<PathBuf>,
    },
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// It is done, or has begun.
    Done,
    /// The sessions, by their users.
    Sessions(Vec<ListedSession>),
    /// How people reach the server.
    Entrance(Entrance),
    /// Why it is not done, for people.
    Refused(String),
}
