//! Puts back what Redis lost of this server's sessions: it came back empty, or others thought this server dead. It
//! must not touch sessions of other servers.

use parlor_core::ports::{StoreError, StoreResult};
use parlor_proto::RoomName;

use super::command::{self, Argument, Command};
use super::keys;
use super::local::{Leftover, LocalSession};
use super::rooms::{ENTER_PATIENCE, Pass, enter, index};
use super::script;
use super::server::Server;

/// How many sessions are there, and how many turned out to be displaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) kept: usize,
    pub(super) displaced: usize,
}

impl Server {
    /// Looks after some sessions of this server: they and their memberships bear its present id afterwards. The clients'
    /// own threads may do something with them at the same time; what they left or ended meanwhile is not put back, or
    /// is a leftover. Blocks for some round trips.
    ///
    /// # Errors
    /// Redis cannot be reached; then some were not looked after.
    pub(super) fn restore(&self, sessions: &[LocalSession]) -> StoreResult<Tally> {
        let deadline = self.lease.deadline(ENTER_PATIENCE);
        let mut displaced = Vec::new();
        let mut memberships = Vec::new();
        for (session, outcome) in sessions.iter().zip(self.restore_records(sessions, deadline)?) {
            match outcome {
                1 => memberships.extend(session.rooms.iter().map(|room| (session, room, self.next_seq()))),
                0 => displaced.push(session),
                _ => return Err(StoreError::new("a session was put back too late")),
            }
        }
        memberships.retain(|(session, room, _)| self.local.is_in(&session.seat, room));
        let notes = memberships.iter().map(|(session, room, seq)| note(session, room, *seq)).collect();
        let noted =
            self.router.call_all(notes).into_iter().map(command::read::<i64>).collect::<StoreResult<Vec<_>>>()?;
        let mut noted = noted.into_iter();
        memberships.retain(|(session, ..)| {
            let is_noted = noted.next() == Some(1);
            if !is_noted {
                displaced.push(*session);
            }
            is_noted
        });
        let server = self.id();
        let enter =
            |(session, room, seq): &Membership<'_>| enter(&session.seat, room, &server, Pass { seq: *seq, deadline });
        let entered = self.router.call_all(memberships.iter().map(enter).collect());
        for ((session, room, seq), entered) in memberships.into_iter().zip(entered) {
            let (members, version): (i64, u64) = command::read(entered)?;
            match members {
                0.. => self.call::<i64>(index(room, version)).map(drop)?,
                -2 => return Err(StoreError::new("a session was put back too late")),
                _ => displaced.push(session),
            }
            if !self.local.is_in(&session.seat, room) {
                let (seat, room) = (session.seat.clone(), room.clone());
                self.local.put_off(Leftover::Membership { seat, room, seq });
            }
        }
        displaced.dedup_by_key(|session| session.ticket);
        displaced.iter().for_each(|session| self.sink.displaced(session.ticket.connection).run());
        Ok(Tally { kept: sessions.len() - displaced.len(), displaced: displaced.len() })
    }

    fn restore_records(&self, sessions: &[LocalSession], deadline: i64) -> StoreResult<Vec<i64>> {
        let server = self.id();
        let entries = sessions.iter().map(|session| keys::seat_entry(&session.seat.user, session.ticket));
        let entries: Vec<String> = entries.collect();
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        self.call::<i64>(Command::plain("SADD", keys::seats_of(&server), &entries))?;
        let record = |LocalSession { seat, ticket, .. }: &LocalSession| {
            let keys = [keys::session(&seat.user), keys::ending(&seat.user), keys::user(&seat.user)];
            let args: [&dyn Argument; 5] =
                [&server.as_str(), &ticket.to_string(), &seat.generation.0, &self.next_seq(), &deadline];
            Command::script(script::restore(), &keys, &args)
        };
        let replies = self.router.call_all(sessions.iter().map(record).collect());
        for LocalSession { seat, ticket, .. } in
            sessions.iter().filter(|session| self.local.find(&session.seat).is_none())
        {
            self.local.put_off(Leftover::Session { seat: seat.clone(), ticket: *ticket });
        }
        replies.into_iter().map(command::read).collect()
    }
}

/// A session, a room that it is to be in again, and the number under which it enters.
type Membership<'a> = (&'a LocalSession, &'a RoomName, u64);

fn note(session: &LocalSession, room: &RoomName, seq: u64) -> Command {
    let args: [&dyn Argument; 3] = [&session.seat.generation.0, &room.as_str(), &seq];
    Command::script(script::note_room(), &[keys::session(&session.seat.user)], &args)
}
