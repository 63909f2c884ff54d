//! How a session ends, which one follows, and what is told then.

use super::*;

#[test]
fn who_was_sent_away_as_idle_pings_more_often() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start_many(&identity, 2, |number, mut peer: Peer| {
        peer.welcome();
        if number == 0 {
            return peer.say(&[r#"{"type":"bye","code":"idle-timeout","message":"Too long"}"#]);
        }
        assert_eq!(peer.hear(), "/sync");
        assert!(peer.hear().starts_with("/ping keepalive-"));
        peer.say(&[ELSEWHERE]);
    });
    let (_, shown) = follow(&identity, &server);
    assert_eq!(shown[1..3], ["* A: Too long (idle-timeout)", "* from now on there is a ping every 0.25 s"]);
    server.finish();
}

#[test]
fn a_change_of_the_pings_is_told_and_where_nothing_changes_nothing_is() {
    let identity = Identity::new(&["127.0.0.1"]);
    let (printed, lines) = mpsc::channel::<String>();
    let screen = Screen::start(move |lines| printed.send(lines).unwrap()).unwrap();
    let (_stay, left) = mpsc::channel();
    let connector = pinned(&Address::default(), identity.pin);
    let mut network = follower(connector, &Arc::new(SharedState::default()), &screen, left);
    // The first of these sessions ended since the machine was asleep.
    for silent in [3600, 6, 0, 0] {
        network.adapt_keepalive(Duration::from_secs(silent));
    }
    network.tell_uncertain(&["a\tb".to_owned()]);
    screen.flush();
    let told: Vec<_> = lines.try_iter().map(|line| line.trim_end()["12:31 ".len()..].to_owned()).collect();
    let expected = [
        "* from now on there is a ping every 2.00 s",
        "* from now on there is a ping every 0.25 s",
        "! it is not certain whether this was said: a b",
    ];
    assert_eq!(told, expected);
}

#[test]
fn whoever_leaves_during_a_pause_is_not_brought_back() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        refuse_sync(&mut peer);
        peer.say(&[SHUTDOWN]);
    });
    let connector = pinned(&server.address, identity.pin);
    let session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let link = Arc::new(SharedState::default());
    // Nobody is at the keyboard any more.
    let (_, left) = mpsc::channel();
    follower(connector, &link, &Screen::start(drop).unwrap(), left).run(session);
    assert_eq!(*lock(&link.over), Some(Exit::Done));
    server.finish();
}

#[test]
fn the_turn_of_the_servers_goes_on_behind_the_one_that_took_the_first_login() {
    let identity = Identity::new(&["127.0.0.1"]);
    let away = Scripted::start_plain(drop);
    let [second, third] = [SHUTDOWN, ELSEWHERE].map(|end| {
        Scripted::start(&identity, move |mut peer| {
            peer.welcome();
            refuse_sync(&mut peer);
            peer.say(&[end]);
        })
    });
    let (_, shown) = follow_several(&identity, &[&away.address, &second.address, &third.address]);
    let expected = [
        "* connected to den (B) as ann, in lobby",
        "* B: The server stops (server-shutdown)",
        "* connecting to C",
        "* connected to den (C) as ann, in lobby",
    ];
    assert_eq!(shown[..4], expected);
}

/// What is shown where the connection is lost in red behind message 2, and the next server, named B, where message 4 is
/// the newest one, says this when it is asked for the history.
fn cut_in_red(lines: &'static [&'static str]) -> Vec<String> {
    let identity = Identity::new(&["127.0.0.1"]);
    let first = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        refuse_sync(&mut peer);
        peer.say(&[&entered(2), SHUTDOWN]);
    });
    let second = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        assert_eq!(peer.hear(), "/join red");
        peer.say(&[&entered(4)]);
        refuse_sync(&mut peer);
        assert_eq!(peer.hear(), "/history 22");
        peer.say(lines);
    });
    let (_, shown) = follow_several(&identity, &[&first.address, &second.address]);
    second.finish();
    shown
}

