//! Categories 1 to 5: frames, pings, reserved bits, opcodes, fragments. It must not care for what a text says.

use super::frames::frame;
use super::limits::bytes;
use super::{Answer, BINARY, CLOSE, Case, LAST, MORE, PING, PONG, Step, TEXT, TEXT_BEGINS, Verdict, echo, failed};

/// A short text, with nothing special.
const HELLO: &[u8] = b"Good morning";

pub(super) fn cases() -> Vec<Case> {
    [lengths(), pings(), reserved_bits(), opcodes(), control_fragments(), fragments(), misplaced(), interleaved()]
        .concat()
}

fn pong_of(payload: impl AsRef<[u8]>) -> Answer {
    Answer::Pong(payload.as_ref().to_vec())
}

/// 1.1 and 1.2.
fn lengths() -> Vec<Case> {
    let mut cases = Vec::new();
    let lengths = [0, 125, 126, 127, 128, 65535, 65536, 65536];
    for (length, number) in lengths.into_iter().zip(1..) {
        let payload = vec![b'*'; length];
        let case = Case::new(
            format!("1.1.{number}"),
            format!("text of {}", bytes(length)),
            &[frame(TEXT, &payload)],
            vec![echo(payload)],
        );
        cases.push(if number == 8 { case.in_pieces(997) } else { case });
    }
    for (length, number) in lengths.into_iter().zip(1..) {
        let case = binary(format!("1.2.{number}"), length, 1);
        cases.push(if number == 8 { case.in_pieces(997) } else { case });
    }
    cases
}

/// Binary messages of `length` bytes.
pub(super) fn binary(number: String, length: usize, count: usize) -> Case {
    let sends = if count == 1 {
        format!("binary of {}", bytes(length))
    } else {
        format!("{count} binaries of {}", bytes(length))
    };
    let frames = vec![frame(BINARY, &vec![0xfe; length]); count];
    Case::new(number, sends, &frames, vec![Answer::Close(Some(1003))]).with(Verdict::NoBinary)
}

/// 2.
fn pings() -> Vec<Case> {
    let ping = |number: &str, sends: &str, payload: &[u8]| {
        Case::new(number, sends, &[frame(PING, payload)], vec![pong_of(payload)])
    };
    let many: Vec<Vec<u8>> = (0..10).map(|number| format!("beat {number}").into_bytes()).collect();
    let ten = |number| {
        let frames: Vec<_> = many.iter().map(|payload| frame(PING, payload)).collect();
        Case::new(number, "10 pings with different payloads", &frames, many.iter().map(pong_of).collect())
    };
    vec![
        ping("2.1", "ping without payload", b""),
        ping("2.2", "ping with a text", HELLO),
        ping("2.3", "ping with bytes that are not UTF-8", b"\x00\xff\xfe\xfd\x00\xff"),
        ping("2.4", "ping of 125 bytes", &[0xfe; 125]),
        Case::new("2.5", "ping of 126 bytes", &[frame(PING, &[0xfe; 126])], failed()),
        ping("2.6", "ping of 125 bytes", &[0xfe; 125]).in_pieces(1),
        Case::new("2.7", "pong without payload", &[frame(PONG, b"")], vec![]),
        Case::new("2.8", "pong with payload", &[frame(PONG, b"beat")], vec![]),
        Case::new("2.9", "pong, ping", &[frame(PONG, b"beat"), frame(PING, b"beat 2")], vec![pong_of("beat 2")]),
        ten("2.10"),
        ten("2.11").in_pieces(1),
    ]
}

/// 3.
fn reserved_bits() -> Vec<Case> {
    let with = |bits: u8, first: u8| frame(first | bits << 4, HELLO);
    let after_text = |number: &str, bits| {
        let frames = [frame(TEXT, HELLO), with(bits, TEXT), frame(PING, b"")];
        let answers = vec![echo(HELLO), Answer::Close(Some(1002))];
        Case::new(number, format!("text, text with the reserved bits {bits}, ping"), &frames, answers)
    };
    let alone = |number: &str, bits, kind: &str, first| {
        Case::new(number, format!("{kind} with the reserved bits {bits}"), &[with(bits, first)], failed())
    };
    vec![
        alone("3.1", 1, "text", TEXT),
        after_text("3.2", 2),
        after_text("3.3", 3).frame_by_frame(),
        after_text("3.4", 4).in_pieces(1),
        alone("3.5", 5, "binary", BINARY),
        alone("3.6", 6, "binary", BINARY),
        alone("3.7", 7, "close frame", CLOSE),
    ]
}

