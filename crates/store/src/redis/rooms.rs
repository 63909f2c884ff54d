//! Entering and leaving rooms. The room's script numbers and announces each change, so all servers receive the changes
//! in one order.

use std::collections::BTreeSet;
use std::time::Duration;

use parlor_core::ports::{EnterResult, Entrant, LogId, Rooms, SessionKey, StoreError, StoreResult};
use parlor_core::rights::{Denial, Person, RoomRights};
use parlor_proto::{RoomName, RoomSummary, Timestamp, UserName};

use super::codec;
use super::connection::command::{self, Argument, Command};
use super::connection::companions::Companions;
use super::connection::router::Router;
use super::connection::script;
use super::keys::{self, ServerId};
use super::membership::local_sessions::DeferredCleanup;
use super::membership::server::Server;

/// Time limit of an enter: far less than the TTL of a fence.
pub(super) const ENTER_PATIENCE: Duration = Duration::from_secs(5);

/// Least time for the request of an enter that was noted before.
const REQUEST_TIME: Duration = Duration::from_secs(3);

/// The script's answers to a note: it is there, or there is no such session.
const NOTED: i64 = 1;
const ABSENT: i64 = 0;

/// The answers to an enter that are no number of members.
const FENCED: i64 = -1;
const BANNED: i64 = -3;
pub(super) const REMOVED: i64 = -4;
const PRIVATE: i64 = -5;

/// Whether an answer to an enter says that the rights in the room deny it.
pub(super) fn is_denied(answer: i64) -> bool {
    matches!(answer, BANNED | REMOVED | PRIVATE)
}

impl Rooms for Server {
    fn enter(&self, entrant: &Entrant, rooms: &[RoomName], max_rooms: usize) -> StoreResult<Vec<EnterResult>> {
        self.enter_with(entrant, rooms, max_rooms, &mut Companions::default())
    }

    fn leave(&self, session_key: &SessionKey, rooms: &[RoomName]) -> StoreResult<()> {
        let _reserved = self.local.reserve(session_key);
        self.leave_all(session_key, rooms)
    }

    fn counts(&self, rooms: &[RoomName]) -> StoreResult<Vec<usize>> {
        let replies = self.router.call_all(rooms.iter().map(count_members).collect());
        replies.into_iter().map(command::read).collect()
    }

    fn evict_predecessors(&self, session_key: &SessionKey) -> StoreResult<()> {
        if self.local.is_first(session_key) {
            return Ok(());
        }
        let endings = self.predecessors(&session_key.user)?.endings;
        let below = session_key.generation.to_string();
        let earlier = endings.into_iter().filter(|ending| ending.generation < session_key.generation);
        let rooms: BTreeSet<RoomName> = earlier.flat_map(|ending| ending.rooms).collect();
        let rooms: Vec<RoomName> = rooms.into_iter().collect();
        if rooms.is_empty() { Ok(()) } else { self.evict(&session_key.user, &rooms, &below) }
    }

    fn members(&self, room: &RoomName, viewer: &Person) -> StoreResult<Vec<UserName>> {
        let list = Command::plain("SMEMBERS", keys::members(room), &[]);
        let [names, view] = self.router.call_each([list, ask_for_view(room, viewer)]);
        let names: Vec<String> = command::read(names)?;
        Ok(if is_visible(view, viewer)? { sorted(&names) } else { Vec::new() })
    }

    fn rooms(&self, viewer: &Person) -> StoreResult<Vec<RoomSummary>> {
        let all = rooms(&self.router, viewer)?;
        let empty = all.iter().filter(|(summary, _)| summary.members == 0);
        self.drop_rooms(&empty.filter_map(|(it, version)| Some((&it.room, (*version)?))).collect::<Vec<_>>())?;
        let summaries = all.into_iter().map(|(summary, _)| summary);
        Ok(summaries.filter(|summary| summary.members > 0 || summary.room.is_lobby()).collect())
    }
}

