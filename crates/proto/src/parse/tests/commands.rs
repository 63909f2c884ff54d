//! All commands of the table, and those that have a secret.

use super::*;
use crate::ticket::{TicketId, Tickets};
use crate::verb::VERBS;

/// A line for each usage.
pub(super) fn line_of(info: &VerbInfo) -> String {
    let mut line = info.usage(true);
    for (form, example) in [
        ("public|private", "public"),
        ("everyone|moderators", "everyone"),
        ("<duration>|default", "default"),
        ("<id>|all", "000000ab"),
        ("text|json", "json"),
        ("<url>", "https://bot.example/"),
        ("<target>", "#red"),
        ("<old>", "old"),
        ("<new>", "new"),
        ("<room>", "red"),
        ("<user>", "bob"),
        ("<label>", "ci"),
        ("<text>", "hi"),
    ] {
        line = line.replace(form, example);
    }
    let id = if matches!(info.verb, Verb::Unhook | Verb::Uninvite) { "000000ab" } else { "7" };
    line.replace("<id>", id).split_once(" [").map_or(line.replace("<id>", id), |(least, _)| least.to_owned())
}

#[test]
fn every_word_of_the_table_is_read_as_its_command() {
    for info in VERBS.iter().filter(|info| info.available(true) && info.verb != Verb::Once) {
        let line = line_of(info);
        let command = parse_command(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error:?}")).unwrap();
        assert_eq!(command.verb(), if line == "/topic red" { Verb::Topic } else { info.verb }, "{line}");
    }
}

#[test]
fn lists_of_users_are_about_the_user_who_is_named() {
    let bob: fn() -> UserName = || "bob".parse().unwrap();
    assert_eq!(command("/subscribe Bob"), Command::Subscribe(bob()));
    assert_eq!(command("/unsubscribe bob"), Command::Unsubscribe(bob()));
    assert_eq!(command("/block bob"), Command::Block(bob()));
    assert_eq!(command("/unblock bob"), Command::Unblock(bob()));
    assert_eq!(command("/unsuspend bob"), Command::Unsuspend(bob()));
}

#[test]
fn a_ticket_is_the_rest_of_its_line() {
    let resumed = |secret: &str| {
        let (user, secret) = ("alice".parse().unwrap(), TicketSecret::given(secret));
        PreLoginCommand::Resume(TicketCredentials { secret, user })
    };
    assert_eq!(greeting("Resume Alice plt_07"), resumed("plt_07"));
    // Nothing else is checked here: a wrong secret is a failed login.
    assert_eq!(greeting("RESUME alice  no ticket"), resumed(" no ticket"));
    assert_eq!(greeting_refused("RESUME alice"), bad("RESUME <user> <secret>"));
    assert_eq!(greeting_refused("RESUME a.b plt_07"), Refusal::BadName);
}

#[test]
fn a_ticket_is_never_a_message() {
    for line in ["RESUME alice plt_07", " re\u{200b}sume alice p\u{200b}lt_07", "resume\tplt_"] {
        let error = parse_command(line.as_bytes()).unwrap_err();
        assert_eq!((error.verb, error.refusal), (Some(Verb::Resume), Refusal::AlreadyAuthenticated), "{line}");
    }
    assert_eq!(command("Resume the talk at 7"), message("Resume the talk at 7"));
    assert_eq!(command("Resume with an invitation, pli_07"), message("Resume with an invitation, pli_07"));
    assert_eq!(command("my ticket is plt_07"), message("my ticket is plt_07"));
}

#[test]
fn tickets_have_labels_and_ids() {
    assert_eq!(command("/ticket"), Command::Ticket(crate::note::Note::default()));
    assert_eq!(command("/ticket   my  laptop"), Command::Ticket(text("my  laptop").into()));
    assert_eq!(command("/revoke ALL"), Command::Revoke(Tickets::All));
    assert_eq!(command("/revoke 000000ab"), Command::Revoke(Tickets::One(TicketId(0xab))));
    for line in ["/revoke", "/revoke ab", "/revoke all now"] {
        assert_eq!(refused(line), bad("/revoke <id>|all"), "{line}");
    }
}

#[test]
fn both_passwords_of_a_change_have_the_length_of_passwords() {
    let (longest, too_long) = ("x".repeat(72), "x".repeat(73));
    assert!(matches!(command(&format!("/passwd {longest} {longest}")), Command::Passwd { .. }));
    assert_eq!(refused(&format!("/passwd {too_long} new")), Refusal::PasswordTooLong);
    assert_eq!(refused(&format!("/passwd old {too_long}")), Refusal::PasswordTooLong);
}

#[test]
fn an_invitation_opens_at_most_sixteen_rooms() {
    let line = format!("/invitation{}", " red".repeat(16));
    assert_eq!(command(&line), Command::Invitation(vec!["red".parse().unwrap(); 16]));
}
