//! The arguments of moderators, one by one.

use super::super::parse_command;
use super::*;
use crate::ids::MessageId;
use proptest::prelude::*;

const MINUTE: Option<Duration> = Some(Duration::from_secs(60));

fn command(line: &str) -> Command {
    parse_command(line.as_bytes()).unwrap().unwrap()
}

fn refused(line: &str) -> Refusal {
    parse_command(line.as_bytes()).unwrap_err().refusal
}

fn red() -> RoomName {
    "red".parse().unwrap()
}

fn bob() -> UserName {
    "bob".parse().unwrap()
}

fn text(text: &str) -> Text {
    Text::sanitise(text).unwrap()
}

fn note(words: &str) -> Note {
    text(words).into()
}

fn order(order: Order) -> Command {
    Command::Moderate(red(), order)
}

fn assert_usage(usage: &str, lines: &[&str]) {
    for line in lines {
        assert_eq!(refused(line), Refusal::BadArgument(usage.to_owned()), "{line:?}");
    }
}

#[test]
fn a_topic_is_shown_without_a_text_and_set_with_one() {
    assert_eq!(command("/topic Red"), Command::Topic(red()));
    assert_eq!(command("/topic red  "), Command::Topic(red()));
    assert_eq!(command("/topic red All about  roses"), order(Order::Topic(text("All about  roses"))));
    assert_eq!(command("/topic red ro\u{7}ses"), order(Order::Topic(text("roses"))));
    assert_usage("/topic <room> [text]", &["/topic"]);
}

#[test]
fn topics_and_reasons_have_at_most_400_bytes() {
    let (longest, too_long) = ("é".repeat(200), "é".repeat(200) + "x");
    assert_eq!(command(&format!("/kick red bob {longest}")), order(Order::Kick(bob(), note(&longest))));
    for start in
        ["/topic red", "/kick red bob", "/ban red bob 1m", "/remove red 7", "/suspend bob", "/ticket", "/ban red bob"]
    {
        assert!(parse_command(format!("{start} {longest}").as_bytes()).is_ok(), "{start}");
        assert!(matches!(refused(&format!("{start} {too_long}")), Refusal::NoteTooLong(_)), "{start}");
    }
}

#[test]
fn settings_of_a_room_are_words_in_any_case() {
    assert_eq!(command("/access red PRIVATE"), order(Order::Access(Access::Private)));
    assert_eq!(command("/access red public"), order(Order::Access(Access::Public)));
    assert_eq!(command("/post red Moderators"), order(Order::Post(Speakers::Moderators)));
    assert_eq!(command("/post red everyone"), order(Order::Post(Speakers::Everyone)));
    assert_usage("/access <room> public|private", &["/access red", "/access red open", "/access red public now"]);
    assert_usage("/post <room> everyone|moderators", &["/post red", "/post red owner", "/post"]);
    assert_eq!(refused("/access r.d public"), Refusal::BadName);
}

#[test]
fn a_retention_is_a_time_or_the_default() {
    assert_eq!(command("/retention red Default"), order(Order::Retention(None)));
    assert_eq!(command("/retention red 30D"), order(Order::Retention(Retention::find("30d"))));
    for line in ["/retention red 59m", "/retention red ever"] {
        assert_eq!(refused(line), Refusal::Pointless(Retention::SYNTAX), "{line}");
    }
    assert_usage("/retention <room> <duration>|default", &["/retention red", "/retention red 1h 2h"]);
}

#[test]
fn an_order_about_a_user_has_nothing_behind_the_user() {
    assert_eq!(command("/unban Red  Bob \t"), order(Order::Unban(bob())));
    assert_eq!(command("/owner red\tbob"), order(Order::Owner(bob())));
    assert_usage(
        "/moderator <room> <user>",
        &["/moderator", "/moderator red", "/moderator red  ", "/moderator red bob x"],
    );
    assert_eq!(refused("/unmute red b.b"), Refusal::BadName);
    assert_eq!(refused("/unmute r.d bob"), Refusal::BadName);
}

#[test]
fn a_reason_is_the_rest_of_the_line() {
    assert_eq!(command("/kick red bob"), order(Order::Kick(bob(), Note::default())));
    assert_eq!(command("/kick red bob   spam  and 1m more"), order(Order::Kick(bob(), note("spam  and 1m more"))));
    assert_eq!(command("/kick red bob 1m"), order(Order::Kick(bob(), note("1m"))));
    assert_usage("/kick <room> <user> [reason]", &["/kick red", "/kick"]);
}

