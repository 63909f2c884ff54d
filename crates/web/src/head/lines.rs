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
