//! Agreement with tungstenite: on random frames of a client both accept the same messages, and refuse the same frame
//! with the same code. Where they differ, [`difference`] says why. And each reads what the other writes.

mod support {
    pub(crate) mod frames;
    pub(crate) mod heard;
}

use std::io::{self, Cursor, Read, Write};

use parlor_websocket::{CloseCode, Decoder, Payload, Violation, close, ping, pong, text_header};
use proptest::prelude::*;
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

use support::frames::{Extra, frame, frame_with};
use support::heard::{Heard, hear};

/// Bytes that a message may have.
const LIMIT: u32 = 300;

/// A frame of a client, right or wrong.
#[derive(Debug, Clone)]
struct Sent {
    first: u8,
    payload: Vec<u8>,
    /// Announced besides the payload; a frame with any has no payload.
    missing: u64,
    extra: Extra,
    mask: Option<[u8; 4]>,
}

impl Sent {
    /// Length of the payload as the header says it.
    fn length(&self) -> u64 {
        self.payload.len() as u64 + self.missing
    }

    fn bytes(&self) -> Vec<u8> {
        frame_with(self.first, self.length(), self.extra, self.mask, &self.payload)
    }

    fn opcode(&self) -> u8 {
        self.first & 0x0f
    }
}

/// What both sides report: whole messages and control frames, and a close code if the peer is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Report {
    Text(String),
    Binary,
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
    Refused(u16),
}

/// The connection of tungstenite: the bytes of the peer, and what it writes.
struct Wire {
    input: Cursor<Vec<u8>>,
    written: Vec<u8>,
}

impl Wire {
    fn new(input: Vec<u8>) -> Self {
        Self { input: Cursor::new(input), written: Vec::new() }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.input.read(buffer)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What tungstenite reports of a stream.
fn theirs(role: Role, stream: Vec<u8>, limit: usize) -> Vec<Report> {
    let config = WebSocketConfig::default().max_message_size(Some(limit)).max_frame_size(Some(limit));
    let mut socket = WebSocket::from_raw_socket(Wire::new(stream), role, Some(config));
    let mut reports = Vec::new();
    loop {
        reports.push(match socket.read() {
            Ok(Message::Text(text)) => Report::Text(text.as_str().to_owned()),
            Ok(Message::Binary(_)) => Report::Binary,
            Ok(Message::Ping(payload)) => Report::Ping(payload.to_vec()),
            Ok(Message::Pong(payload)) => Report::Pong(payload.to_vec()),
            Ok(Message::Close(frame)) => {
                // A bad code is not an error there: the answer has the code of one.
                let (code, reason) =
                    frame.map_or((None, String::new()), |frame| (Some(frame.code.into()), frame.reason.to_string()));
                match (code, &*reason) {
                    (Some(1002), "Protocol violation") => Report::Refused(1002),
                    _ => Report::Close(code, reason),
                }
            }
            Ok(Message::Frame(frame)) => panic!("{frame} was read"),
            Err(Error::Capacity(_)) => Report::Refused(1009),
            Err(Error::Utf8(_)) => Report::Refused(1007),
            // The end of the stream.
            Err(Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake))
            | Err(Error::ConnectionClosed) => return reports,
            Err(Error::Protocol(_)) => Report::Refused(1002),
            Err(error) => panic!("{error}"),
        });
        if let Some(Report::Refused(_) | Report::Close(..)) = reports.last() {
            return reports;
        }
    }
}

/// What this crate reports of a stream, and the violation at its end.
fn ours(stream: &[u8]) -> (Vec<Report>, Option<Violation>) {
    let mut reports = Vec::new();
    let mut text = Vec::new();
    for heard in hear(&mut Decoder::new(LIMIT), [stream]) {
        reports.push(match heard {
            Heard::Text(piece) => {
                text.extend(piece);
                continue;
            }
            Heard::End => Report::Text(String::from_utf8(std::mem::take(&mut text)).expect("a message is UTF-8")),
            Heard::Ping(payload) => Report::Ping(payload),
            Heard::Pong(payload) => Report::Pong(payload),
            Heard::Close(code, reason) => Report::Close(code, reason),
            Heard::Refused(violation) => {
                reports.push(Report::Refused(violation.close_code().get()));
                return (reports, Some(violation));
            }
        });
    }
    (reports, None)
}

/// Why the two may differ at `frame`, which this crate accepts or refuses with `violation`.
fn difference(frame: &Sent, violation: Option<Violation>) -> Option<&'static str> {
    let is_control = frame.opcode() >= 8;
    let close_code = frame.payload.first_chunk().map(|code| u16::from_be_bytes(*code));
    match violation {
        Some(Violation::Binary) => Some("binary messages are for programs that have a use for them"),
        Some(Violation::Length) => {
            Some("tungstenite takes a length in more bytes than needed, and calls 64 bits too long")
        }
        Some(Violation::LongControl) if frame.length() <= 125 => Some("the same with a control frame"),
        Some(_) if frame.length() > LIMIT.into() => Some("tungstenite judges the length before everything else"),
        Some(Violation::CloseCode) if frame.payload.get(2..).is_some_and(|reason| str::from_utf8(reason).is_err()) => {
            Some("tungstenite judges the reason of a close frame before its code")
        }
        None if is_control && close_code == Some(1014) => Some("tungstenite does not know the code 1014 (bad gateway)"),
        _ => None,
    }
}

