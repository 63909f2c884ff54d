//! Audits operators who do not log in: nobody notices if somebody else does with their password. It must not judge users
//! like others.

use std::time::Duration;

use parlor_core::ports::Clock;
use parlor_store::sqlite::{self, OperatorFacts};

use super::Finding;
use crate::clock::SystemClock;
use crate::settings::Settings;

/// How long an operator may stay away without a finding.
const AWAY: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Looks at the embedded database; what is in a Redis is not looked at.
pub(super) fn look(settings: &Settings, findings: &mut Vec<Finding>) {
    if settings.redis.redis.is_some() {
        return;
    }
    // What cannot be read is a finding about the database.
    let Ok(operators) = sqlite::operators(&settings.data) else { return };
    let now = SystemClock::start().now();
    for OperatorFacts { user, created, last_login } in operators {
        let what = match last_login {
            Some(last) if now < last.after(AWAY) => continue,
            // A login is noted once a day for each address.
            Some(last) => format!("the operator {user} has logged in last at about {last}, more than 90 days ago"),
            None => format!("the operator {user}, made at {created}, has never logged in by password"),
        };
        let cure = format!("parlor user demote {user}, or: parlor user suspend {user}");
        findings.push(Finding::warning("absent-operator", what, cure));
    }
}
