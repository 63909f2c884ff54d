//! For any bytes of a line, the parsers do not panic, and never accept text that must not reach other clients.

#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_fuzz::is_control;
use parlor_proto::{
    Command, Credentials, HISTORY_MAX, INVITATION_PREFIX, MessageId, NOTE_MAX_BYTES, Note, OnceKey, Order,
    PASSWORD_MAX_BYTES, PageRange, Password, Post, PreLoginCommand, Refusal, TICKET_PREFIX, Target, Text,
    parse_command, parse_pre_login,
};

fn check_text(text: &Text) {
    assert!(!text.as_str().contains(is_control), "a control character in {text:?}");
    assert!(!text.as_str().trim().is_empty(), "a blank text");
}

fn check_note(note: &Note) {
    assert!(note.as_str().len() <= NOTE_MAX_BYTES, "a long note: {note:?}");
    note.text().into_iter().for_each(check_text);
}

fn check_message(text: &Text) {
    check_text(text);
    let lower = text.as_str().to_ascii_lowercase();
    for keyword in ["login", "register"] {
        let late = lower.strip_prefix(keyword).is_some_and(|rest| rest.starts_with([' ', '\t']));
        assert!(!late, "a login as a message: {text:?}");
    }
}

fn check_password(password: &Password) {
    let length = password.expose().len();
    assert!((1..=PASSWORD_MAX_BYTES).contains(&length) && !password.expose().contains(is_control));
}

/// However the login was written, a client's form of it reads back as the same.
fn check_read_back(credentials: &Credentials) {
    let line = format!("LOGIN {} {}", credentials.user, credentials.password.expose());
    let read = parse_pre_login(line.as_bytes());
    assert!(matches!(read, Ok(Some(PreLoginCommand::Login(same))) if same == *credentials), "the login has changed");
}

fn check_post(post: &Post) {
    match post {
        Post::Message(text) => check_message(text),
        Post::Say { text, .. } | Post::Publish(text) | Post::Msg { text, .. } => check_text(text),
        Post::Edit { of, text, .. } => {
            check_id(*of);
            check_text(text);
        }
    }
}

/// A target reads back from what is shown of it, and is one word.
fn check_target(target: &Target) {
    let shown = target.to_string();
    assert!(!shown.contains(is_control) && !shown.contains(' '), "{shown:?}");
    assert_eq!(shown.parse(), Ok(target.clone()));
}

fn check_id(id: MessageId) {
    assert!(id.next() > id);
}

fn check_key(key: &OnceKey) {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    assert!((1..=64).contains(&key.as_str().len()) && key.as_str().bytes().all(fits), "{key:?}");
}

/// With a key in front, a line says the same.
fn check_with_key(line: &[u8], post: &Post) {
    let mut with_key = b"/once a-Key_1 ".to_vec();
    with_key.extend_from_slice(line);
    let expected = Command::Post { post: post.clone(), once: "a-Key_1".parse().ok() };
    assert_eq!(parse_command(&with_key), Ok(Some(expected)));
}

fn check_command(line: &[u8], command: &Command) {
    match command {
        Command::Post { post, once: None } => {
            check_post(post);
            check_with_key(line, post);
        }
        Command::Post { post, once: Some(key) } => {
            check_post(post);
            check_key(key);
        }
        Command::Read { target, id } => {
            check_target(target);
            check_id(*id);
        }
        Command::Backlog { target, range, count } => {
            check_target(target);
            if let PageRange::Before(id) | PageRange::After(id) = range {
                check_id(*id);
            }
            assert!((1..=HISTORY_MAX).contains(count));
        }
        Command::Broadcast(text) | Command::Moderate(_, Order::Topic(text)) => check_text(text),
        Command::Moderate(_, Order::Kick(_, note) | Order::Ban(_, _, note)) => check_note(note),
        Command::Remove { of, reason, .. } => {
            check_id(*of);
            check_note(reason);
        }
        Command::Suspend { reason, .. } => check_note(reason),
        Command::Ticket(label) => check_note(label),
        Command::Passwd { old, new } => [old, new].into_iter().for_each(check_password),
        Command::History(count) => assert!((1..=HISTORY_MAX).contains(count)),
        Command::Ping(Some(token)) => assert!(!token.contains(is_control)),
        _ => {}
    }
}

fn check_refusal(refusal: &Refusal) {
    assert!(!refusal.to_string().contains(is_control), "an explanation contains a control character");
}

fuzz_target!(|line: &[u8]| {
    match parse_command(line) {
        Ok(command) => command.iter().for_each(|command| check_command(line, command)),
        Err(misread) => check_refusal(&misread.refusal),
    }
    match parse_pre_login(line) {
        Ok(Some(PreLoginCommand::Login(credentials) | PreLoginCommand::Register(credentials))) => {
            check_password(&credentials.password);
            check_read_back(&credentials);
            // A line that logs in before login is never a message in a session.
            assert!(!matches!(parse_command(line), Ok(Some(Command::Post { .. }))), "a password would be broadcast");
        }
        Ok(Some(PreLoginCommand::Resume(credentials))) => {
            let is_shown = matches!(parse_command(line), Ok(Some(Command::Post { .. })));
            let is_ticket = credentials.secret.expose().contains(TICKET_PREFIX);
            assert!(!(is_ticket && is_shown), "a ticket would be broadcast");
        }
        Ok(Some(PreLoginCommand::Invite(code))) => {
            let is_shown = matches!(parse_command(line), Ok(Some(Command::Post { .. })));
            let is_code = code.expose().contains(INVITATION_PREFIX);
            assert!(!(is_code && is_shown), "a code would be broadcast");
        }
        Ok(Some(PreLoginCommand::Ping(Some(token)))) => assert!(!token.contains(is_control)),
        Ok(_) => {}
        Err(misread) => check_refusal(&misread.refusal),
    }
});
