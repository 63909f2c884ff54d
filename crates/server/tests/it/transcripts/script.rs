//! Reads transcript files; `tests/scripts/README.md` describes their language. It must not run them.

use std::path::Path;

/// One transcript.
pub(super) struct Script {
    /// Name of the file.
    pub(super) name: String,
    /// The steps, in order.
    pub(super) steps: Vec<Step>,
}

/// One line of a transcript.
pub(super) struct Step {
    /// Number of the line in its file, from 1.
    pub(super) number: usize,
    /// The line as it is written.
    pub(super) written: String,
    /// The action that it requests.
    pub(super) action: Action,
}

/// The action that one line of a transcript requests.
pub(super) enum Action {
    /// Start a server on the data of this transcript, with these arguments.
    Serve(Vec<String>),
    /// Run `parlor user` with these arguments, on the same data.
    User(Vec<String>),
    /// End the server as `kill -9` does.
    Kill,
    /// Ask the server to end, as SIGTERM does.
    Stop,
    /// Lock the database, so that nothing can be stored, or unlock it.
    LockStore(bool),
    /// A client does something.
    Client(String, Act),
}

/// What a client does.
pub(super) enum Act {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Gets this line next.
    Expect(Pattern),
    /// Gets this line next, and keeps what stands for its first `*` under a name.
    Keep(String, Pattern),
    /// Gets this line after others that do not matter.
    Await(Pattern),
    /// Gets nothing before the answer to a ping.
    Quiet,
    /// Sees that the server has closed the connection, cleanly.
    Closed,
    /// Closes its half of the connection.
    HalfClose,
    /// Ends the connection with a reset.
    Reset,
}

/// An expected line.
#[derive(Debug)]
pub(super) enum Pattern {
    /// Pieces of text, with anything in between.
    Text(Vec<String>),
    /// A JSON object; the string `*` in it stands for any value.
    Json(serde_json::Value),
}

impl Script {
    /// Reads a transcript.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
        let mut steps = Vec::new();
        for (at, written) in text.lines().enumerate() {
            if written.is_empty() || written.starts_with('#') {
                continue;
            }
            let action = action(written).map_err(|why| format!("{name}:{}: {why}: {written}", at + 1))?;
            steps.push(Step { number: at + 1, written: written.to_owned(), action });
        }
        Ok(Self { name, steps })
    }
}

fn action(line: &str) -> Result<Action, String> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let words = || rest.split_whitespace().map(str::to_owned).collect();
    match (word, rest) {
        ("server", _) => Ok(Action::Serve(words())),
        ("user", _) => Ok(Action::User(words())),
        ("kill", "") => Ok(Action::Kill),
        ("stop", "") => Ok(Action::Stop),
        ("lock", "store") => Ok(Action::LockStore(true)),
        ("unlock", "store") => Ok(Action::LockStore(false)),
        (client, _) => Ok(Action::Client(client.to_owned(), act(rest.trim_start())?)),
    }
}

fn act(text: &str) -> Result<Act, String> {
    let (sign, rest) = text.split_once(' ').unwrap_or((text, ""));
    match (sign, rest) {
        (">", line) => {
            let mut bytes = unescape(line)?;
            bytes.push(b'\n');
            Ok(Act::Send(bytes))
        }
        (">>", bytes) => Ok(Act::Send(unescape(bytes)?)),
        ("<", line) => Ok(Act::Expect(pattern(line)?)),
        ("keeps", rest) => {
            let (name, line) = rest.split_once(' ').ok_or("a name and a line")?;
            Ok(Act::Keep(name.to_owned(), pattern(line)?))
        }
        ("...", line) => Ok(Act::Await(pattern(line)?)),
        ("quiet", "") => Ok(Act::Quiet),
        ("closed", "") => Ok(Act::Closed),
        ("half-closes", "") => Ok(Act::HalfClose),
        ("resets", "") => Ok(Act::Reset),
        _ => Err("not understood".to_owned()),
    }
}

fn pattern(line: &str) -> Result<Pattern, String> {
    if line.starts_with('{') {
        return serde_json::from_str(line).map(Pattern::Json).map_err(|error| error.to_string());
    }
    let literal = |piece: &str| {
        let bytes = unescape(piece)?;
        String::from_utf8(bytes).map_err(|_| "expected text is UTF-8".to_owned())
    };
    line.replace("\\*", "\\x2a").split('*').map(literal).collect::<Result<_, _>>().map(Pattern::Text)
}

/// Returns the text with its escapes resolved: `\n` `\r` `\t` `\\`, `\xNN` for a byte, `\u{N}` for a character, and
/// `\(text*N)` for text N times. `\{name}` stays for what a client kept.
fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        rest = one_escape(escape, &mut bytes).ok_or_else(|| format!("unknown escape \\{escape}"))?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

