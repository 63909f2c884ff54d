//! What the keyboard's thread sends, from the server's side.

use super::*;
use crate::session::Entry;
use crate::testing::{Identity, Scripted, ann, pinned};
use parlor_proto::{Event, parse_command};

/// What a server hears from `talk` that sends it so many lines, without their keys.
fn heard(lines: usize, talk: impl FnOnce(&Arc<SharedState>, &LineSender)) -> Vec<String> {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, move |mut peer| {
        peer.welcome();
        (0..lines).map(|_| peer.hear()).collect::<Vec<_>>()
    });
    let greeted = pinned(&server.address, identity.pin).open().unwrap();
    let session = greeted.log_in(Entry::Login, &ann()).unwrap();
    talk(&Arc::default(), &session.sender);
    session.sender.close();
    let lines = server.finish().into_iter();
    lines
        .map(|line| match line.strip_prefix("/once ").and_then(|rest| rest.split_once(' ')) {
            Some((_, line)) => line.to_owned(),
            None => line,
        })
        .collect()
}

fn send(link: &SharedState, line: &str) -> Result<(), NotSent> {
    let command = parse_command(line.as_bytes()).unwrap().unwrap();
    let verb = Some(command.verb());
    let post = match command {
        parlor_proto::Command::Post { post, .. } => Some(post),
        _ => None,
    };
    link.send(Typed { line, verb, post, new_password: None })
}

/// Has all sent that waits, and waits for that.
fn resend(link: &Arc<SharedState>) {
    link.resend(Duration::ZERO);
    let limit = Instant::now() + Duration::from_secs(20);
    while link.has_waiting() {
        assert!(Instant::now() < limit, "it is not sent");
        thread::yield_now();
    }
    // The thread that sends it has done so.
    drop(lock(&link.order));
}

fn room(name: &str) -> RoomName {
    name.parse().unwrap()
}

fn event(json: &str) -> Event {
    serde_json::from_str(json).unwrap()
}

/// The server tells that it keeps marks.
fn begin_marks(link: &SharedState) {
    let json = r#"{"type":"sync","current":"red","rooms":[],"directs":[],"feeds":[],"inbox":{"epoch":"0000000000000001","last":0},"lost":[]}"#;
    let Event::Sync(sync) = event(json) else { panic!("{json}") };
    link.mark(|marks| marks.begin(&sync, false));
}

fn show_message(link: &SharedState) {
    let json = r#"{"type":"message","room":"red","id":7,"time":"2026-01-01T10:00:00Z","from":"bob","text":"x"}"#;
    link.mark(|marks| marks.show(&event(json)));
}

#[test]
fn in_the_wrong_room_only_messages_wait_until_the_user_knows() {
    let (wanted, here): (RoomName, RoomName) = ("red".parse().unwrap(), "lobby".parse().unwrap());
    let heard = heard(3, |link, sender| {
        link.begin(&here);
        link.lead(sender, SendPolicy::WrongRoom { wanted: wanted.clone(), here: here.clone(), told: false });
        for line in ["/who", "/msg bob hi"] {
            link.begin_input();
            assert_eq!(send(link, line), Ok(()));
        }
        link.begin_input();
        assert_eq!(send(link, "hello"), Err(NotSent::WrongRoom { wanted: wanted.clone(), here: here.clone() }));
        link.begin_input();
        assert_eq!(send(link, "hello"), Ok(()));
    });
    assert_eq!(heard, ["/who", "/msg bob hi", "/say lobby hello"]);
}

#[test]
fn what_is_said_behind_a_change_of_the_room_is_sent_again_to_the_new_room() {
    let joined = r#"{"type":"ok","command":"join","room":"blue","members":1,"epoch":"0000000000000001","last":0}"#;
    let heard = heard(3, |link, sender| {
        link.begin(&"red".parse().unwrap());
        link.lead(sender, SendPolicy::Open);
        send(link, "/join blue").unwrap();
        send(link, "hello").unwrap();
        link.answered(&Incoming::parse(joined.to_owned()), Some(&"blue".parse().unwrap()));
        assert_eq!(link.cut(), [""; 0], "it is certain to which room it went");
        link.lead(sender, SendPolicy::Open);
        resend(link);
    });
    assert_eq!(heard, ["/join blue", "hello", "/say blue hello"]);
}

#[test]
fn what_is_read_is_told_again_over_the_next_connection_once_the_server_says_that_it_keeps_marks() {
    let heard = heard(3, |link, sender| {
        link.lead(sender, SendPolicy::Open);
        begin_marks(link);
        show_message(link);
        link.tell_read();
        link.cut();
        link.lead(sender, SendPolicy::Open);
        link.tell_read();
        send(link, "/who").unwrap();
        begin_marks(link);
        link.tell_read();
    });
    assert_eq!(heard, ["/read #red 7", "/who", "/read #red 7"]);
}