/// 4.1 and 4.2.
fn opcodes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (group, lowest) in [("4.1", 3), ("4.2", 11)] {
        for number in 1..=5 {
            let opcode = lowest + number - 1;
            let payload = if number % 2 == 1 && number < 5 { &b""[..] } else { HELLO };
            let reserved = frame(0x80 | opcode, payload);
            let (number, name) =
                (format!("{group}.{number}"), format!("reserved opcode {opcode}, {} bytes", payload.len()));
            cases.push(if opcode - lowest < 2 {
                Case::new(number, name, &[reserved], failed())
            } else {
                let frames = [frame(TEXT, HELLO), reserved, frame(PING, b"")];
                let answers = vec![echo(HELLO), Answer::Close(Some(1002))];
                let case = Case::new(number, format!("text, {name}, ping"), &frames, answers);
                if opcode - lowest == 4 { case.in_pieces(1) } else { case }
            });
        }
    }
    cases
}

/// 5.1 and 5.2.
fn control_fragments() -> Vec<Case> {
    let case = |number: &str, name: &str, first: u8| {
        let frames = [frame(first & 0x0f, b"one"), frame(LAST, b"two")];
        Case::new(number, format!("{name} in 2 fragments"), &frames, failed())
    };
    vec![case("5.1", "ping", PING), case("5.2", "pong", PONG)]
}

/// 5.3 to 5.8.
fn fragments() -> Vec<Case> {
    let plain = |number: &str| {
        let frames = [frame(TEXT_BEGINS, b"one"), frame(LAST, b"two")];
        Case::new(number, "text in 2 fragments", &frames, vec![echo("onetwo")])
    };
    let with_ping = |number: &str| {
        let frames = [frame(TEXT_BEGINS, b"one"), frame(PING, b"beat"), frame(LAST, b"two")];
        let answers = vec![pong_of("beat"), echo("onetwo")];
        Case::new(number, "text in 2 fragments, a ping between them", &frames, answers)
    };
    vec![
        plain("5.3"),
        plain("5.4").frame_by_frame(),
        plain("5.5").in_pieces(1),
        with_ping("5.6"),
        with_ping("5.7").frame_by_frame(),
        with_ping("5.8").in_pieces(1),
    ]
}

/// 5.9 to 5.18.
fn misplaced() -> Vec<Case> {
    let nothing = |number: &str, name: &str, first| {
        let frames = [frame(first, b"nothing before"), frame(TEXT, HELLO)];
        Case::new(number, format!("{name} of nothing, text"), &frames, failed())
    };
    let last = |number| nothing(number, "last fragment", LAST);
    let more = |number| nothing(number, "fragment", MORE);
    let twice = |number: &str, name: &str, first| {
        let three = [frame(first, b"one"), frame(TEXT_BEGINS, b"two"), frame(LAST, b"three")];
        let frames = [three.clone(), three].concat();
        Case::new(number, format!("twice: {name} of nothing, text in 2 fragments"), &frames, failed())
    };
    let after_message = [frame(TEXT_BEGINS, b"one"), frame(LAST, b"two"), frame(MORE, b"three"), frame(TEXT, b"four")];
    vec![
        last("5.9"),
        last("5.10").frame_by_frame(),
        last("5.11").in_pieces(1),
        more("5.12"),
        more("5.13").frame_by_frame(),
        more("5.14").in_pieces(1),
        Case::new(
            "5.15",
            "text in 2 fragments, fragment of nothing, text",
            &after_message,
            vec![echo("onetwo"), Answer::Close(Some(1002))],
        ),
        twice("5.16", "fragment", MORE),
        twice("5.17", "last fragment", LAST),
        Case::new(
            "5.18",
            "text in 2 fragments that are both the first",
            &[frame(TEXT_BEGINS, b"one"), frame(TEXT, b"two")],
            failed(),
        ),
    ]
}

/// 5.19 and 5.20: a ping within a message is answered before the message ends. They differ only in how the suite writes.
fn interleaved() -> Vec<Case> {
    let before = vec![frame(TEXT_BEGINS, b"one"), frame(MORE, b"two"), frame(PING, b"beat 1")];
    let after = vec![frame(MORE, b"three"), frame(MORE, b"four"), frame(PING, b"beat 2"), frame(LAST, b"five")];
    let case = |number: &str| {
        let steps = vec![
            Step { sends: before.clone(), answers: vec![pong_of("beat 1")] },
            Step { sends: after.clone(), answers: vec![pong_of("beat 2"), echo("onetwothreefourfive")] },
        ];
        Case::of_steps(number, "text in 5 fragments, a ping after the second, a wait, a ping after the fourth", steps)
    };
    vec![case("5.19"), case("5.20").frame_by_frame()]
}
