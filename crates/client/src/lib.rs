//! Connection library and terminal client of Parlor: verified TLS, login, events in, lines out, all of it
//! blocking. The feature `terminal` adds `parlor connect`, with the libraries for terminals. This crate must not know the
//! server's crates, and it has no way to skip the verification of a server.
//!
//! ```no_run
//! use parlor_client::{Connector, Credentials, Entry, Incoming, Trust};
//! use parlor_proto::Password;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let trust = Trust::Ca("ca.pem".into());
//! let connector = Connector::new("localhost:7878".parse()?, &trust)?;
//! let credentials = Credentials { user: "bot".parse()?, password: Password::new("correct horse")? };
//! let mut session = connector.open()?.log_in(Entry::Login, &credentials)?;
//! session.sender.send_line("hello")?;
//! while let Incoming::Event { event, .. } = session.events.next()? {
//!     println!("{event:?}");
//! }
//! # Ok(())
//! # }
//! ```

mod address;
mod connection;
mod connector;
mod error;
mod events;
mod link;
mod pin;
mod session;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod trust;

#[cfg(feature = "terminal")]
pub mod connect;

pub use address::{Address, AddressError};
pub use connection::{LineSender, UnauthenticatedConnection};
pub use connector::{Connector, Timeouts};
pub use error::{CertificateFault, ConnectError, LoginError, Lost, TrustError, Untrusted};
pub use events::{Events, Incoming, UnknownEvent};
pub use link::{InvitationLink, LinkError};
pub use parlor_proto::Credentials;
pub use pin::{Pin, PinError};
pub use session::{Entry, Session};
pub use trust::Trust;

/// Locks `mutex`. A thread that panics while it holds the lock leaves no half-done state that others rely on: every
/// critical section of this crate is a single step of its own state machine.
fn lock<T: ?Sized>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A number that outsiders cannot predict. It is good enough to spread load and to tell tokens apart.
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}
