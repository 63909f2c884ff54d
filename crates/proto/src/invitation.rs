//! Invitations, which make accounts where registration is closed: their codes, their numbers, what clients are told of them.
//! It must not make, hash or compare codes.

use serde::{Deserialize, Serialize};

use crate::ids::MessageId;
use crate::name::{RoomName, UserName};
use crate::reply::RoomUser;
use crate::secret_word::{secret_word, short_id};
use crate::time::Timestamp;

/// Every code begins so. A line that holds one is told from a message by it.
pub const INVITATION_PREFIX: &str = "pli_";

/// Rooms that one invitation may open, at most.
pub const INVITATION_ROOMS_MAX: usize = 16;

secret_word! {
    /// The code of an invitation.
    InvitationCode, INVITATION_PREFIX
}

short_id! {
    /// Names one invitation.
    InvitationId, InvitationIdError, "an invitation"
}

/// The reply to `/invite`, and that to INVITE before login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Invite {
    /// A user was invited into a room.
    User {
        /// The room, the user, and the entry in the room's log.
        #[serde(flatten)]
        about: RoomUser,
        /// Number of the invitation in the client's inbox; 0 if the user is not told.
        inbox: MessageId,
    },
    /// The code is that of an invitation.
    Code {
        /// Accounts that it can still make.
        uses: u32,
        /// The rooms that it opens.
        rooms: Vec<RoomName>,
        /// When it ends.
        expires: Timestamp,
    },
}

/// One line of `/invitations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationInfo {
    /// Names it.
    pub id: InvitationId,
    /// Who made it.
    pub by: UserName,
    /// When it was made.
    pub made: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// Accounts that it may make in all.
    pub uses: u32,
    /// The accounts that it has made, sorted.
    pub used: Vec<UserName>,
    /// The rooms that it opens.
    pub rooms: Vec<RoomName>,
    /// Whether it makes operators.
    pub operator: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_its_bytes_in_hexadecimal_and_is_not_printed() {
        let code = InvitationCode::of_random(&[0, 0x1f]);
        assert_eq!(code.expose(), "pli_001f");
        assert!(!format!("{code:?}").contains("001f"));
    }
}
