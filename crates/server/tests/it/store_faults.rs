//! A failing store: the sender gets an error in time, nobody receives a message that is not stored, and the server
//! recovers as soon as the store does.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Client, DatabaseLock, Http, Known, Options, Server, SmallDisk, command, ends, heavy, number};

/// The 3 s that the protocol promises, plus 2 s for a busy machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(3 + 2);

/// Sends a message. Fails unless the error that it cannot be stored comes in time.
fn expect_refusal(client: &mut Client, text: &str) {
    let asked = Instant::now();
    client.send(text);
    let error = client.event_of("error");
    assert_eq!(error["code"], "store-unavailable", "{error}");
    assert!(asked.elapsed() < ANSWER_WITHIN, "the answer took {:?}", asked.elapsed());
}

#[test]
fn a_locked_database_is_told_in_time_and_nothing_is_stored_or_heard_twice() {
    const SPEAKERS: usize = 4;
    let _heavy = heavy();
    let server = Server::start();
    let (mut listener, _) = server.register_json("listener");
    let mut speakers: Vec<Client> = (0..SPEAKERS).map(|number| server.register_json(&format!("s{number}")).0).collect();
    let mut accepted = Known::default();
    accepted.note(speakers[0].say("before"), "before");
    let lock = DatabaseLock::take(server.data());
    thread::scope(|scope| {
        for (number, speaker) in speakers.iter_mut().enumerate() {
            scope.spawn(move || {
                // Commands that store nothing still work.
                speaker.send("/ping");
                speaker.event_of("pong");
                expect_refusal(speaker, &format!("refused {number}"));
                expect_refusal(speaker, &format!("/publish refused {number}"));
            });
        }
    });
    drop(lock);
    for (number, speaker) in speakers.iter_mut().enumerate() {
        let text = format!("after {number}");
        accepted.note(speaker.say(&text), &text);
    }
    let stored = listener.history();
    stored.expect_gapless(1..=SPEAKERS as u64 + 1);
    assert_eq!(stored.entries().collect::<Vec<_>>(), accepted.entries().collect::<Vec<_>>());
}

#[test]
fn who_hears_while_the_database_is_locked_hears_each_message_once() {
    let _heavy = heavy();
    let server = Server::start();
    let (mut speaker, _) = server.register_json("speaker");
    let (mut listener, _) = server.register_json("listener");
    let mut accepted = Vec::new();
    for round in 0..3 {
        let lock = DatabaseLock::take(server.data());
        expect_refusal(&mut speaker, &format!("refused {round}"));
        drop(lock);
        accepted.push(speaker.say(&format!("accepted {round}")));
    }
    assert_eq!(accepted, [1, 2, 3]);
    for round in 0..3 {
        let event = listener.event_of("message");
        assert_eq!((number(&event["id"]), &event["text"]), (round + 1, &format!("accepted {round}").into()));
    }
    listener.send("/ping");
    assert_eq!(listener.event()["type"], "pong");
}

#[test]
fn an_account_that_cannot_be_made_is_no_failure_of_the_client() {
    let _heavy = heavy();
    let server = Options::default().args(&["--login-timeout", "1m"]).start();
    let mut alice = server.register("alice");
    alice.send("/quit");
    alice.rest();
    let lock = DatabaseLock::take(server.data());
    let mut newcomer = server.connect();
    // More attempts than a login may fail, all of them within the time that one may take.
    let asked = Instant::now();
    newcomer.send_bytes(&b"REGISTER newcomer secret\n".repeat(4));
    for _ in 0..4 {
        let refused = newcomer.line();
        assert!(refused.starts_with("ERR store-unavailable "), "{refused}");
    }
    assert!(asked.elapsed() < ANSWER_WITHIN, "the answers took {:?}", asked.elapsed());
    // The login of an existing account writes nothing.
    let mut alice = server.log_in("alice");
    drop(lock);
    assert_eq!(newcomer.ask("REGISTER newcomer secret"), "OK register newcomer lobby");
    alice.until("JOIN lobby newcomer");
}

