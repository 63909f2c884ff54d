//! Audits operators who do not log in: nobody notices if somebody else does with their password. It must not judge users
//! like others.

use std::time::Duration;

use parlor_core::ports::Clock;
use parlor_store::administration::OperatorFacts;

use super::Finding;
use crate::clock::SystemClock;

/// How long an operator may stay away without a finding. Addresses are known in a Redis for as long.
const AWAY: Duration = Duration::from_secs(90 * 24 * 60 * 60);

pub(super) fn look(operators: &[OperatorFacts], findings: &mut Vec<Finding>) {
    let now = SystemClock::start().now();
    for OperatorFacts { user, created, last_login } in operators {
        let what = match last_login {
            Some(last) if now < last.after(AWAY) => continue,
            // A login is noted once a day for each address.
            Some(last) => format!("the operator {user} has logged in last at about {last}, more than 90 days ago"),
            None if now < created.after(AWAY) => continue,
            None => {
                format!("the operator {user}, made at {created}, has not logged in by password for 90 days, or never")
            }
        };
        let cure = format!("parlor user demote {user}, or: parlor user suspend {user}");
        findings.push(Finding::warning("absent-operator", what, cure));
    }
}
