//! Goodbyes, the help, and what a client makes of the events of another server.

use std::collections::BTreeSet;

use super::*;
use crate::control_chars::is_control;

#[test]
fn close_codes_tell_goodbyes_apart() {
    let codes: Vec<u16> = Bye::ALL.iter().map(|code| code.close_code()).collect();
    assert_eq!(codes, [1000, 4001, 4002, 4003, 4004, 1001, 4005, 4006, 4007, 4008]);
}

fn usages(in_session: bool) -> Vec<String> {
    match Event::help(in_session) {
        Event::Help { commands } => commands.into_iter().map(|help| help.usage).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn help_shows_the_commands_of_the_phase() {
    let before = usages(false);
    let words: Vec<&str> = before.iter().filter_map(|usage| usage.split(' ').next()).collect();
    assert_eq!(words, ["LOGIN", "REGISTER", "RESUME", "INVITE", "FORMAT", "PING", "HELP", "QUIT"]);
    assert!(usages(true).iter().all(|usage| usage.starts_with('/') && !usage.starts_with("/login")));
}

#[test]
fn a_session_is_told_other_usages_of_the_same_word() {
    let of_invite = |in_session| {
        let usages = usages(in_session).into_iter();
        usages.filter(|usage| usage.to_ascii_lowercase().contains("invite ")).collect::<Vec<_>>()
    };
    assert_eq!(of_invite(false), ["INVITE <code>"]);
    assert_eq!(of_invite(true), ["/invite <room> <user>", "/uninvite <id>"]);
}

#[test]
fn the_help_explains_each_command_by_its_own_row() {
    let Event::Help { commands } = Event::help(true) else { panic!("no help") };
    let ping = commands.iter().find(|help| help.usage == "/ping [token]").unwrap();
    assert_eq!(ping.help, "ask for a sign of life");
    let explained: BTreeSet<&str> = commands.iter().map(|help| help.usage.as_str()).collect();
    assert_eq!(explained.len(), commands.len(), "a usage stands there twice");
    assert!(commands.iter().all(|help| !help.help.is_empty()));
}

#[test]
fn a_goodbye_is_explained_in_one_line_of_its_own() {
    let mut explanations = BTreeSet::new();
    for code in Bye::ALL.iter().copied().chain([Bye::Unknown]) {
        let Event::Bye { code: said, message } = Event::from(code) else { panic!("{code}") };
        assert_eq!((said, &*message), (code, code.explanation()));
        assert!(!message.contains(is_control) && message.trim() == message && !message.is_empty(), "{message:?}");
        assert!(explanations.insert(code.explanation()), "{code}");
    }
}

#[test]
fn a_goodbye_is_read_back_and_one_of_a_newer_server_is_unknown() {
    let read = |word: &str| serde_json::from_str::<Bye>(&format!("\"{word}\"")).unwrap();
    for code in Bye::ALL {
        assert_eq!(read(code.as_str()), *code);
    }
    for word in ["brand-new", "Quit", ""] {
        assert_eq!(read(word), Bye::Unknown, "{word}");
    }
    assert!(!Bye::ALL.contains(&Bye::Unknown), "no server sends it");
    assert_eq!((Bye::Unknown.close_code(), Bye::Unknown.to_string()), (4000, "unknown".to_owned()));
}

#[test]
fn a_close_code_tells_a_goodbye_and_is_one_that_an_application_may_use() {
    let codes: BTreeSet<u16> = Bye::ALL.iter().chain([&Bye::Unknown]).map(|code| code.close_code()).collect();
    assert_eq!(codes.len(), Bye::ALL.len() + 1);
    assert!(codes.iter().all(|&code| matches!(code, 1000 | 1001 | 4000..=4999)), "{codes:?}");
}

#[test]
fn goodbyes_fill_their_column() {
    assert_eq!(format!("{:<8}|{:>8}|", Bye::Quit, Bye::Kicked), "quit    |  kicked|");
}

#[test]
fn a_refusal_of_an_unknown_code_keeps_its_explanation() {
    let line = r#"{"type":"error","code":"brand-new","message":"No","command":"join"}"#;
    let error = Event::Error { code: RefusalCode::Unknown, message: "No".to_owned(), command: Some(Verb::Join) };
    assert_eq!(serde_json::from_str::<Event>(line).unwrap(), error);
    let line = r#"{"type":"bye","code":"brand-new","message":"Off"}"#;
    assert_eq!(serde_json::from_str::<Event>(line).unwrap(), Event::Bye { code: Bye::Unknown, message: "Off".into() });
}

#[test]
fn no_server_makes_a_client_show_control_characters_in_what_users_said() {
    const TIME: &str = r#""time":"2026-11-22T10:20:30.456Z""#;
    for (start, field) in [
        (r#""type":"message","room":"red","id":7,"from":"bob""#, "text"),
        (r#""type":"publication","id":7,"from":"bob""#, "text"),
        (r#""type":"direct","id":7,"from":"bob""#, "text"),
        (r#""type":"notice","from":"bob""#, "text"),
        (r#""type":"edited","room":"red","id":8,"of":7,"from":"bob""#, "text"),
        (r#""type":"topic","room":"red","id":8,"from":"bob""#, "text"),
        (r#""type":"removed","room":"red","id":8,"of":7,"from":"bob""#, "reason"),
    ] {
        let read = |said: &str| serde_json::from_str::<Event>(&format!(r#"{{{start},{TIME},"{field}":"{said}"}}"#));
        assert_eq!(read(r"a\u001b[2Jb\u202e\nc").unwrap(), read("a[2Jbc").unwrap(), "{start}");
        let shows_nothing = read(r"\u0007\n");
        assert_eq!(shows_nothing.is_err(), start.contains("notice"), "{start}");
    }
}

#[test]
fn an_event_with_an_impossible_field_is_not_read() {
    for line in [
        r#"{"type":"joined","room":"red","user":"b b"}"#,
        r#"{"type":"joined","room":"","user":"bob"}"#,
        r#"{"type":"joined","room":"red"}"#,
        r#"{"type":"users","room":"red","users":["bob",7]}"#,
        r##"{"type":"backlog","target":"red","epoch":"01","entries":[],"more":false}"##,
        r#"{"type":"ok","command":"publish","id":18446744073709551615}"#,
        r#"{"type":"ok","command":"publish","id":-1}"#,
        r#"{"type":"ok","command":"publish","id":"7"}"#,
        r#"{"type":"ok","command":"brand-new"}"#,
        r#"{"type":"brand-new"}"#,
        r#"{"type":"reconnect","after_ms":-1}"#,
        r#"{"type":"notice","time":"yesterday","from":"bob","text":"hi"}"#,
    ] {
        assert!(serde_json::from_str::<Event>(line).is_err(), "{line}");
    }
}
