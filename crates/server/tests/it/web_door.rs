//! The web door from outside: what comes to whom by ALPN, files, and the shapes of requests that break rules.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Client, Http, Options, Server, eventually, feed};

fn http(server: &Server) -> Http {
    Http::open(server.address(), &server.ca())
}

#[test]
fn a_client_gets_http_if_it_offers_it_and_lines_otherwise() {
    let server = Server::start();
    assert_eq!(http(&server).ask("GET", "/healthz", "", "").text(), "ok\n");
    assert_eq!(server.connect().ask("PING"), "PONG");
    // Names that Parlor does not know change nothing, also not with HTTP among them.
    let mut unknown = Client::open_offering(server.address(), &server.ca(), &["h2", "irc"]);
    assert_eq!(unknown.line(), "HELLO parlor/1 test");
    let mut browser = Client::open_offering(server.address(), &server.ca(), &["h2", "http/1.1"]);
    browser
        .send_bytes(format!("GET /healthz HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", server.address().port()).as_bytes());
    assert_eq!(browser.line(), "HTTP/1.1 200 OK\r");
}

/// The end of the handshake of TLS 1.2 comes from the server, and a client of HTTP speaks first.
#[test]
fn a_client_of_an_older_tls_gets_http_too() {
    let server = Server::start();
    for version in ["-tls1_2", "-tls1_3"] {
        let mut openssl = Command::new("openssl");
        openssl.args([
            "s_client",
            version,
            "-alpn",
            "http/1.1",
            "-ign_eof",
            "-quiet",
            "-verify_return_error",
            "-CAfile",
        ]);
        openssl.arg(server.ca()).args(["-connect", &server.address().to_string()]);
        openssl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let output = feed(openssl, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.starts_with("HTTP/1.1 200 OK\r\n") && said.ends_with("\r\n\r\nok\n"), "{version}: {said}");
    }
}

#[test]
fn a_closed_door_leaves_lines_to_everybody() {
    let server = Options::default().args(&["--web", "off"]).start();
    let mut browser = Client::open_offering(server.address(), &server.ca(), &["http/1.1"]);
    assert_eq!(browser.line(), "HELLO parlor/1 test");
}

