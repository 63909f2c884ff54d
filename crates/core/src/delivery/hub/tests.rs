//! The hub alone, with connections that have no socket.

mod counts;
mod entering;
mod removals;

use super::*;
use crate::delivery::outbox::Outbox;
use crate::ports::{Content, Head, Moderation, Transport};
use parlor_proto::{Action, MessageId, RoomName, Text};
use std::time::Duration;

struct NoTransport;

impl Transport for NoTransport {
    fn flush(&self, _outbox: &Outbox) {}

    fn interrupt(&self) {}

    fn pause(&self, _time: Duration) {}
}

struct NoFlushWorkers;

impl FlushWorkers for NoFlushWorkers {
    fn submit(&self, flush: Flush) {
        flush.run();
    }

    fn run_errand(&self, errand: Box<dyn FnOnce() + Send>) {
        errand();
    }

    fn count(&self) -> usize {
        1
    }
}

struct NoSession;

impl Evictable for NoSession {
    fn note(&self, _eviction: Eviction) {}

    fn work(self: Arc<Self>) {}
}

fn peer(number: u64) -> Arc<Peer> {
    Arc::new(Peer::new(ConnectionId(number), 1000, Arc::new(NoTransport)))
}

fn made_at(created: i64) -> AccountVersion {
    AccountVersion { created: Timestamp::from_millis(created), kicks: 0 }
}

fn by_password(version: AccountVersion) -> LoginProof {
    LoginProof { version, ticket: None }
}

fn session_key(generation: u64) -> SessionKey {
    SessionKey { user: "ann".parse().unwrap(), generation: Generation(generation) }
}

#[test]
fn a_session_that_begins_late_does_not_hide_its_successor() {
    let hub = Hub::new(Arc::new(NoFlushWorkers), 100);
    hub.register_session(&session_key(2), by_password(made_at(5)), peer(20), Arc::new(NoSession));
    hub.register_session(&session_key(1), by_password(made_at(5)), peer(10), Arc::new(NoSession));
    hub.end_session(&session_key(1).user, ConnectionId(10));
    hub.activate_session(&session_key(1));
    assert!(hub.peer_of(&session_key(2).user).is_none());
    hub.activate_session(&session_key(2));
    assert_eq!(hub.peer_of(&session_key(2).user).map(|peer| peer.connection()), Some(ConnectionId(20)));
    hub.end_session(&session_key(2).user, ConnectionId(20));
    assert!(hub.peer_of(&session_key(2).user).is_none());
}

#[test]
fn nothing_is_said_to_a_session_whose_login_is_not_answered_but_it_can_be_ended() {
    let (hub, ann) = (Hub::new(Arc::new(NoFlushWorkers), 100), peer(1));
    let (made, next) = (made_at(5), made_at(6));
    hub.register_session(&session_key(1), by_password(made), ann.clone(), Arc::new(NoSession));
    let message = UnloggedMessage {
        time: Timestamp::from_millis(0),
        from: "bob".parse().unwrap(),
        text: Text::sanitise("hi").unwrap(),
    };
    assert!(hub.direct(&session_key(1).user, &message).is_none());
    hub.notice(&message).run();
    assert_eq!(heard(&ann), [""; 0]);
    hub.activate_session(&session_key(1));
    assert!(hub.direct(&session_key(1).user, &message).is_some());
    hub.notice(&message).run();
    assert_eq!(heard(&ann), ["DM bob hi\n", "NOTICE bob hi\n"]);
    hub.register_session(&session_key(2), by_password(next), peer(2), Arc::new(NoSession));
    let goodbye = || hub.present.read().unwrap()[&session_key(2).user].peer.outbox().goodbye();
    hub.account_deleted(&session_key(2).user, made.created).run();
    assert_eq!(goodbye(), None);
    hub.account_deleted(&session_key(2).user, next.created).run();
    assert_eq!(goodbye(), Some(Bye::Kicked));
}

#[test]
fn a_kick_ends_only_sessions_that_were_verified_before_it() {
    let hub = Hub::new(Arc::new(NoFlushWorkers), 100);
    let (user, peer) = (session_key(1).user, self::peer(1));
    let kicks = |created, kicks| AccountVersion { kicks, ..made_at(created) };
    hub.register_session(&session_key(1), by_password(kicks(5, 1)), peer.clone(), Arc::new(NoSession));
    for other in [kicks(5, 0), kicks(5, 1), kicks(4, 2)] {
        hub.session_kicked(&user, other, Bye::Kicked).run();
        assert_eq!(peer.outbox().goodbye(), None, "{other:?}");
    }
    hub.session_kicked(&user, kicks(5, 2), Bye::Kicked).run();
    assert_eq!(peer.outbox().goodbye(), Some(Bye::Kicked));
    // The store lost the account, and the name has a newer one.
    let later = self::peer(2);
    hub.register_session(&session_key(2), by_password(kicks(5, 2)), later.clone(), Arc::new(NoSession));
    hub.session_kicked(&user, kicks(6, 1), Bye::Kicked).run();
    assert_eq!(later.outbox().goodbye(), Some(Bye::Kicked));
}

