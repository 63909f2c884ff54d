//! The record of an invitation. It must not see a code.

use parlor_core::ports::{Invitation, InvitationTerms, Role, SecretHash};
use parlor_proto::{RoomName, Timestamp, UserName};
use serde::{Deserialize, Serialize};

use super::record::secret_hash;

/// An invitation, with those who used it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvitationRecord {
    /// The hash of its code.
    #[serde(with = "secret_hash")]
    pub hash: SecretHash,
    /// Who made it.
    pub by: UserName,
    /// Whether the accounts that it makes are operators.
    pub operator: bool,
    /// The rooms that it opens.
    pub rooms: Vec<RoomName>,
    /// How many accounts it may make.
    pub uses: u32,
    /// When it was made.
    pub made: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// The names that used it, sorted.
    pub used: Vec<UserName>,
}

impl From<Invitation> for InvitationRecord {
    fn from(Invitation { terms, made, expires, used }: Invitation) -> Self {
        let InvitationTerms { hash, by, role, rooms, uses } = terms;
        let operator = role == Role::Operator;
        Self { hash, by, operator, rooms, uses, made, expires, used: used.into_iter().collect() }
    }
}

impl InvitationRecord {
    /// The invitation.
    pub fn invitation(&self) -> Invitation {
        let Self { hash, by, operator, rooms, uses, made, expires, used } = self.clone();
        let role = if operator { Role::Operator } else { Role::Member };
        let terms = InvitationTerms { hash, by, role, rooms, uses };
        Invitation { terms, made, expires, used: used.into_iter().collect() }
    }
}
