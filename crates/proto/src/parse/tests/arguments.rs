//! The arguments of all commands of the table: how many there are, how they are written, what they may hold.

use super::commands::line_of;
use super::*;
use crate::verb::VERBS;

fn in_session() -> impl Iterator<Item = &'static VerbInfo> {
    VERBS.iter().filter(|info| info.available(true))
}

/// The commands all of whose arguments are words that must be there.
fn of_words() -> impl Iterator<Item = &'static VerbInfo> {
    let is_open = |info: &VerbInfo| ["[", "<text>", "<line>"].iter().any(|form| info.arguments.contains(form));
    in_session().filter(move |info| !is_open(info))
}

fn error(line: &str) -> ParseError {
    parse_command(line.as_bytes()).unwrap_err()
}

fn wrong(info: &VerbInfo) -> ParseError {
    ParseError { verb: Some(info.verb), refusal: Refusal::BadArgument(info.usage(true)) }
}

#[test]
fn a_command_of_words_takes_no_more_than_it_has() {
    for info in of_words() {
        let line = line_of(info);
        assert_eq!(error(&format!("{line} x")), wrong(info), "{line}");
        assert_eq!(command(&format!("{line} \t")), command(&line), "{line}");
    }
    for (line, usage) in [("/who red x", "/who [room]"), ("/mute red bob 1h x", "/mute <room> <user> [duration]")] {
        assert_eq!(refused(line), bad(usage), "{line}");
    }
}

#[test]
fn a_command_needs_its_arguments() {
    for info in in_session().filter(|info| !info.arguments.is_empty() && !info.arguments.starts_with('[')) {
        for nothing in ["", " ", " \t "] {
            assert_eq!(error(&format!("/{}{nothing}", info.word)), wrong(info), "{}{nothing:?}", info.word);
        }
    }
}

#[test]
fn no_word_of_any_command_may_hold_a_control_character() {
    for info in of_words() {
        let gap = if info.arguments.is_empty() { " " } else { "" };
        let line = format!("{}{gap}\u{202e}", line_of(info));
        let control = ParseError { verb: Some(info.verb), refusal: Refusal::ControlCharacter(info.usage(true)) };
        assert_eq!(error(&line), control, "{line:?}");
    }
}

#[test]
fn a_refusal_repeats_nothing_that_was_typed() {
    for info in VERBS {
        for tail in ["hunter2", "hunter2 hunter2 hunter2 hunter2 hunter2", "hunter2\u{7}", "\"hunter2", "# hunter2!"] {
            let (typed, bare) = (format!("/{} {tail}", info.word), format!("{} {tail}", info.word));
            let commands = [&typed, &bare].map(|line| parse_command(line.as_bytes()).err());
            let greetings = [&typed, &bare].map(|line| parse_pre_login(line.as_bytes()).err());
            for error in commands.into_iter().chain(greetings).flatten() {
                assert!(!format!("{error:?} {}", error.refusal).contains("hunter"), "{typed:?}: {error:?}");
            }
        }
    }
}

#[test]
fn a_word_may_stand_in_quotes() {
    for line in [
        r#"/who "red""#,
        r#"/subscribe "Bob""#,
        r#"/msg "bob" hi"#,
        r#"/say "red" hi"#,
        r##"/read "#red" "7""##,
        r#"/backlog "+bob" "before" "9" "3""#,
        r#"/history "7""#,
        r#"/access "red" "public""#,
        r#"/topic "red" roses"#,
        r#"/edit "red" 7 roses"#,
        r#"/kick "red" bob spam"#,
        r#"/suspend "bob" 1m spam"#,
        r#"/hook "red" "ci""#,
        r#"/revoke "all""#,
        r#"/invitation "red" blue"#,
        r#"/format "json""#,
    ] {
        assert_eq!(command(line), command(&line.replace('"', "")), "{line}");
    }
}

