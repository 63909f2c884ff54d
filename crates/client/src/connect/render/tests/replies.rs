//! The lines that answer what the user does or asks for, and those about what was missed.

use super::*;

fn ok(command: &str, fields: &str) -> String {
    format!(r#"{{"type":"ok","command":"{command}",{fields}}}"#)
}

fn check(cases: &[(String, &str)]) {
    for (json, expected) in cases {
        let line = format!("12:31 * {expected}");
        assert_eq!(shown(&renderer(false), json), Some(line), "{json}");
    }
}

#[test]
fn what_the_user_does_is_answered_in_words() {
    let entered = r#""members":2,"epoch":"0000000000000001","last":0"#;
    check(&[
        (ok("register", r#""user":"ann","room":"lobby","epoch":"0000000000000001","last":0"#), "you are ann, in lobby"),
        (ok("open", &format!(r#""room":"red","topic":"",{entered}"#)), "you are in red too, members: 2"),
        (ok("close", r#""room":"red","current":"lobby""#), "you left red; what you say goes to lobby"),
        (ok("switch", r#""room":"red""#), "what you say goes to red"),
        (ok("read", r##""target":"#red","id":7"##), "read: #red up to 7"),
        (ok("block", r#""user":"bob""#), "you block bob"),
        (ok("unblock", r#""user":"bob""#), "you block bob no longer"),
        (ok("revoke", r#""id":"all","count":3"#), "your tickets are void: 3"),
        (ok("uninvite", r#""id":"000000ab""#), "the invitation 000000ab is void"),
        (ok("unhook", r#""room":"red","id":"000000ab""#), "the hook 000000ab of red is void"),
    ]);
}

#[test]
fn what_the_user_does_with_rights_is_answered_in_words() {
    let of = |command: &str| ok(command, r#""room":"red","id":9,"of":7"#);
    let set = |command: &str, to: &str| ok(command, &format!(r#""room":"red","id":9,"{command}":{to}"#));
    let about = |command: &str| ok(command, r#""room":"red","user":"bob","id":9"#);
    let user = |command: &str| ok(command, r#""user":"bob""#);
    check(&[
        (of("edit"), "message 7 in red is changed"),
        (of("remove"), "message 7 in red is removed"),
        (set("topic", r#""Roses""#), "the topic of red: Roses"),
        (ok("topic", r#""room":"red","topic":"""#), "red has no topic"),
        (set("access", r#""private""#), "only the invited enter red"),
        (set("access", r#""public""#), "everybody may enter red"),
        (set("post", r#""moderators""#), "only moderators speak in red"),
        (set("post", r#""everyone""#), "everybody may speak in red"),
        (set("retention", "2592000"), "messages of red are kept for 30d"),
        (set("retention", "null"), "messages of red are kept as long as the server keeps them"),
        (ok("invite", r#""room":"red","user":"bob","id":9,"inbox":0"#), "bob is invited to red"),
        (about("kick"), "bob is removed from red"),
        (about("ban"), "bob is banned from red"),
        (about("unban"), "bob may enter red again"),
        (about("mute"), "bob is muted in red"),
        (about("unmute"), "bob may speak in red again"),
        (about("moderator"), "bob moderates red"),
        (about("unmoderator"), "bob moderates red no longer"),
        (about("owner"), "bob owns red"),
        (user("suspend"), "bob is suspended"),
        (user("unsuspend"), "bob may log in again"),
    ]);
}

#[test]
fn what_the_server_says_of_itself_and_of_lists_in_words() {
    let tickets = r#"{"type":"tickets","tickets":[{"id":"000000ab","label":"","made":"2026-11-22T10:30:00.000Z","used":null,"address":null,"expires":null}]}"#;
    let hooks = r#"{"type":"hooks","room":"red","hooks":[{"id":"000000ab","label":"ci","by":"bob","made":"2026-11-21T10:30:00.000Z"}]}"#;
    check(&[
        (r#"{"type":"hello","protocol":"parlor/1","server":"den"}"#.into(), "this is den"),
        (r#"{"type":"reconnect","after_ms":1001}"#.into(), "the server goes down; you are connected again in 2 s"),
        (r#"{"type":"blocks","users":["bob","eve"]}"#.into(), "you block bob, eve"),
        (tickets.into(), "your tickets: 1\n    000000ab  made 12:30"),
        (hooks.into(), "hooks of red: 1\n    000000ab  ci, made by bob 2026-11-21 12:30"),
    ]);
}

/// The answer to `/sync` in red and blue, with this many unread entries in each conversation.
fn unread(blue: u64, bob: u64, eve: u64, lost: &str) -> String {
    let state = |unread: u64| format!(r#""last":9,"read":0,"unread":{unread}"#);
    let log = r#""epoch":"0000000000000001""#;
    let room =
        |name, unread| format!(r#"{{"room":"{name}","members":1,"topic":"","role":"member",{log},{}}}"#, state(unread));
    let (rooms, direct) = ([room("blue", blue), room("red", 0)].join(","), state(bob));
    format!(
        r#"{{"type":"sync","current":"red","rooms":[{rooms}],"directs":[{{"user":"bob",{direct}}}],"feeds":[{{"user":"eve",{log},{}}}],"inbox":{{{log},"last":9}},"lost":[{lost}]}}"#,
        state(eve)
    )
}

#[test]
fn the_answer_to_sync_lists_every_room_and_of_the_others_what_is_unread() {
    let quiet = "what you say goes to red; open rooms, and what is unread:\n         0  #blue\n         0  #red";
    let busy = "what you say goes to red; open rooms, and what is unread:\n         3  #blue\n         0  #red\n       \
                \x20 2  @bob\n         1  +eve\n            #den, where you are not any more (banned)";
    check(&[(unread(0, 0, 0, ""), quiet), (unread(3, 2, 1, r#"{"room":"den","code":"banned"}"#), busy)]);
}

#[test]
fn the_summary_counts_what_is_unread_in_every_kind_of_conversation() {
    let json = unread(3, 2, 1, "");
    let Incoming::Event { event: Event::Sync(sync), .. } = Incoming::parse(json.clone()) else { panic!("{json}") };
    let line = renderer(false).summary(&sync, "2026-11-22T10:31:00Z".parse().unwrap());
    let expected = "12:31 * what you say goes to red; also open: blue; unread: #blue 3, @bob 2, +eve 1";
    assert_eq!(line.as_deref(), Some(expected));
}

#[test]
fn what_a_program_says_is_marked() {
    let json = message("2026-11-22T10:30:00Z", "hi").replace(r#""text""#, r#""bot":true,"text""#);
    assert_eq!(shown(&renderer(false), &json).as_deref(), Some("12:30 [red] bot bob: hi"));
}

#[test]
fn the_own_name_is_not_bold_in_what_the_user_says() {
    let own = message("2026-11-22T10:30:00Z", "I am ann").replace(r#""bob""#, r#""ann""#);
    assert!(shown(&renderer(true), &own).unwrap().ends_with(": I am ann"));
}

#[test]
fn the_bell_rings_for_a_mention_wherever_it_is() {
    let wanted = Renderer { bell: true, ..renderer(false) };
    let by_bob = |kind: &str, text: &str| {
        format!(r#"{{"type":"{kind}","room":"red","id":1,"time":"2026-11-22T10:30:00Z","from":"bob","text":"{text}"}}"#)
    };
    for kind in ["message", "publication", "topic"] {
        for (text, rings) in [("hi ann", true), ("hi all", false)] {
            assert_eq!(shown(&wanted, &by_bob(kind, text)).unwrap().starts_with('\x07'), rings, "{kind} {text}");
        }
    }
}

/// The lines for entries of a conversation that were missed.
fn missed(target: &str, entries: &[&str], left_out: u64) -> String {
    let entries: Vec<_> = entries
        .iter()
        .map(|entry| entry.replace(r#""id""#, r#""time":"2026-11-22T10:30:00Z","from":"bob","id""#))
        .collect();
    let json = format!(
        r#"{{"type":"backlog","target":"{target}","epoch":"0000000000000001","entries":[{}],"more":false}}"#,
        entries.join(",")
    );
    let Incoming::Event { event: Event::Backlog { target, entries, .. }, .. } = Incoming::parse(json.clone()) else {
        panic!("{json}")
    };
    renderer(false).missed(&target, &entries, left_out, "2026-11-22T10:31:00Z".parse().unwrap())
}

#[test]
fn what_was_missed_is_shown_as_it_reads_now_and_by_its_kind() {
    let said = r#"{"type":"message","id":7,"text":"new","edited":"2026-11-22T10:31:00Z"}"#;
    let edit = r#"{"type":"edited","id":8,"of":7,"text":"new"}"#;
    assert_eq!(missed("#red", &[said, edit], 0), "12:30 OLD [red] bob: new (edited)");
    let publication = r#"{"type":"publication","id":7,"text":"hi"}"#;
    let told =
        "12:31 * said in publications of bob meanwhile: 2, of which the newest are shown: 1\n12:30 OLD PUB bob: hi";
    assert_eq!(missed("+bob", &[publication], 1), told);
}
