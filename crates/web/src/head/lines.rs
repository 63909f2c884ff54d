//! The lines of a head: where it ends, and the parts of the first line. It must not accept what a parser could
//! understand in two ways.

use super::request::{Method, Version};
use super::{MAX_BYTES, Refusal};

const LINE_END: &[u8] = b"\r\n";

/// The length of the head, with the empty line at its end. `None` if more bytes are needed.
pub(super) fn find_end(bytes: &[u8]) -> Result<Option<usize>, Refusal> {
    // What follows the longest head must not change the result.
    let bytes = &bytes[..bytes.len().min(MAX_BYTES)];
    let mut start = bytes.len() - skip_empty_line(bytes).len();
    let first = start;
    while let Some(length) = line_length(&bytes[start..])? {
        if length == 0 && start == first {
            return Err(Refusal::RequestLine);
        }
        start += length + LINE_END.len();
        if length == 0 {
            return Ok(Some(start));
        }
        if matches!(bytes.get(start), Some(b' ' | b'\t')) {
            return Err(Refusal::Folded);
        }
    }
    if bytes.len() == MAX_BYTES { Err(Refusal::HeadTooLong) } else { Ok(None) }
}

/// Some clients send an empty line after a body.
pub(super) fn skip_empty_line(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(LINE_END).unwrap_or(bytes)
}

/// The length of the first line without its CR LF. `None` if its end is not there.
fn line_length(bytes: &[u8]) -> Result<Option<usize>, Refusal> {
    let Some(length) = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
        return Ok(None);
    };
    match &bytes[length..] {
        b"\r" => Ok(None),
        ending if ending.starts_with(LINE_END) => Ok(Some(length)),
        _ => Err(Refusal::LineEnding),
    }
}

/// The method, the target and the version in the first line of `head`.
pub(super) fn request_line(head: &[u8]) -> Result<(Method, &[u8], Version), Refusal> {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::RequestLine);
    };
    let version = match version {
        b"HTTP/1.0" => Version::Http10,
        b"HTTP/1.1" => Version::Http11,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
            return Err(Refusal::Version);
        }
        _ => return Err(Refusal::RequestLine),
    };
    if method.is_empty() || target.is_empty() {
        return Err(Refusal::RequestLine);
    }
    Ok((Method::parse(method), target, version))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_first_line_without_a_method_or_a_target_is_malformed() {
        for line in ["GET  HTTP/1.1", " / HTTP/1.1", "  HTTP/1.1", "  ", ""] {
            assert_eq!(request_line(line.as_bytes()), Err(Refusal::RequestLine), "{line:?}");
        }
    }

    #[test]
    fn what_is_no_version_is_not_taken_for_an_unknown_one() {
        for version in ["HTTP/1.x", "HTTP/x.1", "HTTP/1.", "HTTP/11", "HTTP/12.0", "HTTP/-.1", "HTTP/1.1.", "Http/2.0"]
        {
            let line = format!("GET / {version}\r\nHost: a");
            assert_eq!(request_line(line.as_bytes()), Err(Refusal::RequestLine), "{version}");
        }
        assert_eq!(request_line(b"GET / HTTP/9.9"), Err(Refusal::Version));
    }

    #[test]
    fn an_empty_line_before_the_longest_head_makes_it_too_long() {
        let head = |bytes: usize| format!("\r\n{}\r\n\r\n", "x".repeat(bytes - 6));
        assert_eq!(find_end(head(MAX_BYTES).as_bytes()), Ok(Some(MAX_BYTES)));
        assert_eq!(find_end(head(MAX_BYTES + 1).as_bytes()), Err(Refusal::HeadTooLong));
    }

    proptest! {
        #[test]
        fn a_head_ends_at_its_first_empty_line_and_every_line_before_it_is_plain(
            text in "(\r\n)?a?(\r\n|\r\n|\r|\n| |a){0,9}",
        ) {
            let marked = |end: usize| text[..end].replace("\r\n", "|");
            let lines = |end: usize| marked(end).strip_prefix('|').map_or_else(|| marked(end), str::to_owned);
            let is_plain =
                |lines: &str| !lines.contains(['\r', '\n']) && !lines.contains("| ") && !lines.starts_with('|');
            match find_end(text.as_bytes()) {
                Ok(Some(end)) => {
                    let head = lines(end);
                    prop_assert!(is_plain(&head) && head.find("||") == Some(head.len() - 2), "{head:?}");
                }
                Ok(None) => {
                    let head = lines(text.len());
                    let head = head.strip_suffix('\r').unwrap_or(&head);
                    prop_assert!(is_plain(head) && !head.contains("||"), "{head:?}");
                }
                Err(_) => prop_assert!(!is_plain(&lines(text.len()))),
            }
        }
    }
}