#[test]
fn a_full_disk_refuses_what_is_said_and_keeps_what_was() {
    let _heavy = heavy();
    let Some(disk) = SmallDisk::mount("6m") else { return };
    let server = Options::default().start_in(disk.dir());
    let (mut speaker, _) = server.register_json("speaker");
    let (mut listener, _) = server.register_json("listener");
    let mut accepted = Known::default();
    let mut say = |speaker: &mut Client, text: String| -> Value {
        speaker.send(&text);
        loop {
            let event = speaker.event();
            match event["type"].as_str().unwrap() {
                "ok" => accepted.note(number(&event["id"]), &text),
                "error" => {}
                _ => continue,
            }
            return event;
        }
    };
    say(&mut speaker, "before".to_owned());
    let filler = disk.fill();
    let refusal = (0..2000).map(|count| say(&mut speaker, format!("{count} {}", "x".repeat(3000))));
    let refusal = refusal.into_iter().find(|answer| answer["type"] == "error").expect("the disk is never full");
    assert_eq!(refusal["code"], "store-unavailable");
    let check = || ends(server.data(), command(server.data(), &["check", &server.address().to_string()]));
    let (code, _, complaint) = check();
    assert!(code == Some(1) && complaint.contains("full"), "{complaint}");
    assert_eq!(listener.history().entries().next(), Some((1, "before")));
    std::fs::remove_file(filler).unwrap();
    assert_eq!(check().0, Some(0));
    for count in 0..10 {
        assert_eq!(say(&mut speaker, format!("after {count}"))["type"], "ok");
    }
    let stored = listener.history();
    stored.expect_gapless(1..=accepted.last().unwrap());
    assert_eq!(stored.entries().collect::<Vec<_>>(), accepted.entries().collect::<Vec<_>>());
    drop(server);
}

#[test]
fn a_full_disk_gives_nobody_a_ticket_and_lets_in_who_has_one() {
    let _heavy = heavy();
    let Some(disk) = SmallDisk::mount("6m") else { return };
    let server = Options::default().start_in(disk.dir());
    let (mut speaker, _) = server.register_json("speaker");
    let ticket = server.register("bob").ask("/ticket").split_once("OK ticket ").unwrap().1.to_owned();
    let form = serde_json::json!({ "user": "speaker", "password": "secret" }).to_string();
    let http = || Http::open(server.address(), &server.ca());
    let log_in = || http().ask_from_page("POST", "/session", "", &form);
    let cookie = log_in().cookie();
    let filler = disk.fill();
    let is_refused = |count: &usize| {
        speaker.send(&format!("{count} {}", "x".repeat(3000)));
        loop {
            match speaker.event()["type"].as_str() {
                Some("error") => return true,
                Some("ok") => return false,
                _ => {}
            }
        }
    };
    assert!((0..2000).find(is_refused).is_some(), "the disk is never full");
    // What is left of the last page may be enough for some tickets.
    let refusal = (0..100).map(|_| log_in()).find(|response| response.status != 200).expect("each login is stored");
    assert_eq!((refusal.status, refusal.json()["code"].as_str()), (503, Some("store-unavailable")));
    let message = "The store is full; the operator of this server has to make room";
    assert_eq!(refusal.json()["message"], message);
    assert_eq!(refusal.field("set-cookie"), None);
    assert_eq!(http().ask("GET", "/session", &format!("Cookie: {cookie}\r\n"), "").status, 200);
    let fields = format!("Origin: https://localhost:{}\r\nCookie: {cookie}\r\n", server.address().port());
    let mut browser = Client::open_web_with(server.address(), &server.ca(), &fields);
    browser.until(r#"{"type":"ok","command":"login","user":"speaker""#);
    assert_eq!(server.connect().ask(&format!("RESUME bob {ticket}")), "OK login bob lobby");
    assert_eq!(server.connect().ask("LOGIN bob secret"), "OK login bob lobby");
    std::fs::remove_file(filler).unwrap();
    assert_eq!(log_in().status, 200);
}

#[test]
fn without_history_numbers_count_and_begin_a_new_life_at_each_start() {
    let server = Options::default().args(&["--history", "0"]).start();
    let (mut speaker, begun) = server.register_json("speaker");
    let (mut listener, _) = server.register_json("listener");
    assert_eq!(number(&begun["last"]), 0);
    for id in 1..=5 {
        assert_eq!(speaker.say(&format!("text {id}")), id);
        assert_eq!(number(&listener.event_of("message")["id"]), id);
    }
    assert_eq!(speaker.history().len(), 0);
    let server = server.restart();
    let (mut speaker, begun_again) = server.log_in_json("speaker");
    assert_ne!(begun_again["epoch"], begun["epoch"]);
    assert_eq!(number(&begun_again["last"]), 0);
    assert_eq!(speaker.say("again"), 1);
}
