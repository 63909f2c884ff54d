//! The bytes of responses. They must not need a connection.

use jiff::fmt::rfc2822::DateTimeParser;
use proptest::prelude::*;

use super::*;
use crate::handshake::{accept_key, check_upgrade};
use crate::head::{Progress, parse};

fn request(text: &str) -> Request {
    match parse(text.as_bytes()) {
        Ok(Progress::Complete { request, .. }) => *request,
        other => panic!("{text:?} gives {other:?}"),
    }
}

fn get() -> Request {
    request("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// The first line, the fields, and the body, as another parser reads them.
struct Read {
    code: u16,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Read {
    fn of(bytes: &[u8]) -> Self {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut headers);
        let end = response.parse(bytes).unwrap().unwrap();
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        let fields = response.headers.iter().map(|header| (header.name.to_owned(), text(header.value))).collect();
        assert_eq!(response.version, Some(1));
        Self { code: response.code.unwrap(), fields, body: bytes[end..].to_vec() }
    }

    /// The value of the only field with this name.
    fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(found, _)| found == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} is repeated");
        value
    }
}

#[test]
fn a_response_says_how_long_it_is() {
    let bytes = Response::to(&get(), Status::Ok).content_type(ContentType::Text).with_body(b"hello");
    assert!(bytes.starts_with(b"HTTP/1.1 200 OK\r\n"));
    let read = Read::of(&bytes);
    assert_eq!((read.field("Content-Length"), read.body.as_slice()), (Some("5"), &b"hello"[..]));
    assert_eq!(read.field("Content-Type"), Some("text/plain; charset=utf-8"));
    let empty = Read::of(&Response::to(&get(), Status::NotFound).with_body(b""));
    assert_eq!((empty.code, empty.field("Content-Length")), (404, Some("0")));
}

