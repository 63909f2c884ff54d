//! Commands and logins in lines that are none: whatever hides in front of their words or within them, nobody sees them.

use std::iter;

use super::*;
use crate::verb::VERBS;

/// The word with the same characters behind each of its letters.
fn spread(word: &str, between: &str) -> String {
    word.chars().flat_map(|letter| iter::once(letter).chain(between.chars())).collect()
}

proptest! {
    #[test]
    fn no_command_is_said_however_it_is_hidden(
        row in 0..VERBS.len(),
        before in "[ \t\u{a0}\u{3000}\u{200b}\u{7}]{1,3}",
        between in "[\u{200b}\u{2060}\u{ad}\u{feff}\u{7}\u{202e}]{0,2}",
        is_upper in any::<bool>(),
        rest in "( [a-z/ ]{0,9})?",
    ) {
        let info = &VERBS[row];
        let word = if is_upper { info.word.to_ascii_uppercase() } else { info.word.to_owned() };
        let line = format!("{before}/{}{rest}", spread(&word, &between));
        let misplaced = ParseError { verb: Some(info.verb), refusal: Refusal::LeadingSpace };
        prop_assert_eq!(parse_command(line.as_bytes()), Err(misplaced));
    }

    #[test]
    fn no_secret_is_said_however_its_word_is_hidden(
        (word, secret, verb) in prop::sample::select(vec![
            ("login", "alice", Verb::Login),
            ("Register", "alice secret", Verb::Register),
            ("RESUME", "alice plt_07", Verb::Resume),
            ("invite", "pli_07", Verb::Invite),
        ]),
        before in "[ \t\u{a0}\u{3000}\u{200b}\u{7}]{0,3}",
        between in "[\u{200b}\u{2060}\u{ad}\u{feff}\u{7}\u{202e}]{0,2}",
        gap in "[ \t\u{a0}\u{3000}]{1,2}",
    ) {
        let line = format!("{before}{}{gap}{}", spread(word, &between), spread(secret, &between));
        let late = ParseError { verb: Some(verb), refusal: Refusal::AlreadyAuthenticated };
        prop_assert_eq!(parse_command(line.as_bytes()), Err(late));
    }
}

#[test]
fn only_the_first_word_makes_a_line_a_login() {
    for said in ["please LOGIN alice secret", "log in alice secret", "re-register bob pw", "resumed: plt_07", "pli_07"]
    {
        assert_eq!(command(said), message(said), "{said}");
    }
    for said in ["register", "RESUME", "invite "] {
        assert_eq!(command(said), message(said), "{said}");
    }
}

#[test]
fn whatever_stands_behind_two_slashes_is_said_and_cleaned() {
    for (line, said) in [
        ("//", "/"),
        ("///", "//"),
        ("//LOGIN alice secret", "/LOGIN alice secret"),
        ("//pass\u{7}wd a", "/passwd a"),
        ("//\u{200b}", "/\u{200b}"),
    ] {
        assert_eq!(command(line), message(said), "{line:?}");
    }
}

#[test]
fn a_command_with_something_hidden_in_its_word_is_unknown_and_not_said() {
    for line in ["/pass\u{200b}wd old new", "/pass\u{7}wd old new", "/\u{feff}passwd old new", "/passwd\u{a0}old new"] {
        let error = parse_command(line.as_bytes()).unwrap_err();
        assert_eq!((error.verb, error.refusal), (None, Refusal::UnknownCommand), "{line:?}");
    }
}
