//! Logs in memory with few entries, and beside a place for rights that can fail.

use std::sync::atomic::{AtomicBool, Ordering};

use parlor_core::ports::{Claim, ClaimResult, EnterResult, Rooms, SessionKey, Sessions, StoreError};
use parlor_core::{ConnectionId, DuplicateLogin};
use parlor_proto::{Order, Text};
use parlor_testkit::{RecordingSink, entrant, person};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

/// Keeps rights, unless it is broken. Nobody blocks anybody, and only bob has an account.
#[derive(Default)]
struct Keeper {
    is_broken: AtomicBool,
    told: Mutex<Vec<String>>,
}

impl Conversations for Keeper {
    fn is_blocked(&self, _by: &UserName, _user: &UserName) -> StoreResult<bool> {
        Ok(false)
    }

    fn exists(&self, account: &Recipient) -> StoreResult<bool> {
        if self.is_broken.load(Ordering::SeqCst) {
            return Err(StoreError::new("broken"));
        }
        Ok(account.user.as_str() == "bob")
    }

    fn note_sent(&self, sent: &Entry, to: &UserName) {
        lock(&self.told).push(format!("{} sent {} to {to}", sent.author, sent.id));
    }

    fn keep_rights(&self, room: &RoomName, rights: &RoomRights) -> StoreResult<()> {
        if self.is_broken.load(Ordering::SeqCst) {
            return Err(StoreError::new("broken"));
        }
        lock(&self.told).push(format!("{room} is about {}", rights.topic));
        Ok(())
    }

    fn note_received(&self, got: &Entry, owner: &UserName) {
        lock(&self.told).push(format!("{owner} got {}", got.id));
    }
}

/// A log with ann and bob in the room red.
struct Place {
    log: MemoryLog,
    keeper: Arc<Keeper>,
    sink: Arc<RecordingSink>,
    live: Arc<InProcessSessions>,
    ann: SessionKey,
    bob: SessionKey,
}

fn red() -> RoomName {
    "red".parse().unwrap()
}

fn text(text: &str) -> Text {
    Text::sanitise(text).unwrap()
}

impl Place {
    fn with(history: usize) -> Self {
        let (sink, keeper) = (Arc::new(RecordingSink::default()), Arc::new(Keeper::default()));
        let live = Arc::new(InProcessSessions::new(sink.clone()));
        let [ann, bob] = ["ann", "bob"].map(|user| {
            let user: UserName = user.parse().unwrap();
            let (policy, at) = (DuplicateLogin::Takeover, Duration::ZERO);
            let claim = Claim { user: &user, connection: ConnectionId(1), policy, takeovers: None, at };
            let ClaimResult::Granted(generation) = live.claim(&claim).unwrap() else { panic!() };
            let session_key = SessionKey { user, generation };
            let entered = live.enter(&entrant(&session_key), &[red()], 9).unwrap();
            assert!(matches!(entered[..], [EnterResult::Member { .. }]));
            session_key
        });
        let log = MemoryLog::new(live.clone(), sink.clone(), keeper.clone(), history, Epoch(3));
        Self { log, keeper, sink, live, ann, bob }
    }

    fn append(&self, by: &SessionKey, to: Destination, content: Content, millis: i64) -> Append {
        let (author, generation, time) = (by.user.clone(), by.generation, Timestamp::from_millis(millis));
        Append { to, author, generation, time, content, once: None }
    }

    fn said(&self, what: &str, millis: i64) -> Append {
        self.append(&self.ann, Destination::Room(red()), Content::Said(text(what)), millis)
    }

    fn edit(&self, of: u64, what: &str, millis: i64) -> Append {
        let content = Content::Edit { of: MessageId(of), text: text(what).into() };
        self.append(&self.ann, Destination::Edit { room: red(), window: MINUTE }, content, millis)
    }

    fn run(&self, append: Append) -> AppendResult {
        let mut report = self.log.append(vec![append]);
        report.flush.run();
        report.outcomes.remove(0).unwrap()
    }

    fn order(&self, order: Order) -> StoreResult<ActResult> {
        let target = order.user().map(|user| person(user.as_str()));
        let (actor, generation, time) = (person("ann"), self.ann.generation, Timestamp::from_millis(7));
        let act = Act { room: red(), actor, generation, time, deed: Deed::Order { order, target } };
        self.log.act(act).map(|report| {
            report.flush.run();
            report.result
        })
    }

    /// Numbers and contents of the room.
    fn contents(&self) -> Vec<(u64, Content)> {
        let request = PageRequest { log: LogId::Room(red()), peer: None, range: PageRange::Newest, count: 99 };
        self.log.page(&request).unwrap().entries.into_iter().map(|entry| (entry.id.0, entry.content)).collect()
    }
}

fn stored(number: u64) -> AppendResult {
    AppendResult::Stored(MessageId(number))
}

