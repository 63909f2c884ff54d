//! Claiming and releasing sessions. Each claim is one script, so two claims are always ordered.

use std::thread;
use std::time::{Duration, Instant};

use ::redis::Value;
use parlor_core::ports::{Claim, ClaimResult, PredecessorWait, SessionKey, Sessions, StoreError, StoreResult};
use parlor_core::{DuplicateLogin, Flush};
use parlor_proto::{Generation, RoomName, UserName};

use super::codec;
use super::connection::command::{self, Argument, Command};
use super::connection::companions::Companions;
use super::connection::script;
use super::keys::{self, ServerId};
use super::membership::local_sessions::{ClaimId, DeferredCleanup, FirstEnter, LocalSession};
use super::membership::server::Server;

/// Time limit of a claim, and of the enter that it notes.
const CLAIM_PATIENCE: Duration = super::rooms::ENTER_PATIENCE;

/// Pauses between checks whether a displaced session is over: the first, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(50)];

/// A session that was displaced and not released.
pub(super) struct Ending {
    pub(super) generation: Generation,
    pub(super) server: ServerId,
    pub(super) rooms: Vec<RoomName>,
}

/// What earlier sessions of a user left.
pub(super) struct Predecessors {
    /// The generation of the user's session; 0 for none.
    current: Generation,
    /// The sessions that are ending.
    pub(super) endings: Vec<Ending>,
    /// Number of direct messages without the recipient's copy.
    undelivered: usize,
}

impl Predecessors {
    /// Whether nothing is left to end or to complete before the session of this generation.
    fn is_nothing_but(&self, generation: Generation) -> bool {
        self.current == generation && self.endings.is_empty() && self.undelivered == 0
    }
}

/// The script's answer.
enum Answer {
    /// Granted, with the server and ticket of the previous session if there was one.
    Granted(Generation, Option<(ServerId, ClaimId)>),
    Taken(ServerId),
    Loop(Duration),
}

/// One attempt to claim.
struct Attempt<'a> {
    claim: &'a Claim<'a>,
    /// The id of this server when the attempt began.
    server: ServerId,
    ticket: ClaimId,
    /// Redis's time after which it is too late, in microseconds.
    deadline: i64,
}

impl Sessions for Server {
    fn claim(&self, claim: &Claim<'_>) -> StoreResult<ClaimResult> {
        self.claim_with(claim, &mut Companions::default())
    }

    fn await_predecessors(
        &self,
        user: &UserName,
        generation: Generation,
        patience: Duration,
    ) -> StoreResult<PredecessorWait> {
        let deadline = Instant::now().checked_add(patience);
        let session_key = SessionKey { user: user.clone(), generation };
        if self.local.is_known_alone(&session_key) {
            return Ok(PredecessorWait::Alone);
        }
        let mut pause = PAUSES[0];
        loop {
            let Predecessors { current, endings, undelivered } = self.predecessors(user)?;
            if undelivered > 0 {
                self.complete_or_defer(user);
            }
            // No session at all: Redis lost it.
            if current != generation {
                let _reserved = self.local.reserve(&session_key);
                if current != Generation(0) || !self.restore_session(&session_key)? {
                    return Ok(PredecessorWait::Displaced);
                }
            }
            if self.is_alone(endings, generation)? {
                return Ok(PredecessorWait::Alone);
            }
            let left = deadline.map_or(pause, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(PredecessorWait::StillThere);
            }
            thread::sleep(pause.min(left));
            pause = (pause * 2).min(PAUSES[1]);
        }
    }

    fn release(&self, user: &UserName, generation: Generation) -> StoreResult<()> {
        let session_key = SessionKey { user: user.clone(), generation };
        let _reserved = self.local.reserve(&session_key);
        let Some(LocalSession { ticket, .. }) = self.local.remove(&session_key) else { return Ok(()) };
        let cleanup = DeferredCleanup::Session { session_key: session_key.clone(), ticket };
        // While the session may be a member of a room, a server that reaps this one must find it.
        if self.local.is_leaving(&session_key) {
            self.local.defer(cleanup);
            return Ok(());
        }
        let released = self.release_now(&session_key, ticket);
        if released.is_err() {
            self.local.defer(cleanup);
        }
        released
    }

