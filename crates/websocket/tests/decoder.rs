//! What a decoder reports of a stream, and that the pieces in which it arrives do not matter.

mod support {
    pub(crate) mod frames;
    pub(crate) mod heard;
}

use parlor_websocket::{Decoder, Payload, Violation, close, ping, pong};
use proptest::prelude::*;

use support::frames::{Extra, frame, frame_with};
use support::heard::{Heard, hear};

const TEXT: u8 = 0x81;
const TEXT_BEGINS: u8 = 0x01;
const MORE: u8 = 0x00;
const LAST: u8 = 0x80;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

const LIMIT: u32 = 1000;

/// What a new decoder reports of a stream, at once and byte by byte.
fn heard(stream: &[u8]) -> Vec<Heard> {
    let whole = hear(&mut Decoder::new(LIMIT), [stream]);
    assert_eq!(hear(&mut Decoder::new(LIMIT), stream.chunks(1)), whole, "byte by byte");
    whole
}

fn text(text: impl AsRef<[u8]>) -> Heard {
    Heard::Text(text.as_ref().to_vec())
}

fn ping_of(payload: &[u8]) -> Heard {
    Heard::Ping(payload.to_vec())
}

fn refused(violation: Violation) -> Heard {
    Heard::Refused(violation)
}

#[test]
fn messages_are_texts_and_their_end() {
    let stream = [frame(TEXT, b"one"), frame(TEXT, b""), frame(TEXT, &[b'x'; 200])].concat();
    assert_eq!(heard(&stream), [text("one"), Heard::End, Heard::End, text("x".repeat(200)), Heard::End]);
}

#[test]
fn the_mask_is_removed_wherever_a_piece_begins() {
    for mask in [[0, 0, 0, 0], [1, 2, 3, 4], [0xff, 0, 0x80, 0x7f]] {
        for length in 0..12 {
            let payload = &b"abcdefghijkl"[..length];
            let stream = frame_with(TEXT, length as u64, Extra::None, Some(mask), payload);
            for size in 1..=stream.len() {
                let events = hear(&mut Decoder::new(LIMIT), stream.chunks(size));
                let expected = if length == 0 { vec![Heard::End] } else { vec![text(payload), Heard::End] };
                assert_eq!(events, expected, "{mask:?} {length} {size}");
            }
        }
    }
}

#[test]
fn a_text_leaves_as_it_arrives() {
    let stream = frame(TEXT, b"hello");
    let mut decoder = Decoder::new(LIMIT);
    assert_eq!(hear(&mut decoder, [&stream[..6]]), []);
    assert_eq!(hear(&mut decoder, [&stream[6..8]]), [text("he")]);
    assert_eq!(hear(&mut decoder, [&stream[8..]]), [text("llo"), Heard::End]);
}

#[test]
fn a_message_may_have_fragments_also_empty_ones() {
    let stream =
        [frame(TEXT_BEGINS, b"on"), frame(MORE, b""), frame(MORE, b"e"), frame(LAST, b""), frame(TEXT, b"two")];
    assert_eq!(heard(&stream.concat()), [text("one"), Heard::End, text("two"), Heard::End]);
    let empty = [frame(TEXT_BEGINS, b""), frame(MORE, b""), frame(LAST, b"")];
    assert_eq!(heard(&empty.concat()), [Heard::End]);
}

#[test]
fn control_frames_come_between_fragments() {
    let stream = [
        frame(TEXT_BEGINS, "€".as_bytes().split_at(1).0),
        frame(PING, b"\xff\x00"),
        frame(MORE, "€".as_bytes().split_at(1).1),
        frame(PONG, b""),
        frame(LAST, b"!"),
    ];
    let expected =
        [text(b"\xe2"), ping_of(b"\xff\x00"), text(b"\x82\xac"), Heard::Pong(vec![]), text(b"!"), Heard::End];
    assert_eq!(heard(&stream.concat()), expected);
}

#[test]
fn a_message_does_not_begin_within_another() {
    let begun = frame(TEXT_BEGINS, b"one");
    for first in [TEXT, TEXT_BEGINS, 0x82, 0x02] {
        let stream = [begun.clone(), frame(first, b"two")].concat();
        assert_eq!(heard(&stream), [text("one"), refused(Violation::Unfinished)]);
    }
    for first in [MORE, LAST] {
        assert_eq!(heard(&frame(first, b"")), [refused(Violation::NothingToContinue)]);
        let stream = [frame(TEXT, b"one"), frame(first, b"two")].concat();
        assert_eq!(heard(&stream), [text("one"), Heard::End, refused(Violation::NothingToContinue)]);
    }
}

