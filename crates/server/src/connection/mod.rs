//! One client's connection: its socket, its TLS, its thread. It must not know what clients may do; `parlor-core` does.

mod accepted;
mod graceful_close;
mod handover;
mod handshake;
mod http;
mod lifetime;
mod service;
mod silence;
mod socket;
mod stream;
mod thread;
mod thread_pool;
mod tls_session;
mod transport;
mod websocket;

pub(crate) use accepted::Admitted;
pub(crate) use service::Service;
pub(crate) use thread::{Door, spawn};
pub(crate) use thread_pool::ThreadPool;
