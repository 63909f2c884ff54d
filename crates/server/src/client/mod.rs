//! One client's connection: its socket, its TLS, its thread. It must not know what clients may do; that is
//! `parlor-core`'s part.

mod arrival;
mod connection;
mod crew;
mod goodbye;
mod handshake;
mod nonblocking;
mod socket;
mod thread;
mod tls;
mod transport;
mod turn;

pub(crate) use arrival::Entry;
pub(crate) use crew::Crew;
pub(crate) use thread::{Service, spawn};
