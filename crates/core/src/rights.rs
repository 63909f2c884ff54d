//! The rights in one room: who may enter, speak and moderate. Pure rules: it must not know a store, and every store decides
//! by them.

mod outhooks;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use parlor_proto::{
    Access, Action, HookId, HookInfo, Note, Order, Refusal, Retention, RoomName, RoomRole, Speakers, Text, Timestamp,
    UserName,
};
use serde::{Deserialize, Serialize};

use crate::planted::{Bug, planted};
use crate::ports::{Content, Moderation, SecretHash};

pub use outhooks::Outhook;

/// Maximum number of invited, banned or muted users of one room, of each.
pub const MAX_LISTED: usize = 1_000;

/// Maximum number of moderators of one room.
pub const MAX_MODERATORS: usize = 100;

/// Maximum number of hooks of one room, those that speak and those that post together.
pub const MAX_HOOKS: usize = 20;

/// An account, as a room knows it: a later account of the same name inherits nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The user.
    pub user: UserName,
    /// When the account was created.
    pub account: Timestamp,
}

/// A way for a program to speak in the room, without a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// The hash of its secret.
    pub hash: SecretHash,
    /// In whose name it speaks.
    pub label: UserName,
    /// Who made it.
    pub by: UserName,
    /// When.
    pub made: Timestamp,
}

impl Hook {
    /// Names it.
    pub fn id(&self) -> HookId {
        HookId(self.hash.number())
    }

    /// What those see of it who may end it.
    pub fn info(&self) -> HookInfo {
        HookInfo { id: self.id(), label: self.label.clone(), by: self.by.clone(), made: self.made, url: None }
    }
}

/// Somebody whom a room judges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The account.
    pub holder: Holder,
    /// Whether the account is an operator's.
    pub is_operator: bool,
}

