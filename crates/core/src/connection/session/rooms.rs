//! The open rooms of a session: entering, leaving, and which of them is current. No event of a room arrives after the
//! reply that it was left, and none before the reply that it was entered.

use parlor_proto::{Bye, Event, Refusal, Reply, RoomName, Verb};

use super::{OpenLog, Session, SessionError};
use crate::connection::effects::{CommandError, During};
use crate::connection::handle::{ConnectionHandle, PendingRoom};
use crate::delivery::eviction::Eviction;
use crate::planted::{Bug, planted};
use crate::ports::{Head, LogId, StoreError};

/// What the reply to entering a room tells.
struct Place {
    members: usize,
    head: Head,
}

impl Session {
    /// The current room.
    pub(crate) fn room(&self) -> &RoomName {
        &self.current
    }

    /// Whether a room is open.
    pub(crate) fn is_open(&self, room: &RoomName) -> bool {
        self.logs.get(&LogId::Room(room.clone())).is_some()
    }

    /// The open rooms, sorted.
    pub(crate) fn open_rooms(&self) -> impl Iterator<Item = &RoomName> {
        self.logs.keys().filter_map(LogId::room)
    }

    /// Leaves the current room, makes another one current, which is entered if it is not open, and replies.
    pub(crate) fn move_to(&mut self, handle: &ConnectionHandle, to: RoomName, verb: Verb) -> Result<(), SessionError> {
        let pending = self.enter_unless_open(handle, &to)?;
        let left = std::mem::replace(&mut self.current, to.clone());
        let reply = |left: RoomName, Place { members, head: Head { epoch, last } }: Place| -> Event {
            match verb {
                Verb::Leave => Reply::Leave { left, room: to, members, epoch, last }.into(),
                _ => Reply::Join { room: to, members, epoch, last }.into(),
            }
        };
        self.leave_room(handle, &left);
        match pending {
            Entering::New(pending) => self.activate(pending, |place| reply(left, place)),
            Entering::Open(place) => handle.peer.reply(&reply(left, place)),
        }
        Ok(())
    }

    /// Enters one more room, remembers it, and replies.
    pub(crate) fn open(&mut self, handle: &ConnectionHandle, room: RoomName) -> Result<(), SessionError> {
        let pending = handle.enter(&self.person, &room)?;
        let read = pending.topic.position_of(self.connection).last;
        let max = handle.services.policy.max_open_rooms;
        let remembered = handle.services.store.personal.remember(self.user(), &room, read, max);
        let unable = match remembered.during("remembering a room") {
            Ok(true) => {
                let topic = handle.topic(&room);
                self.activate(pending, |Place { members, head: Head { epoch, last } }| {
                    Reply::Open { room, members, epoch, last, topic }.into()
                });
                return Ok(());
            }
            Ok(false) => Refusal::LimitReached("open rooms of one user").into(),
            Err(error) => error.into(),
        };
        handle.abandon(&self.person.session_key, &[pending]);
        Err(unable)
    }

    /// Leaves an open room, forgets it, and replies. If it was current, the lobby becomes current.
    pub(crate) fn close(&mut self, handle: &ConnectionHandle, room: RoomName) -> Result<(), SessionError> {
        let lobby = RoomName::lobby();
        let is_current = self.current == room;
        let pending =
            if is_current && !self.is_open(&lobby) { Some(handle.enter(&self.person, &lobby)?) } else { None };
        if let Err(error) = handle.services.store.personal.forget(self.user(), &room).during("forgetting a room") {
            handle.abandon(&self.person.session_key, pending.as_slice());
            return Err(error.into());
        }
        self.leave_room(handle, &room);
        if is_current {
            self.current = lobby;
        }
        let reply: Event = Reply::Close { room, current: self.current.clone() }.into();
        match pending {
            Some(pending) => self.activate(pending, |_| reply),
            None => handle.peer.reply(&reply),
        }
        Ok(())
    }

    /// The user was removed from a room. If it was current, the lobby becomes current, and the client is told. The client
    /// knows from the log of the room who did it.
    pub(crate) fn evict(&mut self, handle: &ConnectionHandle, eviction: Eviction) {
        let Eviction { room, id, reason } = eviction;
        // Whoever entered again after it stays.
        if self.logs.get(&LogId::Room(room.clone())).is_none_or(|open| open.since >= id) {
            return;
        }
        handle.note("forgetting a room", handle.services.store.personal.forget(self.user(), &room));
        if self.current != room {
            return self.leave_room(handle, &room);
        }
        let lobby = RoomName::lobby();
        let moved = |lobby, Place { members, head: Head { epoch, last } }: Place| -> Event {
            Event::Moved { room: lobby, members, epoch, last, reason }
        };
        match self.enter_unless_open(handle, &lobby) {
            Ok(Entering::New(pending)) => {
                self.leave_room(handle, &room);
                self.current = lobby.clone();
                self.activate(pending, |place| moved(lobby, place));
            }
            Ok(Entering::Open(place)) => {
                self.leave_room(handle, &room);
                self.current = lobby.clone();
                handle.peer.reply(&moved(lobby, place));
            }
            // A session without a room cannot go on. The client logs in again.
            Err(SessionError::Denied(error)) => {
                if let CommandError::Failed { what, error } = error {
                    handle.note(what, Err(error));
                }
                handle.peer.close(Bye::Kicked).run();
            }
            Err(SessionError::Over(bye)) => handle.peer.close(bye).run(),
        }
    }

    /// Makes an open room the current one, and replies.
    pub(crate) fn switch(&mut self, handle: &ConnectionHandle, room: RoomName) {
        self.current = room.clone();
        handle.peer.reply(&Reply::Switch { room }.into());
    }

    fn enter_unless_open(&self, handle: &ConnectionHandle, room: &RoomName) -> Result<Entering, SessionError> {
        if !self.is_open(room) {
            return Ok(Entering::New(handle.enter(&self.person, room)?));
        }
        let store = &handle.services.store;
        let counts = store.rooms.counts(std::slice::from_ref(room)).during("counting members")?;
        let heads = store.log.heads(&[LogId::Room(room.clone())]).during("reading the head of a log")?;
        let place = counts.first().zip(heads.first()).map(|(&members, &head)| Place { members, head });
        let place = place.ok_or_else(|| StoreError::new("no reply"));
        Ok(Entering::Open(place.during("looking at a room")?))
    }

    /// Receives nothing more of a room, and ends the membership.
    fn leave_room(&mut self, handle: &ConnectionHandle, room: &RoomName) {
        let log = LogId::Room(room.clone());
        if planted(Bug::HearOldRoom) {
            self.logs.remove(&log);
        } else {
            self.unlisten(handle, &log);
        }
        handle.leave(&self.person.session_key, std::slice::from_ref(room));
    }

    /// Adds an entered room to the open rooms, replies, and lets its events through.
    fn activate(&mut self, pending: PendingRoom, reply: impl FnOnce(Place) -> Event) {
        let PendingRoom { room, topic, members, version } = pending;
        let open = OpenLog::new(topic.clone(), self.connection);
        self.logs.insert(LogId::Room(room), open);
        topic.activate(self.connection, Some(version), |head| Some(reply(Place { members, head }))).run();
    }
}

/// A room that becomes current.
enum Entering {
    New(PendingRoom),
    Open(Place),
}