/// All rooms of the index that may have members, and the lobby, sorted, each with its version in the index.
fn rooms(router: &Router, viewer: &Person) -> StoreResult<Vec<(RoomSummary, Option<u64>)>> {
    let versions = codec::read_index(router.call(codec::ask_for_index()))?;
    let counts = versions.keys().map(count_members);
    let commands = counts.chain(versions.keys().map(|room| ask_for_view(room, viewer))).collect();
    let mut replies = router.call_all(commands).into_iter();
    let counts: Vec<_> = replies.by_ref().take(versions.len()).collect();
    let mut found = Vec::with_capacity(versions.len());
    for (((room, version), count), view) in versions.into_iter().zip(counts).zip(replies) {
        let members = command::read(count)?;
        if is_visible(view, viewer)? {
            found.push((RoomSummary { room, members }, version));
        }
    }
    Ok(found)
}

/// Asks whether a room exists for somebody.
fn ask_for_view(room: &RoomName, viewer: &Person) -> Command {
    let user = viewer.holder.user.as_str();
    Command::plain("HMGET", keys::memberships(room), &["!", user, &format!("{user}+")])
}

/// Reads the answer to [`ask_for_view`]: a private room exists for those inside and those who may enter.
fn is_visible(reply: StoreResult<::redis::Value>, viewer: &Person) -> StoreResult<bool> {
    let (mode, seat, grant): (Option<String>, Option<String>, Option<String>) = command::read(reply)?;
    let is_private = mode.is_some_and(|mode| mode.contains('p'));
    Ok(!is_private || viewer.is_operator || seat.is_some() || grant.is_some())
}

/// Asks how many members a room has.
pub(super) fn count_members(room: &RoomName) -> Command {
    Command::plain("SCARD", keys::members(room), &[])
}

/// The parameters of an enter.
#[derive(Debug, Clone, Copy)]
pub(super) struct EnterParams {
    pub(super) seq: u64,
    /// Redis's time after which it is too late, in microseconds.
    pub(super) deadline: i64,
}

impl Server {
    /// Enters rooms, and sends the companions behind the enters.
    pub(super) fn enter_with(
        &self,
        entrant: &Entrant,
        rooms: &[RoomName],
        max_rooms: usize,
        companions: &mut Companions,
    ) -> StoreResult<Vec<EnterResult>> {
        let session_key = &entrant.session_key;
        self.check_lease_for(&session_key.user)?;
        let _reserved = self.local.reserve(session_key);
        // The deadline is taken before any request. Otherwise a server that freezes in between would take it too late.
        let deadline = self.lease.deadline(ENTER_PATIENCE);
        let mut results = vec![EnterResult::TooManyRooms; rooms.len()];
        let first_enter = self.first_enter(session_key, rooms);
        let admitted = self.admit_all(rooms, max_rooms)?;
        let pass = |&at| (&rooms[at], first_enter.unwrap_or_else(|| EnterParams { seq: self.next_seq(), deadline }));
        let passes: Vec<_> = admitted.iter().map(pass).collect();
        let entered = match first_enter {
            Some(_) => self.enter_noted(entrant, &passes, passes.iter().map(|_| Ok(NOTED)).collect(), companions),
            None => self.note_and_enter(entrant, &passes, companions),
        };
        let mut outcome = Ok(());
        for ((at, (room, pass)), entered) in admitted.into_iter().zip(&passes).zip(entered) {
            match entered {
                Ok(result) => {
                    if matches!(result, EnterResult::Member { .. }) {
                        self.local.entered(session_key, room, entrant.is_operator);
                    }
                    results[at] = result;
                }
                Err(error) => {
                    let (session_key, room) = (session_key.clone(), (*room).clone());
                    self.local.defer(DeferredCleanup::Membership { session_key, room, seq: pass.seq });
                    outcome = Err(error);
                }
            }
        }
        if let Err(error) = outcome {
            let entered = rooms.iter().zip(&results).filter(|(_, it)| matches!(it, EnterResult::Member { .. }));
            let entered: Vec<RoomName> = entered.map(|(room, _)| room.clone()).collect();
            // What fails here is tried again later.
            drop(self.leave_all(session_key, &entered));
            return Err(error);
        }
        Ok(results)
    }

