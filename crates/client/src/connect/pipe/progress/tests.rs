//! The order of the lines, and what an answer or its absence means.

use parlor_proto::Command;

use super::*;
use crate::session::Entry;
use crate::testing::{Identity, Scripted, ann, pinned};

fn line(text: &str) -> InputLine {
    let command = parse_command(text.as_bytes()).unwrap().unwrap();
    let verb = Some(command.verb());
    let kind = match command {
        Command::Passwd { new, .. } => Kind::Password(new),
        _ => Kind::Harmless,
    };
    InputLine { text: text.to_owned(), verb, kind }
}

fn take(state: &mut State, text: &str) -> Option<String> {
    state.next = Some(line(text));
    state.take_line()
}

#[test]
fn a_line_that_decides_how_others_go_waits_for_those_before_it_and_those_behind_wait_for_it() {
    let barriers =
        ["/join red", "/leave", "/open red", "/close red", "/switch red", "/sync", "/passwd old newpassword"];
    for barrier in barriers {
        let mut state = State::default();
        assert_eq!(take(&mut state, "/who").as_deref(), Some("/who"));
        assert_eq!(take(&mut state, barrier), None, "{barrier} goes before an answer");
        state.settle(0);
        assert_eq!(take(&mut state, barrier).as_deref(), Some(barrier));
        assert_eq!(take(&mut state, "/who"), None, "something goes before the answer to {barrier}");
        state.settle(1);
        assert_eq!(take(&mut state, "/who").as_deref(), Some("/who"));
    }
    let mut state = State::default();
    for text in ["/who", "/read #red 1", "/rooms"] {
        assert_eq!(take(&mut state, text).as_deref(), Some(text));
    }
}

/// Something that is sent over this connection and may not be sent again.
fn send_once(progress: &Progress, text: &str) {
    let mut state = lock(&progress.state);
    state.next = Some(InputLine { kind: Kind::OnlyOnce, ..line(text) });
    assert_eq!(state.take_line().as_deref(), Some(text));
}

fn send(progress: &Progress, text: &str) -> Option<String> {
    take(&mut lock(&progress.state), text)
}

fn came(json: &str) -> Incoming {
    Incoming::parse(json.to_owned())
}

const AWAY: &str = r#"{"type":"error","code":"store-unavailable","message":"Away","command":"who"}"#;

/// Hands over a way to a server that says nothing.
fn with_way(test: impl FnOnce(&LineSender)) {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        while !peer.hear().is_empty() {}
    });
    let session = pinned(&server.address, identity.pin).open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    test(&session.sender);
    session.sender.close();
    server.finish();
}

#[test]
fn a_line_that_could_not_be_sent_shuts_its_own_way_only() {
    with_way(|sender| {
        let progress = Progress::default();
        let is_open = || matches!(lock(&progress.state).way, Way::Open(_));
        progress.open(sender, None);
        lock(&progress.state).next = Some(line("/who"));
        let Some(Next::Line(_, earlier)) = progress.next() else { panic!("nothing is sent") };
        progress.cut(false);
        progress.open(sender, None);
        progress.fail(&earlier);
        assert!(is_open());
        let Some(Next::Line(_, opening)) = progress.next() else { panic!("nothing is sent again") };
        progress.fail(&opening);
        assert!(!is_open());
    });
}

#[test]
fn nothing_follows_the_end() {
    with_way(|sender| {
        let progress = Progress::default();
        progress.open(sender, None);
        assert!(progress.offer(line("/who")), "another line may follow");
        let Some(Next::Line(_, opening)) = progress.next() else { panic!("nothing is sent") };
        progress.end();
        progress.fail(&opening);
        assert!(!progress.offer(line("/rooms")) && progress.next().is_none());
    });
}

