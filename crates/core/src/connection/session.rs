//! One session from claim to release: the order of steps that keeps sessions single and deliveries without gap or
//! repetition. It must not read commands.

use std::collections::HashMap;
use std::sync::Arc;

use parlor_proto::{Bye, Event, Generation, Refusal, Reply, RoomName, Timestamp, UserName, Verb};

use crate::connection::effects::{CommandError, During, VerifiedLogin};
use crate::delivery::peer::{ConnectionId, Origin, Peer};
use crate::delivery::topic::Topic;
use crate::limits::policy::{DuplicateLogin, Policy};
use crate::limits::whole_seconds;
use crate::planted::{Bug, planted};
use crate::ports::{
    AccountVersion, Claim, ClaimResult, EnterResult, Head, LogId, PredecessorWait, SessionKey, StoreError,
    TakeoverLimit,
};
use crate::services::Services;

/// One connection of one server, with its services.
#[derive(Clone)]
pub(crate) struct ConnectionHandle {
    pub(crate) services: Arc<Services>,
    pub(crate) peer: Arc<Peer>,
}

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

/// A user's session. Owned by the client's thread.
pub(crate) struct Session {
    session_key: SessionKey,
    room: RoomName,
    topic: Arc<Topic>,
    feeds: HashMap<UserName, Arc<Topic>>,
    connection: ConnectionId,
}

/// A room that was entered. Its recipient is still buffered.
struct PendingRoom {
    topic: Arc<Topic>,
    members: usize,
    version: u64,
}

impl Session {
    /// Claims the user's session, waits for the end of the earlier session, enters the lobby and replies.
    pub(crate) fn begin(
        handle: &ConnectionHandle,
        origin: &Origin,
        entrance: VerifiedLogin,
    ) -> Result<Self, SessionError> {
        let VerifiedLogin { user, version, verb } = entrance;
        let generation = claim(handle, origin, &user)?;
        let session_key = SessionKey { user, generation };
        let begun = Self::complete_login(handle, &session_key, version, verb);
        if begun.is_err() {
            handle.note("releasing a session", handle.services.store.sessions.release(&session_key.user, generation));
        }
        begun
    }

    fn complete_login(
        handle: &ConnectionHandle,
        session_key: &SessionKey,
        account: AccountVersion,
        verb: Verb,
    ) -> Result<Self, SessionError> {
        let store = &handle.services.store;
        let waited =
            store.sessions.await_predecessors(&session_key.user, session_key.generation, Policy::TAKEOVER_PATIENCE);
        if waited.during("waiting for the earlier session")? == PredecessorWait::Displaced {
            return Err(SessionError::Over(Bye::LoggedInElsewhere));
        }
        store.rooms.evict_predecessors(session_key).during("ending earlier memberships")?;
        let mut publishers = store.follows.subscriptions(&session_key.user).during("listing subscriptions")?;
        if planted(Bug::ForgetFollows) {
            publishers.clear();
        }
        let lobby = RoomName::lobby();
        let PendingRoom { topic, version, .. } = handle.enter(session_key, &lobby)?;
        let connection = handle.peer.connection();
        let mut session =
            Self { session_key: session_key.clone(), room: lobby, topic, feeds: HashMap::new(), connection };
        for publisher in publishers {
            if let Err(error) = session.subscribe_feed(handle, publisher) {
                session.leave_all(handle);
                return Err(error.into());
            }
        }
        handle.services.hub.register_session(session_key, account, handle.peer.clone());
        let checked = handle.check_account(&session_key.user, account).and_then(|()| session.check_feeds(handle));
        if let Err(unable) = checked {
            session.leave_all(handle);
            return Err(unable);
        }
        handle.services.hub.activate_session(session_key);
        session.open(version, verb);
        Ok(session)
    }

    /// Drops the feeds of accounts that were deleted before the session subscribed to them. Later deletions arrive as
    /// events.
    fn check_feeds(&mut self, handle: &ConnectionHandle) -> Result<(), SessionError> {
        if self.feeds.is_empty() {
            return Ok(());
        }
        let follows = &handle.services.store.follows;
        let followed = follows.subscriptions(self.user()).during("listing subscriptions again")?;
        let gone: Vec<UserName> = self.feeds.keys().filter(|user| !followed.contains(*user)).cloned().collect();
        gone.iter().for_each(|publisher| self.unlisten(handle, publisher));
        Ok(())
    }

