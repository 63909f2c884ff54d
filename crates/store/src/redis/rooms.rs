//! Entering and leaving rooms. The room's script numbers and announces each change, so all servers receive the changes
//! in one order.

use std::time::Duration;

use parlor_core::ports::{EnterResult, Rooms, SessionKey, StoreError, StoreResult};
use parlor_proto::{RoomName, RoomSummary, UserName};

use super::codec;
use super::connection::command::{self, Argument, Command};
use super::connection::router::Router;
use super::connection::script;
use super::keys::{self, ServerId};
use super::membership::local_sessions::DeferredCleanup;
use super::membership::server::Server;

/// Time limit of an enter: far less than the TTL of a fence.
pub(super) const ENTER_PATIENCE: Duration = Duration::from_secs(5);

/// The script's answer if there is no such session.
const ABSENT: i64 = 0;

impl Rooms for Server {
    fn enter(&self, session_key: &SessionKey, room: &RoomName, max_rooms: usize) -> StoreResult<EnterResult> {
        self.lease.check()?;
        let _reserved = self.local.reserve(session_key);
        // The deadline is taken before any request. Otherwise a server that freezes in between would take it too late.
        let deadline = self.lease.deadline(ENTER_PATIENCE);
        // A room with a log counts as known, even if it is not in the index: the index was lost, or the log is older
        // than the index.
        let is_admitted = self.admit(room, max_rooms)? || (self.has_log(room)? && self.admit(room, usize::MAX)?);
        if !is_admitted {
            return Ok(EnterResult::TooManyRooms);
        }
        let pass = EnterParams { seq: self.next_seq(), deadline };
        let seq = pass.seq;
        let entered = self.note_and_enter(session_key, room, pass);
        match &entered {
            Ok(EnterResult::Member { .. }) => self.local.entered(session_key, room),
            Ok(_) => {}
            Err(_) => self.local.defer(DeferredCleanup::Membership {
                session_key: session_key.clone(),
                room: room.clone(),
                seq,
            }),
        }
        entered
    }

    fn leave(&self, session_key: &SessionKey, room: &RoomName) -> StoreResult<()> {
        let _reserved = self.local.reserve(session_key);
        self.local.left(session_key, room);
        let seq = self.next_seq();
        let left = self.leave_until(session_key, room, seq);
        if left.is_err() {
            self.local.defer(DeferredCleanup::Membership { session_key: session_key.clone(), room: room.clone(), seq });
        }
        left
    }

    fn evict_predecessors(&self, session_key: &SessionKey) -> StoreResult<()> {
        let (_, endings) = self.predecessors(&session_key.user)?;
        let below = session_key.generation.to_string();
        for ending in endings.iter().filter(|ending| ending.generation < session_key.generation) {
            for room in &ending.rooms {
                self.evict(&session_key.user, room, &below)?;
            }
        }
        Ok(())
    }

    fn members(&self, room: &RoomName) -> StoreResult<Vec<UserName>> {
        let names: Vec<String> = self.call(Command::plain("SMEMBERS", keys::members(room), &[]))?;
        Ok(sorted(&names))
    }

    fn rooms(&self) -> StoreResult<Vec<RoomSummary>> {
        let all = rooms(&self.router)?;
        let empty = all.iter().filter(|(summary, _)| summary.members == 0);
        self.drop_rooms(&empty.filter_map(|(it, version)| Some((&it.room, (*version)?))).collect::<Vec<_>>())?;
        let summaries = all.into_iter().map(|(summary, _)| summary);
        Ok(summaries.filter(|summary| summary.members > 0 || summary.room.is_lobby()).collect())
    }
}

/// All rooms of the index that may have members, and the lobby, sorted, each with its version in the index.
fn rooms(router: &Router) -> StoreResult<Vec<(RoomSummary, Option<u64>)>> {
    let versions = codec::read_index(router.call(codec::ask_for_index()))?;
    let counts = router.call_all(versions.keys().map(count_members).collect());
    let rooms = versions.into_iter().zip(counts);
    rooms.map(|((room, version), count)| Ok((RoomSummary { room, members: command::read(count)? }, version))).collect()
}

/// Asks how many members a room has.
pub(super) fn count_members(room: &RoomName) -> Command {
    Command::plain("SCARD", keys::members(room), &[])
}

/// The parameters of an enter.
pub(super) struct EnterParams {
    pub(super) seq: u64,
    /// Redis's time after which it is too late, in microseconds.
    pub(super) deadline: i64,
}

