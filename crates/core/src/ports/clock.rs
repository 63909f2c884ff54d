//! The port of time.

use std::time::Duration;

use parlor_proto::Timestamp;

/// Tells the time. Never blocks.
pub trait Clock: Send + Sync {
    /// The moment now, for people. It may jump.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment of this process. It never goes back.
    fn elapsed(&self) -> Duration;
}