#[test]
fn a_revoked_ticket_ends_the_session_that_began_by_it_unless_it_revokes_it_itself() {
    let hub = Hub::new(Arc::new(NoFlushWorkers), 100);
    let (user, peer) = (session_key(1).user, self::peer(1));
    let proof = LoginProof { version: made_at(5), ticket: Some(TicketId(7)) };
    hub.register_session(&session_key(1), proof, peer.clone(), Arc::new(NoSession));
    for (tickets, by) in [(&[][..], None), (&[TicketId(6)], None), (&[TicketId(7)], Some(Generation(1)))] {
        hub.tickets_revoked(&user, tickets, by).run();
        assert_eq!(peer.outbox().goodbye(), None, "{tickets:?}");
    }
    hub.tickets_revoked(&user, &[TicketId(6), TicketId(7)], Some(Generation(2))).run();
    assert_eq!(peer.outbox().goodbye(), Some(Bye::LoggedOut));
}

#[test]
fn who_is_removed_while_entering_hears_nobody_come_or_go_after_it() {
    let (hub, ann) = (Hub::new(Arc::new(NoFlushWorkers), 100), peer(1));
    let (room, user) = (RoomName::lobby(), &session_key(1).user);
    let log = LogId::Room(room.clone());
    let topic = hub.listen(&log, &ann, user);
    topic.set_start(ConnectionId(1), Head { epoch: Epoch(1), last: MessageId(6) });
    hub.deliver(&log, &[kick(7, user)]).run();
    topic.activate(ConnectionId(1), Some(7), |_| None).run();
    let presence =
        |change| Presence { room: room.clone(), user: "cyd".parse().unwrap(), change, members: 3, version: 8 };
    [Change::Entered, Change::Left].into_iter().for_each(|change| hub.presence(&presence(change)).run());
    let lines = heard(&ann);
    assert!(lines.len() == 1 && lines[0].starts_with("MODERATED lobby ann kick "), "{lines:?}");
}

#[test]
fn who_is_kicked_hears_nothing_after_it_however_late_the_session_leaves() {
    let (hub, ann) = (Hub::new(Arc::new(NoFlushWorkers), 100), peer(1));
    let (log, user) = (LogId::Room(RoomName::lobby()), &session_key(1).user);
    let topic = hub.listen(&log, &ann, user);
    topic.activate(ConnectionId(1), None, |_| None).run();
    hub.deliver(&log, &[kick(7, user), said(8, "in the same delivery")]).run();
    hub.deliver(&log, &[said(9, "in the next one")]).run();
    hub.restarted(&log, Epoch(2));
    hub.deliver(&log, &[said(1, "in the next numbering")]).run();
    assert_eq!(heard(&ann), ["MODERATED lobby ann kick bob\n"]);
}

#[test]
fn a_kick_that_is_delivered_late_silences_nobody_who_entered_after_it() {
    let (hub, ann) = (Hub::new(Arc::new(NoFlushWorkers), 100), peer(1));
    let (log, user) = (LogId::Room(RoomName::lobby()), &session_key(1).user);
    let topic = hub.listen(&log, &ann, user);
    topic.set_start(ConnectionId(1), Head { epoch: Epoch(1), last: MessageId(7) });
    hub.deliver(&log, &[kick(7, user)]).run();
    topic.activate(ConnectionId(1), None, |_| None).run();
    hub.deliver(&log, &[said(8, "welcome back")]).run();
    assert_eq!(heard(&ann), ["MSG lobby bob welcome back\n"]);
}

#[test]
fn changes_that_are_in_the_answer_already_are_not_told_however_late_they_come() {
    let (hub, ann) = (Hub::new(Arc::new(NoFlushWorkers), 100), peer(1));
    let room: RoomName = "red".parse().unwrap();
    let topic = hub.listen(&LogId::Room(room.clone()), &ann, &session_key(1).user);
    topic.activate(ConnectionId(1), Some(7), |_| None).run();
    for (user, version) in [("bob", 6), ("cyd", 7), ("dan", 8)] {
        let (room, user) = (room.clone(), user.parse().unwrap());
        hub.presence(&Presence { room, user, change: Change::Entered, members: 3, version }).run();
    }
    assert_eq!(heard(&ann), ["JOIN red dan\n"]);
}

