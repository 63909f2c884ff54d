//! What the rules ask of the outside, as traits, and what the outside tells the rules ([`Sink`]). Nothing
//! here may know how a port is implemented, nor that there is more than one way.

mod accounts;
mod attempts;
mod bus;
mod clock;
mod error;
mod follows;
mod log;
mod observer;
mod passwords;
mod rooms;
mod sessions;
mod sink;
mod wire;

pub use accounts::{Account, Accounts, PasswordHash, Role};
pub use attempts::{Admission, Attempt, Attempts};
pub use bus::{Bus, Direct};
pub use clock::Clock;
pub use error::{StoreError, StoreResult};
pub use follows::Follows;
pub use log::{Append, AppendReport, Appended, Entry, Head, Log, LogId};
pub use observer::Observer;
pub use passwords::{Passwords, Verdict};
pub use rooms::{Entered, Rooms, Seat};
pub use sessions::{Claim, Claimed, Sessions, TakeoverLimit, Waited};
pub use sink::{Change, Presence, Sink};
pub use wire::{Couriers, Wire};

/// Everything that one backend keeps.
pub trait Store: Accounts + Follows + Sessions + Rooms + Log + Bus + Attempts {}

impl<T: Accounts + Follows + Sessions + Rooms + Log + Bus + Attempts> Store for T {}
