//! Accounts that are gone, were made again, or block somebody, and what operators hear of all that.

use super::*;

#[test]
fn what_was_done_to_an_account_can_be_ended_when_it_is_gone() {
    let world = World::new();
    let (ann, _bob) = room(&world);
    ann.send("/ban red bob");
    world.delete_account("bob");
    ann.read();
    assert_eq!(ann.ask("/mute red bob"), ["ERR no-such-user There is no user bob"]);
    assert_eq!(ann.ask("/unban red bob"), ["OK unban red bob"]);
    assert_eq!(ann.ask("/unmute red bob"), ["ERR bad-argument This user is not muted there"]);
}

#[test]
fn an_account_that_is_made_again_does_not_keep_the_room() {
    let world = World::new();
    let (ann, bob) = room(&world);
    ann.send("/moderator red bob");
    world.delete_account("ann");
    world.advance(1);
    let next = world.login("ann");
    let info = next.ask("/room red");
    assert!(info.contains(&"ROOM-INFO owner bob".to_owned()), "{info:?}");
    assert!(info.contains(&"ROOM-INFO role member".to_owned()), "{info:?}");
    assert_eq!(bob.read().last().unwrap(), "MODERATED red bob owner ann succession");
}

#[test]
fn whoever_blocks_the_one_who_invites_is_not_told_and_may_enter() {
    let world = World::new();
    let (ann, _bob) = room(&world);
    let cyd = world.login("cyd");
    cyd.send("/block ann");
    ann.send("/access red private");
    cyd.read();
    assert_eq!(ann.ask("/invite red cyd").last().unwrap(), "OK invite red cyd");
    assert_eq!(cyd.read(), Vec::<String>::new());
    assert_eq!(cyd.ask("/inbox"), ["OK inbox 0"]);
    assert_eq!(cyd.ask("/join red"), ["OK join red 3"]);
}

#[test]
fn operators_hear_what_was_done_and_nothing_of_what_was_refused() {
    let world = World::new();
    let (ann, bob) = room(&world);
    world.reports();
    bob.send_raw(b"hello\n/kick red ann\n/kick red nobody\n");
    ann.send("/kick red bob in front of everybody");
    let audited: Vec<String> = world.reports().into_iter().filter(|line| line.starts_with("audited ")).collect();
    assert_eq!(audited, ["audited ann: kick red bob"]);
}

#[test]
fn a_room_from_which_one_was_kicked_is_not_remembered() {
    let world = World::new();
    let (ann, bob) = room(&world);
    bob.send_raw(b"/leave\n/open red\n");
    ann.send("/kick red bob");
    bob.disconnect();
    let bob = world.login("bob");
    assert_eq!(bob.ask("/sync"), ["OPEN lobby 1 0", "OK sync 1 0"]);
}

#[test]
fn who_has_the_lobby_open_is_told_who_is_there_after_a_kick() {
    let world = World::new();
    let (ann, bob) = room(&world);
    let cyd = world.login("cyd");
    bob.send_raw(b"/leave\n/open red\n/switch red\n/format json\n");
    cyd.send("good morning");
    bob.read();
    ann.send("/kick red bob");
    let moved = bob.read().pop().unwrap();
    assert!(moved.starts_with(r#"{"type":"moved","room":"lobby","members":2,"#), "{moved}");
    assert!(moved.ends_with(r#""last":1,"reason":""}"#), "{moved}");
    cyd.read();
    bob.send("in the lobby");
    assert_eq!(cyd.read(), ["MSG lobby bob in the lobby"]);
}

#[test]
fn an_owner_chooses_no_retention_unless_operators_let_owners() {
    let world = World::new();
    let (ann, bob) = room(&world);
    world.operator("op");
    let op = world.login("op");
    for setting in ["30d", "default"] {
        let refused = ann.ask(&format!("/retention red {setting}"));
        assert_eq!(refused, ["ERR not-allowed Only operators may do that"]);
    }
    assert_eq!(op.ask("/retention red 2w").last().unwrap(), "OK retention red 14d");
    assert_eq!(ann.read(), ["MODERATED red * retention op 14d"]);
    assert!(bob.ask("/room red").contains(&"ROOM-INFO retention 14d".to_owned()));
    assert_eq!(op.ask("/retention red default").last().unwrap(), "OK retention red default");
    assert!(!bob.ask("/room red").iter().any(|line| line.starts_with("ROOM-INFO retention")));
}

#[test]
fn a_room_passes_by_moderators_who_are_gone_too() {
    let world = World::new();
    let (ann, bob) = room(&world);
    world.account("cyd");
    ann.send_raw(b"/moderator red cyd\n/moderator red bob\n");
    world.delete_account("cyd");
    world.delete_account("ann");
    bob.read();
    assert_eq!(bob.ask("/topic red mine"), ["MODERATED red bob owner ann succession", "OK topic red mine"]);
    let info = bob.ask("/room red");
    assert!(info.contains(&"ROOM-INFO owner bob".to_owned()), "{info:?}");
    assert!(info.contains(&"ROOM-INFO moderators".to_owned()), "{info:?}");
}

#[test]
fn a_room_without_anybody_left_who_has_a_role_is_the_operators() {
    let world = World::new();
    let (_ann, bob) = room(&world);
    world.operator("op");
    let op = world.login("op");
    world.delete_account("ann");
    bob.read();
    assert!(!bob.ask("/room red").iter().any(|line| line.starts_with("ROOM-INFO owner ")));
    assert_eq!(bob.ask("/topic red mine"), ["ERR not-allowed Only moderators of the room may do that"]);
    assert_eq!(op.ask("/owner red bob").last().unwrap(), "OK owner red bob");
}

#[test]
fn a_moderator_whose_account_is_gone_can_be_dismissed() {
    let world = World::new();
    let (ann, _bob) = room(&world);
    ann.send("/moderator red bob");
    world.delete_account("bob");
    ann.read();
    assert_eq!(ann.ask("/unmoderator red bob"), ["OK unmoderator red bob"]);
    assert_eq!(ann.ask("/unmoderator red bob"), ["ERR bad-argument This user does not moderate the room"]);
}
