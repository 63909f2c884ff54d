//! The bytes of responses. They must not need a connection.

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
