//! What operators see of rooms and do with them, from a program that is not a server. It must not store anything.

use parlor_core::ports::{Content, Moderation, StoreResult};
use parlor_core::rights::{Case, Holder, Person, RoomRights};
use parlor_proto::{Action, MessageId, Note, Order, RoomName, Text, Timestamp, UserName};

/// What everybody inside is told when a room ends.
const ENDED: &str = "the room was deleted";

/// Rooms that a program remembers for a user, at most.
pub(crate) const MAX_REMEMBERED: usize = 64;

/// What is known of a room without entering it.
#[derive(Debug, Clone)]
pub struct RoomFacts {
    /// Its name.
    pub room: RoomName,
    /// Number of members; none if only the memory of a server knows it.
    pub members: Option<u64>,
    /// The rights in it.
    pub rights: RoomRights,
    /// The newest number of its log.
    pub last: MessageId,
    /// Number of entries that the log keeps.
    pub entries: u64,
}

/// An operator, as an audit sees one.
#[derive(Debug, Clone)]
pub struct OperatorFacts {
    /// The account.
    pub user: UserName,
    /// When it was created.
    pub created: Timestamp,
    /// About when it was logged in to last by password, as the known addresses tell; none if these tell of no login.
    pub last_login: Option<Timestamp>,
}

/// What an audit sees of operators and rooms.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    /// All operators that are not suspended, sorted by name.
    pub operators: Vec<OperatorFacts>,
    /// The rooms whose owner's account is gone, and in which no moderator has one; with the owner, sorted by name.
    pub ownerless_rooms: Vec<(RoomName, UserName)>,
}

/// What an operator wants to do with a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomRequest {
    /// The room.
    pub room: RoomName,
    /// Who is named as the author.
    pub by: UserName,
    /// The time of the program. A store with a clock of its own takes that.
    pub time: Timestamp,
    /// What.
    pub order: RoomOrder,
}

/// What operators can do with a room from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomOrder {
    /// The room belongs to this account from now on; none gives it to the operators.
    Transfer(Option<Holder>),
    /// A new user may enter, also if the room is private.
    Admit(UserName),
    /// Everybody inside is moved to the lobby, and the log and the rights are gone.
    Delete,
}

/// What a request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is done.
    Done,
    /// Nothing has changed, for this reason.
    Refused(String),
}

/// Rooms for programs that are not a server. All calls may block on the store.
pub trait RoomAdministration {
    /// All rooms that have a log, members or rights, and the lobby, sorted by name.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn rooms(&self) -> StoreResult<Vec<RoomFacts>>;

    /// One room; none if there is no such room.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn room(&self, room: &RoomName) -> StoreResult<Option<RoomFacts>>;

    /// Who is inside; none if only the memory of a server knows it.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn inside(&self, room: &RoomName) -> StoreResult<Option<Vec<UserName>>>;

    /// Remembers a room for a user, who has read it up to an entry. `/sync` opens it.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn remember(&self, user: &UserName, room: &RoomName, read: MessageId) -> StoreResult<()>;

    /// Carries a request out, or has the server do so. Blocks for some seconds at most.
    ///
    /// # Errors
    /// The store cannot be reached, or the server does not answer.
    fn carry_out(&self, request: &RoomRequest) -> StoreResult<Verdict>;
}

/// Changes the rights for a transfer. `gone` are those who have a role and whose account is gone. Returns what is written
/// into the log.
///
/// # Errors
/// Why not; then nothing may be stored.
pub(crate) fn transfer(
    rights: &mut RoomRights,
    request: &RoomRequest,
    to: Option<&Holder>,
    gone: &[Holder],
) -> Result<Content, String> {
    let room = &request.room;
    if room.is_lobby() {
        return Err("the lobby belongs to the operators, and stays theirs".to_owned());
    }
    if rights.owner.as_ref() == to {
        let owner = to.map_or("the operators own", |_| "this user owns");
        return Err(format!("{owner} the room {room} already"));
    }
    // Nobody has a role any more whose account is gone.
    rights.succeed(gone);
    let Some(to) = to else {
        rights.moderators.splice(0..0, rights.owner.take());
        return Ok(moderation(Action::Owner, None, "operators"));
    };
    if rights.owner.as_ref() == Some(to) {
        return Ok(moderation(Action::Owner, Some(to.user.clone()), ""));
    }
    let person = |user: &UserName| Holder { user: user.clone(), account: request.time };
    let actor = Person { holder: person(&request.by), is_operator: true };
    let target = Person { holder: to.clone(), is_operator: false };
    let case = Case { actor: &actor, target: Some(&target), members: &[], now: request.time };
    rights.carry_out(room, &Order::Owner(to.user.clone()), &case).map_err(|denial| format!("{denial:?}"))
}

