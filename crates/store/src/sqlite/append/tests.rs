//! Appends to a database that keeps few entries, and to one that fails in the middle of a batch.

use parlor_core::ports::{Deed, LogId};
use parlor_proto::{Note, Order, Timestamp};

use super::*;
use crate::sqlite::tests::{NOW, Place, name, red, stored, text};

/// A direct message of ann to bob, whose account is there.
fn to_bob(place: &Place, what: &str) -> Append {
    let created = Timestamp::from_millis(NOW);
    Place::said(Destination::Direct(Recipient { user: name("bob"), created }), &place.ann, what)
}

/// Ann says something in the room.
fn in_red(place: &Place, what: &str) -> Append {
    Place::said(Destination::Room(red()), &place.ann, what)
}

fn edit(place: &Place, of: u64) -> Append {
    let content = Content::Edit { of: MessageId(of), text: text("better").into() };
    Append { content, ..Place::said(Destination::Edit { room: red(), window: Duration::MAX }, &place.ann, "better") }
}

#[test]
fn what_fails_takes_the_whole_batch_back_and_no_number_is_used() {
    let place = Place::with(10);
    let account = "INSERT INTO account (name, hash, role, created) VALUES ('bob', 'x', 'member', 7)";
    place.spoil(account);
    let keyed = |what: &str| Append { once: Some(what.parse().unwrap()), ..in_red(&place, what) };
    for table in ["direct", "conversation", "once"] {
        place.spoil(&format!("ALTER TABLE {table} RENAME TO hidden"));
        let outcomes = place.append(vec![in_red(&place, "one"), to_bob(&place, "two"), keyed("three")]);
        assert!(outcomes.len() == 3 && outcomes.iter().all(Result::is_err), "{table}: {outcomes:?}");
        place.spoil(&format!("ALTER TABLE hidden RENAME TO {table}"));
    }
    assert_eq!((place.page(), place.sink.ids(&Place::log())), (vec![1], vec![1]));
    let outcomes = place.append(vec![in_red(&place, "one"), to_bob(&place, "two"), keyed("three"), keyed("three")]);
    let repeated = Ok(AppendResult::Repeated(MessageId(3)));
    assert_eq!(outcomes, [stored(2), stored(1), stored(3), repeated]);
    let inbox = |user: &str| place.sink.ids(&LogId::Inbox(name(user)));
    assert_eq!((inbox("ann"), inbox("bob"), place.sink.ids(&Place::log())), (vec![1], vec![1], vec![1, 2, 3]));
}

#[test]
fn what_is_not_kept_any_more_is_not_edited_though_it_is_still_in_the_table() {
    let place = Place::with(3);
    for number in 2..=4 {
        assert_eq!(place.append(vec![in_red(&place, "x")]), [stored(number)]);
    }
    let refused = |outcomes: Vec<StoreResult<AppendResult>>| {
        assert_eq!(outcomes, [Ok(AppendResult::Denied(Denial::NoSuchMessage))]);
    };
    refused(place.append(vec![edit(&place, 1)]));
    assert_eq!(place.append(vec![edit(&place, 3)]), [stored(5)]);
    // The edit takes a place itself.
    refused(place.append(vec![edit(&place, 2)]));
    assert_eq!(place.page(), [3, 4, 5]);
    // What is no edit has no message that it could be about.
    let other = Append { content: Content::Said(text("x")), ..edit(&place, 4) };
    refused(place.append(vec![other]));
}

#[test]
fn each_message_of_a_batch_finds_those_before_it() {
    let place = Place::with(10);
    let outcomes = place.append(vec![in_red(&place, "helo"), edit(&place, 2), edit(&place, 2)]);
    assert_eq!(outcomes, [stored(2), stored(3), stored(4)]);
    let heard: Vec<_> = place.sink.entries(&Place::log()).into_iter().map(|entry| entry.content).collect();
    let better = Content::Edit { of: MessageId(2), text: text("better").into() };
    assert_eq!(heard, [Content::Said(text("hello")), Content::Said(text("helo")), better.clone(), better]);
}

#[test]
fn no_number_is_too_large_to_be_asked_for() {
    let place = Place::with(10);
    place.order(Order::Topic(text("roses"))).unwrap();
    let removal = Deed::Removal { of: MessageId(1), reason: Note::default() };
    place.act(removal).unwrap();
    let count = |after, until| {
        place.server.store().log.others_between(&[(Place::log(), MessageId(after), MessageId(until))]).unwrap()
    };
    assert_eq!((count(0, u64::MAX), count(u64::MAX - 1, u64::MAX)), (vec![2], vec![0]));
    assert_eq!((count(2, i64::MAX.unsigned_abs()), count(1, 2)), (vec![1], vec![1]));
    let refused = place.append(vec![edit(&place, u64::MAX - 1)]);
    assert_eq!(refused, [Ok(AppendResult::Denied(Denial::NoSuchMessage))]);
}
