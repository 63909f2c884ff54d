//! What roles are worth where a room is closed or quiet, and what no order brings about.

use super::*;
use crate::ports::SecretHash;
use crate::rights::{Hook, MAX_HOOKS};

/// Carries out what ann wants. `target` is the account of the user whom the order names.
fn order_on(rights: &mut RoomRights, order: &Order, target: Option<&Person>) -> Result<Content, Denial> {
    let case = Case { actor: &person("ann"), target, members: &[], now: at(10) };
    rights.carry_out(&red(), order, &case)
}

fn next_account(user: &str) -> Person {
    Person { holder: Holder { account: at(2), ..person(user).holder }, is_operator: false }
}

fn hook(number: usize) -> Hook {
    let label = name(&format!("bot{number}"));
    Hook { hash: SecretHash::of(&format!("plh_{number}")), label, by: name("ann"), made: at(7) }
}

#[test]
fn whoever_is_kicked_has_to_be_inside_and_whoever_is_banned_or_muted_need_not() {
    let kick = |user| Order::Kick(name(user), text("too loud").into());
    assert_eq!(act(&mut room(), "mod", &kick("cyd")), Err(Denial::Absent));
    let Ok(Content::Moderation(told)) = act(&mut room(), "mod", &kick("bob")) else { panic!() };
    assert_eq!((told.action, told.user, told.reason.as_str()), (Action::Kick, Some(name("bob")), "too loud"));
    for order in [Order::Ban(name("cyd"), None, Note::default()), Order::Mute(name("cyd"), None)] {
        assert!(act(&mut room(), "mod", &order).is_ok(), "{order:?}");
    }
}

#[test]
fn nobody_removes_or_silences_themselves_whatever_they_are() {
    for actor in ["mod", "ann", "op"] {
        let own = || name(actor);
        for order in [
            Order::Kick(own(), Note::default()),
            Order::Ban(own(), None, Note::default()),
            Order::Mute(own(), Some(Duration::from_secs(1))),
        ] {
            assert_eq!(act(&mut room(), actor, &order), Err(Denial::Pointless("Not yourself")), "{actor} {order:?}");
        }
    }
}

#[test]
fn whoever_has_a_role_needs_no_invitation() {
    let mut rights = room();
    act(&mut rights, "ann", &Order::Access(Access::Private)).unwrap();
    rights.invited.clear();
    for user in ["ann", "mod", "op"] {
        assert!(rights.is_visible_to(&person(user)), "{user}");
        assert_eq!(rights.judge_entering(&person(user), at(10)), Ok(()), "{user}");
    }
    assert!(!rights.is_visible_to(&person("bob")));
    assert_eq!(rights.judge_entering(&person("bob"), at(10)), Err(Denial::InviteOnly));
}

#[test]
fn a_ban_keeps_a_moderator_out_and_neither_the_owner_nor_an_operator() {
    let mut rights = room();
    rights.banned.extend(["ann", "mod", "op"].map(|user| (name(user), None)));
    for (user, judged) in [("ann", Ok(())), ("op", Ok(())), ("mod", Err(Denial::Banned(None)))] {
        assert_eq!(rights.judge_entering(&person(user), at(10)), judged, "{user}");
    }
}

#[test]
fn a_mute_holds_whatever_somebody_becomes() {
    let mut rights = room();
    rights.muted.extend(["ann", "mod", "op"].map(|user| (name(user), Some(at(20)))));
    for user in ["ann", "mod", "op"] {
        assert_eq!(rights.judge_speaking(&person(user), at(19)), Err(Denial::Muted(Some(at(20)))), "{user}");
        assert_eq!(rights.judge_speaking(&person(user), at(20)), Ok(()), "{user}");
    }
}

#[test]
fn it_is_looked_at_who_speaks_only_while_somebody_may_not() {
    let mut rights = room();
    assert!(rights.lets_everybody_speak());
    for (order, end) in [
        (Order::Mute(name("bob"), None), Order::Unmute(name("bob"))),
        (Order::Post(Speakers::Moderators), Order::Post(Speakers::Everyone)),
    ] {
        act(&mut rights, "ann", &order).unwrap();
        assert!(!rights.lets_everybody_speak(), "{order:?}");
        act(&mut rights, "ann", &end).unwrap();
        assert!(rights.lets_everybody_speak(), "{end:?}");
    }
}