#[test]
fn what_cannot_be_a_duration_begins_the_reason() {
    let ban = |duration, reason: &str| order(Order::Ban(bob(), duration, reason.to_owned().into()));
    assert_eq!(command("/ban red bob"), ban(None, ""));
    assert_eq!(command("/ban red bob 1m"), ban(MINUTE, ""));
    assert_eq!(command("/ban red bob \t60s  for spam"), ban(MINUTE, "for spam"));
    assert_eq!(command("/ban red bob 5 times"), ban(None, "5 times"));
    assert_eq!(command("/ban red bob 0m"), ban(None, "0m"));
    assert_eq!(command("/ban red bob for 1m"), ban(None, "for 1m"));
    assert_eq!(command("/ban red bob 1m 2h"), ban(MINUTE, "2h"));
}

#[test]
fn a_mute_has_a_duration_and_no_reason() {
    assert_eq!(command("/mute red bob"), order(Order::Mute(bob(), None)));
    assert_eq!(command("/mute red bob 1m "), order(Order::Mute(bob(), MINUTE)));
    assert_usage("/mute <room> <user> [duration]", &["/mute red bob spam", "/mute red bob 1m spam", "/mute red"]);
}

#[test]
fn an_edit_has_a_text_whose_spaces_stay() {
    let edit = |words: &str| Post::Edit { room: red(), of: MessageId(7), text: text(words) };
    assert_eq!(command("/edit Red  7 a  b "), Command::Post { post: edit("a  b "), once: None });
    assert_eq!(command("/edit red 7  a"), Command::Post { post: edit(" a"), once: None });
    let keyed = Command::Post { post: edit("a"), once: Some("k".parse().unwrap()) };
    assert_eq!(command("/once k /edit red 7 a"), keyed);
    let wrong = ["/edit red", "/edit red 7", "/edit red 7 \u{200b}", "/edit red x a", "/edit red +7 a"];
    assert_usage("/edit <room> <id> <text>", &wrong);
}

#[test]
fn a_removal_may_have_a_reason() {
    let removal = |reason: &str| Command::Remove { room: red(), of: MessageId(7), reason: reason.to_owned().into() };
    assert_eq!(command("/remove red 7"), removal(""));
    assert_eq!(command("/remove red 7  a  b"), removal("a  b"));
    assert_usage("/remove <room> <id> [reason]", &["/remove red", "/remove red seven", "/remove"]);
}

#[test]
fn a_suspension_may_have_an_end_and_a_reason() {
    let suspend = |duration, reason: &str| Command::Suspend { user: bob(), duration, reason: reason.to_owned().into() };
    assert_eq!(command("/suspend Bob"), suspend(None, ""));
    assert_eq!(command("/suspend bob 1m for spam"), suspend(MINUTE, "for spam"));
    assert_eq!(command("/suspend bob for spam"), suspend(None, "for spam"));
    assert_usage("/suspend <user> [duration] [reason]", &["/suspend"]);
}

#[test]
fn names_and_numbers_of_moderators_have_no_control_characters() {
    for line in ["/kick re\u{7}d bob", "/kick red b\u{7}ob", "/edit red 7\u{7} a", "/access red pub\u{7}lic"] {
        assert!(matches!(refused(line), Refusal::ControlCharacter(_)), "{line:?}");
    }
}

#[test]
fn tabs_and_several_spaces_stand_between_words() {
    for line in [
        "/ban red bob 1m spam",
        "/kick red bob spam",
        "/mute red bob 1m",
        "/suspend bob 1m spam",
        "/remove red 7 spam",
        "/edit red 7 roses",
        "/topic red roses",
        "/invite red bob",
        "/retention red 30d",
    ] {
        assert_eq!(command(&line.replace(' ', "\t")), command(line), "{line}");
    }
    for line in ["/ban red \t bob  1m   spam", "/ban  red bob\t\t60s\tspam"] {
        assert_eq!(command(line), order(Order::Ban(bob(), MINUTE, note("spam"))), "{line:?}");
    }
    assert_eq!(command("/remove  red  7  spam"), command("/remove red 7 spam"));
}

#[test]
fn further_spaces_belong_to_a_topic() {
    assert_eq!(command("/topic red  All about roses "), order(Order::Topic(text(" All about roses "))));
    assert_eq!(command("/topic red \tAll about roses"), order(Order::Topic(text("\tAll about roses"))));
}

#[test]
fn what_shows_nothing_is_no_reason_and_no_topic() {
    let nothing = "\u{200b}\u{7} \u{3164}";
    assert_eq!(command(&format!("/topic red {nothing}")), Command::Topic(red()));
    assert_eq!(command(&format!("/kick red bob {nothing}")), order(Order::Kick(bob(), Note::default())));
    assert_eq!(command(&format!("/ban red bob 1m {nothing}")), order(Order::Ban(bob(), MINUTE, Note::default())));
    let removal = Command::Remove { room: red(), of: MessageId(7), reason: Note::default() };
    assert_eq!(command(&format!("/remove red 7 {nothing}")), removal);
    assert_eq!(command(&format!("/ticket {nothing}")), Command::Ticket(Note::default()));
}

