//! What is painted, and the lines that no other table has.

use super::*;

const TIME: &str = r#""time":"2026-11-22T10:30:00Z""#;

#[test]
fn what_is_meant_for_the_user_alone_stands_out_and_what_merely_happens_does_not() {
    let from_bob = format!("{}mbob", colour_of(&"bob".parse().unwrap()));
    let said = |kind: &str| format!(r#"{{"type":"{kind}",{TIME},"from":"bob","text":"hi"}}"#);
    let old = format!(r#"{{"type":"message","id":7,{TIME},"from":"bob","text":"hi"}}"#);
    let page =
        format!(r##"{{"type":"backlog","target":"#red","epoch":"0000000000000001","entries":[{old}],"more":false}}"##);
    let cases = [
        (said("direct"), format!("[2m12:30[0m [1mDM [0m[{from_bob}[0m: hi")),
        (said("notice"), format!("[2m12:30[0m [1;31mNOTICE [0m[{from_bob}[0m: hi")),
        (r#"{"type":"joined","room":"red","user":"bob"}"#.into(), "[2m12:31[0m [2m* bob entered red[0m".into()),
        (
            r#"{"type":"error","code":"muted","message":"No","command":"say"}"#.into(),
            "[2m12:31[0m [1;31m! No (muted)[0m".into(),
        ),
        (page, format!("[2m12:30[0m [2mOLD [red 7][0m [{from_bob}[0m: hi\n[2m12:31[0m [2m* messages shown: 1[0m")),
    ];
    for (json, expected) in cases {
        assert_eq!(shown(&renderer(true), &json).unwrap().replace('\x1b', ""), expected, "{json}");
    }
}

#[test]
fn a_date_that_is_not_todays_is_as_dim_as_the_time() {
    let old = message("2026-11-20T10:30:00Z", "hi");
    let plain = shown(&renderer(true), &old).unwrap();
    assert!(plain.starts_with("\x1b[2m2026-11-20 12:30\x1b[0m [red] "), "{plain:?}");
    let with_days = Renderer { days: Some(Days::default()), ..renderer(true) };
    let line = shown(&with_days, &old).unwrap();
    assert!(line.starts_with("\x1b[2m--- 2026-11-20 ---\x1b[0m\n\x1b[2m12:30\x1b[0m [red] "), "{line:?}");
}

#[test]
fn clones_of_a_renderer_tell_of_a_day_once() {
    let one = Renderer { days: Some(Days::default()), ..renderer(false) };
    let other = one.clone();
    let tomorrow = "2026-11-23T10:31:00Z".parse().unwrap();
    assert_eq!(one.news(tomorrow, "x"), "12:31 * x", "everybody knows what day it is");
    let next = "2026-11-24T10:31:00Z".parse().unwrap();
    assert_eq!(one.problem(next, "x"), "--- 2026-11-24 ---\n12:31 ! x");
    assert_eq!(other.news(next, "x"), "12:31 * x");
}

#[test]
fn every_colour_is_somebodys() {
    let colours: std::collections::BTreeSet<_> =
        ('a'..='z').map(|letter| colour_of(&format!("user-{letter}").parse().unwrap())).collect();
    assert_eq!(colours, USER_COLOURS.into());
}

#[test]
fn the_inbox_tells_who_wrote_and_who_invites() {
    let direct = format!(r#"{{"type":"direct","id":1,{TIME},"from":"bob","to":"ann","text":"hi"}}"#);
    let invited = format!(r#"{{"type":"invited","id":2,{TIME},"from":"eve","to":"ann","room":"red"}}"#);
    let inbox = |entries: &str| format!(r#"{{"type":"inbox","entries":[{entries}],"more":false}}"#);
    let lines = "12:30 DM from bob: hi\n12:30 OLD * eve invites you to red; /open red enters it\n\
                 12:31 * messages shown: 2";
    assert_eq!(shown(&renderer(false), &inbox(&format!("{direct},{invited}"))).as_deref(), Some(lines));
    assert_eq!(shown(&renderer(false), &inbox("")).as_deref(), Some("12:31 * messages shown: 0"));
}

#[test]
fn invitations_to_the_server_are_listed_with_their_ends() {
    let json = r#"{"type":"invitations","invitations":[{"id":"000000ab","by":"bob","made":"2026-11-22T10:00:00Z","expires":"2026-11-23T10:00:00Z","uses":1,"used":[],"rooms":["red"],"operator":false}]}"#;
    let line = "12:31 * invitations: 1\n    000000ab  0 of 1 used, until 2026-11-23 12:00, by bob, to red";
    assert_eq!(shown(&renderer(false), json).as_deref(), Some(line));
}

#[test]
fn secrets_are_shown_where_they_are_made() {
    let ok = |fields: &str| shown(&renderer(false), &format!(r#"{{"type":"ok",{fields}}}"#)).unwrap();
    let expires = r#""expires":"2026-11-23T10:00:00Z""#;
    let ticket = ok(&format!(r#""command":"ticket","ticket":"plt_07","id":"000000ab",{expires}"#));
    assert!(ticket.contains(" is plt_07, valid until 2026-11-23 12:00; "), "{ticket}");
    let code = ok(&format!(r#""command":"invitation","code":"pli_07","id":"000000ab","uses":1,"rooms":[],{expires}"#));
    assert!(code.contains("INVITE pli_07,") && code.contains("valid until 2026-11-23 12:00; "), "{code}");
    let hook = ok(r#""command":"hook","room":"red","label":"ci","id":"000000ab","url":"https://den/hooks/red.plh_07""#);
    assert!(hook.contains("curl -d 'hello' https://den/hooks/red.plh_07"), "{hook}");
}

#[test]
fn what_was_missed_of_an_edit_without_its_message_is_shown_and_an_empty_one_is_not() {
    let entry = |id: u64, of: u64, text: &str| {
        format!(r#"{{"type":"edited","id":{id},{TIME},"from":"bob","of":{of},"text":"{text}"}}"#)
    };
    let entries = [entry(8, 2, "newer"), entry(9, 3, "")].join(",");
    let json = format!(
        r##"{{"type":"backlog","target":"#red","epoch":"0000000000000001","entries":[{entries}],"more":false}}"##
    );
    let Incoming::Event { event: Event::Backlog { target, entries, .. }, .. } = Incoming::parse(json) else { panic!() };
    let lines = renderer(false).missed(&target, &entries, 0, "2026-11-22T10:31:00Z".parse().unwrap());
    assert_eq!(lines, "12:30 OLD EDIT [red] bob: newer (message 2)");
}
