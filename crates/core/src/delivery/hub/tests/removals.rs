//! Users who are removed from a room, and what their sessions are told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// The session of a connection, which only keeps what it is told.
#[derive(Default)]
struct Kept {
    notes: Mutex<Vec<Eviction>>,
    works: AtomicUsize,
}

impl Evictable for Kept {
    fn note(&self, eviction: Eviction) {
        self.notes.lock().unwrap().push(eviction);
    }

    fn work(self: Arc<Self>) {
        self.works.fetch_add(1, Ordering::SeqCst);
    }
}

fn lobby() -> LogId {
    LogId::Room(RoomName::lobby())
}

/// Removes somebody for a reason.
fn ban(id: u64, user: &str, reason: &str) -> Entry {
    let (user, reason) = (Some(user.parse().unwrap()), Text::sanitise(reason).into());
    let ban = Moderation { action: Action::Ban, user, until: None, reason };
    Entry { content: Content::Moderation(ban), ..said(id, "ban") }
}

fn mute(id: u64, user: &UserName) -> Entry {
    let mute = Moderation { action: Action::Mute, user: Some(user.clone()), until: None, reason: Note::default() };
    Entry { content: Content::Moderation(mute), ..said(id, "mute") }
}

/// A hub where ann hears the lobby from 5 on, and her session.
fn hub() -> (Hub, Arc<Peer>, Arc<Kept>) {
    let (hub, ann, session) = (Hub::new(Arc::new(NoFlushWorkers), 100), peer(1), Arc::new(Kept::default()));
    hub.register_session(&session_key(1), by_password(made_at(5)), ann.clone(), session.clone());
    let topic = hub.listen(&lobby(), &ann, &session_key(1).user);
    topic.set_start(ConnectionId(1), Head { epoch: Epoch(1), last: MessageId(5) });
    topic.activate(ConnectionId(1), None, |_| None).run();
    (hub, ann, session)
}

#[test]
fn the_session_of_who_is_removed_is_told_where_why_and_by_which_entry() {
    let (hub, _ann, session) = hub();
    hub.deliver(&lobby(), &[said(6, "before"), ban(7, "ann", "spam"), said(8, "after")]).run();
    let told = Eviction { room: RoomName::lobby(), id: MessageId(7), reason: Text::sanitise("spam").into() };
    assert_eq!(*session.notes.lock().unwrap(), [told]);
    assert_eq!(session.works.load(Ordering::SeqCst), 1);
}

#[test]
fn a_session_is_told_of_nothing_that_happened_to_others_or_before_it_entered() {
    let (hub, ann, session) = hub();
    let user = &session_key(1).user;
    hub.deliver(&lobby(), &[kick(4, user), kick(5, user), ban(6, "cyd", "spam"), mute(7, user)]).run();
    hub.deliver(&LogId::Room("red".parse().unwrap()), &[kick(9, user)]).run();
    assert!(session.notes.lock().unwrap().is_empty());
    assert_eq!(session.works.load(Ordering::SeqCst), 0);
    hub.deliver(&lobby(), &[said(8, "still here")]).run();
    assert_eq!(heard(&ann).last().unwrap(), "MSG lobby bob still here\n");
}

#[test]
fn of_several_who_are_removed_at_once_each_hears_up_to_its_own_removal() {
    let (hub, ann, _session) = hub();
    let others = [(2, "cyd"), (3, "dan")].map(|(number, user)| {
        let other = peer(number);
        let topic = hub.listen(&lobby(), &other, &user.parse().unwrap());
        topic.activate(ConnectionId(number), None, |_| None).run();
        other
    });
    let talk =
        [said(6, "one"), ban(7, "ann", ""), said(8, "two"), ban(9, "cyd", ""), ban(10, "eve", ""), said(11, "three")];
    hub.deliver(&lobby(), &talk).run();
    hub.deliver(&lobby(), &[said(12, "four")]).run();
    let counts = [&ann, &others[0], &others[1]].map(|peer| heard(peer).len());
    assert_eq!(counts, [2, 4, 7]);
}
