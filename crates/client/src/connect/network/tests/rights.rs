//! What becomes of a user who is removed from a room, or must not enter one.

use super::*;

const SYNC: &str = r#"{"type":"sync","current":"lobby","rooms":[{"room":"lobby","members":1,"topic":"","role":"member","epoch":"0000000000000001","last":0,"read":0,"unread":0}],"directs":[],"feeds":[],"inbox":{"epoch":"0000000000000001","last":0},"lost":[]}"#;
const MOVED: &str =
    r#"{"type":"moved","room":"lobby","members":2,"epoch":"0000000000000001","last":0,"reason":"noise"}"#;
const BANNED: &str = r#"{"type":"error","code":"banned","message":"You are banned from red","command":"join"}"#;

fn kicked(room: &str) -> String {
    format!(
        r#"{{"type":"moderated","room":"{room}","id":1,"time":"2026-01-01T10:00:00.000Z","from":"bob","action":"kick","user":"ann","until":null,"reason":"noise"}}"#
    )
}

#[test]
fn who_is_removed_from_the_room_is_told_and_stays_in_the_lobby() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start_many(&identity, 2, |number, mut peer: Peer| {
        peer.welcome();
        let mut heard = vec![peer.hear()];
        if number == 0 {
            peer.say(&[SYNC, IN_RED, &kicked("red"), MOVED, SHUTDOWN]);
        } else {
            peer.say(&[SYNC, ELSEWHERE]);
            heard.push(peer.hear());
        }
        heard
    });
    let (_, shown) = follow(&identity, &server);
    let at = shown.iter().position(|line| line.ends_with("* bob removed ann from red: noise")).unwrap();
    assert_eq!(shown[at + 1], "* you are in lobby now, members: 2");
    assert_eq!(server.finish().concat(), ["/sync", "/sync", ""]);
}

