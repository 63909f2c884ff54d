//! One event for many clients, of which each has its encoding.

use super::*;

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