#[test]
fn control_characters_are_left_out_of_a_reason_and_do_not_count() {
    let longest = "x".repeat(NOTE_MAX_BYTES);
    let typed = format!("\u{1b}{longest}\u{7}\u{202e}");
    assert_eq!(command(&format!("/kick red bob {typed}")), order(Order::Kick(bob(), note(&longest))));
    assert_eq!(command(&format!("/topic red {typed}")), order(Order::Topic(text(&longest))));
    assert_eq!(command(&format!("/ticket {typed}")), Command::Ticket(note(&longest)));
    let usage = "/topic <room> [text]".to_owned();
    assert_eq!(refused(&format!("/topic red {typed}x")), Refusal::NoteTooLong(usage));
}

#[test]
fn a_duration_is_at_most_ten_years_where_it_must_be_one() {
    let ten_years = Some(Duration::from_secs(3660 * 24 * 60 * 60));
    assert_eq!(command("/mute red bob 3660d"), order(Order::Mute(bob(), ten_years)));
    assert_usage("/mute <room> <user> [duration]", &["/mute red bob 3661d", "/mute red bob 0s", "/mute red bob 1"]);
    let suspended = |duration, reason: &str| Command::Suspend { user: bob(), duration, reason: note(reason) };
    assert_eq!(command("/suspend bob 3660d spam"), suspended(ten_years, "spam"));
    assert_eq!(command("/suspend bob 3661d spam"), suspended(None, "3661d spam"));
}

#[test]
fn a_retention_may_be_an_hour_and_ten_years() {
    for (typed, shown) in [("1h", "1h"), ("60m", "1h"), ("3660d", "3660d"), ("2W", "14d"), ("\"30d\"", "30d")] {
        let retention = Retention::find(shown);
        assert!(retention.is_some(), "{shown}");
        assert_eq!(command(&format!("/retention red {typed}")), order(Order::Retention(retention)), "{typed}");
    }
    for typed in ["3661d", "0h", "default1", "1y"] {
        assert_eq!(refused(&format!("/retention red {typed}")), Refusal::Pointless(Retention::SYNTAX), "{typed}");
    }
}

#[test]
fn a_wrong_name_is_told_from_a_wrong_argument() {
    for line in [
        "/topic r.d roses",
        "/post r.d everyone",
        "/retention r.d 30d",
        "/invite red b.b",
        "/kick r.d bob",
        "/kick red b.b spam",
        "/ban red b.b 1m",
        "/mute red b.b 1m",
        "/edit r.d 7 a",
        "/remove r.d 7",
        "/suspend b.b 1m",
        "/hook r.d ci",
        "/outhook r.d https://bot.example/",
        "/unhook r.d 000000ab",
        "/hooks r.d",
    ] {
        assert_eq!(refused(line), Refusal::BadName, "{line}");
    }
}

#[test]
fn numbers_of_messages_and_hooks_are_checked() {
    let removal = |of| Command::Remove { room: red(), of: MessageId(of), reason: Note::default() };
    assert_eq!(command("/remove red 18446744073709551614"), removal(u64::MAX - 1));
    assert_usage(
        "/remove <room> <id> [reason]",
        &["/remove red 18446744073709551615", "/remove red -7", "/remove red 7a"],
    );
    assert_usage("/edit <room> <id> <text>", &["/edit red 18446744073709551615 a", "/edit red 7.0 a", "/edit red a 7"]);
    let unhook = Command::Unhook { room: red(), id: crate::hook::HookId(0xab) };
    assert_eq!(command("/unhook Red 000000AB"), unhook);
    assert_usage("/unhook <room> <id>", &["/unhook red ab", "/unhook red 0x0000ab", "/unhook red 0000000ab"]);
}

#[test]
fn an_address_that_is_none_is_explained() {
    for url in ["bot.example", "https://me@bot.example/", "https://bot.example/#a", "http://bot.example:0/"] {
        assert_eq!(refused(&format!("/outhook red {url}")), Refusal::Pointless(Endpoint::SYNTAX), "{url}");
    }
}

proptest! {
    #[test]
    fn a_reason_is_kept_as_it_is_typed(reason in "[a-zé!\"][^\\p{C}\\p{Zl}\\p{Zp}]{0,60}") {
        let kept = note(&reason);
        prop_assert_eq!(command(&format!("/kick red bob {reason}")), order(Order::Kick(bob(), kept.clone())));
        prop_assert_eq!(command(&format!("/ban red bob {reason}")), order(Order::Ban(bob(), None, kept.clone())));
        let ban = order(Order::Ban(bob(), MINUTE, kept.clone()));
        prop_assert_eq!(command(&format!("/ban red bob 1m {reason}")), ban);
        let removal = Command::Remove { room: red(), of: MessageId(7), reason: kept.clone() };
        prop_assert_eq!(command(&format!("/remove red 7 {reason}")), removal);
        let suspension = Command::Suspend { user: bob(), duration: MINUTE, reason: kept };
        prop_assert_eq!(command(&format!("/suspend bob 1m {reason}")), suspension);
    }
}
