//! `/session` and `/ws` from outside: who gets a ticket, what it opens, and who is refused.

use serde_json::json;

use crate::harness::{Client, Http, Options, Server, eventually};

fn http(server: &Server) -> Http {
    Http::open(server.address(), &server.ca())
}

fn form(user: &str, password: &str) -> String {
    json!({ "user": user, "password": password }).to_string()
}

/// Makes an account, and returns the cookie of its browser.
fn register(server: &Server, user: &str) -> String {
    let body = json!({ "user": user, "password": "secret", "register": true }).to_string();
    let response = http(server).ask_from_page("POST", "/session", "", &body);
    assert_eq!((response.status, response.json()), (200, json!({ "user": user })));
    response.cookie()
}

/// Opens WebSocket with these fields, and returns what the server says first.
fn socket(server: &Server, fields: &str) -> Client {
    Client::open_web_with(server.address(), &server.ca(), fields)
}

/// The fields of a page of this server with a cookie.
fn from_page(server: &Server, cookie: &str) -> String {
    format!("Origin: https://localhost:{}\r\nCookie: {cookie}\r\n", server.address().port())
}

/// Reads the greeting and the reply that begins a session.
fn expect_session(client: &mut Client, user: &str) {
    assert!(client.line().starts_with(r#"{"type":"hello","#));
    assert!(client.line().starts_with(&format!(r#"{{"type":"ok","command":"login","user":"{user}","room":"lobby","#)));
}

#[test]
fn a_browser_logs_in_once_and_resumes_after_that() {
    let server = Server::start();
    let cookie = register(&server, "ann");
    assert!(cookie.starts_with("__Host-parlor=ann."), "{cookie}");
    let cookies = format!("Cookie: theme=dark; {cookie}\r\n");
    assert_eq!(http(&server).ask("GET", "/session", &cookies, "").json(), json!({ "user": "ann" }));
    expect_session(&mut socket(&server, &from_page(&server, &cookie)), "ann");
    let server = server.restart_on_same_port();
    expect_session(&mut socket(&server, &from_page(&server, &cookie)), "ann");
}

#[test]
fn the_cookie_is_kept_from_scripts_and_from_other_pages() {
    let server = Server::start();
    server.register("ann");
    let response = http(&server).ask_from_page("POST", "/session", "", &form("ann", "secret"));
    let cookie = response.field("set-cookie").unwrap();
    for attribute in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.split("; ").any(|part| part == attribute), "{cookie}");
    }
    assert_eq!(response.json(), json!({ "user": "ann" }), "the body is for scripts");
}

#[test]
fn logging_out_ends_the_session_and_its_ticket() {
    let server = Server::start();
    let cookie = register(&server, "ann");
    let mut client = socket(&server, &from_page(&server, &cookie));
    expect_session(&mut client, "ann");
    let cookies = format!("Cookie: {cookie}\r\n");
    let response = http(&server).ask_from_page("DELETE", "/session", &cookies, "");
    assert_eq!((response.status, response.cookie().as_str()), (204, "__Host-parlor="));
    let (lines, _) = client.rest();
    assert!(lines.last().unwrap().starts_with(r#"{"type":"bye","code":"logged-out","#), "{lines:?}");
    let response = http(&server).ask("GET", "/session", &cookies, "");
    assert_eq!((response.status, response.json()["code"].clone()), (401, json!("bad-credentials")));
    assert_eq!(response.cookie(), "__Host-parlor=", "the browser forgets it");
    let mut client = socket(&server, &from_page(&server, &cookie));
    assert!(client.line().starts_with(r#"{"type":"hello","#));
    assert!(client.ask("LOGIN ann secret").starts_with(r#"{"type":"ok","command":"login","#));
}

#[test]
fn refusals_have_the_code_of_the_protocol_and_a_status_that_fits() {
    let server = Options::default().args(&["--min-password", "8"]).start();
    let add = |user: &str| json!({ "user": user, "password": "secret-12", "register": true }).to_string();
    assert_eq!(http(&server).ask_from_page("POST", "/session", "", &add("ann")).status, 200);
    let short = json!({ "user": "bob", "password": "short", "register": true }).to_string();
    for (body, status, code) in [
        (form("ann", "wrong"), 401, "bad-credentials"),
        (form("nobody", "wrong"), 401, "bad-credentials"),
        (form("#ann", "wrong"), 400, "bad-name"),
        (form("ann", &"x".repeat(73)), 400, "password-too-long"),
        (form("ann", ""), 400, "bad-argument"),
        ("{}".to_owned(), 400, "bad-argument"),
        ("not json".to_owned(), 400, "bad-argument"),
        (short, 400, "password-too-short"),
        (add("ann"), 409, "name-taken"),
        (add("admin"), 403, "name-reserved"),
    ] {
        let response = http(&server).ask_from_page("POST", "/session", "", &body);
        assert_eq!((response.status, response.json()["code"].as_str()), (status, Some(code)), "{body}");
        assert!(response.json()["message"].as_str().is_some_and(|message| !message.is_empty()));
        assert_eq!(response.field("set-cookie"), None, "{body}");
    }
    assert_eq!(http(&server).ask("GET", "/session", "", "").status, 401);
    let server = server.restart_with(Options::default().args(&["--registration", "closed"]));
    let response = http(&server).ask_from_page("POST", "/session", "", &add("bob"));
    assert_eq!((response.status, response.json()["code"].as_str()), (403, Some("registration-closed")));
}

#[test]
fn guessing_is_as_slow_as_in_lines() {
    let server = Options::default().args(&["--limit-loopback"]).start();
    server.register("ann");
    let mut told = None;
    for _ in 0..20 {
        let response = http(&server).ask_from_page("POST", "/session", "", &form("ann", "wrong"));
        if response.status == 429 {
            told = Some(response);
            break;
        }
    }
    let told = told.expect("nobody was told to wait");
    assert_eq!(told.json()["code"], "too-many-attempts");
    assert!(told.field("retry-after").unwrap().parse::<u64>().unwrap() > 0);
}

#[test]
fn another_page_can_neither_log_in_nor_out() {
    let server = Server::start();
    let cookie = register(&server, "ann");
    for origin in ["", "Origin: null\r\n", "Origin: https://attacker.example\r\n", "Origin: http://localhost\r\n"] {
        let fields = format!("{origin}Content-Type: application/json\r\nCookie: {cookie}\r\n");
        for method in ["POST", "DELETE"] {
            let body = if method == "POST" { form("ann", "secret") } else { String::new() };
            let response = http(&server).ask(method, "/session", &fields, &body);
            assert_eq!((response.status, response.json()["code"].as_str()), (403, Some("wrong-origin")), "{fields}");
        }
    }
    let form_of_a_page =
        format!("Origin: https://localhost:{}\r\nContent-Type: text/plain\r\n", server.address().port());
    assert_eq!(http(&server).ask("POST", "/session", &form_of_a_page, &form("ann", "secret")).status, 415);
    assert_eq!(http(&server).ask("GET", "/session", &format!("Cookie: {cookie}\r\n"), "").status, 200);
}

#[test]
fn another_page_gets_no_session() {
    let server = Server::start();
    let cookie = register(&server, "ann");
    let handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for fields in [
        format!("Cookie: {cookie}\r\n"),
        format!("Origin: https://attacker.example\r\nCookie: {cookie}\r\n"),
        "Origin: https://attacker.example\r\n".to_owned(),
        "Origin: null\r\n".to_owned(),
        format!("Origin: https://localhost\r\nCookie: {cookie}\r\n"),
        format!("Origin: http://localhost:{}\r\nCookie: {cookie}\r\n", server.address().port()),
    ] {
        let response = http(&server).ask("GET", "/ws", &format!("{handshake}{fields}"), "");
        assert_eq!(response.status, 403, "{fields}");
    }
    assert_eq!(http(&server).ask("GET", "/ws", "", "").status, 426);
    let old = handshake.replace("13", "8");
    let response = http(&server).ask("GET", "/ws", &old, "");
    assert_eq!((response.status, response.field("sec-websocket-version")), (426, Some("13")));
}

#[test]
fn a_program_without_a_cookie_logs_in_by_a_line() {
    let server = Server::start();
    server.register("ann");
    let mut client = server.connect_web();
    assert!(client.ask("LOGIN ann secret").starts_with(r#"{"type":"ok","command":"login","user":"ann","#));
    client.send("one\ntwo");
    assert!(client.line().starts_with(r#"{"type":"ok","command":"message","#));
    assert!(client.line().starts_with(r#"{"type":"ok","command":"message","#));
    assert!(client.ask("/quit").starts_with(r#"{"type":"bye","code":"quit","#));
    client.expect_end();
    assert_eq!(client.close_code(), Some(1000));
}

#[test]
fn a_client_may_speak_before_its_handshake_is_answered() {
    let server = Server::start();
    let mut client = Client::open_web(server.address(), &server.ca());
    client.send("PING early");
    assert!(client.line().starts_with(r#"{"type":"hello","#));
    assert_eq!(client.line(), r#"{"type":"pong","token":"early"}"#);
}

#[test]
fn a_body_comes_when_the_server_says_so() {
    let server = Server::start();
    server.register("ann");
    let (mut http, body) = (http(&server), form("ann", "secret"));
    let (host, length) = (http.host.clone(), body.len());
    let head = format!(
        "POST /session HTTP/1.1\r\nHost: {host}\r\nOrigin: https://{host}\r\nContent-Type: application/json\r\n\
         Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
    );
    http.send(head.as_bytes());
    assert_eq!(http.response_to("POST").status, 100);
    http.send(body.as_bytes());
    assert_eq!(http.response_to("POST").json(), json!({ "user": "ann" }));
}

#[test]
fn close_codes_tell_why_a_connection_ended() {
    let mut server = Options::default().args(&["--login-timeout", "1s"]).start();
    let mut stranger = server.connect_web();
    assert!(stranger.line().contains("login-timeout"));
    assert!(stranger.line().starts_with(r#"{"type":"bye","code":"login-timeout","#));
    stranger.expect_end();
    assert_eq!(stranger.close_code(), Some(4002));

    let cookie = register(&server, "ann");
    let mut first = socket(&server, &from_page(&server, &cookie));
    expect_session(&mut first, "ann");
    let mut second = socket(&server, &from_page(&server, &cookie));
    expect_session(&mut second, "ann");
    let (lines, _) = first.rest();
    assert!(lines.last().unwrap().starts_with(r#"{"type":"bye","code":"logged-in-elsewhere","#), "{lines:?}");
    assert_eq!(first.close_code(), Some(4001));

    server.signal("TERM");
    let (lines, _) = second.rest();
    assert!(lines.last().unwrap().starts_with(r#"{"type":"bye","code":"server-shutdown","#), "{lines:?}");
    assert_eq!(second.close_code(), Some(1001));
    assert!(server.wait().success());
}

#[test]
fn what_is_no_text_ends_the_connection() {
    for (frame, code) in [
        (&b"\x82\x81\0\0\0\0a"[..], 1003),
        (b"\x81\x81\0\0\0\0\xff", 1007),
        (b"\x81\x01a", 1002),
        (b"\xc1\x81\0\0\0\0a", 1002),
        (b"\x81\xff\0\0\0\0\0\x20\0\0\0\0\0\0", 1009),
    ] {
        let server = Server::start();
        let mut client = server.connect_web();
        client.send_unframed(frame);
        client.expect_end();
        assert_eq!(client.close_code(), Some(code), "{frame:?}");
    }
}

#[test]
fn a_silent_browser_is_asked_and_stays_and_one_that_hangs_goes() {
    let server = Server::start();
    let cookie = register(&server, "ann");
    server.register("bob");
    let mut answering = socket(&server, &from_page(&server, &cookie));
    expect_session(&mut answering, "ann");
    let mut hanging = server.connect_web();
    assert!(hanging.ask("LOGIN bob secret").starts_with(r#"{"type":"ok","command":"login","#));
    answering.until(r#"{"type":"joined","room":"lobby","user":"bob"}"#);
    // Ann's client answers pings while it waits; bob's reads nothing for a minute.
    let line = answering.line_within(std::time::Duration::from_secs(75));
    assert_eq!(line.as_deref(), Some(r#"{"type":"left","room":"lobby","user":"bob"}"#));
    assert!(answering.ask("/ping").starts_with(r#"{"type":"pong""#));
    eventually("one connection is left", || server.threads("client-") + server.threads("idle-") == 1);
}
