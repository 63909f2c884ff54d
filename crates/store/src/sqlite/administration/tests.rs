//! Orders of operators, carried out by a server whose logs are in the database, and by one whose logs are in memory.

use parlor_core::ports::{AppendResult, Deed, EnterResult, Moderation};
use parlor_core::rights::{Denial, Outhook, RoomRights};
use parlor_proto::{Access, Action, Note, Order, OuthookSecret, Text, Timestamp};
use parlor_testkit::{RecordingSink, person};

use super::*;
use crate::sqlite::Sqlite;
use crate::sqlite::tests::{NOW, Place, name, red, session, stored, text};

/// Without a history the logs are in memory.
const HISTORIES: [u64; 2] = [0, 10];

impl Place {
    fn carry_out_in(&self, room: RoomName, order: RoomOrder) -> StoreResult<Verdict> {
        let request = RoomRequest { room, by: name("op"), time: Timestamp::from_millis(NOW), order };
        let (verdict, flush) = self.server.requests.keeper.keep(None, &request)?;
        flush.run();
        Ok(verdict)
    }

    fn carry_out(&self, order: RoomOrder) -> StoreResult<Verdict> {
        self.carry_out_in(red(), order)
    }
}

fn moderation(action: Action, user: &str, reason: &str) -> Content {
    let reason: Note = Text::sanitise(reason).into();
    Content::Moderation(Moderation { action, user: Some(name(user)), until: None, reason })
}

#[test]
fn a_request_that_was_withdrawn_after_the_server_saw_it_is_not_carried_out() {
    for history in HISTORIES {
        let data = tempfile::tempdir().unwrap();
        let database = Database::open(data.path(), Durability::Process).unwrap();
        let room = red();
        database
            .change(move |connection| rights::save(connection, &room, &RoomRights::default()).map(|()| true))
            .unwrap();
        let server =
            Sqlite::open(data.path(), history, Durability::Process, Arc::new(RecordingSink::default())).unwrap();
        let ann = Holder { user: name("ann"), account: Timestamp::from_millis(1) };
        let order = RoomOrder::Transfer(Some(ann.clone()));
        let request = RoomRequest { room: red(), by: name("op"), time: Timestamp::from_millis(NOW), order };
        let number = database.add_request(&request).unwrap();
        assert_eq!(database.open_requests().unwrap(), [(number, request.clone())]);
        let owner = || server.store().governance.rights(&[red()]).unwrap()[0].clone()?.owner;
        assert_eq!(database.take_answer(number, true).unwrap(), None);
        assert_eq!(server.requests.keeper.keep(Some(number), &request).unwrap().0, withdrawn());
        assert_eq!(owner(), None);
        let number = database.add_request(&request).unwrap();
        server.notice_changes().unwrap();
        assert_eq!(database.take_answer(number, false).unwrap().as_deref(), Some("done"));
        assert_eq!(owner(), Some(ann));
        assert_eq!(database.open_requests().unwrap(), []);
    }
}

#[test]
fn an_answer_tells_why_nothing_was_done() {
    for history in HISTORIES {
        let place = Place::with(history);
        let database = Database::open(place.data.path(), Durability::Process).unwrap();
        let (room, order) = ("blue".parse().unwrap(), RoomOrder::Delete);
        let request = RoomRequest { room, by: name("op"), time: Timestamp::from_millis(NOW), order };
        let number = database.add_request(&request).unwrap();
        place.server.notice_changes().unwrap();
        let answer = database.take_answer(number, false).unwrap();
        assert_eq!(answer.as_deref(), Some("there is no room blue; parlor room list shows all"));
    }
}

#[test]
fn everybody_is_moved_out_of_a_room_that_is_deleted_and_hears_why() {
    for history in HISTORIES {
        let place = Place::with(history);
        assert_eq!(place.carry_out(RoomOrder::Delete), Ok(Verdict::Done));
        assert_eq!(place.sink.changes("red"), ["+ann", "+bob", "-ann", "-bob"]);
        let heard = place.sink.entries(&Place::log());
        let told: Vec<_> = heard[1..].iter().map(|it| (it.id.0, it.author.clone(), it.content.clone())).collect();
        let removed = |user| moderation(Action::Kick, user, "the room was deleted");
        assert_eq!(told, [(2, name("op"), removed("ann")), (3, name("op"), removed("bob"))]);
        assert_eq!((place.inside(), place.rights(), place.page()), (0, None, vec![]));
        assert_eq!(place.say(&place.ann, "late"), Ok(AppendResult::Denied(Denial::NotInRoom)));
        assert!(matches!(place.carry_out(RoomOrder::Delete), Ok(Verdict::Refused(_))));
    }
}

