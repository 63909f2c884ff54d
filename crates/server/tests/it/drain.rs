//! A drain: clients are told when to go and go one after the other, newcomers are refused, and nothing is lost on the way to
//! another server.

use std::time::{Duration, Instant};

use parlor_redis_testkit::RedisServer;

use crate::harness::{Admin, Client, Options, Server, command, ends, eventually, heavy, number};

/// Asks the server to drain.
fn drain(server: &Server, over: &str) {
    let said = ends(server.data(), command(server.data(), &["drain", "--over", over]));
    assert_eq!(said.0, Some(0), "{said:?}");
}

#[test]
fn clients_are_told_when_to_go_and_the_server_ends_after_the_last() {
    let _heavy = heavy();
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("admin.sock");
    let mut server = Options::default().admin(&socket).start();
    let admin = Admin::at(socket);
    let mut lines = server.register("ann");
    let mut web = server.connect_web();
    web.send("REGISTER bob secret");
    web.event_of("ok");
    lines.until("JOIN lobby bob");
    let begun = Instant::now();
    drain(&server, "5s");
    let told = lines.until("RECONNECT ");
    assert!(admin.readiness().unwrap_err().contains("draining"));
    let after_ms = number(&web.event_of("reconnect")["after_ms"]);
    let mut times = [told["RECONNECT ".len()..].parse::<u64>().unwrap(), after_ms];
    times.sort_unstable();
    // The first second is for balancers, and the other four are shared by two.
    assert_eq!(times, [0, 2000]);
    assert!(std::net::TcpStream::connect(server.address()).is_err(), "a newcomer is accepted");
    // Whoever goes later still hears what is said.
    let (mut first, mut second) = if after_ms == 0 { (web, lines) } else { (lines, web) };
    second.send("still here");
    let goodbye = |client: &mut Client| loop {
        let line = client.line();
        if line.contains("server-shutdown") {
            return;
        }
    };
    goodbye(&mut first);
    goodbye(&mut second);
    assert!(begun.elapsed() >= Duration::from_secs(3), "everybody is sent away at once");
    assert!(server.wait().success());
}

#[test]
fn a_signal_drains_and_another_ends_at_once() {
    let mut server = Server::start();
    let mut ann = server.register("ann");
    ann.send("/format json");
    let mut bob = server.register("bob");
    server.signal("USR1");
    bob.until("RECONNECT ");
    server.signal("TERM");
    bob.until("BYE server-shutdown");
    assert!(server.wait().success());
    drop(ann);
}

#[test]
fn whoever_is_sent_to_another_server_misses_nothing_and_needs_no_password() {
    let _heavy = heavy();
    let redis = RedisServer::start();
    let start = || Options::default().env("PARLOR_REDIS", &redis.url()).start();
    let (mut one, two) = (start(), start());
    let mut ann = one.register("ann");
    let answer = ann.ask("/ticket laptop");
    let ticket = answer.rsplit(' ').next().unwrap().to_owned();
    let mut bob = two.register("bob");
    bob.send("before");
    ann.until("MSG lobby bob before");
    drain(&one, "2s");
    ann.until("RECONNECT ");
    ann.until("BYE server-shutdown");
    bob.send("meanwhile");
    bob.send("/ping");
    bob.until("PONG");
    let mut ann = two.connect();
    ann.send(&format!("RESUME ann {ticket}"));
    ann.until("OK login ann lobby");
    let history = ann.list("/history", "OK history");
    assert!(history.iter().any(|line| line.ends_with(" bob meanwhile")), "{history:?}");
    assert!(one.wait().success());
    eventually("the session of the drained server to be the new one", || {
        let (code, said, _) = ends(two.data(), {
            let mut sessions = command(two.data(), &["sessions", "--json"]);
            sessions.env("PARLOR_REDIS", redis.url());
            sessions
        });
        code == Some(0) && said.matches("\"user\"").count() == 2
    });
}
