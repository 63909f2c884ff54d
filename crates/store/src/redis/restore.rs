//! Puts back what Redis lost of this server's sessions: it came back empty, or others thought this server dead. It
//! must not touch sessions of other servers.

use parlor_core::ports::{Entered, StoreResult};

use super::command::{Argument, Command};
use super::keys;
use super::local::LocalSession;
use super::rooms::Pass;
use super::script;
use super::server::Server;

/// What became of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Restored {
    /// It was there.
    Kept,
    /// It is there again.
    Again,
    /// A later one was there; it was told.
    Displaced,
}

/// How many sessions were restored, and how many turned out to be displaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) kept: usize,
    pub(super) restored: usize,
    pub(super) displaced: usize,
}

/// How long the enter of a session that is restored may be on its way, in microseconds.
const ENTER_MICROS: i64 = 5_000_000;

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
                Restored::Again => tally.restored += 1,
                Restored::Displaced => tally.displaced += 1,
            }
        }
        Ok(tally)
    }

    /// Looks after one session.
    pub(super) fn restore(&self, session: &LocalSession) -> StoreResult<Restored> {
        let LocalSession { seat, ticket, rooms } = session;
        let deadline = self.lease.redis_micros() + ENTER_MICROS;
        let keys = [keys::session(&seat.user), keys::ending(&seat.user), keys::user(&seat.user)];
        let names: Vec<&str> = rooms.iter().map(|room| room.as_str()).collect();
        let (names, since) = (names.join(" "), self.lease.redis_micros() / 1000);
        let seq = self.next_seq();
        let args: [&dyn Argument; 6] =
            [&self.id.as_str(), &ticket.to_string(), &seat.generation.0, &names, &seq, &since];
        match self.call::<i64>(Command::script(script::restore(), &keys, &args))? {
            0 => {
                self.sink.displaced(ticket.connection).run();
                Ok(Restored::Displaced)
            }
            1 => {
                self.remember_seat(session)?;
                self.restore_rooms(session, deadline, Restored::Kept)
            }
            _ => {
                self.remember_seat(session)?;
                // It may have ended meanwhile.
                if self.local.find(seat).is_none() {
                    self.release_now(seat, *ticket)?;
                }
                self.restore_rooms(session, deadline, Restored::Again)
            }
        }
    }

    fn restore_rooms(&self, session: &LocalSession, deadline: i64, restored: Restored) -> StoreResult<Restored> {
        let LocalSession { seat, ticket, rooms } = session;
        for room in rooms {
            if !self.local.is_in(seat, room) {
                continue;
            }
            let seq = self.next_seq();
            if let Entered::Fenced = self.enter_noted(seat, room, Pass { seq, deadline, slack: "0.5" })? {
                self.sink.displaced(ticket.connection).run();
                return Ok(Restored::Displaced);
            }
            // It may have left meanwhile.
            if !self.local.is_in(seat, room) {
                self.leave_until(seat, room, seq)?;
            }
        }
        Ok(restored)
    }

    fn remember_seat(&self, session: &LocalSession) -> StoreResult<()> {
        let entry = keys::seat_entry(&session.seat.user, session.ticket);
        self.call::<i64>(Command::plain("SADD", keys::seats_of(&self.id), &[&entry])).map(drop)
    }
}