#[test]
fn nothing_of_a_deleted_room_is_left_but_its_numbers() {
    for history in HISTORIES {
        let place = Place::with(history);
        let store = place.server.store();
        assert!(store.personal.remember(&name("ann"), &red(), MessageId(1), 9).unwrap());
        let outhook = Outhook {
            secret: OuthookSecret::given("plo_1"),
            url: "https://bot.example/in".parse().unwrap(),
            by: name("ann"),
            made: Timestamp::from_millis(NOW),
            after: MessageId(1),
        };
        place.act(Deed::AddOuthook(outhook)).unwrap();
        place.order(Order::Topic(text("roses"))).unwrap();
        assert_eq!(store.outhooks.rooms().unwrap(), [red()]);
        assert_eq!(place.carry_out(RoomOrder::Delete), Ok(Verdict::Done));
        assert_eq!(store.outhooks.rooms().unwrap(), []);
        assert_eq!(store.personal.load(&name("ann")).unwrap(), Default::default());
        // The next one makes another room. What was sent with the same key before was said in the old one.
        assert!(matches!(place.enter(&place.bob), EnterResult::Member { members: 1, .. }));
        assert!(matches!(place.enter(&place.ann), EnterResult::Member { members: 2, .. }));
        let made = place.rights().unwrap();
        assert_eq!((made.owner, made.topic), (Some(person("bob").holder), Note::default()));
        assert_eq!(place.say(&place.ann, "hello"), stored(5));
        // The rights in it are kept as those in each room that has a log.
        let stored = place.server.database.read(rights::load).unwrap();
        let owners: Vec<_> = stored.into_iter().filter(|(room, _)| *room == red()).map(|(_, it)| it.owner).collect();
        assert_eq!(owners, if history == 0 { vec![] } else { vec![Some(person("bob").holder)] });
        let others = store.log.others_between(&[(Place::log(), MessageId(0), MessageId(5))]).unwrap();
        assert_eq!((others, place.page()), (vec![0], if history == 0 { vec![] } else { vec![5] }));
    }
}

#[test]
fn a_user_is_let_into_a_private_room_once_and_never_a_banned_one() {
    for history in HISTORIES {
        let place = Place::with(history);
        let admit = |user: &str| place.carry_out(RoomOrder::Admit(name(user))).unwrap();
        // Whoever may enter already needs no entry.
        assert_eq!((admit("cyd"), place.newest().id.0), (Verdict::Done, 1));
        place.order(Order::Access(Access::Private)).unwrap();
        place.order(Order::Ban(name("dan"), None, Note::default())).unwrap();
        assert_eq!((admit("cyd"), place.newest().id.0), (Verdict::Done, 4));
        assert_eq!(place.newest().content, moderation(Action::Invite, "cyd", "invitation of op"));
        assert_eq!((admit("cyd"), place.newest().id.0), (Verdict::Done, 4));
        assert!(matches!(admit("dan"), Verdict::Refused(_)));
        assert!(matches!(place.enter(&session(&place.server, "cyd")), EnterResult::Member { members: 3, .. }));
        assert!(matches!(place.enter(&session(&place.server, "dan")), EnterResult::Denied(Denial::Banned(None))));
        let nowhere = place.carry_out_in("nowhere".parse().unwrap(), RoomOrder::Admit(name("cyd"))).unwrap();
        assert!(matches!(nowhere, Verdict::Refused(why) if why.contains("no room nowhere")));
    }
}

#[test]
fn whoever_has_a_role_and_no_account_any_more_loses_it_with_a_transfer() {
    for history in HISTORIES {
        let place = Place::with(history);
        place.order(Order::Moderator(name("bob"))).unwrap();
        assert_eq!(place.carry_out(RoomOrder::Transfer(Some(person("cyd").holder))), Ok(Verdict::Done));
        let rights = place.rights().unwrap();
        assert_eq!((rights.owner, rights.moderators), (Some(person("cyd").holder), vec![]));
        assert_eq!(place.newest().content, moderation(Action::Owner, "cyd", ""));
        // Nobody is sent away by that.
        assert_eq!(place.inside(), 2);
    }
}

#[test]
fn the_lobby_is_not_deleted_and_not_given_away() {
    for history in HISTORIES {
        let place = Place::with(history);
        for order in [RoomOrder::Delete, RoomOrder::Transfer(Some(person("ann").holder)), RoomOrder::Transfer(None)] {
            let verdict = place.carry_out_in(RoomName::lobby(), order).unwrap();
            assert!(matches!(&verdict, Verdict::Refused(why) if why.contains("the lobby")), "{verdict:?}");
        }
    }
}

#[test]
fn what_cannot_be_written_leaves_the_room_as_it_was() {
    for history in HISTORIES {
        let place = Place::with(history);
        let before = place.rights();
        place.spoil("ALTER TABLE rights RENAME TO hidden");
        for order in [RoomOrder::Transfer(Some(person("cyd").holder)), RoomOrder::Delete] {
            assert!(place.carry_out(order.clone()).is_err(), "{order:?}");
        }
        for order in [Order::Topic(text("roses")), Order::Ban(name("bob"), None, Note::default())] {
            assert!(place.order(order.clone()).is_err(), "{order:?}");
        }
        assert_eq!((place.rights(), place.inside()), (before, 2));
        assert_eq!(place.sink.changes("red"), ["+ann", "+bob"]);
        // Nobody heard of it, and no number was used.
        assert_eq!(place.say(&place.bob, "two"), stored(2));
        assert_eq!(place.say(&place.ann, "three"), stored(3));
        assert_eq!(place.sink.ids(&Place::log()), [1, 2, 3]);
        // Whoever was put back is found again when the session ends.
        place.server.store().rooms.evict_predecessors(&session(&place.server, "bob")).unwrap();
        assert_eq!(place.sink.changes("red"), ["+ann", "+bob", "-bob"]);
        place.spoil("ALTER TABLE hidden RENAME TO rights");
        assert_eq!(place.carry_out(RoomOrder::Delete), Ok(Verdict::Done));
    }
}
