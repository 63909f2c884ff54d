//! What one session leaves to the next, and what it asks and tells by itself.

use super::*;

/// The answer to `/sync` in the lobby and in blue.
const SYNC: &str = r#"{"type":"sync","current":"lobby","rooms":[{"room":"blue","members":1,"topic":"","role":"member","epoch":"0000000000000001","last":0,"read":0,"unread":0},{"room":"lobby","members":1,"topic":"","role":"member","epoch":"0000000000000001","last":0,"read":0,"unread":0}],"directs":[],"feeds":[],"inbox":{"epoch":"0000000000000001","last":0},"lost":[]}"#;

#[test]
fn a_room_that_is_full_for_now_is_tried_again_by_the_next_session() {
    let identity = Identity::new(&["127.0.0.1"]);
    let full = r#"{"type":"error","code":"limit-reached","message":"Too many","command":"join"}"#;
    let server = refuses_red(&identity, full, [SYNC.to_owned(), SYNC.to_owned()], &[ELSEWHERE]);
    let (_, shown) = follow(&identity, &server);
    assert!(shown.contains(&"! you are in lobby: red could not be entered".to_owned()), "{shown:?}");
    assert_eq!(server.finish(), ["/sync", "/join red", "/join red"]);
}

#[test]
fn what_is_open_and_unread_is_summed_up_at_the_first_login_only() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start_many(&identity, 2, |number, mut peer: Peer| {
        peer.welcome();
        assert_eq!(peer.hear(), "/sync");
        peer.say(&[SYNC, if number == 0 { SHUTDOWN } else { ELSEWHERE }]);
    });
    let (_, shown) = follow(&identity, &server);
    let summary = "* what you say goes to lobby; also open: blue";
    assert_eq!(shown.iter().filter(|line| *line == summary).count(), 1, "{shown:?}");
    server.finish();
}

#[test]
fn of_whom_the_user_follows_it_is_asked_where_their_publications_begin() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer: Peer| {
        peer.welcome();
        assert_eq!(peer.hear(), "/sync");
        peer.say(&[SYNC, r#"{"type":"ok","command":"subscribe","user":"bob"}"#]);
        let asked = peer.hear();
        peer.say(&[ELSEWHERE]);
        asked
    });
    follow(&identity, &server);
    assert_eq!(server.finish(), "/backlog +bob 1");
}

