//! Ends the sessions that dead servers left behind. Any server may do it, and several at once: each step is harmless to
//! repeat. It must not announce a leave itself: only the script that removes the member does.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use ::redis::{FromRedisValue, Value};
use parlor_core::planted::{Bug, planted};
use parlor_core::ports::{SessionKey, StoreError, StoreResult};
use parlor_proto::{Generation, RoomName, UserName};

use crate::redis::codec::read_notes;
use crate::redis::connection::command::{self, Command};
use crate::redis::connection::script;
use crate::redis::directs::ask_for_undelivered;
use crate::redis::keys::{self, ServerId};
use crate::redis::membership::server::Server;
use crate::redis::{Note, random};

/// Number of sessions that are checked together.
pub(in crate::redis) const CHUNK: usize = 100;

/// Time limit of a search: the lease must be renewed in time.
const LOOK: Duration = Duration::from_secs(2);

impl Server {
    /// Searches for servers whose lease expired, and ends their sessions. Unreachable data is left to the next search.
    /// Blocks.
    ///
    /// # Errors
    /// Some data was unreachable.
    pub(in crate::redis) fn reap(&self) -> StoreResult<()> {
        if planted(Bug::NoReaper) {
            return Ok(());
        }
        let until = Instant::now() + LOOK;
        let ids: Vec<String> = self.call(Command::plain("SMEMBERS", keys::SERVERS, &[]))?;
        let own = self.id();
        let mut ids: Vec<ServerId> = ids.iter().map(|id| ServerId::read(id)).filter(|id| *id != own).collect();
        rotate_randomly(&mut ids);
        let leases = ids.iter().map(|id| Command::plain("EXISTS", keys::lease(id), &[])).collect();
        let mut outcome = Ok(());
        for (id, lease) in ids.iter().zip(self.router.try_all(leases)) {
            // A server whose state is unknown may live.
            outcome = outcome.and(match command::read::<i64>(lease) {
                Ok(0) => self.reap_server(id, until),
                Ok(_) => Ok(()),
                Err(error) => Err(error),
            });
        }
        outcome
    }

    fn reap_server(&self, dead: &ServerId, until: Instant) -> StoreResult<()> {
        let mut entries: Vec<String> = self.try_call(Command::plain("SMEMBERS", keys::server_sessions(dead), &[]))?;
        rotate_randomly(&mut entries);
        let (mut sessions, mut outcome) = (0, Ok(()));
        for chunk in entries.chunks(CHUNK) {
            if Instant::now() > until {
                outcome = outcome.and(Err(StoreError::new("a dead server left more than one look ends")));
                break;
            }
            let (ended, done) = self.reap_chunk(dead, chunk);
            sessions += ended;
            outcome = outcome.and(done);
        }
        if sessions > 0 {
            self.events.note(&Note::Reaped { server: dead.as_str().to_owned(), sessions });
        }
        // The server must stay listed as long as any session is left.
        outcome?;
        self.call::<i64>(Command::plain("SREM", keys::SERVERS, &[dead.as_str()])).map(drop)
    }

    /// Searches for sessions that Redis has under this server's id and this server does not know: a failover lost their
    /// release. A session that is unknown in two consecutive checks is removed. Stores the sessions that are unknown
    /// now in `suspected`.
    ///
    /// # Errors
    /// Some data was unreachable. The next check finds the rest.
    pub(in crate::redis) fn reap_orphans(&self, suspected: &mut BTreeSet<String>) -> StoreResult<()> {
        let own = self.id();
        let entries: Vec<String> = self.try_call(Command::plain("SMEMBERS", keys::server_sessions(&own), &[]))?;
        let known = self.local.entries();
        let unknown: BTreeSet<String> = entries.into_iter().filter(|entry| !known.contains(entry)).collect();
        let orphans: Vec<String> = unknown.intersection(suspected).cloned().collect();
        *suspected = unknown;
        let mut outcome = Ok(());
        for chunk in orphans.chunks(CHUNK) {
            outcome = outcome.and(self.reap_chunk(&own, chunk).1);
        }
        outcome
    }

