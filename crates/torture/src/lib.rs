//! What `parlor torture` does: many clients drive servers over verified TLS while faults are done to the servers and
//! their store, both from a seed; everything that the clients heard is recorded, and compared with what
//! docs/protocol.md promises. It must not know how the servers keep their promises: it sees them from outside only.
//!
//! A run is made of rounds on the same servers. In each, clients ([`clients`], [`client`], [`workload`]) do as the seed says
//! over connections that are recorded ([`recorded_connection`], [`record`]), while the faults of the [`plan`] are carried out
//! ([`nemesis`], [`deployment`], [`rst_storm`]) and the servers are watched ([`monitor`]). Then the record is judged ([`checks`])
//! and counted ([`statistics`]), and in the end the [`promises`] make a [`summary`].

#![allow(rustdoc::private_intra_doc_links, reason = "the way through the crate is for those who work on it")]

mod accounts;
mod checks;
mod client;
mod clients;
mod config;
mod coordinator;
mod deployment;
mod dump;
mod logs;
mod monitor;
mod nemesis;
mod plan;
mod promises;
mod record;
mod recorded_connection;
mod report;
mod rng;
mod round;
mod rst_storm;
mod run;
mod statistics;
mod summary;
mod workload;

pub use config::{Config, Store, Target};
pub use plan::{FAULT_KINDS, FaultKind};
pub use record::Usage;
pub use run::run;
pub use summary::{BrokenRound, Counts, Line, RunSummary};
