//! What the user said and nobody answered: it is said again, once.

use super::*;

/// Types the line once the first session is there. Returns what is heard by the server, and what is shown.
fn say_to(script: impl Fn(usize, Peer) -> Vec<String> + Send + 'static, connections: usize) -> (Vec<String>, String) {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start_many(&identity, connections, script);
    let connector = pinned(&server.address, identity.pin);
    let session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let link = Arc::new(SharedState::default());
    let (_stay, left) = mpsc::channel();
    let (printed, lines) = mpsc::channel();
    let screen = Screen::start(move |lines| printed.send(lines).unwrap()).unwrap();
    let follower = follower(connector, &link, &screen, left);
    let network: JoinHandle<()> = thread::spawn(move || follower.run(session));
    while link.send(typed("hello")) == Err(NotSent::NoConnection) {
        thread::yield_now();
    }
    network.join().unwrap();
    screen.flush();
    (server.finish().concat(), lines.try_iter().collect())
}

/// Receives lines up to one with a key or without a slash, and answers `/sync`.
fn hear_said(peer: &mut Peer, sync_answer: &str) -> String {
    loop {
        match peer.hear() {
            line if line == "/sync" => peer.say(&[sync_answer]),
            line => return line,
        }
    }
}

const IN_LOBBY: &str = r#"{"type":"sync","current":"lobby","rooms":[],"directs":[],"feeds":[],"inbox":{"epoch":"0000000000000001","last":0},"lost":[]}"#;
const SAID: &str = r#"{"type":"ok","command":"message","room":"lobby","id":1,"repeated":true}"#;

const AWAY: &str = r#"{"type":"error","code":"store-unavailable","message":"Away","command":"message"}"#;

#[test]
fn what_the_store_did_not_take_is_said_again_under_its_key() {
    let script = |_, mut peer: Peer| {
        peer.welcome();
        let first = hear_said(&mut peer, IN_LOBBY);
        peer.say(&[AWAY]);
        let second = hear_said(&mut peer, IN_LOBBY);
        peer.say(&[SAID, ELSEWHERE]);
        vec![first, second]
    };
    let (heard, shown) = say_to(script, 1);
    let key = heard[0].strip_prefix("/once ").and_then(|rest| rest.strip_suffix(" /say lobby hello")).unwrap();
    assert_eq!(heard[1], format!("/once {key} /say lobby hello"));
    assert!(shown.contains("said now: hello") && !shown.contains("not certain"), "{shown}");
}

#[test]
fn what_is_refused_in_the_end_is_told_as_not_said() {
    let script = |_, mut peer: Peer| {
        peer.welcome();
        let first = hear_said(&mut peer, IN_LOBBY);
        peer.say(&[AWAY]);
        hear_said(&mut peer, IN_LOBBY);
        peer.say(&[r#"{"type":"error","code":"muted","message":"You are muted","command":"message"}"#, ELSEWHERE]);
        vec![first]
    };
    let (_, shown) = say_to(script, 1);
    assert!(shown.contains("not said: hello") && !shown.contains("said now"), "{shown}");
}

#[test]
fn what_has_no_answer_when_the_connection_is_lost_is_said_over_the_next_one() {
    let script = |number, mut peer: Peer| {
        peer.welcome();
        let heard = hear_said(&mut peer, IN_LOBBY);
        peer.say(if number == 0 { &[SHUTDOWN] } else { &[SAID, ELSEWHERE] });
        vec![heard]
    };
    let (heard, shown) = say_to(script, 2);
    let key = heard[0].strip_prefix("/once ").and_then(|rest| rest.strip_suffix(" /say lobby hello")).unwrap();
    assert_eq!(heard[1], format!("/once {key} /say lobby hello"));
    assert_eq!(shown.matches("said now: hello").count(), 1, "{shown}");
}

#[test]
fn a_server_that_knows_no_keys_gets_the_plain_line_and_not_twice() {
    let script = |number, mut peer: Peer| {
        peer.welcome();
        if number == 1 {
            let heard = peer.hear();
            peer.say(&[ELSEWHERE]);
            return vec![heard];
        }
        let first = hear_said(&mut peer, UNKNOWN);
        peer.say(&[UNKNOWN]);
        let second = hear_said(&mut peer, UNKNOWN);
        peer.say(&[SHUTDOWN]);
        vec![first, second]
    };
    let (heard, shown) = say_to(script, 2);
    assert!(heard[0].starts_with("/once "));
    assert_eq!(heard[1..], ["hello", "/sync"]);
    assert!(shown.contains("it is not certain whether this was said: hello"), "{shown}");
}

#[test]
fn what_is_said_again_goes_out_before_the_history_is_asked_for() {
    let identity = Identity::new(&["127.0.0.1"]);
    let first = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        refuse_sync(&mut peer);
        peer.say(&[&entered(2)]);
        peer.hear();
        peer.say(&[SHUTDOWN]);
    });
    let second = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        assert_eq!(peer.hear(), "/join red");
        peer.say(&[&entered(4)]);
        refuse_sync(&mut peer);
        let heard = peer.hear();
        peer.say(&[ELSEWHERE]);
        heard
    });
    let connector = pinned(&first.address, identity.pin).with_others([second.address.clone()]);
    let session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let link = Arc::new(SharedState::default());
    let (_stay, left) = mpsc::channel();
    let (printed, lines) = mpsc::channel::<String>();
    let screen = Screen::start(move |lines| printed.send(lines).unwrap()).unwrap();
    let follower = follower(connector, &link, &screen, left);
    let network: JoinHandle<()> = thread::spawn(move || follower.run(session));
    while !lines.recv().unwrap().contains("you are in red") {}
    assert_eq!(link.send(typed("hello")), Ok(()));
    network.join().unwrap();
    // Its answer tells which of the missed messages is the user's own.
    let heard = second.finish();
    assert!(heard.ends_with(" /say red hello"), "{heard}");
}