#[test]
fn a_listener_for_the_web_speaks_http_whatever_is_offered() {
    let server = Options::default().args(&["--web-listen", "127.0.0.1:0", "--web-host", "chat.example.org"]).start();
    let address = web_address(&server);
    for mut http in [Http::open_without_alpn(address, &server.ca()), Http::open(address, &server.ca())] {
        assert_eq!(http.ask("GET", "/healthz", "", "").status, 200);
        http.host = "chat.example.org".to_owned();
        assert_eq!(http.ask("GET", "/healthz", "", "").status, 200);
    }
    let mut odd = Client::open_offering(address, &server.ca(), &["h2"]);
    odd.send_bytes(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(odd.line(), "HTTP/1.1 200 OK\r");
}

/// Returns the address of the server's listener for the web.
fn web_address(server: &Server) -> SocketAddr {
    let line = server.output_line();
    line.strip_prefix("parlor listening on ").and_then(|it| it.strip_suffix(" for HTTP")).unwrap().parse().unwrap()
}

#[test]
fn a_proxy_says_where_a_client_is_and_nobody_else_does() {
    let limited = ["--max-connections-per-address", "1", "--limit-loopback", "--web-listen", "127.0.0.1:0"];
    let ask =
        |http: &mut Http, claim: &str| http.ask("GET", "/healthz", &format!("X-Forwarded-For: {claim}\r\n"), "").status;

    let server = Options::default().args(&limited).args(&["--forwarded-from", "127.0.0.1"]).start();
    let address = web_address(&server);
    let (mut first, mut second) = (Http::open(address, &server.ca()), Http::open(address, &server.ca()));
    assert_eq!(ask(&mut first, "192.0.2.1"), 200);
    assert_eq!(ask(&mut second, "198.51.100.1, 192.0.2.2"), 200);
    assert_eq!(ask(&mut first, "192.0.2.3"), 200);
    assert_eq!(ask(&mut second, "192.0.2.1"), 200);
    assert_eq!(ask(&mut first, "192.0.2.1"), 429);
    first.expect_end();
    drop(server);

    let server = Options::default().args(&limited).start();
    let address = web_address(&server);
    let mut first = Http::open(address, &server.ca());
    assert_eq!(ask(&mut first, "192.0.2.1"), 200);
    assert!(TcpStream::connect(address).unwrap().read(&mut [0]).is_ok_and(|count| count == 0), "one too many");
}

#[test]
fn failed_logins_count_for_the_client_whom_the_proxy_names() {
    let args = ["--web-listen", "127.0.0.1:0", "--forwarded-from", "127.0.0.1"];
    let server = Options::default().args(&args).start();
    let address = web_address(&server);
    let guess = |claim: &str, user: &str| {
        let body = format!(r#"{{"user": "{user}", "password": "wrong"}}"#);
        let fields = format!("X-Forwarded-For: {claim}\r\n");
        Http::open(address, &server.ca()).ask_from_page("POST", "/session", &fields, &body).status
    };
    let refused = (0..40).any(|number| guess("192.0.2.1", &format!("user{number}")) == 429);
    assert!(refused, "the address was never told to wait");
    assert_eq!(guess("192.0.2.2", "somebody"), 401);
}

#[test]
fn requests_follow_each_other_on_one_connection_and_may_be_pipelined() {
    let server = Server::start();
    let mut http = http(&server);
    for _ in 0..3 {
        http.request("GET", "/healthz", "", "");
        http.request("HEAD", "/healthz", "", "");
    }
    for _ in 0..3 {
        assert_eq!(http.response_to("GET").text(), "ok\n");
        let head = http.response_to("HEAD");
        assert_eq!((head.status, head.field("content-length")), (200, Some("3")));
    }
    assert_eq!(http.ask("GET", "/healthz", "Connection: close\r\n", "").field("connection"), Some("close"));
    http.expect_end();
}

#[test]
fn the_page_and_its_files_come_as_a_browser_wants_them() {
    let server = Server::start();
    let mut http = http(&server);
    let page = http.ask("GET", "/", "", "");
    assert_eq!((page.status, page.field("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!(page.field("cache-control"), Some("no-cache"));
    let again = http.ask("GET", "/", &format!("If-None-Match: {}\r\n", page.field("etag").unwrap()), "");
    assert_eq!((again.status, again.body.len()), (304, 0));
    let html = page.text().to_owned();
    let files: Vec<&str> = html.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(!files.is_empty(), "{html}");
    for file in files.into_iter().filter(|file| !file.ends_with(".png")) {
        let plain = http.ask("GET", file, "", "");
        assert_eq!((plain.status, plain.field("content-encoding")), (200, None), "{file}");
        assert_eq!(plain.field("cache-control"), Some("public, max-age=31536000, immutable"));
        for (accepted, coding) in [("gzip", "gzip"), ("gzip, br", "br")] {
            let coded = http.ask("GET", file, &format!("Accept-Encoding: {accepted}\r\n"), "");
            assert_eq!((coded.status, coded.field("content-encoding")), (200, Some(coding)), "{file}");
            assert!(coded.body.len() < plain.body.len(), "{file}");
            assert_eq!(coded.field("vary"), Some("Accept-Encoding"));
        }
    }
}

#[test]
fn every_response_has_the_headers_that_protect_the_page() {
    let server = Server::start();
    let mut http = http(&server);
    for path in ["/", "/healthz", "/nothing", "/session", "/ca.pem", "/manifest.webmanifest", "/favicon.svg"] {
        let response = http.ask("GET", path, "", "");
        let policy = response.field("content-security-policy").unwrap();
        assert_eq!(
            policy,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
             connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types parlor"
        );
        assert_eq!(response.field("x-content-type-options"), Some("nosniff"));
        assert_eq!(response.field("referrer-policy"), Some("no-referrer"));
        for field in ["cross-origin-opener-policy", "cross-origin-resource-policy", "permissions-policy", "date"] {
            assert!(response.field(field).is_some(), "{path}: {field}");
        }
        // Browsers that have only our word for the certificate must not insist on it.
        assert_eq!(response.field("strict-transport-security"), None);
    }
}

#[test]
fn paths_and_methods_that_there_are_not_are_told_apart() {
    let server = Server::start();
    let mut http = http(&server);
    for path in ["/nothing", "/index.html", "/assets/", "/../Cargo.toml", "//", "/session/", "/WS"] {
        assert_eq!(http.ask("GET", path, "", "").status, 404, "{path}");
        assert_eq!(http.ask("POST", path, "", "").status, 404, "{path}");
    }
    for (method, path, allowed) in [
        ("POST", "/", "GET, HEAD"),
        ("DELETE", "/healthz", "GET, HEAD"),
        ("OPTIONS", "/ca.pem", "GET, HEAD"),
        ("PUT", "/session", "GET, HEAD, POST, DELETE"),
        ("POST", "/ws", "GET"),
    ] {
        let response = http.ask(method, path, "", "");
        assert_eq!((response.status, response.field("allow")), (405, Some(allowed)), "{method} {path}");
    }
    assert_eq!(http.ask("GET", "/healthz", "", "").status, 200);
}

#[test]
fn a_certificate_of_our_own_authority_can_be_fetched() {
    let server = Server::start();
    let response = http(&server).ask("GET", "/ca.pem", "", "");
    assert_eq!(response.body, std::fs::read(server.ca()).unwrap());
    assert_eq!(response.field("content-type"), Some("application/x-x509-ca-cert"));
}

#[test]
fn a_host_that_is_not_ours_is_refused() {
    let server = Server::start();
    for host in ["attacker.example", "attacker.example:7878", "192.0.2.1", "localhost.attacker.example"] {
        let mut http = http(&server);
        http.host = host.to_owned();
        assert_eq!(http.ask("GET", "/", "", "").status, 421, "{host}");
        http.expect_end();
    }
}

#[test]
fn what_could_be_read_in_two_ways_ends_the_connection() {
    let server = Server::start();
    let host = format!("Host: localhost:{}\r\n", server.address().port());
    let long = format!("X: {}\r\n", "x".repeat(16 * 1024));
    let cases = [
        ("POST /session HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n", 400),
        ("POST /session HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400),
        ("POST /session HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", 411),
        ("POST /session HTTP/1.1\r\nContent-Length: 4097\r\n", 413),
        ("POST /session HTTP/1.1\r\nContent-Length: -1\r\n", 400),
        ("GET / HTTP/1.1\r\nContent-Length: 1\r\n", 413),
        ("GET / HTTP/1.1\r\nX: a\r\n b\r\n", 400),
        ("GET / HTTP/1.1\r\nX: a\nY: b\r\n", 400),
        ("GET / HTTP/1.1\r\nX: a\rb\r\n", 400),
        ("GET / HTTP/1.1\r\nX : a\r\n", 400),
        ("GET  / HTTP/1.1\r\n", 400),
        ("GET / HTTP/2.0\r\n", 505),
        ("GET https://localhost/ HTTP/1.1\r\n", 400),
        (&format!("GET / HTTP/1.1\r\n{long}"), 431),
    ];
    for (head, status) in cases {
        let mut http = http(&server);
        http.send(format!("{head}{host}\r\nGET /healthz HTTP/1.1\r\n{host}\r\n").as_bytes());
        let response = http.response_to("GET");
        assert_eq!((response.status, response.field("connection")), (status, Some("close")), "{head}");
        http.expect_end();
    }
}

#[test]
fn a_head_that_trickles_is_cut_off() {
    let server = Options::default().args(&["--handshake-timeout", "2s"]).start();
    let mut http = http(&server);
    assert_eq!(http.ask("GET", "/healthz", "", "").status, 200);
    let began = Instant::now();
    for byte in format!("GET / HTTP/1.1\r\nHost: {}\r\nX: {}", http.host, "x".repeat(1000)).bytes() {
        if http.try_send(&[byte]).is_err() || began.elapsed() > Duration::from_secs(10) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    // The server has long answered and closed; bytes that came later may have reset the connection.
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(server.connect().ask("PING"), "PONG");
}

#[test]
fn who_asks_for_nothing_more_is_let_go() {
    let server = Options::default().args(&["--handshake-timeout", "1s"]).start();
    let mut http = http(&server);
    assert_eq!(http.ask("GET", "/healthz", "", "").status, 200);
    http.expect_end();
    http = self::http(&server);
    http.send(b"GET / HTTP");
    assert_eq!(http.response_to("GET").status, 408);
    http.expect_end();
}

#[test]
fn a_browser_that_only_looks_takes_no_place_for_longer_than_it_looks() {
    let server = Options::default().args(&["--max-connections-per-address", "2", "--limit-loopback"]).start();
    let before = server.descriptors();
    for _ in 0..5 {
        let mut http = http(&server);
        assert_eq!(http.ask("GET", "/healthz", "Connection: close\r\n", "").status, 200);
        http.expect_end();
        drop(http);
        eventually("its socket is closed", || server.descriptors() <= before);
    }
}

#[test]
fn a_client_that_floods_with_requests_is_held_to_its_pace() {
    let limits = ["--limit-loopback", "--line-rate", "10", "--line-burst", "5", "--login-timeout", "1s"];
    let server = Options::default().args(&limits).start();
    let mut http = http(&server);
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", http.host);
    // The time limit for a login, which ends meanwhile, says nothing about requests.
    let (requests, least) = (35, Duration::from_secs(3));
    let began = Instant::now();
    http.send(request.repeat(requests).as_bytes());
    for number in 0..requests {
        assert_eq!(http.response_to("GET").status, 200, "request {number}");
    }
    assert!(began.elapsed() > least - Duration::from_millis(100), "all were answered after {:?}", began.elapsed());
    // Others do not wait meanwhile, and the client itself only for its own requests.
    assert_eq!(Http::open(server.address(), &server.ca()).ask("GET", "/healthz", "", "").status, 200);
}
