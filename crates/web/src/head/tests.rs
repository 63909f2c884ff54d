//! Heads that are accepted and refused, in whatever pieces they arrive. They must not need a connection.

use core::net::Ipv6Addr;

use proptest::prelude::*;

use super::*;
use crate::cookie::NAME;
use crate::etag::ETag;
use crate::origin::Host;

/// The outcome for `head`, which must be the same however its bytes arrive.
fn outcome(head: &[u8]) -> Result<Progress, Refusal> {
    let whole = parse(head);
    for length in 0..head.len() {
        match (parse(&head[..length]), &whole) {
            (Ok(Progress::Incomplete), _) => {}
            (Ok(Progress::Complete { consumed, .. }), Ok(Progress::Complete { consumed: expected, .. })) => {
                assert_eq!(consumed, *expected);
            }
            (Err(refusal), Err(expected)) => assert_eq!(refusal, *expected),
            (beginning, _) => panic!("{length} bytes give {beginning:?}, all of them {whole:?}"),
        }
    }
    whole
}

pub(super) fn request(head: &str) -> Request {
    match outcome(head.as_bytes()) {
        Ok(Progress::Complete { request, consumed }) if consumed == head.len() => *request,
        other => panic!("{head:?} gives {other:?}"),
    }
}

/// A request with more fields: lines that end with CR LF.
pub(super) fn with_fields(fields: &str) -> Request {
    request(&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
}

#[track_caller]
fn assert_refused(head: impl AsRef<[u8]>, refusal: Refusal, code: u16) {
    let head = head.as_ref();
    assert_eq!(outcome(head), Err(refusal), "{}", head.escape_ascii());
    assert_eq!(refusal.status().code(), code);
}

#[track_caller]
pub(super) fn assert_fields_refused(fields: &str, refusal: Refusal, code: u16) {
    assert_refused(format!("POST /session HTTP/1.1\r\nHost: a\r\n{fields}\r\n"), refusal, code);
}

#[test]
fn a_head_of_a_browser_is_understood() {
    let head = "GET /ws?token=1 HTTP/1.1\r\nHost: Chat.example.org:7878\r\nConnection: keep-alive, Upgrade\r\n\
                Upgrade: websocket\r\nOrigin: https://chat.example.org:7878\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
                Sec-WebSocket-Extensions: permessage-deflate\r\nCookie: a=b; __Host-parlor=1234; c=d\r\n\r\n";
    let request = request(head);
    assert_eq!((request.method, request.version, request.path.as_str()), (Method::Get, Version::Http11, "/ws"));
    assert_eq!(request.host.host, Host::Name("chat.example.org".to_owned()));
    assert_eq!(request.host.port, 7878);
    assert!(request.keep_alive);
    assert_eq!(request.source(), Source::SameOrigin);
    assert!(request.upgrade.is_websocket);
    assert_eq!(request.upgrade.version.as_deref(), Some("13"));
    assert_eq!(request.upgrade.key.as_deref(), Some("dGhlIHNhbXBsZSBub25jZQ=="));
    assert_eq!(request.accepts, AcceptedEncodings { gzip: true, brotli: true });
    assert_eq!(request.cookie(NAME), Some("1234"));
    assert_eq!(request.body_length(0), Ok(0));
}

#[test]
fn the_bytes_after_a_head_are_left() {
    let first = b"POST /session HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n";
    let all = [&first[..], b"{}GET / HTTP/1.1\r\n\n\n\0"].concat();
    let Ok(Progress::Complete { request, consumed }) = parse(&all) else { panic!("not complete") };
    assert_eq!((consumed, request.body_length(2)), (first.len(), Ok(2)));
}

#[test]
fn methods_are_told_apart_with_their_case() {
    let of = |name: &str| request(&format!("{name} /a HTTP/1.1\r\nHost: a\r\n\r\n")).method;
    for method in [Method::Get, Method::Head, Method::Post, Method::Delete] {
        assert_eq!(of(method.name().unwrap()), method);
    }
    for other in ["get", "PUT", "OPTIONS", "GETT", "M-SEARCH"] {
        assert_eq!(of(other), Method::Other);
    }
}

#[test]
fn a_path_is_taken_as_it_is() {
    for (target, path) in [
        ("/", "/"),
        ("/?a=/b", "/"),
        ("/assets/a-1.js", "/assets/a-1.js"),
        ("/a/../b", "/a/../b"),
        ("//a", "//a"),
        ("/%2e%2e", "/%2e%2e"),
    ] {
        assert_eq!(request(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).path, path);
    }
}

#[test]
fn a_target_that_is_not_a_path_is_refused() {
    for target in ["http://a/", "https://a/", "a:443", "*", "a", "?a", "/#a", "/\u{e9}", "/\u{7f}"] {
        assert_refused(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"), Refusal::Target, 400);
    }
}

#[test]
fn a_query_is_left_out_of_the_path_but_not_out_of_the_judgement() {
    for (target, path) in [("/?", "/"), ("/a??/b?", "/a"), ("/a;b=c/%3f", "/a;b=c/%3f")] {
        assert_eq!(request(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).path, path);
    }
    for target in ["/a?b#c", "/?\u{e9}", "/a?\u{7f}", "?/", "#?/"] {
        assert_refused(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"), Refusal::Target, 400);
    }
}

#[test]
fn a_request_line_has_three_parts_and_single_spaces() {
    for line in [
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET\t/\tHTTP/1.1",
        "GET /",
        "GET",
        "Host: a",
        "G(T / HTTP/1.1",
        "GET / HTTP/1.10",
        "GET / http/1.1",
        "GET / HTTP/1,1",
        "GET / HTTPS/1.1",
    ] {
        assert_refused(format!("{line}\r\nHost: a\r\n\r\n"), Refusal::RequestLine, 400);
    }
}

#[test]
fn other_versions_are_refused() {
    for version in ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3.0"] {
        assert_refused(format!("GET / {version}\r\nHost: a\r\n\r\n"), Refusal::Version, 505);
    }
    assert_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Refusal::Version, 505);
}

#[test]
fn bare_line_endings_are_refused_at_once() {
    for head in [
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n",
        "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "LOGIN anna secret\n",
    ] {
        assert_refused(head, Refusal::LineEnding, 400);
    }
}

#[test]
fn one_empty_line_before_a_request_is_skipped() {
    let head = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(request(head).method, Method::Get);
    assert_refused(format!("\r\n{head}"), Refusal::RequestLine, 400);
}

#[test]
fn folded_fields_are_refused() {
    for fold in [" b", "\tb", " ", " b: c"] {
        assert_refused(format!("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n{fold}\r\n\r\n"), Refusal::Folded, 400);
    }
    assert_refused("GET / HTTP/1.1\r\n Host: a\r\n\r\n", Refusal::Folded, 400);
}

#[test]
fn malformed_fields_are_refused() {
    for field in
        ["X : b", "X\t: b", "X", ": b", "X y: b", "X: a\0b", "X: a\u{7f}b", "X: a\u{1}b", "\u{e9}: b", "X\0: b"]
    {
        assert_refused(format!("GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n"), Refusal::Field, 400);
    }
    assert_refused("GET / HTTP/1.1\r\nHost : a\r\n\r\n", Refusal::Field, 400);
    assert_refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n", Refusal::Field, 400);
}

#[test]
fn the_host_is_there_once_and_is_a_host() {
    for version in ["1.0", "1.1"] {
        assert_refused(format!("GET / HTTP/{version}\r\nX: a\r\n\r\n"), Refusal::NoHost, 400);
        assert_refused(format!("GET / HTTP/{version}\r\n\r\n"), Refusal::NoHost, 400);
    }
    assert_fields_refused("Host: a\r\n", Refusal::Repeated("host"), 400);
    assert_fields_refused("hOST: b\r\n", Refusal::Repeated("host"), 400);
    for host in ["", "a b", "a,b", "a@b", "a/b", "https://a", "a:", "a:x", "a:0", "\u{e9}", "a:65536", "[::1", "[a]"] {
        assert_refused(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), Refusal::Value("host"), 400);
    }
    let request = request("GET / HTTP/1.1\r\nHost: [::1]:7878\r\n\r\n");
    assert_eq!(request.host.host, Host::Address(Ipv6Addr::LOCALHOST.into()));
}