    /// The enter of the lobby that the claim of a session noted, while there is time for it (decision 41). It keeps the
    /// deadline of the note. With a later deadline, a session that was displaced long ago could enter behind its successor,
    /// whose fence is gone.
    fn first_enter(&self, session_key: &SessionKey, rooms: &[RoomName]) -> Option<EnterParams> {
        let first = self.local.take_first_enter(session_key)?;
        let is_lobby = matches!(rooms, [room] if room.is_lobby());
        let has_time = first.deadline >= self.lease.deadline(REQUEST_TIME);
        (is_lobby && has_time).then_some(EnterParams { seq: first.seq, deadline: first.deadline })
    }

    /// Notes the enters at the session, and enters. If Redis lost the session, restores it first.
    fn note_and_enter(
        &self,
        entrant: &Entrant,
        passes: &[(&RoomName, EnterParams)],
        companions: &mut Companions,
    ) -> Vec<StoreResult<EnterResult>> {
        let session_key = &entrant.session_key;
        let mut noted = self.record_intents(session_key, passes);
        if noted.iter().any(|noted| matches!(noted, Ok(ABSENT))) {
            match self.restore_session(session_key) {
                Ok(true) => noted = self.record_intents(session_key, passes),
                Ok(false) => {}
                Err(error) => return vec![Err(error); passes.len()],
            }
        }
        self.enter_noted(entrant, passes, noted, companions)
    }

    /// Enters the rooms that are noted at the session, and keeps them in the index.
    fn enter_noted(
        &self,
        entrant: &Entrant,
        passes: &[(&RoomName, EnterParams)],
        noted: Vec<StoreResult<i64>>,
        companions: &mut Companions,
    ) -> Vec<StoreResult<EnterResult>> {
        let session_key = &entrant.session_key;
        let is_noted = |noted: &StoreResult<i64>| matches!(noted, Ok(NOTED));
        let ready = passes.iter().zip(&noted).filter(|(_, noted)| is_noted(noted));
        let id = self.id();
        let enter = |(room, pass): &(&RoomName, EnterParams)| {
            let created = RoomRights::created_by(room, entrant.person().holder, entrant.now);
            let created = if room.is_lobby() { String::new() } else { created.stored() };
            let how = How { is_operator: entrant.is_operator, created: &created, is_back: false };
            enter(session_key, room, &id, *pass, &how)
        };
        let mut commands: Vec<Command> = ready.map(|(pass, _)| enter(pass)).collect();
        let count = commands.len();
        commands.extend(companions.after.iter().cloned());
        let mut replies = self.router.call_all(commands);
        companions.replies_after = replies.split_off(count);
        let mut replies = replies.into_iter();
        let mut entered = Vec::with_capacity(passes.len());
        for noted in noted {
            entered.push(match noted {
                Ok(NOTED) => read_enter(replies.next()),
                Ok(_) => Ok(EnterResult::Fenced),
                Err(error) => Err(error),
            });
        }
        self.index_entered(passes, &mut entered);
        entered
    }

    /// Keeps the entered rooms in the index. The lobby needs no place there.
    fn index_entered(&self, passes: &[(&RoomName, EnterParams)], entered: &mut [StoreResult<EnterResult>]) {
        let versions =
            passes.iter().zip(&*entered).enumerate().filter_map(|(at, ((room, _), entered))| match entered {
                Ok(EnterResult::Member { version, .. }) if !room.is_lobby() => Some((at, index(room, *version))),
                _ => None,
            });
        let (places, commands): (Vec<usize>, Vec<Command>) = versions.unzip();
        for (at, reply) in places.into_iter().zip(self.router.call_all(commands)) {
            if let Err(error) = command::read::<i64>(reply) {
                entered[at] = Err(error);
            }
        }
    }

