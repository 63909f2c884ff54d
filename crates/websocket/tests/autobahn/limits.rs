//! Categories 9 and 10: long messages, and many. It must not measure time.

use super::frames::frame;
use super::framing::binary;
use super::{Answer, BINARY, Case, LAST, LIMIT, MORE, TEXT, TEXT_BEGINS, Verdict, echo};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Sizes of the messages of 9.1 and 9.2.
const SIZES: [usize; 6] = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB];

/// Sizes of the fragments of 9.3 and 9.4.
const FRAGMENTS: [usize; 9] = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB];

/// Sizes of the pieces of 9.5 and 9.6.
const PIECES: [usize; 6] = [64, 128, 256, 512, KIB, 2 * KIB];

/// Sizes of the messages of 9.7 and 9.8.
const SHORT: [usize; 6] = [0, 16, 64, 256, KIB, 4 * KIB];

pub(super) fn cases() -> Vec<Case> {
    let limit = LIMIT as usize;
    let numbered = |group: &'static str| (1..).map(move |number| format!("9.{group}.{number}"));
    let mut cases = Vec::new();
    cases.extend(SIZES.into_iter().zip(numbered("1")).map(|(size, number)| long(number, size, limit)));
    cases.extend(SIZES.into_iter().zip(numbered("2")).map(|(size, number)| binary(number, size, 1)));
    cases.extend(
        FRAGMENTS.into_iter().zip(numbered("3")).map(|(size, number)| fragmented(number, 4 * MIB, size, limit)),
    );
    cases.extend(
        FRAGMENTS.into_iter().zip(numbered("4")).map(|(size, number)| fragmented_binary(number, 4 * MIB, size)),
    );
    cases.extend(PIECES.into_iter().zip(numbered("5")).map(|(size, number)| long(number, MIB, limit).in_pieces(size)));
    cases.extend(PIECES.into_iter().zip(numbered("6")).map(|(size, number)| binary(number, MIB, 1).in_pieces(size)));
    cases.extend(SHORT.into_iter().zip(numbered("7")).map(|(size, number)| many(number, size)));
    cases.extend(SHORT.into_iter().zip(numbered("8")).map(|(size, number)| binary(number, size, 1000)));
    cases.push(fragmented("10.1.1".to_owned(), 64 * KIB, 1300, limit));
    cases
}

/// The texts that are longer than the server takes, as they are with this limit.
pub(super) fn with_limit(limit: usize) -> Vec<Case> {
    let numbered = |group: &'static str| (1..).map(move |number| format!("9.{group}.{number}"));
    let mut cases: Vec<Case> =
        SIZES.into_iter().zip(numbered("1")).map(|(size, number)| long(number, size, limit)).collect();
    cases.extend(
        FRAGMENTS.into_iter().zip(numbered("3")).map(|(size, number)| fragmented(number, 4 * MIB, size, limit)),
    );
    // The first three are not too long.
    cases.split_off(3)
}

/// The answers to a text, or to one that is longer than the limit.
fn answers(text: Vec<u8>, limit: usize) -> (Vec<Answer>, Verdict) {
    if text.len() > limit {
        (vec![Answer::Close(Some(1009))], Verdict::TooLong)
    } else {
        (vec![echo(text)], Verdict::Same)
    }
}

fn long(number: String, size: usize, limit: usize) -> Case {
    let text = vec![b'x'; size];
    let frames = [frame(TEXT, &text)];
    let (answers, verdict) = answers(text, limit);
    Case::new(number, format!("text of {}", bytes(size)), &frames, answers).with(verdict)
}

/// A message in frames of at most `size` bytes.
fn frames(first: u8, message: &[u8], size: usize) -> Vec<Vec<u8>> {
    let count = message.len().div_ceil(size);
    let opcode = |index| if index == 0 { first } else { MORE };
    let is_final = |index| if index + 1 == count { LAST } else { MORE };
    message.chunks(size).enumerate().map(|(index, part)| frame(opcode(index) | is_final(index), part)).collect()
}

fn fragmented(number: String, length: usize, size: usize, limit: usize) -> Case {
    let text = vec![b'x'; length];
    let frames = frames(TEXT_BEGINS, &text, size);
    let (answers, verdict) = answers(text, limit);
    let sends = format!("text of {} in fragments of {}", bytes(length), bytes(size));
    Case::new(number, sends, &frames, answers).with(verdict)
}

fn fragmented_binary(number: String, length: usize, size: usize) -> Case {
    let sends = format!("binary of {} in fragments of {}", bytes(length), bytes(size));
    let frames = frames(BINARY & 0x0f, &vec![0xfe; length], size);
    Case::new(number, sends, &frames, vec![Answer::Close(Some(1003))]).with(Verdict::NoBinary)
}

fn many(number: String, size: usize) -> Case {
    let text = vec![b'x'; size];
    let frames = vec![frame(TEXT, &text); 1000];
    Case::new(number, format!("1000 texts of {}", bytes(size)), &frames, vec![echo(text); 1000])
}

/// A size in words.
pub(super) fn bytes(size: usize) -> String {
    match size {
        size if size >= MIB && size.is_multiple_of(MIB) => format!("{} MiB", size / MIB),
        size if size >= KIB && size.is_multiple_of(KIB) => format!("{} KiB", size / KIB),
        1 => "1 byte".to_owned(),
        size => format!("{size} bytes"),
    }
}
