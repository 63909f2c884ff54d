//! The lines of a client and their answers, on the memory store.

use std::sync::mpsc::{Receiver, channel};

use parlor_testkit::{Connection, World, login_line};

#[test]
fn only_some_words_are_understood_before_login() {
    let world = World::new();
    let stranger = world.connect();
    for line in ["hello", "/join red", "/quit", "JOIN red"] {
        assert!(stranger.ask(line)[0].starts_with("ERR login-required "), "{line}");
    }
    assert_eq!(stranger.ask("quit"), ["BYE quit Goodbye"]);
    assert!(!stranger.is_open());
}

#[test]
fn unknown_commands_are_refused_and_the_session_goes_on() {
    let ann = World::new().login("ann");
    assert_eq!(ann.ask("/dance"), ["ERR unknown-command No such command; /help lists them"]);
    assert_eq!(ann.ask("/login ann x"), ["ERR unknown-command No such command; /help lists them"]);
    assert_eq!(ann.ask("/PiNg"), ["PONG"]);
}

#[test]
fn the_format_changes_with_the_reply_that_says_so() {
    let world = World::new();
    let (ann, bob) = (world.login("ann"), world.login("bob"));
    bob.stick(true);
    ann.send("one");
    bob.send("/format json");
    ann.send("two");
    bob.send("/format text");
    ann.send("three");
    bob.stick(false);
    let lines = bob.read();
    assert_eq!(lines[0], "MSG lobby ann one");
    assert_eq!(lines[1], r#"{"type":"ok","command":"format","format":"json"}"#);
    assert!(lines[2].starts_with(r#"{"type":"message","room":"lobby","id":2,"#));
    assert_eq!(lines[3..], ["OK format text", "MSG lobby ann three"]);
}

#[test]
fn the_format_can_be_chosen_before_login() {
    let world = World::new();
    world.account("ann");
    let ann = world.connect();
    assert_eq!(ann.ask("format JSON"), [r#"{"type":"ok","command":"format","format":"json"}"#]);
    assert!(ann.ask("hello")[0].contains(r#""code":"login-required""#));
    assert!(ann.ask(&login_line("ann"))[0].contains(r#""command":"login""#));
    assert!(
        ann.ask("/format xml")[0].contains(r#""code":"bad-argument","message":"/format text|json","command":"format""#)
    );
}

#[test]
fn answers_come_in_the_order_of_the_lines() {
    let world = World::new();
    let ann = world.login("ann");
    ann.send("/format json");
    ann.read();
    ann.send_raw(b"one\n/nonsense\ntwo\nthree\n/publish a\n/ping x\nfour\n/join #\nfive\n");
    let kinds = ["message", "unknown-command", "message", "message", "publish", "pong", "message", "bad-name"];
    let answers = ann.read();
    assert_eq!(answers.len(), kinds.len() + 1);
    for (answer, kind) in answers.iter().zip(kinds) {
        assert!(answer.contains(kind), "{answer} is no {kind}");
    }
    assert!(answers[8].contains(r#""id":5"#));
}

#[test]
fn lines_of_one_read_are_one_append_between_commands() {
    let world = World::new();
    let (ann, bob) = (world.login("ann"), world.login("bob"));
    ann.send_raw(b"a\nb\nc\n");
    assert_eq!(world.appends(), 1);
    ann.send_raw(b"d\n/ping\ne\nf\n");
    assert_eq!(world.appends(), 3);
    let said: Vec<_> = ["a", "b", "c", "d", "e", "f"].map(|text| format!("MSG lobby ann {text}")).into();
    assert_eq!(bob.read(), said);
}

#[test]
fn what_was_said_before_a_move_stays_in_its_room() {
    let world = World::new();
    let (ann, bob) = (world.login("ann"), world.login("bob"));
    ann.send_raw(b"to the lobby\n/join red\nto red\n/quit\nto nobody\n");
    assert_eq!(bob.read(), ["MSG lobby ann to the lobby", "PART lobby ann"]);
    bob.send("/join red");
    bob.read();
    assert_eq!(bob.ask("/history"), ["OLD red 1 ann to red", "OK history red 1"]);
}

#[test]
fn refusals_name_their_command_in_json() {
    let ann = World::new().login("ann");
    ann.send("/format json");
    ann.read();
    assert!(ann.ask("/leave")[0].ends_with(r#""command":"leave"}"#));
    assert!(ann.ask("/nonsense")[0].ends_with(r#""command":null}"#));
    ann.send_raw(b"\xff\n");
    assert!(ann.read()[0].ends_with(r#""command":null}"#));
}

/// Has somebody look at what reached a client by the time of the next call of the store with this name.
fn look_at(world: &World, call: &str, client: &Connection) -> Receiver<Vec<String>> {
    let (sender, receiver) = channel();
    let client = client.clone();
    world.after(call, move || sender.send(client.read()).unwrap());
    receiver
}

#[test]
fn an_answer_does_not_wait_for_the_append_of_what_was_said_after_it() {
    let world = World::new();
    let ann = world.login("ann");
    let seen = look_at(&world, "append", &ann);
    ann.send_raw(b"/ping first\nhello\n");
    assert_eq!(seen.try_recv().unwrap(), ["PONG first"]);
}

#[test]
fn a_failure_is_told_before_the_next_line_may_fail_as_slowly() {
    let world = World::new();
    let ann = world.login("ann");
    world.fail_store(true);
    let seen = look_at(&world, "page", &ann);
    ann.send_raw(b"/who\n/history\n");
    let told = "ERR store-unavailable The store cannot be reached; try again later";
    assert_eq!((seen.try_recv().unwrap(), ann.read()), (vec![told.to_owned()], vec![told.to_owned()]));
}

#[test]
fn each_order_is_answered_in_its_own_name() {
    let world = World::new();
    let (ann, bob) = (world.login("ann"), world.login("bob"));
    ann.send("/join red");
    bob.send("/join red");
    ann.read();
    for order in ["mute", "unmute", "moderator", "unmoderator", "kick", "ban", "unban", "invite", "owner"] {
        let answer = ann.ask(&format!("/{order} red bob")).pop();
        assert_eq!(answer, Some(format!("OK {order} red bob")));
        if order == "kick" {
            bob.send("/join red");
        }
    }
}

#[test]
fn json_tells_which_entry_an_order_became() {
    let world = World::new();
    let ann = world.login("ann");
    world.account("bob");
    ann.send_raw(b"/join red\n/format json\nhello\n/msg bob hello\n");
    ann.read();
    let orders = [
        ("/topic red roses", r#""command":"topic","room":"red","topic":"roses","id":2}"#),
        ("/access red private", r#""command":"access","room":"red","access":"private","id":3}"#),
        ("/post red moderators", r#""command":"post","room":"red","post":"moderators","id":4}"#),
        ("/mute red bob", r#""command":"mute","room":"red","user":"bob","id":5}"#),
        // The second number is that in the inbox of who invites.
        ("/invite red bob", r#""command":"invite","room":"red","user":"bob","id":6,"inbox":2}"#),
        ("/remove red 1", r#""command":"remove","room":"red","id":7,"of":1}"#),
    ];
    for (line, answer) in orders {
        let told = ann.ask(line).pop().unwrap();
        assert!(told.ends_with(answer), "{line}: {told}");
    }
}

#[test]
fn whoever_has_an_account_and_is_not_inside_cannot_be_kicked() {
    let world = World::new();
    let ann = world.login("ann");
    world.account("bob");
    ann.send("/join red");
    ann.read();
    assert_eq!(ann.ask("/kick red bob"), ["ERR no-such-user There is no user bob"]);
}
