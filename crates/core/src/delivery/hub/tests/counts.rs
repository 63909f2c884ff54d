//! What the metrics are told of the connections, the sessions and the logs of a hub.

use parlor_proto::{Encoding, Format};

use super::*;

#[test]
fn connections_are_counted_by_their_framing_and_sessions_once_their_login_is_answered() {
    let hub = Hub::new(Arc::new(NoFlushWorkers), 100);
    let peers = [1, 2, 3].map(peer);
    peers.iter().for_each(|peer| hub.connect(peer.clone()));
    let websocket = Encoding { format: Format::Json, framing: Framing::WebSocket };
    peers[2].outbox().reply_in(websocket, &Encoded::new(&Event::Pong { token: None }));
    let counts = || [Framing::Lines, Framing::WebSocket].map(|framing| hub.connections_by(framing));
    assert_eq!((counts(), hub.connections()), ([2, 1], 3));
    hub.register_session(&session_key(1), by_password(made_at(5)), peers[0].clone(), Arc::new(NoSession));
    assert_eq!(hub.sessions(), 0);
    hub.activate_session(&session_key(1));
    assert_eq!(hub.sessions(), 1);
    hub.disconnect(ConnectionId(1));
    assert_eq!((counts(), hub.sessions()), ([1, 1], 1));
    hub.end_session(&session_key(1).user, ConnectionId(1));
    assert_eq!(hub.sessions(), 0);
}

#[test]
fn what_waits_is_counted_over_all_queues() {
    let hub = Hub::new(Arc::new(NoFlushWorkers), 100);
    let peers = [1, 2].map(peer);
    peers.iter().for_each(|peer| hub.connect(peer.clone()));
    peers[0].reply(&Event::Pong { token: None });
    peers[1].send(&Encoded::new(&Event::Pong { token: Some("7".to_owned()) })).run();
    assert_eq!(hub.queued_bytes(), "PONG\nPONG 7\n".len());
    heard(&peers[0]);
    assert_eq!(hub.queued_bytes(), "PONG 7\n".len());
}

#[test]
fn rooms_are_those_among_the_logs_that_somebody_hears() {
    let hub = Hub::new(Arc::new(NoFlushWorkers), 100);
    let user = &session_key(1).user;
    let logs = [LogId::Room(RoomName::lobby()), LogId::Feed(user.clone()), LogId::Inbox(user.clone())];
    let topics = logs.map(|log| hub.listen(&log, &peer(1), user));
    assert_eq!((hub.rooms(), hub.topics()), (1, 3));
    hub.unlisten(&topics[0], ConnectionId(1));
    assert_eq!((hub.rooms(), hub.topics()), (0, 2));
}

#[test]
fn a_pass_is_counted_when_somebody_waits_for_one() {
    let hub = Hub::new(Arc::new(NoFlushWorkers), 100);
    let (log, ann) = (LogId::Room(RoomName::lobby()), peer(1));
    let topic = hub.listen(&log, &ann, &session_key(1).user);
    topic.activate(ConnectionId(1), None, |_| None).run();
    let passes = || hub.deliveries().passes;
    hub.deliver(&log, &[said(1, "one")]).run();
    assert_eq!(passes(), 1);
    // Its outbox is about to be flushed already.
    hub.deliver(&log, &[said(2, "two")]).run();
    assert_eq!(passes(), 1);
    heard(&ann);
    ann.outbox().release_if_empty();
    hub.deliver(&log, &[said(3, "three")]).run();
    assert_eq!(passes(), 2);
}
