//! Slow readers and fast writers: the server disconnects a client that does not read, reads a flooding client more
//! slowly, and neither slows down another client.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parlor_redis_testkit::wait_until;

use crate::harness::{Client, Known, Options, Polled, Server, heavy, number};

const ROOM: &str = "busy";

/// Number of messages: more than the smallest outbox limit and the kernel buffers of both sides hold.
const MESSAGES: usize = 1000;

fn long_text(count: usize) -> String {
    format!("{count:05} {}", "x".repeat(2000))
}

/// So many messages a reader may be behind: far fewer than the server queues for it.
const BEHIND: usize = 100;

/// Sends all messages, and returns their numbers. On a busy machine it waits for the readers, which would be cut off
/// otherwise.
fn say_everything(speaker: &mut Client, heard: &[AtomicUsize]) -> Known {
    let mut said = Known::default();
    for batch in 0..MESSAGES / 10 {
        let keeps_up = |count: &AtomicUsize| count.load(Ordering::Relaxed) + BEHIND >= batch * 10;
        wait_until("the readers to keep up", || heard.iter().all(keeps_up));
        let texts: Vec<String> = (0..10).map(|part| long_text(batch * 10 + part)).collect();
        speaker.send_bytes(format!("{}\n", texts.join("\n")).as_bytes());
        for text in &texts {
            said.note(number(&speaker.event_of("ok")["id"]), text);
        }
    }
    said
}

/// Runs one room with three readers, one speaker and one client that does not read. Returns what this client receives
/// when it reads again, and how its connection ended.
fn with_a_sluggard(server: &Server, round: usize) -> (Vec<String>, Polled) {
    let room = format!("{ROOM}{round}");
    let (mut speaker, _) = server.member_json(&format!("speaker{round}"), &room);
    let readers: Vec<Client> =
        (0..3).map(|reader| server.member_json(&format!("reader{round}-{reader}"), &room).0).collect();
    let mut sluggard = server.connect();
    sluggard.shrink_window();
    sluggard.send(&format!("REGISTER sluggard{round} secret\n/join {room}"));
    sluggard.until("OK join");
    let mut observer = server.register(&format!("observer{round}"));
    observer.send(&format!("/join {room}"));
    observer.until("OK join");
    let part = format!("PART {room} sluggard{round}");
    let heard: Vec<AtomicUsize> = readers.iter().map(|_| AtomicUsize::default()).collect();
    thread::scope(|scope| {
        let read = |(reader, count)| scope.spawn(move || read_everything(reader, count));
        let reading: Vec<_> = readers.into_iter().zip(&heard).map(read).collect();
        let sluggard = scope.spawn(move || {
            observer.until(&part);
            sluggard.rest()
        });
        let said = say_everything(&mut speaker, &heard);
        said.expect_gapless(1..=MESSAGES as u64);
        for reader in reading {
            let (mut reader, heard) = reader.join().unwrap();
            let said: Vec<_> = said.entries().map(|(id, text)| (id, text.to_owned())).collect();
            assert!(heard == said, "a reader did not receive what was said");
            reader.send("/ping still");
            assert_eq!(reader.event_of("pong")["token"], "still");
        }
        sluggard.join().unwrap()
    })
}

fn read_everything(mut reader: Client, count: &AtomicUsize) -> (Client, Vec<(u64, String)>) {
    let message = |event: serde_json::Value| (number(&event["id"]), event["text"].as_str().unwrap().to_owned());
    let mut hear = |_| {
        let heard = message(reader.event_of("message"));
        count.fetch_add(1, Ordering::Relaxed);
        heard
    };
    let heard = (0..MESSAGES).map(&mut hear).collect();
    (reader, heard)
}

#[test]
fn who_does_not_read_is_cut_off_and_the_others_hear_everything() {
    let _heavy = heavy();
    let server = Options::default().args(&["--max-queued-bytes", "512KiB"]).start();
    let mut goodbyes = 0;
    for round in 0..3 {
        let (mut lines, end) = with_a_sluggard(&server, round);
        // The server sends the goodbye if it can: on a busy machine this client may begin to read too late.
        if lines.last().is_some_and(|line| line.starts_with("BYE slow-consumer ")) {
            assert_eq!(end, Polled::End);
            goodbyes += 1;
            lines.pop();
        }
        let messages: Vec<_> = lines.into_iter().filter(|line| line.starts_with("MSG ")).collect();
        let said = |at| format!("MSG {ROOM}{round} speaker{round} {}", long_text(at));
        assert!(messages.iter().enumerate().all(|(at, line)| *line == said(at)), "these are not the first messages");
        assert!(messages.len() < MESSAGES, "it received everything");
    }
    assert!(goodbyes > 0, "no goodbye arrived");
}

#[test]
fn who_floods_is_read_more_slowly_and_loses_nothing() {
    const LINES: usize = 150;
    let server = Options::default().args(&["--limit-loopback", "--line-rate", "50", "--line-burst", "20"]).start();
    let (mut listener, _) = server.member_json("listener", ROOM);
    let (mut flooder, _) = server.member_json("flooder", ROOM);
    let started = Instant::now();
    let lines: String = (0..LINES).map(|line| format!("line {line}\n")).collect();
    flooder.send_bytes(lines.as_bytes());
    for line in 0..LINES {
        let event = listener.event_of("message");
        assert_eq!((number(&event["id"]), &event["text"]), (line as u64 + 1, &format!("line {line}").into()));
        assert_eq!(number(&flooder.event_of("ok")["id"]), line as u64 + 1);
    }
    // 20 at once and 50 a second; the commands before have used some of the burst.
    let least = Duration::from_millis(1000 * (LINES as u64 - 20) / 50 - 500);
    assert!(started.elapsed() >= least, "{LINES} lines took {:?}", started.elapsed());
}

