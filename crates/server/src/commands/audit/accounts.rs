//! Audits settings that make guessing and flooding easier than the defaults do. It must not read accounts.

use std::time::Duration;

use super::Finding;
use crate::settings::Settings;

/// Cost of password hashes below which a stolen hash is guessed quickly; and the default cost.
const LOW_COST: u32 = 10;
const USUAL_COST: u32 = 12;
/// Maximum timeout for a silent stranger without a finding.
const LONG: Duration = Duration::from_secs(60);
/// Maximum number of failed logins of one connection without a finding.
const MANY_FAILURES: u32 = 10;
/// Maximum size of a client's outbox without a finding, in bytes.
const MUCH_QUEUED: usize = 16 << 20;

pub(super) fn look(settings: &Settings, findings: &mut Vec<Finding>) {
    hashes(settings.bcrypt_cost, findings);
    for (name, time) in [("handshake-timeout", settings.handshake_timeout), ("login-timeout", settings.login_timeout)] {
        if time > LONG {
            let what = format!("{name}: a stranger who says nothing holds a thread and a descriptor for {time:?}");
            findings.push(Finding::warning("long-timeout", what, format!("{name} = \"10s\"")));
        }
    }
    if settings.max_login_failures > MANY_FAILURES {
        let what = format!("max-login-failures: a connection may guess {} times", settings.max_login_failures);
        findings.push(Finding::warning("many-failures", what, "max-login-failures = 3"));
    }
    if settings.max_queued_bytes > MUCH_QUEUED {
        let what = format!("max-queued-bytes: each client may hold up {} MiB", settings.max_queued_bytes >> 20);
        findings.push(Finding::warning("much-queued", what, "max-queued-bytes = \"1MiB\""));
    }
    if settings.is_public() {
        crowds(settings, findings);
    }
}

fn hashes(cost: u32, findings: &mut Vec<Finding>) {
    let what = format!("bcrypt-cost {cost}: passwords are guessed quickly if their hashes are stolen");
    let cure = format!("bcrypt-cost = {USUAL_COST}; hashes are renewed when their users log in");
    if cost < LOW_COST {
        findings.push(Finding::serious("bcrypt-cost", what, cure));
    } else if cost < USUAL_COST {
        findings.push(Finding::warning("bcrypt-cost", what, cure));
    }
}

/// Limits that keep one stranger from harming all other clients.
fn crowds(settings: &Settings, findings: &mut Vec<Finding>) {
    if settings.max_connections_per_address >= settings.max_connections {
        let what = "max-connections-per-address: one address can take all connections";
        findings.push(Finding::warning("one-address", what, "max-connections-per-address = 64"));
    }
    if settings.line_rate().is_none() {
        let what = "line-rate 0: a client may flood the others as fast as it can";
        findings.push(Finding::warning("line-rate", what, "line-rate = 20"));
    }
}
