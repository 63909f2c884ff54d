//! The lines about rights, edits and removals.

use super::*;

const TIME: &str = r#""time":"2026-11-22T10:30:59.999Z""#;

fn moderated(action: &str, user: &str, rest: &str) -> String {
    format!(
        r#"{{"type":"moderated","room":"red","id":4,{TIME},"from":"eve","action":"{action}","user":{user},{rest}}}"#
    )
}

fn edited(text: &str) -> String {
    format!(r#"{{"type":"edited","room":"red","id":8,{TIME},"from":"bob","of":7,"text":"{text}"}}"#)
}

fn invited() -> String {
    format!(r#"{{"type":"invited","id":5,{TIME},"from":"bob","room":"red"}}"#)
}

#[test]
fn every_event_about_rights_in_words() {
    let plain = r#""until":null,"reason":"""#;
    let on = |action: &str| moderated(action, r#""bob""#, plain);
    let until =
        |time: &str| moderated("ban", r#""bob""#, &format!(r#""until":"2026-11-{time}.000Z","reason":"too loud""#));
    let setting = |action: &str, to: &str| moderated(action, "null", &format!(r#""until":null,"reason":"{to}""#));
    let moved = r#"{"type":"moved","room":"lobby","members":3,"epoch":"0000000000000001","last":2,"reason":"x"}"#;
    let message = |rest: &str| format!(r#"{{"type":"message","room":"red","id":7,{TIME},"from":"bob",{rest}}}"#);
    let cases = [
        (edited(r"hi\tthere"), "12:30 EDIT [red] bob: hi    there (message 7)"),
        (edited(""), "12:30 * bob changed message 7 in red"),
        (
            format!(r#"{{"type":"removed","room":"red","id":9,{TIME},"from":"eve","of":7,"reason":"spam"}}"#),
            "12:30 * eve removed message 7 in red: spam",
        ),
        (
            format!(r#"{{"type":"topic","room":"red","id":9,{TIME},"from":"eve","text":"Roses"}}"#),
            "12:30 * eve set the topic of red: Roses",
        ),
        (on("kick"), "12:30 * eve removed bob from red"),
        (until("22T12:00:00"), "12:30 * eve banned bob from red until 14:00: too loud"),
        (until("29T12:00:00"), "12:30 * eve banned bob from red until 2026-11-29 14:00: too loud"),
        (on("unban"), "12:30 * eve ended the ban of bob from red"),
        (on("mute"), "12:30 * eve muted bob in red"),
        (on("unmute"), "12:30 * eve ended the mute of bob in red"),
        (on("invite"), "12:30 * eve invited bob to red"),
        (on("moderator"), "12:30 * eve made bob a moderator of red"),
        (on("unmoderator"), "12:30 * eve took the role of a moderator of bob in red"),
        (on("owner"), "12:30 * eve made bob the owner of red"),
        (setting("access", "private"), "12:30 * eve lets only the invited enter red"),
        (setting("access", "public"), "12:30 * eve lets everybody enter red"),
        (setting("post", "moderators"), "12:30 * eve lets only moderators speak in red"),
        (setting("post", "everyone"), "12:30 * eve lets everybody speak in red"),
        (setting("retention", "30d"), "12:30 * eve lets messages of red be kept for 30d"),
        (setting("retention", "default"), "12:30 * eve lets the server decide how long messages of red are kept"),
        (invited(), "12:30 * bob invites you to red; /open red enters it"),
        (moved.to_owned(), "12:31 * you are in lobby now, members: 3"),
        (message(r#""text":"","removed":true"#), "12:30 [red] bob: (removed)"),
        (message(r#""text":"hi","edited":"2026-11-22T10:31:00Z""#), "12:30 [red] bob: hi (edited)"),
    ];
    for (json, expected) in cases {
        assert_eq!(shown(&renderer(false), &json).as_deref(), Some(expected), "{json}");
    }
}

#[test]
fn what_may_be_done_in_a_room_is_a_table() {
    let info = r#"{"type":"room","room":"red","topic":"","access":"private","post":"everyone","owner":null,"moderators":["bob","eve"],"role":"operator","created":"2026-11-20T09:00:00.000Z","retention":2592000}"#;
    let expected = "12:31 * about red:
    may enter   the invited
    may speak   everybody
    keeps       30d
    owner       the operators
    moderators  bob, eve
    you are     operator
    created     2026-11-20 11:00";
    assert_eq!(shown(&renderer(false), info).as_deref(), Some(expected));
}

#[test]
fn names_have_their_colours_and_what_concerns_the_user_is_bold_and_rings() {
    let on = |user: &str| moderated("kick", &format!("{user:?}"), r#""until":null,"reason":"ann knows""#);
    let line = shown(&renderer(true), &on("ann")).unwrap();
    let eve = colour_of(&"eve".parse().unwrap());
    let expected = format!(
        "\x1b[2m12:30\x1b[0m \x1b[2m* \x1b[0m\x1b[{eve}meve\x1b[0m\x1b[2m removed \x1b[0m\x1b[1mann\x1b[0m\x1b[2m from red\x1b[0m\x1b[2m: \x1b[0m\x1b[1mann\x1b[0m knows"
    );
    assert_eq!(line, expected);
    let wanted = Renderer { bell: true, ..renderer(false) };
    for (json, rings) in
        [(on("ann"), true), (on("bob"), false), (invited(), true), (edited("ann?"), true), (edited("all?"), false)]
    {
        assert_eq!(shown(&wanted, &json).unwrap().starts_with('\x07'), rings, "{json}");
    }
}

#[test]
fn a_page_shows_the_present_and_the_numbers_that_commands_need() {
    let message = |id: u64, rest: &str| format!(r#"{{"type":"message","id":{id},{TIME},"from":"bob",{rest}}}"#);
    let entry =
        |kind: &str, id: u64, rest: &str| format!(r#"{{"type":"{kind}","id":{id},{TIME},"from":"bob",{rest}}}"#);
    let entries = [
        message(6, r#""text":"","removed":true"#),
        message(7, r#""text":"new","edited":"2026-11-22T10:31:00Z""#),
        entry("edited", 8, r#""of":6,"text":"""#),
        entry("edited", 9, r#""of":7,"text":"new""#),
        entry("edited", 10, r#""of":2,"text":"older""#),
        entry("removed", 11, r#""of":6,"reason":"""#),
        entry("moderated", 12, r#""action":"kick","user":"eve","until":null,"reason":"""#),
    ];
    let json = format!(
        r##"{{"type":"backlog","target":"#red","epoch":"0000000000000001","entries":[{}],"more":false}}"##,
        entries.join(",")
    );
    let expected = "12:30 OLD [red 6] bob: (removed)
12:30 OLD [red 7] bob: new (edited)
12:30 OLD EDIT [red 10] bob: older (message 2)
12:30 OLD * bob removed message 6 in red
12:30 OLD * bob removed eve from red
12:31 * messages shown: 5";
    assert_eq!(shown(&renderer(false), &json).as_deref(), Some(expected));
    let json = format!(
        r#"{{"type":"history","room":"red","messages":[{{"id":7,{TIME},"from":"bob","text":"new","edited":"2026-11-22T10:31:00Z"}},{{"id":8,{TIME},"from":"bob","text":"","removed":true}}]}}"#
    );
    let expected = "12:30 [red 7] bob: new (edited)\n12:30 [red 8] bob: (removed)\n12:31 * end of the history of red, messages shown: 2";
    assert_eq!(shown(&renderer(false), &json).as_deref(), Some(expected));
}

#[test]
fn an_invitation_reads_as_one_in_both_inboxes() {
    let entry = |id: u64, from: &str, to: &str| {
        format!(r#"{{"type":"invited","id":{id},{TIME},"from":"{from}","to":"{to}","room":"red"}}"#)
    };
    let entries = [entry(1, "bob", "ann"), entry(2, "ann", "bob")].join(",");
    let json = format!(
        r#"{{"type":"backlog","target":"@bob","epoch":"0000000000000001","entries":[{entries}],"more":false}}"#
    );
    let expected = "12:30 OLD * bob invites you to red; /open red enters it
12:30 OLD * ann invited bob to red
12:31 * messages shown: 2";
    assert_eq!(shown(&renderer(false), &json).as_deref(), Some(expected));
}

#[test]
fn what_is_not_known_of_a_room_has_no_row() {
    let info = r#"{"type":"room","room":"red","topic":"Roses","access":"public","post":"moderators","owner":"bob","moderators":[],"role":"owner","created":null}"#;
    let expected = "12:31 * about red:
    topic       Roses
    may enter   everybody
    may speak   moderators
    owner       bob
    you are     owner";
    assert_eq!(shown(&renderer(false), info).as_deref(), Some(expected));
}

#[test]
fn a_reason_is_one_line_and_a_setting_needs_no_user() {
    let kick = moderated("kick", r#""bob""#, r#""until":null,"reason":"too\tloud""#);
    assert_eq!(shown(&renderer(false), &kick).as_deref(), Some("12:30 * eve removed bob from red: too    loud"));
    let nobody = moderated("mute", "null", r#""until":"2026-11-22T12:00:00Z","reason":"""#);
    assert_eq!(shown(&renderer(false), &nobody).as_deref(), Some("12:30 * eve muted everybody in red until 14:00"));
}

#[test]
fn the_bell_rings_neither_for_what_the_user_asked_for_nor_for_a_removal() {
    let wanted = Renderer { bell: true, ..renderer(false) };
    let history =
        format!(r#"{{"type":"history","room":"red","messages":[{{"id":7,{TIME},"from":"bob","text":"ann?"}}]}}"#);
    let removed = format!(r#"{{"type":"removed","room":"red","id":9,{TIME},"from":"eve","of":7,"reason":"ann"}}"#);
    for json in [history, removed] {
        assert!(!shown(&wanted, &json).unwrap().contains('\x07'), "{json}");
    }
}
