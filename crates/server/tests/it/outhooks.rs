//! What outgoing hooks post, to programs that fail, and to addresses that are not allowed.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_redis_testkit::RedisServer;
use serde_json::json;

use crate::harness::{Admin, Client, Options, Receiver, Server, eventually, parlor};

/// Options of a server that may post to this machine.
pub(crate) fn posting() -> Options {
    Options::default().args(&["--outhook-allow", "127.0.0.1"])
}

/// The owner of the room garden, and the secret of its outgoing hook.
pub(crate) fn garden(server: &Server, url: &str) -> (Client, String) {
    let mut ann = server.register("ann");
    assert_eq!(ann.ask("/join garden"), "OK join garden 1");
    let secret = hook(&mut ann, url);
    (ann, secret)
}

/// The secret of a new hook.
fn hook(moderator: &mut Client, url: &str) -> String {
    let reply = moderator.ask(&format!("/outhook garden {url}"));
    reply.strip_prefix("OK outhook ").unwrap_or_else(|| panic!("{reply}")).to_owned()
}

/// Says something for each of some numbers, which the messages then have.
pub(crate) fn say(client: &mut Client, numbers: std::ops::RangeInclusive<u64>) {
    numbers.for_each(|number| client.send(&format!("message {number}")));
    client.send("/ping said");
    assert_eq!(client.until("PONG "), "PONG said");
}

fn id_of_the_hook(moderator: &mut Client) -> String {
    moderator.list("/hooks garden", "OK hooks")[0].split(' ').nth(1).unwrap().to_owned()
}

