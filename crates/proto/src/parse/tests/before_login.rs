//! Lines before login, keyword by keyword.

use super::*;
use crate::verb::VERBS;

fn keywords() -> impl Iterator<Item = &'static VerbInfo> {
    VERBS.iter().filter(|info| info.available(false))
}

fn error(line: &str) -> ParseError {
    parse_pre_login(line.as_bytes()).unwrap_err()
}

fn wrong(info: &VerbInfo) -> ParseError {
    ParseError { verb: Some(info.verb), refusal: Refusal::BadArgument(info.usage(false)) }
}

/// A line for the usage of a keyword.
fn line_of(info: &VerbInfo) -> String {
    let mut line = info.usage(false);
    for (form, example) in [
        ("<user>", "alice"),
        ("<password>", "secret"),
        ("<secret>", "plt_07"),
        ("<code>", "pli_07"),
        ("text|json", "text"),
        ("[token]", "abc"),
    ] {
        line = line.replace(form, example);
    }
    line
}

#[test]
fn every_keyword_of_the_table_is_read_as_its_command() {
    for info in keywords() {
        let line = line_of(info);
        assert_eq!(greeting(&line).verb(), info.verb, "{line}");
        assert_eq!(greeting(&line.to_ascii_lowercase()), greeting(&line), "{line}");
    }
}

#[test]
fn a_registration_has_the_credentials_of_a_login() {
    let credentials = Credentials { user: "bob".parse().unwrap(), password: Password::new(" p w ").unwrap() };
    assert_eq!(greeting("register Bob  p w "), PreLoginCommand::Register(credentials));
    assert_eq!(greeting_refused("REGISTER bob "), bad("REGISTER <user> <password>"));
    assert_eq!(greeting_refused(&format!("REGISTER bob {}", "x".repeat(73))), Refusal::PasswordTooLong);
}

#[test]
fn a_keyword_of_words_takes_no_more_than_it_has() {
    for info in keywords().filter(|info| !matches!(info.verb, Verb::Login | Verb::Register | Verb::Resume)) {
        let line = line_of(info);
        assert_eq!(error(&format!("{line} x")), wrong(info), "{line}");
        assert_eq!(greeting(&format!("{line} \t")), greeting(&line), "{line}");
    }
}

#[test]
fn a_keyword_needs_its_arguments() {
    for info in keywords().filter(|info| !info.arguments.is_empty() && !info.arguments.starts_with('[')) {
        assert_eq!(error(info.word), wrong(info));
        assert_eq!(error(&format!("{} \t", info.word)), wrong(info));
    }
}

#[test]
fn a_keyword_stands_at_the_very_start_of_its_line() {
    for line in
        [" LOGIN alice secret", "\tLOGIN alice secret", "\u{feff}LOGIN alice secret", "\u{7}PING", "//LOGIN a b"]
    {
        assert_eq!(error(line), ParseError::from(Refusal::LoginRequired), "{line:?}");
    }
}

#[test]
fn a_command_of_a_session_has_no_name_before_login() {
    for info in VERBS.iter().filter(|info| !info.available(false) && info.verb != Verb::Invite) {
        assert_eq!(error(&info.word.to_ascii_uppercase()), ParseError::from(Refusal::LoginRequired), "{}", info.word);
        assert_eq!(error(&info.usage(true)), ParseError::from(Refusal::LoginRequired), "{}", info.word);
    }
}

#[test]
fn words_may_stand_in_quotes_and_have_no_control_characters() {
    assert_eq!(greeting(r#"PING "a \"b\"""#), PreLoginCommand::Ping(Some("a \"b\"".to_owned())));
    assert_eq!(greeting(r#"INVITE "pli_07""#), PreLoginCommand::Invite(InvitationCode::given("pli_07")));
    assert_eq!(greeting("FORMAT TEXT"), PreLoginCommand::Format(Format::Text));
    for info in keywords().filter(|info| !info.arguments.is_empty()) {
        let line = line_of(info) + "\u{7}";
        let control = ParseError { verb: Some(info.verb), refusal: Refusal::ControlCharacter(info.usage(false)) };
        assert_eq!(error(&line), control, "{line:?}");
    }
}

#[test]
fn a_secret_of_a_ticket_is_as_long_as_a_password() {
    assert!(matches!(greeting(&format!("RESUME alice {}", "x".repeat(72))), PreLoginCommand::Resume(_)));
    assert_eq!(greeting_refused(&format!("RESUME alice {}", "x".repeat(73))), Refusal::PasswordTooLong);
}
