//! What an act comes to by the rights that were read, and what scripts are told of rights.

use parlor_core::rights::{Holder, Person};
use parlor_proto::{Generation, Note, Text};

use super::*;

fn holder(user: &str) -> Holder {
    Holder { user: user.parse().unwrap(), account: Timestamp::from_millis(1) }
}

fn person(user: &str) -> Person {
    Person { holder: holder(user), is_operator: false }
}

fn name(user: &str) -> UserName {
    user.parse().unwrap()
}

#[test]
fn only_what_changes_is_written_and_the_mode_always() {
    let before = RoomRights { owner: Some(holder("ann")), moderators: vec![holder("mod")], ..RoomRights::default() };
    let mut after = RoomRights { moderators: Vec::new(), access: Access::Private, ..before.clone() };
    after.banned.insert("bob".parse().unwrap(), Some(Timestamp::from_millis(7)));
    after.muted.insert("bob".parse().unwrap(), None);
    after.invited.insert("cyd".parse().unwrap());
    let (set, deleted) = changes(&before, &after);
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(set, [field("!", "-p"), field("bob!", "b7m0"), field("cyd+", "i")]);
    assert_eq!(deleted, ["mod+"]);
    assert_eq!(changes(&after, &after), (vec![field("!", "-p")], vec![]));
}

/// The fields that scripts judge by, as words.
fn fields(rights: &RoomRights) -> Vec<String> {
    judged(rights).into_iter().map(|(field, value)| format!("{field}={value}")).collect()
}

#[test]
fn of_several_roles_of_a_user_scripts_are_told_the_highest() {
    let mut rights = RoomRights { invited: ["ann", "bob", "cyd"].map(name).into(), ..RoomRights::default() };
    rights.moderators = vec![holder("bob"), holder("ann")];
    rights.owner = Some(holder("ann"));
    assert_eq!(fields(&rights), ["!=-", "ann+=w", "bob+=m", "cyd+=i"]);
}

#[test]
fn a_ban_and_a_mute_of_a_user_are_one_field() {
    let mut rights = RoomRights { access: Access::Private, post: Speakers::Moderators, ..RoomRights::default() };
    let at = |millis| Some(Timestamp::from_millis(millis));
    rights.banned = [(name("ann"), at(7)), (name("bob"), None)].into();
    rights.muted = [(name("ann"), None), (name("cyd"), at(9))].into();
    assert_eq!(fields(&rights), ["!=-pm", "ann!=b7m0", "bob!=b0", "cyd!=m9"]);
    rights.access = Access::Public;
    rights.banned.clear();
    assert_eq!(fields(&rights), ["!=-m", "ann!=m0", "cyd!=m9"]);
}

/// Numbers that look random and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn rights(&mut self) -> RoomRights {
        let mut rights = RoomRights::default();
        for user in ["ann", "bob", "cyd", "dan"] {
            let until = (self.below(2) == 0).then(|| Timestamp::from_millis(1));
            match self.below(8) {
                0 => rights.owner = Some(holder(user)),
                1 => rights.moderators.push(holder(user)),
                2 => rights.invited.extend([name(user)]),
                3 => rights.banned.extend([(name(user), until)]),
                4 => rights.muted.extend([(name(user), until)]),
                5 => {
                    rights.banned.extend([(name(user), until)]);
                    rights.muted.extend([(name(user), None)]);
                }
                _ => {}
            }
        }
        rights.access = if self.below(2) == 0 { Access::Public } else { Access::Private };
        rights.post = if self.below(2) == 0 { Speakers::Everyone } else { Speakers::Moderators };
        rights
    }
}

#[test]
fn whatever_the_rights_were_the_changes_lead_to_those_from_now_on() {
    let mut numbers = Numbers(7);
    for _ in 0..500 {
        let (before, after) = (numbers.rights(), numbers.rights());
        let (set, deleted) = changes(&before, &after);
        let mut stored = judged(&before);
        assert!(deleted.iter().all(|field| stored.remove(field).is_some()), "{before:?} {after:?}");
        let unchanged = |(field, value): &(String, String)| field != MODE && stored.get(field) == Some(value);
        assert!(!set.iter().any(unchanged), "{before:?} {after:?}");
        stored.extend(set);
        assert_eq!(stored, judged(&after));
    }
}

