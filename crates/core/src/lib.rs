//! The rules of Parlor: sessions, rooms, follows, the policy of duplicate logins, ordered delivery into outboxes, and
//! the ports through which these rules ask for accounts, logs and clocks. This crate must not know sockets, TLS, SQL,
//! Redis or the wall clock.

mod connection;
mod delivery;
mod hooks;
mod limits;
mod login;
mod outhooks;
pub mod planted;
pub mod ports;
pub mod rights;
mod services;
#[cfg(shuttle)]
#[cfg(test)]
mod shuttle_tests;
mod sync;

pub use connection::driver::{ConnectionDriver, Flow};
pub use delivery::counters::Deliveries;
pub use delivery::drain::Departures;
pub use delivery::flush::{Flush, FlushToken};
pub use delivery::hub::Hub;
pub use delivery::outbox::{Awaited, Outbox, Pushed, Settled, Taken};
pub use delivery::peer::{ConnectionId, Origin, Peer};
pub use hooks::HookError;
pub use limits::login_backoff::LoginBackoff;
pub use limits::policy::{DuplicateLogin, LineRate, Policy};
pub use login::{INVITATION_LIFETIME, IssuedTicket, Patience, Visitor, new_invitation, new_ticket};
pub use outhooks::{DuePost, NextPost};
pub use services::Services;
