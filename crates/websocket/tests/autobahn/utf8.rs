//! Category 6: UTF-8. It must make the bytes by rules, so that it can be seen why they are right or wrong.

use super::frames::{Extra, frame, frame_with};
use super::{Answer, Case, LAST, MORE, Step, TEXT, TEXT_BEGINS, echo};

/// Characters of one to four bytes.
const MIXED: &str = "a-µ-é-€-🦀-z";

/// Characters of two and three bytes: 11 bytes.
const WORD: &str = "κ\u{1f79}σμε";

pub(super) fn cases() -> Vec<Case> {
    [empty_fragments(), valid(), invalid(), fail_fast(), sequences()].concat()
}

fn invalid_data() -> Vec<Answer> {
    vec![Answer::Close(Some(1007))]
}

/// A text in a fragment for each of `parts`.
fn fragmented<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let parts: Vec<_> = parts.into_iter().collect();
    let end = parts.len() - 1;
    let first = |index| match index {
        0 => TEXT_BEGINS,
        index if index == end => LAST,
        _ => MORE,
    };
    parts.iter().enumerate().map(|(index, part)| frame(first(index), part)).collect()
}

/// 6.1.
fn empty_fragments() -> Vec<Case> {
    vec![
        Case::new("6.1.1", "text of 0 bytes", &[frame(TEXT, b"")], vec![echo("")]),
        Case::new("6.1.2", "text in 3 empty fragments", &fragmented([&b""[..], b"", b""]), vec![echo("")]),
        Case::new(
            "6.1.3",
            "text in 3 fragments, the first and the last empty",
            &fragmented([&b""[..], b"middle", b""]),
            vec![echo("middle")],
        ),
    ]
}

/// 6.2.
fn valid() -> Vec<Case> {
    let (first, second) = MIXED.split_at(MIXED.find('€').expect("it is there"));
    let by_bytes = "text in UTF-8, each byte a fragment";
    vec![
        Case::new("6.2.1", "text in UTF-8", &[frame(TEXT, MIXED.as_bytes())], vec![echo(MIXED)]),
        Case::new(
            "6.2.2",
            "text in UTF-8 in 2 fragments, cut between characters",
            &fragmented([first.as_bytes(), second.as_bytes()]),
            vec![echo(MIXED)],
        ),
        Case::new("6.2.3", by_bytes, &fragmented(MIXED.as_bytes().chunks(1)), vec![echo(MIXED)]),
        Case::new("6.2.4", by_bytes, &fragmented(WORD.as_bytes().chunks(1)), vec![echo(WORD)]),
    ]
}

/// 6.3.
fn invalid() -> Vec<Case> {
    let text = [WORD.as_bytes(), &scheme(0xd800, 3), b"after"].concat();
    let fragments = fragmented(text.chunks(1));
    vec![
        Case::new("6.3.1", "text with a surrogate", &[frame(TEXT, &text)], invalid_data()),
        Case::new("6.3.2", "text with a surrogate, each byte a fragment", &fragments, invalid_data()),
    ]
}

/// 6.4: the answer comes with the byte that cannot be there, not at the end of the frame or of the message.
fn fail_fast() -> Vec<Case> {
    let (word, beyond) = (WORD.as_bytes(), scheme(0x11_0000, 4));
    let text = [word, &beyond, b"after"].concat();
    let in_frames = |number: &str, sends: &str, ends: [usize; 2]| {
        let parts = [&text[..ends[0]], &text[ends[0]..ends[1]], &text[ends[1]..]];
        steps(number, sends, fragmented(parts))
    };
    let in_one_frame = |number: &str, sends: &str, ends: [usize; 2]| {
        let whole = frame_with(TEXT, text.len() as u64, Extra::None, Some([9, 8, 7, 6]), &text);
        let header = whole.len() - text.len();
        let [first, second] = ends.map(|end| header + end);
        steps(number, sends, vec![whole[..first].to_vec(), whole[first..second].to_vec(), whole[second..].to_vec()])
    };
    let around = [word.len(), word.len() + beyond.len()];
    let exactly = [word.len() + 1, word.len() + 2];
    vec![
        in_frames("6.4.1", "3 fragments, the second with a character beyond Unicode", around),
        in_frames("6.4.2", "3 fragments, the second is the first byte that cannot be there", exactly),
        in_one_frame("6.4.3", "as 6.4.1, but one frame in 3 pieces", around),
        in_one_frame("6.4.4", "as 6.4.2, but one frame in 3 pieces", exactly),
    ]
}

/// Three parts with waits between them, of which the second is refused.
fn steps(number: &str, sends: &str, parts: Vec<Vec<u8>>) -> Case {
    let answers = [vec![], invalid_data(), vec![]];
    let steps = parts.into_iter().zip(answers).map(|(part, answers)| Step { sends: vec![part], answers });
    Case::of_steps(number, sends, steps.collect())
}

