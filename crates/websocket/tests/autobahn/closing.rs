//! Category 7: close frames. It must not look at how a connection ends beneath the frames.

use super::frames::frame;
use super::{Answer, CLOSE, Case, LAST, PING, TEXT, TEXT_BEGINS, Verdict, echo, failed};

pub(super) fn cases() -> Vec<Case> {
    [after_close(), payloads(), codes(), beyond()].concat()
}

/// A close frame with a code and a reason.
fn closing(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes()[..], reason].concat())
}

fn closed(code: u16) -> Vec<Answer> {
    vec![Answer::Close(Some(code))]
}

/// 7.1.
fn after_close() -> Vec<Case> {
    let normal = || closing(1000, b"");
    let (text, long) = (frame(TEXT, b"Good night"), vec![b'x'; 256 << 10]);
    let both = vec![echo(&long), echo("Good night"), Answer::Close(Some(1000))];
    vec![
        Case::new("7.1.1", "text, close 1000", &[text.clone(), normal()], vec![both[1].clone(), both[2].clone()]),
        Case::new("7.1.2", "close 1000, close", &[normal(), frame(CLOSE, b"")], closed(1000)),
        Case::new("7.1.3", "close 1000, ping", &[normal(), frame(PING, b"")], closed(1000)),
        Case::new("7.1.4", "close 1000, text", &[normal(), text.clone()], closed(1000)),
        Case::new(
            "7.1.5",
            "first fragment of a text, close 1000, last fragment",
            &[frame(TEXT_BEGINS, b"one"), normal(), frame(LAST, b"two")],
            closed(1000),
        ),
        Case::new(
            "7.1.6",
            "text of 256 KiB, text, close 1000, ping",
            &[frame(TEXT, &long), text, normal(), frame(PING, b"")],
            both,
        )
        .with(Verdict::Open),
    ]
}

/// 7.3 and 7.5.
fn payloads() -> Vec<Case> {
    let bad_reason = [&b"before"[..], &[0xed, 0xa0, 0x80], b"after"].concat();
    vec![
        Case::new("7.3.1", "close without a code", &[frame(CLOSE, b"")], vec![Answer::Close(None)]),
        Case::new("7.3.2", "close with 1 byte", &[frame(CLOSE, b"a")], failed()),
        Case::new("7.3.3", "close 1000 without a reason", &[closing(1000, b"")], closed(1000)),
        Case::new("7.3.4", "close 1000 with a reason", &[closing(1000, b"Good night")], closed(1000)),
        Case::new("7.3.5", "close 1000 with a reason of 123 bytes", &[closing(1000, &[b'*'; 123])], closed(1000)),
        Case::new("7.3.6", "close 1000 with a reason of 124 bytes", &[closing(1000, &[b'*'; 124])], failed()),
        Case::new("7.5.1", "close 1000 with a reason that is not UTF-8", &[closing(1000, &bad_reason)], closed(1007)),
    ]
}

/// 7.7 and 7.9.
fn codes() -> Vec<Case> {
    let valid = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
    let invalid = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
    let case = |number, code, answers| Case::new(number, format!("close {code}"), &[closing(code, b"")], answers);
    let valid = valid.into_iter().zip(1..).map(|(code, number)| case(format!("7.7.{number}"), code, closed(code)));
    let invalid = invalid.into_iter().zip(1..).map(|(code, number)| case(format!("7.9.{number}"), code, failed()));
    valid.chain(invalid).collect()
}

/// 7.13.
fn beyond() -> Vec<Case> {
    let case = |number: &str, code| {
        Case::new(number, format!("close {code}"), &[closing(code, b"")], failed()).with(Verdict::Open)
    };
    vec![case("7.13.1", 5000), case("7.13.2", 65535)]
}