#[test]
fn the_end_is_asked_for_once_and_behind_the_last_answer() {
    with_way(|sender| {
        let progress = Progress::default();
        progress.open(sender, None);
        send(&progress, "/who");
        progress.input_ended();
        assert!(!lock(&progress.state).turns_to_quit());
        progress.heard(&came(r#"{"type":"users","room":"red","users":[]}"#), None, true);
        assert!(matches!(progress.next(), Some(Next::Quit(_))) && progress.is_quitting());
        assert!(!lock(&progress.state).turns_to_quit());
    });
}

#[test]
fn a_change_of_the_room_keeps_the_others_waiting_over_a_cut() {
    let progress = Progress::default();
    assert_eq!(send(&progress, "/join red").as_deref(), Some("/join red"));
    assert_eq!(progress.cut(false), [""; 0]);
    assert_eq!(send(&progress, "/who").as_deref(), Some("/join red"), "it is sent again first");
    assert_eq!(lock(&progress.state).take_line(), None);
    let joined = r#"{"type":"ok","command":"join","room":"red","members":1,"epoch":"0000000000000001","last":0}"#;
    progress.heard(&came(joined), None, true);
    assert_eq!(lock(&progress.state).take_line().as_deref(), Some("/who"));
}

#[test]
fn what_the_store_does_not_take_is_sent_again_if_that_does_no_harm() {
    let progress = Progress::default();
    send(&progress, "/who");
    for is_new in [true, false] {
        let heard = progress.heard(&came(AWAY), None, true);
        assert!(matches!(heard, Heard::Again { is_new: new } if new == is_new), "{heard:?}");
        assert_eq!(lock(&progress.state).take_line().as_deref(), Some("/who"));
    }
    assert_eq!((progress.is_refused(), progress.unanswered()), (false, 1));
    assert!(matches!(progress.heard(&came(AWAY), None, false), Heard::Answered(None)), "nothing is repeated");
    assert_eq!((progress.is_refused(), progress.unanswered()), (true, 0));

    let progress = Progress::default();
    send_once(&progress, "/kick red bob");
    assert!(matches!(progress.heard(&came(AWAY), None, true), Heard::Answered(None)));
    assert_eq!((progress.is_refused(), progress.unanswered()), (true, 0));
}

#[test]
fn an_answer_to_nothing_is_news() {
    let progress = Progress::default();
    assert!(matches!(progress.heard(&came(AWAY), None, true), Heard::News));
    assert!(!progress.is_refused());
}

#[test]
fn a_line_that_is_lost_counts_for_more_than_one_that_was_refused() {
    let progress = Progress::default();
    assert_eq!(progress.verdict(), Exit::Done);
    progress.refuse();
    assert_eq!(progress.verdict(), Exit::LineRefused);
    send_once(&progress, "/kick red bob");
    assert_eq!(progress.cut(true), [""; 0], "the server said that it did nothing");
    assert_eq!(lock(&progress.state).take_line().as_deref(), Some("/kick red bob"));
    assert_eq!(progress.cut(false), ["/kick red bob"]);
    assert_eq!((progress.unanswered(), progress.verdict()), (1, Exit::NoConnection));
}

#[test]
fn what_others_do_answers_nothing() {
    let log = r#""members":1,"epoch":"0000000000000001","last":0"#;
    let entry = r#""room":"red","id":1,"time":"2026-01-01T10:00:00Z","from":"bob""#;
    let news = [
        format!(r#"{{"type":"message",{entry},"text":"x"}}"#),
        format!(r#"{{"type":"publication",{entry},"text":"x"}}"#),
        format!(r#"{{"type":"direct",{entry},"text":"x"}}"#),
        format!(r#"{{"type":"notice",{entry},"text":"x"}}"#),
        format!(r#"{{"type":"edited",{entry},"of":1,"text":"x"}}"#),
        format!(r#"{{"type":"removed",{entry},"of":1,"reason":""}}"#),
        format!(r#"{{"type":"topic",{entry},"text":"x"}}"#),
        format!(r#"{{"type":"moderated",{entry},"action":"kick","user":"eve","until":null,"reason":""}}"#),
        format!(r#"{{"type":"invited",{entry}}}"#),
        format!(r#"{{"type":"moved","room":"lobby","reason":"",{log}}}"#),
        r#"{"type":"joined","room":"red","user":"bob"}"#.to_owned(),
        r#"{"type":"left","room":"red","user":"bob"}"#.to_owned(),
        r#"{"type":"reconnect","after_ms":1}"#.to_owned(),
    ];
    for json in news {
        assert!(matches!(came(&json), Incoming::Event { .. }), "{json}");
        assert!(!answers(&came(&json), true), "{json}");
    }
    let strange = came(r#"{"type":"weather","sun":true}"#);
    assert_eq!([answers(&strange, false), answers(&strange, true)], [false, true]);
    assert!(answers(&came(r#"{"type":"ok","command":"dance"}"#), false));
}