/// The frames of a stream up to the one that both refuse, or that they differ in.
fn compare(frames: &[Sent]) {
    let mut stream = Vec::new();
    let mut before = Vec::new();
    for frame in frames {
        stream.extend(frame.bytes());
        let (ours, violation) = ours(&stream);
        let theirs = theirs(Role::Server, stream.clone(), LIMIT as usize);
        if ours != theirs {
            assert!(difference(frame, violation).is_some(), "{frame:?}: {ours:?}, but tungstenite: {theirs:?}");
            // Neither has forgotten what came before.
            assert!(ours.starts_with(&before) && theirs.starts_with(&before));
            return;
        }
        if matches!(ours.last(), Some(Report::Refused(_) | Report::Close(..))) {
            return;
        }
        before = ours;
    }
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => "\\PC{0,9}".prop_map(String::into_bytes),
        // Characters without their beginning or end.
        3 => ("\\PC{1,4}", any::<prop::sample::Index>(), any::<bool>()).prop_map(|(text, at, is_first)| {
            let (first, second) = text.as_bytes().split_at(at.index(text.len()));
            if is_first { first.to_vec() } else { second.to_vec() }
        }),
        1 => prop::collection::vec(any::<u8>(), 0..6),
        2 => (115usize..310).prop_map(|length| vec![b'x'; length]),
        // Close frames.
        2 => (prop_oneof![995u16..1020, any::<u16>()], "\\PC{0,3}")
            .prop_map(|(code, reason)| [&code.to_be_bytes()[..], reason.as_bytes()].concat()),
    ]
}

