//! The promises of the protocol, each as a function from what happened to what was broken. They must not know how a
//! run is made, so that each is tried with histories that are wrong on purpose.

mod direct_messages;
mod ending;
mod feeds;
mod fencing;
mod health;
#[cfg(test)]
pub(crate) mod history_builder;
mod log_integrity;
mod membership;
mod policy;
mod presence;
pub(crate) mod resources;
mod rooms;

use std::time::Duration;

use crate::logs::Logs;
use crate::record::History;
use crate::report::Violation;

/// After this much time without any fault, everything that was accepted has to have arrived.
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);
/// How long after a fault the time counts as disturbed.
const RECOVERY: Duration = Duration::from_secs(5);

/// All broken promises, in the order of time.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let (logs, mut found) = Logs::gather(history);
    found.extend(rooms::check(history, &logs));
    found.extend(log_integrity::check(history, &logs));
    found.extend(fencing::check(history, &logs));
    found.extend(feeds::check(history, &logs));
    found.extend(direct_messages::check(history));
    found.extend(presence::check(history));
    found.extend(membership::check(history));
    found.extend(ending::check(history));
    found.extend(policy::check(history));
    found.extend(health::check(history));
    found.extend(resources::check(history));
    found.sort_by_key(|violation| violation.at);
    found
}
