//! The rules of Parlor: sessions, rooms, follows, the policy of duplicate logins, ordered delivery into
//! outboxes, and the ports through which these rules ask for accounts, logs and clocks. This crate must not
//! know of sockets, TLS, SQL, Redis or the wall clock.

mod actions;
mod batch;
mod channel;
mod client;
mod command_processor;
mod effects;
mod hub;
mod listener;
mod login_backoff;
#[cfg(shuttle)]
#[cfg(test)]
mod model;
mod outbox;
mod peer;
pub mod planted;
mod policy;
pub mod ports;
mod rate_limit;
mod services;
mod session;
mod sync;

pub use channel::{Flush, Pass};
pub use client::{Client, Flow};
pub use hub::Hub;
pub use login_backoff::LoginBackoff;
pub use outbox::{Awaited, Outbox, Pushed, Settled, Taken};
pub use peer::{ConnectionId, Origin, Peer};
pub use policy::{DuplicateLogin, LineRate, Policy};
pub use services::Services;