#[test]
fn in_a_text_quotes_are_ordinary_and_further_spaces_stay() {
    assert_eq!(command(r#"/publish "hi" \"#), post(Post::Publish(text(r#""hi" \"#))));
    assert_eq!(command("/broadcast  \"two  spaces\" "), Command::Broadcast(text(" \"two  spaces\" ")));
    let (bob, red) = ("bob".parse().unwrap(), "red".parse().unwrap());
    assert_eq!(command(r#"/msg bob "hi"#), post(Post::Msg { to: bob, text: text(r#""hi"#) }));
    assert_eq!(command("/say\tred\t\t\"hi"), post(Post::Say { room: red, text: text("\t\"hi") }));
}

#[test]
fn a_wrong_name_is_named_before_a_text_that_is_missing() {
    for line in ["/msg b.b", "/say r.d", "/once k /msg b.b", "/suspend b.b", "/topic r.d"] {
        assert_eq!(refused(line), Refusal::BadName, "{line}");
    }
}

#[test]
fn a_number_has_a_next_one_and_may_begin_with_zeros() {
    let read = |line: &str| match command(line) {
        Command::Read { id, .. } => id,
        other => panic!("{other:?}"),
    };
    assert_eq!(read("/read #red 18446744073709551614"), MessageId(u64::MAX - 1));
    assert_eq!(read("/read #red 000000000000000000000000000007"), MessageId(7));
    let newest = PageRange::Before(MessageId(u64::MAX - 1));
    let page = Command::Backlog { target: "+bob".parse().unwrap(), range: newest, count: 50 };
    assert_eq!(command("/backlog +bob BEFORE 18446744073709551614"), page);
    for line in ["/backlog #red before 18446744073709551615", "/backlog #red after +7", "/backlog #red after -7 5"] {
        assert_eq!(refused(line), bad("/backlog <target> [before <id>|after <id>] [count]"), "{line}");
    }
}

#[test]
fn a_count_is_never_zero_and_never_above_the_maximum() {
    for (typed, count) in
        [("1", 1), ("007", 7), ("499", 499), ("500", 500), ("0501", 500), ("18446744073709551616", 500)]
    {
        assert_eq!(command(&format!("/history {typed}")), Command::History(count), "{typed}");
        let page = |range| Command::Backlog { target: "#red".parse().unwrap(), range, count };
        assert_eq!(command(&format!("/backlog #red {typed}")), page(PageRange::Newest), "{typed}");
        let after = page(PageRange::After(MessageId(9)));
        assert_eq!(command(&format!("/backlog #red after 9 {typed}")), after, "{typed}");
    }
    for typed in ["00", "000000000000000000000000", "+7", "7.0", "\u{661}"] {
        assert_eq!(refused(&format!("/history {typed}")), bad("/history [count]"), "{typed}");
        let page = refused(&format!("/backlog #red before 9 {typed}"));
        assert_eq!(page, bad("/backlog <target> [before <id>|after <id>] [count]"), "{typed}");
    }
}

#[test]
fn formats_are_words_in_any_case() {
    assert_eq!(command("/format Text"), Command::Format(Format::Text));
    assert_eq!(command("/FORMAT json"), Command::Format(Format::Json));
    assert_eq!(refused("/format txt"), bad("/format text|json"));
}

proptest! {
    #[test]
    fn any_two_passwords_are_read_from_quotes(
        old in "([\"\\\\ a]|[^\\p{C}\\p{Zl}\\p{Zp}]){1,18}",
        new in "([\"\\\\ a]|[^\\p{C}\\p{Zl}\\p{Zp}]){1,18}",
    ) {
        let quoted = |word: &str| format!("\"{}\"", word.replace('\\', r"\\").replace('"', "\\\""));
        let line = format!("/passwd {}\t{}", quoted(&old), quoted(&new));
        let (old, new) = (Password::new(&old).unwrap(), Password::new(&new).unwrap());
        prop_assert_eq!(command(&line), Command::Passwd { old, new });
    }
}