fn sent() -> impl Strategy<Value = Sent> {
    let first = prop_oneof![
        12 => prop::sample::select(vec![0x81, 0x01]),
        12 => prop::sample::select(vec![0x00, 0x80]),
        6 => prop::sample::select(vec![0x89, 0x8a]),
        2 => Just(0x88),
        1 => any::<u8>(),
    ];
    let extra = prop_oneof![20 => Just(None), 1 => Just(Some(Extra::Two)), 1 => Just(Some(Extra::Eight))];
    let missing = prop_oneof![20 => Just(0), 1 => 301u64..100_000, 1 => 1 << 32..=u64::MAX];
    let mask = prop_oneof![20 => any::<[u8; 4]>().prop_map(Some), 1 => Just(None)];
    (first, payload(), extra, missing, mask).prop_map(|(first, payload, extra, missing, mask)| {
        let payload = if missing == 0 { payload } else { Vec::new() };
        let shortest = Extra::shortest(payload.len() as u64 + missing);
        let extra = match (shortest, extra) {
            (Extra::None, Some(extra)) | (Extra::Two, Some(extra @ Extra::Eight)) => extra,
            _ => shortest,
        };
        Sent { first, payload, missing, extra, mask }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn both_accept_the_same_messages_and_refuse_the_same_frames(frames in prop::collection::vec(sent(), 1..12)) {
        compare(&frames);
    }
}

/// Each difference exists: when tungstenite changes its mind, it leaves the list.
#[test]
fn the_differences_are_real() {
    let right = |first, payload: &[u8]| {
        let extra = Extra::shortest(payload.len() as u64);
        Sent { first, payload: payload.to_vec(), missing: 0, extra, mask: Some([1, 2, 3, 4]) }
    };
    for (frame, our_report, their_report) in [
        (right(0x82, b"a"), Report::Refused(1003), Report::Binary),
        (Sent { extra: Extra::Two, ..right(0x81, b"a") }, Report::Refused(1002), Report::Text("a".to_owned())),
        (
            Sent { missing: u64::MAX, extra: Extra::Eight, ..right(0x81, b"") },
            Report::Refused(1002),
            Report::Refused(1009),
        ),
        (Sent { extra: Extra::Two, ..right(0x89, b"") }, Report::Refused(1002), Report::Ping(vec![])),
        (right(0x89, &[0; 301]), Report::Refused(1002), Report::Refused(1009)),
        (right(0x88, b"\x00\x00\xff"), Report::Refused(1002), Report::Refused(1007)),
        (right(0x88, b"\x03\xf6"), Report::Close(Some(1014), String::new()), Report::Refused(1002)),
    ] {
        let (ours, violation) = ours(&frame.bytes());
        assert_eq!(ours, [our_report], "{frame:?}");
        assert_eq!(theirs(Role::Server, frame.bytes(), LIMIT as usize), [their_report], "{frame:?}");
        assert!(difference(&frame, violation).is_some(), "{frame:?}");
    }
}

/// A frame that a server writes, and what a client shall read.
fn written() -> impl Strategy<Value = (Vec<u8>, Report)> {
    let payload = prop::collection::vec(any::<u8>(), 0..=125);
    let text = prop_oneof![
        8 => "\\PC{0,40}",
        2 => prop::sample::select(vec![125, 126, 127, 65535, 65536, 70000]).prop_map(|length| "x".repeat(length)),
    ];
    prop_oneof![
        2 => text.prop_map(|text| {
            ([text_header(text.len()).as_bytes(), text.as_bytes()].concat(), Report::Text(text))
        }),
        1 => payload.clone().prop_map(|payload| {
            (ping(&Payload::new(&payload).expect("short enough")).as_bytes().to_vec(), Report::Ping(payload))
        }),
        1 => payload.prop_map(|payload| {
            (pong(&Payload::new(&payload).expect("short enough")).as_bytes().to_vec(), Report::Pong(payload))
        }),
    ]
}

proptest! {
    #[test]
    fn a_client_reads_what_a_server_writes(
        frames in prop::collection::vec(written(), 0..6),
        code in prop::sample::select(vec![None, Some(1000), Some(1001), Some(1009), Some(4001), Some(4999)]),
        reason in "\\PC{0,200}",
    ) {
        let mut stream: Vec<u8> = frames.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        stream.extend_from_slice(close(code.and_then(CloseCode::new), &reason).as_bytes());
        let mut reports = theirs(Role::Client, stream, 1 << 20);
        let Some(Report::Close(read, read_reason)) = reports.pop() else { panic!("{reports:?}") };
        prop_assert_eq!(read, code);
        prop_assert!(code.is_none() && read_reason.is_empty() || reason.starts_with(&read_reason));
        prop_assert!(code.is_none() || read_reason == reason || read_reason.len() > 119);
        prop_assert_eq!(reports, frames.into_iter().map(|(_, report)| report).collect::<Vec<_>>());
    }
}

/// A message that a client writes, and what this crate shall report.
fn said() -> impl Strategy<Value = (Message, Report)> {
    let payload = || prop::collection::vec(any::<u8>(), 0..=125);
    prop_oneof![
        2 => prop_oneof!["\\PC{0,40}", Just("x".repeat(LIMIT as usize))]
            .prop_map(|text| (Message::text(text.clone()), Report::Text(text))),
        1 => payload().prop_map(|payload| (Message::Ping(payload.clone().into()), Report::Ping(payload))),
        1 => payload().prop_map(|payload| (Message::Pong(payload.clone().into()), Report::Pong(payload))),
    ]
}

proptest! {
    #[test]
    fn a_server_reads_what_a_client_writes(said in prop::collection::vec(said(), 0..6)) {
        let mut socket = WebSocket::from_raw_socket(Wire::new(Vec::new()), Role::Client, None);
        let (messages, mut expected): (Vec<_>, Vec<_>) = said.into_iter().unzip();
        for message in messages {
            socket.send(message).expect("the wire takes everything");
        }
        socket.close(None).expect("the wire takes everything");
        expected.push(Report::Close(None, String::new()));
        prop_assert_eq!(ours(&socket.get_ref().written), (expected, None));
    }
}

/// Most random streams end early; this one does not.
#[test]
fn both_accept_a_conversation() {
    let stream = [
        frame(0x81, b"one"),
        frame(0x01, b"\xe2"),
        frame(0x89, b"beat"),
        frame(0x00, b""),
        frame(0x80, b"\x82\xac"),
        frame(0x8a, b""),
        frame(0x81, &[b'x'; LIMIT as usize]),
        frame(0x88, b"\x03\xe9bye"),
    ];
    let expected = vec![
        Report::Text("one".to_owned()),
        Report::Ping(b"beat".to_vec()),
        Report::Text("€".to_owned()),
        Report::Pong(vec![]),
        Report::Text("x".repeat(LIMIT as usize)),
        Report::Close(Some(1001), "bye".to_owned()),
    ];
    assert_eq!(theirs(Role::Server, stream.concat(), LIMIT as usize), expected);
    assert_eq!(ours(&stream.concat()), (expected, None));
}
