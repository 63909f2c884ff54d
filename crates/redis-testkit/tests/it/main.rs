//! The testkit itself, against real processes. Nothing of Parlor is needed here.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod client;
mod cluster;
mod proxy;
mod sentinel;
mod server;
