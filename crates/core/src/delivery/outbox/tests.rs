//! An outbox alone: what is taken, dropped and waited for.

use super::*;
use parlor_proto::MessageId;
use parlor_proto::Reply;

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