    /// Adds rooms to the index. Returns the places of those that may be entered now. The lobby needs no place in the index. A
    /// room with a log counts as known, even if it is not in the index: the index was lost, or the log is older than the index.
    fn admit_all(&self, rooms: &[RoomName], max_rooms: usize) -> StoreResult<Vec<usize>> {
        let (lobbies, others): (Vec<usize>, Vec<usize>) = (0..rooms.len()).partition(|&at| rooms[at].is_lobby());
        let (mut admitted, refused) = self.admit(rooms, others, max_rooms)?;
        admitted.extend(lobbies);
        admitted.sort_unstable();
        if !refused.is_empty() {
            let asked: Vec<&RoomName> = refused.iter().map(|&at| &rooms[at]).collect();
            let have_logs = self.have_logs(&asked)?;
            let known = refused.into_iter().zip(have_logs).filter_map(|(at, has_log)| has_log.then_some(at)).collect();
            admitted.extend(self.admit(rooms, known, usize::MAX)?.0);
            admitted.sort_unstable();
        }
        Ok(admitted)
    }

    /// Adds the rooms at some places to the index. Returns the places of those that are in it now, and of those for which
    /// there are too many rooms.
    fn admit(&self, rooms: &[RoomName], places: Vec<usize>, max_rooms: usize) -> StoreResult<(Vec<usize>, Vec<usize>)> {
        let lobby = RoomName::lobby();
        let admit = |&at: &usize| {
            let args: [&dyn Argument; 3] = [&rooms[at].as_str(), &max_rooms, &lobby.as_str()];
            Command::script(script::admit_room(), &[keys::ROOMS], &args)
        };
        let replies = self.router.call_all(places.iter().map(admit).collect());
        let (mut admitted, mut refused) = (Vec::new(), Vec::new());
        for (at, reply) in places.into_iter().zip(replies) {
            if command::read::<i64>(reply)? > 0 { admitted.push(at) } else { refused.push(at) }
        }
        Ok((admitted, refused))
    }

    fn record_intents(&self, session_key: &SessionKey, passes: &[(&RoomName, EnterParams)]) -> Vec<StoreResult<i64>> {
        let record = |(room, pass): &(&RoomName, EnterParams)| {
            let args: [&dyn Argument; 3] = [&session_key.generation.0, &room.as_str(), &pass.seq];
            Command::script(script::record_intent(), &[keys::session(&session_key.user)], &args)
        };
        self.router.call_all(passes.iter().map(record).collect()).into_iter().map(command::read).collect()
    }

    /// Removes a session from rooms. What fails is tried again later.
    fn leave_all(&self, session_key: &SessionKey, rooms: &[RoomName]) -> StoreResult<()> {
        let leaves: Vec<(RoomName, u64)> = rooms.iter().map(|room| (room.clone(), self.next_seq())).collect();
        rooms.iter().for_each(|room| self.local.left(session_key, room));
        let mut outcome = Ok(());
        for ((room, seq), left) in leaves.iter().zip(self.leave_until(session_key, &leaves)) {
            if let Err(error) = left {
                let (session_key, room, seq) = (session_key.clone(), room.clone(), *seq);
                self.local.defer(DeferredCleanup::Membership { session_key, room, seq });
                outcome = Err(error);
            }
        }
        outcome
    }

    /// Removes a session from rooms, each unless it entered again after the number beside it.
    pub(super) fn leave_until(&self, session_key: &SessionKey, rooms: &[(RoomName, u64)]) -> Vec<StoreResult<()>> {
        let leave = |(room, seq): &(RoomName, u64)| {
            let log = keys::room_log(room);
            let keys = [keys::members(room), keys::memberships(room), keys::meta(&log), keys::log(&log)];
            let args: [&dyn Argument; 3] = [&session_key.user.as_str(), &session_key.generation.0, seq];
            Command::script(script::leave(), &keys, &args)
        };
        let replies = self.router.call_all(rooms.iter().map(leave).collect());
        let mut results: Vec<StoreResult<(i64, u64)>> = replies.into_iter().map(command::read).collect();
        let is_empty = |left: &StoreResult<(i64, u64)>| matches!(left, Ok((0, _)));
        let empty: Vec<(&RoomName, u64)> = rooms
            .iter()
            .zip(&results)
            .filter(|(_, left)| is_empty(left))
            .filter_map(|((room, _), left)| Some((room, left.as_ref().ok()?.1)))
            .collect();
        if !empty.is_empty()
            && let Err(error) = self.drop_rooms(&empty)
        {
            results.iter_mut().filter(|left| is_empty(left)).for_each(|left| *left = Err(error.clone()));
        }
        let left = rooms.iter().zip(&results).filter(|(_, left)| left.is_ok());
        let clear = |((room, seq), _): (&(RoomName, u64), &StoreResult<(i64, u64)>)| {
            let args: [&dyn Argument; 3] = [&session_key.generation.0, &room.as_str(), seq];
            Command::script(script::clear_intent(), &[keys::session(&session_key.user)], &args)
        };
        let mut cleared = self.router.call_all(left.map(clear).collect()).into_iter();
        let finish = |left: StoreResult<(i64, u64)>| {
            left?;
            let missing = || Err(StoreError::new("no reply"));
            command::read::<i64>(cleared.next().unwrap_or_else(missing)).map(drop)
        };
        results.into_iter().map(finish).collect()
    }