#[test]
fn a_flood_of_one_does_not_delay_another() {
    let server = Options::default().args(&["--limit-loopback", "--line-rate", "1", "--line-burst", "10"]).start();
    let mut flooder = server.register("flooder");
    let mut alice = server.register("alice");
    let mut bob = server.register("bob");
    flooder.send_bytes("flood\n".repeat(60 * 60).as_bytes());
    alice.until("MSG lobby flooder flood");
    alice.send("hello");
    assert_eq!(bob.until("MSG lobby alice"), "MSG lobby alice hello");
}

#[test]
fn who_asks_for_much_and_reads_it_slowly_gets_all_of_it() {
    const STORED: usize = 500;
    const QUESTIONS: usize = 8;
    let _heavy = heavy();
    let server = Options::default().args(&["--max-queued-bytes", "64KiB"]).start();
    let mut author = server.register("author");
    for batch in 0..STORED / 50 {
        let lines: String = (0..50).map(|line| format!("{}\n", long_text(batch * 50 + line))).collect();
        author.send_bytes(lines.as_bytes());
        author.expect_quiet();
    }
    let mut asker = server.register("asker");
    asker.shrink_window();
    asker.send_bytes("/history 500\n".repeat(QUESTIONS).as_bytes());
    asker.send("/ping done");
    for question in 0..QUESTIONS {
        for at in 0..STORED {
            assert_eq!(asker.line(), format!("OLD lobby {} author {}", at + 1, long_text(at)));
            if at % 100 == 0 {
                thread::sleep(Duration::from_millis(20));
            }
        }
        assert_eq!(asker.line(), format!("OK history lobby {STORED}"), "{question}");
    }
    assert_eq!(asker.line(), "PONG done");
}

#[test]
fn a_stranger_who_asks_without_reading_is_cut_off_in_time() {
    let server = Options::default().args(&["--login-timeout", "1s"]).start();
    let mut stranger = server.connect();
    stranger.shrink_window();
    let threads = server.status("Threads");
    stranger.socket().set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    // Until the server reads no more.
    while stranger.try_send("HELP\n".repeat(100).as_bytes()).is_ok() {}
    crate::harness::eventually("it is disconnected", || server.status("Threads") < threads);
}

/// Fills the lobby with 500 long messages, so that its history takes long to read.
fn fill_lobby(server: &Server) {
    let mut author = server.register("author");
    for batch in 0..10 {
        let lines: String = (0..50).map(|line| format!("{}\n", long_text(batch * 50 + line))).collect();
        author.send_bytes(lines.as_bytes());
        author.expect_quiet();
    }
}

/// Reads the whole history of the lobby, slowly, then `last`, and then the end.
fn read_slowly(mut reader: Client, last: &str) {
    for at in 0..500 {
        assert_eq!(reader.line(), format!("OLD lobby {} author {}", at + 1, long_text(at)));
        if at % 10 == 0 {
            thread::sleep(Duration::from_millis(50));
        }
    }
    assert_eq!(reader.line(), "OK history lobby 500");
    assert_eq!(reader.line(), last);
    reader.expect_end();
}

#[test]
fn who_ends_the_connection_itself_gets_all_answers_and_keeps_nobody_waiting() {
    let _heavy = heavy();
    ["reject", "takeover"].iter().for_each(|policy| leave_slowly(policy));
}

/// Two clients with much to read leave, each in its own way, and log in again at once.
fn leave_slowly(policy: &str) {
    let server = Options::default().args(&["--duplicate-login", policy, "--presence-limit", "0"]).start();
    fill_lobby(&server);
    let (mut leaving, mut closing) = (server.register("leaving"), server.register("closing"));
    leaving.shrink_window();
    closing.shrink_window();
    leaving.send_bytes(b"/history 500\n/quit\n");
    closing.send_bytes(b"/history 500\n/ping end\n");
    closing.half_close();
    let mut watcher = server.register("watcher");
    let mut have_left = || {
        let is_alone = watcher.ask("/rooms") == "ROOM lobby 1";
        watcher.until("OK rooms ");
        is_alone
    };
    assert!((0..10_000).any(|_| have_left()));
    // Their sessions are free although the clients have read nothing yet.
    let log_in = |user: &str| server.connect().ask(&format!("LOGIN {user} secret")).starts_with("OK login ");
    thread::scope(|scope| {
        for user in ["leaving", "closing"] {
            scope.spawn(|| crate::harness::eventually("the session is free", || log_in(user)));
        }
    });
    thread::scope(|scope| {
        scope.spawn(|| read_slowly(leaving, "BYE quit Goodbye"));
        scope.spawn(|| read_slowly(closing, "PONG end"));
    });
}

#[test]
fn the_longest_line_reaches_whoever_reads_where_as_little_as_possible_may_wait() {
    let server = Options::default().args(&["--max-line-bytes", "64KiB", "--max-queued-bytes", "256KiB"]).start();
    let (mut bob, mut ann) = (server.register("bob"), server.register("ann"));
    let (mut joe, _) = server.register_json("joe");
    let line = "\"".repeat(65_535);
    ann.send(&line);
    assert_eq!(bob.until("MSG lobby ann "), format!("MSG lobby ann {line}"));
    assert_eq!(joe.event_of("message")["text"], line.as_str());
}
