//! What `parlor torture` does: many clients drive servers over verified TLS while faults are done to the servers and
//! their store, both from a seed; everything that the clients heard is recorded, and compared with what
//! docs/protocol.md promises. It must not know how the servers keep their promises: it sees them from outside only.
//!
//! A run is made of rounds on the same servers. In each, clients ([`cast`], [`actor`], [`conduct`]) do as the seed says
//! over connections that are recorded ([`link`], [`record`]), while the faults of the [`plan`] are carried out
//! ([`nemesis`], [`world`], [`storm`]) and the servers are watched ([`watch`]). Then the record is judged ([`checks`])
//! and counted ([`tally`]), and in the end the [`promises`] make a [`page`].

#![allow(rustdoc::private_intra_doc_links, reason = "the way through the crate is for those who work on it")]

mod accounts;
mod actor;
mod board;
mod cast;
mod checks;
mod conduct;
mod config;
mod dice;
mod dump;
mod failure;
mod link;
mod logs;
mod nemesis;
mod page;
mod plan;
mod promises;
mod record;
mod report;
mod round;
mod run;
mod server;
mod storm;
mod tally;
mod watch;
mod wire;
mod world;

pub use config::{Config, Place, Store};
pub use failure::Failure;
pub use page::{BrokenRound, Counts, Line, Outcome};
pub use plan::{KINDS, Kind};
pub use record::Usage;
pub use run::run;
pub use server::{Launch, PLANTED_BUG, Server};
pub use wire::{Polled, Trust, Wire};
