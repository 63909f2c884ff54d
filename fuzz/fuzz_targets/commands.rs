//! For any bytes of a line, the parsers do not panic, and never accept text that must not reach other clients.

#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_fuzz::is_control;
use parlor_proto::{
    Command, Credentials, HISTORY_MAX, PASSWORD_MAX_BYTES, Password, PreLoginCommand, Refusal, Text, parse_command,
    parse_pre_login,
};

fn check_text(text: &Text) {
    assert!(!text.as_str().contains(is_control), "a control character in {text:?}");
    assert!(!text.as_str().trim().is_empty(), "a blank text");
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

fn check_command(command: &Command) {
    match command {
        Command::Message(text) => check_message(text),
        Command::Publish(text) | Command::Broadcast(text) | Command::Msg { text, .. } => check_text(text),
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
        Ok(command) => command.iter().for_each(check_command),
        Err(misread) => check_refusal(&misread.refusal),
    }
    match parse_pre_login(line) {
        Ok(Some(PreLoginCommand::Login(credentials) | PreLoginCommand::Register(credentials))) => {
            check_password(&credentials.password);
            check_read_back(&credentials);
            // A line that logs in before login is never a message in a session.
            assert!(!matches!(parse_command(line), Ok(Some(Command::Message(_)))), "a password would be broadcast");
        }
        Ok(Some(PreLoginCommand::Ping(Some(token)))) => assert!(!token.contains(is_control)),
        Ok(_) => {}
        Err(misread) => check_refusal(&misread.refusal),
    }
});
