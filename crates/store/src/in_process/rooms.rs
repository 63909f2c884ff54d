//! Entering and leaving rooms. Every change is announced under the lock, and therefore in one order.

use std::collections::BTreeMap;

use parlor_core::Flush;
use parlor_core::planted::{Bug, planted};
use parlor_core::ports::{Change, EnterResult, Entrant, Presence, Rooms, SessionKey, StoreResult};
use parlor_core::rights::{Person, RoomRights};
use parlor_proto::{Generation, RoomName, RoomSummary, UserName};

use super::{InProcessSessions, Room, Seat, State};

impl Rooms for InProcessSessions {
    fn enter(&self, entrant: &Entrant, rooms: &[RoomName], max_rooms: usize) -> StoreResult<Vec<EnterResult>> {
        let mut flush = Flush::default();
        let mut state = self.lock();
        let results = rooms.iter().map(|room| self.enter_one(&mut state, entrant, room, max_rooms, &mut flush));
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

    fn members(&self, room: &RoomName, viewer: &Person) -> StoreResult<Vec<UserName>> {
        let state = self.lock();
        let room = state.rooms.get(room).filter(|room| room.is_visible_to(viewer));
        Ok(room.map(|room| room.members.keys().cloned().collect()).unwrap_or_default())
    }

    fn rooms(&self, viewer: &Person) -> StoreResult<Vec<RoomSummary>> {
        let state = self.lock();
        let occupied = state.rooms.iter().filter(|(_, room)| !room.members.is_empty() && room.is_visible_to(viewer));
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
        entrant: &Entrant,
        room: &RoomName,
        max_rooms: usize,
        flush: &mut Flush,
    ) -> EnterResult {
        let Entrant { session_key, account, is_operator, now } = entrant;
        if !state.is_current(&session_key.user, session_key.generation) {
            return EnterResult::Fenced;
        }
        let known = state.rooms.get(room);
        let seat = known.and_then(|room| Some((room.members.len(), room.members.get(&session_key.user)?)));
        if let Some((members, seat)) = seat
            && seat.generation == session_key.generation
        {
            return EnterResult::Member { members, version: state.last_version };
        }
        let person = entrant.person();
        match known.map(|room| room.rights.as_ref()) {
            Some(Some(rights)) => {
                if let Err(denial) = rights.judge_entering(&person, *now) {
                    return EnterResult::Denied(denial);
                }
            }
            Some(None) => {}
            None if !room.is_lobby() && state.rooms_besides_lobby() >= max_rooms => return EnterResult::TooManyRooms,
            None => {
                let rights = (!room.is_lobby()).then(|| RoomRights::created_by(room, person.holder, *now));
                state.rooms.insert(room.clone(), Room { rights: rights.map(Box::new), ..Room::default() });
            }
        }
        let seat = Seat { generation: session_key.generation, account: *account, is_operator: *is_operator };
        let members = state.add(&session_key.user, seat, room);
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
        if !kept.members.get(user).is_some_and(|seat| is_meant(seat.generation)) {
            return Flush::default();
        }
        kept.members.remove(user);
        let left = kept.members.len();
        if left == 0 && !kept.is_kept() {
            state.rooms.remove(room);
        }
        state.forget_place(user, room);
        self.announce(state, user, room, Change::Left, left).1
    }

    pub(super) fn announce(
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

    /// Gives the user a seat, in place of that of an earlier session. Returns the number of members.
    fn add(&mut self, user: &UserName, seat: Seat, room: &RoomName) -> usize {
        let place = self.rooms.entry(room.clone()).or_default();
        place.removed.remove(user);
        place.members.insert(user.clone(), seat);
        let count = place.members.len();
        let known = self.users.entry(user.clone()).or_default();
        if !known.rooms.contains(room) {
            known.rooms.push(room.clone());
        }
        count
    }
}

impl Room {
    /// Whether the room exists for somebody: a private one only for those inside and those who may enter.
    fn is_visible_to(&self, viewer: &Person) -> bool {
        let rights = self.rights.as_deref();
        planted(Bug::ShowPrivate)
            || self.members.contains_key(&viewer.holder.user)
            || rights.is_none_or(|rights| rights.is_visible_to(viewer))
    }
}