#[test]
fn rights_that_cannot_be_kept_are_not_changed() {
    let place = Place::with(10);
    assert_eq!(place.order(Order::Topic(text("roses"))), Ok(ActResult::Done(Some(MessageId(1)))));
    let before = place.live.rights(&[red()]);
    place.keeper.is_broken.store(true, Ordering::SeqCst);
    let ban = Order::Ban(place.bob.user.clone(), None, Note::default());
    for order in [Order::Topic(text("tulips")), ban.clone()] {
        assert!(place.order(order).is_err());
    }
    assert_eq!((place.live.rights(&[red()]), place.live.counts(&[red()]).unwrap()), (before, vec![2]));
    assert_eq!((place.contents().len(), place.sink.ids(&LogId::Room(red()))), (1, vec![1]));
    // What changes no right needs no place for it.
    let kick = Order::Kick(place.bob.user.clone(), Note::default());
    assert_eq!(place.order(kick), Ok(ActResult::Done(Some(MessageId(2)))));
    place.keeper.is_broken.store(false, Ordering::SeqCst);
    assert_eq!(place.order(ban), Ok(ActResult::Done(Some(MessageId(3)))));
    assert_eq!(*lock(&place.keeper.told), ["red is about roses", "red is about roses"]);
}

#[test]
fn keys_are_forgotten_if_they_are_both_old_and_beyond_the_number_that_is_kept() {
    const OLD: usize = ONCE_KEYS_KEPT + 3;
    let place = Place::with(10);
    let say = |number: usize, millis| {
        let append = Append { once: Some(number.to_string().parse().unwrap()), ..place.said("x", millis) };
        place.run(append)
    };
    let kept = || {
        let logs = lock(&place.log.logs);
        logs[&LogId::Room(red())].once[&place.ann.user].len()
    };
    (0..OLD).for_each(|number| assert_eq!(say(number, 0), stored(number as u64 + 1)));
    let hour = i64::try_from(ONCE_KEPT_FOR.as_millis()).unwrap();
    assert_eq!((say(OLD, hour), kept()), (stored(OLD as u64 + 1), OLD + 1), "none is older than an hour");
    assert_eq!((say(OLD + 1, hour + 1), kept()), (stored(OLD as u64 + 2), ONCE_KEYS_KEPT));
    // The oldest ones went.
    assert_eq!(say(5, hour + 1), AppendResult::Repeated(MessageId(6)));
    assert_eq!(say(4, hour + 1), stored(OLD as u64 + 3));
}

#[test]
fn what_is_not_kept_any_more_is_not_edited() {
    let place = Place::with(3);
    for number in 1..=4 {
        assert_eq!(place.run(place.said("x", 0)), stored(number));
    }
    assert_eq!(place.run(place.edit(1, "y", 0)), AppendResult::Denied(Denial::NoSuchMessage));
    // The edit takes a place itself.
    assert_eq!(place.run(place.edit(3, "y", 0)), stored(5));
    assert_eq!(place.run(place.edit(2, "y", 0)), AppendResult::Denied(Denial::NoSuchMessage));
    let numbers: Vec<u64> = place.contents().iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [3, 4, 5]);
    assert!(matches!(place.contents()[0].1, Content::Amended { by: MessageId(5), .. }));
}

#[test]
fn an_edit_is_made_within_its_window_and_known_by_its_time() {
    let place = Place::with(10);
    let window = i64::try_from(MINUTE.as_millis()).unwrap();
    assert_eq!(place.run(place.said("helo", 100)), stored(1));
    assert_eq!(place.run(place.edit(1, "hello", 100 + window)), stored(2));
    let late = place.edit(1, "hello!", 101 + window);
    assert_eq!(place.run(late), AppendResult::Denied(Denial::TooLate(MINUTE)));
    let (text, at) = (text("hello"), Timestamp::from_millis(100 + window));
    assert_eq!(place.contents()[0], (1, Content::Amended { text, at, by: MessageId(2) }));
}

#[test]
fn a_direct_message_is_noted_at_both_sides_with_their_numbers() {
    let place = Place::with(10);
    let to =
        |user: &str| Destination::Direct(Recipient { user: user.parse().unwrap(), created: Timestamp::from_millis(7) });
    let send = |by: &SessionKey, user: &str| place.run(place.append(by, to(user), Content::Said(text("x")), 7));
    assert_eq!([send(&place.bob, "bob"), send(&place.ann, "bob"), send(&place.ann, "cyd")], [1, 1, 2].map(stored));
    let told = ["bob sent 1 to bob", "ann sent 1 to bob", "bob got 2", "ann sent 2 to cyd"];
    assert_eq!(*lock(&place.keeper.told), told);
    let heads = place.log.heads(&["ann", "bob", "cyd"].map(|user| LogId::Inbox(user.parse().unwrap()))).unwrap();
    let head = |last| Head { epoch: Epoch(3), last: MessageId(last) };
    assert_eq!(heads, [head(2), head(2), head(0)]);
}

#[test]
fn a_failure_in_a_batch_is_that_of_its_own_message() {
    let place = Place::with(10);
    let bob = Recipient { user: place.bob.user.clone(), created: Timestamp::from_millis(7) };
    let direct = place.append(&place.ann, Destination::Direct(bob), Content::Said(text("x")), 7);
    place.keeper.is_broken.store(true, Ordering::SeqCst);
    let report = place.log.append(vec![place.said("one", 7), direct, place.said("two", 7)]);
    report.flush.run();
    assert!(matches!(report.outcomes[..], [Ok(one), Err(_), Ok(two)] if (one, two) == (stored(1), stored(2))));
    assert_eq!(place.sink.texts(&LogId::Room(red())), ["one", "two"]);
}