    /// Replies to the login, and activates all recipients of the session.
    fn open(&self, version: u64, verb: Verb) {
        let (user, room) = (self.session_key.user.clone(), self.room.clone());
        let reply = |Head { epoch, last }: Head| match verb {
            Verb::Register => Reply::Register { user, room, epoch, last },
            _ => Reply::Login { user, room, epoch, last },
        };
        self.topic.activate(self.connection, Some(version), |start| Some(reply(start).into())).run();
        for feed in self.feeds.values() {
            feed.activate(self.connection, None, |_| None).run();
        }
    }

    pub(crate) fn user(&self) -> &UserName {
        &self.session_key.user
    }

    pub(crate) fn generation(&self) -> Generation {
        self.session_key.generation
    }

    pub(crate) fn room(&self) -> &RoomName {
        &self.room
    }

    /// Leaves the current room for another and replies. No event of the old room arrives after the reply, and none of
    /// the new room before it.
    pub(crate) fn move_to(&mut self, handle: &ConnectionHandle, to: RoomName, verb: Verb) -> Result<(), SessionError> {
        let pending = handle.enter(&self.session_key, &to)?;
        let members = pending.members;
        let left = std::mem::replace(&mut self.room, to.clone());
        let behind = std::mem::replace(&mut self.topic, pending.topic);
        if !planted(Bug::HearOldRoom) {
            handle.unsubscribe(&behind);
        }
        handle.note("leaving a room", handle.services.store.rooms.leave(&self.session_key, &left));
        let reply = |Head { epoch, last }: Head| -> Event {
            match verb {
                Verb::Leave => Reply::Leave { left, room: to, members, epoch, last }.into(),
                _ => Reply::Join { room: to, members, epoch, last }.into(),
            }
        };
        self.topic.activate(self.connection, Some(pending.version), |start| Some(reply(start))).run();
        Ok(())
    }

    /// Whether this session receives a user's publications.
    pub(crate) fn is_subscribed_to(&self, publisher: &UserName) -> bool {
        self.feeds.get(publisher).is_some_and(|topic| topic.has(self.connection))
    }

    /// Follows a user durably, and receives the user's publications from now on. A failure changes nothing: the
    /// recipient is added first, since it can be removed again.
    pub(crate) fn follow(&mut self, handle: &ConnectionHandle, publisher: UserName) -> Result<(), CommandError> {
        let mut is_new = false;
        loop {
            // The recipient exists already if the store has lost the follow. It is gone if an account of that name was
            // deleted, which can happen even in this loop.
            if !self.is_subscribed_to(&publisher) {
                self.unlisten(handle, &publisher);
                self.subscribe_feed(handle, publisher.clone())?;
                is_new = true;
            }
            match handle.subscribe(self.user(), &publisher) {
                Ok(created) if self.note_owner(&publisher, created) => break,
                Ok(_) => {}
                Err(error) => {
                    if is_new {
                        self.unlisten(handle, &publisher);
                    }
                    return Err(error);
                }
            }
        }
        if let Some(topic) = self.feeds.get(&publisher) {
            topic.activate(self.connection, None, |_| None).run();
        }
        Ok(())
    }

    /// Notes which account owns the feed. Returns `false` if the session does not receive the feed any more.
    fn note_owner(&self, publisher: &UserName, created: Timestamp) -> bool {
        self.feeds.get(publisher).is_some_and(|topic| topic.note_owner(self.connection, created))
    }

    /// Unfollows a user, and receives no more publications of the user. A store that was emptied may not know a follow
    /// that this session still receives. So the call is refused only if neither the store nor the session knows it.
    pub(crate) fn unfollow(&mut self, handle: &ConnectionHandle, publisher: UserName) -> Result<(), CommandError> {
        let was_stored = handle.services.store.follows.unsubscribe(self.user(), &publisher).during("unsubscribing")?;
        let was_heard = self.is_subscribed_to(&publisher);
        self.unlisten(handle, &publisher);
        if was_stored || was_heard { Ok(()) } else { Err(Refusal::NotSubscribed(publisher).into()) }
    }

    /// Unsubscribes from the feed, if it was subscribed.
    fn unlisten(&mut self, handle: &ConnectionHandle, publisher: &UserName) {
        let Some(topic) = self.feeds.remove(publisher) else { return };
        if !planted(Bug::HearUnfollowed) {
            handle.unsubscribe(&topic);
        }
    }

