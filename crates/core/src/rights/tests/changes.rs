//! What each order changes besides what it is named after, and where lists end.

use super::*;
use crate::ports::SecretHash;
use crate::rights::{Hook, MAX_MODERATORS};

fn private_room() -> RoomRights {
    let mut rights = room();
    act(&mut rights, "ann", &Order::Access(Access::Private)).unwrap();
    rights
}

fn numbered(count: usize) -> impl Iterator<Item = UserName> {
    (0..count).map(|number| name(&format!("user{number:04}")))
}

#[test]
fn mutes_invitations_and_moderators_are_bounded_too() {
    let mut rights = private_room();
    rights.muted.extend(numbered(MAX_LISTED).map(|user| (user, None)));
    rights.invited = numbered(MAX_LISTED).collect();
    rights.moderators.extend((0..MAX_MODERATORS - 2).map(|number| person(&format!("mod{number}")).holder));
    for order in [Order::Mute(name("bob"), None), Order::Invite(name("bob")), Order::Moderator(name("bob"))] {
        assert!(matches!(act(&mut rights, "ann", &order), Err(Denial::TooMany(_))), "{order:?}");
    }
    for order in [Order::Mute(name("user0007"), None), Order::Invite(name("user0007"))] {
        assert!(act(&mut rights, "ann", &order).is_ok(), "{order:?}");
    }
    // What is over makes room.
    rights.muted.insert(name("user0007"), Some(at(5)));
    assert!(act(&mut rights, "ann", &Order::Mute(name("bob"), None)).is_ok());
    rights.moderators.pop();
    assert!(act(&mut rights, "ann", &Order::Moderator(name("bob"))).is_ok());
}

#[test]
fn a_room_with_too_many_members_cannot_become_private() {
    let (ann, order) = (person("ann"), Order::Access(Access::Private));
    let inside = |count| {
        let members: Vec<UserName> = numbered(count).collect();
        let case = Case { actor: &ann, target: None, members: &members, now: at(10) };
        room().carry_out(&red(), &order, &case)
    };
    assert!(inside(MAX_LISTED).is_ok());
    assert!(matches!(inside(MAX_LISTED + 1), Err(Denial::TooMany(_))));
}

#[test]
fn a_room_that_was_public_in_between_has_invited_nobody() {
    let mut rights = private_room();
    act(&mut rights, "ann", &Order::Invite(name("cyd"))).unwrap();
    assert!(rights.is_visible_to(&person("cyd")));
    for access in [Access::Public, Access::Private] {
        act(&mut rights, "ann", &Order::Access(access)).unwrap();
    }
    assert_eq!(rights.judge_entering(&person("cyd"), at(10)), Err(Denial::InviteOnly));
}

#[test]
fn a_dismissed_moderator_may_still_enter_a_private_room() {
    let mut rights = private_room();
    act(&mut rights, "ann", &Order::Moderator(name("cyd"))).unwrap();
    assert!(!rights.invited.contains(&name("cyd")));
    act(&mut rights, "ann", &Order::Unmoderator(name("cyd"))).unwrap();
    assert_eq!(rights.role(&person("cyd")), RoomRole::Member);
    assert_eq!(rights.judge_entering(&person("cyd"), at(10)), Ok(()));
}

#[test]
fn what_would_change_nothing_is_refused() {
    for order in [
        Order::Unban(name("bob")),
        Order::Unmute(name("bob")),
        Order::Unmoderator(name("bob")),
        Order::Moderator(name("mod")),
        Order::Moderator(name("ann")),
        Order::Owner(name("ann")),
    ] {
        assert!(matches!(act(&mut room(), "ann", &order), Err(Denial::Pointless(_))), "{order:?}");
    }
}

#[test]
fn a_ban_ends_the_role() {
    let mut rights = room();
    act(&mut rights, "ann", &Order::Ban(name("med"), Some(Duration::from_millis(90)), Note::default())).unwrap();
    assert_eq!(rights.role(&person("med")), RoomRole::Member);
    assert_eq!(rights.judge_entering(&person("med"), at(99)), Err(Denial::Banned(Some(at(100)))));
    assert_eq!(rights.role(&person("mod")), RoomRole::Moderator);
}

#[test]
fn the_room_of_a_banned_owner_belongs_to_the_operators() {
    let mut rights = room();
    act(&mut rights, "op", &Order::Ban(name("ann"), None, Note::default())).unwrap();
    assert_eq!((rights.owner.as_ref(), rights.role(&person("ann"))), (None, RoomRole::Member));
    assert_eq!(rights.judge_entering(&person("ann"), at(10)), Err(Denial::Banned(None)));
    assert_eq!(rights.role(&person("mod")), RoomRole::Moderator);
    act(&mut rights, "op", &Order::Owner(name("mod"))).unwrap();
    assert_eq!(rights.role(&person("mod")), RoomRole::Owner);
}

#[test]
fn whoever_is_banned_becomes_no_moderator() {
    let mut rights = room();
    act(&mut rights, "ann", &Order::Ban(name("bob"), Some(Duration::from_millis(90)), Note::default())).unwrap();
    let appoint = Order::Moderator(name("bob"));
    assert!(matches!(act_at(&mut rights, "ann", &appoint, 99), Err(Denial::Pointless(_))));
    assert!(act_at(&mut rights, "ann", &appoint, 100).is_ok());
}

