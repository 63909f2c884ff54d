//! What a migration does in each round: no more than is needed, and in the end the target has what the source has.

mod stores;

use parlor_core::ports::PasswordHash;
use parlor_proto::{OnceKey, RoomName, Timestamp};

use super::*;
use crate::archive::{AccountRecord, ArchiveError, ArchiveTarget, MarkRecord, OnceRecord};

use stores::{Held, Holding, Target, name, red, said};

/// A migration between two stores.
#[derive(Default)]
struct Move {
    copied: Copied,
    target: Target,
}

impl Move {
    /// Catches up once, and returns what was done for it.
    fn round(&mut self, source: &mut Holding) -> Vec<String> {
        let mut counts = vec![0];
        let changes = self.copied.catch_up(source, &mut self.target, |count| counts.push(count)).unwrap();
        assert!(counts.is_sorted() && changes >= counts[counts.len() - 1], "{changes} after {counts:?}");
        std::mem::take(&mut self.target.done)
    }

    /// A migration that has copied everything.
    fn of(source: &mut Holding) -> Self {
        let mut moving = Self::default();
        moving.round(source);
        moving
    }
}

fn account(user: &str, kicks: u64) -> Record {
    let (hash, created) = (PasswordHash::new("hash".to_owned()), Timestamp::from_millis(7));
    Record::Account(AccountRecord { user: name(user), hash, operator: false, created, kicks, suspension: None })
}

fn mark(room: &str, read: u64) -> Record {
    let room: RoomName = room.parse().unwrap();
    Record::Mark(MarkRecord { user: name("ann"), log: LogId::Room(room), read: MessageId(read) })
}

fn key(held: &mut Held, key: &str) {
    let (log, id, time) = (red(), MessageId(held.last), Timestamp::from_millis(7));
    let key: OnceKey = key.parse().unwrap();
    held.once.push(OnceRecord { log, author: name("ann"), key, id, time });
}

#[test]
fn what_is_the_same_is_left_alone() {
    let mut source = Holding::with(&["one", "two"]);
    key(source.log(), "k");
    source.put(account("ann", 0));
    let mut moving = Move::default();
    assert_eq!(moving.round(&mut source), ["Account(ann)", "log to 2", "entry 1", "entry 2", "key k"]);
    for _ in 0..2 {
        assert_eq!(moving.round(&mut source), [""; 0]);
    }
    assert_eq!(moving.target.holding, source);
    assert_eq!(moving.copied.moved(), Moved { accounts: 1, logs: 1, entries: 2 });
}

#[test]
fn what_is_new_is_stored_what_is_another_is_replaced_and_what_is_gone_is_removed() {
    let mut source = Holding::default();
    for record in [account("ann", 0), account("bob", 0), mark("red", 1), mark("blue", 1)] {
        source.put(record);
    }
    let mut moving = Move::of(&mut source);
    source.rest.remove(&Key::Account(name("bob")));
    for record in [account("ann", 1), account("cyd", 0), mark("red", 2)] {
        source.put(record);
    }
    let mut done = moving.round(&mut source);
    done.sort();
    let stored = ["Account(ann)", "Account(cyd)", "Mark(ann, Room(red))"];
    let removed = ["remove Account(ann)", "remove Account(bob)", "remove Mark(ann, Room(red))"];
    assert_eq!(done, [stored, removed].concat());
    assert_eq!(moving.target.holding, source);
    // What comes again is new.
    source.put(account("bob", 0));
    assert_eq!(moving.round(&mut source), ["Account(bob)"]);
    assert_eq!(moving.copied.moved().accounts, 3);
}

#[test]
fn a_log_that_has_grown_brings_its_end_only() {
    let mut source = Holding::with(&["one", "two"]);
    key(source.log(), "k1");
    let mut moving = Move::of(&mut source);
    source.log().say(said("three"));
    key(source.log(), "k3");
    assert_eq!(moving.round(&mut source), ["grow to 3", "entry 3", "key k3"]);
    // Whatever was copied before is forgotten, and the next entry follows without a gap.
    source.log().trim(4);
    source.log().say(said("four"));
    source.log().trim(4);
    assert_eq!(moving.round(&mut source), ["grow to 4", "entry 4", "trim before 4"]);
    assert_eq!(moving.round(&mut source), [""; 0], "it is trimmed once");
    source.log().trim(5);
    assert_eq!(moving.round(&mut source), ["trim before 5"]);
    assert_eq!(moving.copied.moved(), Moved { accounts: 0, logs: 1, entries: 4 });
}

#[test]
fn a_log_that_is_another_one_by_now_begins_anew() {
    let another = |change: fn(&mut Holding)| {
        let mut source = Holding::with(&["one", "two", "three"]);
        let mut moving = Move::of(&mut source);
        change(&mut source);
        let done = moving.round(&mut source);
        assert_eq!(done[0], "remove Log(Room(red))", "{done:?}");
        assert_eq!(moving.target.holding, source);
        assert_eq!(moving.round(&mut source), [""; 0]);
    };
    // The numbers begin again, or go back; or there is a gap between what was copied and what is there.
    another(|source| source.log().epoch = Epoch(2));
    another(|source| *source = Holding::with(&["one", "two"]));
    another(|source| {
        source.log().say(said("four"));
        source.log().say(said("five"));
        source.log().trim(5);
    });
}

