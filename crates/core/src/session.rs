//! One session from claim to release: the order of steps that keeps sessions single and deliveries without
//! hole or repetition. It must not read commands.

use std::collections::HashMap;
use std::sync::Arc;

use parlor_proto::{Event, Generation, Refusal, Reply, RoomName, UserName, Verb};

use crate::actions::whole_seconds;
use crate::channel::{Channel, Start};
use crate::effects::{Denial, During};
use crate::parlor::Parlor;
use crate::peer::{Origin, Peer};
use crate::policy::Policy;
use crate::ports::{Claim, Claimed, Entered, LogId, Seat, StoreError, TakeoverLimit, Waited};

/// Where sessions happen: one connection of one server.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) parlor: Arc<Parlor>,
    pub(crate) peer: Arc<Peer>,
}

/// Why a step of a session was not taken.
#[derive(Debug)]
pub(crate) enum Unable {
    /// Refused, or the store failed; the session is as it was.
    Denied(Denial),
    /// The session was displaced by a later login: it can do nothing more.
    Displaced,
}

impl From<Denial> for Unable {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<Refusal> for Unable {
    fn from(refusal: Refusal) -> Self {
        Self::Denied(refusal.into())
    }
}

/// A user's session. Owned by the client's thread.
pub(crate) struct Session {
    seat: Seat,
    room: RoomName,
    channel: Arc<Channel>,
    feeds: HashMap<UserName, Arc<Channel>>,
}

/// A room that was entered, whose listener is still held back.
struct Arrival {
    channel: Arc<Channel>,
    members: usize,
    version: u64,
}

impl Session {
    /// Claims the user's session, waits for the end of the one before, enters the lobby and answers.
    pub(crate) fn begin(place: &Place, origin: &Origin, user: UserName, verb: Verb) -> Result<Self, Unable> {
        let generation = claim(place, origin, &user)?;
        let seat = Seat { user, generation };
        let begun = Self::settle_in(place, &seat, verb);
        if begun.is_err() {
            place.note("releasing a session", place.parlor.store.sessions.release(&seat.user, generation));
        }
        begun
    }

    fn settle_in(place: &Place, seat: &Seat, verb: Verb) -> Result<Self, Unable> {
        let store = &place.parlor.store;
        let waited = store.sessions.await_predecessors(&seat.user, seat.generation, Policy::TAKEOVER_PATIENCE);
        if waited.during("waiting for the earlier session")? == Waited::Displaced {
            return Err(Unable::Displaced);
        }
        store.rooms.evict_predecessors(seat).during("ending earlier memberships")?;
        let publishers = store.follows.subscriptions(&seat.user).during("listing subscriptions")?;
        let lobby = RoomName::lobby();
        let Arrival { channel, version, .. } = place.enter(seat, &lobby)?;
        let mut session = Self { seat: seat.clone(), room: lobby, channel, feeds: HashMap::new() };
        for publisher in publishers {
            if let Err(denial) = session.hold_feed(place, publisher) {
                session.depart(place);
                return Err(denial.into());
            }
        }
        place.parlor.hub.begin_session(seat, place.peer.clone());
        session.open(place, version, verb);
        Ok(session)
    }

    /// Answers the login, and lets everything in that the session listens to.
    fn open(&self, place: &Place, version: u64, verb: Verb) {
        let (user, room) = (self.seat.user.clone(), self.room.clone());
        let reply = |Start { epoch, last }: Start| match verb {
            Verb::Register => Reply::Register { user, room, epoch, last },
            _ => Reply::Login { user, room, epoch, last },
        };
        let connection = place.peer.connection();
        self.channel.admit(connection, Some(version), |start| Some(reply(start).into())).run();
        for feed in self.feeds.values() {
            feed.admit(connection, None, |_| None).run();
        }
    }

    pub(crate) fn user(&self) -> &UserName {
        &self.seat.user
    }

    pub(crate) fn generation(&self) -> Generation {
        self.seat.generation
    }

    pub(crate) fn room(&self) -> &RoomName {
        &self.room
    }

    /// Leaves the current room for another and answers. Of the room left behind nothing arrives after the
    /// answer, of the new one nothing before it.
    pub(crate) fn move_to(&mut self, place: &Place, to: RoomName, verb: Verb) -> Result<(), Unable> {
        let arrival = place.enter(&self.seat, &to)?;
        let members = arrival.members;
        let left = std::mem::replace(&mut self.room, to.clone());
        let behind = std::mem::replace(&mut self.channel, arrival.channel);
        place.abandon(&behind);
        place.note("leaving a room", place.parlor.store.rooms.leave(&self.seat, &left));
        let reply = |Start { epoch, last }: Start| -> Event {
            match verb {
                Verb::Leave => Reply::Leave { left, room: to, members, epoch, last }.into(),
                _ => Reply::Join { room: to, members, epoch, last }.into(),
            }
        };
        let connection = place.peer.connection();
        self.channel.admit(connection, Some(arrival.version), |start| Some(reply(start))).run();
        Ok(())
    }