    fn is_current(&self, user: &UserName, generation: Generation) -> StoreResult<bool> {
        // An earlier session may not act, even if its successor is over. A store that was emptied knows no generation.
        let newest: Option<u64> = self.call(Command::plain("HGET", keys::user(user), &["generation"]))?;
        Ok(newest.is_none_or(|newest| newest <= generation.0))
    }

    fn is_online(&self, user: &UserName) -> StoreResult<bool> {
        self.call::<i64>(Command::plain("EXISTS", keys::session(user), &[])).map(|count| count > 0)
    }
}

impl Server {
    /// Claims a session. The companions have their replies even if it fails, if Redis gave any.
    pub(super) fn claim_with(&self, claim: &Claim<'_>, companions: &mut Companions) -> StoreResult<ClaimResult> {
        let claimed = self.check_lease_for(claim.user).and_then(|()| self.claim_leased(claim, companions));
        if !companions.before.is_empty() {
            companions.replies_before = self.router.call_all(std::mem::take(&mut companions.before));
        }
        claimed
    }

    fn claim_leased(&self, claim: &Claim<'_>, companions: &mut Companions) -> StoreResult<ClaimResult> {
        let deadline = self.lease.deadline(CLAIM_PATIENCE);
        let ticket = ClaimId { connection: claim.connection, number: self.next_seq() };
        let attempt = Attempt { claim, server: self.id(), ticket, deadline };
        let noted = if self.router.is_cluster() { self.note_claim(&attempt, companions) } else { Ok(()) };
        let claimed = noted.and_then(|()| self.claim_over_the_dead(&attempt, companions));
        if claimed.is_err() {
            // The claim may have displaced a session of this server before its answer was lost.
            self.request_session_audit();
        }
        if !matches!(claimed, Ok(ClaimResult::Granted(_))) {
            self.local.defer(DeferredCleanup::Claim { server: attempt.server, user: claim.user.clone(), ticket });
        }
        claimed
    }

    /// Notes the claim at this server, before it is made, so that a server that reaps this one finds the session. In a Cluster
    /// this is on another node than the session; otherwise the claim does it.
    fn note_claim(&self, attempt: &Attempt<'_>, companions: &mut Companions) -> StoreResult<()> {
        let entry = keys::server_session_entry(attempt.claim.user, attempt.ticket);
        let mut commands = vec![codec::register(keys::server_sessions(&attempt.server), &[&entry])];
        commands.append(&mut companions.before);
        let mut replies = self.router.call_all(commands);
        let noted = command::read::<i64>(replies.remove(0));
        companions.replies_before = replies;
        noted.map(drop)
    }

    /// Claims. If the policy keeps the existing session but its server is dead, claims again and replaces that session.
    fn claim_over_the_dead(&self, attempt: &Attempt<'_>, companions: &mut Companions) -> StoreResult<ClaimResult> {
        let (mut answer, mut is_first) = self.claim_over(attempt, "", companions)?;
        if let Answer::Taken(owner) = &answer
            && self.which_live(std::slice::from_ref(owner))? == [false]
        {
            (answer, is_first) = self.claim_over(attempt, owner.as_str(), companions)?;
        }
        match answer {
            Answer::Taken(_) => Ok(ClaimResult::AlreadyLoggedIn),
            Answer::Loop(time) => Ok(ClaimResult::TakeoverLoop(time)),
            Answer::Granted(generation, before) => {
                let session_key = SessionKey { user: attempt.claim.user.clone(), generation };
                let first_enter = FirstEnter { seq: attempt.ticket.number, deadline: attempt.deadline };
                self.local.add(session_key, attempt.ticket, is_first, first_enter);
                // The script has notified another server already.
                if let Some((server, ticket)) = before
                    && server == attempt.server
                    && ticket.connection != attempt.claim.connection
                {
                    self.displaced(ticket).run();
                }
                Ok(ClaimResult::Granted(generation))
            }
        }
    }

