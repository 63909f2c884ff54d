//! Fifty readers that are stuck in a busy room: what waits for them is bounded, and the others hear everything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::harness::{Client, Options, Server, eventually, heavy};

const STUCK: usize = 50;
const READERS: usize = 5;
/// Messages of a round: more than may wait for one who is stuck, and all that the kernels of both sides keep.
const MESSAGES: usize = 1500;
const ROUNDS: usize = 3;
/// What may wait for a client, in KiB.
const QUEUED_KIB: usize = 64;
/// What the server's memory may come and go by, in KiB.
const SLACK_KIB: usize = 8 * 1024;

fn text(round: usize, number: usize) -> String {
    format!("{round} {number:05} {}", "x".repeat(1500))
}

/// Enters the room, and never reads again.
fn get_stuck(server: &Server, round: usize, number: usize) -> Client {
    let mut client = server.connect();
    client.shrink_window();
    client.send(&format!("REGISTER stuck{round}-{number} secret\n/join busy"));
    client.until("OK join busy");
    client
}

/// Says everything, and looks at the server's memory meanwhile; the most that was seen. Waits for the clients that read, by what
/// each has `heard`: on a busy machine they would else be cut off, too.
fn speak(server: &Server, speaker: &mut Client, round: usize, heard: &[AtomicUsize]) -> usize {
    let mut most = 0;
    for batch in 0..MESSAGES / 10 {
        let all_have = |count| heard.iter().all(|heard| heard.load(Ordering::Relaxed) >= count);
        eventually("the readers hear what was said", || all_have((batch * 10).saturating_sub(10)));
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
        // Whoever asks is told who is left: the clients that read.
        speaker.send("/who busy");
        cut_off += STUCK + READERS + 1 - room_size(&speaker.until("OK who busy "));
        stuck.clear();
    }
    println!("most memory in each round, KiB: {most:?}; {cut_off} were cut off");
    assert!(cut_off > STUCK * ROUNDS / 2, "hardly anybody was stuck: {cut_off}");
    assert!(most[ROUNDS - 1] <= most[0] + SLACK_KIB, "it does not stay flat: {most:?}");
    readers.iter_mut().for_each(Client::expect_quiet);
}

/// The number at the end of `OK who <room> <count>`.
fn room_size(line: &str) -> usize {
    line.rsplit(' ').next().unwrap().parse().unwrap()
}