#[test]
fn two_lengths_are_refused() {
    for second in ["5", "6"] {
        let fields = format!("Content-Length: 5\r\ncontent-length: {second}\r\n");
        assert_fields_refused(&fields, Refusal::Repeated("content-length"), 400);
    }
    assert_fields_refused("Content-Length: 5, 5\r\n", Refusal::Value("content-length"), 400);
}

#[test]
fn a_length_is_decimal() {
    for length in ["", "+5", "-5", "0x5", "5 5", "5a", "1e2", "\u{665}"] {
        assert_fields_refused(&format!("Content-Length: {length}\r\n"), Refusal::Value("content-length"), 400);
    }
    assert_fields_refused("Content-Length: 18446744073709551616\r\n", Refusal::BodyTooLong, 413);
    let length = |text: &str, max| with_fields(&format!("Content-Length: {text}\r\n")).body_length(max);
    assert_eq!(length("0", 0), Ok(0));
    assert_eq!(length("007", 7), Ok(7));
    assert_eq!(length(" 8\t", 7), Err(Refusal::BodyTooLong));
    assert_eq!(length("18446744073709551615", 7), Err(Refusal::BodyTooLong));
}

#[test]
fn a_transfer_coding_is_refused() {
    assert_fields_refused("Transfer-Encoding: chunked\r\n", Refusal::Chunked, 411);
    assert_fields_refused("TRANSFER-ENCODING: Chunked\r\n", Refusal::Chunked, 411);
    for coding in ["gzip, chunked", "identity", "xchunked", "chunked, chunked", "", "chunked;a=b"] {
        assert_fields_refused(&format!("Transfer-Encoding: {coding}\r\n"), Refusal::TransferCoding, 501);
    }
    let twice = "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n";
    assert_fields_refused(twice, Refusal::TransferCoding, 501);
    assert_fields_refused("Transfer-Encoding: \u{b}chunked\r\n", Refusal::Field, 400);
}