#[test]
fn a_log_that_is_gone_is_removed_and_may_come_again() {
    let mut source = Holding::with(&["one"]);
    let mut moving = Move::of(&mut source);
    let gone = std::mem::take(&mut source);
    assert_eq!(moving.round(&mut source), ["remove Log(Room(red))"]);
    source = gone;
    assert_eq!(moving.round(&mut source), ["log to 1", "entry 1"]);
}

#[test]
fn an_edit_rewrites_its_message_and_the_edit_before() {
    let mut source = Holding::with(&["one", "two"]);
    source.log().edit(1, "eins");
    let mut moving = Move::of(&mut source);
    assert_eq!(moving.round(&mut source), [""; 0], "what is copied reads as it is");
    source.log().edit(1, "uno");
    assert_eq!(moving.round(&mut source), ["grow to 4", "entry 4", "rewrite 1", "rewrite 3"]);
    source.log().edit(2, "due");
    source.log().edit(2, "deux");
    // The first of these two is read without its text already.
    assert_eq!(moving.round(&mut source), ["grow to 6", "entry 5", "entry 6", "rewrite 2", "rewrite 5"]);
    assert_eq!(moving.target.holding, source);
}

#[test]
fn a_removal_rewrites_its_message_and_its_last_edit() {
    let mut source = Holding::with(&["one", "two"]);
    source.log().edit(1, "eins");
    let mut moving = Move::of(&mut source);
    source.log().remove(1);
    source.log().remove(2);
    let done = ["grow to 5", "entry 4", "entry 5", "rewrite 1", "rewrite 2", "rewrite 3"];
    assert_eq!(moving.round(&mut source), done);
    assert_eq!(moving.target.holding, source);
    assert_eq!(moving.round(&mut source), [""; 0]);
}

#[test]
fn what_is_forgotten_by_now_is_not_rewritten() {
    let mut source = Holding::with(&["one", "two"]);
    let mut moving = Move::of(&mut source);
    source.log().edit(1, "eins");
    source.log().trim(2);
    assert_eq!(moving.round(&mut source), ["grow to 3", "entry 3", "trim before 2"]);
    assert_eq!(moving.target.holding, source);
}

#[test]
fn a_target_that_takes_nothing_ends_the_round() {
    struct Full;
    impl ArchiveTarget for Full {
        fn stored(&self) -> u64 {
            0
        }
        fn skip(&mut self, _record: &Record) {}
        fn store(&mut self, _record: &Record) -> ArchiveResult<()> {
            Err(ArchiveError::Refused("full".to_owned()))
        }
        fn finish(self: Box<Self>) -> ArchiveResult<()> {
            Ok(())
        }
    }
    impl MovingTarget for Full {
        fn change(&mut self, _change: Change<'_>) -> ArchiveResult<()> {
            Ok(())
        }
        fn settle(&mut self) -> ArchiveResult<()> {
            Ok(())
        }
        fn seal(&mut self) -> ArchiveResult<()> {
            Ok(())
        }
    }
    let mut source = Holding::with(&["one"]);
    let failed = Copied::default().catch_up(&mut source, &mut Full, |_| panic!("nothing was stored"));
    assert_eq!(failed.unwrap_err().to_string(), "full");
}

/// Numbers that look random, from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// Some message of a log that may be edited or removed.
    fn message(&mut self, held: &Held) -> Option<u64> {
        let is_text = |entry: &&EntryRecord| matches!(entry.text, Content::Said(_) | Content::Amended { .. });
        let texts: Vec<u64> = held.entries.values().filter(is_text).map(|entry| entry.id.0).collect();
        (!texts.is_empty()).then(|| texts[usize::try_from(self.below(texts.len() as u64)).unwrap()])
    }

    /// Does something to a source that its server might do.
    fn act(&mut self, source: &mut Holding, epoch: u64) {
        let user = format!("user{}", self.below(3));
        let held = source.logs.entry(red()).or_insert_with(|| Held::new(epoch));
        let message = self.message(held);
        match (self.below(10), message) {
            (0..3, _) => {
                held.say(said("hello"));
            }
            (3..5, Some(of)) => held.edit(of, &format!("edit {}", self.below(100))),
            (5, Some(of)) => held.remove(of),
            (6, _) => {
                let first = held.first() + self.below(held.entries.len() as u64 + 1);
                held.trim(first);
            }
            (7, _) if self.below(4) == 0 => drop(source.logs.remove(&red())),
            (8, _) => drop(source.rest.remove(&Key::Account(name(&user)))),
            _ => source.put(account(&user, self.below(3))),
        }
    }
}

#[test]
fn whatever_happens_between_the_rounds_the_target_has_what_the_source_has() {
    for seed in 0..300 {
        let (mut dice, mut source, mut moving) = (Dice(seed), Holding::default(), Move::default());
        for round in 0..8 {
            for _ in 0..dice.below(6) {
                dice.act(&mut source, round);
            }
            moving.round(&mut source);
            assert_eq!(moving.target.holding, source, "seed {seed}, round {round}");
            assert_eq!(moving.round(&mut source), [""; 0], "seed {seed}, round {round}");
        }
    }
}