/// Changes the rights so that a new user may enter. Returns what is written into the log; nothing if the user may enter already.
///
/// # Errors
/// Why not; then nothing may be stored.
pub(crate) fn admit(
    rights: &mut RoomRights,
    request: &RoomRequest,
    user: &UserName,
) -> Result<Option<Content>, String> {
    rights.admit(user, &request.by, request.time).map_err(|denial| format!("{denial:?}"))
}

/// What is written into the log when a member is removed because the room ends.
pub(crate) fn removal(member: &UserName) -> Content {
    moderation(Action::Kick, Some(member.clone()), ENDED)
}

/// Why a room that does not exist cannot be changed.
pub(crate) fn unknown(room: &RoomName) -> Verdict {
    Verdict::Refused(format!("there is no room {room}; parlor room list shows all"))
}

/// Why the lobby cannot end; nothing for another room.
pub(crate) fn endless(request: &RoomRequest) -> Option<Verdict> {
    let is_endless = request.order == RoomOrder::Delete && request.room.is_lobby();
    is_endless.then(|| Verdict::Refused("the lobby cannot be deleted: everybody begins there".to_owned()))
}

fn moderation(action: Action, user: Option<UserName>, reason: &str) -> Content {
    let reason: Note = Text::sanitise(reason).into();
    Content::Moderation(Moderation { action, user, until: None, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(user: &str) -> Holder {
        Holder { user: user.parse().unwrap(), account: Timestamp::from_millis(1) }
    }

    fn request(room: &str, to: Option<Holder>) -> RoomRequest {
        let (room, by, time) = (room.parse().unwrap(), "op".parse().unwrap(), Timestamp::from_millis(9));
        RoomRequest { room, by, time, order: RoomOrder::Transfer(to) }
    }

    fn given(rights: &mut RoomRights, to: Option<Holder>, gone: &[Holder]) -> Result<Content, String> {
        transfer(rights, &request("red", to.clone()), to.as_ref(), gone)
    }

    #[test]
    fn the_owner_before_moderates_unless_the_account_is_gone() {
        let owned = RoomRights { owner: Some(holder("ann")), ..RoomRights::default() };
        let mut rights = owned.clone();
        assert!(given(&mut rights, Some(holder("bob")), &[]).is_ok());
        assert_eq!((rights.owner, rights.moderators), (Some(holder("bob")), vec![holder("ann")]));
        let mut rights = owned.clone();
        assert!(given(&mut rights, Some(holder("bob")), &[holder("ann")]).is_ok());
        assert_eq!((rights.owner, rights.moderators), (Some(holder("bob")), vec![]));
        let mut rights = owned;
        assert_eq!(given(&mut rights, None, &[]), Ok(moderation(Action::Owner, None, "operators")));
        assert_eq!((rights.owner, rights.moderators), (None, vec![holder("ann")]));
    }

    #[test]
    fn whoever_would_follow_a_gone_owner_anyway_is_given_the_room() {
        let moderators = vec![holder("bob"), holder("cyd")];
        let mut rights = RoomRights { owner: Some(holder("ann")), moderators, ..RoomRights::default() };
        assert!(given(&mut rights, Some(holder("bob")), &[holder("ann")]).is_ok());
        assert_eq!((rights.owner, rights.moderators), (Some(holder("bob")), vec![holder("cyd")]));
    }

    #[test]
    fn what_would_change_nothing_is_refused() {
        let mut rights = RoomRights { owner: Some(holder("ann")), ..RoomRights::default() };
        let why = given(&mut rights, Some(holder("ann")), &[]).unwrap_err();
        assert_eq!(why, "this user owns the room red already");
        let why = given(&mut RoomRights::default(), None, &[]).unwrap_err();
        assert_eq!(why, "the operators own the room red already");
        let to = Some(holder("ann"));
        let why = transfer(&mut RoomRights::default(), &request("lobby", to.clone()), to.as_ref(), &[]).unwrap_err();
        assert!(why.starts_with("the lobby belongs to the operators"), "{why}");
    }
}
