//! The client on a terminal, without the terminal: what it shows, and when it reconnects.

mod ends;
mod rights;
mod rooms;
mod said;

use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use jiff::tz::TimeZone;
use parlor_proto::Password;

use super::*;
use crate::connect::shared::{NotSent, Typed};
use crate::testing::{HELLO, Identity, Peer, Scripted, ann, pinned};

const IN_RED: &str = r#"{"type":"ok","command":"join","room":"red","members":1,"epoch":"0000000000000001","last":0}"#;
const SHUTDOWN: &str = r#"{"type":"bye","code":"server-shutdown","message":"The server stops"}"#;
const ELSEWHERE: &str = r#"{"type":"bye","code":"logged-in-elsewhere","message":"Somewhere else"}"#;

/// Runs the network side to its end. Returns the exit code, and the shown lines without times.
fn follow<T: Send + 'static>(identity: &Identity, server: &Scripted<T>) -> (Exit, Vec<String>) {
    follow_several(identity, &[&server.address])
}

/// The same with several servers, which are named A, B and so on.
fn follow_several(identity: &Identity, addresses: &[&Address]) -> (Exit, Vec<String>) {
    let others = addresses[1..].iter().map(|&address| address.clone());
    let connector = pinned(addresses[0], identity.pin).with_others(others);
    let session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let (printed, lines) = mpsc::channel();
    let screen = Screen::start(move |lines| printed.send(lines).unwrap()).unwrap();
    let link = Arc::new(SharedState::default());
    let (_stay, left) = mpsc::channel();
    follower(connector, &link, &screen, left).run(session);
    screen.flush();
    let exit = lock(&link.over).unwrap();
    let named = |line: String| {
        let name =
            |line: String, (address, name): (&&Address, char)| line.replace(&address.to_string(), &name.to_string());
        addresses.iter().zip('A'..).fold(line, name)
    };
    let lines = lines.try_iter().flat_map(|lines| lines.lines().map(str::to_owned).collect::<Vec<_>>());
    let shown = lines.map(|line| named(line[line.find(':').unwrap() + ":00 ".len()..].trim_end().to_owned()));
    (exit, shown.filter(|line| !line.starts_with("* connecting again in ")).collect())
}

fn follower(connector: Connector, link: &Arc<SharedState>, screen: &Screen, left: Receiver<()>) -> NetworkThread {
    NetworkThread {
        catch_up: CatchUp::new(ann().user, 0),
        places: Places::default(),
        plan: ReconnectConfig { connector, user: ann().user, proof: Proof::Password(ann().password), room: None },
        link: link.clone(),
        screen: screen.clone(),
        renderer: Renderer { colour: false, zone: TimeZone::UTC, me: ann().user, bell: false, days: None },
        left,
    }
}

/// A server that stops while red is open, and refuses red to the next session. Each session has its answer to `/sync`, the last
/// one its goodbye. It tells what each session said first.
fn refuses_red(
    identity: &Identity,
    refusal: &'static str,
    syncs: [String; 2],
    last: &'static [&'static str],
) -> Scripted<Vec<String>> {
    Scripted::start_many(identity, 3, move |number, mut peer: Peer| {
        peer.welcome();
        let heard = peer.hear();
        match number {
            0 => peer.say(&[&syncs[0], IN_RED, SHUTDOWN]),
            1 => {
                peer.say(&[refusal]);
                assert_eq!(peer.hear(), "/sync");
                peer.say(&[&syncs[1], SHUTDOWN]);
            }
            _ => peer.say(last),
        }
        heard
    })
}

