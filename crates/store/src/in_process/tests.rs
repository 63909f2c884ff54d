//! Sessions, seats and acts in memory, with times that the tests set: what is forgotten, what is undone, and what is counted.

use parlor_core::DuplicateLogin;
use parlor_core::ports::{
    Act, ActResult, Claim, ClaimResult, Content, Deed, EnterResult, Rooms, SessionKey, Sessions, TakeoverLimit,
};
use parlor_proto::{Note, Order, Text};
use parlor_testkit::{RecordingSink, entrant, person};

use super::*;

fn live() -> (InProcessSessions, Arc<RecordingSink>) {
    let sink = Arc::new(RecordingSink::default());
    (InProcessSessions::new(sink.clone()), sink)
}

fn name(user: &str) -> UserName {
    user.parse().unwrap()
}

fn red() -> RoomName {
    "red".parse().unwrap()
}

/// Claims the session of ann at a time in seconds.
fn claim(live: &InProcessSessions, takeovers: Option<TakeoverLimit>, seconds: f64) -> ClaimResult {
    let (user, policy, at) = (name("ann"), DuplicateLogin::Takeover, Duration::from_secs_f64(seconds));
    live.claim(&Claim { user: &user, connection: ConnectionId(1), policy, takeovers, at }).unwrap()
}

fn session(live: &InProcessSessions, user: &str) -> SessionKey {
    let user = name(user);
    let (policy, at) = (DuplicateLogin::Takeover, Duration::ZERO);
    let claim = Claim { user: &user, connection: ConnectionId(1), policy, takeovers: None, at };
    let ClaimResult::Granted(generation) = live.claim(&claim).unwrap() else { panic!() };
    SessionKey { user, generation }
}

fn enter(live: &InProcessSessions, session_key: &SessionKey) -> EnterResult {
    live.enter(&entrant(session_key), &[red()], 9).unwrap().remove(0)
}

/// Whether a session may speak in the room.
fn speaks(live: &InProcessSessions, by: &SessionKey) -> Result<(), AppendResult> {
    live.judge(&Append {
        to: Destination::Room(red()),
        author: by.user.clone(),
        generation: by.generation,
        time: Timestamp::from_millis(7),
        content: Content::Said(Text::sanitise("hello").unwrap()),
        once: None,
    })
}

/// A room of ann, in which bob is, too.
fn ann_and_bob(live: &InProcessSessions) -> [SessionKey; 2] {
    let seats = ["ann", "bob"].map(|user| session(live, user));
    for seat in &seats {
        assert!(matches!(enter(live, seat), EnterResult::Member { .. }));
    }
    seats
}

fn act(by: &SessionKey, order: Order) -> Act {
    let target = order.user().map(|user| person(user.as_str()));
    let (actor, time) = (person(by.user.as_str()), Timestamp::from_millis(7));
    Act { room: red(), actor, generation: by.generation, time, deed: Deed::Order { order, target } }
}

#[test]
fn takeovers_are_counted_for_their_time_and_the_wait_is_told() {
    let (live, _) = live();
    let limit = Some(TakeoverLimit { max: 2, within: Duration::from_secs(10) });
    let is_granted = |seconds| matches!(claim(&live, limit, seconds), ClaimResult::Granted(_));
    // The first one takes nothing over.
    assert!(is_granted(0.0) && is_granted(1.0) && is_granted(4.0));
    let refused = |seconds, left| {
        assert_eq!(claim(&live, limit, seconds), ClaimResult::TakeoverLoop(Duration::from_secs_f64(left)));
    };
    refused(6.0, 5.0);
    refused(10.5, 0.5);
    // A takeover counts until its time is over; a refused one does not.
    assert!(is_granted(11.0));
    refused(12.0, 2.0);
    assert!(is_granted(14.0));
}

#[test]
fn a_logout_does_not_make_takeovers_forgotten() {
    let (live, _) = live();
    let limit = Some(TakeoverLimit { max: 1, within: Duration::from_secs(10) });
    for _ in 0..2 {
        assert!(matches!(claim(&live, limit, 0.0), ClaimResult::Granted(_)));
    }
    let generations = [Generation(1), Generation(2)];
    generations.iter().for_each(|generation| live.release(&name("ann"), *generation).unwrap());
    assert!(matches!(claim(&live, limit, 1.0), ClaimResult::Granted(_)), "there is nobody to take over from");
    assert_eq!(claim(&live, limit, 2.0), ClaimResult::TakeoverLoop(Duration::from_secs(8)));
}

#[test]
fn nothing_is_kept_of_a_user_or_a_room_that_was_left() {
    let (live, _) = live();
    let [ann, bob] = ann_and_bob(&live);
    let again = session(&live, "ann");
    let kept = || {
        let state = live.lock();
        (state.users.len(), state.rooms.len())
    };
    live.evict_predecessors(&again).unwrap();
    live.release(&ann.user, ann.generation).unwrap();
    assert_eq!(kept(), (2, 1));
    live.leave(&bob, &[red()]).unwrap();
    live.release(&bob.user, bob.generation).unwrap();
    assert_eq!(kept(), (1, 0));
    live.release(&again.user, again.generation).unwrap();
    assert_eq!(kept(), (0, 0));
}

