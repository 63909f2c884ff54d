//! The implementation of `parlor torture`. Many clients use servers over verified TLS while the run injects faults into
//! the servers and their store. One seed determines both. The run records everything that the clients receive, and
//! compares it with the promises of docs/protocol.md. It must not know how the servers keep their promises: it sees
//! them from outside only.
//!
//! A run consists of rounds on the same servers. In each round, clients ([`clients`], [`client`], [`workload`]) act by
//! the seed over recorded connections ([`recorded_connection`], [`record`]), send again what is not answered ([`owed`]), and
//! in the end read everything ([`reading`]). Meanwhile the run executes the faults of
//! the [`plan`] ([`nemesis`], [`deployment`], [`rst_storm`]) and watches the servers ([`monitor`]). Then it checks
//! ([`checks`]) and counts ([`statistics`]) the record. In the end the [`promises`] make a [`summary`].

#![allow(rustdoc::private_intra_doc_links, reason = "the way through the crate is for those who work on it")]

mod accounts;
mod answers;
mod checks;
mod client;
mod clients;
mod config;
mod coordinator;
mod court;
mod deployment;
mod dump;
mod entry;
mod guests;
mod hook_making;
mod hooks;
mod invitations;
mod lines;
mod logs;
mod monitor;
mod nemesis;
mod open_rooms;
mod owed;
mod plan;
mod post;
mod programs;
mod promises;
mod purse;
mod reading;
mod receiver;
mod record;
mod recorded_connection;
mod refuge;
mod report;
mod rng;
mod round;
mod rst_storm;
mod run;
mod statistics;
mod summary;
mod ticket;
mod tickets;
mod workload;

pub use config::{Config, Door, Store, Target};
pub use plan::{FAULT_KINDS, FaultKind};
pub use record::Usage;
pub use run::run;
pub use summary::{BrokenRound, Counts, Line, RunSummary};
