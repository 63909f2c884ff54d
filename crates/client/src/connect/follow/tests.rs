//! The client on a terminal, without the terminal: what it shows, and when it comes back.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use jiff::tz::TimeZone;

use super::*;
use crate::testing::{HELLO, Identity, Peer, Scripted, ann, pinned};

const IN_RED: &str = r#"{"type":"ok","command":"join","room":"red","members":1,"epoch":"0000000000000001","last":0}"#;
const SHUTDOWN: &str = r#"{"type":"bye","code":"server-shutdown","message":"The server stops"}"#;
const ELSEWHERE: &str = r#"{"type":"bye","code":"logged-in-elsewhere","message":"Somewhere else"}"#;

/// Runs a follower to its end. Returns how the program would end, and what was shown, without times.
fn follow<T: Send + 'static>(identity: &Identity, server: &Scripted<T>) -> (Exit, Vec<String>) {
    let connector = pinned(&server.address, identity.pin);
    let session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let (printed, lines) = mpsc::channel();
    let screen = Screen::start(move |lines| printed.send(lines).unwrap()).unwrap();
    let link = Arc::new(Link::default());
    let (_stay, left) = mpsc::channel();
    let plan = Plan { connector, credentials: ann(), room: None };
    let renderer = Renderer { colour: false, zone: TimeZone::UTC };
    Follower { plan, link: link.clone(), screen: screen.clone(), renderer, left }.run(session);
    screen.flush();
    let exit = lock(&link.over).unwrap();
    let shown =
        lines.try_iter().map(|line| line["00:00 ".len()..].trim_end().replace(&server.address.to_string(), "A"));
    (exit, shown.filter(|line| !line.starts_with("* connecting again in ")).collect())
}

#[test]
fn after_a_shutdown_it_comes_back_to_its_room() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start_many(&identity, 2, |number, mut peer: Peer| {
        peer.welcome();
        if number == 0 {
            peer.say(&[IN_RED, SHUTDOWN]);
            return String::new();
        }
        let heard = peer.hear();
        peer.say(&[ELSEWHERE]);
        heard
    });
    let (exit, shown) = follow(&identity, &server);
    let connected = "* connected to den (A) as ann, in lobby";
    assert_eq!(
        shown,
        [
            connected,
            "* you are in red, members: 1",
            "* The server stops (server-shutdown)",
            connected,
            "* Somewhere else (logged-in-elsewhere)",
            "* this is over; press Enter to leave",
        ]
    );
    assert_eq!((exit, server.finish()), (Exit::NoConnection, vec![String::new(), "/join red".to_owned()]));
}

#[test]
fn a_password_that_was_changed_elsewhere_ends_it() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start_many(&identity, 2, |number, mut peer: Peer| {
        if number == 0 {
            peer.welcome();
            return peer.close();
        }
        peer.say(&[HELLO, r#"{"type":"error","code":"bad-credentials","message":"No","command":"login"}"#]);
        peer.hear();
    });
    let (exit, shown) = follow(&identity, &server);
    let expected = [
        "! the server closed the connection",
        "! login refused: No (bad-credentials)",
        "* this is over; press Enter to leave",
    ];
    assert_eq!((exit, &shown[1..]), (Exit::LoginRefused, &expected.map(str::to_owned)[..]));
    server.finish();
}

#[test]
fn a_password_that_was_changed_here_is_used_next_time() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start_many(&identity, 2, |number, mut peer: Peer| {
        if number == 1 {
            peer.say(&[HELLO]);
            peer.hear();
            let login = peer.hear();
            peer.say(&[ELSEWHERE]);
            return login;
        }
        peer.welcome();
        let changes = (peer.hear(), peer.hear());
        let refused = r#"{"type":"error","code":"bad-credentials","message":"No","command":"passwd"}"#;
        peer.say(&[refused, r#"{"type":"ok","command":"passwd"}"#, SHUTDOWN]);
        changes.0 + &changes.1
    });
    let connector = pinned(&server.address, identity.pin);
    let session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let link = Arc::new(Link::default());
    let (_stay, left) = mpsc::channel();
    let follower = Follower {
        plan: Plan { connector, credentials: ann(), room: None },
        link: link.clone(),
        screen: Screen::start(drop).unwrap(),
        renderer: Renderer { colour: false, zone: TimeZone::UTC },
        left,
    };
    let network: JoinHandle<()> = thread::spawn(move || follower.run(session));
    let sender = loop {
        match lock(&link.sender).clone() {
            Some(sender) => break sender,
            None => thread::yield_now(),
        }
    };
    for password in ["first", "second"] {
        lock(&link.passwords).push_back(Some(Password::new(password).unwrap()));
        sender.send_line(password).unwrap();
    }
    network.join().unwrap();
    assert_eq!(server.finish(), ["firstsecond", "LOGIN ann second"]);
}

#[test]
fn whoever_leaves_is_not_brought_back() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        peer.close();
    });
    let connector = pinned(&server.address, identity.pin);
    let session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let link = Arc::new(Link::default());
    link.leaving.store(true, Ordering::SeqCst);
    let (_stay, left) = mpsc::channel();
    let follower = Follower {
        plan: Plan { connector, credentials: ann(), room: None },
        link: link.clone(),
        screen: Screen::start(drop).unwrap(),
        renderer: Renderer { colour: false, zone: TimeZone::UTC },
        left,
    };
    follower.run(session);
    assert_eq!(*lock(&link.over), Some(Exit::Done));
    server.finish();
}
