//! An outbox alone: what is taken, dropped and waited for.

use super::*;
use parlor_proto::{Format, MessageId, Reply, RoomName};

fn publish(id: u64) -> Event {
    Reply::Publish { id: MessageId(id), repeated: false }.into()
}

fn push(outbox: &Outbox, id: u64) -> Pushed {
    outbox.push(&Encoded::new(&publish(id)))
}

fn taken(outbox: &Outbox, max: usize) -> String {
    let mut frames = Vec::new();
    outbox.take(max, &mut frames);
    String::from_utf8(frames.concat()).unwrap()
}

#[test]
fn only_the_first_push_wakes() {
    let outbox = Outbox::new(1000);
    assert!(push(&outbox, 1).must_flush);
    assert!(!push(&outbox, 2).must_flush);
    assert_eq!(taken(&outbox, 1000), "OK publish 1\nOK publish 2\n");
    assert!(!push(&outbox, 3).must_flush);
    assert_eq!(outbox.release_if_empty(), Settled::More);
    assert_eq!(taken(&outbox, 1000), "OK publish 3\n");
    assert_eq!(outbox.release_if_empty(), Settled::Idle);
    assert!(push(&outbox, 4).must_flush);
}

#[test]
fn frames_are_taken_up_to_a_size_and_one_at_least() {
    let outbox = Outbox::new(1000);
    for id in 1..=3 {
        push(&outbox, id);
    }
    assert_eq!(taken(&outbox, 26), "OK publish 1\nOK publish 2\n");
    assert_eq!(taken(&outbox, 1), "OK publish 3\n");
    assert_eq!(outbox.take(1, &mut Vec::new()), Taken::Nothing);
}

#[test]
fn too_much_is_dropped_for_a_goodbye() {
    let outbox = Outbox::new(30);
    push(&outbox, 1);
    push(&outbox, 2);
    let pushed = push(&outbox, 3);
    assert!(pushed.must_interrupt && !pushed.must_flush);
    assert_eq!(outbox.goodbye(), Some(Bye::SlowConsumer));
    assert_eq!(push(&outbox, 4), Pushed::default());
    assert!(taken(&outbox, 1000).starts_with("BYE slow-consumer "));
}

#[test]
fn replies_do_not_count_against_the_limit_of_events() {
    let outbox = Outbox::new(30);
    for id in 1..=9 {
        outbox.reply(&Encoded::new(&publish(id)));
    }
    assert!(!push(&outbox, 10).must_interrupt);
    assert!(!outbox.has_capacity(30) && outbox.has_capacity(200));
    assert_eq!(outbox.await_capacity(30, Duration::ZERO), Awaited::Stuck);
    assert_eq!(outbox.await_capacity(200, Duration::ZERO), Awaited::Done);
}

#[test]
fn whoever_reads_is_seen_to_read_however_long_one_frame_takes() {
    let outbox = Outbox::new(30);
    (1..=9).for_each(|id| outbox.reply(&Encoded::new(&publish(id))));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| outbox.await_capacity(30, Duration::from_secs(10)));
        while !waiting.is_finished() {
            outbox.take_back();
            outbox.hand_over();
            std::thread::yield_now();
        }
        assert_eq!(waiting.join().unwrap(), Awaited::Progress);
    });
    taken(&outbox, 1000);
    assert_eq!(outbox.await_capacity(30, Duration::ZERO), Awaited::Done);
}

#[test]
fn the_goodbye_is_the_last_frame_and_said_once() {
    let outbox = Outbox::new(100);
    push(&outbox, 1);
    assert!(outbox.close(Bye::Kicked).must_interrupt);
    assert_eq!(outbox.close(Bye::Quit), Pushed::default());
    outbox.reply(&Encoded::new(&publish(2)));
    let all = taken(&outbox, 1000);
    assert!(all.starts_with("OK publish 1\nBYE kicked ") && all.lines().count() == 2, "{all}");
}

#[test]
fn whoever_ends_the_connection_by_themselves_is_waited_for_until_others_end_it() {
    let outbox = Outbox::new(100);
    assert!(outbox.close(Bye::Quit).must_flush);
    assert!(!outbox.close(Bye::LoggedInElsewhere).must_interrupt);
    assert!(!outbox.is_closed_by_server());
    assert_eq!(outbox.await_empty_or_closed(Duration::ZERO), Awaited::Stuck);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| outbox.await_empty_or_closed(Duration::from_secs(10)));
        outbox.close(Bye::ServerShutdown);
        assert_eq!(waiting.join().unwrap(), Awaited::Done);
    });
    assert!(outbox.is_closed_by_server());
    assert_eq!(outbox.goodbye(), Some(Bye::Quit));
}

