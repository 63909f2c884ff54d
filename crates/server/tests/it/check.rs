//! `parlor check`, as a health check runs it: only a trusted Parlor server is healthy.

use std::io::Write;
use std::net::TcpListener;
use std::thread;

use parlor_redis_testkit::Port;

use crate::harness::{self, Options, Server, ends, parlor};

/// Runs `parlor check` of a server, on the server's own machine: with its data directory.
fn check(server: &Server, args: &[&str]) -> (Option<i32>, String, String) {
    let address = server.address().to_string();
    let command = harness::command(server.data(), &[&["check", &address], args].concat());
    harness::without_notice(ends(server.data(), command))
}

fn assert_unhealthy(outcome: (Option<i32>, String, String), word: &str) {
    let (code, said, complaint) = harness::without_notice(outcome);
    assert_eq!((code, said.as_str()), (Some(1), ""), "{complaint}");
    assert!(complaint.starts_with("parlor: ") && complaint.contains(word), "{complaint}");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
}

#[test]
fn a_server_that_answers_is_healthy_and_one_that_ended_is_not() {
    let mut server = Server::start();
    let healthy = (Some(0), format!("test answers on {}\n", server.address()), String::new());
    assert_eq!(check(&server, &[]), healthy);
    assert_eq!(check(&server, &["--ca", server.ca().to_str().unwrap()]), healthy);
    server.kill();
    assert_unhealthy(check(&server, &[]), "refused");
}

#[test]
fn a_server_that_hangs_is_not_healthy() {
    let server = Server::start();
    server.freeze();
    assert_unhealthy(check(&server, &["--timeout", "200ms"]), "does not answer");
    server.thaw();
    assert_eq!(check(&server, &[]).0, Some(0));
}

#[test]
fn the_server_of_somebody_else_is_not_healthy() {
    let (server, stranger) = (Server::start(), Server::start());
    assert_unhealthy(check(&server, &["--ca", stranger.ca().to_str().unwrap()]), "not trusted");
    let address = server.address().to_string();
    assert_unhealthy(ends(stranger.data(), harness::command(stranger.data(), &["check", &address])), "not trusted");
}

#[test]
fn a_server_with_a_certificate_of_its_operator_proves_itself_by_it() {
    let made = tempfile::tempdir().unwrap();
    assert!(parlor(made.path(), &["cert", "init"]).status.success());
    let path = |name: &str| made.path().join("tls").join(name).to_str().unwrap().to_owned();
    let (chain, key) = (path("server.pem"), path("server.key"));
    let server = Options::default().args(&["--tls-cert", &chain, "--tls-key", &key]).start();
    assert_eq!(check(&server, &["--tls-cert", &chain]).0, Some(0));
    assert_unhealthy(check(&server, &[]), "not trusted");
    assert!(parlor(server.data(), &["cert", "init"]).status.success());
    let other = server.data().join("tls/server.pem");
    assert_unhealthy(check(&server, &["--tls-cert", other.to_str().unwrap()]), "key");
}

#[test]
fn something_else_on_the_port_is_not_healthy() {
    let data = harness::installation();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let speaker = thread::spawn(move || listener.accept().unwrap().0.write_all(b"220 mail.example.org\r\n").unwrap());
    assert_unhealthy(ends(data.path(), harness::command(data.path(), &["check", &address])), "does not speak TLS");
    speaker.join().unwrap();
}

#[test]
fn the_server_of_the_settings_is_asked_if_none_is_named() {
    let server = Server::start();
    let port = server.address().port();
    let config = server.data().join("parlor.toml");
    for listen in [format!("0.0.0.0:{port}"), format!("192.0.2.1:9\", \"127.0.0.1:{port}")] {
        std::fs::write(&config, format!("listen = [\"{listen}\"]\n")).unwrap();
        let asked = harness::command(server.data(), &["check", "--config", config.to_str().unwrap()]);
        let (code, said, complaint) = ends(server.data(), asked);
        assert_eq!((code, said), (Some(0), format!("test answers on 127.0.0.1:{port}\n")), "{complaint}");
    }
    // The certificate has no such name.
    let port = Port::free();
    let listen = format!("127.0.0.5:{port}");
    let server = Options::default().args(&["--listen", &listen]).start();
    let mut asked = harness::command(server.data(), &["check"]);
    asked.env("PARLOR_LISTEN", &listen);
    let (code, said, complaint) = ends(server.data(), asked);
    assert_eq!((code, said), (Some(0), format!("test answers on {listen}\n")), "{complaint}");
}

#[test]
fn a_server_that_takes_this_machine_for_a_balancer_is_asked_as_a_balancer_does() {
    let server = Options::default().args(&["--proxy-from", "127.0.0.0/8", "--registration", "open"]).start();
    let healthy = (Some(0), format!("test answers on {}\n", server.address()), String::new());
    let config = server.data().join("parlor.toml");
    let listen = format!("listen = [\"{}\"]", server.address());
    std::fs::write(&config, format!("{listen}\nproxy-from = [\"127.0.0.1\"]\n")).unwrap();
    assert_eq!(check(&server, &["--config", config.to_str().unwrap()]), healthy);
    let asked = harness::command(server.data(), &["check", "--config", config.to_str().unwrap()]);
    assert_eq!(harness::without_notice(ends(server.data(), asked)), healthy);
    // The server expects a header, and these settings do not say so.
    std::fs::write(&config, format!("{listen}\nproxy-from = [\"192.0.2.0/24\"]\n")).unwrap();
    assert_eq!(check(&server, &["--config", config.to_str().unwrap()]).0, Some(1));
}
