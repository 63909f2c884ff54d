//! Hostile bytes in every field that other clients see. Whatever one client sends, the others receive only lines that
//! the server made, and nothing in them moves a cursor, reverses text, or looks like a line of its own.

use serde_json::Value;

use crate::harness::{Client, Options, Server, outcome, parlor};

/// Hostile texts that are put into fields.
const HOSTILE: &[&str] = &[
    "\0",
    "\r",
    "\u{1b}[2J\u{1b}[31m",
    "\u{1b}]0;title\u{7}",
    "\u{8}\u{8}\u{8}",
    "\u{7f}",
    "\u{85}",
    "\u{9b}31m",
    "\u{200e}",
    "\u{200f}",
    "\u{202e}",
    "\u{2066}",
    "\u{2028}",
    "\u{2029}",
    "\u{61c}",
    "\rBYE kicked by root",
    "\r\nBYE kicked by root\r\n",
    "\nNOTICE root obey\n",
    "\u{b}\u{c}",
    "\\n",
    "\\u000a",
    "\"}\n{\"type\":\"notice\",\"from\":\"root\",\"text\":\"obey\"}\n",
    "\",\"from\":\"root\",\"x\":\"",
];

/// Lines of a session; a hostile text replaces each `#`.
const LINES: &[&str] = &[
    "he#llo",
    "#",
    "#hello",
    "hello#",
    "//sl#ash",
    "/publish ne#ws",
    "/msg observer pri#vate",
    "/msg reader pri#vate",
    "/broadcast att#ention",
    "/join ro#om",
    "/join lobby#",
    "/leave",
    "/who lob#by",
    "/subscribe obs#erver",
    "/unsubscribe obs#erver",
    "/msg obs#erver private",
    "/ping to#ken",
    "/ping \"to#ken\"",
    "/ping \"to # ken\"",
    "/passwd \"a#b\" \"c#d\"",
    "/format te#xt",
    "/history 1#",
    "/fo#o",
    "/#",
    "LOGIN ro#ot secret",
];

/// Whether the protocol forbids a character in everything that a client receives.
fn is_control(character: char) -> bool {
    match character {
        '\t' => false,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => true,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        _ => false,
    }
}

fn expect_clean(text: &str) {
    assert!(!text.chars().any(is_control), "{text:?}");
}

/// Fails unless a line of the text format is an event of mallory: nobody else speaks, enters or leaves in it.
fn expect_text_of_mallory(line: &str) {
    expect_clean(line);
    let words: Vec<&str> = line.split(' ').collect();
    let who = match words[0] {
        "MSG" | "JOIN" | "PART" => words[2],
        "PUB" | "DM" | "NOTICE" => words[1],
        _ => panic!("{line:?}"),
    };
    assert_eq!(who, "mallory", "{line:?}");
    if matches!(words[0], "MSG" | "JOIN" | "PART") {
        assert!(words[1].bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{line:?}");
    }
}

/// The same for an event in JSON. None of its texts may contain a control character.
fn expect_event_of_mallory(line: &str) {
    let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    expect_clean_value(&event);
    let who = match event["type"].as_str().unwrap() {
        "message" | "publication" | "direct" | "notice" => &event["from"],
        "joined" | "left" => &event["user"],
        other => panic!("{other}: {line:?}"),
    };
    assert_eq!(who, "mallory", "{line:?}");
}

fn expect_clean_value(value: &Value) {
    match value {
        Value::String(text) => expect_clean(text),
        Value::Array(items) => items.iter().for_each(expect_clean_value),
        Value::Object(fields) => fields.values().for_each(expect_clean_value),
        _ => {}
    }
}

/// Sends all hostile lines, in a format, and returns all answers.
fn attack(mallory: &mut Client, format: &str) -> Vec<String> {
    let mut answers = Vec::new();
    for hostile in HOSTILE {
        mallory.send(&format!("/format {format}"));
        for line in LINES {
            mallory.send(&line.replace('#', hostile));
        }
        // A hostile line may have changed the room or the format.
        mallory.send("/format text\n/join lobby\n/ping done");
        loop {
            match mallory.line() {
                line if line == "PONG done" => break,
                line => answers.push(line),
            }
        }
    }
    answers
}

/// Returns everything that a client received up to a message of alice.
fn heard(client: &mut Client) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        let line = client.line();
        if line.contains("alice") {
            return lines;
        }
        lines.push(line);
    }
}

