//! Audits rooms over which nobody watches: the account of the owner is gone, and no moderator has one. It must not look at
//! what is said there.

use parlor_store::sqlite;

use super::Finding;
use crate::settings::Settings;

/// Looks at the embedded database; what is in a Redis is not looked at.
pub(super) fn look(settings: &Settings, findings: &mut Vec<Finding>) {
    if settings.redis.redis.is_some() {
        return;
    }
    // What cannot be read is a finding about the database.
    for (room, owner) in sqlite::ownerless_rooms(&settings.data).unwrap_or_default() {
        let what = format!("nobody moderates the room {room}: the account of its owner {owner} is gone");
        let cure = format!("parlor room transfer {room} USER, or --to-operators, or: parlor room delete {room}");
        findings.push(Finding::warning("ownerless-room", what, cure));
    }
}
