//! Codes and explanations, which clients read.

use std::collections::BTreeSet;

use super::*;
use crate::control_chars::is_control;
use crate::verb::{VERBS, VerbInfo};

#[test]
fn codes_stand_on_the_wire_as_the_encoders_write_them() {
    for (code, _) in RefusalCode::ALL {
        let json = serde_json::to_string(code).unwrap();
        assert_eq!(json, format!("\"{}\"", code.as_str()));
    }
}

#[test]
fn seconds_come_first_where_a_client_reads_them() {
    assert!(Refusal::TakeoverLoop(7).to_string().starts_with("7 "));
    assert!(Refusal::TooManyAttempts(9).to_string().starts_with("9 "));
}

#[test]
fn the_wanted_length_comes_first() {
    assert!(Refusal::PasswordTooShort(8).to_string().starts_with("8 characters "));
}

#[test]
fn what_a_guess_could_be_counts_as_a_login_failure_and_nothing_else() {
    for failure in [
        Refusal::BadCredentials,
        Refusal::BadTicket,
        Refusal::BadInvitation,
        Refusal::BadName,
        Refusal::BadArgument("LOGIN".to_owned()),
        Refusal::ControlCharacter("LOGIN".to_owned()),
        Refusal::PasswordTooLong,
    ] {
        assert!(failure.counts_as_login_failure(), "{failure:?}");
    }
    for other in [
        Refusal::PasswordTooShort(8),
        Refusal::NameTaken,
        Refusal::NameReserved,
        Refusal::RegistrationClosed,
        Refusal::LoginRequired,
        Refusal::TooManyAttempts(1),
        Refusal::AlreadyLoggedIn,
        Refusal::TakeoverLoop(1),
        Refusal::Suspended(None, Note::default()),
        Refusal::LineTooLong(9),
        Refusal::InvalidUtf8,
        Refusal::StoreUnavailable,
    ] {
        assert!(!other.counts_as_login_failure(), "{other:?}");
    }
}

fn room_refusals() -> Vec<Refusal> {
    let (room, user): (RoomName, UserName) = ("red".parse().unwrap(), "bob".parse().unwrap());
    vec![
        Refusal::AlreadyInRoom(room.clone()),
        Refusal::NotInRoom(room.clone()),
        Refusal::NoSuchRoom(room.clone()),
        Refusal::InviteOnly(room.clone()),
        Refusal::Banned(room.clone(), None),
        Refusal::Muted(room, None),
        Refusal::NoSuchUser(user.clone()),
        Refusal::AlreadySubscribed(user.clone()),
        Refusal::NotSubscribed(user.clone()),
        Refusal::Blocked(user),
        Refusal::InLobby,
        Refusal::NotAllowed("moderators"),
        Refusal::NoSuchMessage(MessageId(7)),
        Refusal::TooLate(900),
        Refusal::Forbidden,
        Refusal::LimitReached("rooms"),
        Refusal::SelfSubscription,
        Refusal::UnknownCommand,
        Refusal::LeadingSpace,
        Refusal::LoginTimeout(10),
        Refusal::AlreadyAuthenticated,
        Refusal::StoreUnavailable,
    ]
}

/// The refusals of lines and of logins.
fn early_refusals() -> Vec<Refusal> {
    vec![
        Refusal::LineTooLong(4096),
        Refusal::InvalidUtf8,
        Refusal::BadArgument("/leave".to_owned()),
        Refusal::BadName,
        Refusal::PasswordTooLong,
        Refusal::PasswordTooShort(8),
        Refusal::LoginRequired,
        Refusal::BadCredentials,
        Refusal::BadInvitation,
        Refusal::TooManyAttempts(9),
        Refusal::NameTaken,
        Refusal::NameReserved,
        Refusal::RegistrationClosed,
        Refusal::AlreadyLoggedIn,
        Refusal::TakeoverLoop(7),
        Refusal::Suspended(None, Note::from("spam".to_owned())),
    ]
}

