//! The Redis store as its ports show it, while Redis or the way to it fails: several servers on real Redis processes.
//! What every store promises stands in `tests/contract`. It must not look into the store, except for what an operator
//! can see in Redis.
#![cfg(feature = "redis")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod accounts;
mod acl;
mod appends;
mod attempts;
mod bench;
mod cluster;
mod deaf;
mod delivery;
mod ear;
mod emptied;
mod lapse;
mod leftovers;
mod missing;
mod sentinel;
mod sessions;
mod speech;
mod start;