#[test]
fn a_refusal_comes_with_the_first_byte_that_shows_it() {
    let long = frame_with(TEXT, 1001, Extra::Two, Some([0; 4]), b"");
    for (stream, at, violation) in [
        (frame(0xc1, b"one"), 0, Violation::ReservedBit),
        (frame(0x83, b"one"), 0, Violation::ReservedOpcode(3)),
        (frame(0x82, b"one"), 0, Violation::Binary),
        (frame(0x09, b"one"), 0, Violation::FragmentedControl),
        (frame(PING, &[0; 126]), 1, Violation::LongControl),
        (frame_with(TEXT, 3, Extra::None, None, b"one"), 1, Violation::Unmasked),
        (frame_with(TEXT, 3, Extra::Two, Some([0; 4]), b"one"), 3, Violation::Length),
        (long, 3, Violation::TooLong),
        (frame(CLOSE, b"\x03"), 6, Violation::CloseCode),
        (frame(TEXT, b"ab\xff"), 8, Violation::Utf8),
        (frame(TEXT, b"ab\xe2"), 8, Violation::Utf8),
    ] {
        let mut decoder = Decoder::new(LIMIT);
        let before = hear(&mut decoder, [&stream[..at]]);
        assert!(!before.contains(&refused(violation)), "{violation} too early");
        let last = hear(&mut decoder, [&stream[at..=at]]).pop();
        assert_eq!(last, Some(refused(violation)), "{violation} too late");
    }
}

#[test]
fn nothing_is_reported_after_a_refusal_or_a_close_frame() {
    let later = [frame(TEXT, b"two"), frame(PING, b""), frame(CLOSE, b""), vec![0xff; 20]].concat();
    let bad = frame(0x83, b"");
    assert_eq!(heard(&[bad, later.clone()].concat()), [refused(Violation::ReservedOpcode(3))]);
    let close = frame(CLOSE, b"\x03\xe8bye");
    assert_eq!(heard(&[close, later].concat()), [Heard::Close(Some(1000), "bye".to_owned())]);
}

#[test]
fn a_message_may_have_as_many_bytes_as_the_limit_and_no_more() {
    let full = vec![b'x'; 1000];
    assert_eq!(heard(&frame(TEXT, &full)), [text(&full), Heard::End]);
    assert_eq!(heard(&frame(TEXT, &[b'x'; 1001])), [refused(Violation::TooLong)]);
    // All fragments count together.
    let (begin, last) = (frame(TEXT_BEGINS, &full[..600]), frame(LAST, &full[..400]));
    assert_eq!(heard(&[begin.clone(), last].concat()), [text(&full), Heard::End]);
    let over = [begin, frame(LAST, &full[..401])].concat();
    assert_eq!(heard(&over), [text(&full[..600]), refused(Violation::TooLong)]);
    // The next message counts anew, and control frames do not count.
    let twice = [frame(TEXT_BEGINS, &full), frame(PING, &full[..125]), frame(LAST, b""), frame(TEXT, &full)].concat();
    assert_eq!(heard(&twice), [text(&full), ping_of(&full[..125]), Heard::End, text(&full), Heard::End]);
}

#[test]
fn the_largest_limits_do_not_overflow() {
    let almost = frame_with(TEXT_BEGINS, u64::from(u32::MAX), Extra::Eight, Some([0; 4]), b"a");
    assert_eq!(hear(&mut Decoder::new(u32::MAX), [&almost[..]]), [text("a")]);
    let over = frame_with(TEXT_BEGINS, 1 << 32, Extra::Eight, Some([0; 4]), b"a");
    assert_eq!(hear(&mut Decoder::new(u32::MAX), [&over[..]]), [refused(Violation::TooLong)]);
    assert_eq!(hear(&mut Decoder::new(0), [&frame(TEXT, b"")[..]]), [Heard::End]);
    assert_eq!(hear(&mut Decoder::new(0), [&frame(TEXT, b"a")[..]]), [refused(Violation::TooLong)]);
}

#[test]
fn a_character_may_be_cut_by_a_fragment_but_not_by_the_end_of_a_message() {
    let crab = "🦀".as_bytes();
    let fragments =
        [frame(TEXT_BEGINS, &crab[..1]), frame(MORE, &crab[1..3]), frame(MORE, b""), frame(LAST, &crab[3..])];
    assert_eq!(heard(&fragments.concat()), [text(crab), Heard::End]);
    for end in 1..4 {
        assert_eq!(heard(&frame(TEXT, &crab[..end])), [text(&crab[..end]), refused(Violation::Utf8)]);
        let fragments = [frame(TEXT_BEGINS, &crab[..end]), frame(LAST, b"")].concat();
        assert_eq!(heard(&fragments), [text(&crab[..end]), refused(Violation::Utf8)]);
        // Not even by the next message.
        let messages = [frame(TEXT, &crab[..end]), frame(TEXT, &crab[end..])].concat();
        assert_eq!(heard(&messages), [text(&crab[..end]), refused(Violation::Utf8)]);
    }
}