#[test]
fn rights_that_cannot_be_read_are_not_those_of_an_open_room() {
    let red: RoomName = "red".parse().unwrap();
    assert_eq!(decode(&red, ""), Ok(RoomRights::default()));
    let rights = Numbers(9).rights();
    assert_eq!(decode(&red, &rights.stored()), Ok(rights));
    for stored in ["{}", "x", "{\"owner\":null", "null"] {
        assert_eq!(decode(&red, stored).unwrap_err().to_string(), "the rights in the room red cannot be read");
    }
}

/// A room of ann, in which bob is too, and the author of a message.
fn ground(author: Option<&str>) -> Ground {
    Ground {
        now: Timestamp::from_millis(9),
        seq: 3,
        rights: RoomRights { owner: Some(holder("ann")), ..RoomRights::default() },
        exists: true,
        members: vec![name("ann"), name("bob")],
        author: author.map(name),
    }
}

fn act(by: &str, deed: Deed) -> Act {
    let (room, time) = ("red".parse().unwrap(), Timestamp::from_millis(1));
    Act { room, actor: person(by), generation: Generation(1), time, deed }
}

fn removal(by: &str) -> Act {
    act(by, Deed::Removal { of: MessageId(4), reason: Note::default() })
}

#[test]
fn a_text_is_removed_by_its_author_or_by_whoever_moderates_and_the_rights_stay() {
    let rights = ground(None).rights;
    for by in ["bob", "ann"] {
        let ruling = ground(Some("bob")).rule(&removal(by)).unwrap();
        let content = Content::Removal { of: MessageId(4), reason: Note::default() };
        assert_eq!((ruling.content, ruling.rights), (Some(content), rights.clone()), "{by}");
    }
    let denial = |author, by| ground(author).rule(&removal(by)).err();
    assert_eq!(denial(Some("ann"), "bob"), Some(Denial::NotAllowed("moderators of the room")));
    assert_eq!(denial(None, "ann"), Some(Denial::NoSuchMessage));
}

#[test]
fn nothing_is_judged_in_a_room_that_does_not_exist() {
    let nowhere = || Ground { exists: false, ..ground(Some("bob")) };
    let topic = Deed::Order { order: Order::Topic(Text::sanitise("roses").unwrap()), target: None };
    for deed in [topic, Deed::Succession(vec![holder("ann")])] {
        assert_eq!(nowhere().rule(&act("ann", deed)).err(), Some(Denial::NoSuchRoom));
    }
    assert_eq!(nowhere().rule(&removal("bob")).err(), Some(Denial::NoSuchRoom));
}

#[test]
fn an_order_counts_its_time_by_the_clock_of_redis_and_needs_those_who_are_inside() {
    let mute = Order::Mute(name("bob"), Some(std::time::Duration::from_millis(5)));
    let ruling = ground(None).rule(&act("ann", Deed::Order { order: mute, target: Some(person("bob")) })).unwrap();
    let muted = BTreeMap::from([(name("bob"), Some(Timestamp::from_millis(14)))]);
    assert_eq!(ruling.rights.muted, muted);
    let kick = |user: &str| {
        let order = Order::Kick(name(user), Note::default());
        ground(None).rule(&act("ann", Deed::Order { order, target: Some(person(user)) })).map(|ruling| ruling.rights)
    };
    assert_eq!((kick("bob"), kick("cyd")), (Ok(ground(None).rights), Err(Denial::Absent)));
}

#[test]
fn a_succession_of_those_who_are_there_comes_to_nothing() {
    let ruling = ground(None).rule(&act("bob", Deed::Succession(vec![holder("cyd")]))).unwrap();
    assert_eq!((ruling.content, ruling.rights), (None, ground(None).rights));
    let ruling = ground(None).rule(&act("bob", Deed::Succession(vec![holder("ann")]))).unwrap();
    assert_eq!((ruling.content, ruling.rights.owner), (None, None), "it belongs to the operators then");
}
