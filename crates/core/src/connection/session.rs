//! One session from claim to release: the order of steps that keeps sessions single and deliveries without gap or
//! repetition. It must not read commands.

mod feeds;
mod open_logs;
mod rooms;
mod sync;

use std::sync::Arc;

use parlor_proto::{Bye, Epoch, Generation, MessageId, Refusal, Reply, RoomName, UserName, Verb};

use crate::connection::effects::{CommandError, During, VerifiedLogin};
use crate::connection::handle::{ConnectionHandle, PendingRoom, SessionPerson, require_unchanged};
use crate::delivery::hub::LoginProof;
use crate::delivery::peer::{ConnectionId, Origin};
use crate::delivery::topic::Topic;
use crate::limits::policy::{DuplicateLogin, Policy};
use crate::limits::whole_seconds;
use crate::login::{FORGETTING_FAILURES, made_now};
use crate::planted::{Bug, planted};
use crate::ports::{
    AccountVersion, AttemptPermit, Claim, ClaimResult, EnterResult, Head, LogId, Mark, PredecessorWait, Role,
    SessionKey, StoreResult, TakeoverLimit,
};

use crate::rights::Person;
use open_logs::OpenLogs;

/// Why a step of a session failed.
#[derive(Debug)]
pub(crate) enum SessionError {
    /// Refused, or the store failed. The session is unchanged.
    Denied(CommandError),
    /// The session can do nothing more: a later login displaced it, or its account is deleted.
    Over(Bye),
}

impl From<CommandError> for SessionError {
    fn from(error: CommandError) -> Self {
        Self::Denied(error)
    }
}

impl From<Refusal> for SessionError {
    fn from(refusal: Refusal) -> Self {
        Self::Denied(refusal.into())
    }
}

/// A user's session: a set of logs that it receives. It is a member of each room among them; one of these rooms is
/// current. Owned by the client's thread.
pub(crate) struct Session {
    person: SessionPerson,
    /// The account when the session began.
    version: AccountVersion,
    /// Always among the open rooms, once the login is answered.
    current: RoomName,
    /// The open rooms, the feeds of the users whom it follows, and its inbox.
    logs: OpenLogs,
    connection: ConnectionId,
}

/// The number of unread direct messages of each conversation.
type Unread = Vec<(UserName, u64)>;

/// A log that the session receives.
struct OpenLog {
    topic: Arc<Topic>,
    /// The newest entry before those that the session receives. All before it counts as read if there is no mark.
    since: MessageId,
    /// The newest entry that the session itself wrote, and the epoch of its number: it has read all before.
    wrote: Option<(Option<Epoch>, MessageId)>,
}

impl OpenLog {
    fn new(topic: Arc<Topic>, connection: ConnectionId) -> Self {
        let since = topic.position_of(connection).last;
        Self { topic, since, wrote: None }
    }

    /// The newest entry that the session itself wrote, unless its numbering was lost.
    fn wrote(&self) -> Option<MessageId> {
        let (epoch, id) = self.wrote?;
        (epoch == self.topic.epoch()).then_some(id)
    }

    fn note_written(&mut self, id: MessageId) {
        let epoch = self.topic.epoch();
        let newest = match self.wrote {
            Some((known, newest)) if known == epoch => newest.max(id),
            _ => id,
        };
        self.wrote = Some((epoch, newest));
    }
}

impl Session {
    /// Claims the user's session, waits for the end of the earlier session, enters the lobby and replies.
    pub(crate) fn begin(
        handle: &ConnectionHandle,
        origin: &Origin,
        entrance: VerifiedLogin,
    ) -> Result<Self, SessionError> {
        let VerifiedLogin { user, version, role, ticket, verb, permit } = entrance;
        let (generation, publishers) = claim(handle, origin, &user, permit)?;
        let session_key = SessionKey { user, generation };
        let person = SessionPerson {
            session_key: session_key.clone(),
            account: version.created,
            is_operator: role == Role::Operator,
        };
        let begun = Self::complete_login(handle, person, LoginProof { version, ticket }, verb, publishers);
        if begun.is_err() {
            handle.note("releasing a session", handle.services.store.sessions.release(&session_key.user, generation));
        }
        begun
    }

