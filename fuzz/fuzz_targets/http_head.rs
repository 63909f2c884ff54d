//! A head of HTTP means the same in whatever pieces it arrives, what is refused stays refused, and another parser reads
//! an accepted head in the same way. The first two bytes of the input are where the stream is cut, the rest is the
//! stream.

#![no_main]

use httparse::{EMPTY_HEADER, Header};
use libfuzzer_sys::fuzz_target;
use parlor_web::head::{MAX_BYTES, MAX_FIELDS, Progress, Request, Version, parse};

/// Fields whose values can make a head invalid.
const JUDGED: [&str; 12] = [
    "host",
    "origin",
    "content-length",
    "content-type",
    "expect",
    "sec-websocket-key",
    "sec-websocket-version",
    "transfer-encoding",
    "connection",
    "upgrade",
    "accept-encoding",
    "if-none-match",
];

/// The values of a field.
fn values<'a>(fields: &'a [Header<'a>], name: &str) -> Vec<&'a [u8]> {
    fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value).collect()
}

/// A head that is accepted has one meaning, and it is that of httparse.
fn check_accepted(head: &[u8], request: &Request) {
    assert!(head.len() <= MAX_BYTES && head.ends_with(b"\r\n\r\n"));
    let lines = lines(head).expect("each line ends with CR LF");
    assert!(lines.iter().all(|line| !line.starts_with(b" ") && !line.starts_with(b"\t")), "a folded line");

    let mut fields = [EMPTY_HEADER; MAX_FIELDS];
    let mut other = httparse::Request::new(&mut fields);
    assert_eq!(other.parse(head), Ok(httparse::Status::Complete(head.len())));
    let version = if request.version == Version::Http10 { 0 } else { 1 };
    assert_eq!(other.version, Some(version));
    assert!(request.method.name().is_none_or(|name| other.method == Some(name)));
    let target = other.path.expect("a complete head has a target");
    assert!(is_path(target), "{target:?}");
    assert_eq!(target.split('?').next(), Some(&*request.path));

    assert_eq!(values(other.headers, "host").len(), 1);
    assert!(values(other.headers, "transfer-encoding").is_empty(), "a body without a length");
    let length = match values(other.headers, "content-length")[..] {
        [] => Some(0),
        [length] => str::from_utf8(length).ok().and_then(|length| length.trim().parse().ok()),
        _ => panic!("two lengths"),
    };
    // A length that does not fit is longer than every body.
    assert_eq!(request.body_length(usize::MAX).ok(), length);
    assert_eq!(request.has_cookies(), values(other.headers, "cookie").iter().any(|value| !value.is_empty()));
}

fn is_path(target: &str) -> bool {
    target.starts_with('/') && target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

/// The lines of a head without its ends; `None` if it has a CR or an LF elsewhere.
fn lines(head: &[u8]) -> Option<Vec<&[u8]>> {
    let text = head.strip_prefix(b"\r\n").unwrap_or(head);
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let (last, lines) = lines.split_last()?;
    let lines: Option<Vec<_>> = lines.iter().map(|line| line.strip_suffix(b"\r")).collect();
    lines.filter(|lines| last.is_empty() && lines.iter().all(|line| !line.contains(&b'\r')))
}

/// Whether a stream begins with a head in which there is nothing to refuse.
fn must_be_accepted(stream: &[u8]) -> bool {
    let mut fields = [EMPTY_HEADER; MAX_FIELDS];
    let mut other = httparse::Request::new(&mut fields);
    let Ok(httparse::Status::Complete(length)) = other.parse(stream) else { return false };
    let (Some(method), Some(path), Some(minor)) = (other.method, other.path, other.version) else { return false };
    let first = format!("{method} {path} HTTP/1.{minor}");
    let is_judged = |field: &&Header<'_>| JUDGED.iter().any(|name| field.name.eq_ignore_ascii_case(name));
    let judged: Vec<_> = other.headers.iter().filter(is_judged).collect();
    length <= MAX_BYTES
        && lines(&stream[..length]).is_some_and(|lines| lines[0] == first.as_bytes())
        && is_path(path)
        && matches!(judged[..], [host] if host.name.eq_ignore_ascii_case("host") && host.value == b"a")
}

fuzz_target!(|data: &[u8]| {
    let [high, low, stream @ ..] = data else { return };
    let cut = usize::from(u16::from_be_bytes([*high, *low])).min(stream.len());
    let whole = parse(stream);
    match (parse(&stream[..cut]), &whole) {
        (Ok(Progress::Incomplete), Ok(Progress::Complete { consumed, .. })) => assert!(cut < *consumed),
        (Ok(Progress::Incomplete), _) => {}
        (beginning, whole) => assert_eq!(&beginning, whole, "the first {cut} bytes"),
    }
    match &whole {
        Ok(Progress::Complete { request, consumed }) => check_accepted(&stream[..*consumed], request),
        other => assert!(!must_be_accepted(stream), "{other:?}"),
    }
});