#[test]
fn who_is_removed_during_a_cut_is_told_and_does_not_stay_in_the_room() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start_many(&identity, 3, |number, mut peer: Peer| {
        peer.welcome();
        let mut heard = vec![peer.hear()];
        let mut answer = |peer: &mut Peer, line: &str| {
            peer.say(&[line]);
            heard.push(peer.hear());
        };
        match number {
            0 => peer.say(&[SYNC, IN_RED, SHUTDOWN]),
            1 => {
                answer(&mut peer, &entered(3));
                let red = r#""rooms":[{"room":"red","members":2,"topic":"","role":"member","epoch":"0000000000000001","last":3,"read":0,"unread":2},"#;
                let sync = SYNC.replace(r#""rooms":["#, red).replace(r#""current":"lobby""#, r#""current":"red""#);
                answer(&mut peer, &sync);
                let entries =
                    [message(2), kicked("red"), message(3)].map(|line| line.replace(r#""room":"red","#, "")).join(",");
                let page = r##"{"type":"backlog","target":"#red","epoch":"0000000000000001","more":false,"entries":[ENTRIES]}"##;
                answer(&mut peer, &page.replace("ENTRIES", &entries));
                peer.say(&[r#"{"type":"ok","command":"close","room":"red","current":"lobby"}"#, SHUTDOWN]);
            }
            _ => peer.say(&[SYNC, ELSEWHERE]),
        }
        heard
    });
    let (_, shown) = follow(&identity, &server);
    let told = "! bob removed you from red while there was no connection: noise";
    assert_eq!(shown.iter().filter(|line| *line == told).count(), 1, "{shown:?}");
    assert!(!shown.iter().any(|line| line.contains("number")), "{shown:?}");
    let [first, second, third] = <[_; 3]>::try_from(server.finish()).unwrap();
    assert_eq!((first, third), (vec!["/sync".to_owned()], vec!["/sync".to_owned()]));
    assert_eq!(second, ["/join red", "/sync", "/backlog #red after 0 500", "/close red"]);
}

#[test]
fn who_is_banned_meanwhile_is_told_once_and_goes_on_without_the_room() {
    let identity = Identity::new(&["127.0.0.1"]);
    let without = SYNC.replace(r#""lost":[]"#, r#""lost":[{"room":"red","code":"banned"}]"#);
    let server = refuses_red(&identity, BANNED, [SYNC.to_owned(), without], &[SYNC, ELSEWHERE]);
    let (_, shown) = follow(&identity, &server);
    assert_eq!(shown.iter().filter(|line| line.contains("banned")).count(), 1, "{shown:?}");
    assert_eq!(shown.iter().filter(|line| line.contains("red could not be entered")).count(), 1, "{shown:?}");
    assert_eq!(server.finish(), ["/sync", "/join red", "/sync"]);
}

#[test]
fn what_is_typed_for_a_room_is_not_said_in_the_lobby_by_who_was_removed_from_it() {
    let identity = Identity::new(&["127.0.0.1"]);
    let (typing, types) = mpsc::channel::<()>();
    let server = Scripted::start(&identity, move |mut peer: Peer| {
        peer.welcome();
        assert_eq!(peer.hear(), "/sync");
        peer.say(&[SYNC, IN_RED, &kicked("red"), MOVED]);
        types.recv().unwrap();
        let said = peer.hear();
        peer.say(&[ELSEWHERE]);
        said
    });
    let connector = pinned(&server.address, identity.pin);
    let session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let link = Arc::new(SharedState::default());
    let (_stay, left) = mpsc::channel();
    let (printed, lines) = mpsc::channel::<String>();
    let screen = Screen::start(move |lines| printed.send(lines).unwrap()).unwrap();
    let follower = follower(connector, &link, &screen, left);
    let network: JoinHandle<()> = thread::spawn(move || follower.run(session));
    while !lines.recv().unwrap().contains("you are in lobby now") {}
    link.begin_input();
    let not_sent = NotSent::WrongRoom { wanted: "red".parse().unwrap(), here: "lobby".parse().unwrap() };
    assert_eq!(link.send(typed("secret")), Err(not_sent));
    link.begin_input();
    assert_eq!(link.send(typed("secret")), Ok(()));
    typing.send(()).unwrap();
    network.join().unwrap();
    assert!(server.finish().ends_with(" /say lobby secret"));
}

#[test]
fn whoever_is_removed_and_goes_to_another_room_may_speak_there_at_once() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer: Peer| {
        peer.welcome();
        assert_eq!(peer.hear(), "/sync");
        peer.say(&[SYNC, IN_RED, &kicked("red"), MOVED]);
        assert_eq!(peer.hear(), "/join blue");
        peer.say(&[&IN_RED.replace("red", "blue")]);
        let said = peer.hear();
        peer.say(&[ELSEWHERE]);
        said
    });
    let connector = pinned(&server.address, identity.pin);
    let session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let link = Arc::new(SharedState::default());
    let (_stay, left) = mpsc::channel();
    let (printed, lines) = mpsc::channel::<String>();
    let screen = Screen::start(move |lines| printed.send(lines).unwrap()).unwrap();
    let follower = follower(connector, &link, &screen, left);
    let network: JoinHandle<()> = thread::spawn(move || follower.run(session));
    while !lines.recv().unwrap().contains("you are in lobby now") {}
    let join = Typed { line: "/join blue", verb: Some(Verb::Join), ..Typed::default() };
    assert_eq!(link.send(join), Ok(()));
    while !lines.recv().unwrap().contains("you are in blue") {}
    assert_eq!(link.send(typed("hello")), Ok(()));
    network.join().unwrap();
    assert!(server.finish().ends_with(" /say blue hello"));
}

#[test]
fn a_room_that_the_server_does_not_open_again_is_told_with_the_reason() {
    let identity = Identity::new(&["127.0.0.1"]);
    let lost = SYNC.replace(r#""lost":[]"#, r#""lost":[{"room":"red","code":"invite-only"}]"#);
    let server = Scripted::start(&identity, move |mut peer: Peer| {
        peer.welcome();
        peer.hear();
        peer.say(&[&lost, ELSEWHERE]);
    });
    let (_, shown) = follow(&identity, &server);
    assert_eq!(shown[1], "! you are not in red any more (invite-only)");
    server.finish();
}
