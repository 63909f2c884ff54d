//! Restores sessions of this server that Redis lost: Redis came back empty, or other servers considered this server
//! dead. It must not touch sessions of other servers.

use parlor_core::ports::{StoreError, StoreResult};
use parlor_proto::RoomName;

use crate::redis::accounts::{ask_for_account, read_account};
use crate::redis::codec;
use crate::redis::connection::command::{self, Argument, Command};
use crate::redis::connection::script;
use crate::redis::keys;
use crate::redis::membership::local_sessions::LocalSession;
use crate::redis::membership::server::Server;
use crate::redis::rooms::{ENTER_PATIENCE, EnterParams, How, enter, index, is_denied};

/// How many sessions exist, and how many were found displaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::redis) struct Tally {
    pub(in crate::redis) kept: usize,
    pub(in crate::redis) displaced: usize,
}

impl Server {
    /// Checks and restores some sessions of this server, which the caller has reserved. Afterwards they and their
    /// memberships have the server's current id. Blocks for some round trips.
    ///
    /// # Errors
    /// Redis is unreachable; then some sessions were not checked.
    pub(in crate::redis) fn restore(&self, sessions: &[LocalSession]) -> StoreResult<Tally> {
        let deadline = self.lease.deadline(ENTER_PATIENCE);
        // A session that is made again notes no room.
        sessions.iter().for_each(|session| self.local.forget_first_enter(&session.session_key));
        let mut displaced = Vec::new();
        let mut memberships = Vec::new();
        for (session, outcome) in sessions.iter().zip(self.restore_records(sessions, deadline)?) {
            match outcome {
                1 => memberships.extend(session.rooms.iter().map(|room| (session, room, self.next_seq()))),
                0 => displaced.push(session),
                _ => return Err(StoreError::new("a session was put back too late")),
            }
        }
        for (session, members) in self.restore_memberships(memberships, deadline)? {
            match members {
                0.. => {}
                // The log of the room tells the session.
                denied if is_denied(denied) => {}
                -1 => displaced.push(session),
                _ => return Err(StoreError::new("a session was put back too late")),
            }
        }
        displaced.dedup_by_key(|session| session.ticket);
        self.local.checked(sessions);
        self.end_displaced(&displaced);
        Ok(Tally { kept: sessions.len() - displaced.len(), displaced: displaced.len() })
    }

    /// Ends sessions that Redis does not take any more: by a later login, or by an operator whose news did not come.
    fn end_displaced(&self, displaced: &[&LocalSession]) {
        let questions = displaced.iter().map(|session| ask_for_account(&session.session_key.user)).collect();
        for (session, reply) in displaced.iter().zip(self.router.call_all(questions)) {
            let user = &session.session_key.user;
            // Without an answer, the more likely reason is told.
            if let Ok(Some(account)) = read_account(user, reply) {
                self.sink.session_kicked(user, account.version(), account.goodbye()).run();
            }
            self.sink.displaced(session.ticket.connection).run();
        }
    }

    fn restore_records(&self, sessions: &[LocalSession], deadline: i64) -> StoreResult<Vec<i64>> {
        if sessions.is_empty() {
            return Ok(Vec::new());
        }
        let server = self.id();
        let entries =
            sessions.iter().map(|session| keys::server_session_entry(&session.session_key.user, session.ticket));
        let entries: Vec<String> = entries.collect();
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        self.call::<i64>(codec::register(keys::server_sessions(&server), &entries))?;
        let record = |LocalSession { session_key, ticket, .. }: &LocalSession| {
            let keys =
                [keys::session(&session_key.user), keys::ending(&session_key.user), keys::user(&session_key.user)];
            let (ticket, seq) = (ticket.to_string(), self.next_seq());
            let args: [&dyn Argument; 6] =
                [&server.as_str(), &ticket, &session_key.generation.0, &seq, &deadline, &keys::CONTROL];
            Command::script(script::restore(), &keys, &args)
        };
        let replies = self.router.call_all(sessions.iter().map(record).collect());
        replies.into_iter().map(command::read).collect()
    }

    /// Restores the memberships of sessions. Returns the script's answer for each as the number of members. Returns
    /// nothing for sessions that are gone again in the meantime, because they are checked again.
    fn restore_memberships<'a>(
        &self,
        memberships: Vec<Membership<'a>>,
        deadline: i64,
    ) -> StoreResult<Vec<(&'a LocalSession, i64)>> {
        let notes = memberships.iter().map(|(session, room, seq)| note(session, room, *seq)).collect();
        let mut outcomes = Vec::new();
        let mut noted = Vec::new();
        for (membership, reply) in memberships.into_iter().zip(self.router.call_all(notes)) {
            match command::read::<i64>(reply)? {
                1 => noted.push(membership),
                0 => self.request_session_audit(),
                _ => outcomes.push((membership.0, -1)),
            }
        }
        let server = self.id();
        let enter = |(session, room, seq): &Membership<'_>| {
            let how = How { is_operator: session.is_operator, created: "", is_back: true };
            enter(&session.session_key, room, &server, EnterParams { seq: *seq, deadline }, &how)
        };
        let entered = self.router.call_all(noted.iter().map(enter).collect());
        let mut indexed = Vec::new();
        for ((session, room, _), entered) in noted.into_iter().zip(entered) {
            let (members, version): (i64, u64) = command::read(entered)?;
            if is_denied(members) {
                self.local.left(&session.session_key, room);
            }
            if members >= 0 && !room.is_lobby() {
                indexed.push(index(room, version));
            }
            outcomes.push((session, members));
        }
        self.router.call_all(indexed).into_iter().try_for_each(|reply| command::read::<i64>(reply).map(drop))?;
        Ok(outcomes)
    }
}

/// A session, the room that it enters again, and the number of this enter.
type Membership<'a> = (&'a LocalSession, &'a RoomName, u64);

fn note(session: &LocalSession, room: &RoomName, seq: u64) -> Command {
    let args: [&dyn Argument; 3] = [&session.session_key.generation.0, &room.as_str(), &seq];
    Command::script(script::record_intent(), &[keys::session(&session.session_key.user)], &args)
}