#[test]
fn a_response_to_head_has_the_length_but_no_body() {
    let response = Response::to(&request("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), Status::Ok);
    assert!(!response.sends_body());
    let read = Read::of(&response.with_body(b"hello"));
    assert_eq!((read.field("Content-Length"), read.body.as_slice()), (Some("5"), &b""[..]));
}

#[test]
fn a_status_without_a_body_has_no_length_either() {
    for status in [Status::NoContent, Status::NotModified] {
        let response = Response::to(&get(), status);
        assert!(!response.sends_body());
        let read = Read::of(&response.with_body(b"hello"));
        assert_eq!((read.code, read.field("Content-Length"), read.body.as_slice()), (status.code(), None, &b""[..]));
    }
}

#[test]
fn the_connection_goes_on_as_the_client_wants() {
    for (version, field, closes, expected) in [
        ("1.1", "", false, None),
        ("1.1", "Connection: close\r\n", true, Some("close")),
        ("1.0", "", true, Some("close")),
        ("1.0", "Connection: keep-alive\r\n", false, Some("keep-alive")),
    ] {
        let request = request(&format!("GET / HTTP/{version}\r\nHost: a\r\n{field}\r\n"));
        let response = Response::to(&request, Status::Ok);
        assert_eq!(response.closes(), closes);
        assert_eq!(Read::of(&response.head(0)).field("Connection"), expected);
        let response = response.and_close();
        assert!(response.closes());
        assert_eq!(Read::of(&response.head(0)).field("Connection"), Some("close"));
    }
}

#[test]
fn a_refusal_ends_the_connection() {
    for refusal in [Refusal::LineEnding, Refusal::Chunked, Refusal::HeadTooLong, Refusal::Version] {
        let response = Response::refusing(refusal);
        assert!(response.closes());
        let read = Read::of(&response.with_body(b""));
        assert_eq!(read.code, refusal.status().code());
        assert_eq!((read.field("Connection"), read.field("Content-Length")), (Some("close"), Some("0")));
    }
}

#[test]
fn every_response_protects_the_page() {
    for response in [
        Response::to(&get(), Status::Ok),
        Response::to(&get(), Status::NoContent),
        Response::closing(Status::BadRequest),
        Response::refusing(Refusal::Folded),
    ] {
        let read = Read::of(&response.head(0));
        for (name, value) in [
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Cache-Control", "no-store"),
        ] {
            assert_eq!(read.field(name), Some(value));
        }
        let policy = read.field("Content-Security-Policy").unwrap();
        assert_eq!(
            policy,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
             connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types parlor"
        );
        assert!(read.field("Permissions-Policy").unwrap().contains("camera=()"));
        assert_eq!(read.field("Strict-Transport-Security"), None);
    }
    let strict = Response::to(&get(), Status::Ok).strict_transport_security();
    assert_eq!(Read::of(&strict.head(0)).field("Strict-Transport-Security"), Some("max-age=31536000"));
}

#[test]
fn the_cookie_is_set_and_cleared_with_all_its_attributes() {
    let value = CookieValue::new("abc").unwrap();
    let set = Response::to(&get(), Status::Ok).set_cookie(&value, Duration::from_secs(3600));
    assert_eq!(
        Read::of(&set.head(0)).field("Set-Cookie"),
        Some("__Host-parlor=abc; Secure; HttpOnly; SameSite=Strict; Path=/; Max-Age=3600")
    );
    let clear = Response::to(&get(), Status::NoContent).clear_cookie();
    assert_eq!(
        Read::of(&clear.head(0)).field("Set-Cookie"),
        Some("__Host-parlor=; Secure; HttpOnly; SameSite=Strict; Path=/; Max-Age=0")
    );
}

#[test]
fn files_are_kept_and_named_by_tag_and_coding() {
    let tag = ETag::of_hash(&[0x0a, 0xff]);
    let response = Response::to(&get(), Status::Ok)
        .content_type(ContentType::of_file("app-1.js").unwrap())
        .etag(&tag)
        .encoding(Encoding::Brotli)
        .cache(Cache::Immutable);
    let read = Read::of(&response.head(7));
    assert_eq!(read.field("ETag"), Some("\"0aff\""));
    assert_eq!((read.field("Content-Encoding"), read.field("Vary")), (Some("br"), Some("Accept-Encoding")));
    assert_eq!(read.field("Cache-Control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(read.field("Content-Type"), Some("text/javascript; charset=utf-8"));
    let plain = Read::of(&Response::to(&get(), Status::Ok).encoding(Encoding::Identity).head(7));
    assert_eq!((plain.field("Content-Encoding"), plain.field("Vary")), (None, Some("Accept-Encoding")));
    assert_eq!(ContentType::of_file("README"), None);
    assert_eq!(ContentType::of_file("a.exe"), None);
}

#[test]
fn the_best_coding_is_the_shortest() {
    for (gzip, brotli, best) in [
        (true, true, Encoding::Brotli),
        (false, true, Encoding::Brotli),
        (true, false, Encoding::Gzip),
        (false, false, Encoding::Identity),
    ] {
        assert_eq!(Encoding::best(AcceptedEncodings { gzip, brotli }), best);
    }
}

#[test]
fn small_fields_have_their_forms() {
    let response = Response::closing(Status::MethodNotAllowed)
        .allow(&[Method::Get, Method::Head, Method::Other])
        .retry_after(Duration::from_millis(2001))
        .date("1994-11-06T08:49:37Z".parse().unwrap());
    let read = Read::of(&response.head(0));
    assert_eq!(read.field("Allow"), Some("GET, HEAD"));
    assert_eq!(read.field("Retry-After"), Some("3"));
    assert_eq!(read.field("Date"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    let whole = Response::closing(Status::TooManyRequests).retry_after(Duration::from_secs(2));
    assert_eq!(Read::of(&whole.head(0)).field("Retry-After"), Some("2"));
}

#[test]
fn a_handshake_of_websocket_is_answered() {
    let head = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let read = Read::of(&switching_to_websocket(&check_upgrade(&request(head)).unwrap()));
    assert_eq!((read.code, read.field("Connection"), read.field("Upgrade")), (101, Some("Upgrade"), Some("websocket")));
    // The example of RFC 6455.
    assert_eq!(read.field("Sec-WebSocket-Accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ==").to_string(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn another_version_of_websocket_hears_which_one_is_spoken() {
    let read = Read::of(&Response::to(&get(), Status::UpgradeRequired).websocket_version().head(0));
    assert_eq!(
        (read.code, read.field("Sec-WebSocket-Version"), read.field("Upgrade")),
        (426, Some("13"), Some("websocket"))
    );
    let connection = |value: &str| read.fields.contains(&("Connection".to_owned(), value.to_owned()));
    assert!(connection("close") && connection("Upgrade"));
}

#[test]
fn a_coding_and_a_short_life_are_told_by_their_names() {
    let response = Response::to(&get(), Status::Ok).encoding(Encoding::Gzip).cache(Cache::Revalidate);
    let read = Read::of(&response.head(7));
    assert_eq!((read.field("Content-Encoding"), read.field("Vary")), (Some("gzip"), Some("Accept-Encoding")));
    assert_eq!(read.field("Cache-Control"), Some("no-cache"));
}

#[test]
fn the_type_of_a_file_is_that_of_its_last_ending() {
    for (name, content_type) in [
        ("index.html", "text/html; charset=utf-8"),
        ("a.js.css", "text/css; charset=utf-8"),
        ("list.json", "application/json"),
        ("manifest.webmanifest", "application/manifest+json"),
        ("a b.svg", "image/svg+xml"),
        ("icon-512.png", "image/png"),
        (".woff2", "font/woff2"),
        ("robots.txt", "text/plain; charset=utf-8"),
        ("ca.pem", "application/x-x509-ca-cert"),
    ] {
        let response = Response::to(&get(), Status::Ok).content_type(ContentType::of_file(name).unwrap());
        assert_eq!(Read::of(&response.head(0)).field("Content-Type"), Some(content_type));
    }
    for name in ["css", "a.CSS", "a.css.", "a.css.gz", "a.cs", ""] {
        assert_eq!(ContentType::of_file(name), None, "{name}");
    }
}

#[test]
fn scrapers_are_told_the_version_of_their_format() {
    let of = |content_type| {
        let read = Read::of(&Response::to(&get(), Status::Ok).content_type(content_type).head(0));
        read.field("Content-Type").map(str::to_owned)
    };
    assert_eq!(of(ContentType::Metrics).as_deref(), Some("text/plain; version=0.0.4; charset=utf-8"));
    let open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(of(ContentType::OpenMetrics).as_deref(), Some(open));
}

#[test]
fn a_wait_is_never_told_too_short() {
    for (wait, seconds) in [
        (Duration::ZERO, "0"),
        (Duration::from_nanos(1), "1"),
        (Duration::from_millis(999), "1"),
        (Duration::from_secs(u64::from(u32::MAX)), "4294967295"),
    ] {
        let response = Response::closing(Status::TooManyRequests).retry_after(wait);
        assert_eq!(Read::of(&response.head(0)).field("Retry-After"), Some(seconds));
    }
}

#[test]
fn a_clock_that_is_wrong_by_ages_tells_no_date() {
    let read = Read::of(&Response::closing(Status::Ok).date(Timestamp::MIN).head(0));
    assert_eq!((read.code, read.field("Date")), (200, None));
}

#[test]
fn a_switch_of_the_protocol_has_no_body_and_nothing_of_a_page() {
    let read = Read::of(&switching_to_websocket(&accept_key("")));
    assert_eq!((read.code, read.field("Content-Length"), read.body.as_slice()), (101, None, &b""[..]));
    assert_eq!(read.fields.len(), 3);
}

proptest! {
    #[test]
    fn a_date_is_read_as_the_second_that_it_was(second in 0..253_000_000_000_i64, nanosecond in 0..1_000_000_000) {
        let now = Timestamp::new(second, nanosecond).unwrap();
        let read = Read::of(&Response::closing(Status::Ok).date(now).head(0));
        let date = read.field("Date").unwrap();
        prop_assert_eq!(date.len(), "Sun, 06 Nov 1994 08:49:37 GMT".len());
        prop_assert_eq!(DateTimeParser::new().parse_timestamp(date).unwrap().as_second(), second);
    }

    #[test]
    fn whatever_is_added_a_head_has_one_end(
        length: usize,
        seconds: u32,
        value in "[!-:<-~]{1,50}",
        hash in prop::collection::vec(any::<u8>(), 0..40),
        body in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let lifetime = Duration::from_secs(u64::from(seconds));
        let response = Response::to(&get(), Status::Ok).etag(&ETag::of_hash(&hash)).retry_after(lifetime);
        let response = match CookieValue::new(&value) {
            Some(value) => response.set_cookie(&value, lifetime),
            None => response.clear_cookie(),
        };
        let head = response.head(length);
        let end = head.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        prop_assert_eq!(end + 4, head.len());
        let read = Read::of(&response.with_body(&body));
        prop_assert_eq!(read.field("Content-Length").map(str::to_owned), Some(body.len().to_string()));
        prop_assert_eq!(&read.body, &body);
    }
}
