//! One client's connection: its socket, its TLS, its thread. It must not know what clients may do; that is
//! `parlor-core`'s part.

mod arrival;
mod connection;
mod goodbye;
mod handshake;
mod nonblocking;
mod socket;
mod thread;
mod tls;
mod turn;
mod wire;

pub(crate) use arrival::Entry;
pub(crate) use thread::{Service, spawn};
