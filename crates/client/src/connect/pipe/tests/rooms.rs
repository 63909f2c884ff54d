//! A room that is wanted: nothing is said elsewhere instead.

use super::*;

#[test]
fn the_room_is_entered_before_anything_is_said() {
    let ran = run_with(Some("red"), View::Text, &b"hello\n"[..], |peer| {
        let mut heard = vec![hear(peer)];
        peer.say(&[JOINED]);
        heard.push(hear(peer));
        peer.say(&[ACCEPTED]);
        heard.push(hear(peer));
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!(ran.script, ["/join red", "/say red hello", "/quit"]);
    assert_eq!((ran.exit, ran.output.as_str()), (Exit::Done, "OK join red 1\n"));
}

#[test]
fn what_is_meant_for_a_room_is_not_said_in_the_lobby_by_who_was_removed_from_it() {
    let kicked = r#"{"type":"moderated","room":"red","id":1,"time":"2026-01-01T10:00:00Z","from":"bob","action":"kick","user":"ann","until":null,"reason":"noise"}"#;
    let moved = r#"{"type":"moved","room":"lobby","members":2,"epoch":"0000000000000001","last":0,"reason":"noise"}"#;
    let refused = r#"{"type":"error","code":"not-in-room","message":"You are not in red","command":"say"}"#;
    let ran = run_with(Some("red"), View::Text, &b"/who\none\ntwo\n/join red\nthree\n"[..], |peer| {
        let mut heard = vec![hear(peer)];
        peer.say(&[JOINED]);
        heard.extend([hear(peer), hear(peer), hear(peer)]);
        peer.say(&[kicked, moved, r#"{"type":"users","room":"red","users":[]}"#, refused, refused]);
        heard.push(hear(peer));
        peer.say(&[JOINED]);
        heard.push(hear(peer));
        peer.say(&[ACCEPTED]);
        hear(peer);
        peer.say(&[GOODBYE]);
        heard
    });
    let expected = ["/join red", "/who", "/say red one", "/say red two", "/join red", "/say red three"];
    assert_eq!(ran.script, expected);
    let told = "MODERATED red ann kick bob noise\nMOVED lobby noise\n";
    assert!(ran.output.contains(told), "{}", ran.output);
    assert_eq!((ran.exit, ran.errors.matches("ERR not-in-room").count()), (Exit::LineRefused, 2));
}

#[test]
fn what_is_said_behind_a_removal_from_the_room_is_meant_for_that_room() {
    let moved = r#"{"type":"moved","room":"lobby","members":2,"epoch":"0000000000000001","last":0,"reason":""}"#;
    let ran = run_with(Some("red"), View::Text, &b"/join blue\none\n"[..], |peer| {
        let mut heard = vec![hear(peer)];
        peer.say(&[JOINED]);
        heard.push(hear(peer));
        // The room blue cannot be entered, and the current one is gone.
        peer.say(&[moved, &REFUSED.replace("user-offline", "banned").replace("msg", "join")]);
        heard.push(hear(peer));
        peer.say(&[ACCEPTED]);
        hear(peer);
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!(ran.script, ["/join red", "/join blue", "/say red one"]);
}

#[test]
fn nothing_is_said_where_the_room_is_refused() {
    let ran = run_with(Some("red"), View::Text, &b"hello\n"[..], |peer| {
        hear(peer);
        peer.say(&[r#"{"type":"error","code":"limit-reached","message":"Too many rooms","command":"join"}"#]);
        hear(peer)
    });
    assert_eq!((ran.exit, ran.script.as_str()), (Exit::LineRefused, ""));
    assert_eq!(ran.errors, "ERR limit-reached Too many rooms\n");
}

#[test]
fn the_lobby_needs_no_join() {
    let ran = run_with(Some("lobby"), View::Text, &b"hello\n"[..], |peer| {
        let heard = hear(peer);
        peer.say(&[ACCEPTED]);
        hear(peer);
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!((ran.exit, ran.script.as_str()), (Exit::Done, "/say lobby hello"));
}
