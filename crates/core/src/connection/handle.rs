//! One connection with the services of its server: the steps by which a session begins and ends to receive logs. It must
//! not know which logs a session receives.

use std::sync::Arc;

use parlor_proto::{Bye, Format, Note, Refusal, RoomName, TicketId, Timestamp, UserName};

use crate::connection::effects::{CommandError, During};
use crate::connection::session::SessionError;
use crate::delivery::eviction::Evictable;
use crate::delivery::hub::LoginProof;
use crate::delivery::peer::Peer;
use crate::delivery::topic::Topic;
use crate::ports::{Account, Arrival, EnterResult, Entrant, FirstEntry, LogId, SessionKey, StoreError, StoreResult};
use crate::rights::{Holder, Person};
use crate::services::Services;

/// One connection of one server, with its services.
#[derive(Clone)]
pub(crate) struct ConnectionHandle {
    pub(crate) services: Arc<Services>,
    pub(crate) peer: Arc<Peer>,
    /// Where the session lies while the thread of the client waits.
    pub(crate) cell: Arc<dyn Evictable>,
}

/// The user of a session, as rooms judge them.
#[derive(Debug, Clone)]
pub(crate) struct SessionPerson {
    pub(crate) session_key: SessionKey,
    /// When the account was created.
    pub(crate) account: Timestamp,
    /// Whether it was an operator's when the session began.
    pub(crate) is_operator: bool,
}

impl SessionPerson {
    pub(crate) fn person(&self) -> Person {
        let holder = Holder { user: self.session_key.user.clone(), account: self.account };
        Person { holder, is_operator: self.is_operator }
    }

    /// What a room asks of it.
    fn entrant(&self, now: Timestamp) -> Entrant {
        let Self { session_key, account, is_operator } = self.clone();
        Entrant { session_key, account, is_operator, now }
    }
}

/// A room that was entered. Its recipient is still buffered.
pub(super) struct PendingRoom {
    pub(super) room: RoomName,
    pub(super) topic: Arc<Topic>,
    pub(super) members: usize,
    pub(super) version: u64,
}

/// Rooms that were to be entered.
#[derive(Default)]
pub(super) struct PendingRooms {
    pub(super) entered: Vec<PendingRoom>,
    /// Those that could not be entered.
    pub(super) refused: Vec<(RoomName, Refusal)>,
}

impl PendingRooms {
    /// The room, if it was only one.
    pub(super) fn only(mut self) -> Result<PendingRoom, SessionError> {
        let refused = self.refused.pop().map(|(_, refusal)| refusal);
        self.entered.pop().ok_or_else(|| refused.unwrap_or(Refusal::LimitReached("rooms")).into())
    }
}

impl ConnectionHandle {
    /// Enters a room, with a buffered recipient. A failure changes nothing.
    pub(super) fn enter(&self, person: &SessionPerson, room: &RoomName) -> Result<PendingRoom, SessionError> {
        self.enter_all(person, vec![room.clone()])?.only()
    }

    /// Enters some rooms, with buffered recipients. A failure changes nothing.
    pub(super) fn enter_all(&self, person: &SessionPerson, rooms: Vec<RoomName>) -> Result<PendingRooms, SessionError> {
        if rooms.is_empty() {
            return Ok(PendingRooms::default());
        }
        let logs: Vec<LogId> = rooms.iter().cloned().map(LogId::Room).collect();
        let topics = self.subscribe_buffered(&logs, &person.session_key.user)?;
        self.enter_subscribed(person, rooms, topics)
    }

    /// Enters some rooms that have buffered recipients already. Removes those of rooms that are not entered.
    pub(super) fn enter_subscribed(
        &self,
        person: &SessionPerson,
        rooms: Vec<RoomName>,
        topics: Vec<Arc<Topic>>,
    ) -> Result<PendingRooms, SessionError> {
        let entrant = person.entrant(self.services.clock.now());
        let entered = self.services.store.rooms.enter(&entrant, &rooms, self.services.policy.max_rooms);
        self.pending_rooms(rooms, topics, entered)
    }

    /// Enters the lobby, whose recipient is there already, and reads what a new session has to know.
    pub(super) fn arrive(&self, person: &SessionPerson, ticket: Option<TicketId>) -> Arrival {
        let entrant = person.entrant(self.services.clock.now());
        // Clients that read JSON ask for it.
        let counts_unread = self.peer.outbox().encoding().format != Format::Json;
        let max_rooms = self.services.policy.max_rooms;
        self.services.store.logins().enter(&FirstEntry { entrant: &entrant, max_rooms, ticket, counts_unread })
    }