#[test]
fn whoever_gets_a_room_is_not_banned_there_and_the_owner_before_is_the_first_moderator() {
    let mut rights = room();
    act(&mut rights, "ann", &Order::Ban(name("bob"), None, Note::default())).unwrap();
    act(&mut rights, "ann", &Order::Owner(name("bob"))).unwrap();
    assert!(rights.banned.is_empty());
    act(&mut rights, "bob", &Order::Owner(name("med"))).unwrap();
    let moderators: Vec<&str> = rights.moderators.iter().map(|moderator| moderator.user.as_str()).collect();
    assert_eq!(moderators, ["bob", "ann", "mod"]);
}

#[test]
fn an_invitation_to_the_server_opens_a_private_room_once() {
    let (op, cyd) = (name("op"), name("cyd"));
    assert_eq!(room().admit(&cyd, &op, at(10)), Ok(None));
    let mut rights = private_room();
    let Ok(Some(Content::Moderation(told))) = rights.admit(&cyd, &op, at(10)) else { panic!() };
    assert_eq!((told.action, told.user, told.reason.as_str()), (Action::Invite, Some(name("cyd")), "invitation of op"));
    assert_eq!(rights.judge_entering(&person("cyd"), at(10)), Ok(()));
    assert_eq!(rights.admit(&cyd, &op, at(10)), Ok(None));
    rights.banned.insert(name("dan"), Some(at(20)));
    assert!(matches!(rights.admit(&name("dan"), &op, at(19)), Err(Denial::Pointless(_))));
    assert!(matches!(rights.admit(&name("dan"), &op, at(20)), Ok(Some(_))));
}

#[test]
fn nobody_is_invited_into_the_lobby_and_its_topic_can_be_set() {
    let (lobby, op, bob) = (RoomName::lobby(), person("op"), person("bob"));
    let members = [name("bob"), name("op")];
    let case = Case { actor: &op, target: Some(&bob), members: &members, now: at(10) };
    let mut rights = RoomRights::created_by(&lobby, person("op").holder, at(0));
    let invite = Order::Invite(name("bob"));
    assert!(matches!(rights.carry_out(&lobby, &invite, &case), Err(Denial::Pointless(_))));
    for order in [Order::Topic(text("roses")), Order::Post(Speakers::Moderators), Order::Moderator(name("bob"))] {
        assert!(rights.carry_out(&lobby, &order, &case).is_ok(), "{order:?}");
    }
    assert_eq!(rights.judge_speaking(&bob, at(10)), Ok(()));
}

#[test]
fn a_setting_is_written_into_the_log_as_it_is_chosen() {
    let told = |order: &Order| match act(&mut room(), "ann", order) {
        Ok(Content::Moderation(told)) => (told.action, told.user, told.until, told.reason.as_str().to_owned()),
        other => panic!("{other:?}"),
    };
    let setting = |action, word: &str| (action, None, None, word.to_owned());
    assert_eq!(told(&Order::Access(Access::Private)), setting(Action::Access, "private"));
    assert_eq!(told(&Order::Post(Speakers::Moderators)), setting(Action::Post, "moderators"));
    assert_eq!(told(&Order::Retention(Retention::find("2w"))), setting(Action::Retention, "14d"));
    assert_eq!(told(&Order::Retention(None)), setting(Action::Retention, "default"));
    let mute = Order::Mute(name("bob"), Some(Duration::from_millis(90)));
    assert_eq!(told(&mute), (Action::Mute, Some(name("bob")), Some(at(100)), String::new()));
}

#[test]
fn a_hook_speaks_by_its_own_secret_only() {
    let (mut rights, ann) = (room(), person("ann"));
    let hook = |secret: &str, label: &str| Hook {
        hash: SecretHash::of(secret),
        label: name(label),
        by: name("ann"),
        made: at(0),
    };
    for (secret, label) in [("plh_1", "ci"), ("plh_2", "disk")] {
        rights.add_hook(&hook(secret, label), &ann).unwrap();
    }
    assert!(matches!(rights.add_hook(&hook("plh_3", "ci"), &ann), Err(Denial::Pointless(_))));
    let report = |rights: &RoomRights, secret: &str| rights.report(&SecretHash::of(secret), &text("full"));
    assert_eq!(report(&rights, "plh_2"), Ok(Content::Bot(text("full"))));
    assert_eq!(report(&rights, "plh_3"), Err(Denial::NoSuchHook));
    assert!(matches!(rights.remove_hook(hook("plh_1", "ci").id(), &person("bob")), Err(Denial::NotAllowed(_))));
    rights.remove_hook(hook("plh_1", "ci").id(), &ann).unwrap();
    assert_eq!(report(&rights, "plh_1"), Err(Denial::NoSuchHook));
    assert_eq!(rights.hook(&SecretHash::of("plh_2")).map(|hook| hook.label.as_str()), Some("disk"));
}
