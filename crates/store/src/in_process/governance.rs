//! The rights in the rooms of one server: judges what moderators do, and stages it while it is written. It must not write
//! itself.

use parlor_core::Flush;
use parlor_core::ports::{Act, ActResult, Change, Content, Deed};
use parlor_core::rights::{Case, Denial, RoomRights};
use parlor_proto::{RoomName, UserName};

use super::{InProcessSessions, Room, Seat, State};

/// An act that was judged and holds already, but is not written yet.
pub(crate) struct StagedAct {
    pub(super) room: RoomName,
    /// What is written into the log; nothing if no entry is needed.
    pub(crate) content: Option<Content>,
    /// The rights from now on; none if they are the same.
    pub(crate) rights: Option<RoomRights>,
    /// The rights before.
    pub(super) before: Option<Box<RoomRights>>,
    /// Who was removed.
    pub(super) removed: Option<(UserName, Seat)>,
}

impl InProcessSessions {
    /// Judges an act. If it is allowed, it holds from now on: whoever is removed has no seat. `author` is the author of the
    /// message that is to be removed, if there is one.
    pub(crate) fn stage(&self, act: &Act, author: Option<&UserName>) -> Result<StagedAct, ActResult> {
        let mut guard = self.lock();
        let state = &mut *guard;
        if act.is_of_session() && !state.is_current(&act.actor.holder.user, act.generation) {
            return Err(ActResult::Fenced);
        }
        if act.room.is_lobby() {
            state.rooms.entry(act.room.clone()).or_default();
        }
        let Some(room) = state.rooms.get_mut(&act.room) else { return Err(ActResult::Denied(Denial::NoSuchRoom)) };
        let mut rights = room.rights.as_deref().cloned().unwrap_or_default();
        let content = room.judge(act, &mut rights, author).map_err(ActResult::Denied)?;
        let is_changed = room.rights.as_deref() != Some(&rights);
        let before = room.rights.clone();
        if is_changed {
            room.rights = Some(Box::new(rights.clone()));
        }
        let removed = content.as_ref().and_then(Content::removes).and_then(|user| room.members.remove_entry(user));
        if let Some((user, seat)) = &removed {
            room.removed.insert(user.clone(), seat.generation);
            state.forget_place(user, &act.room);
        }
        Ok(StagedAct { room: act.room.clone(), content, rights: is_changed.then_some(rights), before, removed })
    }

    /// The act is written: tells the others who was removed.
    pub(crate) fn settle(&self, staged: StagedAct) -> Flush {
        let Some((user, _)) = staged.removed else { return Flush::default() };
        let mut state = self.lock();
        let members = state.rooms.get(&staged.room).map_or(0, |room| room.members.len());
        self.announce(&mut state, &user, &staged.room, Change::Left, members).1
    }

    /// The act could not be written: everything is as before. Acts are undone in the reverse order.
    pub(crate) fn undo(&self, staged: StagedAct) {
        let mut state = self.lock();
        let Some(room) = state.rooms.get_mut(&staged.room) else { return };
        if staged.rights.is_some() {
            room.rights = staged.before;
        }
        if let Some((user, seat)) = staged.removed {
            room.removed.remove(&user);
            room.members.entry(user.clone()).or_insert(seat);
            state.users.entry(user).or_default().rooms.push(staged.room);
        }
    }

    /// The rights in some rooms; none for a room that does not exist.
    pub(crate) fn rights(&self, rooms: &[RoomName]) -> Vec<Option<RoomRights>> {
        let state = self.lock();
        let rights = |name: &RoomName| match state.rooms.get(name) {
            Some(room) => Some(room.rights.as_deref().cloned().unwrap_or_default()),
            None => name.is_lobby().then(RoomRights::default),
        };
        rooms.iter().map(rights).collect()
    }

    /// The rights that the store has kept.
    #[cfg(feature = "sqlite")]
    pub(crate) fn install(&self, rooms: impl Iterator<Item = (RoomName, RoomRights)>) {
        let mut state = self.lock();
        for (room, rights) in rooms {
            state.rooms.entry(room).or_default().rights = Some(Box::new(rights));
        }
    }
}

impl Room {
    /// Changes `rights` as the act says. Returns what is written into the log.
    fn judge(&self, act: &Act, rights: &mut RoomRights, author: Option<&UserName>) -> Result<Option<Content>, Denial> {
        match &act.deed {
            Deed::Order { order, target } => {
                let members: Vec<UserName> = self.members.keys().cloned().collect();
                let case = Case { actor: &act.actor, target: target.as_ref(), members: &members, now: act.time };
                rights.carry_out(&act.room, order, &case).map(Some)
            }
            Deed::Removal { of, reason } => {
                let author = author.ok_or(Denial::NoSuchMessage)?;
                rights.judge_removal(&act.actor, author)?;
                Ok(Some(Content::Removal { of: *of, reason: reason.clone() }))
            }
            Deed::Succession(gone) => Ok(rights.succeed(gone)),
            Deed::AddHook(hook) => rights.add_hook(hook, &act.actor).map(|()| None),
            Deed::AddOuthook(hook) => rights.add_outhook(hook, &act.actor).map(|()| None),
            Deed::RemoveHook(id) => rights.remove_hook(*id, &act.actor).map(|()| None),
            Deed::Report { hook, text, .. } => rights.report(hook, text).map(Some),
            Deed::Admission { user, by } => rights.admit(user, by, act.time),
        }
    }
}

impl State {
    /// Forgets that a user is in a room.
    pub(super) fn forget_place(&mut self, user: &UserName, room: &RoomName) {
        if let Some(known) = self.users.get_mut(user) {
            known.rooms.retain(|other| other != room);
        }
    }
}
