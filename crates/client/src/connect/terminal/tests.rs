//! What becomes of what is typed, without a keyboard and without a screen.

use parlor_proto::Event;

use super::*;
use crate::connect::shared::SendPolicy;
use crate::session::Entry;
use crate::testing::{Identity, Scripted, ann, pinned};

/// A terminal without a connection, what it prints, and what it tells the network's thread, which has ended.
fn terminal() -> (Terminal, Receiver<String>, Receiver<()>) {
    let (printed, lines) = mpsc::channel();
    let screen = Screen::start(move |lines| printed.send(lines).unwrap()).unwrap();
    let (leave, left) = mpsc::sync_channel(1);
    let (_, ended) = mpsc::channel();
    let editor = LineEditor::with_config(Config::default()).unwrap();
    let renderer = Renderer { colour: false, zone: TimeZone::UTC, me: ann().user, bell: false, days: None };
    let (draft, link, farewell) = (Arc::default(), Arc::default(), "/quit".to_owned());
    (Terminal { editor, draft, link, screen, renderer, farewell, leave: Some(leave), ended }, lines, left)
}

/// The lines that were printed, without their times.
fn shown(terminal: &Terminal, lines: &Receiver<String>) -> Vec<String> {
    terminal.screen.flush();
    lines.try_iter().map(|line| line.trim_end()["12:31 ".len()..].to_owned()).collect()
}

/// What a server hears, without the keys of the client, and what is printed, where this is done in the lobby.
fn heard(act: impl FnOnce(&mut Terminal)) -> (Vec<String>, Vec<String>) {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        std::iter::from_fn(|| Some(peer.hear()).filter(|line| !line.is_empty())).collect::<Vec<_>>()
    });
    let session = pinned(&server.address, identity.pin).open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let (mut terminal, lines, _left) = terminal();
    terminal.link.begin(&session.room);
    terminal.link.lead(&session.sender, SendPolicy::Open);
    act(&mut terminal);
    session.sender.close();
    let without_key = |line: String| match line.strip_prefix("/once ").and_then(|rest| rest.split_once(' ')) {
        Some((key, said)) if key.len() == 32 => said.to_owned(),
        _ => line,
    };
    (server.finish().into_iter().map(without_key).collect(), shown(&terminal, &lines))
}

fn event(json: &str) -> Event {
    serde_json::from_str(json).unwrap()
}

#[test]
fn each_line_of_a_paste_is_sent_up_to_the_one_that_quits() {
    let (heard, shown) = heard(|terminal| {
        let pasted = "\u{feff}hello\r\n/once k-1 hi\n\n/who\n/quit\nnever sent";
        assert_eq!(terminal.take_input(pasted, None), Then::Leave(Exit::Done));
    });
    assert_eq!(heard, ["/say lobby hello", "/once k-1 hi", "/who"]);
    assert_eq!(shown, [""; 0]);
}

#[test]
fn what_is_not_for_the_server_is_not_sent_and_told() {
    let (heard, shown) = heard(|terminal| {
        assert_eq!(terminal.take_input("/format text", None), Then::GoOn);
        assert_eq!(terminal.take_input(&"x".repeat(keyboard::INPUT_MAX + 1), None), Then::GoOn);
    });
    assert_eq!(heard, [""; 0]);
    let told = [
        "! this client chooses the format itself; `parlor connect --json` shows JSON",
        "! not sent: 65537 bytes at once, 65536 are possible; `parlor connect < FILE` sends more",
    ];
    assert_eq!(shown, told);
}

#[test]
fn each_change_of_the_password_is_remembered_even_one_that_the_server_will_refuse() {
    let (heard, _) = heard(|terminal| {
        terminal.take_input("/passwd old new\n/passwd old\n/who", None);
        let passwords = lock(&terminal.link.passwords);
        let new: Vec<_> = passwords.iter().map(|new| new.as_ref().map(|new| new.expose().to_owned())).collect();
        assert_eq!(new, [Some("new".to_owned()), None]);
    });
    assert_eq!(heard, ["/passwd old new", "/passwd old", "/who"]);
}