#[test]
fn a_length_and_a_transfer_coding_are_refused() {
    for coding in ["chunked", "identity", ""] {
        for fields in [
            format!("Content-Length: 5\r\nTransfer-Encoding: {coding}\r\n"),
            format!("Transfer-Encoding: {coding}\r\nContent-Length: 5\r\n"),
        ] {
            assert_fields_refused(&fields, Refusal::AmbiguousLength, 400);
        }
    }
    let old = "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_refused(old, Refusal::AmbiguousLength, 400);
}

#[test]
fn fields_that_have_one_value_are_not_repeated() {
    for name in ["origin", "content-type", "expect", "sec-websocket-key", "sec-websocket-version"] {
        assert_fields_refused(&format!("{name}: a\r\n{name}: a\r\n"), Refusal::Repeated(name), 400);
    }
    for name in ["origin", "content-type", "connection", "upgrade", "if-none-match"] {
        assert_fields_refused(&format!("{name}: \u{e9}\r\n"), Refusal::Value(name), 400);
    }
    assert_eq!(with_fields("X-Other: \u{e9}\r\nX-Other: b\r\n").path, "/");
}

#[test]
fn a_head_that_is_too_long_is_refused() {
    let head = |bytes: usize| {
        let start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
        format!("{start}{}\r\n\r\n", "x".repeat(bytes - start.len() - 4)).into_bytes()
    };
    let longest = head(MAX_BYTES);
    assert!(matches!(parse(&longest), Ok(Progress::Complete { consumed: MAX_BYTES, .. })));
    assert_eq!(parse(&longest[..MAX_BYTES - 1]), Ok(Progress::Incomplete));
    for bytes in [MAX_BYTES + 1, MAX_BYTES * 2] {
        for length in [MAX_BYTES, bytes] {
            assert_eq!(parse(&head(bytes)[..length]), Err(Refusal::HeadTooLong));
        }
    }
    assert_eq!(parse(&vec![b'x'; MAX_BYTES]), Err(Refusal::HeadTooLong));
    assert_eq!(Refusal::HeadTooLong.status().code(), 431);
}

#[test]
fn too_many_fields_are_refused() {
    let head = |fields: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: a\r\n".repeat(fields - 1));
    assert!(matches!(parse(head(MAX_FIELDS).as_bytes()), Ok(Progress::Complete { .. })));
    assert_eq!(parse(head(MAX_FIELDS + 1).as_bytes()), Err(Refusal::HeadTooLong));
}

