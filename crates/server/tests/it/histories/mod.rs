//! Histories: many clients do as a seed says while servers and Redis fail as the seed says, everything is recorded,
//! and the promises of the protocol are checked over the record. It must not know how the servers keep them.
//!
//! Seeds by hand, each printed as it runs, with a record of every broken one in a file:
//!
//! ```sh
//! PARLOR_SEEDS=1..20 PARLOR_FAULTS=kill,hole PARLOR_LENGTH=30 cargo test -p parlor --test it seeds_by_hand -- --ignored --nocapture
//! ```

mod actor;
mod board;
mod by_hand;
mod checks;
mod conduct;
mod dice;
mod link;
mod logs;
mod nemesis;
mod plan;
mod record;
mod report;
mod run;
mod world;

use std::time::Duration;

use crate::harness::heavy;

use plan::{Kind, Plan};

#[test]
fn one_server_keeps_its_promises_when_it_is_killed_and_frozen() {
    let _heavy = heavy();
    run::judge(&Plan::of(1, 1, &Kind::SERVER, Duration::from_secs(8)), run::Keeper::Itself);
}
