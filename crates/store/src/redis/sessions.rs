//! Claiming and releasing sessions. Each claim is one script, so of two claims one is the later.

use std::thread;
use std::time::{Duration, Instant};

use ::redis::Value;
use parlor_core::ports::{Claim, Claimed, Seat, Sessions, StoreError, StoreResult, Waited};
use parlor_core::{ConnectionId, DuplicateLogin};
use parlor_proto::{Generation, RoomName, UserName};

use super::command::{self, Command};
use super::keys::{self, ServerId};
use super::local::{Leftover, Ticket};
use super::news::ServerNews;
use super::script;
use super::server::Server;

/// Pauses between looks whether a displaced session is over: the first, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(50)];

/// A session that was displaced and not released.
pub(super) struct Ending {
    pub(super) generation: Generation,
    pub(super) server: ServerId,
    pub(super) ticket: Ticket,
    pub(super) rooms: Vec<RoomName>,
}

/// What the script said.
enum Answer {
    Granted(Generation, Vec<Ending>),
    Taken(ServerId),
    Loop(Duration),
}

impl Sessions for Server {
    fn claim(&self, claim: &Claim<'_>) -> StoreResult<Claimed> {
        self.lease.check()?;
        // First of all, so that whoever finds this server dead finds the session, too.
        let ticket = Ticket { connection: claim.connection, number: self.next_seq() };
        let entry = keys::seat_entry(claim.user, ticket);
        self.call::<i64>(Command::plain("SADD", keys::seats_of(&self.id), &[&entry]))?;
        let claimed = self.claim_over_the_dead(claim, ticket);
        if !matches!(claimed, Ok(Claimed::Granted(_))) {
            self.local.put_off(Leftover::Claim { user: claim.user.clone(), ticket });
        }
        claimed
    }

    fn await_predecessors(&self, user: &UserName, generation: Generation, patience: Duration) -> StoreResult<Waited> {
        let deadline = Instant::now().checked_add(patience);
        let (mut pause, mut is_told) = (PAUSES[0], false);
        loop {
            let (current, endings) = self.predecessors(user)?;
            let seat = Seat { user: user.clone(), generation };
            // None at all: Redis lost it.
            if current != generation && (current != Generation(0) || !self.heal(&seat)?) {
                return Ok(Waited::Displaced);
            }
            let living = self.living(endings, generation)?;
            if living.is_empty() {
                return Ok(Waited::Alone);
            }
            if pause == PAUSES[1] && !std::mem::replace(&mut is_told, true) {
                // Whoever displaced it may have died before it said so.
                let myself = self.local.find(&seat).map_or(ConnectionId(0), |session| session.ticket.connection);
                living.iter().for_each(|ending| self.tell_displaced(ending, myself));
            }
            let left = deadline.map_or(pause, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(Waited::StillThere);
            }
            thread::sleep(pause.min(left));
            pause = (pause * 2).min(PAUSES[1]);
        }
    }

    fn release(&self, user: &UserName, generation: Generation) -> StoreResult<()> {
        let seat = Seat { user: user.clone(), generation };
        let Some(session) = self.local.remove(&seat) else { return Ok(()) };
        let ticket = session.ticket;
        let leftover = Leftover::Session { seat: seat.clone(), ticket };
        // While it may be a member of a room, it must be found by whoever finds this server dead.
        if self.local.is_leaving(&seat) {
            self.local.put_off(leftover);
            return Ok(());
        }
        let released = self.release_now(&seat, ticket);
        if released.is_err() {
            self.local.put_off(leftover);
        }
        released
    }

    fn is_online(&self, user: &UserName) -> StoreResult<bool> {
        self.call::<i64>(Command::plain("EXISTS", keys::session(user), &[])).map(|count| count > 0)
    }
}

impl Server {
    /// Claims. If a session is kept whose server is dead, claims once more, over that one.
    fn claim_over_the_dead(&self, claim: &Claim<'_>, ticket: Ticket) -> StoreResult<Claimed> {
        let mut answer = self.claim_over(claim, ticket, "")?;
        if let Answer::Taken(owner) = &answer
            && self.which_live(std::slice::from_ref(owner))? == [false]
        {
            answer = self.claim_over(claim, ticket, owner.as_str())?;
        }
        match answer {
            Answer::Taken(_) => Ok(Claimed::AlreadyLoggedIn),
            Answer::Loop(time) => Ok(Claimed::TakeoverLoop(time)),
            Answer::Granted(generation, endings) => {
                let seat = Seat { user: claim.user.clone(), generation };
                self.local.add(seat, ticket);
                // Only the one before: the others were told by those who displaced them.
                let newest = endings.iter().max_by_key(|ending| ending.generation);
                newest.into_iter().for_each(|ending| self.tell_displaced(ending, claim.connection));
                Ok(Claimed::Granted(generation))
            }
        }
    }