/// Resolves the escape at the beginning of `text`, whose backslash is removed already. Returns the text after it.
fn one_escape<'a>(text: &'a str, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let mut characters = text.chars();
    match characters.next()? {
        'n' => bytes.push(b'\n'),
        'r' => bytes.push(b'\r'),
        't' => bytes.push(b'\t'),
        '\\' => bytes.push(b'\\'),
        '{' => bytes.extend_from_slice(b"\\{"),
        'x' => {
            bytes.push(u8::from_str_radix(text.get(1..3)?, 16).ok()?);
            return text.get(3..);
        }
        'u' => {
            let (digits, rest) = text.strip_prefix("u{")?.split_once('}')?;
            let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(rest);
        }
        '(' => {
            let (repeated, rest) = text.get(1..)?.split_once(')')?;
            let (piece, count) = repeated.rsplit_once('*')?;
            bytes.extend_from_slice(&unescape(piece).ok()?.repeat(count.parse().ok()?));
            return Some(rest);
        }
        _ => return None,
    }
    Some(characters.as_str())
}

impl Pattern {
    /// Whether a line matches.
    pub(super) fn matches(&self, line: &str) -> bool {
        match self {
            Self::Text(pieces) => glob(pieces, line),
            Self::Json(expected) => serde_json::from_str(line).is_ok_and(|got| same(expected, &got)),
        }
    }

    /// Returns what stands for the first `*` in a line that matches.
    pub(super) fn first_star<'a>(&self, line: &'a str) -> Option<&'a str> {
        let Self::Text(pieces) = self else { return None };
        let [before, after, ..] = pieces.as_slice() else { return None };
        let rest = line.strip_prefix(before.as_str())?;
        let end = if after.is_empty() { rest.len() } else { rest.find(after.as_str())? };
        Some(&rest[..end])
    }

    /// Returns `ERR` or `BYE` and the code, if the expected line is a refusal or a goodbye.
    pub(super) fn code(&self) -> Option<(&str, &str)> {
        match self {
            Self::Text(pieces) => {
                let mut words = pieces.first()?.split(' ');
                let kind = words.next().filter(|word| ["ERR", "BYE"].contains(word))?;
                Some((kind, words.next()?))
            }
            Self::Json(value) => match (value["type"].as_str()?, value["code"].as_str()?) {
                ("error", code) => Some(("ERR", code)),
                ("bye", code) => Some(("BYE", code)),
                _ => None,
            },
        }
    }
}

/// Whether the line consists of the pieces in their order, with anything in between.
fn glob(pieces: &[String], line: &str) -> bool {
    let Some((first, others)) = pieces.split_first() else { return line.is_empty() };
    let Some(mut rest) = line.strip_prefix(first.as_str()) else { return false };
    let Some((last, middle)) = others.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some(at) = rest.find(piece.as_str()) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last.as_str())
}

/// Whether two JSON values are equal; an expected `"*"` matches any value.
fn same(expected: &serde_json::Value, got: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Object, String};
    match (expected, got) {
        (String(any), _) if any == "*" => true,
        (Array(expected), Array(got)) => {
            expected.len() == got.len() && expected.iter().zip(got).all(|(expected, got)| same(expected, got))
        }
        (Object(expected), Object(got)) => {
            expected.len() == got.len()
                && expected.iter().all(|(key, value)| got.get(key).is_some_and(|got| same(value, got)))
        }
        _ => expected == got,
    }
}

#[test]
fn patterns_match_what_they_say_and_nothing_else() {
    for (written, line, expected) in [
        ("MSG lobby bob a", "MSG lobby bob a", true),
        ("MSG lobby bob a", "MSG lobby bob a ", false),
        ("ERR bad-name *", "ERR bad-name x y", true),
        ("ERR bad-name *", "ERR bad-names", false),
        ("a*b*c", "a1b2c", true),
        ("a*b*c", "a1c2b", false),
        (r"a\*", "a*", true),
        (r"a\*", "ab", false),
        (r#"{"a":"*","b":[1]}"#, r#"{"b":[1],"a":{}}"#, true),
        (r#"{"a":"*","b":[1]}"#, r#"{"b":[1]}"#, false),
        (r#"{"a":1}"#, r#"{"a":1,"b":2}"#, false),
        (r#"{"a":1}"#, "a", false),
    ] {
        assert_eq!(pattern(written).unwrap().matches(line), expected, "{written} on {line}");
    }
}

#[test]
fn what_stands_for_a_star_is_kept() {
    for (written, line, expected) in
        [("OK *", "OK a b", Some("a b")), ("T * c *", "T a b c d", Some("a b")), ("OK", "OK", None)]
    {
        assert_eq!(pattern(written).unwrap().first_star(line), expected, "{written} on {line}");
    }
    assert_eq!(unescape(r"a \{b}").unwrap(), br"a \{b}");
}

#[test]
fn escapes_are_resolved_and_unknown_ones_refused() {
    assert_eq!(unescape(r"a\x20\xff\(é*2)\u{202e}\\\n").unwrap(), b"a \xff\xc3\xa9\xc3\xa9\xe2\x80\xae\\\n");
    assert!(unescape(r"\q").is_err() && unescape(r"\x2").is_err() && unescape(r"\(x*y)").is_err());
}
