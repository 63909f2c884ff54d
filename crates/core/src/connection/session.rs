//! One session from claim to release: the order of steps that keeps sessions single and deliveries without gap or
//! repetition. It must not read commands.

mod feeds;
mod open_logs;
mod rooms;
mod sync;

use std::sync::Arc;

use parlor_proto::{Bye, Epoch, Format, Generation, MessageId, Refusal, Reply, RoomName, UserName, Verb};

use crate::connection::effects::{CommandError, During, VerifiedLogin};
use crate::connection::handle::{ConnectionHandle, PendingRoom, SessionPerson};
use crate::delivery::hub::LoginProof;
use crate::delivery::peer::{ConnectionId, Origin};
use crate::delivery::topic::Topic;
use crate::limits::policy::{DuplicateLogin, Policy};
use crate::limits::whole_seconds;
use crate::planted::{Bug, planted};
use crate::ports::{
    AccountVersion, Claim, ClaimResult, Head, LogId, Mark, PredecessorWait, Role, SessionKey, TakeoverLimit,
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
        let VerifiedLogin { user, version, role, ticket, verb } = entrance;
        let generation = claim(handle, origin, &user)?;
        let session_key = SessionKey { user, generation };
        let person = SessionPerson {
            session_key: session_key.clone(),
            account: version.created,
            is_operator: role == Role::Operator,
        };
        let begun = Self::complete_login(handle, person, LoginProof { version, ticket }, verb);
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
        match session.receive_all(handle, proof) {
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
    fn receive_all(&mut self, handle: &ConnectionHandle, proof: LoginProof) -> Result<(u64, Unread), SessionError> {
        let lobby = self.listen_to_all(handle)?;
        let version = match self.enter_lobby(handle, lobby) {
            // Whatever ended the account or the ticket may have ended the session, too.
            Err(SessionError::Over(bye)) => {
                handle.check_account(&self.person.session_key, proof)?;
                return Err(SessionError::Over(bye));
            }
            entered => entered?,
        };
        self.check(handle, proof)?;
        Ok((version, self.count_unread(handle)?))
    }

    /// Adds buffered recipients for the lobby, which is not entered yet, for the inbox, and for the feeds of followed users, in
    /// one request to the store. Returns the lobby's topic.
    fn listen_to_all(&mut self, handle: &ConnectionHandle) -> Result<Arc<Topic>, SessionError> {
        let mut publishers =
            handle.services.store.follows.subscriptions(self.user()).during("listing subscriptions")?;
        if planted(Bug::ForgetFollows) {
            publishers.clear();
        }
        let mut logs = vec![LogId::Room(RoomName::lobby()), LogId::Inbox(self.user().clone())];
        logs.extend(publishers.into_iter().map(LogId::Feed));
        let mut topics = handle.subscribe_buffered(&logs, self.user())?;
        let lobby = topics.remove(0);
        logs.remove(0);
        self.receive(logs, topics);
        Ok(lobby)
    }

    /// Enters the lobby, whose recipient is there already. Returns the number of the change.
    fn enter_lobby(&mut self, handle: &ConnectionHandle, topic: Arc<Topic>) -> Result<u64, SessionError> {
        let entered = handle.enter_subscribed(&self.person, vec![RoomName::lobby()], vec![topic])?;
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

    /// Checks, once the hub knows the session, what may have changed before.
    fn check(&mut self, handle: &ConnectionHandle, proof: LoginProof) -> Result<(), SessionError> {
        handle.services.hub.register_session(&self.person.session_key, proof, handle.peer.clone(), handle.cell.clone());
        handle.check_account(&self.person.session_key, proof)?;
        self.check_feeds(handle)
    }

    /// The unread direct messages of each conversation, for clients that are told at the login.
    fn count_unread(&self, handle: &ConnectionHandle) -> Result<Unread, SessionError> {
        if handle.peer.outbox().encoding().format == Format::Json {
            return Ok(Vec::new());
        }
        Ok(handle.services.store.personal.unread(self.user()).during("looking up what is unread")?)
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

fn claim(handle: &ConnectionHandle, origin: &Origin, user: &UserName) -> Result<Generation, SessionError> {
    let policy = &handle.services.policy;
    let is_limited = !origin.is_loopback || policy.limit_loopback;
    let limit = TakeoverLimit { max: policy.max_takeovers, within: Policy::TAKEOVER_WINDOW };
    let claim = Claim {
        user,
        connection: handle.peer.connection(),
        policy: if planted(Bug::IgnorePolicy) { DuplicateLogin::Takeover } else { policy.duplicate_login },
        takeovers: is_limited.then_some(limit),
        at: handle.services.clock.elapsed(),
    };
    match handle.services.store.sessions.claim(&claim).during("claiming a session")? {
        ClaimResult::Granted(generation) => Ok(generation),
        ClaimResult::AlreadyLoggedIn => Err(Refusal::AlreadyLoggedIn.into()),
        ClaimResult::TakeoverLoop(time) => Err(Refusal::TakeoverLoop(whole_seconds(time)).into()),
    }
}

#[cfg(test)]
mod tests;
