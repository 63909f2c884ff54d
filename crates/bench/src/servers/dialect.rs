//! How clients talk to Parlor: text lines, JSON lines, or JSON in WebSocket. What the server says is recognised in both
//! formats, by its first bytes. It must not know frames.

use anyhow::{Result, bail, ensure};
use clap::{Args, ValueEnum};

use super::accounts::Step;

/// The way in which all clients of a run talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Text lines over TLS.
    Text,
    /// JSON lines over TLS.
    Json,
    /// JSON through the web door.
    Web,
}

/// The options for it.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Options {
    /// What the server's lines are; text by default, JSON through the web door
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Lines over TLS, or WebSocket
    #[arg(long, value_enum, default_value = "lines")]
    door: Door,
}

/// The format of the server's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// The door by which clients come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Door {
    Lines,
    Web,
}

impl Options {
    /// Fails if a format is demanded that clients of the web door do not use.
    pub(crate) fn dialect(self) -> Result<Dialect> {
        match (self.door, self.format) {
            (Door::Web, Some(Format::Text)) => bail!("clients of the web door speak JSON"),
            (Door::Web, _) => Ok(Dialect::Web),
            (Door::Lines, Some(Format::Json)) => Ok(Dialect::Json),
            (Door::Lines, _) => Ok(Dialect::Text),
        }
    }
}

impl Dialect {
    /// What a client says before it logs in.
    pub(crate) fn first(self) -> Option<Step> {
        (self == Self::Json).then(|| Step::new("FORMAT json", r#"{"type":"ok","command":"format""#))
    }

    /// What is added to the name of a case.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Text => "",
            Self::Json => ", JSON lines",
            Self::Web => ", web door",
        }
    }
}

/// Whether a line of the server begins with `answer`, which is in the text format, or is the same in JSON.
pub(crate) fn is_answer(line: &[u8], answer: &str) -> bool {
    if line.starts_with(answer.as_bytes()) {
        return true;
    }
    let command = answer.strip_prefix("OK ").map(str::trim_end);
    command.is_some_and(|command| line.starts_with(format!(r#"{{"type":"ok","command":"{command}""#).as_bytes()))
}

/// Fails if the line is an error or a goodbye of the server.
pub(crate) fn refused(line: &[u8]) -> Result<()> {
    let refusals: [&[u8]; 4] = [b"ERR ", b"BYE ", br#"{"type":"error""#, br#"{"type":"bye""#];
    let is_refusal = refusals.iter().any(|refusal| line.starts_with(refusal));
    ensure!(!is_refusal, "the server says {}", String::from_utf8_lossy(line));
    Ok(())
}

/// The beginning of the line with the text of a message or a publication. In JSON the rest of the line follows the text.
pub(crate) fn text(line: &[u8]) -> Option<&[u8]> {
    const TEXT: &[u8] = br#""text":""#;
    let (rest, words) = match line {
        [b'M', b'S', b'G', b' ', rest @ ..] => (rest, 3),
        [b'P', b'U', b'B', b' ', rest @ ..] => (rest, 2),
        _ if line.starts_with(br#"{"type":"message""#) || line.starts_with(br#"{"type":"publication""#) => {
            let begin = memchr::memmem::find(line, TEXT)? + TEXT.len();
            return Some(&line[begin..]);
        }
        _ => return None,
    };
    rest.splitn(words, |&byte| byte == b' ').nth(words - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_recognised_in_both_formats() {
        let json = br#"{"type":"ok","command":"login","user":"a","room":"lobby"}"#;
        assert!(is_answer(json, "OK login ") && is_answer(b"OK login a lobby", "OK login "));
        assert!(!is_answer(json, "OK log") && !is_answer(json, "OK join") && !is_answer(b"OK joined", "OK login "));
        assert!(is_answer(
            br#"{"type":"ok","command":"format","format":"json"}"#,
            Dialect::Json.first().unwrap().answer
        ));
    }

    #[test]
    fn refusals_are_recognised_in_both_formats() {
        for line in ["ERR bad-name x", "BYE quit x", r#"{"type":"error","code":"x"}"#, r#"{"type":"bye","code":"x"}"#] {
            assert!(refused(line.as_bytes()).is_err(), "{line}");
        }
        for line in ["MSG r a BYE x", r#"{"type":"message","text":"{\"type\":\"bye\""}"#] {
            assert!(refused(line.as_bytes()).is_ok(), "{line}");
        }
    }

    #[test]
    fn texts_are_found_in_both_formats() {
        let json =
            r#"{"type":"message","room":"r","id":4,"time":"2026-11-22T10:20:30.456Z","from":"bob","text":"00ffx"}"#;
        assert_eq!(text(json.as_bytes()), Some(&br#"00ffx"}"#[..]));
        assert_eq!(text(br#"{"type":"publication","from":"bob","text":"00"}"#), Some(&br#"00"}"#[..]));
        assert_eq!(text(b"MSG r bob 00 ff"), Some(&b"00 ff"[..]));
        assert_eq!(text(b"PUB bob 00 ff"), Some(&b"00 ff"[..]));
        assert_eq!(text(br#"{"type":"ok","text":"00"}"#), None);
    }

    #[test]
    fn the_web_door_speaks_json() {
        let of = |door, format| Options { door, format }.dialect();
        assert_eq!(of(Door::Lines, None).unwrap(), Dialect::Text);
        assert_eq!(of(Door::Lines, Some(Format::Json)).unwrap(), Dialect::Json);
        assert_eq!(of(Door::Web, None).unwrap(), Dialect::Web);
        assert_eq!(of(Door::Web, Some(Format::Json)).unwrap(), Dialect::Web);
        assert!(of(Door::Web, Some(Format::Text)).is_err());
    }
}