#[test]
fn a_mark_that_finds_the_way_taken_is_told_later() {
    let heard = heard(1, |link, sender| {
        link.lead(sender, SendPolicy::Open);
        begin_marks(link);
        show_message(link);
        let order = lock(&link.order);
        link.tell_read();
        drop(order);
        link.tell_read();
    });
    assert_eq!(heard, ["/read #red 7"]);
}

#[test]
fn what_is_said_while_something_waits_goes_out_behind_it() {
    let heard = heard(4, |link, sender| {
        link.begin(&room("red"));
        link.lead(sender, SendPolicy::Open);
        send(link, "one").unwrap();
        // The store did not take it, so it waits for its next turn.
        assert!(link.said(|outbox| outbox.put_back(0)));
        send(link, "two").unwrap();
        send(link, "/who").unwrap();
        resend(link);
    });
    assert_eq!(heard, ["/say red one", "/who", "/say red one", "/say red two"]);
}

#[test]
fn what_the_store_does_not_take_twice_is_sent_a_third_time() {
    let heard = heard(3, |link, sender| {
        link.begin(&room("red"));
        link.lead(sender, SendPolicy::Open);
        send(link, "one").unwrap();
        for _ in 0..2 {
            link.said(|outbox| outbox.put_back(0));
            resend(link);
        }
    });
    assert_eq!(heard, ["/say red one"; 3]);
}

#[test]
fn without_a_connection_nothing_is_sent_and_nothing_expected() {
    let heard = heard(1, |link, sender| {
        link.lead(sender, SendPolicy::Open);
        link.cut();
        assert_eq!(send(link, "hello"), Err(NotSent::NoConnection));
        let passwd = Typed { line: "/passwd", verb: Some(Verb::Passwd), post: None, new_password: Some(None) };
        assert_eq!(link.send(passwd), Err(NotSent::NoConnection));
        assert!(lock(&link.passwords).is_empty() && !link.has_waiting() && link.connection().is_none());
    });
    assert_eq!(heard, [""]);
}

#[test]
fn nothing_goes_out_on_the_way_to_a_room_and_everything_once_the_user_goes_elsewhere() {
    let heard = heard(2, |link, sender| {
        link.begin(&room("lobby"));
        link.lead(sender, SendPolicy::Entering(room("red")));
        assert_eq!(send(link, "/who"), Err(NotSent::Entering(room("red"))));
        link.open();
        send(link, "/who").unwrap();
        link.expel(room("red"), room("lobby"));
        let astray = NotSent::WrongRoom { wanted: room("red"), here: room("lobby") };
        assert_eq!(send(link, "one"), Err(astray));
        link.open();
        send(link, "two").unwrap();
    });
    assert_eq!(heard, ["/who", "/say lobby two"]);
}

#[test]
fn where_too_much_waits_nothing_more_is_said_but_commands_go_out() {
    let heard = heard(1, |link, sender| {
        link.lead(sender, SendPolicy::Open);
        link.said(|outbox| while outbox.take_command("/who", true).is_some() {});
        assert_eq!(send(link, "hello"), Err(NotSent::TooMuch));
        send(link, "/rooms").unwrap();
    });
    assert_eq!(heard, ["/rooms"]);
}

#[test]
fn a_question_that_could_not_be_sent_has_no_answer() {
    heard(0, |link, sender| {
        sender.close();
        assert!(!link.ask(sender, Question::Switch(room("red")), "/switch red"));
        let switched = Incoming::parse(r#"{"type":"ok","command":"switch","room":"red"}"#.to_owned());
        assert_eq!(link.answered(&switched, None), None);
    });
}

#[test]
fn what_is_said_behind_a_room_that_is_refused_is_meant_for_the_room_before() {
    let banned = r#"{"type":"error","code":"banned","message":"No","command":"join"}"#;
    let heard = heard(5, |link, sender| {
        link.begin(&room("red"));
        link.lead(sender, SendPolicy::Open);
        send(link, "/join blue").unwrap();
        send(link, "one").unwrap();
        link.answered(&Incoming::parse(banned.to_owned()), None);
        send(link, "/join green").unwrap();
        send(link, "two").unwrap();
        assert_eq!(link.cut(), ["two"], "nobody knows to which room it went");
        link.lead(sender, SendPolicy::Open);
        resend(link);
    });
    assert_eq!(heard, ["/join blue", "one", "/join green", "two", "/say red one"]);
}

#[test]
fn a_prompt_waits_for_the_room_only_as_long_as_the_session_is_on_its_way() {
    heard(0, |link, sender| {
        let is_entering = || lock(&link.traffic).is_entering;
        link.begin(&room("lobby"));
        assert!(is_entering());
        link.lead(sender, SendPolicy::Open);
        assert!(!is_entering());
        link.lead(sender, SendPolicy::Entering(room("red")));
        assert!(is_entering());
        link.cut();
        assert!(!is_entering());
    });
}
