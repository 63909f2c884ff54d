//! Audits what the machine allows the server: too little or too much. It must not change any limit but those of this
//! process.

use std::fs;
use std::os::unix::fs::MetadataExt;

use rustix::process::geteuid;

use super::Finding;
use crate::settings::Settings;
use crate::system_limits;

pub(super) fn look(settings: &Settings, findings: &mut Vec<Finding>) {
    if is_run_by_root(settings) {
        let what = "the server would run as root, so whoever finds a defect in it has the machine";
        let cure = "run it as a user of its own, as the systemd unit of the package does, and give that user the data";
        findings.push(Finding::serious("root", what, cure));
    }
    for shortfall in system_limits::prepare(settings.max_connections) {
        let (what, cure) = shortfall.split_once("; ").unwrap_or((&shortfall, "raise it"));
        findings.push(Finding::warning("limits", what, cure));
    }
}

/// Whether root would run the server. If root audits data of another user, that user runs the server.
fn is_run_by_root(settings: &Settings) -> bool {
    let owner = fs::metadata(&settings.data).map(|metadata| metadata.uid());
    geteuid().is_root() && owner.unwrap_or(0) == 0
}