/// Why a room denies something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The session is not a member.
    NotInRoom,
    /// Private, and not invited.
    InviteOnly,
    /// Banned until then; none for ever.
    Banned(Option<Timestamp>),
    /// Muted until then; none for ever.
    Muted(Option<Timestamp>),
    /// Only these may do it.
    NotAllowed(&'static str),
    /// It would change nothing, or makes no sense.
    Pointless(&'static str),
    /// The user is not a member.
    Absent,
    /// A list of the room is full.
    TooMany(&'static str),
    /// The room has no such hook.
    NoSuchHook,
    /// The log keeps no such message.
    NoSuchMessage,
    /// The message is too old to be edited.
    TooLate(Duration),
    /// There is no such room.
    NoSuchRoom,
}

impl Denial {
    /// What the client is told. `about` is the user, and `id` the message, that the command names.
    pub fn refusal(self, room: &RoomName, about: Option<&UserName>, id: Option<parlor_proto::MessageId>) -> Refusal {
        match self {
            Self::NotInRoom => Refusal::NotInRoom(room.clone()),
            Self::InviteOnly => Refusal::InviteOnly(room.clone()),
            Self::Banned(until) => Refusal::Banned(room.clone(), until),
            Self::Muted(until) => Refusal::Muted(room.clone(), until),
            Self::NotAllowed(who) => Refusal::NotAllowed(who),
            Self::Pointless(why) => Refusal::Pointless(why),
            Self::Absent => about.map_or(Refusal::NotInRoom(room.clone()), |user| Refusal::NoSuchUser(user.clone())),
            Self::TooMany(what) => Refusal::LimitReached(what),
            Self::NoSuchHook => Refusal::NoSuchHook,
            Self::NoSuchMessage => Refusal::NoSuchMessage(id.unwrap_or_default()),
            Self::TooLate(window) => Refusal::TooLate(window.as_secs()),
            Self::NoSuchRoom => Refusal::NoSuchRoom(room.clone()),
        }
    }
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

    /// Carries out what `actor` wants. `target` is the account of the user that the order names; `members` are those inside.
    /// Returns what is written into the log.
    ///
    /// # Errors
    /// Why not; then nothing has changed.
    pub fn carry_out(&mut self, room: &RoomName, order: &Order, case: &Case<'_>) -> Result<Content, Denial> {
        self.judge_order(room, order, case)?;
        self.forget_expired(case.now);
        let mut until = None;
        let mut reason = Note::default();
        match order {
            Order::Topic(topic) => {
                self.topic = topic.clone().into();
                return Ok(Content::Topic(topic.clone()));
            }
            Order::Access(access) => {
                self.set_access(*access, case.members)?;
                reason = word(access.as_str());
            }
            Order::Post(speakers) => {
                self.post = *speakers;
                reason = word(speakers.as_str());
            }
            Order::Retention(retention) => {
                self.retention = *retention;
                reason = word(&Retention::setting(*retention));
            }
            Order::Invite(user) => self.invite(user)?,
            Order::Kick(_, why) => reason = why.clone(),
            Order::Ban(user, duration, why) => {
                until = duration.map(|duration| case.now.after(duration));
                reason = why.clone();
                self.moderators.retain(|moderator| moderator.user != *user);
                self.invited.remove(user);
                list(&mut self.banned, user, planted_end(until, case.now), "bans in a room")?;
            }
            Order::Unban(user) => {
                self.banned.remove(user).ok_or(Denial::Pointless("This user is not banned there"))?;
            }
            Order::Mute(user, duration) => {
                until = duration.map(|duration| case.now.after(duration));
                list(&mut self.muted, user, planted_end(until, case.now), "mutes in a room")?;
            }
            Order::Unmute(user) => {
                self.muted.remove(user).ok_or(Denial::Pointless("This user is not muted there"))?;
            }
            Order::Moderator(_) => self.appoint(case)?,
            Order::Unmoderator(user) => self.dismiss(user)?,
            Order::Owner(_) => self.hand_over(case)?,
        }
        let (action, user) = (order.action().unwrap_or(Action::Post), order.user().cloned());
        Ok(Content::Moderation(Moderation { action, user, until, reason }))
    }

    /// Whether `actor` may do that, to this user.
    fn judge_order(&self, room: &RoomName, order: &Order, case: &Case<'_>) -> Result<(), Denial> {
        let Case { actor, target, members, .. } = case;
        let is_inside = |user: &UserName| members.binary_search(user).is_ok();
        let needs_room = matches!(
            order,
            Order::Access(_) | Order::Invite(_) | Order::Kick(..) | Order::Ban(..) | Order::Unban(_) | Order::Owner(_)
        );
        if room.is_lobby() && needs_room {
            return Err(Denial::Pointless("The lobby is open to everybody, and belongs to the operators"));
        }
        match order {
            Order::Invite(_) if self.access == Access::Public && is_inside(&actor.holder.user) => {}
            Order::Topic(_)
            | Order::Invite(_)
            | Order::Kick(..)
            | Order::Ban(..)
            | Order::Unban(_)
            | Order::Mute(..)
            | Order::Unmute(_) => self.require(actor, RoomRole::Moderator)?,
            Order::Access(_)
            | Order::Post(_)
            | Order::Retention(_)
            | Order::Moderator(_)
            | Order::Unmoderator(_)
            | Order::Owner(_) => {
                self.require(actor, RoomRole::Owner)?;
            }
        }
        if let (Order::Kick(user, _) | Order::Ban(user, ..) | Order::Mute(user, _), Some(target)) = (order, target) {
            if *user == actor.holder.user {
                return Err(Denial::Pointless("Not yourself"));
            }
            if rank(self.role(target)) >= rank(self.role(actor)) {
                return Err(Denial::NotAllowed("somebody of a higher role"));
            }
        }
        match order {
            Order::Kick(user, _) if !is_inside(user) => Err(Denial::Absent),
            Order::Invite(user) if self.banned.get(user).is_some_and(|until| holds(*until, case.now)) => {
                Err(Denial::Pointless("This user is banned there; /unban comes first"))
            }
            _ => Ok(()),
        }
    }

    fn forget_expired(&mut self, now: Timestamp) {
        self.banned.retain(|_, until| holds(*until, now));
        self.muted.retain(|_, until| holds(*until, now));
    }

    /// Whoever is inside a room when it becomes private counts as invited.
    fn set_access(&mut self, access: Access, members: &[UserName]) -> Result<(), Denial> {
        self.access = access;
        if access == Access::Private {
            self.invited.extend(members.iter().cloned());
        } else {
            self.invited.clear();
        }
        if self.invited.len() > MAX_LISTED { Err(Denial::TooMany("members of a private room")) } else { Ok(()) }
    }

    /// Lets a program speak.
    ///
    /// # Errors
    /// Why not; then nothing has changed.
    pub fn add_hook(&mut self, hook: &Hook, actor: &Person) -> Result<(), Denial> {
        self.require(actor, RoomRole::Moderator)?;
        // A repetition changes nothing.
        if self.hooks.contains(hook) {
            return Ok(());
        }
        if self.hooks.iter().any(|other| other.label == hook.label) || self.has_hook(hook.id()) {
            return Err(Denial::Pointless("The room has a hook with this label; /unhook ends it"));
        }
        self.leave_room_for_a_hook()?;
        self.hooks.push(hook.clone());
        Ok(())
    }

    /// Lets a program speak, or hear, no longer.
    ///
    /// # Errors
    /// Why not; then nothing has changed.
    pub fn remove_hook(&mut self, id: HookId, actor: &Person) -> Result<(), Denial> {
        self.require(actor, RoomRole::Moderator)?;
        if !self.has_hook(id) {
            return Err(Denial::NoSuchHook);
        }
        self.hooks.retain(|hook| hook.id() != id || planted(Bug::KeepHook));
        self.outhooks.retain(|hook| hook.id() != id);
        Ok(())
    }

    /// The hook with a secret of this hash.
    pub fn hook(&self, hash: &SecretHash) -> Option<&Hook> {
        self.hooks.iter().find(|hook| hook.hash.matches(hash))
    }

    /// What is written when a program says something.
    ///
    /// # Errors
    /// It may not speak, or not any more.
    pub fn report(&self, hash: &SecretHash, text: &Text) -> Result<Content, Denial> {
        self.hook(hash).map(|_| Content::Bot(text.clone())).ok_or(Denial::NoSuchHook)
    }

    /// Whether somebody may see and change the hooks.
    ///
    /// # Errors
    /// Who may.
    pub fn judge_hooks(&self, person: &Person) -> Result<(), Denial> {
        self.require(person, RoomRole::Moderator)
    }

    /// Lets somebody in who has an invitation to the server, which `by` made. Returns what is written into the log, if anything changes.
    ///
    /// # Errors
    /// Why not; then nothing has changed.
    pub fn admit(&mut self, user: &UserName, by: &UserName, now: Timestamp) -> Result<Option<Content>, Denial> {
        if self.banned.get(user).is_some_and(|until| holds(*until, now)) {
            return Err(Denial::Pointless("This user is banned there; /unban comes first"));
        }
        if self.access == Access::Public || self.invited.contains(user) {
            return Ok(None);
        }
        self.invite(user)?;
        let (action, user) = (Action::Invite, Some(user.clone()));
        let reason = word(&format!("invitation of {by}"));
        Ok(Some(Content::Moderation(Moderation { action, user, until: None, reason })))
    }

    fn invite(&mut self, user: &UserName) -> Result<(), Denial> {
        if self.access == Access::Public {
            return Ok(());
        }
        if self.invited.len() >= MAX_LISTED && !self.invited.contains(user) {
            return Err(Denial::TooMany("members of a private room"));
        }
        self.invited.insert(user.clone());
        Ok(())
    }

    fn appoint(&mut self, case: &Case<'_>) -> Result<(), Denial> {
        let Some(target) = case.target else { return Err(Denial::Absent) };
        if self.role_of(&target.holder) != RoomRole::Member {
            return Err(Denial::Pointless("This user moderates the room already"));
        }
        self.moderators.retain(|moderator| moderator.user != target.holder.user);
        if self.moderators.len() >= MAX_MODERATORS {
            return Err(Denial::TooMany("moderators in a room"));
        }
        self.moderators.push(target.holder.clone());
        Ok(())
    }

    fn dismiss(&mut self, user: &UserName) -> Result<(), Denial> {
        let count = self.moderators.len();
        self.moderators.retain(|moderator| moderator.user != *user);
        if self.moderators.len() == count {
            return Err(Denial::Pointless("This user does not moderate the room"));
        }
        self.invite(user)
    }

    /// The owner before becomes a moderator.
    fn hand_over(&mut self, case: &Case<'_>) -> Result<(), Denial> {
        let Some(target) = case.target else { return Err(Denial::Absent) };
        if self.owner.as_ref() == Some(&target.holder) {
            return Err(Denial::Pointless("This user owns the room already"));
        }
        self.moderators.retain(|moderator| moderator.user != target.holder.user);
        if let Some(before) = self.owner.replace(target.holder.clone()) {
            self.moderators.insert(0, before);
        }
        self.banned.remove(&target.holder.user);
        Ok(())
    }

    /// Removes roles of accounts that are gone. The longest moderator who is left becomes the owner if the owner is gone; if
    /// there is none, the room belongs to the operators. Returns what is written into the log, if there is a new owner.
    pub fn succeed(&mut self, gone: &[Holder]) -> Option<Content> {
        self.moderators.retain(|moderator| !gone.contains(moderator));
        let is_gone = self.owner.as_ref().is_some_and(|owner| gone.contains(owner));
        if !is_gone {
            return None;
        }
        self.owner = (!self.moderators.is_empty()).then(|| self.moderators.remove(0));
        let user = Some(self.owner.as_ref()?.user.clone());
        let reason = word("succession");
        Some(Content::Moderation(Moderation { action: Action::Owner, user, until: None, reason }))
    }

    /// All accounts that have a role.
    pub fn holders(&self) -> impl Iterator<Item = &Holder> {
        self.owner.iter().chain(&self.moderators)
    }
}

/// Who wants something, about whom, and when.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// Who wants it.
    pub actor: &'a Person,
    /// The account of the user whom it concerns.
    pub target: Option<&'a Person>,
    /// Who is inside, sorted.
    pub members: &'a [UserName],
    /// The time of the store.
    pub now: Timestamp,
}

/// The end of a mute or a ban. A planted bug can be in it.
fn planted_end(until: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    match until {
        Some(_) if planted(Bug::EndMuteEarly) => Some(now),
        Some(_) if planted(Bug::MuteForEver) => None,
        until => until,
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

fn word(word: &str) -> Note {
    Text::sanitise(word).into()
}

fn list(
    users: &mut BTreeMap<UserName, Option<Timestamp>>,
    user: &UserName,
    until: Option<Timestamp>,
    what: &'static str,
) -> Result<(), Denial> {
    if users.len() >= MAX_LISTED && !users.contains_key(user) {
        return Err(Denial::TooMany(what));
    }
    users.insert(user.clone(), until);
    Ok(())
}

#[cfg(test)]
mod tests;