    /// Ends the connection of a claim of this server that was displaced.
    pub(super) fn displaced(&self, ticket: ClaimId) -> Flush {
        if self.local.has_given_up(ticket) { Flush::default() } else { self.sink.displaced(ticket.connection) }
    }

    /// Claims. Returns also whether the claim found no earlier session, and no direct messages that are still to be
    /// completed. That is read together with the claim. Whatever happens later could happen after a request of its own,
    /// too.
    fn claim_over(
        &self,
        attempt: &Attempt<'_>,
        dead: &str,
        companions: &mut Companions,
    ) -> StoreResult<(Answer, bool)> {
        let mut commands = std::mem::take(&mut companions.before);
        let count = commands.len();
        commands.push(claim_command(attempt, dead, self.router.is_cluster()));
        commands.push(ask_for_predecessors(attempt.claim.user));
        commands.extend(companions.after.iter().cloned());
        let mut replies = self.router.call_all(commands).into_iter();
        companions.replies_before.extend(replies.by_ref().take(count));
        let mut next = || replies.next().unwrap_or_else(|| Err(StoreError::new("no reply")));
        let (claimed, left) = (next(), next());
        companions.replies_after = replies.collect();
        let answer = answer(&command::read::<Vec<Value>>(claimed)?);
        let answer = answer.ok_or_else(|| StoreError::new("a claim came too late"))?;
        let is_first = match &answer {
            Answer::Granted(generation, None) => {
                read_predecessors(left).is_ok_and(|left| left.is_nothing_but(*generation))
            }
            _ => false,
        };
        Ok((answer, is_first))
    }

    /// What earlier sessions of the user left.
    pub(super) fn predecessors(&self, user: &UserName) -> StoreResult<Predecessors> {
        read_predecessors(self.router.call(ask_for_predecessors(user)))
    }

    /// Whether no session before a generation is left on a live server.
    fn is_alone(&self, endings: Vec<Ending>, before: Generation) -> StoreResult<bool> {
        let earlier = endings.into_iter().filter(|ending| ending.generation < before);
        let servers: Vec<_> = earlier.map(|ending| ending.server).collect();
        Ok(self.which_live(&servers)?.into_iter().all(|lives| !lives))
    }

    /// Releases a session that is in no room.
    pub(super) fn release_now(&self, session_key: &SessionKey, ticket: ClaimId) -> StoreResult<()> {
        let release = Command::script(script::release(), &keys::sessions_of(session_key), &[&session_key.generation.0]);
        self.call::<i64>(release)?;
        // A server that reaps this one must find the messages. If this server lives, it finds the entry as an orphan.
        if self.local.has_deliveries(&session_key.user) {
            return Ok(());
        }
        self.forget_session(&self.id(), &session_key.user, ticket)
    }

    /// Removes the entry of a session from its server's set: other servers need not look for it if this server dies.
    fn forget_session(&self, server: &ServerId, user: &UserName, ticket: ClaimId) -> StoreResult<()> {
        let entry = keys::server_session_entry(user, ticket);
        self.call::<i64>(Command::plain("SREM", keys::server_sessions(server), &[&entry])).map(drop)
    }

    /// Releases the session of a claim whose answer was lost.
    pub(super) fn cancel_claim(&self, server: &ServerId, user: &UserName, ticket: ClaimId) -> StoreResult<()> {
        let keys = [keys::session(user), keys::ending(user)];
        self.call::<i64>(Command::script(script::cancel_claim(), &keys, &[&server.as_str(), &ticket.to_string()]))?;
        self.forget_session(server, user, ticket)
    }
}