/// A message in the room red.
fn message(id: u64) -> String {
    format!(r#"{{"type":"message","room":"red",{}}}"#, entry(id))
}

/// An entry of the log of that room, by bob.
fn entry(id: u64) -> String {
    format!(r#""id":{id},"time":"2026-01-01T10:00:00.000Z","from":"bob","text":"number {id}""#)
}

fn history(ids: impl Iterator<Item = u64>) -> String {
    let entries: Vec<_> = ids.map(|id| format!("{{{}}}", entry(id))).collect();
    format!(r#"{{"type":"history","room":"red","messages":[{}]}}"#, entries.join(","))
}

fn entered(last: u64) -> String {
    IN_RED.replace(r#""last":0"#, &format!(r#""last":{last}"#))
}

const UNKNOWN: &str = r#"{"type":"error","code":"unknown-command","message":"No","command":null}"#;

/// Says that it does not know `/sync`: a server of a version before.
fn refuse_sync(peer: &mut Peer) {
    assert_eq!(peer.hear(), "/sync");
    peer.say(&[UNKNOWN]);
}

/// A line of the user as the keyboard's thread hands it over.
fn typed(line: &str) -> Typed<'_> {
    let Ok(Some(parlor_proto::Command::Post { post, .. })) = parlor_proto::parse_command(line.as_bytes()) else {
        panic!("{line}")
    };
    Typed { line, verb: Some(post.verb()), post: Some(post), new_password: None }
}

#[test]
fn after_a_shutdown_it_comes_back_to_its_room() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start_many(&identity, 2, |number, mut peer: Peer| {
        peer.welcome();
        if number == 0 {
            refuse_sync(&mut peer);
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
            "* A: The server stops (server-shutdown)",
            connected,
            "* A: Somewhere else (logged-in-elsewhere)",
            "* this is over; press Enter to leave",
        ]
    );
    assert_eq!((exit, server.finish()), (Exit::NoConnection, vec![String::new(), "/join red".to_owned()]));
}

#[test]
fn nothing_that_is_typed_for_the_room_is_said_in_another_one() {
    let identity = Identity::new(&["127.0.0.1"]);
    let (answer, answers) = mpsc::channel::<&str>();
    let server = Scripted::start(&identity, move |mut peer: Peer| {
        peer.welcome();
        assert_eq!(peer.hear(), "/join red");
        peer.say(&[r#"{"type":"joined","room":"lobby","user":"eve"}"#, answers.recv().unwrap()]);
        let asked_again = peer.hear();
        peer.say(&[answers.recv().unwrap()]);
        refuse_sync(&mut peer);
        let said = peer.hear();
        peer.say(&[ELSEWHERE]);
        (asked_again, said)
    });
    let connector = pinned(&server.address, identity.pin);
    let session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let link = Arc::new(SharedState::default());
    let (_stay, left) = mpsc::channel();
    let mut follower = follower(connector, &link, &Screen::start(drop).unwrap(), left);
    follower.plan.room = Some("red".parse().unwrap());
    let network: JoinHandle<()> = thread::spawn(move || follower.run(session));
    // Waits until a message no longer gets the error `before`. Returns the next result.
    let message_after = |before: NotSent| loop {
        match link.way(true) {
            Err(same) if same == before => thread::yield_now(),
            other => break other,
        }
    };
    let entering = || NotSent::Entering("red".parse().unwrap());
    assert_eq!(message_after(NotSent::NoConnection).unwrap_err(), entering());
    answer.send(r#"{"type":"error","code":"store-unavailable","message":"Away","command":"join"}"#).unwrap();
    assert_eq!(link.way(false).unwrap_err(), entering());
    answer.send(r#"{"type":"error","code":"limit-reached","message":"Full","command":"join"}"#).unwrap();
    let astray = NotSent::WrongRoom { wanted: "red".parse().unwrap(), here: "lobby".parse().unwrap() };
    assert_eq!(message_after(entering()).unwrap_err(), astray);
    // All lines typed at once get the same error. After that, the user knows where a message goes.
    assert_eq!(link.way(true).unwrap_err(), astray);
    link.begin_input();
    link.way(true).unwrap().send_line("hello lobby").unwrap();
    network.join().unwrap();
    assert_eq!(server.finish(), ("/join red".to_owned(), "hello lobby".to_owned()));
}

#[test]
fn the_prompt_waits_until_it_is_known_where_a_session_goes() {
    let link = Arc::new(SharedState::default());
    // Whoever asks sees the session that begins in the lobby only.
    link.begin(&"lobby".parse().unwrap());
    let network = Arc::clone(&link);
    let network = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        network.begin(&"red".parse().unwrap());
        network.cut();
    });
    assert_eq!(link.current_room(Duration::from_secs(20)), Some("red".parse().unwrap()));
    network.join().unwrap();
}

#[test]
fn whoever_spoke_in_the_lobby_instead_stays_there() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start_many(&identity, 3, |number, mut peer: Peer| {
        peer.welcome();
        match number {
            0 => {
                refuse_sync(&mut peer);
                peer.say(&[IN_RED, SHUTDOWN]);
            }
            1 => {
                assert_eq!(peer.hear(), "/join red");
                let full = r#"{"type":"error","code":"limit-reached","message":"Full","command":"join"}"#;
                let said =
                    r#"{"type":"ok","command":"message","room":"lobby","id":1,"time":"2026-01-01T10:00:00.000Z"}"#;
                peer.say(&[full]);
                refuse_sync(&mut peer);
                peer.say(&[said, SHUTDOWN]);
            }
            _ => {
                let heard = peer.hear();
                peer.say(&[ELSEWHERE]);
                return heard;
            }
        }
        String::new()
    });
    let (_, shown) = follow(&identity, &server);
    let refused = ["! Full (limit-reached)", "! you are in lobby: red could not be entered"];
    assert_eq!(shown[4..6], refused);
    assert_eq!(server.finish(), ["", "", "/sync"]);
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
        "! A: the server closed the connection",
        "! A: login refused: No (bad-credentials)",
        "* this is over; press Enter to leave",
    ];
    assert_eq!((exit, &shown[1..]), (Exit::LoginRefused, &expected.map(str::to_owned)[..]));
    server.finish();
}

#[test]
fn a_password_that_was_changed_here_is_used_next_time() {
    let identity = Identity::new(&["127.0.0.1"]);
    let (asked, was_asked) = mpsc::channel();
    let server = Scripted::start_many(&identity, 2, move |number, mut peer: Peer| {
        if number == 1 {
            peer.say(&[HELLO]);
            peer.hear();
            let login = peer.hear();
            peer.say(&[ELSEWHERE]);
            return login;
        }
        peer.welcome();
        refuse_sync(&mut peer);
        asked.send(()).unwrap();
        let changes = (peer.hear(), peer.hear());
        let refused = r#"{"type":"error","code":"bad-credentials","message":"No","command":"passwd"}"#;
        peer.say(&[refused, r#"{"type":"ok","command":"passwd"}"#, SHUTDOWN]);
        changes.0 + &changes.1
    });
    let connector = pinned(&server.address, identity.pin);
    let session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let link = Arc::new(SharedState::default());
    let (_stay, left) = mpsc::channel();
    let follower = follower(connector, &link, &Screen::start(drop).unwrap(), left);
    let network: JoinHandle<()> = thread::spawn(move || follower.run(session));
    // The client asks its own question first.
    was_asked.recv().unwrap();
    let sender = loop {
        match link.way(false) {
            Ok(sender) => break sender,
            Err(_) => thread::yield_now(),
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
    let link = Arc::new(SharedState::default());
    link.leaving.store(true, Ordering::SeqCst);
    let (_stay, left) = mpsc::channel();
    let follower = follower(connector, &link, &Screen::start(drop).unwrap(), left);
    follower.run(session);
    assert_eq!(*lock(&link.over), Some(Exit::Done));
    server.finish();
}

#[test]
fn a_lost_connection_goes_on_at_the_next_server_and_round_again() {
    let identity = Identity::new(&["127.0.0.1"]);
    let first = Scripted::start_many(&identity, 2, |number, mut peer: Peer| {
        peer.welcome();
        peer.say(&[if number == 0 { SHUTDOWN } else { ELSEWHERE }]);
        peer.hear();
    });
    let away = Scripted::start_plain(drop);
    let third = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        peer.close();
    });
    let (exit, shown) = follow_several(&identity, &[&first.address, &away.address, &third.address]);
    let shown: Vec<_> = shown.iter().map(|line| line.split(" failed").next().unwrap()).collect();
    let expected = [
        "* connected to den (A) as ann, in lobby",
        "* A: The server stops (server-shutdown)",
        "* connecting to B",
        "! TLS with B",
        "* connecting to C",
        "* connected to den (C) as ann, in lobby",
        "! C: the server closed the connection",
        "* connected to den (A) as ann, in lobby",
        "* A: Somewhere else (logged-in-elsewhere)",
        "* this is over; press Enter to leave",
    ];
    assert_eq!((exit, shown), (Exit::NoConnection, expected.to_vec()));
    first.finish();
}

#[test]
fn what_was_missed_is_shown_before_what_comes_now() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start_many(&identity, 2, |number, mut peer: Peer| {
        peer.welcome();
        if number == 0 {
            refuse_sync(&mut peer);
            peer.say(&[&entered(1), &message(2), &message(3), SHUTDOWN]);
            return String::new();
        }
        assert_eq!(peer.hear(), "/join red");
        peer.say(&[&entered(6)]);
        refuse_sync(&mut peer);
        let asked = peer.hear();
        // Others send messages meanwhile.
        peer.say(&[&message(7), r#"{"type":"joined","room":"red","user":"eve"}"#]);
        peer.say(&[&message(8), &history(1..=8), &message(9), &history(6..=7), ELSEWHERE]);
        asked
    });
    let (_, shown) = follow(&identity, &server);
    let expected = [
        "OLD [red] bob: number 4",
        "OLD [red] bob: number 5",
        "OLD [red] bob: number 6",
        "[red] bob: number 7",
        "* eve entered red",
        "[red] bob: number 8",
        "[red] bob: number 9",
        "[red 6] bob: number 6",
        "[red 7] bob: number 7",
        "* end of the history of red, messages shown: 2",
    ];
    let shown: Vec<_> =
        shown[shown.len() - 12..shown.len() - 2].iter().map(|line| line.trim_start_matches("2026-01-01 10:")).collect();
    assert_eq!(shown, expected);
    assert_eq!(server.finish()[1], "/history 23");
}

#[test]
fn a_history_that_was_not_asked_for_again_is_none_of_ours() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start_many(&identity, 3, |number, mut peer: Peer| {
        peer.welcome();
        if number == 0 {
            refuse_sync(&mut peer);
            return peer.say(&[&entered(2), SHUTDOWN]);
        }
        assert_eq!(peer.hear(), "/join red");
        peer.say(&[&entered(4)]);
        refuse_sync(&mut peer);
        assert_eq!(peer.hear(), "/history 22");
        if number == 1 {
            // The connection is lost before the answer: the held-back message counts as missed next time.
            peer.say(&[&message(5)]);
            return peer.close();
        }
        peer.say(&[&history(1..=4), ELSEWHERE]);
    });
    let (_, shown) = follow(&identity, &server);
    let said: Vec<_> =
        shown.iter().filter_map(|line| line.split_once("OLD [red] bob: ")).map(|(_, text)| text).collect();
    assert_eq!(said, ["number 3", "number 4"]);
    assert!(!shown.iter().any(|line| line.contains("number 5")), "{shown:?}");
    server.finish();
}

#[test]
fn a_user_who_wants_to_wait_no_longer_ends_the_pause() {
    let identity = Identity::new(&["127.0.0.1"]);
    let screen = Screen::start(drop).unwrap();
    let (leave, left) = mpsc::sync_channel(1);
    let connector = pinned(&Address::default(), identity.pin);
    let waiting = follower(connector, &Arc::new(SharedState::default()), &screen, left);
    let waits = thread::spawn(move || [waiting.wait(Duration::MAX), waiting.wait(Duration::MAX)]);
    // What was wanted before it began to wait does not count, so this is said until it is heard.
    while !waits.is_finished() {
        let _ = leave.try_send(());
        thread::yield_now();
    }
    assert_eq!(waits.join().unwrap(), [Waited::Over, Waited::Over]);
}