/// The refusals that share the code of another one.
fn refusals_by_another_code() -> Vec<Refusal> {
    vec![
        Refusal::ControlCharacter("/leave".to_owned()),
        Refusal::NoteTooLong("/kick <room> <user> [reason]".to_owned()),
        Refusal::BeyondLast(MessageId(7)),
        Refusal::SelfBlock,
        Refusal::Pointless("There is no ban"),
        Refusal::NoSuchTicket,
        Refusal::NoSuchInvitation,
        Refusal::NoSuchHook,
        Refusal::BadTicket,
        Refusal::StoreFull,
    ]
}

fn every_refusal() -> Vec<Refusal> {
    [early_refusals(), room_refusals(), refusals_by_another_code()].concat()
}

#[test]
fn a_refusal_has_the_code_of_its_name_and_names_what_it_is_about() {
    for refusal in room_refusals() {
        let variant = format!("{refusal:?}");
        let name = variant.split('(').next().unwrap();
        assert_eq!(format!("{:?}", refusal.code()), name);
        let subject = ["red", "bob", "rooms", "moderators"].into_iter().find(|word| variant.contains(word));
        assert!(refusal.to_string().contains(subject.unwrap_or("")), "{refusal}");
    }
}

#[test]
fn several_explanations_share_the_code_of_a_wrong_argument_and_begin_with_the_usage() {
    let usage = "/kick <room> <user> [reason]";
    for refusal in [
        Refusal::BadArgument(usage.to_owned()),
        Refusal::ControlCharacter(usage.to_owned()),
        Refusal::NoteTooLong(usage.to_owned()),
    ] {
        assert_eq!(refusal.code(), RefusalCode::BadArgument);
        assert!(refusal.to_string().starts_with(usage), "{refusal}");
    }
    let others = [Refusal::BeyondLast(MessageId(7)), Refusal::SelfBlock, Refusal::NoSuchTicket, Refusal::NoSuchHook];
    for refusal in others.into_iter().chain([Refusal::NoSuchInvitation, Refusal::Pointless("no")]) {
        assert_eq!(refusal.code(), RefusalCode::BadArgument, "{refusal}");
    }
    assert_eq!(Refusal::StoreFull.code(), RefusalCode::StoreUnavailable);
}

#[test]
fn whoever_is_shut_out_is_told_until_when_and_why() {
    let until = Some(Timestamp::from_millis(0));
    let (room, end) = ("red".parse::<RoomName>().unwrap(), " until 1970-01-01T00:00:00.000Z");
    assert_eq!(Refusal::Banned(room.clone(), until).to_string(), format!("You are banned from red{end}"));
    assert_eq!(Refusal::Muted(room.clone(), until).to_string(), format!("You may not speak in red{end}"));
    assert_eq!(Refusal::Muted(room, None).to_string(), "You may not speak in red");
    let suspended = |until, reason: &str| Refusal::Suspended(until, reason.to_owned().into()).to_string();
    assert_eq!(suspended(until, "spam"), format!("This account is suspended{end}: spam"));
    assert_eq!(suspended(until, ""), format!("This account is suspended{end}"));
    assert_eq!(suspended(None, "spam"), "This account is suspended: spam");
}

#[test]
fn a_refusal_of_a_line_or_a_login_has_the_code_of_its_name() {
    for refusal in early_refusals() {
        let variant = format!("{refusal:?}");
        assert_eq!(Some(format!("{:?}", refusal.code()).as_str()), variant.split('(').next());
    }
    assert_eq!(Refusal::BadTicket.code(), RefusalCode::BadCredentials);
}

#[test]
fn every_code_but_the_reserved_one_is_that_of_a_refusal() {
    let made: BTreeSet<&str> = every_refusal().iter().map(|refusal| refusal.code().as_str()).collect();
    let sent: BTreeSet<&str> = RefusalCode::ALL.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(sent.len(), RefusalCode::ALL.len(), "two codes are the same");
    let missing: Vec<&str> = sent.difference(&made).copied().collect();
    assert_eq!(missing, ["user-offline"]);
    assert!(made.is_subset(&sent), "{made:?}");
}

