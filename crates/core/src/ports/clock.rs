//! The port of time.

use std::time::Duration;

use parlor_proto::Timestamp;

/// Returns the time. Never blocks.
pub trait Clock: Send + Sync {
    /// The wall-clock time, for users to see. It may jump.
    fn now(&self) -> Timestamp;

    /// Time since a fixed moment of this process. It never goes backwards.
    fn elapsed(&self) -> Duration;
}
