//! The arguments of moderators, one by one.

use super::super::parse_command;
use super::*;
use crate::ids::MessageId;

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
