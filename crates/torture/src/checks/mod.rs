//! The promises of the protocol. Each is a function from a history to the violations in it. The functions must not know
//! how a run is made, so that tests can pass them histories that are wrong on purpose.

mod direct_messages;
mod ending;
mod feeds;
mod fencing;
mod health;
#[cfg(test)]
pub(crate) mod history_builder;
mod invitations;
mod log_integrity;
mod marks;
mod membership;
mod moderation;
mod orders;
mod outhooks;
mod pages;
mod policy;
mod presence;
mod programs;
mod remembered;
pub(crate) mod resources;
mod rewriting;
mod rooms;
mod stays;
mod terms;
mod tickets;

use std::time::Duration;

use crate::logs::Logs;
use crate::record::History;
use crate::report::Violation;

/// After this much time without any fault, everything that was accepted must have arrived.
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);
/// The time after a fault that still counts as disturbed.
const RECOVERY: Duration = Duration::from_secs(5);

/// All violations, in order of time.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let (logs, mut found) = Logs::gather(history);
    found.extend(rooms::check(history, &logs));
    found.extend(log_integrity::check(history, &logs));
    found.extend(fencing::check(history, &logs));
    found.extend(feeds::check(history, &logs));
    found.extend(direct_messages::check(history, &logs));
    found.extend(pages::check(history, &logs));
    found.extend(marks::check(history, &logs));
    found.extend(moderation::check(history, &logs));
    found.extend(terms::check(history));
    found.extend(rewriting::check(history, &logs));
    found.extend(remembered::check(history, &logs));
    found.extend(presence::check(history));
    found.extend(membership::check(history));
    found.extend(ending::check(history));
    found.extend(policy::check(history));
    found.extend(tickets::check(history));
    found.extend(invitations::check(history));
    found.extend(programs::check(history, &logs));
    found.extend(outhooks::check(history, &logs));
    found.extend(health::check(history));
    found.extend(resources::check(history));
    found.sort_by_key(|violation| violation.at);
    found
}
