//! One client's connection: its socket, its TLS, its thread. It must not know what clients may do; that is
//! `parlor-core`'s part.

mod connection;
mod goodbye;
mod handshake;
mod nonblocking;
mod socket;
mod thread;
mod wire;

pub(crate) use thread::{Service, spawn};
