//! Many concurrent logins of one user: there are never two live sessions, with either policy.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Client, Options, Polled, Server, heavy};

const LOGINS: usize = 50;

/// Result of a login.
#[derive(Debug)]
struct Attempt {
    lines: Vec<String>,
    ended: Option<Polled>,
    client: Client,
}

impl Attempt {
    fn got_in(&self) -> bool {
        self.lines.iter().any(|line| line == "OK login eve lobby")
    }
}

/// Logs `eve` in on many connections at the same time. Each one that gets in sends a message to its room. Returns when
/// all connections but one have ended.
fn storm(server: &Server) -> Vec<Attempt> {
    let (start, over) = (Barrier::new(LOGINS), AtomicUsize::new(0));
    let attempt = |number: usize| {
        let mut client = server.connect();
        start.wait();
        client.send("LOGIN eve secret");
        let started = Instant::now();
        let mut lines = Vec::new();
        let ended = loop {
            match client.poll(Duration::from_millis(200)) {
                Polled::Line(line) => {
                    if line.starts_with("OK login") {
                        // The session may be displaced already.
                        let _ = client.try_send(format!("I am {number}\n").as_bytes());
                    }
                    lines.push(line);
                }
                Polled::Nothing if over.load(Ordering::Acquire) == LOGINS - 1 => break None,
                Polled::Nothing => assert!(started.elapsed() < Duration::from_secs(30), "{lines:?}"),
                end => {
                    over.fetch_add(1, Ordering::AcqRel);
                    break Some(end);
                }
            }
        };
        Attempt { lines, ended, client }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..LOGINS).map(|number| scope.spawn(move || attempt(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Returns everything that a client has received so far.
fn heard(client: &mut Client) -> Vec<String> {
    client.send("/ping end");
    let mut lines = Vec::new();
    loop {
        match client.line() {
            line if line == "PONG end" => return lines,
            line => lines.push(line),
        }
    }
}

/// Fails unless the sessions in `lines` follow one another without overlap, and the last one is open. Returns the
/// speakers of each.
fn sessions(lines: &[String]) -> Vec<Vec<&str>> {
    let (mut sessions, mut is_open) = (Vec::new(), false);
    for line in lines {
        match line.as_str() {
            "JOIN lobby eve" => {
                assert!(!is_open, "two sessions at once: {lines:?}");
                is_open = true;
                sessions.push(Vec::new());
            }
            "PART lobby eve" => {
                assert!(is_open, "a session ended twice: {lines:?}");
                is_open = false;
            }
            said => {
                let speaker = said.strip_prefix("MSG lobby eve I am ").unwrap();
                assert!(is_open, "a user without a session speaks: {lines:?}");
                sessions.last_mut().unwrap().push(speaker);
            }
        }
    }
    assert!(is_open, "no session is left: {lines:?}");
    sessions
}

/// Starts a server with an observer in the lobby, and an account `eve` that is not logged in.
fn prepare(policy: &str) -> (Server, Client) {
    let server = Options::default().args(&["--duplicate-login", policy]).start();
    let mut observer = server.register("observer");
    let mut eve = server.register("eve");
    eve.send("/quit");
    assert_eq!(observer.line(), "JOIN lobby eve");
    assert_eq!(observer.line(), "PART lobby eve");
    eve.rest();
    (server, observer)
}

#[test]
fn of_fifty_simultaneous_takeovers_one_stays_and_no_two_are_live() {
    let _heavy = heavy();
    let (server, mut observer) = prepare("takeover");
    let mut attempts = storm(&server);
    for attempt in attempts.iter().filter(|attempt| attempt.ended.is_some()) {
        assert_eq!(attempt.ended, Some(Polled::End), "{:?}", attempt.lines);
        let last = attempt.lines.last().unwrap();
        assert!(last.starts_with("BYE logged-in-elsewhere "), "{:?}", attempt.lines);
    }
    let got_in = attempts.iter().filter(|attempt| attempt.got_in()).count();
    let winner = attempts.iter_mut().find(|attempt| attempt.ended.is_none()).unwrap();
    assert!(winner.got_in());
    winner.client.expect_quiet();
    let lines = heard(&mut observer);
    let sessions = sessions(&lines);
    assert!(sessions.iter().all(|speakers| speakers.len() <= 1), "two spoke in one session: {lines:?}");
    assert!(got_in <= sessions.len(), "{got_in} got in, in {} sessions", sessions.len());
    println!("{} sessions of {LOGINS} logins", sessions.len());
}

#[test]
fn of_fifty_simultaneous_logins_one_wins_where_later_ones_are_rejected() {
    let _heavy = heavy();
    let (server, mut observer) = prepare("reject");
    let (start, winners) = (Barrier::new(LOGINS), AtomicUsize::new(0));
    let mut winner = thread::scope(|scope| {
        let attempt = || {
            let mut client = server.connect();
            start.wait();
            match client.ask("LOGIN eve secret").as_str() {
                "OK login eve lobby" => {
                    winners.fetch_add(1, Ordering::Relaxed);
                    return Some(client);
                }
                refused => assert!(refused.starts_with("ERR already-logged-in "), "{refused}"),
            }
            // The refusal does not count as a failure, and the connection stays open.
            assert_eq!(client.ask("PING still"), "PONG still");
            None
        };
        let threads: Vec<_> = (0..LOGINS).map(|_| scope.spawn(attempt)).collect();
        let clients: Vec<_> = threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect();
        clients.into_iter().next().expect("nobody got in")
    });
    assert_eq!(winners.load(Ordering::Relaxed), 1);
    winner.expect_quiet();
    winner.send("here");
    assert_eq!(observer.line(), "JOIN lobby eve");
    assert_eq!(observer.line(), "MSG lobby eve here");
    observer.expect_quiet();
}

#[test]
fn the_newcomer_is_answered_after_the_goodbye_to_the_earlier_session() {
    const ROUNDS: usize = 20;
    let server = Server::start();
    let mut current = server.register("eve");
    let mut late = 0;
    for _ in 0..ROUNDS {
        let next = server.log_in("eve");
        // Without waiting: the goodbye must be there already.
        match current.poll(Duration::ZERO) {
            Polled::Line(line) => assert!(line.starts_with("BYE logged-in-elsewhere "), "{line}"),
            // Two connections are two streams: sometimes the kernel delivers later what was sent earlier.
            Polled::Nothing => late += 1,
            other => panic!("{other:?}"),
        }
        current = next;
    }
    assert!(late <= ROUNDS / 4, "{late} of {ROUNDS} goodbyes were not there when the newcomer got in");
}

#[test]
fn a_stuck_session_does_not_keep_its_successor_out() {
    let _heavy = heavy();
    let server = Options::default().args(&["--max-queued-bytes", "64MiB"]).start();
    let mut speaker = server.register("speaker");
    let stuck = server.register("eve");
    stuck.shrink_window();
    assert_eq!(speaker.line(), "JOIN lobby eve");
    let batch = format!("{}\n", "x".repeat(4000)).repeat(50);
    for _ in 0..40 {
        speaker.send_bytes(batch.as_bytes());
        assert_eq!(speaker.ask("/ping"), "PONG");
    }
    let asked = Instant::now();
    let mut successor = server.log_in("eve");
    // The protocol promises 2 s; the rest is for a busy machine.
    assert!(asked.elapsed() < Duration::from_secs(2 + 5), "{:?}", asked.elapsed());
    assert_eq!(speaker.line(), "PART lobby eve");
    assert_eq!(speaker.line(), "JOIN lobby eve");
    speaker.send("after");
    assert_eq!(successor.line(), "MSG lobby speaker after");
    speaker.expect_quiet();
}

#[test]
fn a_storm_of_logins_does_not_stop_the_chat() {
    const USERS: usize = 50;
    let _heavy = heavy();
    let cheap = Server::start();
    for number in 0..USERS {
        cheap.register(&format!("u{number}"));
    }
    for user in ["alice", "bob"] {
        cheap.register(user);
    }
    // The cost is higher now: each login verifies a cheap hash and makes an expensive one.
    let server = cheap.restart_with(Options::default().env("PARLOR_BCRYPT_COST", "8"));
    let (mut alice, mut bob) = (server.log_in("alice"), server.log_in("bob"));
    for client in [&mut alice, &mut bob] {
        client.send("/join quiet");
        client.until("OK join quiet");
    }
    assert_eq!(alice.line(), "JOIN quiet bob");
    let (start, over) = (Barrier::new(USERS + 1), AtomicBool::new(false));
    let login = |number: usize| {
        let mut client = server.connect();
        start.wait();
        assert_eq!(client.ask(&format!("LOGIN u{number} secret")), format!("OK login u{number} lobby"));
    };
    let (messages, worst) = thread::scope(|scope| {
        let (login, start, over) = (&login, &start, &over);
        let threads: Vec<_> = (0..USERS).map(|number| scope.spawn(move || login(number))).collect();
        let chat = scope.spawn(move || {
            start.wait();
            chat_until(&mut alice, &mut bob, over)
        });
        let logins: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
        // This must happen even if a login failed: otherwise the chat would never end.
        over.store(true, Ordering::Release);
        let said = chat.join().unwrap();
        logins.into_iter().for_each(|login| login.unwrap());
        said
    });
    println!("{messages} messages during {USERS} logins at bcrypt cost 8, the slowest took {worst:?}");
    assert!(messages > 10, "only {messages} messages got through");
}

/// `alice` sends to `bob` until `over` is set. Returns the number of messages that arrived, in order, and the longest
/// delay.
fn chat_until(alice: &mut Client, bob: &mut Client, over: &AtomicBool) -> (usize, Duration) {
    let (mut messages, mut worst) = (0, Duration::ZERO);
    while !over.load(Ordering::Acquire) {
        let sent = Instant::now();
        alice.send(&format!("message {messages}"));
        assert_eq!(bob.line(), format!("MSG quiet alice message {messages}"));
        worst = worst.max(sent.elapsed());
        messages += 1;
        thread::sleep(Duration::from_millis(5));
    }
    (messages, worst)
}
