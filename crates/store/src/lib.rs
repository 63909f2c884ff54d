//! Adapters of the ports of `parlor-core`: where accounts, follows, sessions, memberships and logs are kept.
//! This crate must not know of clients, TLS or the process it runs in.

#[cfg(any(feature = "redis", feature = "sqlite"))]
pub mod administration;
#[cfg(feature = "archive")]
pub mod archive;
#[cfg(any(feature = "redis", feature = "sqlite", test))]
mod batches;
#[cfg(any(feature = "redis", feature = "sqlite"))]
mod cutoffs;
#[cfg(any(feature = "redis", feature = "sqlite", test))]
mod group;
pub mod in_process;
pub mod memory;
#[cfg(any(feature = "redis", feature = "sqlite"))]
mod no_sink;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(shuttle)]
#[cfg(test)]
mod shuttle_tests;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod sync;

#[cfg(any(feature = "redis", feature = "sqlite"))]
pub use batches::{BatchStatistics, Histogram};