#[test]
fn a_code_is_read_back_and_one_of_a_newer_server_is_unknown() {
    let read = |word: &str| serde_json::from_str::<RefusalCode>(&format!("\"{word}\"")).unwrap();
    for (code, _) in RefusalCode::ALL {
        assert_eq!(read(code.as_str()), *code);
    }
    for word in ["brand-new", "", "Banned", "no_such_room"] {
        assert_eq!(read(word), RefusalCode::Unknown, "{word}");
    }
    assert!(RefusalCode::ALL.iter().all(|(code, _)| *code != RefusalCode::Unknown), "no server sends it");
}

#[test]
fn an_explanation_is_one_line_without_spaces_around_it() {
    for refusal in every_refusal() {
        let shown = refusal.to_string();
        assert!(!shown.contains(is_control) && !shown.contains("  "), "{shown:?}");
        assert!(!shown.is_empty() && shown.trim() == shown, "{shown:?}");
    }
    for (code, meaning) in RefusalCode::ALL {
        assert!(meaning.ends_with('.') && meaning.trim() == *meaning, "{code}: {meaning:?}");
    }
}

#[test]
fn no_two_refusals_are_explained_alike() {
    let mut shown = BTreeSet::new();
    for refusal in every_refusal() {
        assert!(shown.insert(refusal.to_string()), "{refusal}");
    }
}

/// The words of a text that are commands of a session.
fn commands(text: &str) -> Vec<&str> {
    let words = text.split([' ', ';', ':', ',']);
    words.filter_map(|word| word.strip_prefix('/')).filter(|word| !word.starts_with('/')).collect()
}

#[test]
fn an_explanation_names_only_commands_that_there_are() {
    let mut named = BTreeSet::new();
    for refusal in every_refusal() {
        let shown = refusal.to_string();
        for command in commands(&shown) {
            assert!(VerbInfo::find(command, true).is_some(), "{shown}");
            named.insert(command.to_owned());
        }
    }
    for command in ["help", "open", "quit", "tickets", "hooks", "invitations"] {
        assert!(named.contains(command), "nothing leads to /{command}");
    }
}

#[test]
fn an_explanation_about_one_command_begins_with_its_usage() {
    let usage = |word| VerbInfo::find(word, true).unwrap().usage(true);
    assert_eq!(Refusal::BeyondLast(MessageId(7)).to_string(), usage("read") + " (the newest id there is 7)");
    assert!(Refusal::SelfBlock.to_string().starts_with(&usage("block")));
    let login = VerbInfo::find("login", false).unwrap().usage(false);
    assert!(Refusal::LoginRequired.to_string().starts_with(&format!("First {login}")));
}

#[test]
fn whoever_must_log_in_first_is_told_every_keyword() {
    let meaning = |wanted| RefusalCode::ALL.iter().find(|(code, _)| *code == wanted).unwrap().1;
    let required = meaning(RefusalCode::LoginRequired);
    let keywords: Vec<String> =
        VERBS.iter().filter(|info| info.available(false)).map(|info| info.word.to_ascii_uppercase()).collect();
    let is_keyword = |word: &&str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    let named: Vec<&str> = required.split([' ', ',']).filter(is_keyword).collect();
    assert_eq!(named, keywords);
}

#[test]
fn a_limit_is_told_as_a_number() {
    for (refusal, number) in [
        (Refusal::LineTooLong(4096), "4096 bytes"),
        (Refusal::PasswordTooLong, "72 bytes"),
        (Refusal::NoteTooLong(String::new()), "400 bytes"),
        (Refusal::BadName, "32 for a user"),
        (Refusal::BadName, "64 for a room"),
        (Refusal::LoginTimeout(10), "10 s"),
        (Refusal::TooLate(900), "900 seconds"),
        (Refusal::NoSuchMessage(MessageId(41)), "message 41"),
    ] {
        assert!(refusal.to_string().contains(number), "{refusal}");
    }
}

#[test]
fn codes_fill_their_column() {
    assert_eq!(format!("{:<10}|{:>8}|", RefusalCode::BadName, RefusalCode::Muted), "bad-name  |   muted|");
}