    /// Ends some sessions of a dead server, one step at a time for all of them: finds them, removes them from their
    /// rooms, completes their direct messages, ends them, and removes their entries. If a step fails for a user, the user's later steps are skipped.
    /// Returns how many were ended.
    fn reap_chunk(&self, dead: &ServerId, entries: &[String]) -> (usize, StoreResult<()>) {
        let users: Vec<UserName> = entries.iter().filter_map(|entry| keys::user_of_session_entry(entry)).collect();
        let mut failures = Failures::default();
        let left = self.orphans_of(dead, &users, &mut failures);
        self.expel_all(&left, &mut failures);
        self.complete_directs_of_all(&users, &mut failures);
        let ended = self.end_all(dead, &left, &mut failures);
        let is_done = |entry: &&String| keys::user_of_session_entry(entry).is_none_or(|user| !failures.has(&user));
        let done: Vec<&str> = entries.iter().filter(is_done).map(String::as_str).collect();
        let forgotten = if done.is_empty() {
            Ok(0)
        } else {
            self.try_call::<i64>(Command::plain("SREM", keys::server_sessions(dead), &done))
        };
        (ended, failures.outcome.and(forgotten.map(drop)))
    }

    /// The sessions that some users have left on a dead server.
    fn orphans_of(&self, dead: &ServerId, users: &[UserName], failures: &mut Failures) -> Vec<OrphanedSession> {
        let look = |user: &UserName| {
            let keys = [keys::session(user), keys::ending(user)];
            Command::script(script::sessions_on(), &keys, &[&dead.as_str()])
        };
        let found = self.router.try_all(users.iter().map(look).collect());
        let mut left = Vec::new();
        for (user, found) in users.iter().zip(found) {
            let found: Vec<String> = failures.read(user, found).unwrap_or_default();
            left.extend(found.chunks_exact(2).map(|pair| OrphanedSession {
                user: user.clone(),
                generation: pair[0].clone(),
                rooms: read_notes(&pair[1]),
            }));
        }
        // If the server is this one, only sessions that it does not know are dead.
        let is_alive = |left: &OrphanedSession| {
            let generation = left.generation.parse().map(Generation);
            generation
                .is_ok_and(|generation| self.local.find(&SessionKey { user: left.user.clone(), generation }).is_some())
        };
        left.retain(|left| !is_alive(left));
        left
    }

    /// Removes sessions from their rooms.
    fn expel_all(&self, left: &[OrphanedSession], failures: &mut Failures) {
        let memberships = left.iter().flat_map(|left| left.rooms.iter().map(move |room| (left, room)));
        let memberships: Vec<_> = memberships.collect();
        let expel = |(left, (room, seq)): &(&OrphanedSession, &(RoomName, u64))| expel(left, room, *seq);
        let changes = self.router.try_all(memberships.iter().map(expel).collect());
        let mut emptied = Vec::new();
        for ((left, (room, _)), change) in memberships.iter().zip(changes) {
            if let Some((0, version)) = failures.read::<(i64, u64)>(&left.user, change) {
                emptied.push((room, version));
            }
        }
        // If an empty room stays in the index, the next server that sees it empty drops it.
        failures.note(self.drop_rooms(&emptied));
    }

    /// Appends the copies of direct messages that the server left to do.
    fn complete_directs_of_all(&self, users: &[UserName], failures: &mut Failures) {
        let noted = self.router.try_all(users.iter().map(ask_for_undelivered).collect());
        for (user, noted) in users.iter().zip(noted) {
            let noted: Option<HashMap<String, String>> = failures.read(user, noted);
            if noted.is_some_and(|noted| !noted.is_empty())
                && let Err(error) = self.complete_directs_of(user)
            {
                failures.users.insert(user.clone());
                failures.note(Err(error));
            }
        }
    }

    /// Ends sessions that are in no room any more, and returns how many there were.
    fn end_all(&self, dead: &ServerId, left: &[OrphanedSession], failures: &mut Failures) -> usize {
        let end = |left: &&OrphanedSession| {
            let keys = [keys::session(&left.user), keys::ending(&left.user)];
            Command::script(script::reap(), &keys, &[&dead.as_str(), &left.generation])
        };
        let out: Vec<&OrphanedSession> = left.iter().filter(|left| !failures.has(&left.user)).collect();
        let replies = self.router.try_all(out.iter().map(end).collect());
        let ended = out.iter().zip(replies).filter_map(|(left, reply)| failures.read::<i64>(&left.user, reply));
        ended.count()
    }
}

