//! What changes the rights: orders of moderators, invitations to the server, and successions. Each is judged here, too. It must
//! not write into a log.

use std::collections::BTreeMap;

use parlor_proto::{Access, Action, Note, Order, Retention, RoomName, RoomRole, Text, Timestamp, UserName};

use super::{Denial, Holder, Person, RoomRights, holds, rank};
use crate::planted::{Bug, planted};
use crate::ports::{Content, Moderation};

/// Maximum number of invited, banned or muted users of one room, of each.
pub const MAX_LISTED: usize = 1_000;

/// Maximum number of moderators of one room.
pub const MAX_MODERATORS: usize = 100;

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

impl RoomRights {
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
                self.end_role(user);
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
            Order::Invite(user) | Order::Moderator(user)
                if self.banned.get(user).is_some_and(|until| holds(*until, case.now)) =>
            {
                Err(Denial::Pointless("This user is banned there; /unban comes first"))
            }
            _ => Ok(()),
        }
    }

    /// Without its owner the room belongs to the operators: no moderator gets it by a ban.
    fn end_role(&mut self, user: &UserName) {
        self.moderators.retain(|moderator| moderator.user != *user);
        self.owner.take_if(|owner| owner.user == *user);
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
}

/// The end of a mute or a ban. A planted bug can be in it.
fn planted_end(until: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    match until {
        Some(_) if planted(Bug::EndMuteEarly) => Some(now),
        Some(_) if planted(Bug::MuteForEver) => None,
        until => until,
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