#[test]
fn what_waits_is_shown_before_the_last_goodbye() {
    const LINES: &[&str] = &[
        r#"{"type":"message","room":"red","id":5,"time":"2026-01-01T10:00:00.000Z","from":"bob","text":"number 5"}"#,
        ELSEWHERE,
    ];
    let shown = cut_in_red(LINES);
    let at = shown.iter().position(|line| line == "[red] bob: number 5").unwrap();
    assert_eq!(shown[at + 1], "* B: Somewhere else (logged-in-elsewhere)");
}

#[test]
fn what_was_missed_and_cannot_be_had_is_told_with_its_place() {
    const AWAY: &str = r#"{"type":"error","code":"store-unavailable","message":"Away","command":"history"}"#;
    let shown = cut_in_red(&[AWAY, ELSEWHERE]);
    let at = shown.iter().position(|line| line == "! Away (store-unavailable)").unwrap();
    assert_eq!(shown[at + 1], "! what was said in red before cannot be shown now; /history may have it later");
}

#[test]
fn a_new_password_without_an_answer_is_forgotten_with_its_session() {
    let identity = Identity::new(&["127.0.0.1"]);
    let (asked, was_asked) = mpsc::channel();
    let changed = r#"{"type":"ok","command":"passwd"}"#;
    let [first, second] = [vec![SHUTDOWN], vec![changed, SHUTDOWN]].map(|lines| {
        let asked = asked.clone();
        Scripted::start(&identity, move |mut peer| {
            peer.welcome();
            refuse_sync(&mut peer);
            asked.send(()).unwrap();
            peer.hear();
            peer.say(&lines);
        })
    });
    let third = Scripted::start(&identity, |mut peer| {
        peer.say(&[HELLO]);
        peer.hear();
        let login = peer.hear();
        peer.say(&[ELSEWHERE]);
        login
    });
    let others = [second.address.clone(), third.address.clone()];
    let connector = pinned(&first.address, identity.pin).with_others(others);
    let session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let link = Arc::new(SharedState::default());
    let (_stay, left) = mpsc::channel();
    let follower = follower(connector, &link, &Screen::start(drop).unwrap(), left);
    let network: JoinHandle<()> = thread::spawn(move || follower.run(session));
    for password in ["first", "second"] {
        was_asked.recv().unwrap();
        lock(&link.passwords).push_back(Some(Password::new(password).unwrap()));
        link.way(false).unwrap().send_line(password).unwrap();
    }
    network.join().unwrap();
    assert_eq!(third.finish(), "LOGIN ann second");
}

#[test]
fn where_the_server_makes_no_ticket_the_password_is_kept_and_nothing_is_revoked() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        let asked = peer.hear();
        peer.say(&[UNKNOWN]);
        asked
    });
    let greeted = pinned(&server.address, identity.pin).open().unwrap();
    let mut session = greeted.log_in(Entry::Login, &ann()).unwrap();
    let proof = Proof::of(&mut session, ann().password).unwrap();
    assert!(matches!(&proof, Proof::Password(password) if password.expose() == "pass word"));
    assert_eq!((proof.farewell(), server.finish()), ("/quit".to_owned(), "/ticket parlor connect".to_owned()));
}

#[test]
fn whoever_leaves_does_not_see_what_becomes_of_the_ticket() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        refuse_sync(&mut peer);
        peer.say(&[
            r#"{"type":"ok","command":"revoke","id":"000000ab","count":1}"#,
            r#"{"type":"error","code":"bad-argument","message":"No such ticket","command":"revoke"}"#,
            r#"{"type":"error","code":"in-lobby","message":"No","command":"leave"}"#,
            r#"{"type":"bye","code":"quit","message":"Goodbye"}"#,
        ]);
    });
    let connector = pinned(&server.address, identity.pin);
    let session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let (printed, lines) = mpsc::channel::<String>();
    let screen = Screen::start(move |lines| printed.send(lines).unwrap()).unwrap();
    let link = Arc::new(SharedState::default());
    link.leaving.store(true, Ordering::SeqCst);
    let (_stay, left) = mpsc::channel();
    follower(connector, &link, &screen, left).run(session);
    screen.flush();
    let shown: Vec<String> = lines.try_iter().collect();
    assert!(shown.len() == 2 && shown[1].ends_with("! No (in-lobby)\n"), "{shown:?}");
    server.finish();
}