#[test]
fn whoever_has_left_is_not_thrown_out() {
    let outbox = Outbox::new(100);
    outbox.reply(&Encoded::new(&publish(1)));
    outbox.leave();
    assert!(!outbox.close(Bye::LoggedInElsewhere).must_interrupt);
    assert!(!outbox.is_closed_by_server());
    assert_eq!(taken(&outbox, 1000), "OK publish 1\n");
    assert!(outbox.close(Bye::ServerShutdown).must_interrupt && outbox.is_closed_by_server());
    let thrown_out = Outbox::new(100);
    assert!(thrown_out.close(Bye::Kicked).must_interrupt);
    thrown_out.leave();
    assert!(thrown_out.is_closed_by_server());
}

#[test]
fn a_dead_outbox_takes_nothing() {
    let outbox = Outbox::new(100);
    push(&outbox, 1);
    outbox.kill();
    assert_eq!(push(&outbox, 2), Pushed::default());
    assert_eq!(outbox.release_if_empty(), Settled::Idle);
    assert!(outbox.await_empty(Duration::ZERO));
}

#[test]
fn a_queue_may_be_full_to_its_last_byte() {
    // Each line is "OK publish <id>" and its end.
    let outbox = Outbox::new(2 * 13);
    assert!(!push(&outbox, 1).must_interrupt && !push(&outbox, 2).must_interrupt);
    assert_eq!((outbox.queued_bytes(), outbox.goodbye()), (26, None));
    assert!(push(&outbox, 3).must_interrupt);
    assert_eq!(outbox.goodbye(), Some(Bye::SlowConsumer));
}

#[test]
fn what_is_taken_is_all_that_waits_a_part_of_it_or_nothing() {
    let outbox = Outbox::new(1000);
    for id in 1..=3 {
        push(&outbox, id);
    }
    let take = |max| {
        let mut frames = Vec::new();
        (outbox.take(max, &mut frames), frames.len())
    };
    assert_eq!(take(26), (Taken::Some, 2));
    assert_eq!(take(26), (Taken::All, 1));
    assert_eq!(take(26), (Taken::Nothing, 0));
}

#[test]
fn there_is_capacity_up_to_the_last_byte_and_always_after_a_goodbye() {
    let outbox = Outbox::new(30);
    (1..=2).for_each(|id| outbox.reply(&Encoded::new(&publish(id))));
    assert!(outbox.has_capacity(26) && !outbox.has_capacity(25));
    outbox.close(Bye::Quit);
    assert!(outbox.has_capacity(0));
}

#[test]
fn nothing_is_written_until_the_owner_is_done() {
    let outbox = Outbox::new(1000);
    push(&outbox, 1);
    taken(&outbox, 1000);
    assert!(outbox.is_empty() && !outbox.await_empty(Duration::ZERO));
    assert_eq!(outbox.await_empty_or_closed(Duration::ZERO), Awaited::Stuck);
    outbox.release_if_empty();
    assert!(outbox.await_empty(Duration::ZERO));
    assert_eq!(outbox.await_empty_or_closed(Duration::ZERO), Awaited::Done);
}

#[test]
fn nobody_else_flushes_while_the_owner_flushes_or_waits_for_the_socket() {
    let outbox = Outbox::new(1000);
    let is_owned = || !outbox.acquire() && !push(&outbox, 1).must_flush;
    assert!(outbox.acquire() && is_owned());
    outbox.hand_over();
    assert!(is_owned(), "the drain thread owns it");
    outbox.take_back();
    assert!(is_owned(), "the drain thread flushes it");
    taken(&outbox, 1000);
    outbox.release_if_empty();
    assert!(outbox.acquire());
}

#[test]
fn what_was_dropped_counts_no_more() {
    let outbox = Outbox::new(30);
    outbox.reply(&Encoded::new(&publish(1)));
    for id in 2..=4 {
        push(&outbox, id);
    }
    assert!(outbox.is_closed_by_server());
    let queued = outbox.queued_bytes();
    assert_eq!(taken(&outbox, 1000).len(), queued);
    assert_eq!(outbox.queued_bytes(), 0);
    let dead = Outbox::new(30);
    dead.reply(&Encoded::new(&publish(1)));
    push(&dead, 2);
    dead.kill();
    assert_eq!(dead.queued_bytes(), 0);
}