#[test]
fn text_before_a_bad_byte_is_reported_and_the_rest_is_not_waited_for() {
    assert_eq!(heard(&frame(TEXT, b"ab\xffcd")), [text("ab"), refused(Violation::Utf8)]);
    assert_eq!(heard(&frame(TEXT, b"\xffcd")), [refused(Violation::Utf8)]);
    let announced = frame_with(TEXT_BEGINS, 900, Extra::Two, Some([0; 4]), b"ab\xed\xa0");
    assert_eq!(heard(&announced), [text(b"ab\xed"), refused(Violation::Utf8)]);
}

#[test]
fn pings_and_pongs_have_up_to_125_bytes_of_anything() {
    for payload in [&b""[..], b"\x00\xff\xfe", &[0xc0; 125]] {
        assert_eq!(heard(&frame(PING, payload)), [ping_of(payload)]);
        assert_eq!(heard(&frame(PONG, payload)), [Heard::Pong(payload.to_vec())]);
    }
    // The payload of one is not left over in the next.
    let stream = [frame(PING, b"long one"), frame(PING, b"2")].concat();
    assert_eq!(heard(&stream), [ping_of(b"long one"), ping_of(b"2")]);
}

#[test]
fn a_close_frame_is_empty_or_has_a_valid_code_and_a_reason_in_utf_8() {
    let with_code = |code: u16, reason: &[u8]| frame(CLOSE, &[&code.to_be_bytes()[..], reason].concat());
    assert_eq!(heard(&frame(CLOSE, b"")), [Heard::Close(None, String::new())]);
    for code in [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999] {
        assert_eq!(heard(&with_code(code, b"")), [Heard::Close(Some(code), String::new())]);
    }
    let longest = "é".repeat(61) + "!";
    assert_eq!(heard(&with_code(1000, longest.as_bytes())), [Heard::Close(Some(1000), longest)]);
    assert_eq!(heard(&frame(CLOSE, b"\x03")), [refused(Violation::CloseCode)]);
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        assert_eq!(heard(&with_code(code, b"")), [refused(Violation::CloseCode)], "{code}");
    }
    assert_eq!(heard(&with_code(1000, b"a\xff")), [refused(Violation::Utf8)]);
    assert_eq!(heard(&with_code(1000, b"a\xe2\x82")), [refused(Violation::Utf8)]);
}

#[test]
fn a_close_frame_may_come_within_a_message() {
    let stream = [frame(TEXT_BEGINS, b"on"), frame(CLOSE, b"\x03\xe9"), frame(LAST, b"e")].concat();
    assert_eq!(heard(&stream), [text("on"), Heard::Close(Some(1001), String::new())]);
}

/// Frames of a server are refused, since they have no mask: two servers cannot be made to talk to each other.
#[test]
fn frames_of_a_server_are_refused() {
    let payload = Payload::new(b"beat").unwrap();
    for frame in [ping(&payload), pong(&payload), close(None, "")] {
        assert_eq!(heard(frame.as_bytes()), [refused(Violation::Unmasked)]);
    }
}

/// Frames that are mostly right, or bytes that are not.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        4 => "\\PC{0,9}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..6),
        1 => (100usize..140).prop_map(|length| vec![b'x'; length]),
    ];
    let first = prop_oneof![
        4 => prop::sample::select(vec![TEXT, TEXT_BEGINS]),
        6 => prop::sample::select(vec![MORE, LAST, PING, PONG]),
        1 => any::<u8>(),
    ];
    let frame = (first, payload).prop_map(|(first, payload)| frame(first, &payload));
    let bytes = prop::collection::vec(any::<u8>(), 1..20);
    prop::collection::vec(prop_oneof![9 => frame, 1 => bytes], 0..8).prop_map(|frames| frames.concat())
}

proptest! {
    #[test]
    fn the_pieces_do_not_matter(
        stream in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        limit in 0u32..300,
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let starts = std::iter::once(0).chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain([stream.len()]);
        let pieces = starts.zip(ends).map(|(start, end)| &stream[start..end]);
        let whole = hear(&mut Decoder::new(limit), [&stream[..]]);
        prop_assert_eq!(&hear(&mut Decoder::new(limit), pieces), &whole);
        prop_assert_eq!(&hear(&mut Decoder::new(limit), stream.chunks(1)), &whole);
    }
}
