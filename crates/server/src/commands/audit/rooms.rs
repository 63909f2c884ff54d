//! Audits rooms over which nobody watches: the account of the owner is gone, and no moderator has one. It must not look at
//! what is said there.

use parlor_proto::{RoomName, UserName};

use super::Finding;

pub(super) fn look(ownerless: &[(RoomName, UserName)], findings: &mut Vec<Finding>) {
    for (room, owner) in ownerless {
        let what = format!("nobody moderates the room {room}: the account of its owner {owner} is gone");
        let cure = format!("parlor room transfer {room} USER, or --to-operators, or: parlor room delete {room}");
        findings.push(Finding::warning("ownerless-room", what, cure));
    }
}
