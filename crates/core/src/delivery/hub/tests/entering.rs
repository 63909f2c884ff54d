//! Recipients that enter: what is held back for them, how much of it, and what the answer makes needless.

use super::*;

/// The bytes that the queue of a [`peer`] takes.
const QUEUE: usize = 1000;

fn red() -> LogId {
    LogId::Room("red".parse().unwrap())
}

fn head(epoch: u64, last: u64) -> Head {
    Head { epoch: Epoch(epoch), last: MessageId(last) }
}

/// An entry whose line has this many bytes.
fn long(id: u64, bytes: usize) -> Entry {
    said(id, &"x".repeat(bytes - "MSG red bob \n".len()))
}

fn by(author: &str, entry: Entry) -> Entry {
    Entry { author: author.parse().unwrap(), ..entry }
}

fn change(user: &str, version: u64) -> Presence {
    let (room, user) = ("red".parse().unwrap(), user.parse().unwrap());
    Presence { room, user, change: Change::Entered, members: 3, version }
}

/// A hub on which ann enters the room red.
fn entering() -> (Hub, Arc<Peer>, Arc<Topic>) {
    let (hub, ann) = (Hub::new(Arc::new(NoFlushWorkers), 100), peer(1));
    let topic = hub.listen(&red(), &ann, &session_key(1).user);
    (hub, ann, topic)
}

/// Ends the entering. Returns the position that the answer tells.
fn answer(topic: &Arc<Topic>, seen: Option<u64>) -> Head {
    let mut told = None;
    let reply = |head| {
        told = Some(head);
        None
    };
    topic.activate(ConnectionId(1), seen, reply).run();
    told.unwrap()
}

#[test]
fn whoever_enters_may_have_a_full_queue_held_back_and_little_more() {
    let (hub, ann, _topic) = entering();
    hub.deliver(&red(), &[long(1, QUEUE / 2), long(2, QUEUE / 2)]).run();
    hub.deliver(&red(), &[said(3, "it is full, but not too full")]).run();
    assert_eq!(ann.outbox().goodbye(), None);
    hub.deliver(&red(), &[said(4, "too much")]).run();
    assert_eq!(ann.outbox().goodbye(), Some(Bye::SlowConsumer));
}

#[test]
fn who_comes_and_goes_takes_room_as_well() {
    let (hub, ann, _topic) = entering();
    let line = "JOIN red cyd\n".len();
    let mut told = 0;
    while ann.outbox().goodbye().is_none() {
        told += 1;
        hub.presence(&change("cyd", told)).run();
        assert!(told < 1000, "nothing is bounded");
    }
    // One more than fits, and the one that is refused.
    assert_eq!(told as usize, QUEUE / line + 2);
}

#[test]
fn what_the_answer_makes_needless_takes_no_room() {
    let (hub, ann, topic) = entering();
    hub.deliver(&red(), &[long(1, QUEUE / 2), long(2, QUEUE / 2), said(3, "three")]).run();
    topic.set_start(ConnectionId(1), head(1, 2));
    hub.deliver(&red(), &[long(4, QUEUE / 2), said(5, "five")]).run();
    assert_eq!(answer(&topic, None), head(1, 2));
    let lines = heard(&ann);
    assert_eq!((lines.len(), lines[0].as_str()), (3, "MSG red bob three\n"));
}

#[test]
fn what_was_held_back_in_a_lost_numbering_is_heard_whatever_its_number_is() {
    let (hub, ann, topic) = entering();
    hub.deliver(&red(), &[said(3, "before it was lost")]).run();
    hub.restarted(&red(), Epoch(2));
    topic.set_start(ConnectionId(1), head(2, 9));
    assert_eq!(answer(&topic, None), head(2, 9));
    hub.deliver(&red(), &[said(9, "in the answer"), said(10, "after it")]).run();
    assert_eq!(heard(&ann), ["MSG red bob before it was lost\n", "MSG red bob after it\n"]);
}

#[test]
fn a_change_that_is_in_the_answer_stays_needless_in_a_new_numbering() {
    let (hub, ann, topic) = entering();
    [change("cyd", 5), change("dan", 6)].iter().for_each(|change| hub.presence(change).run());
    hub.restarted(&red(), Epoch(2));
    answer(&topic, Some(5));
    assert_eq!(heard(&ann), ["JOIN red dan\n"]);
}

#[test]
fn a_newcomer_that_knows_of_a_new_numbering_makes_it_known_to_the_others() {
    let (hub, ann, topic) = entering();
    topic.set_start(ConnectionId(1), head(1, 7));
    answer(&topic, None);
    hub.listen(&red(), &peer(2), &"cyd".parse().unwrap());
    topic.set_start(ConnectionId(2), head(2, 1));
    hub.deliver(&red(), &[said(2, "two of the new ones")]).run();
    assert_eq!((heard(&ann), topic.epoch()), (vec!["MSG red bob two of the new ones\n".to_owned()], Some(Epoch(2))));
}

#[test]
fn nobody_hears_their_own_words_neither_while_entering_nor_after_it() {
    let (hub, ann, topic) = entering();
    let talk = |first| [by("ann", said(first, "mine")), said(first + 1, "theirs"), by("ann", said(first + 2, "mine"))];
    hub.deliver(&red(), &talk(1)).run();
    // The own words before it need no place after the answer.
    assert_eq!(answer(&topic, None).last, MessageId(1));
    hub.deliver(&red(), &talk(4)).run();
    assert_eq!(heard(&ann), ["MSG red bob theirs\n", "MSG red bob theirs\n"]);
}

#[test]
fn what_comes_again_is_heard_once() {
    let (hub, ann, topic) = entering();
    answer(&topic, None);
    for ids in [1..=2, 2..=3, 1..=3, 3..=4] {
        let entries: Vec<Entry> = ids.map(|id| said(id, &id.to_string())).collect();
        hub.deliver(&red(), &entries).run();
    }
    assert_eq!(heard(&ann), [1, 2, 3, 4].map(|id| format!("MSG red bob {id}\n")));
}

#[test]
fn each_entry_counts_once_for_each_who_gets_it() {
    let (hub, _ann, topic) = entering();
    answer(&topic, None);
    for (number, user) in [(2, "bob"), (3, "cyd")] {
        hub.listen(&red(), &peer(number), &user.parse().unwrap());
    }
    topic.activate(ConnectionId(2), None, |_| None).run();
    let entries = || hub.deliveries().entries;
    // Bob wrote them, and for cyd, who enters, they are held back.
    hub.deliver(&red(), &[said(1, "one"), said(2, "two")]).run();
    assert_eq!(entries(), 2 + 2);
    topic.set_start(ConnectionId(3), head(1, 3));
    hub.deliver(&red(), &[said(3, "three"), by("dan", said(4, "four"))]).run();
    assert_eq!(entries(), 4 + 2 + 1 + 1);
    hub.deliver(&red(), &[said(4, "four again")]).run();
    hub.deliver(&LogId::Room("blue".parse().unwrap()), &[said(1, "to nobody")]).run();
    assert_eq!(entries(), 8);
}
