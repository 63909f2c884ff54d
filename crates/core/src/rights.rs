//! The rights in one room: who may enter, speak and moderate. Pure rules: it must not know a store, and every store decides
//! by them.

mod denial;
mod hooks;
mod orders;
mod outhooks;

use std::collections::{BTreeMap, BTreeSet};

use parlor_proto::{Access, Note, Retention, RoomName, RoomRole, Speakers, Timestamp, UserName};
use serde::{Deserialize, Serialize};

use crate::planted::{Bug, planted};

pub use denial::Denial;
pub use hooks::{Hook, MAX_HOOKS};
pub use orders::{Case, MAX_LISTED, MAX_MODERATORS};
pub use outhooks::Outhook;

/// An account, as a room knows it: a later account of the same name inherits nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The user.
    pub user: UserName,
    /// When the account was created.
    pub account: Timestamp,
}

/// Somebody whom a room judges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The account.
    pub holder: Holder,
    /// Whether the account is an operator's.
    pub is_operator: bool,
}

/// The rights in a room. The default is those of a room that belongs to the operators, and is open to everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomRights {
    /// None if the room belongs to the operators.
    pub owner: Option<Holder>,
    /// The longest first.
    pub moderators: Vec<Holder>,
    /// What the room is about.
    pub topic: Note,
    /// Who may enter.
    pub access: Access,
    /// Who may speak.
    pub post: Speakers,
    /// Who may enter while it is private, besides those who have a role.
    pub invited: BTreeSet<UserName>,
    /// Who is kept out, and until when; none for ever.
    pub banned: BTreeMap<UserName, Option<Timestamp>>,
    /// Who is silenced, and until when; none for ever.
    pub muted: BTreeMap<UserName, Option<Timestamp>>,
    /// When the room was created; none if it is older than rights.
    pub created: Option<Timestamp>,
    /// Programs that may speak there, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
    /// Programs that hear what is said there, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outhooks: Vec<Outhook>,
    /// How long messages are kept, if that is shorter than what the server keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
}

impl Default for RoomRights {
    fn default() -> Self {
        Self {
            owner: None,
            moderators: Vec::new(),
            topic: Note::default(),
            access: Access::Public,
            post: Speakers::Everyone,
            invited: BTreeSet::new(),
            banned: BTreeMap::new(),
            muted: BTreeMap::new(),
            created: None,
            hooks: Vec::new(),
            outhooks: Vec::new(),
            retention: None,
        }
    }
}

/// Whether something that holds until then still holds.
fn holds(until: Option<Timestamp>, now: Timestamp) -> bool {
    until.is_none_or(|until| now < until)
}

impl RoomRights {
    /// The rights in a room that somebody creates by entering it. The lobby belongs to the operators.
    pub fn created_by(room: &RoomName, owner: Holder, now: Timestamp) -> Self {
        let owner = (!room.is_lobby()).then_some(owner);
        Self { owner, created: Some(now), ..Self::default() }
    }

    /// The string in which a store keeps the rights. [`RoomRights::read`] reads it.
    pub fn stored(&self) -> String {
        // Every key of the maps is a string, so there is always a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what [`RoomRights::stored`] wrote; none if it is something else.
    pub fn read(stored: &str) -> Option<Self> {
        serde_json::from_str(stored).ok()
    }

    /// Whether nothing was set: the room ends with its last member, unless it has a log.
    pub fn is_bare(&self) -> bool {
        *self == Self { owner: self.owner.clone(), created: self.created, ..Self::default() }
    }

    /// What somebody may do.
    pub fn role(&self, person: &Person) -> RoomRole {
        if person.is_operator { RoomRole::Operator } else { self.role_of(&person.holder) }
    }

    fn role_of(&self, holder: &Holder) -> RoomRole {
        if self.owner.as_ref() == Some(holder) {
            RoomRole::Owner
        } else if self.moderators.contains(holder) {
            RoomRole::Moderator
        } else {
            RoomRole::Member
        }
    }

    /// Whether somebody may enter now.
    ///
    /// # Errors
    /// Why not.
    pub fn judge_entering(&self, person: &Person, now: Timestamp) -> Result<(), Denial> {
        let user = &person.holder.user;
        match self.role(person) {
            RoomRole::Operator | RoomRole::Owner => return Ok(()),
            RoomRole::Moderator | RoomRole::Member => {}
        }
        if let Some(until) = self.banned.get(user).copied().filter(|until| holds(*until, now))
            && !planted(Bug::AdmitBanned)
        {
            return Err(Denial::Banned(until));
        }
        if self.is_visible_to(person) { Ok(()) } else { Err(Denial::InviteOnly) }
    }

    /// Whether the room exists for somebody who is not inside.
    pub fn is_visible_to(&self, person: &Person) -> bool {
        let is_invited = || self.role(person) != RoomRole::Member || self.invited.contains(&person.holder.user);
        self.access == Access::Public || is_invited()
    }

    /// Whether everybody inside may speak, without a look at who it is.
    pub fn lets_everybody_speak(&self) -> bool {
        self.muted.is_empty() && self.post == Speakers::Everyone
    }

    /// Whether somebody inside may speak now.
    ///
    /// # Errors
    /// Why not.
    pub fn judge_speaking(&self, person: &Person, now: Timestamp) -> Result<(), Denial> {
        if let Some(until) = self.muted.get(&person.holder.user).copied().filter(|until| holds(*until, now))
            && !planted(Bug::HearMuted)
        {
            return Err(Denial::Muted(until));
        }
        match self.post {
            Speakers::Moderators if self.role(person) == RoomRole::Member => Err(Denial::Muted(None)),
            Speakers::Everyone | Speakers::Moderators => Ok(()),
        }
    }

    /// Whether somebody may remove the text of a message.
    ///
    /// # Errors
    /// Why not.
    pub fn judge_removal(&self, person: &Person, author: &UserName) -> Result<(), Denial> {
        let is_own = *author == person.holder.user;
        if is_own { Ok(()) } else { self.require(person, RoomRole::Moderator) }
    }

    /// Requires at least a role.
    fn require(&self, person: &Person, least: RoomRole) -> Result<(), Denial> {
        if rank(self.role(person)) >= rank(least) {
            return Ok(());
        }
        Err(Denial::NotAllowed(match least {
            RoomRole::Operator => "operators",
            RoomRole::Owner => "the owner of the room",
            RoomRole::Moderator | RoomRole::Member => "moderators of the room",
        }))
    }

    /// All accounts that have a role.
    pub fn holders(&self) -> impl Iterator<Item = &Holder> {
        self.owner.iter().chain(&self.moderators)
    }
}

fn rank(role: RoomRole) -> u8 {
    match role {
        RoomRole::Member => 0,
        RoomRole::Moderator => 1,
        RoomRole::Owner => 2,
        RoomRole::Operator => 3,
    }
}

#[cfg(test)]
mod tests;