#[test]
fn a_mark_that_the_store_did_not_take_is_told_again() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer: Peer| {
        peer.welcome();
        assert_eq!(peer.hear(), "/sync");
        peer.say(&[SYNC, &message(7).replace("red", "lobby")]);
        let first = peer.hear();
        peer.say(&[r#"{"type":"error","code":"store-unavailable","message":"Away","command":"read"}"#]);
        let heard = [first, peer.hear()];
        peer.say(&[ELSEWHERE]);
        heard
    });
    let connector = pinned(&server.address, identity.pin);
    let session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let (screen, link) = (Screen::start(drop).unwrap(), Arc::new(SharedState::default()));
    let (_stay, left) = mpsc::channel();
    let follower = follower(connector, &link, &screen, left);
    let network = thread::spawn(move || follower.run(session));
    while !network.is_finished() {
        link.tell_read();
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(server.finish(), ["/read #lobby 7", "/read #lobby 7"]);
}

#[test]
fn the_next_session_begins_by_a_ticket_which_is_void_after_the_last_one() {
    let ticket = r#"{"type":"ok","command":"ticket","ticket":"plt_07","id":"000000ab","expires":null}"#;
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start_many(&identity, 2, move |number, mut peer: Peer| {
        if number == 0 {
            peer.welcome();
            peer.hear();
            peer.say(&[ticket]);
            return String::new();
        }
        peer.say(&[HELLO]);
        peer.hear();
        let begun = peer.hear();
        peer.say(crate::testing::WELCOME);
        begun
    });
    let connector = pinned(&server.address, identity.pin);
    let mut session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let proof = Proof::of(&mut session, ann().password).unwrap();
    assert_eq!(proof.farewell(), "/revoke 000000ab\n/quit");
    let plan = ReconnectConfig { connector, user: ann().user, proof, room: None };
    assert!(plan.attempt(&server.address).is_ok());
    assert_eq!(server.finish()[1], "RESUME ann plt_07");
}

#[test]
fn a_mark_that_the_server_refuses_for_good_is_not_told_again() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer: Peer| {
        peer.welcome();
        assert_eq!(peer.hear(), "/sync");
        peer.say(&[SYNC, &message(7).replace("red", "lobby")]);
        let told = peer.hear();
        peer.say(&[r#"{"type":"error","code":"bad-argument","message":"No","command":"read"}"#, ELSEWHERE]);
        told
    });
    let connector = pinned(&server.address, identity.pin);
    let session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let (screen, link) = (Screen::start(drop).unwrap(), Arc::new(SharedState::default()));
    let (_stay, left) = mpsc::channel();
    let follower = follower(connector, &link, &screen, left);
    let network = thread::spawn(move || follower.run(session));
    while !network.is_finished() {
        link.tell_read();
        thread::yield_now();
    }
    assert_eq!(server.finish(), "/read #lobby 7");
    let Event::Sync(state) = serde_json::from_str(SYNC).unwrap() else { panic!("{SYNC}") };
    link.mark(|marks| {
        marks.begin(&state, false);
        assert_eq!(marks.take(), []);
    });
}

#[test]
fn a_server_without_backlog_is_not_asked_where_publications_begin() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer: Peer| {
        peer.welcome();
        refuse_sync(&mut peer);
        peer.say(&[r#"{"type":"ok","command":"subscribe","user":"bob"}"#, ELSEWHERE]);
        peer.hear()
    });
    follow(&identity, &server);
    assert_eq!(server.finish(), "");
}

#[test]
fn whoever_comes_back_to_a_room_with_unread_messages_and_sees_the_newest_has_read_it() {
    let identity = Identity::new(&["127.0.0.1"]);
    let opened =
        r#"{"type":"ok","command":"open","room":"blue","members":1,"epoch":"0000000000000001","last":LAST,"topic":""}"#;
    let page = r##"{"type":"backlog","target":"#blue","epoch":"0000000000000001","more":false,"entries":[ENTRY]}"##;
    let page = page.replace("ENTRY", &format!(r#"{{"type":"message",{}}}"#, entry(4)));
    let server = Scripted::start(&identity, move |mut peer: Peer| {
        peer.welcome();
        assert_eq!(peer.hear(), "/sync");
        // In blue there are three messages that the user has not seen.
        peer.say(&[&SYNC.replacen(r#""last":0,"read":0,"unread":0"#, r#""last":3,"read":0,"unread":3"#, 1)]);
        peer.say(&[r#"{"type":"ok","command":"close","room":"blue","current":"lobby"}"#, &opened.replace("LAST", "4")]);
        let mut heard = vec![peer.hear()];
        peer.say(&[&page]);
        heard.push(peer.hear());
        peer.say(&[ELSEWHERE]);
        heard
    });
    let connector = pinned(&server.address, identity.pin);
    let session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let (printed, lines) = mpsc::channel::<String>();
    let screen = Screen::start(move |lines| printed.send(lines).unwrap()).unwrap();
    let link = Arc::new(SharedState::default());
    let (_stay, left) = mpsc::channel();
    let mut follower = follower(connector, &link, &screen, left);
    follower.catch_up = CatchUp::new(ann().user, 10);
    let network = thread::spawn(move || follower.run(session));
    while !lines.recv().unwrap().contains("number 4") {}
    while !network.is_finished() {
        link.tell_read();
        thread::yield_now();
    }
    assert_eq!(server.finish(), ["/backlog #blue after 3 1", "/read #blue 4"]);
}