/// Runs a command, which must succeed.
fn runs(data: &Path, words: &[&str]) {
    let output = parlor(data, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// How many posts failed.
fn failures(admin: &Admin) -> u64 {
    let metrics = admin.get("/metrics").1;
    let line = metrics.lines().find_map(|line| line.strip_prefix("parlor_outhook_posts_total{result=\"failed\"} "));
    line.unwrap().parse().unwrap()
}

pub(crate) fn log_has(server: &Server, what: &str) {
    eventually(what, || server.log().contains(what));
}

#[test]
fn nothing_is_skipped_and_nothing_is_out_of_order_while_a_receiver_fails() {
    let receiver = Receiver::start();
    let directory = tempfile::tempdir().unwrap();
    let admin = Admin::at(directory.path().join("admin.sock"));
    let server = posting().admin(&directory.path().join("admin.sock")).start();
    let mut early = server.register("early");
    assert_eq!(early.ask("/join garden"), "OK join garden 1");
    early.send("what was said before");
    receiver.answer(500);
    let secret = hook(&mut early, &receiver.url());
    say(&mut early, 2..=4);
    // The same message, again and again.
    let first = receiver.next();
    assert_eq!([first.id(), receiver.next().id()], [2, 2]);
    first.expect_signed_by(&secret);
    assert!(first.head.starts_with("POST /in?a=b HTTP/1.1\r\n"), "{}", first.head);
    let said = first.json();
    let known = json!({"room": "garden", "id": 2, "from": "early", "text": "message 2",
                       "time": said["time"], "epoch": said["epoch"]});
    assert_eq!(said, known);
    let address = receiver.close();
    say(&mut early, 5..=7);
    log_has(&server, "an outgoing hook cannot post, and will try again: cannot connect");
    let receiver = Receiver::start_at(address);
    assert_eq!(receiver.ids_up_to(7), [2, 3, 4, 5, 6, 7]);
    say(&mut early, 8..=8);
    let last = receiver.next();
    assert_eq!(last.id(), 8);
    last.expect_signed_by(&secret);
    let metrics = admin.get("/metrics").1;
    assert!(metrics.contains("parlor_outhook_posts_total{result=\"ok\"} 7\n"), "{metrics}");
    assert!(failures(&admin) >= 3, "{metrics}");
    assert!(!server.log().contains(&secret) && !server.log().contains("/in?a"), "{}", server.log());
    assert!(receiver.stays_quiet());
}

#[test]
fn a_server_that_was_killed_goes_on_where_it_was() {
    let receiver = Receiver::start();
    let mut server = posting().start();
    let (mut ann, secret) = garden(&server, &receiver.url());
    say(&mut ann, 1..=2);
    assert_eq!(receiver.ids_up_to(2), [1, 2]);
    receiver.hold();
    say(&mut ann, 3..=20);
    assert_eq!(receiver.next().id(), 3);
    server.kill();
    receiver.answer(204);
    let server = server.restart();
    // Nobody knows whether the third one arrived: it comes again.
    assert_eq!(receiver.ids_up_to(20), (3..=20).collect::<Vec<_>>());
    let mut ann = server.log_in("ann");
    assert_eq!(ann.ask("/join garden"), "OK join garden 1");
    say(&mut ann, 21..=21);
    let last = receiver.next();
    assert_eq!(last.id(), 21);
    last.expect_signed_by(&secret);
}

#[test]
fn what_was_removed_meanwhile_is_not_posted_and_what_was_edited_is_posted_as_it_reads() {
    let receiver = Receiver::start();
    let server = posting().start();
    receiver.answer(500);
    let (mut ann, _) = garden(&server, &receiver.url());
    say(&mut ann, 1..=4);
    receiver.next();
    assert_eq!(ann.ask("/edit garden 3 another text"), "OK edit garden 3");
    assert_eq!(ann.ask("/remove garden 1"), "OK remove garden 1");
    assert_eq!(ann.ask("/remove garden 4"), "OK remove garden 4");
    receiver.rest();
    receiver.answer(200);
    say(&mut ann, 8..=8);
    let mut texts = Vec::new();
    while texts.last().is_none_or(|(id, _)| *id < 8) {
        let post = receiver.next();
        texts.push((post.id(), post.json()["text"].as_str().unwrap().to_owned()));
    }
    // One attempt may have been under way when the first text was removed.
    texts.retain(|(id, _)| *id > 1);
    let expected = [(2, "message 2"), (3, "another text"), (8, "message 8")].map(|(id, text)| (id, text.to_owned()));
    assert_eq!(texts, expected);
}

#[test]
fn what_was_forgotten_before_it_was_posted_is_told() {
    let receiver = Receiver::start();
    let directory = tempfile::tempdir().unwrap();
    let admin = Admin::at(directory.path().join("admin.sock"));
    let server = posting().args(&["--history", "5"]).admin(&directory.path().join("admin.sock")).start();
    let address = receiver.address();
    let (mut ann, _) = garden(&server, &receiver.url());
    receiver.close();
    say(&mut ann, 1..=30);
    let receiver = Receiver::start_at(address);
    let first = receiver.next();
    assert_eq!((first.id(), &first.json()["missed"]), (26, &json!(25)));
    let second = receiver.next();
    assert_eq!((second.id(), second.json().get("missed").cloned()), (27, None));
    log_has(&server, "an outgoing hook missed messages");
    assert!(admin.get("/metrics").1.contains("parlor_outhook_missed_total 25\n"));
}

#[test]
fn a_message_that_cannot_be_noted_comes_again_more_and_more_seldom() {
    let receiver = Receiver::start();
    let server = posting().start();
    let (mut ann, _) = garden(&server, &receiver.url());
    // As if the disk were full: nothing can be noted. What is said can be stored, so that there is something to post.
    let database = rusqlite::Connection::open(server.data().join("parlor.db")).unwrap();
    let full = "CREATE TRIGGER full BEFORE UPDATE ON outhook BEGIN SELECT RAISE(FAIL, 'the disk is full'); END";
    database.execute_batch(full).unwrap();
    let begun = Instant::now();
    say(&mut ann, 1..=1);
    assert_eq!(receiver.next().id(), 1);
    // After 1 s, 2 s and 4 s; it came at once, so the first attempt is not lost.
    assert_eq!([receiver.next().id(), receiver.next().id(), receiver.next().id()], [1, 1, 1]);
    assert!(begun.elapsed() >= Duration::from_secs(7), "{:?}", begun.elapsed());
    log_has(&server, "following a log for an outgoing hook");
}

#[test]
fn a_hook_that_was_ended_posts_nothing_more() {
    let receiver = Receiver::start();
    let server = posting().start();
    let (mut ann, _) = garden(&server, &receiver.url());
    say(&mut ann, 1..=1);
    assert_eq!(receiver.next().id(), 1);
    receiver.answer(500);
    say(&mut ann, 2..=3);
    assert_eq!(receiver.next().id(), 2);
    let id = id_of_the_hook(&mut ann);
    assert_eq!(ann.ask(&format!("/unhook garden {id}")), format!("OK unhook garden {id}"));
    // A new one begins with what is said from now on.
    receiver.answer(200);
    hook(&mut ann, &receiver.url());
    say(&mut ann, 4..=4);
    let later = receiver.ids_up_to(4);
    // One attempt may have been under way.
    assert!(later.iter().all(|id| [2, 4].contains(id)), "{later:?}");
    runs(server.data(), &["room", "delete", "garden", "--yes"]);
    ann.until("MOVED lobby ");
    assert_eq!(ann.ask("/join garden"), "OK join garden 1");
    assert_eq!(ann.ask("/hooks garden"), "OK hooks garden 0");
}

#[test]
fn an_address_of_this_machine_is_not_connected_to_unless_its_network_is_named() {
    let receiver = Receiver::start();
    let port = receiver.address().port();
    let directory = tempfile::tempdir().unwrap();
    let admin = Admin::at(directory.path().join("admin.sock"));
    let options = Options::default().args(&["--outhook-allow", "*"]);
    let server = options.admin(&directory.path().join("admin.sock")).start();
    let mut ann = server.register("ann");
    assert_eq!(ann.ask("/join garden"), "OK join garden 1");
    for url in
        ["https://127.0.0.1", "https://[::1]", "https://[::ffff:127.0.0.1]", "https://10.0.0.1", "http://localhost"]
    {
        let refused = ann.ask(&format!("/outhook garden {url}:{port}/"));
        assert!(refused.starts_with("ERR bad-argument The operator of this server does not allow"), "{url}: {refused}");
    }
    // Names, of which is known only when they are resolved what they stand for.
    for host in ["localhost", "2130706433", "0x7f.1"] {
        hook(&mut ann, &format!("https://{host}:{port}/"));
    }
    say(&mut ann, 1..=1);
    eventually("all three are refused", || failures(&admin) >= 3);
    let refused = "does not allow the address ";
    log_has(&server, refused);
    assert_eq!(server.log().matches(refused).count(), server.log().matches("cannot post").count(), "{}", server.log());
    assert_eq!(receiver.connections(), 0);
}

#[test]
fn a_redirection_is_not_followed() {
    let (receiver, inner) = (Receiver::start(), Receiver::start());
    let server = posting().start();
    let location = format!("Location: {}\r\n", inner.url());
    receiver.answer_with(307, location.leak());
    let (mut ann, _) = garden(&server, &receiver.url());
    say(&mut ann, 1..=1);
    assert_eq!(receiver.next().id(), 1);
    log_has(&server, "the answer is 307");
    receiver.answer(200);
    assert_eq!(receiver.next().id(), 1);
    assert!(inner.rest().is_empty());
}

#[test]
fn a_receiver_in_tls_is_verified() {
    let authority = Server::start();
    let receiver = Receiver::start_tls(authority.data());
    let url = format!("https://localhost:{}/", receiver.address().port());
    let ca = authority.ca();
    let server = posting().args(&["--outhook-allow", "::1"]).env("SSL_CERT_FILE", ca.to_str().unwrap()).start();
    let (mut ann, secret) = garden(&server, &url);
    say(&mut ann, 1..=2);
    let first = receiver.next();
    first.expect_signed_by(&secret);
    assert_eq!([first.id(), receiver.next().id()], [1, 2]);
    let other = Server::start();
    let stranger =
        posting().args(&["--outhook-allow", "::1"]).env("SSL_CERT_FILE", other.ca().to_str().unwrap()).start();
    let (mut ann, _) = garden(&stranger, &url);
    say(&mut ann, 1..=1);
    log_has(&stranger, "no TLS: ");
    assert!(receiver.rest().is_empty());
}

#[test]
fn a_hook_goes_on_in_another_store() {
    let receiver = Receiver::start();
    let server = posting().start();
    let (mut ann, secret) = garden(&server, &receiver.url());
    say(&mut ann, 1..=2);
    assert_eq!(receiver.ids_up_to(2), [1, 2]);
    let address = receiver.close();
    say(&mut ann, 3..=4);
    let (redis, archive) = (RedisServer::start(), server.data().join("archive"));
    let file = archive.to_str().unwrap();
    drop(ann);
    eventually("two messages are posted", || position(&server) == "2");
    runs(server.data(), &["export", file]);
    let data = Arc::new(tempfile::tempdir().unwrap());
    runs(data.path(), &["import", file, "--redis", &redis.url()]);
    drop(server);
    let receiver = Receiver::start_at(address);
    let _server = posting().env("PARLOR_REDIS", &redis.url()).start_in(data);
    let third = receiver.next();
    third.expect_signed_by(&secret);
    assert_eq!([third.id(), receiver.next().id()], [3, 4]);
}

/// Up to where the one hook of a server has posted.
fn position(server: &Server) -> String {
    let connection = rusqlite::Connection::open(server.data().join("parlor.db")).unwrap();
    connection.query_row("SELECT position FROM outhook", [], |row| row.get::<_, u64>(0)).unwrap().to_string()
}
