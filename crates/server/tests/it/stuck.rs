//! Fifty stuck readers in a busy room: their outboxes are bounded, and the other members receive everything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::harness::{Client, Options, Server, eventually, heavy};

const STUCK: usize = 50;
const READERS: usize = 5;
/// Messages of a round: more than the outbox of a stuck client and the kernel buffers of both sides hold.
const MESSAGES: usize = 1500;
const ROUNDS: usize = 3;
/// Limit of a client's outbox, in KiB.
const QUEUED_KIB: usize = 64;
/// Allowed variation of the server's memory, in KiB.
const SLACK_KIB: usize = 8 * 1024;

fn text(round: usize, number: usize) -> String {
    format!("{round} {number:05} {}", "x".repeat(1500))
}

/// Enters the room. The client never reads after that.
fn get_stuck(server: &Server, round: usize, number: usize) -> Client {
    let mut client = server.connect();
    client.shrink_window();
    client.send(&format!("REGISTER stuck{round}-{number} secret\n/join busy"));
    client.until("OK join busy");
    client
}

/// Sends all messages and measures the server's memory meanwhile. Returns the maximum. Waits for the clients that read,
/// by what each has `heard`: otherwise a busy machine would disconnect them too.
fn speak(server: &Server, speaker: &mut Client, round: usize, heard: &[AtomicUsize]) -> usize {
    let mut most = 0;
    for batch in 0..MESSAGES / 10 {
        let all_have = |count| heard.iter().all(|heard| heard.load(Ordering::Relaxed) >= count);
        eventually("the readers receive what was said", || all_have((batch * 10).saturating_sub(10)));
        let lines: String = (0..10).map(|part| format!("{}\n", text(round, batch * 10 + part))).collect();
        speaker.send_bytes(lines.as_bytes());
        speaker.send("/ping");
        speaker.until("PONG");
        most = most.max(server.status("VmRSS"));
    }
    most
}

#[test]
fn fifty_stuck_readers_cost_what_may_wait_for_them_and_the_others_nothing() {
    let _heavy = heavy();
    let queued = format!("{QUEUED_KIB}KiB");
    let server = Options::default().args(&["--max-queued-bytes", &queued, "--presence-limit", "0"]).start();
    let enter = |user: String| {
        let mut client = server.register(&user);
        client.send("/join busy");
        client.until("OK join busy");
        client
    };
    let mut speaker = enter("speaker".to_owned());
    let mut readers: Vec<Client> = (0..READERS).map(|number| enter(format!("reader{number}"))).collect();
    let mut most = Vec::new();
    let mut cut_off = 0;
    for round in 0..ROUNDS {
        let before = server.status("VmRSS");
        let mut stuck: Vec<Client> = (0..STUCK).map(|number| get_stuck(&server, round, number)).collect();
        let heard: [AtomicUsize; READERS] = Default::default();
        most.push(thread::scope(|scope| {
            for (reader, heard) in readers.iter_mut().zip(&heard) {
                scope.spawn(move || {
                    for number in 0..MESSAGES {
                        assert_eq!(reader.until("MSG busy "), format!("MSG busy speaker {}", text(round, number)));
                        heard.store(number + 1, Ordering::Relaxed);
                    }
                });
            }
            speak(&server, &mut speaker, round, &heard)
        }));
        let bound = before + STUCK * (QUEUED_KIB + 60) + SLACK_KIB;
        assert!(most[round] <= bound, "{before} KiB became {} KiB, more than {bound}", most[round]);
        // The answer lists the members that are left: the clients that read.
        speaker.send("/who busy");
        cut_off += STUCK + READERS + 1 - room_size(&speaker.until("OK who busy "));
        stuck.clear();
    }
    println!("most memory in each round, KiB: {most:?}; {cut_off} were cut off");
    assert!(cut_off > STUCK * ROUNDS / 2, "too few clients were disconnected: {cut_off}");
    assert!(most[ROUNDS - 1] <= most[0] + SLACK_KIB, "memory grows: {most:?}");
    readers.iter_mut().for_each(Client::expect_quiet);
}

/// Returns the number at the end of `OK who <room> <count>`.
fn room_size(line: &str) -> usize {
    line.rsplit(' ').next().unwrap().parse().unwrap()
}
