//! A whole Parlor in one process, for tests of the rules: the memory store, a clock that tests set, passwords without a
//! hashing cost, and clients without sockets. It must not be part of the program. The interface of [`World`] uses only
//! texts and numbers, so that tests inside `parlor-core` can use it as well.
//!
//! ```
//! let world = parlor_testkit::World::new();
//! let (ann, bob) = (world.login("ann"), world.login("bob"));
//! bob.send("/join red");
//! ann.send("/join red");
//! bob.send("hello");
//! assert_eq!(ann.read(), ["JOIN lobby bob", "PART lobby bob", "OK join red 2", "MSG red bob hello"]);
//! ```

mod builder;
mod connection;
mod fakes;
mod intercept;
mod lossy_sink;
mod people;
mod recording_sink;
mod transport;
mod world;

pub use builder::Builder;
pub use connection::Connection;
pub use people::{entrant, person};
pub use recording_sink::{NoopSink, RecordingSink, Reported};
pub use world::{World, login_line, password_of};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex` even if a test's thread panicked while it held it: the first panic is the one to show.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