    fn complete_login(
        handle: &ConnectionHandle,
        person: SessionPerson,
        proof: LoginProof,
        verb: Verb,
        publishers: StoreResult<Vec<UserName>>,
    ) -> Result<Self, SessionError> {
        let session_key = &person.session_key.clone();
        let store = &handle.services.store;
        let waited =
            store.sessions.await_predecessors(&session_key.user, session_key.generation, Policy::TAKEOVER_PATIENCE);
        if waited.during("waiting for the earlier session")? == PredecessorWait::Displaced {
            return Err(SessionError::Over(Bye::LoggedInElsewhere));
        }
        if !planted(Bug::KeepRoomOpen) {
            store.rooms.evict_predecessors(session_key).during("ending earlier memberships")?;
        }
        let (current, connection) = (RoomName::lobby(), handle.peer.connection());
        let mut session = Self { person, version: proof.version, current, logs: OpenLogs::default(), connection };
        match session.receive_all(handle, proof, publishers) {
            Ok((version, unread)) => {
                handle.services.hub.activate_session(session_key);
                session.open_all(version, verb, unread);
                Ok(session)
            }
            Err(unable) => {
                session.leave_all(handle);
                Err(unable)
            }
        }
    }

    /// Enters the lobby, and gets buffered recipients for everything that it receives. Returns the number of the change, and
    /// what is unread.
    fn receive_all(
        &mut self,
        handle: &ConnectionHandle,
        proof: LoginProof,
        publishers: StoreResult<Vec<UserName>>,
    ) -> Result<(u64, Unread), SessionError> {
        let lobby = self.listen_to_all(handle, feeds(publishers)?)?;
        let session_key = self.person.session_key.clone();
        // From now on this server hears whatever ends the account or the ticket. So what is read below is current.
        handle.services.hub.register_session(&session_key, proof, handle.peer.clone(), handle.cell.clone());
        let arrival = handle.arrive(&self.person, proof.ticket);
        let version = match self.enter_lobby(handle, lobby, arrival.entered) {
            // Whatever ended the account or the ticket may have ended the session, too.
            Err(SessionError::Over(bye)) => {
                handle.check_account(&session_key, proof)?;
                return Err(SessionError::Over(bye));
            }
            entered => entered?,
        };
        require_unchanged(proof, arrival.account, arrival.is_ticket_there)?;
        self.check_feeds(handle, feeds(arrival.publishers)?)?;
        Ok((version, arrival.unread.during("looking up what is unread")?))
    }

    /// Adds buffered recipients for the lobby, which is not entered yet, for the inbox, and for feeds, in one request to the
    /// store. Returns the lobby's topic.
    fn listen_to_all(
        &mut self,
        handle: &ConnectionHandle,
        publishers: Vec<UserName>,
    ) -> Result<Arc<Topic>, SessionError> {
        let mut logs = vec![LogId::Room(RoomName::lobby()), LogId::Inbox(self.user().clone())];
        logs.extend(publishers.into_iter().map(LogId::Feed));
        let mut topics = handle.subscribe_buffered(&logs, self.user())?;
        let lobby = topics.remove(0);
        logs.remove(0);
        self.receive(logs, topics);
        Ok(lobby)
    }

    /// Notes that the lobby was entered, whose recipient is there already. Returns the number of the change.
    fn enter_lobby(
        &mut self,
        handle: &ConnectionHandle,
        topic: Arc<Topic>,
        entered: StoreResult<EnterResult>,
    ) -> Result<u64, SessionError> {
        let entered = entered.map(|entered| vec![entered]);
        let entered = handle.pending_rooms(vec![RoomName::lobby()], vec![topic], entered)?;
        let PendingRoom { room, topic, version, .. } = entered.only()?;
        self.receive(vec![LogId::Room(room)], vec![topic]);
        Ok(version)
    }

    /// Adds buffered recipients to some logs.
    fn listen(&mut self, handle: &ConnectionHandle, logs: Vec<LogId>) -> Result<(), CommandError> {
        let topics = handle.subscribe_buffered(&logs, self.user())?;
        self.receive(logs, topics);
        Ok(())
    }

    /// Adds logs with their topics to those that it receives.
    fn receive(&mut self, logs: Vec<LogId>, topics: Vec<Arc<Topic>>) {
        for (log, topic) in logs.into_iter().zip(topics) {
            self.logs.insert(log, OpenLog::new(topic, self.connection));
        }
    }

    /// Replies to the login, and activates all recipients of the session.
    fn open_all(&self, version: u64, verb: Verb, unread: Unread) {
        let (user, room) = (self.user().clone(), self.current.clone());
        let reply = |Head { epoch, last }: Head| match verb {
            Verb::Register => Reply::Register { user, room, epoch, last, unread },
            _ => Reply::Login { user, room, epoch, last, unread },
        };
        let lobby = LogId::Room(self.current.clone());
        if let Some(open) = self.logs.get(&lobby) {
            open.topic.activate(self.connection, Some(version), |start| Some(reply(start).into())).run();
        }
        for (_, open) in self.logs.iter().filter(|(log, _)| **log != lobby) {
            open.topic.activate(self.connection, None, |_| None).run();
        }
    }