    /// Restores a session that Redis no longer knows. The caller must have reserved it. Returns `false` if it was
    /// displaced.
    pub(super) fn restore_session(&self, session_key: &SessionKey) -> StoreResult<bool> {
        let Some(session) = self.local.find(session_key) else { return Ok(false) };
        Ok(self.restore(&[session])?.displaced == 0)
    }
}

/// Reads the answer to [`enter`].
fn read_enter(reply: Option<StoreResult<::redis::Value>>) -> StoreResult<EnterResult> {
    let missing = || Err(StoreError::new("no reply"));
    let (members, version): (i64, u64) = command::read(reply.unwrap_or_else(missing))?;
    match members {
        FENCED => Ok(EnterResult::Fenced),
        BANNED => {
            let until = i64::try_from(version).ok().filter(|until| *until > 0).map(Timestamp::from_millis);
            Ok(EnterResult::Denied(Denial::Banned(until)))
        }
        PRIVATE => Ok(EnterResult::Denied(Denial::InviteOnly)),
        REMOVED => Ok(EnterResult::Denied(Denial::NotInRoom)),
        members => match usize::try_from(members) {
            Ok(members) => Ok(EnterResult::Member { members, version }),
            Err(_) => Err(StoreError::new("an enter came too late")),
        },
    }
}

/// How a session enters.
pub(super) struct How<'a> {
    pub(super) is_operator: bool,
    /// The rights in the room if this creates it; empty if it may not.
    pub(super) created: &'a str,
    /// Whether the session was in the room before, so that its removal counts.
    pub(super) is_back: bool,
}

/// The command by which a session enters a room that is noted at it.
pub(super) fn enter(
    session_key: &SessionKey,
    room: &RoomName,
    server: &ServerId,
    pass: EnterParams,
    how: &How<'_>,
) -> Command {
    let log = keys::room_log(room);
    let keys = [
        keys::members(room),
        keys::memberships(room),
        keys::meta(&log),
        keys::log(&log),
        keys::fence(room, &session_key.user),
    ];
    let EnterParams { seq, deadline } = pass;
    let (role, back) = (if how.is_operator { "o" } else { "-" }, if how.is_back { "back" } else { "-" });
    let (user, server) = (session_key.user.as_str(), server.as_str());
    let args: [&dyn Argument; 8] =
        [&user, &session_key.generation.0, &seq, &server, &deadline, &how.created, &role, &back];
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

/// All logs that may have entries, or a number: those of rooms, and two of each user.
pub(super) fn all_logs(router: &Router) -> StoreResult<Vec<LogId>> {
    let rooms: Vec<String> = command::read(router.call(Command::plain("ZRANGE", keys::ROOMS, &["0", "-1"])))?;
    let mut rooms: BTreeSet<RoomName> = rooms.iter().filter_map(|room| room.parse().ok()).collect();
    rooms.insert(RoomName::lobby());
    let users: Vec<String> = command::read(router.call(Command::plain("SMEMBERS", keys::USERS, &[])))?;
    let of_users = sorted(&users).into_iter().flat_map(|user| [LogId::Feed(user.clone()), LogId::Inbox(user)]);
    Ok(rooms.into_iter().map(LogId::Room).chain(of_users).collect())
}

#[cfg(test)]
mod tests;