fn claim_command(Attempt { claim, server, ticket, deadline }: &Attempt<'_>, dead: &str, is_cluster: bool) -> Command {
    let user = claim.user;
    let mut keys = vec![keys::session(user), keys::ending(user), keys::takeovers(user), keys::user(user)];
    if !is_cluster {
        keys.push(keys::server_sessions(server));
    }
    let entry = keys::server_session_entry(user, *ticket);
    let policy = match claim.policy {
        DuplicateLogin::Takeover => "takeover",
        DuplicateLogin::Reject => "reject",
    };
    let max = claim.takeovers.map_or(0, |limit| limit.max);
    let within = claim.takeovers.map_or(1, |limit| limit.within.as_millis().max(1));
    let within = u64::try_from(within).unwrap_or(u64::MAX);
    let note = format!("{}:{}", RoomName::lobby(), ticket.number);
    let ticket = ticket.to_string();
    let args: [&dyn Argument; 10] =
        [&server.as_str(), &ticket, &policy, &max, &within, &dead, deadline, &keys::CONTROL, &note, &entry];
    Command::script(script::claim(), &keys, &args)
}

fn ask_for_predecessors(user: &UserName) -> Command {
    let keys = [keys::session(user), keys::ending(user), keys::undelivered(user)];
    Command::script(script::predecessors(), &keys, &[])
}

fn read_predecessors(reply: StoreResult<Value>) -> StoreResult<Predecessors> {
    let (generation, endings, undelivered): (u64, Vec<String>, usize) = command::read(reply)?;
    Ok(Predecessors { current: Generation(generation), endings: read_endings(&endings), undelivered })
}

/// None if the claim came too late.
fn answer(reply: &[Value]) -> Option<Answer> {
    let text = |value: &Value| ::redis::from_redis_value_ref::<String>(value).ok();
    match (text(reply.first()?)?.as_str(), reply) {
        ("granted", [_, generation, server, ticket]) => {
            let before = text(ticket)?.parse().ok().and_then(|ticket| Some((ServerId::read(&text(server)?), ticket)));
            Some(Answer::Granted(Generation(text(generation)?.parse().ok()?), before))
        }
        ("taken", [_, server]) => Some(Answer::Taken(ServerId::read(&text(server)?))),
        ("loop", [_, Value::Int(millis)]) => Some(Answer::Loop(Duration::from_millis(u64::try_from(*millis).ok()?))),
        _ => None,
    }
}

