//! What operators do with the rooms of one server: stages it while it is written. It must not write itself.

use parlor_core::rights::{Holder, RoomRights};
use parlor_proto::{RoomName, Timestamp, UserName};

use super::governance::StagedAct;
use super::{InProcessSessions, Room};
use crate::administration::{self, RoomRequest};

impl InProcessSessions {
    /// Hands a room over; it holds from now on. `gone` are those with a role whose account is gone.
    ///
    /// # Errors
    /// Why not; nothing if there is no such room.
    pub(crate) fn stage_transfer(
        &self,
        request: &RoomRequest,
        to: Option<&Holder>,
        gone: &[Holder],
    ) -> Result<StagedAct, Option<String>> {
        let mut state = self.lock();
        if request.room.is_lobby() {
            state.rooms.entry(request.room.clone()).or_default();
        }
        let room = state.rooms.get_mut(&request.room).ok_or(None)?;
        let mut rights = room.rights.as_deref().cloned().unwrap_or_default();
        let content = administration::transfer(&mut rights, request, to, gone).map_err(Some)?;
        let before = room.rights.replace(Box::new(rights.clone()));
        Ok(StagedAct {
            room: request.room.clone(),
            content: Some(content),
            rights: Some(rights),
            before,
            removed: None,
        })
    }

    /// Lets a new user into a room; it holds from now on.
    ///
    /// # Errors
    /// Why not; nothing if there is no such room.
    pub(crate) fn stage_admission(&self, request: &RoomRequest, user: &UserName) -> Result<StagedAct, Option<String>> {
        let mut state = self.lock();
        let room = state.rooms.get_mut(&request.room).ok_or(None)?;
        let mut rights = room.rights.as_deref().cloned().unwrap_or_default();
        let content = administration::admit(&mut rights, request, user).map_err(Some)?;
        let before = room.rights.clone();
        let changed = content.is_some().then_some(rights);
        if let Some(changed) = &changed {
            room.rights = Some(Box::new(changed.clone()));
        }
        Ok(StagedAct { room: request.room.clone(), content, rights: changed, before, removed: None })
    }

    /// Removes everybody from a room that ends; they have no seat from now on. None if there is no such room.
    pub(crate) fn stage_removals(&self, name: &RoomName) -> Option<Vec<StagedAct>> {
        let mut state = self.lock();
        let room = state.rooms.get_mut(name)?;
        let members = std::mem::take(&mut room.members);
        room.removed.extend(members.iter().map(|(user, seat)| (user.clone(), seat.generation)));
        members.keys().for_each(|user| state.forget_place(user, name));
        let staged = |(user, seat)| StagedAct {
            room: name.clone(),
            content: Some(administration::removal(&user)),
            rights: None,
            before: None,
            removed: Some((user, seat)),
        };
        Some(members.into_iter().map(staged).collect())
    }

    /// The log and the rights of a room are deleted. Whoever entered it meanwhile is in a new room, and owns it.
    pub(crate) fn end_room(&self, name: &RoomName, now: Timestamp) {
        let mut state = self.lock();
        let Some(room) = state.rooms.get_mut(name) else { return };
        let heir = room.members.iter().next().map(|(user, seat)| seat.person(user).holder);
        match heir {
            Some(heir) => {
                let rights = Some(Box::new(RoomRights::created_by(name, heir, now)));
                let members = std::mem::take(&mut room.members);
                let removed = std::mem::take(&mut room.removed);
                *room = Room { members, has_log: false, rights, removed };
            }
            None => drop(state.rooms.remove(name)),
        }
    }
}