/// A number in the bytes of UTF-8, also where UTF-8 has none: in up to six bytes, and in more than it needs.
fn scheme(number: u32, length: u32) -> Vec<u8> {
    if length == 1 {
        return vec![number as u8];
    }
    let marker = !(0xffu8 >> length);
    let rest = (0..length - 1).rev().map(|group| 0x80 | (number >> (6 * group)) as u8 & 0x3f);
    std::iter::once(marker | (number >> (6 * (length - 1))) as u8).chain(rest).collect()
}

/// The largest number that fits into so many bytes, from one byte on.
const LARGEST: [u32; 6] = [0x7f, 0x7ff, 0xffff, 0x1f_ffff, 0x3ff_ffff, 0x7fff_ffff];

/// The numbers from the smallest to the largest length, each with its length.
fn by_length(numbers: &[u32], shortest: u32) -> Vec<Vec<u8>> {
    numbers.iter().zip(shortest..).map(|(number, length)| scheme(*number, length)).collect()
}

fn characters(numbers: impl IntoIterator<Item = u32>) -> Vec<Vec<u8>> {
    numbers.into_iter().map(|number| scheme(number, if number > 0xffff { 4 } else { 3 })).collect()
}

/// 6.5 to 6.23: one text in one frame each.
fn sequences() -> Vec<Case> {
    let groups = [
        ("characters of 1 to 4 bytes", some_valid()),
        ("the beginning of a word", (1..=WORD.len()).map(|end| WORD.as_bytes()[..end].to_vec()).collect()),
        ("the first character of a length", by_length(&[0, 0x80, 0x800, 0x1_0000], 1)),
        ("the first number of a length that UTF-8 does not have", by_length(&[0x20_0000, 0x400_0000], 5)),
        ("the last character of a length", by_length(&[0x7f, 0x7ff, 0xffff, 0x10_ffff], 1)),
        ("the last number of a length", by_length(&LARGEST[3..], 4)),
        ("a border of Unicode", characters([0xd7ff, 0xe000, 0xfffd, 0x10_ffff, 0x11_0000])),
        ("continuation bytes alone", continuations()),
        ("first bytes, each alone", first_bytes()),
        ("a character without its last byte", without_last()),
        ("several characters without their last bytes", vec![without_last().concat()]),
        ("bytes that UTF-8 does not have", vec![vec![0xfe], vec![0xff], vec![0xfe, 0xfe, 0xff, 0xff]]),
        ("a character in too many bytes", by_length(&[0x2f; 5], 2)),
        ("the largest number in one byte too many", by_length(&LARGEST[..5], 2)),
        ("zero in too many bytes", by_length(&[0; 5], 2)),
        ("a surrogate", characters([0xd800, 0xdb7f, 0xdb80, 0xdbff, 0xdc00, 0xdf80, 0xdfff])),
        ("a pair of surrogates", surrogate_pairs()),
        (
            "a number without a character",
            characters((0..=16).flat_map(|plane| [plane << 16 | 0xfffe, plane << 16 | 0xffff])),
        ),
        ("a special character", characters(0xfff9..=0xffff)),
    ];
    let mut cases = Vec::new();
    for ((sends, texts), group) in groups.into_iter().zip(5..) {
        for (text, number) in texts.into_iter().zip(1..) {
            cases.push(sequence(format!("6.{group}.{number}"), sends, &text));
        }
    }
    cases
}

/// Which texts are valid is said by the standard library.
fn sequence(number: String, sends: &str, text: &[u8]) -> Case {
    let answers = if str::from_utf8(text).is_ok() { vec![echo(text)] } else { invalid_data() };
    let shown: Vec<String> = text.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let more = if text.len() > 12 { " …" } else { "" };
    Case::new(number, format!("{sends}: {}{more}", shown.join(" ")), &[frame(TEXT, text)], answers)
}

fn some_valid() -> Vec<Vec<u8>> {
    let around = |character: char| format!("before{character}after").into_bytes();
    ['$', '¢', '€', '\u{24b62}'].into_iter().map(around).chain([WORD.as_bytes().to_vec()]).collect()
}

fn continuations() -> Vec<Vec<u8>> {
    let alternating = |length| [0x80, 0xbf].into_iter().cycle().take(length).collect();
    let alone = [vec![0x80], vec![0xbf]];
    alone.into_iter().chain((2..=6).map(alternating)).chain([(0x80..0xbf).collect()]).collect()
}

fn first_bytes() -> Vec<Vec<u8>> {
    let alone = |bytes: std::ops::Range<u8>| bytes.flat_map(|byte| [byte, b' ']).collect();
    [0xc0..0xdf, 0xe0..0xef, 0xf0..0xf7, 0xf8..0xfb, 0xfc..0xfd].into_iter().map(alone).collect()
}

fn without_last() -> Vec<Vec<u8>> {
    let mut texts = [by_length(&[0; 5], 2), by_length(&LARGEST[1..], 2)].concat();
    for text in &mut texts {
        text.pop();
    }
    texts
}

fn surrogate_pairs() -> Vec<Vec<u8>> {
    let firsts = [0xd800, 0xdb7f, 0xdb80, 0xdbff];
    firsts.into_iter().flat_map(|first| [0xdc00, 0xdfff].map(|second| characters([first, second]).concat())).collect()
}