impl Server {
    /// Notes the enter at the session, and enters. If Redis lost the session, restores it first.
    fn note_and_enter(&self, session_key: &SessionKey, room: &RoomName, pass: EnterParams) -> StoreResult<EnterResult> {
        let mut noted = self.record_intent(session_key, room, pass.seq)?;
        if noted == ABSENT && self.restore_session(session_key)? {
            noted = self.record_intent(session_key, room, pass.seq)?;
        }
        if noted == 1 { self.enter_noted(session_key, room, pass) } else { Ok(EnterResult::Fenced) }
    }

    /// Adds a room to the index. Returns `false` if there are too many rooms.
    fn admit(&self, room: &RoomName, max_rooms: usize) -> StoreResult<bool> {
        let lobby = RoomName::lobby();
        let args: [&dyn Argument; 3] = [&room.as_str(), &max_rooms, &lobby.as_str()];
        self.call::<i64>(Command::script(script::admit_room(), &[keys::ROOMS], &args)).map(|admitted| admitted > 0)
    }

    fn record_intent(&self, session_key: &SessionKey, room: &RoomName, seq: u64) -> StoreResult<i64> {
        let args: [&dyn Argument; 3] = [&session_key.generation.0, &room.as_str(), &seq];
        self.call(Command::script(script::record_intent(), &[keys::session(&session_key.user)], &args))
    }

    /// Enters a room that is noted at the session.
    fn enter_noted(&self, session_key: &SessionKey, room: &RoomName, pass: EnterParams) -> StoreResult<EnterResult> {
        let (members, version): (i64, u64) = self.call(enter(session_key, room, &self.id(), pass))?;
        let Ok(members) = usize::try_from(members) else {
            return if members == -1 {
                Ok(EnterResult::Fenced)
            } else {
                Err(StoreError::new("an enter came too late"))
            };
        };
        self.call::<i64>(index(room, version))?;
        Ok(EnterResult::Member { members, version })
    }

    /// Removes a session from a room, unless it entered again after `seq`.
    pub(super) fn leave_until(&self, session_key: &SessionKey, room: &RoomName, seq: u64) -> StoreResult<()> {
        let log = keys::room_log(room);
        let keys = [keys::members(room), keys::memberships(room), keys::meta(&log), keys::log(&log)];
        let args: [&dyn Argument; 3] = [&session_key.user.as_str(), &session_key.generation.0, &seq];
        let (members, version): (i64, u64) = self.call(Command::script(script::leave(), &keys, &args))?;
        if members == 0 {
            self.drop_room(room, version)?;
        }
        let forget: [&dyn Argument; 3] = [&session_key.generation.0, &room.as_str(), &seq];
        self.call::<i64>(Command::script(script::clear_intent(), &[keys::session(&session_key.user)], &forget))
            .map(drop)
    }

    /// Restores a session that Redis no longer knows. The caller must have reserved it. Returns `false` if it was
    /// displaced.
    pub(super) fn restore_session(&self, session_key: &SessionKey) -> StoreResult<bool> {
        let Some(session) = self.local.find(session_key) else { return Ok(false) };
        Ok(self.restore(&[session])?.displaced == 0)
    }
}

/// The command by which a session enters a room that is noted at it.
pub(super) fn enter(session_key: &SessionKey, room: &RoomName, server: &ServerId, pass: EnterParams) -> Command {
    let log = keys::room_log(room);
    let keys = [
        keys::members(room),
        keys::memberships(room),
        keys::meta(&log),
        keys::log(&log),
        keys::fence(room, &session_key.user),
    ];
    let EnterParams { seq, deadline } = pass;
    let args: [&dyn Argument; 5] =
        [&session_key.user.as_str(), &session_key.generation.0, &seq, &server.as_str(), &deadline];
    Command::script(script::enter(), &keys, &args)
}

/// The command that keeps a room in the index after an enter.
pub(super) fn index(room: &RoomName, version: u64) -> Command {
    Command::script(script::index_room(), &[keys::ROOMS], &[&room.as_str(), &version])
}

/// Parses and sorts names; drops texts that are not a valid name.
pub(super) fn sorted(names: &[String]) -> Vec<UserName> {
    let mut users: Vec<UserName> = names.iter().filter_map(|name| name.parse().ok()).collect();
    users.sort();
    users
}