/// The users for whom a step failed, and the first error.
struct Failures {
    users: BTreeSet<UserName>,
    outcome: StoreResult<()>,
}

impl Default for Failures {
    fn default() -> Self {
        Self { users: BTreeSet::new(), outcome: Ok(()) }
    }
}

impl Failures {
    fn has(&self, user: &UserName) -> bool {
        self.users.contains(user)
    }

    /// Reads a reply about a user; none if it is an error.
    fn read<T: FromRedisValue>(&mut self, user: &UserName, reply: StoreResult<Value>) -> Option<T> {
        let read = command::read(reply);
        if read.is_err() {
            self.users.insert(user.clone());
        }
        read.map_err(|error| self.note(Err(error))).ok()
    }

    fn note(&mut self, outcome: StoreResult<()>) {
        self.outcome = std::mem::replace(&mut self.outcome, Ok(())).and(outcome);
    }
}

/// Starts each search at a random place, so that repeated failures do not block the rest.
pub(in crate::redis) fn rotate_randomly<T>(all: &mut [T]) {
    if let Some(last) = all.len().checked_sub(1) {
        all.rotate_left(usize::try_from(random::number() % (last as u64 + 1)).unwrap_or(0));
    }
}

/// A session that its server left behind.
struct OrphanedSession {
    user: UserName,
    generation: String,
    /// Rooms that it may be in, and the number of its last enter of each.
    rooms: Vec<(RoomName, u64)>,
}

/// The command that removes a session of a dead server from a room.
fn expel(left: &OrphanedSession, room: &RoomName, seq: u64) -> Command {
    let log = keys::room_log(room);
    let keys = [keys::members(room), keys::memberships(room), keys::meta(&log), keys::log(&log)];
    Command::script(script::expel(), &keys, &[&left.user.as_str(), &left.generation, &seq])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::connection::fake_node::shown;

    #[test]
    fn a_search_begins_anywhere_and_leaves_nothing_out() {
        let mut firsts = BTreeSet::new();
        for _ in 0..200 {
            let mut all = [0, 1, 2, 3];
            rotate_randomly(&mut all);
            // The order stays, around the end.
            assert!((0..4).all(|at| all[(at + 1) % 4] == (all[at] + 1) % 4), "{all:?}");
            firsts.insert(all[0]);
        }
        assert_eq!(firsts.len(), 4, "each was the first one once");
        rotate_randomly::<u8>(&mut []);
    }

    #[test]
    fn a_user_for_whom_a_step_failed_is_skipped_and_the_first_error_is_told() {
        let (ann, bob): (UserName, UserName) = ("ann".parse().unwrap(), "bob".parse().unwrap());
        let mut failures = Failures::default();
        assert_eq!(failures.read::<i64>(&ann, Ok(Value::Int(3))), Some(3));
        assert!(!failures.has(&ann) && failures.outcome.is_ok());
        assert_eq!(failures.read::<i64>(&bob, Err(StoreError::new("first"))), None);
        assert_eq!(failures.read::<i64>(&bob, Ok(Value::Nil)), None);
        failures.note(Ok(()));
        failures.note(Err(StoreError::new("last")));
        assert!(failures.has(&bob) && !failures.has(&ann));
        assert_eq!(failures.outcome.unwrap_err().to_string(), "first");
    }

    #[test]
    fn an_orphan_is_expelled_by_its_own_generation_up_to_the_enter_that_was_noted() {
        let left = OrphanedSession { user: "ann".parse().unwrap(), generation: "77".to_owned(), rooms: Vec::new() };
        let keys = "parlor:room:{red} parlor:room-gen:{red} parlor:log-meta:{red} parlor:log:{red}";
        assert_eq!(shown(&expel(&left, &"red".parse().unwrap(), 9)), format!("expel {keys} | ann 77 9"));
    }
}