    /// The rooms of an answer. Removes the recipients of those that were not entered.
    pub(super) fn pending_rooms(
        &self,
        rooms: Vec<RoomName>,
        topics: Vec<Arc<Topic>>,
        entered: StoreResult<Vec<EnterResult>>,
    ) -> Result<PendingRooms, SessionError> {
        let mut pending = PendingRooms::default();
        let results = match entered.during("entering a room") {
            Ok(results) => results,
            Err(error) => {
                topics.iter().for_each(|topic| self.unsubscribe(topic));
                return Err(error.into());
            }
        };
        let is_fenced = results.contains(&EnterResult::Fenced);
        for ((room, topic), result) in rooms.into_iter().zip(topics).zip(results) {
            match result {
                EnterResult::Member { members, version } if !is_fenced => {
                    pending.entered.push(PendingRoom { room, topic, members, version });
                }
                // The session that displaced this one ends its memberships.
                EnterResult::Member { .. } | EnterResult::Fenced => self.unsubscribe(&topic),
                EnterResult::Denied(denial) => {
                    self.unsubscribe(&topic);
                    let refusal = denial.refusal(&room, None, None);
                    pending.refused.push((room, refusal));
                }
                EnterResult::TooManyRooms => {
                    self.unsubscribe(&topic);
                    pending.refused.push((room, Refusal::LimitReached("rooms")));
                }
            }
        }
        if is_fenced { Err(SessionError::Over(Bye::LoggedInElsewhere)) } else { Ok(pending) }
    }

    /// Leaves rooms that were entered and are not part of the session yet.
    pub(super) fn abandon(&self, session_key: &SessionKey, pending: &[PendingRoom]) {
        pending.iter().for_each(|pending| self.unsubscribe(&pending.topic));
        let rooms: Vec<RoomName> = pending.iter().map(|pending| pending.room.clone()).collect();
        self.leave(session_key, &rooms);
    }

    /// The topic of a room; none if the store does not tell.
    pub(super) fn topic(&self, room: &RoomName) -> Note {
        let rights = self.services.store.governance.rights(std::slice::from_ref(room));
        let rights = rights.unwrap_or_else(|error| {
            self.note("reading the topic of a room", Err(error));
            Vec::new()
        });
        rights.into_iter().next().flatten().map(|rights| rights.topic).unwrap_or_default()
    }

    /// Ends memberships.
    pub(super) fn leave(&self, session_key: &SessionKey, rooms: &[RoomName]) {
        self.note("leaving a room", self.services.store.rooms.leave(session_key, rooms));
    }

    /// Adds a buffered recipient to each of some logs. The logs are followed only after that, so the recipients get
    /// every entry that is stored after the head.
    pub(super) fn subscribe_buffered(&self, logs: &[LogId], user: &UserName) -> Result<Vec<Arc<Topic>>, CommandError> {
        let listen = |log| self.services.hub.listen(log, &self.peer, user);
        let topics: Vec<Arc<Topic>> = logs.iter().map(listen).collect();
        match self.services.store.log.follow(logs).during("following a log") {
            Ok(heads) => {
                for (topic, head) in topics.iter().zip(heads) {
                    topic.set_start(self.peer.connection(), head);
                }
                Ok(topics)
            }
            Err(error) => {
                topics.iter().for_each(|topic| self.services.hub.unlisten(topic, self.peer.connection()));
                Err(error)
            }
        }
    }

    pub(super) fn unsubscribe(&self, topic: &Arc<Topic>) {
        self.services.hub.unlisten(topic, self.peer.connection());
        self.services.store.log.unfollow(topic.log());
    }

    /// Checks that the account whose password or ticket was right still exists and was not kicked since, and that the ticket
    /// was not revoked. The hub must know the session before: it then receives what happens later.
    pub(super) fn check_account(&self, session_key: &SessionKey, proof: LoginProof) -> Result<(), SessionError> {
        let store = &self.services.store;
        let account = store.accounts.find(&session_key.user);
        let is_ticket_there = proof.ticket.map_or(Ok(true), |ticket| store.tickets.bind(session_key, ticket));
        require_unchanged(proof, account, is_ticket_there)
    }

    /// Stores a follow, unless the followed account was deleted meanwhile. Returns when that account was created.
    pub(super) fn subscribe(&self, follower: &UserName, publisher: &UserName) -> Result<Timestamp, CommandError> {
        let store = &self.services.store;
        store.follows.subscribe(follower, publisher).during("subscribing")?;
        let Some(account) = store.accounts.find(publisher).during("looking a user up again")? else {
            store.follows.unsubscribe(follower, publisher).during("unsubscribing")?;
            return Err(Refusal::NoSuchUser(publisher.clone()).into());
        };
        Ok(account.created)
    }

    /// Reports a failure that no client waits for.
    pub(super) fn note(&self, what: &'static str, result: Result<(), StoreError>) {
        if let Err(error) = result {
            self.services.observer.store_failed(what, &error);
        }
    }
}

/// Requires that the account of a login still exists and was not kicked since, and that the ticket was not revoked.
pub(super) fn require_unchanged(
    proof: LoginProof,
    account: StoreResult<Option<Account>>,
    is_ticket_there: StoreResult<bool>,
) -> Result<(), SessionError> {
    let account = account.during("looking an account up again")?;
    if account.is_none_or(|account| account.version() != proof.version) {
        return Err(SessionError::Over(Bye::Kicked));
    }
    if is_ticket_there.during("looking a ticket up again")? { Ok(()) } else { Err(SessionError::Over(Bye::LoggedOut)) }
}
