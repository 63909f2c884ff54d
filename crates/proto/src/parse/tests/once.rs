//! Lines with a key.

use super::*;

fn error(line: &str) -> ParseError {
    parse_command(line.as_bytes()).unwrap_err()
}

fn wrong() -> ParseError {
    ParseError { verb: Some(Verb::Once), refusal: bad("/once <key> <line>") }
}

proptest! {
    #[test]
    fn with_a_key_a_line_means_what_it_means_alone(
        line in "(/(say red|msg bob|publish|edit red 7|join|topic red|broadcast|dance|once k|ONCE k)?)? {0,2}.{0,20}"
    ) {
        let is_keyed = line.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("/once"));
        let expected = match parse_command(line.as_bytes()) {
            Ok(Some(Command::Post { post, once: None })) => Ok(Some(once("a-Key_1", post))),
            Err(error) if !is_keyed => Err(error),
            _ => Err(wrong()),
        };
        prop_assert_eq!(parse_command(format!("/once a-Key_1 {line}").as_bytes()), expected);
    }
}

#[test]
fn only_what_is_said_goes_with_a_key() {
    for line in [
        "/kick red bob",
        "/topic red roses",
        "/remove red 7",
        "/broadcast hi",
        "/passwd old new",
        "/quit",
        "/read #red 7",
    ] {
        assert!(parse_command(line.as_bytes()).is_ok(), "{line}");
        assert_eq!(error(&format!("/once k {line}")), wrong(), "{line}");
    }
}

#[test]
fn a_key_in_a_line_with_a_key_is_found_however_it_is_written() {
    // Nothing is read in it, however deep it goes.
    for start in ["/ONCE a ", "/Once\ta\t"] {
        assert_eq!(error(&start.repeat(100_000)), wrong(), "{start:?}");
    }
}

#[test]
fn a_command_after_a_space_is_not_said_with_a_key_either() {
    let misplaced = ParseError { verb: Some(Verb::Passwd), refusal: Refusal::LeadingSpace };
    assert_eq!(error("/once k  /passwd old new"), misplaced);
    let late = ParseError { verb: Some(Verb::Resume), refusal: Refusal::AlreadyAuthenticated };
    assert_eq!(error("/once k resume alice plt_07"), late);
}

#[test]
fn a_key_is_a_word() {
    assert_eq!(command("/once \"k\" hello"), once("k", Post::Message(text("hello"))));
    assert_eq!(command("/once  k\thello"), once("k", Post::Message(text("hello"))));
    let control =
        ParseError { verb: Some(Verb::Once), refusal: Refusal::ControlCharacter("/once <key> <line>".to_owned()) };
    assert_eq!(error("/once k\u{7} hello"), control);
    // The same character in the text is only left out.
    assert_eq!(command("/once k hel\u{7}lo"), once("k", Post::Message(text("hello"))));
}