    pub(crate) fn user(&self) -> &UserName {
        &self.person.session_key.user
    }

    pub(crate) fn version(&self) -> AccountVersion {
        self.version
    }

    pub(crate) fn person(&self) -> Person {
        self.person.person()
    }

    pub(crate) fn generation(&self) -> Generation {
        self.person.session_key.generation
    }

    /// Notes that the session wrote an entry. Whoever writes has read what came before.
    pub(crate) fn note_written(&mut self, log: &LogId, id: MessageId) {
        if let Some(open) = self.logs.get_mut(log) {
            open.note_written(id);
        }
    }

    /// Stops to receive a log, if it does. Whatever it wrote there is marked as read.
    fn unlisten(&mut self, handle: &ConnectionHandle, log: &LogId) {
        let Some(open) = self.logs.remove(log) else { return };
        handle.unsubscribe(&open.topic);
        self.save_marks(handle, written(log, &open).into_iter().collect());
    }

    /// Saves marks that may be lost.
    fn save_marks(&self, handle: &ConnectionHandle, marks: Vec<Mark>) {
        if !marks.is_empty() {
            handle.note("moving marks", handle.services.store.personal.mark(self.user(), &marks));
        }
    }

    /// Leaves all rooms and receives nothing more. The user's session is still claimed.
    pub(crate) fn leave_all(&mut self, handle: &ConnectionHandle) {
        handle.services.hub.end_session(self.user(), self.connection);
        let logs = std::mem::take(&mut self.logs);
        logs.iter().for_each(|(_, open)| handle.unsubscribe(&open.topic));
        self.save_marks(handle, logs.iter().filter_map(|(log, open)| written(log, open)).collect());
        if planted(Bug::Ghost) {
            return;
        }
        let is_left = |room: &&RoomName| !planted(Bug::KeepRoomOpen) || **room == self.current;
        let rooms: Vec<RoomName> = logs.keys().filter_map(LogId::room).filter(is_left).cloned().collect();
        handle.leave(&self.person.session_key, &rooms);
    }

    /// Releases the session, so that a successor need not wait any longer.
    pub(crate) fn release(self, handle: &ConnectionHandle) {
        handle.note("releasing a session", handle.services.store.sessions.release(self.user(), self.generation()));
    }
}

/// No log has a number that is as large. SQLite holds it.
const UNKNOWN_LAST: MessageId = MessageId(i64::MAX.unsigned_abs());

/// The mark for what a session wrote in a room. A later mark stays, so the newest number is not taken for known.
fn written(log: &LogId, open: &OpenLog) -> Option<Mark> {
    let read = open.wrote()?;
    log.room().map(|_| Mark { log: log.clone(), read, last: UNKNOWN_LAST })
}

fn claim(
    handle: &ConnectionHandle,
    origin: &Origin,
    user: &UserName,
    permit: Option<AttemptPermit>,
) -> Result<(Generation, StoreResult<Vec<UserName>>), SessionError> {
    let services = &handle.services;
    let policy = &services.policy;
    let is_limited = !origin.is_loopback || policy.limit_loopback;
    let limit = TakeoverLimit { max: policy.max_takeovers, within: Policy::TAKEOVER_WINDOW };
    let claim = Claim {
        user,
        connection: handle.peer.connection(),
        policy: if planted(Bug::IgnorePolicy) { DuplicateLogin::Takeover } else { policy.duplicate_login },
        takeovers: is_limited.then_some(limit),
        at: services.clock.elapsed(),
    };
    let attempt = made_now(services, origin, user);
    let report = services.store.logins().claim(permit.map(|permit| (&attempt, permit)), &claim);
    // A user with the right secret may log in even if the disk is full.
    handle.note(FORGETTING_FAILURES, report.ended);
    match report.claimed.during("claiming a session")? {
        ClaimResult::Granted(generation) => Ok((generation, report.publishers)),
        ClaimResult::AlreadyLoggedIn => Err(Refusal::AlreadyLoggedIn.into()),
        ClaimResult::TakeoverLoop(time) => Err(Refusal::TakeoverLoop(whole_seconds(time)).into()),
    }
}

/// The users whose feeds a session receives.
fn feeds(publishers: StoreResult<Vec<UserName>>) -> Result<Vec<UserName>, CommandError> {
    let publishers = publishers.during("listing subscriptions")?;
    Ok(if planted(Bug::ForgetFollows) { Vec::new() } else { publishers })
}

#[cfg(test)]
mod tests;
