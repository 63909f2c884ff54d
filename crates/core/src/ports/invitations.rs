//! The port of invitations, which make accounts where registration is closed. It must not see a code: it keeps hashes.

use std::collections::BTreeSet;
use std::time::Duration;

use parlor_proto::{InvitationId, InvitationInfo, RoomName, Timestamp, UserName};

use super::{Account, Role, SecretHash, StoreResult};

/// Accounts that one invitation may make, at most.
pub const MAX_INVITATION_USES: u32 = 1_000;

/// Maximum number of invitations that are kept, void ones included.
pub const MAX_INVITATIONS: usize = 1_000;

/// How long an invitation is kept after its end, so that operators see who used it.
pub const INVITATION_KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What is decided about an invitation when it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationTerms {
    /// The hash of its code; its id is a part of the hash.
    pub hash: SecretHash,
    /// Who made it.
    pub by: UserName,
    /// The role of the accounts that it makes.
    pub role: Role,
    /// The rooms that it opens to them.
    pub rooms: Vec<RoomName>,
    /// Accounts that it may make, from 1 to [`MAX_INVITATION_USES`].
    pub uses: u32,
}

/// One invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// What was decided when it was made.
    pub terms: InvitationTerms,
    /// When it was made.
    pub made: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// The names of the accounts that it has made.
    pub used: BTreeSet<UserName>,
}

impl InvitationTerms {
    /// Names the invitation.
    pub fn id(&self) -> InvitationId {
        InvitationId(self.hash.number())
    }
}

impl Invitation {
    /// Whether somebody with a code of this hash may make an account now.
    pub fn admits(&self, hash: &SecretHash, now: Timestamp) -> bool {
        self.terms.hash.matches(hash) && now < self.expires && self.uses_left() > 0
    }

    /// Accounts that it can still make, whatever the time is.
    pub fn uses_left(&self) -> u32 {
        self.terms.uses.saturating_sub(u32::try_from(self.used.len()).unwrap_or(u32::MAX))
    }

    /// Whether it is forgotten.
    pub fn is_forgotten_at(&self, now: Timestamp) -> bool {
        self.expires.after(INVITATION_KEPT_FOR) <= now
    }

    /// What operators see of it.
    pub fn info(&self) -> InvitationInfo {
        let InvitationTerms { by, role, rooms, uses, .. } = self.terms.clone();
        InvitationInfo {
            id: self.terms.id(),
            by,
            made: self.made,
            expires: self.expires,
            uses,
            used: self.used.iter().cloned().collect(),
            rooms,
            operator: role == Role::Operator,
        }
    }
}

/// What became of a registration by an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitedResult {
    /// The account is made, and a use is gone.
    Made,
    /// There is such an account already. No use is gone.
    NameTaken,
    /// The invitation is unknown, revoked, over or used up. There is no account.
    Void,
}

/// The invitations to this server. A store with a clock of its own judges by that instead of `now`. All calls may block on
/// the store.
pub trait Invitations: Send + Sync {
    /// Keeps an invitation that ends after `lifetime`. Returns it; none if there are too many ([`MAX_INVITATIONS`]).
    ///
    /// # Errors
    /// The store cannot be reached; then it may be kept, and nobody has its code.
    fn add(&self, terms: &InvitationTerms, lifetime: Duration, now: Timestamp) -> StoreResult<Option<Invitation>>;

    /// The invitation with a code of this hash, if it admits somebody now.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn find_valid(&self, hash: &SecretHash, now: Timestamp) -> StoreResult<Option<Invitation>>;

    /// Takes a use and makes an account, with the same promises as [`super::Accounts::create`]. However many do so at the same
    /// time, there are never more accounts than uses, and none by a name that used it before.
    ///
    /// # Errors
    /// The store cannot be reached; then the account may be made. A repetition with the same name takes no second use.
    fn register(&self, account: &Account, hash: &SecretHash, now: Timestamp) -> StoreResult<InvitedResult>;

    /// All that are kept, oldest first, valid or not.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn invitations(&self, now: Timestamp) -> StoreResult<Vec<Invitation>>;

    /// Forgets an invitation. The accounts that it made stay. Returns `false` if there is none with this id.
    ///
    /// # Errors
    /// The store cannot be reached; then it may be forgotten, and the call can be repeated.
    fn revoke(&self, id: InvitationId) -> StoreResult<bool>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_admits_until_its_end_and_as_long_as_a_use_is_left() {
        let hash = SecretHash::of("code");
        let (by, role, rooms) = ("root".parse().unwrap(), Role::Member, Vec::new());
        let terms = InvitationTerms { hash: hash.clone(), by, role, rooms, uses: 2 };
        let at = Timestamp::from_millis;
        let mut invitation = Invitation { terms, made: at(0), expires: at(9), used: BTreeSet::new() };
        assert!(invitation.admits(&hash, at(8)));
        assert!(!invitation.admits(&hash, at(9)) && !invitation.admits(&SecretHash::of("other"), at(8)));
        invitation.used = ["ann", "bob"].map(|user| user.parse().unwrap()).into();
        assert!(!invitation.admits(&hash, at(8)));
        let forgotten = at(9).after(INVITATION_KEPT_FOR);
        assert!(invitation.is_forgotten_at(forgotten) && !invitation.is_forgotten_at(at(9)));
    }
}
