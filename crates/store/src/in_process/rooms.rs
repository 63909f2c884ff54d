//! Entering and leaving rooms. Every change is announced under the lock, and therefore in one order.

use std::collections::BTreeMap;

use parlor_core::Flush;
use parlor_core::planted::{Bug, planted};
use parlor_core::ports::{Change, EnterResult, Presence, Rooms, SessionKey, StoreResult};
use parlor_proto::{Generation, RoomName, RoomSummary, UserName};

use super::{InProcessSessions, State};

impl Rooms for InProcessSessions {
    fn enter(&self, session_key: &SessionKey, rooms: &[RoomName], max_rooms: usize) -> StoreResult<Vec<EnterResult>> {
        let mut flush = Flush::default();
        let mut state = self.lock();
        let results = rooms.iter().map(|room| self.enter_one(&mut state, session_key, room, max_rooms, &mut flush));
        let results = results.collect();
        drop(state);
        flush.run();
        Ok(results)
    }

    fn leave(&self, session_key: &SessionKey, rooms: &[RoomName]) -> StoreResult<()> {
        let mut flush = Flush::default();
        let mut state = self.lock();
        for room in rooms {
            let is_meant = |generation| generation == session_key.generation;
            flush.merge(self.remove(&mut state, &session_key.user, room, is_meant));
        }
        drop(state);
        flush.run();
        Ok(())
    }

    fn counts(&self, rooms: &[RoomName]) -> StoreResult<Vec<usize>> {
        let state = self.lock();
        Ok(rooms.iter().map(|room| state.rooms.get(room).map_or(0, |room| room.members.len())).collect())
    }

    fn evict_predecessors(&self, session_key: &SessionKey) -> StoreResult<()> {
        let mut state = self.lock();
        let rooms = state.users.get(&session_key.user).map(|user| user.rooms.clone()).unwrap_or_default();
        let mut flush = Flush::default();
        for room in rooms {
            flush.merge(
                self.remove(&mut state, &session_key.user, &room, |generation| generation < session_key.generation),
            );
        }
        drop(state);
        flush.run();
        Ok(())
    }

    fn members(&self, room: &RoomName) -> StoreResult<Vec<UserName>> {
        let state = self.lock();
        Ok(state.rooms.get(room).map(|room| room.members.keys().cloned().collect()).unwrap_or_default())
    }

    fn rooms(&self) -> StoreResult<Vec<RoomSummary>> {
        let state = self.lock();
        let occupied = state.rooms.iter().filter(|(_, room)| !room.members.is_empty());
        let mut counts: BTreeMap<RoomName, usize> =
            occupied.map(|(name, room)| (name.clone(), room.members.len())).collect();
        counts.entry(RoomName::lobby()).or_default();
        Ok(counts.into_iter().map(|(room, members)| RoomSummary { room, members }).collect())
    }
}

impl InProcessSessions {
    fn enter_one(
        &self,
        state: &mut State,
        session_key: &SessionKey,
        room: &RoomName,
        max_rooms: usize,
        flush: &mut Flush,
    ) -> EnterResult {
        if !state.is_current(&session_key.user, session_key.generation) {
            return EnterResult::Fenced;
        }
        let is_new = !room.is_lobby() && !state.rooms.contains_key(room);
        if is_new && state.rooms_besides_lobby() >= max_rooms {
            return EnterResult::TooManyRooms;
        }
        if let Some(members) = state.rooms.get(room).map(|room| &room.members)
            && members.get(&session_key.user) == Some(&session_key.generation)
        {
            return EnterResult::Member { members: members.len(), version: state.last_version };
        }
        let members = state.add(session_key, room);
        let (version, announced) = self.announce(state, &session_key.user, room, Change::Entered, members);
        flush.merge(announced);
        EnterResult::Member { members, version }
    }

    /// Removes the user's membership if its generation is one of the given ones.
    fn remove(
        &self,
        state: &mut State,
        user: &UserName,
        room: &RoomName,
        is_meant: impl Fn(Generation) -> bool,
    ) -> Flush {
        let Some(kept) = state.rooms.get_mut(room) else { return Flush::default() };
        if !kept.members.get(user).copied().is_some_and(is_meant) {
            return Flush::default();
        }
        kept.members.remove(user);
        let left = kept.members.len();
        if left == 0 && !kept.has_log {
            state.rooms.remove(room);
        }
        if let Some(known) = state.users.get_mut(user) {
            known.rooms.retain(|other| other != room);
        }
        self.announce(state, user, room, Change::Left, left).1
    }

    fn announce(
        &self,
        state: &mut State,
        user: &UserName,
        room: &RoomName,
        change: Change,
        members: usize,
    ) -> (u64, Flush) {
        if planted(Bug::DropPart) && change == Change::Left {
            return (state.last_version, Flush::default());
        }
        state.last_version += 1;
        let version = state.last_version;
        let presence = Presence { room: room.clone(), user: user.clone(), change, members, version };
        (version, self.sink.presence(&presence))
    }
}

impl State {
    fn rooms_besides_lobby(&self) -> usize {
        self.rooms.len() - usize::from(self.rooms.contains_key(&RoomName::lobby()))
    }

    /// Makes the session a member, in place of an earlier session of its user. Returns the number of members.
    fn add(&mut self, session_key: &SessionKey, room: &RoomName) -> usize {
        let members = &mut self.rooms.entry(room.clone()).or_default().members;
        members.insert(session_key.user.clone(), session_key.generation);
        let count = members.len();
        let known = self.users.entry(session_key.user.clone()).or_default();
        if !known.rooms.contains(room) {
            known.rooms.push(room.clone());
        }
        count
    }
}