    fn subscribe_feed(&mut self, handle: &ConnectionHandle, publisher: UserName) -> Result<(), CommandError> {
        let topic = handle.subscribe_buffered(&LogId::Feed(publisher.clone()), &self.session_key.user)?;
        self.feeds.insert(publisher, topic);
        Ok(())
    }

    /// Leaves the room and receives nothing more. The user's session is still claimed.
    pub(crate) fn leave_all(&mut self, handle: &ConnectionHandle) {
        handle.services.hub.end_session(&self.session_key.user, self.connection);
        for (_, topic) in self.feeds.drain() {
            handle.unsubscribe(&topic);
        }
        handle.unsubscribe(&self.topic);
        if planted(Bug::Ghost) {
            return;
        }
        handle.note("leaving a room", handle.services.store.rooms.leave(&self.session_key, &self.room));
    }

    /// Releases the session, so that a successor need not wait any longer.
    pub(crate) fn release(self, handle: &ConnectionHandle) {
        handle.note(
            "releasing a session",
            handle.services.store.sessions.release(&self.session_key.user, self.session_key.generation),
        );
    }
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

impl ConnectionHandle {
    /// Enters a room, with a buffered recipient. A failure changes nothing.
    fn enter(&self, session_key: &SessionKey, room: &RoomName) -> Result<PendingRoom, SessionError> {
        let topic = self.subscribe_buffered(&LogId::Room(room.clone()), &session_key.user)?;
        let entered = self.services.store.rooms.enter(session_key, room, self.services.policy.max_rooms);
        let unable = match entered.during("entering a room") {
            Ok(EnterResult::Member { members, version }) => return Ok(PendingRoom { topic, members, version }),
            Ok(EnterResult::Fenced) => SessionError::Over(Bye::LoggedInElsewhere),
            Ok(EnterResult::TooManyRooms) => Refusal::LimitReached("rooms").into(),
            Err(error) => error.into(),
        };
        self.unsubscribe(&topic);
        Err(unable)
    }

    /// Adds a buffered recipient to a log. The log is followed only after that, so the recipient gets every entry that
    /// is stored after the head.
    fn subscribe_buffered(&self, log: &LogId, user: &UserName) -> Result<Arc<Topic>, CommandError> {
        let topic = self.services.hub.listen(log, &self.peer, user);
        match self.services.store.log.follow(log).during("following a log") {
            Ok(head) => {
                topic.set_start(self.peer.connection(), head);
                Ok(topic)
            }
            Err(error) => {
                self.services.hub.unlisten(&topic, self.peer.connection());
                Err(error)
            }
        }
    }

    fn unsubscribe(&self, topic: &Arc<Topic>) {
        self.services.hub.unlisten(topic, self.peer.connection());
        self.services.store.log.unfollow(topic.log());
    }

    /// Checks that the account whose password was right still exists and was not kicked since. The hub must know the
    /// session before: it then receives later deletions and kicks.
    fn check_account(&self, user: &UserName, version: AccountVersion) -> Result<(), SessionError> {
        let account = self.services.store.accounts.find(user).during("looking an account up again")?;
        match account {
            Some(account) if account.version() == version => Ok(()),
            _ => Err(SessionError::Over(Bye::Kicked)),
        }
    }

    /// Stores a follow, unless the followed account was deleted meanwhile. Returns when that account was created.
    fn subscribe(&self, follower: &UserName, publisher: &UserName) -> Result<Timestamp, CommandError> {
        let store = &self.services.store;
        store.follows.subscribe(follower, publisher).during("subscribing")?;
        let Some(account) = store.accounts.find(publisher).during("looking a user up again")? else {
            store.follows.unsubscribe(follower, publisher).during("unsubscribing")?;
            return Err(Refusal::NoSuchUser(publisher.clone()).into());
        };
        Ok(account.created)
    }

    /// Reports a failure that no client waits for.
    fn note(&self, what: &'static str, result: Result<(), StoreError>) {
        if let Err(error) = result {
            self.services.observer.store_failed(what, &error);
        }
    }
}

#[cfg(test)]
mod tests {
    use parlor_testkit::{Connection, World, login_line};

    fn nothing() -> Vec<String> {
        Vec::new()
    }

    fn read_all(people: &[Connection]) {
        for person in people {
            person.read();
        }
    }

    /// Ann in the lobby with cyd, bob in red; nothing unread.
    fn three(world: &World) -> [Connection; 3] {
        let people = ["ann", "bob", "cyd"].map(|user| world.login(user));
        people[1].send("/join red");
        read_all(&people);
        people
    }

