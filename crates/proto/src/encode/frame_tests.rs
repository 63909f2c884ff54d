//! One event for many clients, of which each has its encoding.

use super::tests::{room, time, user};
use super::*;
use crate::ids::MessageId;
use crate::lists::RoomSummary;
use crate::reply::Reply;

#[test]
fn an_event_is_encoded_once_for_each_encoding() {
    let event = Event::Pong { token: None };
    let encoded = Encoded::new(&event);
    let frame = |format, framing| encoded.frame(Encoding { format, framing });
    for (format, framing, bytes) in [
        (Format::Text, Framing::WebSocket, &b"\x81\x04PONG"[..]),
        (Format::Text, Framing::Lines, b"PONG\n"),
        (Format::Json, Framing::Lines, b"{\"type\":\"pong\",\"token\":null}\n"),
        (Format::Json, Framing::WebSocket, b"\x81\x1c{\"type\":\"pong\",\"token\":null}"),
    ] {
        assert_eq!(frame(format, framing)[..], *bytes);
        assert!(Arc::ptr_eq(frame(format, framing), frame(format, framing)));
    }
}

#[test]
fn an_event_without_a_line_has_no_frame_in_that_format() {
    let event = Reply::Message { room: room("red"), id: MessageId(7), repeated: false }.into();
    let encoded = Encoded::new(&event);
    for framing in [Framing::WebSocket, Framing::Lines] {
        assert!(encoded.frame(Encoding { format: Format::Text, framing }).is_empty());
        assert!(!encoded.frame(Encoding { format: Format::Json, framing }).is_empty());
    }
}

#[test]
fn all_lines_of_a_list_are_in_one_websocket_message() {
    let rooms = ["lobby", "red"].map(|name| RoomSummary { room: room(name), members: 2 });
    let event = Event::Rooms { rooms: rooms.into() };
    let frame = Encoded::new(&event).frame(Encoding { format: Format::Text, framing: Framing::WebSocket }).to_vec();
    assert_eq!(frame, b"\x81\x22ROOM lobby 2\nROOM red 2\nOK rooms 2");
}

#[test]
fn events_are_appended_to_what_is_there() {
    let (joined, pong) = (Event::Joined { room: room("red"), user: user("bob") }, Event::Pong { token: None });
    let unwritten = Reply::Message { room: room("red"), id: MessageId(7), repeated: false }.into();
    let direct = Event::Direct { id: None, time: time(), from: user("bob"), text: String::from("hi").into() };
    for format in [Format::Text, Format::Json] {
        let mut all = Vec::new();
        let mut each = Vec::new();
        for event in [&joined, &pong, &unwritten, &direct] {
            encode(event, format, &mut all);
            each.extend_from_slice(Encoded::new(event).frame(format.into()));
        }
        assert_eq!(all, each);
    }
}
