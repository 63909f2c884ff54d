//! The session protocol of the Redis backend (claim, takeover, lease, fences, reaping) under a model checker, which
//! tries every order of events within the bounds of a scenario. It must not use the code of the store: it checks the
//! design that the scripts and their callers follow.
//!
//! `full_design.rs` has the scenarios in which the design holds. `ablation.rs` leaves out one part after the other and
//! shows that the checker finds the failure without it.

mod ablation;
mod command;
mod connection;
mod design;
mod full_design;
mod keyspace;
mod leftover;
mod model;
mod properties;
mod reaper;
mod recovery;
mod state;
mod transitions;

use design::{Guest, Scenario};

/// Two logins of the user on two servers.
fn two() -> Scenario {
    Scenario::of([Guest::on(0), Guest::on(1)])
}

/// One login of the user, with a second server.
fn one() -> Scenario {
    Scenario::of([Guest::on(0)])
}