#[test]
fn an_event_without_a_line_in_the_format_of_the_client_is_no_frame() {
    let outbox = Outbox::new(1000);
    let accepted = Reply::Message { room: RoomName::lobby(), id: MessageId(1), repeated: false }.into();
    outbox.reply(&Encoded::new(&accepted));
    assert_eq!(outbox.push(&Encoded::new(&accepted)), Pushed::default());
    assert!(outbox.is_empty() && outbox.acquire());
    outbox.reply_in(Format::Json.into(), &Encoded::new(&accepted));
    assert!(taken(&outbox, 1000).starts_with(r#"{"type":"ok","command":"message""#));
}

#[test]
fn a_goodbye_is_said_in_the_format_of_the_client() {
    let in_json = |max| {
        let outbox = Outbox::new(max);
        outbox.reply_in(Format::Json.into(), &Encoded::new(&publish(1)));
        taken(&outbox, 1000);
        outbox
    };
    let (kicked, slow) = (in_json(1000), in_json(10));
    kicked.close(Bye::Kicked);
    push(&slow, 2);
    for (outbox, code) in [(kicked, "kicked"), (slow, "slow-consumer")] {
        let line = taken(&outbox, 1000);
        assert!(line.starts_with(&format!(r#"{{"type":"bye","code":"{code}","#)), "{line}");
    }
}

#[test]
fn whoever_is_thrown_out_and_quits_then_is_not_waited_for() {
    let outbox = Outbox::new(1000);
    outbox.close(Bye::Kicked);
    outbox.close(Bye::Quit);
    assert!(outbox.is_closed_by_server());
    assert_eq!(outbox.await_empty_or_closed(Duration::ZERO), Awaited::Done);
}

#[test]
fn nothing_more_is_awaited_of_a_broken_connection_whoever_owns_it() {
    let outbox = Outbox::new(1000);
    push(&outbox, 1);
    outbox.kill();
    assert_eq!(outbox.await_empty_or_closed(Duration::ZERO), Awaited::Done);
    assert!(!outbox.close(Bye::Kicked).must_interrupt && outbox.goodbye().is_none());
}

#[test]
fn whoever_takes_nothing_makes_no_progress() {
    let outbox = Outbox::new(1000);
    let progress = || outbox.lock().progress_count;
    taken(&outbox, 1000);
    assert_eq!(progress(), 0);
    push(&outbox, 1);
    taken(&outbox, 1000);
    assert_eq!(progress(), 1);
}

type Step = fn(&Outbox);
type Wait = fn(&Outbox) -> Awaited;

/// Has the own thread of a client wait, and does something meanwhile. Returns how the wait ended.
fn wait_during(before: Step, wait: Wait, deed: Step) -> Awaited {
    let outbox = Arc::new(Outbox::new(30));
    outbox.acquire();
    before(&outbox);
    let (sender, receiver) = std::sync::mpsc::channel();
    let waiting = outbox.clone();
    std::thread::spawn(move || sender.send(wait(&waiting)));
    while !outbox.lock().awaited {
        std::thread::yield_now();
    }
    deed(&outbox);
    let ended = receiver.recv_timeout(Duration::from_secs(20)).expect("nobody woke the thread that waits");
    assert!(!outbox.lock().awaited, "nobody waits any more");
    ended
}

#[test]
fn whatever_ends_a_wait_wakes_the_thread_that_waits() {
    const FOR_LONG: Duration = Duration::from_secs(60 * 60);
    let fill: Step = |outbox| (1..=9).for_each(|id| outbox.reply(&Encoded::new(&publish(id))));
    let nothing: Step = |_| {};
    let for_capacity: Wait = |outbox| outbox.await_capacity(30, FOR_LONG);
    let until_written: Wait = |outbox| outbox.await_empty_or_closed(FOR_LONG);
    let cases: [(&str, Step, Wait, Step, Awaited); 7] = [
        ("all is taken", fill, for_capacity, |outbox| drop(taken(outbox, 1000)), Awaited::Done),
        ("some is taken", fill, for_capacity, |outbox| drop(taken(outbox, 1)), Awaited::Progress),
        ("the socket is full", fill, for_capacity, Outbox::hand_over, Awaited::Progress),
        ("the connection broke", fill, until_written, Outbox::kill, Awaited::Done),
        ("somebody else says goodbye", fill, for_capacity, |outbox| _ = outbox.close(Bye::Kicked), Awaited::Done),
        ("too much is queued", fill, for_capacity, |outbox| (1..=3).for_each(|id| _ = push(outbox, id)), Awaited::Done),
        ("the owner is done", nothing, until_written, |outbox| _ = outbox.release_if_empty(), Awaited::Done),
    ];
    for (name, before, wait, deed, ended) in cases {
        assert_eq!(wait_during(before, wait, deed), ended, "{name}");
    }
}