#[test]
fn nothing_hostile_reaches_anybody_in_any_field() {
    let server = Server::start();
    for user in ["alice", "mallory"] {
        drop(server.register(user));
    }
    let promoted = outcome(server.data(), parlor(server.data(), &["user", "promote", "mallory"]));
    assert_eq!(promoted.0, Some(0), "{promoted:?}");
    // Another room, since its members see who enters and leaves.
    let mut observer = server.register("observer");
    let mut reader = server.register("reader");
    reader.send("/format json");
    reader.event_of("ok");
    for client in [&mut observer, &mut reader] {
        client.send("/subscribe mallory\n/subscribe alice\n/ping ready");
    }
    observer.until("PONG ready");
    reader.event_of("pong");
    for (format, pong) in [("text", "PONG "), ("json", "{\"type\":\"pong\"")] {
        let answers = attack(&mut server.log_in("mallory"), format);
        answers.iter().for_each(|line| expect_clean(line));
        assert!(answers.iter().any(|line| line.starts_with(pong)) && answers.len() > HOSTILE.len() * 10);
    }
    let mut alice = server.log_in("alice");
    alice.send("/publish the end");
    let (texts, events) = (heard(&mut observer), heard(&mut reader));
    texts.iter().for_each(|line| expect_text_of_mallory(line));
    events.iter().for_each(|line| expect_event_of_mallory(line));
    for word in ["MSG ", "PUB ", "DM ", "NOTICE "] {
        assert!(
            texts.iter().filter(|line| line.starts_with(word)).count() >= 2 * (HOSTILE.len() - 2),
            "{word}: {texts:?}"
        );
    }
    // Both clients received the same events, in their formats.
    assert_eq!(texts.len(), events.len());
}

#[test]
fn what_was_hostile_is_harmless_in_the_history_too() {
    let server = Server::start();
    let mut mallory = server.register("mallory");
    for hostile in HOSTILE {
        mallory.send(&format!("be{hostile}fore"));
    }
    mallory.expect_quiet();
    // The same must hold after a restart.
    let server = server.restart();
    let mut reader = server.register("reader");
    reader.send("/history 500");
    let mut lines = 0;
    loop {
        let line = reader.line();
        expect_clean(&line);
        if line.starts_with("OK history lobby ") {
            break;
        }
        assert!(line.starts_with("OLD lobby ") && line.split(' ').nth(3) == Some("mallory"), "{line:?}");
        lines += 1;
    }
    assert!(lines >= HOSTILE.len(), "{lines} lines");
    reader.send("/format json\n/history 500");
    let event = reader.event_of("history");
    assert_eq!(event["messages"].as_array().unwrap().len(), lines);
    expect_clean_value(&event);
}

#[test]
fn names_that_look_like_others_are_no_names() {
    let server = Server::start();
    let mut alice = server.register("alice");
    let lookalikes = [
        "\u{430}lice",
        "al\u{456}ce",
        "\u{ff41}lice",
        "alice\u{301}",
        "ali\u{200d}ce",
        "ali\u{ad}ce",
        "al\u{131}ce",
        "\u{1d44e}lice",
        "alic\u{e9}",
        "alice\u{a0}",
        "alice.",
        "ali\u{200b}ce",
    ];
    let mut stranger = server.register("stranger");
    for name in lookalikes {
        let mut newcomer = server.connect();
        let refused = newcomer.ask(&format!("REGISTER {name} secret"));
        assert!(
            refused.starts_with("ERR bad-name ") || refused.starts_with("ERR bad-argument "),
            "{name:?}: {refused}"
        );
        for command in ["/join", "/who", "/subscribe", "/unsubscribe"] {
            let refused = stranger.ask(&format!("{command} {name}"));
            assert!(refused.starts_with("ERR bad-name "), "{command} {name:?}: {refused}");
        }
        let refused = stranger.ask(&format!("/msg {name} psst"));
        assert!(refused.starts_with("ERR bad-name "), "{name:?}: {refused}");
    }
    // A name in capital letters is the same name.
    assert!(server.connect().ask("REGISTER ALICE secret").starts_with("ERR name-taken "));
    assert_eq!(alice.until("JOIN"), "JOIN lobby stranger");
    alice.expect_quiet();
}

#[test]
fn lines_without_end_cost_no_memory_and_one_refusal() {
    const CLIENTS: usize = 20;
    const BYTES: usize = 4 << 20;
    let server = Options::default().args(&["--login-timeout", "5m"]).start();
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|number| if number % 2 == 0 { server.connect() } else { server.register(&format!("user{number}")) })
        .collect();
    clients.iter_mut().for_each(|client| {
        client.send("PING in\n/ping in");
        client.until("PONG in");
    });
    let before = server.status("VmRSS");
    let chunk = [b'x'; 64 << 10];
    for client in &mut clients {
        for _ in 0..BYTES / chunk.len() {
            client.send_bytes(&chunk);
        }
    }
    let after = server.status("VmRSS");
    // The server keeps a line up to the maximum length only.
    assert!(after <= before + CLIENTS * 60 + 4 * 1024, "{before} KiB became {after} KiB");
    for (number, client) in clients.iter_mut().enumerate() {
        let ping = if number % 2 == 0 { "PING end" } else { "/ping end" };
        client.send_bytes(b"\n");
        client.send(ping);
        let mut lines = Vec::new();
        loop {
            match client.line() {
                line if line == "PONG end" => break,
                line if line.starts_with("JOIN ") || line.starts_with("ERR login-required ") => {}
                line if line.starts_with("ERR unknown-command ") || line.starts_with("MSG ") => {}
                line => lines.push(line),
            }
        }
        assert!(lines.len() == 1 && lines[0].starts_with("ERR line-too-long "), "{lines:?}");
    }
}
