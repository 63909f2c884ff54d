//! Ends what dead servers left behind. Any server may do it, and several at once: each step is harmless to repeat, and
//! only the script that removes a member says so to the room.

use std::collections::BTreeSet;

use ::redis::Value;
use parlor_core::planted::{Bug, planted};
use parlor_core::ports::{Seat, StoreResult};
use parlor_proto::{Generation, RoomName, UserName};

use super::command::{self, Command};
use super::keys::{self, ServerId};
use super::server::Server;
use super::sessions::read_notes;
use super::{Note, script};

/// Sessions that are looked after together.
pub(super) const CHUNK: usize = 100;

impl Server {
    /// Looks for servers whose lease ran out, and ends their sessions. Blocks.
    ///
    /// # Errors
    /// Redis cannot be reached; the next look goes on.
    pub(super) fn reap(&self) -> StoreResult<()> {
        if planted(Bug::NoReaper) {
            return Ok(());
        }
        let ids: Vec<String> = self.call(Command::plain("SMEMBERS", keys::SERVERS, &[]))?;
        let own = self.id();
        let ids: Vec<ServerId> = ids.iter().map(|id| ServerId::read(id)).filter(|id| *id != own).collect();
        let live = self.which_live(&ids)?;
        for (id, _) in ids.iter().zip(live).filter(|(_, lives)| !lives) {
            self.reap_server(id)?;
        }
        Ok(())
    }

    fn reap_server(&self, dead: &ServerId) -> StoreResult<()> {
        let entries: Vec<String> = self.call(Command::plain("SMEMBERS", keys::seats_of(dead), &[]))?;
        let mut sessions = 0;
        for chunk in entries.chunks(CHUNK) {
            sessions += self.reap_chunk(dead, chunk)?;
        }
        self.call::<i64>(Command::plain("SREM", keys::SERVERS, &[dead.as_str()]))?;
        if sessions > 0 {
            self.journal.note(&Note::Reaped { server: dead.as_str().to_owned(), sessions });
        }
        Ok(())
    }

    /// Looks for sessions that Redis has under this server's id and this server does not know: a failover lost that they
    /// were given up. What is suspected twice in a row is ended. Tells what is suspected now.
    pub(super) fn reap_orphans(&self, suspected: &BTreeSet<String>) -> StoreResult<BTreeSet<String>> {
        let own = self.id();
        let entries: Vec<String> = self.call(Command::plain("SMEMBERS", keys::seats_of(&own), &[]))?;
        let known = self.local.entries();
        let unknown: BTreeSet<String> = entries.into_iter().filter(|entry| !known.contains(entry)).collect();
        let orphans: Vec<String> = unknown.intersection(suspected).cloned().collect();
        for chunk in orphans.chunks(CHUNK) {
            self.reap_chunk(&own, chunk)?;
        }
        Ok(unknown)
    }

    /// Ends some sessions of a dead server, step by step for all of them: looks where they are, takes them out of their
    /// rooms, ends them, and forgets them. Tells how many there were.
    fn reap_chunk(&self, dead: &ServerId, entries: &[String]) -> StoreResult<usize> {
        let users: Vec<UserName> = entries.iter().filter_map(|entry| keys::user_of_seat_entry(entry)).collect();
        let left = self.left_by(dead, &users)?;
        let memberships = left.iter().flat_map(|left| left.rooms.iter().map(move |room| (left, room)));
        let memberships: Vec<_> = memberships.collect();
        let expel = |(left, (room, seq)): &(&Left, &(RoomName, u64))| expel(left, room, *seq);
        let changes = self.router.call_all(memberships.iter().map(expel).collect());
        for ((_, (room, _)), change) in memberships.iter().zip(changes) {
            let (members, version): (i64, u64) = command::read(change)?;
            if members == 0 {
                self.drop_room(room, version)?;
            }
        }
        let end = |left: &Left| {
            let keys = [keys::session(&left.user), keys::ending(&left.user)];
            Command::script(script::reap(), &keys, &[&dead.as_str(), &left.generation])
        };
        all(self.router.call_all(left.iter().map(end).collect()))?;
        let forgotten: Vec<&str> = entries.iter().map(String::as_str).collect();
        self.call::<i64>(Command::plain("SREM", keys::seats_of(dead), &forgotten))?;
        Ok(left.len())
    }

    /// What some users have left on a dead server.
    fn left_by(&self, dead: &ServerId, users: &[UserName]) -> StoreResult<Vec<Left>> {
        let look = |user: &UserName| {
            let keys = [keys::session(user), keys::ending(user)];
            Command::script(script::sessions_on(), &keys, &[&dead.as_str()])
        };
        let found = self.router.call_all(users.iter().map(look).collect());
        let mut left = Vec::new();
        for (user, found) in users.iter().zip(found) {
            let found: Vec<String> = command::read(found)?;
            left.extend(found.chunks_exact(2).map(|pair| Left {
                user: user.clone(),
                generation: pair[0].clone(),
                rooms: read_notes(&pair[1]),
            }));
        }
        // Among those of this server only what it does not know is dead.
        let is_alive = |left: &Left| {
            let generation = left.generation.parse().map(Generation);
            generation.is_ok_and(|generation| self.local.find(&Seat { user: left.user.clone(), generation }).is_some())
        };
        left.retain(|left| !is_alive(left));
        Ok(left)
    }
}

/// A session that its server left behind.
struct Left {
    user: UserName,
    generation: String,
    /// Rooms that it may be in, and the number of its last entering of each.
    rooms: Vec<(RoomName, u64)>,
}

/// Takes a session of a dead server out of a room.
fn expel(left: &Left, room: &RoomName, seq: u64) -> Command {
    let log = keys::room_log(room);
    let keys = [keys::members(room), keys::seats(room), keys::meta(&log), keys::log(&log)];
    Command::script(script::expel(), &keys, &[&left.user.as_str(), &left.generation, &seq])
}

/// Replies that matter only if they are errors.
fn all(replies: Vec<StoreResult<Value>>) -> StoreResult<()> {
    replies.into_iter().try_for_each(|reply| command::read::<Value>(reply).map(drop))
}