#[test]
fn a_connection_persists_by_the_rules_of_its_version() {
    for (version, fields, expected) in [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: keep-alive, Close\r\n", false),
        ("1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
        ("1.1", "Connection: closed\r\n", true),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
    ] {
        let request = request(&format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n"));
        assert_eq!(request.keep_alive, expected, "{version} {fields}");
    }
}

#[test]
fn an_upgrade_needs_both_fields() {
    for (fields, expected) in [
        ("Connection: Upgrade\r\nUpgrade: WebSocket\r\n", true),
        ("Connection: keep-alive\r\nConnection: upgrade\r\nUpgrade: h2c, websocket\r\n", true),
        ("Connection: upgrade\r\n", false),
        ("Upgrade: websocket\r\n", false),
        ("Connection: upgrade\r\nUpgrade: websockets\r\n", false),
    ] {
        assert_eq!(with_fields(fields).upgrade.is_websocket, expected, "{fields}");
    }
}

#[test]
fn cookies_are_found_by_their_whole_name() {
    let cookie = |fields: &str| with_fields(fields).cookie("a").map(str::to_owned);
    assert_eq!(cookie("Cookie: a=1=2\r\n"), Some("1=2".to_owned()));
    assert_eq!(cookie("Cookie: aa=1;a=2\r\n"), Some("2".to_owned()));
    assert_eq!(cookie("Cookie: b=1\r\nCookie: a=2\r\n"), Some("2".to_owned()));
    assert_eq!(cookie("Cookie: b=\u{e9}; a=2\r\n"), Some("2".to_owned()));
    assert_eq!(cookie("Cookie: a=\r\n"), Some(String::new()));
    assert_eq!(cookie("Cookie: A=1; b=a=1; a\r\n"), None);
    assert_eq!(cookie("Cookie: a=\u{e9}\r\n"), None);
    assert_eq!(cookie("Cookie: a=1 2\r\n"), None);
    assert_eq!(cookie("Cookie: a=1; a=1\r\n"), None);
    assert_eq!(cookie(""), None);
    assert!(with_fields("Cookie: b=1\r\n").has_cookies());
    assert!(!with_fields("").has_cookies());
}

#[test]
fn a_cookie_is_not_shown() {
    let shown = format!("{:?}", with_fields("Cookie: __Host-parlor=secret\r\n"));
    assert!(shown.contains("Cookies") && !shown.contains("secret"), "{shown}");
}

#[test]
fn encodings_are_accepted_by_name_or_star_unless_their_weight_is_zero() {
    let accepts = |list: &str| {
        let accepted = with_fields(&format!("Accept-Encoding: {list}\r\n")).accepts;
        (accepted.gzip, accepted.brotli)
    };
    assert_eq!(accepts("gzip"), (true, false));
    assert_eq!(accepts("GZIP;q=0.1, br ; q=1.0"), (true, true));
    assert_eq!(accepts("gzip;q=0, br;Q=0.000"), (false, false));
    assert_eq!(accepts("*"), (true, true));
    assert_eq!(accepts("*;q=0"), (false, false));
    assert_eq!(accepts("br;q=0, *"), (true, false));
    assert_eq!(accepts("gzip;q=x, br;level=1, deflate"), (false, false));
    assert_eq!(accepts(""), (false, false));
    assert_eq!(with_fields("").accepts, AcceptedEncodings::default());
}

#[test]
fn a_client_may_wait_for_permission_to_send_its_body() {
    assert!(with_fields("Expect: 100-Continue\r\n").expects_continue);
    assert!(!with_fields("").expects_continue);
    assert_fields_refused("Expect: 200-ok\r\n", Refusal::Expectation, 417);
    assert!(!request("GET / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").expects_continue);
}

#[test]
fn a_tag_in_the_list_is_current() {
    let tag = ETag::of_hash(&[0x0a, 0xff]);
    let is_current = |list: &str| with_fields(&format!("If-None-Match: {list}\r\n")).has_current(&tag);
    for list in ["\"0aff\"", "W/\"0aff\"", "\"x\", \"0aff\"", "*", "\"x\"\r\nIf-None-Match: \"0aff\""] {
        assert!(is_current(list), "{list}");
    }
    for list in ["", "0aff", "\"0AFF\"", "\"0af\"", "\"0aff\"x"] {
        assert!(!is_current(list), "{list}");
    }
    assert!(!with_fields("").has_current(&tag));
}

#[test]
fn the_page_that_asks_is_ours_another_or_none() {
    assert_eq!(with_fields("Origin: https://a\r\n").source(), Source::SameOrigin);
    assert_eq!(with_fields("Origin: https://a:443\r\n").source(), Source::SameOrigin);
    for origin in ["https://b", "http://a", "https://a:444", "null", "", "https://a/", "https://a, https://a"] {
        assert_eq!(with_fields(&format!("Origin: {origin}\r\n")).source(), Source::OtherOrigin, "{origin}");
    }
    assert_eq!(with_fields("").source(), Source::NoOrigin);
}

#[test]
fn the_type_of_a_body_is_json_with_or_without_parameters() {
    for (value, expected) in [
        ("application/json", true),
        ("Application/JSON ; charset=utf-8", true),
        ("text/plain", false),
        ("application/jsonp", false),
        ("", false),
    ] {
        assert_eq!(with_fields(&format!("Content-Type: {value}\r\n")).is_json(), expected, "{value}");
    }
    assert!(!with_fields("").is_json());
}

proptest! {
    #[test]
    fn the_pieces_in_which_bytes_arrive_do_not_matter(
        line in "(GET|[A-Z]{0,3}) ?/?[ -~]{0,9} HTTP/1.[01]\r\n",
        fields in "(Host: a\r\n)?([A-Za-z-]{0,9}:? ?[ -~]{0,9}\r?\n?){0,4}\r\n\r\n",
        at in any::<prop::sample::Index>(),
        byte: u8,
    ) {
        let mut head = (line + &fields).into_bytes();
        let at = at.index(head.len());
        head[at] = byte;
        let _ = outcome(&head);
    }
}
