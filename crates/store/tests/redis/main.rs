//! The Redis store through its ports, during faults of Redis or the network: several servers on real Redis processes.
//! The contract of all stores is tested in `tests/contract`. It must not look into the store, except for data that an
//! operator can see in Redis.
#![cfg(feature = "redis")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod accounts;
mod acl;
mod administration;
mod amended;
mod append_under_faults;
mod appends;
mod archive;
mod cluster;
mod data_loss;
mod deferred_cleanup;
mod delivery;
mod departure;
mod directs;
mod first_enter;
mod full;
mod harness;
mod invitations;
mod lease_expiry;
mod login_limiter;
mod lost_subscription;
mod migration;
mod news;
mod once;
mod operators;
mod outhooks;
mod retention;
mod round_trips;
mod scripts;
mod sentinel;
mod sessions;
mod start;
mod tickets;
mod unreachable_nodes;