    fn claim_over(&self, claim: &Claim<'_>, ticket: Ticket, dead: &str) -> StoreResult<Answer> {
        let user = claim.user;
        let keys = [keys::session(user), keys::ending(user), keys::takeovers(user), keys::user(user)];
        let policy = match claim.policy {
            DuplicateLogin::Takeover => "takeover",
            DuplicateLogin::Reject => "reject",
        };
        let max = claim.takeovers.map_or(0, |limit| limit.max);
        let within = claim.takeovers.map_or(1, |limit| limit.within.as_millis().max(1));
        let within = u64::try_from(within).unwrap_or(u64::MAX);
        let (server, since) = (self.id.as_str(), self.lease.redis_micros() / 1000);
        let args: [&dyn command::Argument; 7] = [&server, &ticket.to_string(), &policy, &max, &within, &since, &dead];
        let reply: Vec<Value> = self.call(Command::script(script::claim(), &keys, &args))?;
        answer(&reply).ok_or_else(|| StoreError::new("a claim was answered by nothing that can be understood"))
    }

    /// Tells the server of a displaced session, unless that is the claimant itself, whose earlier claim was not
    /// answered. If it does not arrive, the server sees it itself, somewhat later.
    fn tell_displaced(&self, ending: &Ending, by: ConnectionId) {
        let Ending { server, ticket: Ticket { connection, .. }, .. } = ending;
        if *server != self.id {
            if let Err(error) = self.tell(server, &ServerNews::Displaced(*connection)) {
                self.journal.note(&super::Note::Warning(format!("a displaced session was not told at once: {error}")));
            }
        } else if *connection != by {
            self.sink.displaced(*connection).run();
        }
    }

    /// The generation of the user's session, 0 for none, and the sessions that are ending.
    pub(super) fn predecessors(&self, user: &UserName) -> StoreResult<(Generation, Vec<Ending>)> {
        let keys = [keys::session(user), keys::ending(user)];
        let (generation, endings): (u64, Vec<String>) =
            self.call(Command::script(script::predecessors(), &keys, &[]))?;
        Ok((Generation(generation), read_endings(&endings)))
    }

    /// Of the sessions before a generation those whose server lives.
    fn living(&self, endings: Vec<Ending>, before: Generation) -> StoreResult<Vec<Ending>> {
        let earlier: Vec<_> = endings.into_iter().filter(|ending| ending.generation < before).collect();
        let servers: Vec<_> = earlier.iter().map(|ending| ending.server.clone()).collect();
        let live = self.which_live(&servers)?;
        Ok(earlier.into_iter().zip(live).filter(|(_, lives)| *lives).map(|(ending, _)| ending).collect())
    }

    /// Gives a session up that is in no room.
    pub(super) fn release_now(&self, seat: &Seat, ticket: Ticket) -> StoreResult<()> {
        let release = Command::script(script::release(), &keys::sessions_of(seat), &[&seat.generation.0]);
        self.call::<i64>(release)?;
        self.forget_seat(&seat.user, ticket)
    }

    /// Nobody need look for this session if this server dies.
    pub(super) fn forget_seat(&self, user: &UserName, ticket: Ticket) -> StoreResult<()> {
        let entry = keys::seat_entry(user, ticket);
        self.call::<i64>(Command::plain("SREM", keys::seats_of(&self.id), &[&entry])).map(drop)
    }

    /// Gives up what a claim may have been granted whose answer was lost.
    pub(super) fn disown(&self, user: &UserName, ticket: Ticket) -> StoreResult<()> {
        let keys = [keys::session(user), keys::ending(user)];
        self.call::<i64>(Command::script(script::disown(), &keys, &[&self.id.as_str(), &ticket.to_string()]))?;
        self.forget_seat(user, ticket)
    }
}

fn answer(reply: &[Value]) -> Option<Answer> {
    let text = |value: &Value| ::redis::from_redis_value_ref::<String>(value).ok();
    match (text(reply.first()?)?.as_str(), reply) {
        ("granted", [_, generation, endings]) => {
            let endings: Vec<String> = ::redis::from_redis_value_ref(endings).ok()?;
            Some(Answer::Granted(Generation(text(generation)?.parse().ok()?), read_endings(&endings)))
        }
        ("taken", [_, server]) => Some(Answer::Taken(ServerId::read(&text(server)?))),
        ("loop", [_, Value::Int(millis)]) => Some(Answer::Loop(Duration::from_millis(u64::try_from(*millis).ok()?))),
        _ => None,
    }
}

/// Pairs of generation and `server connection rooms…`.
fn read_endings(pairs: &[String]) -> Vec<Ending> {
    let read = |pair: &[String]| {
        let [generation, rest] = pair else { return None };
        let mut words = rest.split_whitespace();
        Some(Ending {
            generation: Generation(generation.parse().ok()?),
            server: ServerId::read(words.next()?),
            ticket: words.next()?.parse().ok()?,
            rooms: words.filter_map(|room| room.parse().ok()).collect(),
        })
    };
    pairs.chunks(2).filter_map(read).collect()
}