    /// Follows a user durably, and hears from now on what it publishes. If it cannot be done, nothing has
    /// changed: so the listener comes first, which can be taken back.
    pub(crate) fn follow(&mut self, place: &Place, publisher: UserName) -> Result<(), Denial> {
        let channel = match self.feeds.get(&publisher) {
            Some(channel) => channel.clone(),
            None => self.hold_feed(place, publisher.clone())?,
        };
        if let Err(denial) = place.parlor.store.follows.subscribe(self.user(), &publisher).during("subscribing") {
            self.unlisten(place, &publisher);
            return Err(denial);
        }
        channel.admit(place.peer.connection(), None, |_| None).run();
        Ok(())
    }

    /// Hears it no longer.
    pub(crate) fn unlisten(&mut self, place: &Place, publisher: &UserName) {
        if let Some(channel) = self.feeds.remove(publisher) {
            place.abandon(&channel);
        }
    }

    fn hold_feed(&mut self, place: &Place, publisher: UserName) -> Result<Arc<Channel>, Denial> {
        let channel = place.hold(&LogId::Feed(publisher.clone()), &self.seat.user)?;
        self.feeds.insert(publisher, channel.clone());
        Ok(channel)
    }

    /// Leaves the room and hears nothing more. The user's session is still claimed.
    pub(crate) fn depart(&mut self, place: &Place) {
        place.parlor.hub.end_session(&self.seat.user, place.peer.connection());
        for (_, channel) in self.feeds.drain() {
            place.abandon(&channel);
        }
        place.abandon(&self.channel);
        place.note("leaving a room", place.parlor.store.rooms.leave(&self.seat, &self.room));
    }

    /// Gives the session up, so that a successor need not wait any longer.
    pub(crate) fn release(self, place: &Place) {
        place.note("releasing a session", place.parlor.store.sessions.release(&self.seat.user, self.seat.generation));
    }
}

fn claim(place: &Place, origin: &Origin, user: &UserName) -> Result<Generation, Unable> {
    let policy = &place.parlor.policy;
    let is_limited = !origin.is_loopback || policy.limit_loopback;
    let limit = TakeoverLimit { max: policy.max_takeovers, within: Policy::TAKEOVER_WINDOW };
    let claim = Claim {
        user,
        connection: place.peer.connection(),
        policy: policy.duplicate_login,
        takeovers: is_limited.then_some(limit),
        at: place.parlor.clock.elapsed(),
    };
    match place.parlor.store.sessions.claim(&claim).during("claiming a session")? {
        Claimed::Granted(generation) => Ok(generation),
        Claimed::AlreadyLoggedIn => Err(Refusal::AlreadyLoggedIn.into()),
        Claimed::TakeoverLoop(time) => Err(Refusal::TakeoverLoop(whole_seconds(time)).into()),
    }
}

impl Place {
    /// Enters a room, with the listener held back. If it cannot be done, nothing has changed.
    fn enter(&self, seat: &Seat, room: &RoomName) -> Result<Arrival, Unable> {
        let channel = self.hold(&LogId::Room(room.clone()), &seat.user)?;
        let entered = self.parlor.store.rooms.enter(seat, room, self.parlor.policy.max_rooms);
        let unable = match entered.during("entering a room") {
            Ok(Entered::Member { members, version }) => return Ok(Arrival { channel, members, version }),
            Ok(Entered::Fenced) => Unable::Displaced,
            Ok(Entered::TooManyRooms) => Refusal::LimitReached("rooms").into(),
            Err(denial) => denial.into(),
        };
        self.abandon(&channel);
        Err(unable)
    }

    /// Listens to a log, held back. The log is followed only after the listener is there: so whatever it
    /// stores from its head on is heard.
    fn hold(&self, log: &LogId, user: &UserName) -> Result<Arc<Channel>, Denial> {
        let channel = self.parlor.hub.listen(log, &self.peer, user);
        match self.parlor.store.log.follow(log).during("following a log") {
            Ok(head) => {
                channel.begin(head);
                Ok(channel)
            }
            Err(denial) => {
                self.parlor.hub.unlisten(&channel, self.peer.connection());
                Err(denial)
            }
        }
    }

    fn abandon(&self, channel: &Arc<Channel>) {
        self.parlor.hub.unlisten(channel, self.peer.connection());
        self.parlor.store.log.unfollow(channel.log());
    }

    /// Reports a failure that no client waits for.
    fn note(&self, what: &'static str, result: Result<(), StoreError>) {
        if let Err(error) = result {
            self.parlor.observer.store_failed(what, &error);
        }
    }
}
