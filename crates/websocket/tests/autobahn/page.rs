//! The list of cases as a page of documentation. It must not say anything that the cases do not say.

use super::limits::bytes;
use super::{Answer, Case, Pieces, Step, Verdict};

/// Path of the page, from the directory of this crate.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/websocket-cases.md");

const INTRODUCTION: &str = "# Cases of WebSocket

This page lists what a client may send over WebSocket, right and wrong, and what it gets. A test writes the page
(`PARLOR_WRITE_DOCS=1 cargo test -p parlor-websocket --test autobahn`) after it has compared each answer byte by byte.

The cases have the numbers of the [Autobahn test suite](https://github.com/crossbario/autobahn-testsuite), categories 1 to 7, 9
and 10, and are written anew. Categories 12 and 13 are about compression, which Parlor does not offer. The suite talks to a server
that echoes; so the test puts an echo around the frames that Parlor reads and writes. After each case the client closes
with 1000, and the answer is the same code, unless the connection was closed before.

- *as asked*: the suite asks for this answer.
- *no binary*: the suite asks for an echo. Parlor refuses binary messages with 1003.
- *too long*: the suite asks for an echo. Parlor refuses messages over 1 MiB with 1009. With a limit of 16 MiB the same test gets
  the echo.
- *open*: the suite accepts any answer.
";

/// Titles of the categories, from 1 on; there is none with the number 8.
const CATEGORIES: [(&str, &str); 9] = [
    ("1", "Lengths"),
    ("2", "Pings and pongs"),
    ("3", "Reserved bits"),
    ("4", "Reserved opcodes"),
    ("5", "Fragments"),
    ("6", "UTF-8"),
    ("7", "Closing"),
    ("9", "Long messages and many messages"),
    ("10", "Automatic fragments"),
];

const HEADINGS: &str = "| case | the client sends | the answer | the suite |\n|---|---|---|---|\n";

fn page(cases: &[Case]) -> String {
    let mut page = String::from(INTRODUCTION);
    for (number, title) in CATEGORIES {
        page.push_str(&format!("\n## {number}. {title}\n\n{HEADINGS}"));
        for case in cases.iter().filter(|case| case.number.split('.').next() == Some(number)) {
            page.push_str(&row(case));
        }
    }
    page
}

fn row(case: &Case) -> String {
    let pieces = match case.pieces {
        Pieces::Whole => String::new(),
        Pieces::Frames => "; each frame arrives alone".to_owned(),
        Pieces::Bytes(1) => "; each byte arrives alone".to_owned(),
        Pieces::Bytes(length) => format!("; in pieces of {}", bytes(length)),
    };
    let verdict = match case.verdict {
        Verdict::Same => "as asked",
        Verdict::NoBinary => "no binary",
        Verdict::TooLong => "too long",
        Verdict::Open => "open",
    };
    let answers: Vec<String> = case.steps.iter().map(step).collect();
    format!("| {} | {}{pieces} | {} | {verdict} |\n", case.number, case.sends, answers.join("; after the wait: "))
}

fn step(step: &Step) -> String {
    let mut groups: Vec<(String, usize)> = Vec::new();
    for answer in step.answers.iter().map(shown) {
        match groups.last_mut() {
            Some((last, count)) if *last == answer => *count += 1,
            _ => groups.push((answer, 1)),
        }
    }
    let times = |(answer, count)| if count == 1 { answer } else { format!("{count} times {answer}") };
    let shown: Vec<String> = groups.into_iter().map(times).collect();
    if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") }
}

fn shown(answer: &Answer) -> String {
    match answer {
        Answer::Text(text) => format!("text of {}", bytes(text.len())),
        Answer::Pong(payload) => format!("pong of {}", bytes(payload.len())),
        Answer::Close(Some(code)) => format!("close {code}"),
        Answer::Close(None) => "close without a code".to_owned(),
    }
}

/// Compares the page with that of these cases, or writes it if asked to.
pub(super) fn check(cases: &[Case]) {
    let page = page(cases);
    if std::env::var_os("PARLOR_WRITE_DOCS").is_some() {
        std::fs::write(PAGE, &page).expect("the page can be written");
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    let command = "PARLOR_WRITE_DOCS=1 cargo test -p parlor-websocket --test autobahn";
    assert!(written == page, "docs/websocket-cases.md is stale: run `{command}`");
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| case"));
    assert_eq!(rows.count(), cases.len());
}
