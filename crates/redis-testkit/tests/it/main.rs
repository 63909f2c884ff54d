//! The testkit itself, against real processes. It must not need anything of Parlor.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod client;
mod cluster;
mod proxy;
mod sentinel;
mod server;