#[test]
fn an_invitation_to_a_public_room_opens_no_private_one() {
    let mut rights = room();
    act(&mut rights, "bob", &Order::Invite(name("cyd"))).unwrap();
    act(&mut rights, "ann", &Order::Access(Access::Private)).unwrap();
    assert_eq!(rights.judge_entering(&person("cyd"), at(10)), Err(Denial::InviteOnly));
    assert!(matches!(act(&mut rights, "bob", &Order::Invite(name("cyd"))), Err(Denial::NotAllowed(_))));
}

#[test]
fn the_next_account_of_a_name_takes_the_place_of_the_one_before() {
    let users = |rights: &RoomRights| -> Vec<(String, i64)> {
        rights.holders().map(|holder| (holder.user.to_string(), holder.account.as_millis())).collect()
    };
    let mut rights = room();
    order_on(&mut rights, &Order::Moderator(name("mod")), Some(&next_account("mod"))).unwrap();
    assert_eq!(users(&rights), [("ann".to_owned(), 1), ("med".to_owned(), 1), ("mod".to_owned(), 2)]);
    order_on(&mut rights, &Order::Owner(name("med")), Some(&next_account("med"))).unwrap();
    assert_eq!(users(&rights), [("med".to_owned(), 2), ("ann".to_owned(), 1), ("mod".to_owned(), 2)]);
}

#[test]
fn nobody_gets_a_role_without_an_account() {
    for order in [Order::Moderator(name("cyd")), Order::Owner(name("cyd"))] {
        assert_eq!(order_on(&mut room(), &order, None), Err(Denial::Absent), "{order:?}");
    }
}

#[test]
fn everything_that_can_be_set_keeps_a_room() {
    for order in [
        Order::Topic(text("roses")),
        Order::Access(Access::Private),
        Order::Post(Speakers::Moderators),
        Order::Retention(Retention::find("30d")),
        Order::Ban(name("bob"), None, Note::default()),
        Order::Mute(name("bob"), None),
        Order::Moderator(name("bob")),
    ] {
        let mut rights = RoomRights::created_by(&red(), person("ann").holder, at(0));
        act(&mut rights, "ann", &order).unwrap();
        assert!(!rights.is_bare(), "{order:?}");
    }
    let mut rights = RoomRights::created_by(&red(), person("ann").holder, at(0));
    rights.add_hook(&hook(1), &person("ann")).unwrap();
    assert!(!rights.is_bare());
    rights.remove_hook(hook(1).id(), &person("ann")).unwrap();
    assert!(rights.is_bare());
}

#[test]
fn a_moderator_who_is_gone_is_forgotten_and_the_owner_stays() {
    let mut rights = room();
    assert_eq!(rights.succeed(&[person("mod").holder]), None);
    assert_eq!(rights.owner, Some(person("ann").holder));
    assert_eq!(rights.moderators, [person("med").holder]);
    // Nobody inherits from nobody.
    rights.owner = None;
    assert_eq!(rights.succeed(&[person("ann").holder]), None);
    assert_eq!(rights.role(&person("med")), RoomRole::Moderator);
}

#[test]
fn a_hook_is_made_once_and_a_full_room_takes_no_other() {
    let (mut rights, ann) = (room(), person("ann"));
    for number in 0..MAX_HOOKS {
        rights.add_hook(&hook(number), &ann).unwrap();
    }
    assert_eq!(rights.add_hook(&hook(MAX_HOOKS), &ann), Err(Denial::TooMany("hooks in a room")));
    assert_eq!(rights.add_hook(&hook(0), &ann), Ok(()));
    assert_eq!(rights.hooks.len(), MAX_HOOKS);
}

#[test]
fn a_hook_is_kept_by_the_hash_of_its_secret() {
    let mut rights = room();
    rights.add_hook(&hook(7), &person("ann")).unwrap();
    let (stored, hash) = (rights.stored(), hook(7).hash.expose());
    assert!(stored.contains(&hash) && !stored.contains("plh_7"), "{stored}");
    assert_eq!(RoomRights::read(&stored), Some(rights));
    assert_eq!(RoomRights::read(&stored.replace(&hash, &hash[1..])), None);
}