#[test]
fn a_session_that_enters_again_changes_nothing() {
    let (live, sink) = live();
    let [ann, bob] = ann_and_bob(&live);
    let changes = sink.presences();
    let newest = changes.last().unwrap().version;
    for seat in [&ann, &bob] {
        // It has seen all changes so far.
        assert_eq!(enter(&live, seat), EnterResult::Member { members: 2, version: newest });
    }
    assert_eq!(sink.presences(), changes);
    // A later session takes the seat itself.
    let later = session(&live, "ann");
    assert!(matches!(enter(&live, &later), EnterResult::Member { members: 2, .. }));
    assert_eq!(speaks(&live, &ann), Err(AppendResult::Fenced));
    assert_eq!(speaks(&live, &later), Ok(()));
}

#[test]
fn an_act_holds_from_the_moment_it_is_staged_until_it_is_undone() {
    let (live, sink) = live();
    let [ann, bob] = ann_and_bob(&live);
    let before = live.rights(&[red()]);
    let ban = Order::Ban(name("bob"), None, Note::default());
    let staged = live.stage(&act(&ann, ban.clone()), None).ok().unwrap();
    assert_eq!(speaks(&live, &bob), Err(AppendResult::Denied(Denial::NotInRoom)));
    assert_eq!(enter(&live, &bob), EnterResult::Denied(Denial::Banned(None)));
    let told = sink.presences().len();
    live.undo(staged);
    assert_eq!((live.rights(&[red()]), speaks(&live, &bob)), (before, Ok(())));
    assert_eq!((live.counts(&[red()]).unwrap(), sink.presences().len()), (vec![2], told), "nobody heard of it");
    // The seat belongs to the session as before.
    live.evict_predecessors(&session(&live, "bob")).unwrap();
    assert_eq!(sink.changes("red"), ["+ann", "+bob", "-bob"]);
    let staged = live.stage(&act(&ann, ban), None).ok().unwrap();
    live.settle(staged).run();
    assert_eq!(sink.changes("red").len(), 3, "nobody was removed");
}

#[test]
fn what_is_undone_in_the_reverse_order_leaves_the_first_rights() {
    let (live, _) = live();
    let [ann, _] = ann_and_bob(&live);
    let topic = |text: &str| live.stage(&act(&ann, Order::Topic(Text::sanitise(text).unwrap())), None).ok().unwrap();
    let [one, two, same] = ["roses", "tulips", "tulips"].map(topic);
    assert!(same.rights.is_none(), "nothing is to be kept of what changes nothing");
    [same, two].into_iter().for_each(|staged| live.undo(staged));
    let topic = || live.rights(&[red()]).remove(0).unwrap().topic;
    assert_eq!(topic().as_str(), "roses");
    live.undo(one);
    assert_eq!(topic(), Note::default());
}

#[test]
fn a_later_session_moderates_in_the_place_of_the_earlier_one() {
    let (live, _) = live();
    let [ann, _] = ann_and_bob(&live);
    let later = session(&live, "ann");
    let topic = |by: &SessionKey| act(by, Order::Topic(Text::sanitise("roses").unwrap()));
    assert_eq!(live.stage(&topic(&ann), None).err(), Some(ActResult::Fenced));
    assert!(live.stage(&topic(&later), None).is_ok());
    let nobodys = Act { generation: Act::NO_SESSION, ..topic(&ann) };
    assert!(live.stage(&nobodys, None).is_ok(), "what no session does is not fenced");
}

#[cfg(feature = "sqlite")]
#[test]
fn whoever_enters_a_room_while_it_is_deleted_owns_the_next_one() {
    let (live, _) = live();
    let [ann, bob] = ann_and_bob(&live);
    live.keep([LogId::Room(red())].iter());
    let staged = live.stage_removals(&red()).unwrap();
    assert_eq!((staged.len(), live.counts(&[red()]).unwrap()), (2, vec![0]));
    // The removal is not written yet when bob comes back.
    assert!(matches!(enter(&live, &bob), EnterResult::Member { members: 1, .. }));
    staged.into_iter().for_each(|staged| live.settle(staged).run());
    live.end_room(&red(), Timestamp::from_millis(9));
    let rights = live.rights(&[red()]).remove(0).unwrap();
    assert_eq!((rights.owner, rights.created), (Some(person("bob").holder), Some(Timestamp::from_millis(9))));
    assert_eq!((speaks(&live, &bob), speaks(&live, &ann)), (Ok(()), Err(AppendResult::Denied(Denial::NotInRoom))));
    // It has no log any more that would keep it.
    live.leave(&bob, &[red()]).unwrap();
    assert_eq!(live.rights(&[red()]), [None]);
    assert!(live.stage_removals(&red()).is_none());
}