#[test]
fn an_empty_line_ends_a_pause_and_nothing_else() {
    let (mut terminal, lines, left) = terminal();
    terminal.take_input("hello", None);
    assert!(left.try_recv().is_err(), "who speaks does not want another attempt");
    terminal.take_input("", None);
    terminal.take_input("  ", None);
    assert!(left.try_recv().is_ok() && left.try_recv().is_err());
    assert_eq!(shown(&terminal, &lines), ["! not sent: there is no connection"]);
    heard(|connected| {
        connected.leave = terminal.leave.take();
        connected.take_input("", None);
        assert!(left.try_recv().is_err(), "there is nothing to wait for");
    });
}

#[test]
fn the_history_has_what_was_typed_but_no_password() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history");
    let (mut terminal, _lines, _left) = terminal();
    for typed in ["first", "/passwd old new", " ", "second"] {
        terminal.take_input(typed, Some(&path));
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(kept.ends_with("first\nsecond\n"), "{kept}");
}

#[test]
fn a_line_that_is_given_up_is_told_unless_it_is_empty() {
    let (terminal, lines, _left) = terminal();
    assert_eq!(terminal.give_up_line(), Then::GoOn);
    lock(&terminal.draft).behind = "half".to_owned();
    assert_eq!(terminal.give_up_line(), Then::GoOn);
    assert_eq!(shown(&terminal, &lines), ["* not sent"]);
}

#[test]
fn whoever_leaves_tells_what_was_read_and_is_told_what_was_not_answered() {
    let sync = r#"{"type":"sync","current":"lobby","rooms":[],"directs":[],"feeds":[],"inbox":{"epoch":"0000000000000001","last":0},"lost":[]}"#;
    let message = r#"{"type":"message","room":"lobby","id":7,"time":"2026-01-01T10:00:00Z","from":"bob","text":"x"}"#;
    let (heard, shown) = heard(|terminal| {
        let Event::Sync(state) = event(sync) else { panic!("{sync}") };
        terminal.link.mark(|marks| {
            marks.begin(&state, false);
            marks.show(&event(message));
        });
        terminal.link.said(|outbox| outbox.take_command("/who", true));
        terminal.say_goodbye();
        assert!(terminal.link.leaving.load(Ordering::SeqCst) && terminal.leave.is_none());
    });
    assert_eq!(heard, ["/read #lobby 7", "/quit"]);
    assert_eq!(shown, ["! you leave before all that you said was answered: 1"]);
}

#[test]
fn a_single_text_is_shown_however_long_it_is_and_what_is_missing_is_told_once() {
    let ((go_on, stop), (printed, lines)) = (mpsc::channel::<()>(), mpsc::channel());
    let screen = Screen::start(move |lines: String| {
        let _ = stop.recv();
        printed.send(lines.len()).unwrap();
    });
    let screen = screen.unwrap();
    screen.print("x".repeat(WAITING_MAX));
    screen.print("x".to_owned());
    drop(go_on);
    screen.flush();
    let sizes: Vec<usize> = lines.try_iter().collect();
    assert_eq!((sizes.len(), sizes[0]), (2, WAITING_MAX + 1), "the second one tells of the line that found no place");
    screen.print("y".to_owned());
    screen.flush();
    assert_eq!(lines.try_iter().collect::<Vec<_>>(), [2]);
}

#[test]
fn a_terminal_that_stands_still_costs_no_more_than_so_much_memory() {
    let ((go_on, stop), (printed, lines)) = (mpsc::channel::<()>(), mpsc::channel());
    let screen = Screen::start(move |lines| {
        // Disconnected once it goes on.
        let _ = stop.recv();
        printed.send(lines).unwrap();
    });
    let screen = screen.unwrap();
    let line = "x".repeat(WAITING_MAX / 4 - 1);
    (0..10).for_each(|_| screen.print(line.clone()));
    drop(go_on);
    screen.flush();
    let lines: Vec<String> = lines.try_iter().collect();
    let (told, whole) = lines.split_last().unwrap();
    assert_eq!(whole.len(), 4);
    assert!(told.contains("missing here: 6\n"), "{told}");
    screen.print("more".to_owned());
    screen.flush();
}
