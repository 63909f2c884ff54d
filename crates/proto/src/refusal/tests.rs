//! Codes and explanations, which clients read.

use super::*;

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
