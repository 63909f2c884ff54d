//! The copies of direct messages: in the order of their sender, those of each recipient for themselves.

use std::sync::Arc;

use super::*;
use crate::redis::connection::fake_node::{FakeNode, Notes};

/// The note of a message, as the script of its sender makes it.
fn noted(id: u64, to: &str, created: u64) -> Undelivered {
    Undelivered::read(&id.to_string(), &format!("{to} {created} 99 {id} 7 x")).unwrap()
}

/// Appends copies on a node that refuses those for some users.
fn deliver(copies: Vec<Undelivered>, refused: &'static [&'static str]) -> (StoreResult<()>, Vec<String>) {
    let node = FakeNode::start(move |line| {
        let is_refused = refused.iter().any(|user| line.contains(&format!("parlor:inbox:{{{user}}}")));
        let answer = if is_refused { "-ERR not now\r\n" } else { ":1\r\n" };
        (line.starts_with("EVALSHA") || line.starts_with("HDEL")).then(|| answer.to_owned())
    });
    let router = Router::start(node.dialer(), Arc::new(Notes::default()), false, 0).unwrap();
    let deliveries = Deliveries { router: &router, kept: 1000, cursors: None };
    let outcome = deliveries.deliver(&"ann".parse().unwrap(), copies);
    (outcome, node.heard().iter().filter_map(|line| done(line)).collect())
}

/// A step in words: to whom the copies of which numbers are appended, or whose notes are removed.
fn done(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split(' ').collect();
    match words[0] {
        "EVALSHA" => {
            // Command, hash and number of keys; six keys; five arguments before the account, and four for each copy.
            let (to, created, copies) = (words[13], words[14], words[15..].chunks(4));
            let numbers: Vec<&str> = copies.map(|copy| copy[1]).collect();
            Some(format!("{to} {created}: {}", numbers.join(" ")))
        }
        "HDEL" => Some(format!("done: {}", words[2..].join(" "))),
        _ => None,
    }
}

fn numbers(all: impl Iterator<Item = u64>) -> String {
    all.map(|number| number.to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_note_is_read_with_the_blanks_of_its_text() {
    let read = |note: &str| {
        let it = Undelivered::read("12", note)?;
        Some(format!("{} {} {} {} {} {} [{}]", it.id, it.to, it.created, it.generation, it.seq, it.time, it.text))
    };
    assert_eq!(read("bob 17 99 3 7 two  words ").as_deref(), Some("12 bob 17 99 3 7 [two  words ]"));
    assert_eq!(read("bob 17 99 3 7 ").as_deref(), Some("12 bob 17 99 3 7 []"));
    for strange in ["", "bob 17 99 3 7", "a.b 17 99 3 7 x"] {
        assert_eq!(read(strange), None, "{strange}");
    }
    assert!(Undelivered::read("x", "bob 17 99 3 7 x").is_none());
}

#[test]
fn notes_come_in_the_order_of_their_numbers() {
    let note = |id: &str| (id.to_owned(), "bob 17 99 3 7 x".to_owned());
    let noted = ["10", "9", "x", "100", "2"].map(note).to_vec();
    let ids: Vec<u64> = read_undelivered(noted).iter().map(|copy| copy.id).collect();
    assert_eq!(ids, [2, 9, 10, 100]);
}

#[test]
fn the_copies_for_one_recipient_are_appended_in_order_a_hundred_at_a_time() {
    let (outcome, steps) = deliver((1..=250).map(|id| noted(id, "bob", 7)).collect(), &[]);
    assert_eq!(outcome, Ok(()));
    let expected = [1..=100, 101..=200, 201..=250]
        .map(|range| [format!("bob 7: {}", numbers(range.clone())), format!("done: {}", numbers(range))]);
    assert_eq!(steps, expected.concat());
}

#[test]
fn a_later_account_of_the_same_name_has_a_command_of_its_own() {
    let copies = vec![noted(1, "bob", 7), noted(2, "bob", 8), noted(3, "cyd", 7), noted(4, "bob", 8)];
    let (outcome, steps) = deliver(copies, &[]);
    assert_eq!(outcome, Ok(()));
    assert_eq!(steps, ["bob 7: 1", "cyd 7: 3", "done: 1 3", "bob 8: 2 4", "done: 2 4"]);
}

#[test]
fn a_recipient_whose_copies_are_refused_holds_up_nobody_and_loses_nothing() {
    let copies = vec![noted(1, "bob", 7), noted(2, "cyd", 7), noted(3, "bob", 8), noted(4, "cyd", 8)];
    let (outcome, steps) = deliver(copies, &["bob"]);
    assert!(outcome.is_err_and(|error| error.to_string().contains("not now")));
    // What comes behind a refused copy is not tried: it would be taken for a later one.
    assert_eq!(steps, ["bob 7: 1", "cyd 7: 2", "done: 2", "cyd 8: 4", "done: 4"]);
    let (outcome, steps) = deliver(vec![noted(1, "bob", 7)], &["bob"]);
    assert!(outcome.is_err() && steps == ["bob 7: 1"], "{steps:?}");
}
