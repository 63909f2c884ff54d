//! Puts back what Redis lost of this server's sessions: it came back empty, or others thought this server dead. It
//! must not touch sessions of other servers.

use parlor_core::ports::{Entered, StoreError, StoreResult};

use super::command::{Argument, Command};
use super::keys;
use super::local::LocalSession;
use super::rooms::{ENTER_PATIENCE, Pass};
use super::script;
use super::server::Server;

/// What became of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Restored {
    /// It is there.
    Kept,
    /// A later one was there; it was told.
    Displaced,
}

/// How many sessions are there, and how many turned out to be displaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) kept: usize,
    pub(super) displaced: usize,
}

impl Server {
    /// Looks after all sessions of this server. Blocks.
    ///
    /// # Errors
    /// Redis cannot be reached; then some were not looked after.
    pub(super) fn restore_all(&self) -> StoreResult<Tally> {
        let mut tally = Tally::default();
        for session in self.local.all() {
            match self.restore(&session)? {
                Restored::Kept => tally.kept += 1,
                Restored::Displaced => tally.displaced += 1,
            }
        }
        Ok(tally)
    }

    /// Looks after one session: it and its memberships bear the present id of this server afterwards. The client's own
    /// thread may do something with it at the same time; what it left or ended meanwhile is not put back.
    pub(super) fn restore(&self, session: &LocalSession) -> StoreResult<Restored> {
        let LocalSession { seat, ticket, rooms } = session;
        let deadline = self.lease.deadline(ENTER_PATIENCE);
        let server = self.id();
        let entry = keys::seat_entry(&seat.user, *ticket);
        self.call::<i64>(Command::plain("SADD", keys::seats_of(&server), &[&entry]))?;
        let keys = [keys::session(&seat.user), keys::ending(&seat.user), keys::user(&seat.user)];
        let args: [&dyn Argument; 5] =
            [&server.as_str(), &ticket.to_string(), &seat.generation.0, &self.next_seq(), &deadline];
        match self.call::<i64>(Command::script(script::restore(), &keys, &args))? {
            1 => {}
            0 => return Ok(self.find_displaced(session)),
            _ => return Err(StoreError::new("a session was put back too late")),
        }
        if self.local.find(seat).is_none() {
            self.release_now(seat, *ticket)?;
        }
        for room in rooms.iter().filter(|room| self.local.is_in(seat, room)) {
            let seq = self.next_seq();
            let is_noted = self.note_room(seat, room, seq)? == 1;
            if !is_noted || self.enter_noted(seat, room, Pass { seq, deadline })? == Entered::Fenced {
                return Ok(self.find_displaced(session));
            }
            if !self.local.is_in(seat, room) {
                self.leave_until(seat, room, seq)?;
            }
        }
        Ok(Restored::Kept)
    }

    fn find_displaced(&self, session: &LocalSession) -> Restored {
        self.sink.displaced(session.ticket.connection).run();
        Restored::Displaced
    }
}