#[test]
fn a_channel_lives_as_long_as_somebody_listens() {
    let hub = Hub::new(Arc::new(NoFlushWorkers), 100);
    let log = LogId::Room("red".parse().unwrap());
    let user = session_key(1).user;
    let first = hub.listen(&log, &peer(1), &user);
    let second = hub.listen(&log, &peer(2), &user);
    assert!(Arc::ptr_eq(&first, &second));
    hub.unlisten(&first, ConnectionId(1));
    assert_eq!(hub.topics(), 1);
    hub.unlisten(&second, ConnectionId(2));
    hub.unlisten(&second, ConnectionId(2));
    assert_eq!(hub.topics(), 0);
    let again = hub.listen(&log, &peer(3), &user);
    hub.unlisten(&first, ConnectionId(3));
    assert!(!Arc::ptr_eq(&first, &again) && hub.topics() == 1);
}

#[test]
fn a_log_that_begins_anew_is_heard_from_its_first_number_on() {
    let hub = Hub::new(Arc::new(NoFlushWorkers), 100);
    let log = LogId::Room("red".parse().unwrap());
    let (recipient, newcomer) = (peer(1), peer(2));
    let topic = hub.listen(&log, &recipient, &session_key(1).user);
    topic.set_start(ConnectionId(1), crate::ports::Head { epoch: Epoch(1), last: parlor_proto::MessageId(7) });
    topic.activate(ConnectionId(1), None, |_| None).run();
    hub.listen(&log, &newcomer, &"cyd".parse().unwrap());
    hub.deliver(&log, &[said(8, "eight")]).run();
    hub.restarted(&log, Epoch(2));
    hub.restarted(&log, Epoch(2));
    hub.deliver(&log, &[said(1, "one")]).run();
    hub.restarted(&log, Epoch(2));
    hub.deliver(&log, &[said(1, "again")]).run();
    let mut told = None;
    let answer = |start: crate::ports::Head| {
        told = Some((start.epoch, start.last.0));
        None
    };
    topic.activate(ConnectionId(2), None, answer).run();
    assert_eq!(told, Some((Epoch(2), 0)));
    for peer in [recipient, newcomer] {
        assert_eq!(heard(&peer), ["MSG red bob eight\n", "MSG red bob one\n"]);
    }
}

#[test]
fn whoever_enters_while_deliveries_lag_hears_only_what_is_newer_than_its_answer() {
    let hub = Hub::new(Arc::new(NoFlushWorkers), 100);
    let log = LogId::Room("red".parse().unwrap());
    let head = |last| crate::ports::Head { epoch: Epoch(1), last: parlor_proto::MessageId(last) };
    let (early, late) = (peer(1), peer(2));
    let topic = hub.listen(&log, &early, &session_key(1).user);
    topic.set_start(ConnectionId(1), head(1));
    topic.activate(ConnectionId(1), None, |_| None).run();
    hub.listen(&log, &late, &"cyd".parse().unwrap());
    hub.deliver(&log, &[said(2, "two")]).run();
    topic.set_start(ConnectionId(2), head(4));
    hub.deliver(&log, &[said(3, "three")]).run();
    let mut told = None;
    let answer = |start: crate::ports::Head| {
        told = Some(start.last.0);
        None
    };
    topic.activate(ConnectionId(2), None, answer).run();
    hub.deliver(&log, &[said(4, "four"), said(5, "five")]).run();
    assert_eq!((told, heard(&late)), (Some(4), vec!["MSG red bob five\n".to_owned()]));
    assert_eq!(heard(&early).len(), 4);
}

fn kick(id: u64, user: &UserName) -> Entry {
    let kick = Moderation { action: Action::Kick, user: Some(user.clone()), until: None, reason: Note::default() };
    Entry { content: Content::Moderation(kick), ..said(id, "kick") }
}

fn said(id: u64, text: &str) -> Entry {
    Entry {
        id: parlor_proto::MessageId(id),
        time: Timestamp::from_millis(0),
        author: "bob".parse().unwrap(),
        to: None,
        content: Content::Said(Text::sanitise(text).unwrap()),
    }
}

fn heard(peer: &Peer) -> Vec<String> {
    let mut frames = Vec::new();
    peer.outbox().take(usize::MAX, &mut frames);
    String::from_utf8(frames.concat()).unwrap().split_inclusive('\n').map(str::to_owned).collect()
}