/// Reads pairs of generation and `server ticket rooms…`.
fn read_endings(pairs: &[String]) -> Vec<Ending> {
    let read = |pair: &[String]| {
        let [generation, rest] = pair else { return None };
        let (server, rest) = rest.split_once(' ')?;
        let (_, rooms) = rest.split_once(' ')?;
        let generation = Generation(generation.parse().ok()?);
        Some(Ending {
            generation,
            server: ServerId::read(server),
            rooms: codec::read_notes(rooms).into_iter().map(|(room, _)| room).collect(),
        })
    };
    pairs.chunks(2).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use parlor_core::ConnectionId;
    use parlor_core::ports::TakeoverLimit;

    use super::*;
    use crate::redis::connection::fake_node::shown;

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    /// What a claim came to, in words.
    fn told(reply: &[Value]) -> Option<String> {
        Some(match answer(reply)? {
            Answer::Granted(generation, None) => format!("{generation}, the first"),
            Answer::Granted(generation, Some((server, ticket))) => {
                format!("{generation} after {ticket} on {}", server.as_str())
            }
            Answer::Taken(server) => format!("taken on {}", server.as_str()),
            Answer::Loop(time) => format!("again in {} ms", time.as_millis()),
        })
    }

    fn of_words(words: &[&str]) -> Option<String> {
        told(&words.iter().map(|word| text(word)).collect::<Vec<_>>())
    }

    #[test]
    fn a_claim_is_granted_refused_or_too_late() {
        assert_eq!(of_words(&["granted", "77", "", ""]).as_deref(), Some("77, the first"));
        assert_eq!(of_words(&["granted", "77", "den", "5.6"]).as_deref(), Some("77 after 5.6 on den"));
        assert_eq!(of_words(&["taken", "den"]).as_deref(), Some("taken on den"));
        assert_eq!(told(&[text("loop"), Value::Int(1500)]).as_deref(), Some("again in 1500 ms"));
        for late in
            [&["late"][..], &["granted", "77", "den"], &["granted", "x", "", ""], &["taken"], &["loop", "soon"], &[]]
        {
            assert_eq!(of_words(late), None, "{late:?}");
        }
        assert_eq!(told(&[text("loop"), Value::Int(-1)]), None);
    }

    #[test]
    fn sessions_that_are_ending_are_read_with_their_servers_and_rooms() {
        let pairs =
            ["9", "den 5.6 red:7 blue:8", "10", "attic 5.7 ", "x", "den 5.6 red:7", "11", "den 5.6", "12", "den", "13"];
        let read = |ending: Ending| {
            let rooms: Vec<String> = ending.rooms.iter().map(ToString::to_string).collect();
            format!("{} on {}: {}", ending.generation, ending.server.as_str(), rooms.join(", "))
        };
        let endings: Vec<String> = read_endings(&pairs.map(str::to_owned)).into_iter().map(read).collect();
        assert_eq!(endings, ["9 on den: red, blue", "10 on attic: "]);
    }

    #[test]
    fn whoever_has_a_predecessor_or_copies_to_complete_is_not_the_first() {
        let left = |current: u64, endings: &[&str], undelivered: i64| {
            let endings = Value::Array(endings.iter().map(|word| text(word)).collect());
            let reply = Value::Array(vec![text(&current.to_string()), endings, Value::Int(undelivered)]);
            read_predecessors(Ok(reply)).unwrap().is_nothing_but(Generation(7))
        };
        assert!(left(7, &[], 0));
        assert!(!left(8, &[], 0) && !left(0, &[], 0) && !left(7, &["6", "den 5.6 "], 0) && !left(7, &[], 1));
    }

    #[test]
    fn a_claim_notes_the_lobby_under_its_own_number_and_itself_at_its_server_where_that_is_one_step() {
        let user: UserName = "ann".parse().unwrap();
        let claim = |policy, takeovers| Claim {
            user: &user,
            connection: ConnectionId(5),
            policy,
            takeovers,
            at: Duration::ZERO,
        };
        let command = |claim: &Claim<'_>, dead: &str, is_cluster| {
            let ticket = ClaimId { connection: ConnectionId(5), number: 6 };
            let attempt = Attempt { claim, server: ServerId::read("den"), ticket, deadline: 99 };
            shown(&claim_command(&attempt, dead, is_cluster))
        };
        let keys = "claim parlor:session:{ann} parlor:ending:{ann} parlor:takeovers:{ann} parlor:user:{ann}";
        let rest = "99 parlor:control: lobby:6 ann 5.6";
        assert_eq!(
            command(&claim(DuplicateLogin::Takeover, None), "", true),
            format!("{keys} | den 5.6 takeover 0 1  {rest}")
        );
        let limit = |within| Some(TakeoverLimit { max: 3, within });
        assert_eq!(
            command(&claim(DuplicateLogin::Reject, limit(Duration::from_secs(60))), "attic", false),
            format!("{keys} parlor:server:{{den}}:sessions | den 5.6 reject 3 60000 attic {rest}")
        );
        // Redis takes no time to live of zero.
        let short = command(&claim(DuplicateLogin::Takeover, limit(Duration::from_micros(1))), "", true);
        assert!(short.contains("takeover 3 1 "), "{short}");
    }
}
