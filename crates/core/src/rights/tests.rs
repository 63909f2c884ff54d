//! The rules for rights, one by one. It must not use a store.

mod changes;
mod edges;
mod invariants;

use std::time::Duration;

use parlor_proto::{Action, Order, Text};

use super::*;
use crate::ports::Content;

fn person(user: &str) -> Person {
    let holder = Holder { user: user.parse().unwrap(), account: Timestamp::from_millis(1) };
    Person { holder, is_operator: user == "op" }
}

fn name(user: &str) -> UserName {
    user.parse().unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn red() -> RoomName {
    "red".parse().unwrap()
}

/// A room of ann with the moderators mod and med, in which bob and the operator are.
fn room() -> RoomRights {
    let mut rights = RoomRights::created_by(&red(), person("ann").holder, at(0));
    for moderator in ["mod", "med"] {
        act(&mut rights, "ann", &Order::Moderator(name(moderator))).unwrap();
    }
    rights
}

fn act(rights: &mut RoomRights, actor: &str, order: &Order) -> Result<Content, Denial> {
    act_at(rights, actor, order, 10)
}

fn act_at(rights: &mut RoomRights, actor: &str, order: &Order, now: i64) -> Result<Content, Denial> {
    let members = ["ann", "bob", "med", "mod", "op"].map(name);
    let target = order.user().map(|user| person(user.as_str()));
    let case = Case { actor: &person(actor), target: target.as_ref(), members: &members, now: at(now) };
    let before = rights.clone();
    let done = rights.carry_out(&red(), order, &case);
    if done.is_err() {
        *rights = before;
    }
    done
}

fn text(text: &str) -> Text {
    Text::sanitise(text).unwrap()
}

#[test]
fn each_order_needs_its_role() {
    let bob = || name("bob");
    let of_moderators = [
        Order::Topic(text("roses")),
        Order::Kick(bob(), Note::default()),
        Order::Ban(bob(), None, Note::default()),
        Order::Mute(bob(), None),
        Order::Unmute(bob()),
        Order::Unban(bob()),
    ];
    let of_owners = [
        Order::Access(Access::Private),
        Order::Post(Speakers::Moderators),
        Order::Retention(Retention::find("30d")),
        Order::Moderator(bob()),
        Order::Owner(bob()),
    ];
    for order in &of_moderators {
        assert!(matches!(act(&mut room(), "bob", order), Err(Denial::NotAllowed(_))), "{order:?}");
    }
    for order in &of_owners {
        for actor in ["bob", "mod"] {
            assert!(matches!(act(&mut room(), actor, order), Err(Denial::NotAllowed(_))), "{actor} {order:?}");
        }
    }
    for actor in ["mod", "ann", "op"] {
        let mut rights = room();
        of_moderators.iter().for_each(|order| drop(act(&mut rights, actor, order).unwrap()));
    }
    for actor in ["ann", "op"] {
        let mut rights = room();
        of_owners[..4].iter().for_each(|order| drop(act(&mut rights, actor, order).unwrap()));
    }
}

#[test]
fn nobody_moderates_their_equals_or_betters() {
    for (actor, target) in [("mod", "med"), ("mod", "ann"), ("ann", "op"), ("mod", "op")] {
        let target = name(target);
        for order in [
            Order::Kick(target.clone(), Note::default()),
            Order::Ban(target.clone(), None, Note::default()),
            Order::Mute(target.clone(), None),
        ] {
            assert!(matches!(act(&mut room(), actor, &order), Err(Denial::NotAllowed(_))), "{actor} {order:?}");
        }
    }
    assert!(matches!(act(&mut room(), "ann", &Order::Mute(name("ann"), None)), Err(Denial::Pointless(_))));
}

#[test]
fn a_ban_ends_by_the_clock() {
    let mut rights = room();
    let ban = Order::Ban(name("bob"), Some(Duration::from_millis(90)), text("spam").into());
    let Ok(Content::Moderation(done)) = act(&mut rights, "mod", &ban) else { panic!() };
    assert_eq!((done.until, done.reason.as_str()), (Some(at(100)), "spam"));
    assert_eq!(rights.judge_entering(&person("bob"), at(99)), Err(Denial::Banned(Some(at(100)))));
    assert_eq!(rights.judge_entering(&person("bob"), at(100)), Ok(()));
    act(&mut rights, "mod", &Order::Ban(name("bob"), None, Note::default())).unwrap();
    assert_eq!(rights.judge_entering(&person("bob"), at(i64::MAX)), Err(Denial::Banned(None)));
    assert!(matches!(act(&mut rights, "mod", &Order::Invite(name("bob"))), Err(Denial::Pointless(_))));
    act(&mut rights, "mod", &Order::Unban(name("bob"))).unwrap();
    assert_eq!(rights.judge_entering(&person("bob"), at(100)), Ok(()));
}

#[test]
fn a_mute_ends_by_the_clock() {
    let mut rights = room();
    act(&mut rights, "mod", &Order::Mute(name("bob"), Some(Duration::from_millis(90)))).unwrap();
    assert_eq!(rights.judge_speaking(&person("bob"), at(99)), Err(Denial::Muted(Some(at(100)))));
    assert_eq!(rights.judge_speaking(&person("bob"), at(100)), Ok(()));
    // Whatever comes later forgets what is over.
    act_at(&mut rights, "mod", &Order::Topic(text("roses")), 200).unwrap();
    assert!(rights.muted.is_empty());
}

#[test]
fn a_private_room_is_for_those_inside_and_the_invited() {
    let mut rights = room();
    act(&mut rights, "ann", &Order::Access(Access::Private)).unwrap();
    for user in ["ann", "mod", "op", "bob"] {
        assert_eq!(rights.judge_entering(&person(user), at(10)), Ok(()), "{user}");
    }
    let cyd = person("cyd");
    assert_eq!(rights.judge_entering(&cyd, at(10)), Err(Denial::InviteOnly));
    assert!(matches!(act(&mut rights, "bob", &Order::Invite(name("cyd"))), Err(Denial::NotAllowed(_))));
    act(&mut rights, "mod", &Order::Invite(name("cyd"))).unwrap();
    assert!(rights.judge_entering(&cyd, at(10)).is_ok() && rights.is_visible_to(&cyd));
    // A ban ends an invitation.
    act(&mut rights, "mod", &Order::Ban(name("cyd"), Some(Duration::from_millis(5)), Note::default())).unwrap();
    assert_eq!(rights.judge_entering(&cyd, at(100)), Err(Denial::InviteOnly));
}

#[test]
fn everybody_inside_invites_to_a_public_room() {
    assert!(act(&mut room(), "bob", &Order::Invite(name("cyd"))).is_ok());
    assert!(matches!(act(&mut room(), "cyd", &Order::Invite(name("dan"))), Err(Denial::NotAllowed(_))));
}

#[test]
fn only_those_with_a_role_speak_where_moderators_do() {
    let mut rights = room();
    act(&mut rights, "ann", &Order::Post(Speakers::Moderators)).unwrap();
    assert_eq!(rights.judge_speaking(&person("bob"), at(10)), Err(Denial::Muted(None)));
    for user in ["ann", "mod", "op"] {
        assert_eq!(rights.judge_speaking(&person(user), at(10)), Ok(()), "{user}");
    }
}

#[test]
fn a_room_is_handed_over_and_inherited() {
    let mut rights = room();
    act(&mut rights, "ann", &Order::Owner(name("bob"))).unwrap();
    let roles = |rights: &RoomRights| ["ann", "bob", "mod", "med"].map(|user| rights.role(&person(user)));
    assert_eq!(roles(&rights), [RoomRole::Moderator, RoomRole::Owner, RoomRole::Moderator, RoomRole::Moderator]);
    let Some(Content::Moderation(done)) = rights.succeed(&[person("bob").holder, person("ann").holder]) else {
        panic!()
    };
    assert_eq!((done.action, done.user), (Action::Owner, Some(name("mod"))));
    assert_eq!(roles(&rights), [RoomRole::Member, RoomRole::Member, RoomRole::Owner, RoomRole::Moderator]);
    assert_eq!(rights.succeed(&[person("mod").holder, person("med").holder]), None);
    assert_eq!((rights.owner, rights.moderators), (None, vec![]));
}

#[test]
fn the_next_account_of_a_name_has_no_role() {
    let rights = room();
    let next = Person { holder: Holder { account: at(2), ..person("ann").holder }, is_operator: false };
    assert_eq!(rights.role(&next), RoomRole::Member);
}

#[test]
fn the_lobby_stays_open_to_everybody() {
    let lobby = RoomName::lobby();
    let mut rights = RoomRights::created_by(&lobby, person("ann").holder, at(0));
    assert_eq!(rights.role(&person("ann")), RoomRole::Member);
    let (op, bob) = (person("op"), person("bob"));
    let members = [name("bob")];
    let case = Case { actor: &op, target: Some(&bob), members: &members, now: at(10) };
    for order in [
        Order::Access(Access::Private),
        Order::Kick(name("bob"), Note::default()),
        Order::Ban(name("bob"), None, Note::default()),
        Order::Owner(name("bob")),
    ] {
        assert!(matches!(rights.carry_out(&lobby, &order, &case), Err(Denial::Pointless(_))), "{order:?}");
    }
    assert!(rights.carry_out(&lobby, &Order::Mute(name("bob"), None), &case).is_ok());
}

#[test]
fn lists_are_bounded() {
    let mut rights = room();
    for number in 0..MAX_LISTED {
        rights.banned.insert(name(&format!("user{number}")), None);
    }
    assert!(matches!(
        act(&mut rights, "ann", &Order::Ban(name("bob"), None, Note::default())),
        Err(Denial::TooMany(_))
    ));
    assert!(act(&mut rights, "ann", &Order::Ban(name("user7"), None, Note::default())).is_ok());
}

#[test]
fn a_room_is_bare_until_something_is_set() {
    assert!(RoomRights::created_by(&red(), person("ann").holder, at(0)).is_bare());
    assert!(!room().is_bare());
}

#[test]
fn rights_are_read_as_they_were_written() {
    let mut rights = room();
    act(&mut rights, "mod", &Order::Ban(name("bob"), Some(Duration::from_secs(1)), Note::default())).unwrap();
    assert_eq!(RoomRights::read(&rights.stored()), Some(rights));
    assert_eq!(RoomRights::read("{}"), None);
}