    #[test]
    fn what_is_said_while_one_enters_comes_right_after_the_answer() {
        for call in ["follow", "enter", "leave"] {
            let world = World::new();
            let [ann, bob, _cyd] = three(&world);
            bob.send("before");
            let speaker = bob.clone();
            world.after(call, move || speaker.send("meanwhile"));
            assert_eq!(ann.ask("/join red"), ["OK join red 2", "MSG red bob meanwhile"], "after {call}");
            bob.send("after");
            assert_eq!(ann.read(), ["MSG red bob after"]);
        }
    }

    #[test]
    fn the_answer_tells_the_number_before_the_first_message() {
        for (call, last) in [("follow", 2), ("enter", 2), ("leave", 2)] {
            let world = World::new();
            let [ann, bob, _cyd] = three(&world);
            ann.send("/format json");
            ann.read();
            bob.send_raw(b"one\ntwo\n");
            let speaker = bob.clone();
            world.after(call, move || speaker.send_raw(b"three\nfour\n"));
            let answer = ann.ask("/join red");
            assert!(answer[0].ends_with(&format!(r#""epoch":"0000000000000001","last":{last}}}"#)), "{answer:?}");
            assert!(answer[1].contains(r#""id":3,"#) && answer[2].contains(r#""id":4,"#), "{answer:?}");
        }
    }

    #[test]
    fn the_room_left_behind_is_heard_until_the_answer_and_not_after_it() {
        let world = World::new();
        let [ann, bob, cyd] = three(&world);
        let speaker = cyd.clone();
        world.after("enter", move || speaker.send("late"));
        assert_eq!(ann.ask("/join red"), ["MSG lobby cyd late", "OK join red 2"]);
        cyd.send("too late");
        assert_eq!((ann.read(), bob.read()), (nothing(), vec!["JOIN red ann".to_owned()]));
    }

    #[test]
    fn whoever_entered_before_is_counted_and_whoever_enters_after_is_announced() {
        let world = World::new();
        let [ann, _bob, cyd] = three(&world);
        let earlier = cyd.clone();
        world.after("follow", move || earlier.send("/join red"));
        assert_eq!(ann.ask("/join red"), ["PART lobby cyd", "OK join red 3"]);

        let world = World::new();
        let [ann, bob, cyd] = three(&world);
        let later = cyd.clone();
        world.after("enter", move || later.send("/join red"));
        assert_eq!(ann.ask("/join red"), ["PART lobby cyd", "OK join red 2", "JOIN red cyd"]);
        assert_eq!(bob.read(), ["JOIN red ann", "JOIN red cyd"]);
    }

    #[test]
    fn whoever_left_meanwhile_is_announced_once() {
        let world = World::new();
        let [ann, bob, _cyd] = three(&world);
        world.after("enter", move || bob.disconnect());
        assert_eq!(ann.ask("/join red"), ["OK join red 2", "PART red bob"]);
        assert_eq!(ann.ask("/who"), ["USER ann", "OK who red 1"]);
    }

    #[test]
    fn what_is_said_during_a_login_comes_after_its_answer() {
        let world = World::new();
        let [ann, _bob, cyd] = three(&world);
        ann.disconnect();
        cyd.read();
        let speaker = cyd.clone();
        world.after("enter", move || speaker.send("meanwhile"));
        assert_eq!(world.connect().ask(&login_line("ann")), ["OK login ann lobby", "MSG lobby cyd meanwhile"]);
        assert_eq!(cyd.read(), ["JOIN lobby ann", "PART lobby ann"]);
    }

    #[test]
    fn a_takeover_ends_the_earlier_session_with_one_part() {
        let world = World::new();
        let [_ann, bob, cyd] = three(&world);
        let new = world.connect();
        assert_eq!(new.ask(&login_line("bob")), ["OK login bob lobby"]);
        assert_eq!(bob.read(), ["BYE logged-in-elsewhere This user logged in elsewhere, which ends this session"]);
        assert!(!bob.is_open());
        assert_eq!(cyd.read(), ["JOIN lobby bob"]);
        assert_eq!(new.ask("/who red"), ["ERR no-such-room There is nobody in a room red"]);
        assert_eq!(world.reports()[3..], ["ended bob logged-in-elsewhere", "began bob from 127.0.0.1"]);
    }

    #[test]
    fn a_kick_ends_the_session_and_the_account_stays() {
        let world = World::new();
        let [ann, bob, cyd] = three(&world);
        world.kick("ann");
        assert_eq!(ann.read(), ["BYE kicked An operator ended this session"]);
        assert!(!ann.is_open());
        assert_eq!((bob.read(), cyd.read()), (nothing(), vec!["PART lobby ann".to_owned()]));
        let again = world.login("ann");
        assert!(again.is_open());
    }

    #[test]
    fn a_login_that_was_verified_before_a_kick_begins_no_session() {
        for call in ["find", "claim", "follow", "enter"] {
            let world = World::new();
            world.account("ann");
            let (ann, doing) = (world.connect(), world.clone());
            world.after(call, move || doing.kick("ann"));
            assert_eq!(ann.ask(&login_line("ann")), ["BYE kicked An operator ended this session"], "{call}");
            assert!(!ann.is_open());
            world.login("ann");
        }
    }

    #[test]
    fn in_one_room_a_takeover_is_one_part_and_one_join() {
        let world = World::new();
        let [_ann, _bob, cyd] = three(&world);
        let _new = world.login("ann");
        assert_eq!(cyd.read(), ["PART lobby ann", "JOIN lobby ann"]);
    }

    const DEEDS: [&str; 8] = [
        "hello",
        "/publish hello",
        "/join blue",
        "/msg cyd hello",
        "/broadcast hello",
        "/subscribe ann",
        "/unsubscribe ann",
        r#"/passwd "secret of bob" new"#,
    ];

    #[test]
    fn a_session_that_hangs_is_fenced_off_and_ends_at_its_next_word() {
        // Each run waits for the whole takeover patience, so all run at the same time.
        std::thread::scope(|scope| {
            for line in DEEDS {
                scope.spawn(move || hang_and_say(line));
            }
        });
    }

    fn hang_and_say(line: &str) {
        let world = World::new();
        world.operator("bob");
        let [ann, bob, cyd] = three(&world);
        cyd.send("/subscribe bob");
        ann.send("/join red");
        read_all(&[ann.clone(), bob.clone(), cyd.clone()]);
        world.lose_displacements();
        let new = world.connect();
        assert_eq!(new.ask(&login_line("bob")), ["OK login bob lobby"]);
        assert_eq!(ann.read(), ["PART red bob"]);
        assert_eq!(cyd.read(), ["JOIN lobby bob"]);
        assert!(bob.ask(line)[0].starts_with("BYE logged-in-elsewhere "), "{line}");
        assert!(!bob.is_open());
        assert_eq!((ann.read(), cyd.read()), (nothing(), nothing()));
        assert_eq!(new.ask("/who"), ["USER bob", "USER cyd", "OK who lobby 2"]);
        ann.send("/msg bob hi");
        assert_eq!(new.read(), ["DM ann hi"]);
    }

    #[test]
    fn who_is_displaced_while_logging_in_never_has_a_session() {
        let world = World::new();
        world.account("ann");
        let last = world.clone();
        let (send, receive) = std::sync::mpsc::channel();
        world.after("claim", move || send.send(last.login("ann")).unwrap());
        let first = world.connect();
        assert_eq!(
            first.ask(&login_line("ann")),
            ["BYE logged-in-elsewhere This user logged in elsewhere, which ends this session"]
        );
        let last = receive.recv().unwrap();
        assert_eq!(last.ask("/who"), ["USER ann", "OK who lobby 1"]);
        assert_eq!(world.reports(), ["began ann from 127.0.0.1"]);
    }

    #[test]
    fn who_is_deleted_while_logging_in_never_has_a_session() {
        for call in ["claim", "follow", "enter"] {
            for is_made_anew in [false, true] {
                let world = World::new();
                let [ann, bob, cyd] = three(&world);
                bob.disconnect();
                let doing = world.clone();
                world.after(call, move || {
                    doing.delete_account("bob");
                    doing.advance(1);
                    if is_made_anew {
                        doing.account("bob");
                    }
                });
                let bob = world.connect();
                assert_eq!(bob.ask(&login_line("bob")), ["BYE kicked An operator ended this session"], "after {call}");
                assert!(!bob.is_open());
                assert_eq!(ann.read(), ["JOIN lobby bob", "PART lobby bob"]);
                assert_eq!(cyd.ask("/who")[2..], ["USER ann", "USER cyd", "OK who lobby 2"]);
            }
        }
    }

    #[test]
    fn who_logs_in_while_a_publisher_is_deleted_does_not_hear_the_next_owner_of_the_name() {
        let world = World::new();
        let [_ann, bob, _cyd] = three(&world);
        bob.send("/subscribe ann");
        bob.send("/subscribe cyd");
        bob.disconnect();
        let doing = world.clone();
        world.after("enter", move || doing.delete_account("ann"));
        let bob = world.login("bob");
        bob.read();
        let (next, cyd) = (world.login("ann"), world.login("cyd"));
        next.send("/publish to my own followers");
        cyd.send("/publish news");
        let heard: Vec<_> = bob.read().into_iter().filter(|line| line.starts_with("PUB ")).collect();
        assert_eq!(heard, ["PUB cyd news"]);
    }

    #[test]
    fn where_duplicates_are_rejected_the_earlier_session_notices_nothing() {
        let world = World::builder().reject_duplicates().build();
        let ann = world.login("ann");
        let refused = "ERR already-logged-in This user is logged in elsewhere, and that session is kept";
        assert_eq!(world.connect().ask(&login_line("ann")), [refused]);
        assert_eq!(ann.ask("/who"), ["USER ann", "OK who lobby 1"]);
        ann.disconnect();
        world.login("ann");
    }

    #[test]
    fn two_clients_cannot_throw_each_other_out_for_ever() {
        let world = World::builder().max_takeovers(2).build();
        world.account("ann");
        let enter = || {
            let connection = world.from_address("192.0.2.1");
            (connection.ask(&login_line("ann")), connection)
        };
        let (_, _first) = enter();
        let (_, _second) = enter();
        world.advance(20);
        let (_, third) = enter();
        world.advance(1);
        let (refused, newcomer) = enter();
        assert_eq!(refused, ["ERR takeover-loop 39 seconds to wait: two clients throw each other out"]);
        assert!(third.is_open() && newcomer.is_open());
        world.advance(39);
        assert_eq!(newcomer.ask(&login_line("ann")), ["OK login ann lobby"]);
        assert!(!third.is_open());
    }

    #[test]
    fn takeovers_from_this_machine_are_not_limited_unless_told_so() {
        let world = World::builder().max_takeovers(1).build();
        let _sessions: Vec<_> = (0..9).map(|_| world.login("ann")).collect();
        world.from_address("192.0.2.1").ask(&login_line("ann"));
        let world = World::builder().max_takeovers(1).limit_loopback().build();
        let _sessions: Vec<_> = (0..2).map(|_| world.login("ann")).collect();
        assert!(world.connect().ask(&login_line("ann"))[0].starts_with("ERR takeover-loop 60 "));
    }

    #[test]
    fn every_end_is_one_part_and_leaves_nothing_behind() {
        type End = fn(&World, &Connection);
        let ends: [(usize, End); 5] = [
            (1, |_, ann| ann.disconnect()),
            (1, |_, ann| ann.send("/quit")),
            (1, |_, ann| ann.idle_out()),
            (1, |world, _| world.delete_account("ann")),
            (2, |_, ann| ann.send_raw(b"/join blue\n/leave\n/quit\n/join green\n")),
        ];
        for (parts, end) in ends {
            let world = World::new();
            let [ann, bob, cyd] = three(&world);
            ann.send("/subscribe bob");
            end(&world, &ann);
            assert_eq!(cyd.read().iter().filter(|line| *line == "PART lobby ann").count(), parts);
            assert_eq!((ann.is_open(), world.connections()), (false, 2));
            assert_eq!(cyd.ask("/who"), ["USER cyd", "OK who lobby 1"]);
            bob.disconnect();
            cyd.disconnect();
            assert_eq!((world.connections(), world.topics()), (0, 0));
        }
    }

    #[test]
    fn a_login_that_the_store_does_not_finish_can_be_tried_again() {
        for call in ["claim", "follow", "enter"] {
            let world = World::new();
            let [_ann, bob, cyd] = three(&world);
            bob.send("/subscribe cyd");
            bob.disconnect();
            let broken = world.clone();
            world.after(call, move || broken.fail_store(true));
            let bob = world.connect();
            assert!(bob.ask(&login_line("bob"))[0].starts_with("ERR store-unavailable "), "after {call}");
            assert!(!bob.is_logged_in());
            world.fail_store(false);
            bob.disconnect();
            let bob = world.login("bob");
            cyd.send("/publish news");
            assert_eq!(bob.read(), ["PUB cyd news"]);
            assert_eq!(bob.ask("/who"), ["USER ann", "USER bob", "USER cyd", "OK who lobby 3"]);
        }
    }
}
