//! `parlor migrate`, as operators run it: from a database to a Redis and back while clients speak, where no server runs, where
//! it is refused, and where it breaks off. That every kind of record is caught up with is tested in
//! `crates/store/tests/redis/migration.rs`.

mod speaker;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::Output;
use std::sync::Arc;
use std::thread;

use parlor_redis_testkit::{Direction, FaultProxy, RedisServer};
use serde_json::Value;
use tempfile::TempDir;

use speaker::{Speaker, Speech};

use crate::harness::{Client, Options, Server, command, copy_program, ends, eventually, heavy, parlor};
use crate::keeping::complaint;

const ROOM: &str = "garden";

/// Messages that are there before, so that a copy takes a while.
const BEFORE: usize = 3_000;

/// Settings of a server that keeps all messages: speakers say as much as they can, and on a busy machine for a long time.
fn keeping_all() -> Options {
    Options::default().args(&["--history", "all"])
}

/// Starts a server on a port that it keeps.
fn start(options: Options, data: &Arc<TempDir>) -> Server {
    options.start_in(data.clone()).restart_on_same_port()
}

fn directory() -> Arc<TempDir> {
    Arc::new(tempfile::tempdir().unwrap())
}

/// `parlor migrate` from the Redis, or else from the directory.
fn migration(data: &Arc<TempDir>, from: Option<&RedisServer>, to: &str) -> std::process::Command {
    let mut command = command(data.path(), &["migrate", "--to", to]);
    command.envs(from.map(|redis| ("PARLOR_REDIS", redis.url())));
    command
}

/// Runs it to its end. Returns what it says.
fn migrate(data: &Arc<TempDir>, from: Option<&RedisServer>, to: &str) -> String {
    let Output { status, stdout, stderr } = migration(data, from, to).output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// The last line of a server that refuses to start.
fn refusal(data: &Arc<TempDir>, redis: Option<&RedisServer>) -> String {
    let mut command = command(data.path(), &["serve", "--listen", "127.0.0.1:0"]);
    command.envs(redis.map(|redis| ("PARLOR_REDIS", redis.url())));
    let (code, _, complaint) = ends(data.path(), command);
    assert_eq!(code, Some(1), "{complaint}");
    complaint.lines().last().unwrap().to_owned()
}

/// A copy of a database whose content has moved, without the note that says so.
fn left(data: &Arc<TempDir>) -> Arc<TempDir> {
    let copy = directory();
    let path = copy.path().join("parlor.db");
    let (from, into) = (data.path().join("parlor.db"), path.to_str().unwrap());
    rusqlite::Connection::open(from).unwrap().execute("VACUUM INTO ?1", [into]).unwrap();
    let changed = rusqlite::Connection::open(&path).unwrap().execute("DELETE FROM meta WHERE key = 'moved'", []);
    assert_eq!(changed, Ok(1));
    copy
}

/// All records, as `parlor export` writes them.
fn export(data: &Arc<TempDir>, redis: Option<&RedisServer>) -> Vec<Value> {
    let mut command = command(data.path(), &["export"]);
    let output = command.envs(redis.map(|redis| ("PARLOR_REDIS", redis.url()))).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The entries of the room, with its epoch.
fn room(records: &[Value]) -> (Value, Vec<Value>) {
    let log = format!("#{ROOM}");
    let of = |kind: &'static str| {
        let log = log.clone();
        records.iter().map(move |record| &record[kind]).filter(move |record| record["log"] == log.as_str())
    };
    (of("log").next().unwrap()["epoch"].clone(), of("entry").cloned().collect())
}

/// Each accepted message is there once, with its number, and no number is missing.
fn expect_all(records: &[Value], speeches: &[Speech]) {
    let (_, entries) = room(records);
    for (at, entry) in entries.iter().enumerate() {
        assert_eq!(entry["id"], at as u64 + 1, "of {} entries", entries.len());
    }
    for (id, text) in speeches.iter().flat_map(|speech| &speech.accepted) {
        assert_eq!(entries[*id as usize - 1]["text"], text.as_str());
        let count = entries.iter().filter(|entry| entry["text"] == text.as_str()).count();
        assert_eq!(count, 1, "{text} is there {count} times");
    }
}

/// Many messages, some of them changed, in a room.
fn fill(client: &mut Client) {
    client.send(&format!("/join {ROOM}"));
    for number in 0..BEFORE {
        client.send(&format!("/once before-{number} before {number}"));
    }
    client.send("/edit garden 1 before it was edited\n/ping filled");
    client.until("PONG filled");
}

/// Changes old messages while everything is copied: a second edit, and a removal. Returns whether that was done before the
/// client was sent away.
fn change(client: &mut Client) -> bool {
    client.send("/edit garden 1 edited again\n/edit garden 2 edited, too\n/remove garden 3\n/ping changed");
    loop {
        match client.line() {
            line if line.starts_with("PONG changed") => return true,
            line if line.starts_with("BYE server-shutdown ") => return false,
            _ => {}
        }
    }
}

/// The same, also if the copy was faster: then the client comes back. Returns when it was sent away.
fn change_meanwhile(mut client: Client) -> bool {
    let is_done = change(&mut client);
    if is_done {
        client.until("RECONNECT 0");
        client.until("BYE server-shutdown ");
    }
    is_done
}

/// Expects the changes; makes them first if they were not made before.
fn expect_changes(server: &Server, is_done: bool, export: impl Fn() -> Vec<Value>) {
    if !is_done {
        let mut client = server.log_in("ann");
        client.send(&format!("/open {ROOM}"));
        assert!(change(&mut client));
    }
    let (_, entries) = room(&export());
    assert!(entries[0]["text"].as_str().unwrap().ends_with(" edited again"), "{}", entries[0]);
    assert!(entries[1]["text"].as_str().unwrap().ends_with(" edited, too"), "{}", entries[1]);
    assert_eq!(entries[2]["text"], "\u{1}gone");
}

fn ticket(client: &mut Client) -> String {
    client.send("/ticket test");
    client.until("OK ticket ").rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn everything_moves_to_a_redis_while_clients_speak_and_they_notice_a_reconnect_only() {
    let _heavy = heavy();
    let (data, redis) = (directory(), RedisServer::start());
    let mut server = start(keeping_all(), &data);
    let pid = server.pid();
    let mut ann = server.register("ann");
    fill(&mut ann);
    let (epoch, _) = room(&export(&data, None));
    let speakers = ["bob", "cyd", "dan"].map(|user| {
        let secret = ticket(&mut server.register(user));
        Speaker::start(&server, user, &secret, ROOM)
    });
    speakers.iter().for_each(|speaker| speaker.await_accepted(20));
    let running = thread::spawn({
        let (data, url) = (data.clone(), redis.url());
        move || migrate(&data, None, &url)
    });
    let is_done = change_meanwhile(ann);
    let said = running.join().unwrap();
    assert!(said.contains("moved 4 accounts, ") && said.contains("the server was away for "), "{said}");
    speakers.iter().for_each(|speaker| speaker.await_accepted(20));
    let speeches = speakers.map(Speaker::stop);
    assert!(speeches.iter().all(|speech| speech.connections >= 2));
    let records = export(&data, Some(&redis));
    expect_all(&records, &speeches);
    assert_eq!(room(&records).0, epoch, "the numbers are of another life");
    expect_changes(&server, is_done, || export(&data, Some(&redis)));
    // It is the same process, and the place that was left takes nobody any more.
    assert!(server.pid() == pid && !server.has_ended());
    server.kill();
    let refused = refusal(&data, None);
    assert!(refused.contains("has moved to redis://127.0.0.1:") && refused.contains("migrate --undo"), "{refused}");
    let copy = data.path().join("copy");
    let copy = copy.to_str().unwrap();
    for args in
        [&["user", "add", "--random-password", "eve"][..], &["backup", copy], &["export"], &["user", "export", "ann"]]
    {
        let refused = parlor(data.path(), args);
        assert!(String::from_utf8_lossy(&refused.stderr).contains("has moved to redis://"), "{args:?}: {refused:?}");
        assert_eq!(refused.status.code(), Some(1), "{args:?}");
    }
    let audit = parlor(data.path(), &["audit"]);
    assert!(String::from_utf8_lossy(&audit.stdout).contains("database-moved"), "{audit:?}");
}

#[test]
fn everything_moves_back_from_a_redis_while_clients_of_two_servers_speak() {
    let _heavy = heavy();
    let (data, redis) = (directory(), RedisServer::start());
    let options = || keeping_all().env("PARLOR_REDIS", &redis.url());
    let (mut one, mut two) = (start(options(), &data), options().start());
    let mut ann = one.register("ann");
    fill(&mut ann);
    let (epoch, _) = room(&export(&data, Some(&redis)));
    let speakers = ["bob", "cyd", "dan"].map(|user| {
        let secret = ticket(&mut one.register(user));
        Speaker::start(&one, user, &secret, ROOM)
    });
    let secret = ticket(&mut two.register("eve"));
    let elsewhere = Speaker::start(&two, "eve", &secret, ROOM);
    speakers.iter().chain([&elsewhere]).for_each(|speaker| speaker.await_accepted(20));
    let running = thread::spawn({
        let (data, url) = (data.clone(), redis.url());
        let to = data.path().to_str().unwrap().to_owned();
        move || {
            let output = command(data.path(), &["migrate", "--to", &to]).env("PARLOR_REDIS", url).output().unwrap();
            (output.status.success(), String::from_utf8(output.stdout).unwrap(), output.stderr)
        }
    });
    let is_done = change_meanwhile(ann);
    let (has_moved, said, complaint) = running.join().unwrap();
    assert!(has_moved, "{}", String::from_utf8_lossy(&complaint));
    assert!(said.contains("moved 5 accounts, ") && said.contains("parlor serve --data "), "{said}");
    for server in [&mut one, &mut two] {
        assert!(!server.wait().success());
        assert!(server.log().contains("has moved to "), "{}", server.log());
    }
    let launched = keeping_all().args(&["--listen", &format!("{}", one.address())]);
    let server = launched.start_in(data.clone());
    speakers.iter().for_each(|speaker| speaker.await_accepted(20));
    let speeches: Vec<Speech> = speakers.map(Speaker::stop).into_iter().chain([elsewhere.stop()]).collect();
    let records = export(&data, None);
    expect_all(&records, &speeches);
    assert_eq!(room(&records).0, epoch, "the numbers are of another life");
    expect_changes(&server, is_done, || export(&data, None));
}

#[test]
fn what_moves_there_and_back_is_the_same_and_the_place_that_was_left_is_put_aside() {
    let (data, redis) = (directory(), RedisServer::start());
    let server = start(Options::default(), &data);
    let mut ann = server.register("ann");
    fill(&mut ann);
    assert!(change(&mut ann));
    ann.send("/msg ann a note\n/publish news\n/topic garden Roses\n/subscribe ann\n/ping said");
    ann.until("PONG said");
    let mut server = server;
    server.signal("TERM");
    assert!(server.wait().success());
    let before = export(&data, None);
    let said = migrate(&data, None, &redis.url());
    assert!(said.contains("no server ran"), "{said}");
    assert_eq!(export(&data, Some(&redis)), before);
    assert_eq!(export(&left(&data), None), before, "what was left is still there");
    let to = data.path().to_str().unwrap();
    migrate(&data, Some(&redis), to);
    assert_eq!(export(&data, None), before);
    let aside = std::fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(aside.filter(|name| name.starts_with("replaced-")).count(), 1);
    // And there again: what was left in Redis is put aside, too.
    migrate(&data, None, &redis.url());
    assert_eq!(export(&data, Some(&redis)), before);
    drop(Options::default().env("PARLOR_REDIS", &redis.url()).start_in(data.clone()).log_in("ann"));
}

#[test]
fn what_was_left_can_be_taken_back_and_its_numbers_are_of_another_life() {
    let (data, redis) = (directory(), RedisServer::start());
    let mut server = start(Options::default(), &data);
    fill(&mut server.register("ann"));
    server.kill();
    let epoch = |records: &[Value]| room(records).0;
    let before = epoch(&export(&data, None));
    migrate(&data, None, &redis.url());
    let undo = |redis: Option<&RedisServer>| {
        let mut command = command(data.path(), &["migrate", "--undo"]);
        // Still exported from the migration.
        command.env("PARLOR_MIGRATE_TO", "redis://127.0.0.1:1");
        command.envs(redis.map(|redis| ("PARLOR_REDIS", redis.url()))).output().unwrap()
    };
    let refused = complaint(&["migrate"], &undo(Some(&redis)));
    assert!(refused.contains("nothing has moved from here"), "{refused}");
    assert!(undo(None).status.success());
    assert_ne!(epoch(&export(&data, None)), before);
    drop(Options::default().start_in(data.clone()).log_in("ann"));
    // From the Redis into another directory, and undone.
    let other = directory();
    migrate(&data, Some(&redis), other.path().to_str().unwrap());
    let refused = refusal(&data, Some(&redis));
    assert!(refused.contains("has moved to ") && refused.contains("migrate --undo"), "{refused}");
    assert!(undo(Some(&redis)).status.success());
    assert_ne!(epoch(&export(&data, Some(&redis))), before);
    drop(Options::default().env("PARLOR_REDIS", &redis.url()).start_in(data.clone()).log_in("ann"));
}

#[test]
fn a_place_with_something_else_is_refused_and_the_server_goes_on() {
    let (data, redis, other) = (directory(), RedisServer::start(), directory());
    let server = start(Options::default(), &data);
    let mut ann = server.register("ann");
    let shared = Options::default().env("PARLOR_REDIS", &redis.url()).start();
    drop(shared.register("bob"));
    let refused =
        |from: Option<&RedisServer>, to: &str| complaint(&["migrate"], &migration(&data, from, to).output().unwrap());
    assert!(refused(None, &redis.url()).contains("a server runs on this Redis"));
    drop(shared);
    eventually("the server of the Redis is gone", || refused(None, &redis.url()).contains("has accounts or messages"));
    let taken = refused(Some(&redis), data.path().to_str().unwrap());
    assert!(taken.contains("another parlor server uses"), "{taken}");
    assert!(refused(None, other.path().to_str().unwrap()).contains("both are directories"));
    assert!(refused(Some(&redis), &redis.url()).contains("both are a Redis"));
    let hidden = refused(None, "redis://:hidden@127.0.0.1:1");
    assert!(hidden.contains("cannot reach Redis") && !hidden.contains("hidden"), "{hidden}");
    ann.expect_quiet();
}

/// Starts a migration through a proxy that ends after some bytes, and waits for its end.
fn broken_off(data: &Arc<TempDir>, redis: &RedisServer, bytes: u64) -> Output {
    let proxy = FaultProxy::start(redis.port());
    proxy.end_after_bytes(Direction::ToServer, bytes);
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    let output = migration(data, None, &url).output().unwrap();
    proxy.wait_for_cut();
    output
}

#[test]
fn a_migration_that_breaks_off_leaves_the_server_alone_and_the_next_one_begins_anew() {
    let _heavy = heavy();
    let (data, redis) = (directory(), RedisServer::start());
    let server = start(Options::default(), &data);
    let mut ann = server.register("ann");
    fill(&mut ann);
    let output = broken_off(&data, &redis, 300_000);
    assert!(!output.status.success());
    ann.expect_quiet();
    // Nobody takes what was left for a place.
    let refused = refusal(&data, Some(&redis));
    assert!(refused.contains("has not come to its end"), "{refused}");
    assert!(change(&mut ann));
    // The proxy is another address of the same Redis, and so is this one.
    migrate(&data, None, &redis.url());
    ann.until("BYE server-shutdown");
    let mut left = export(&left(&data), None);
    let mut moved = export(&data, Some(&redis));
    assert_eq!(left.pop(), moved.pop(), "the digests differ");
}

/// Asks the server to hand its database over, as the command does.
fn take_over(server: &Server) -> BufReader<UnixStream> {
    let mut stream = UnixStream::connect(server.data().join("control.sock")).unwrap();
    stream.write_all(b"{\"order\":\"hand-over\"}\n").unwrap();
    let mut stream = BufReader::new(stream);
    let mut answer = String::new();
    stream.read_line(&mut answer).unwrap();
    assert_eq!(answer, "\"done\"\n");
    stream
}

#[test]
fn a_server_whose_migration_dies_goes_on_where_it_was() {
    let data = directory();
    let server = start(Options::default(), &data);
    let mut ann = server.register("ann");
    let secret = ticket(&mut ann);
    ann.send("before\n/ping said");
    ann.until("PONG said");
    let waiting = take_over(&server);
    ann.until("RECONNECT 0");
    ann.until("BYE server-shutdown");
    // Nobody else gets the database meanwhile.
    let refused = refusal(&data, None);
    assert!(refused.contains("another parlor server uses"), "{refused}");
    drop(waiting);
    eventually("the server is back", || {
        Client::try_open_with(server.address(), Client::config(&server.ca())).is_some()
    });
    let mut ann = server.connect();
    ann.send(&format!("RESUME ann {secret}"));
    ann.until("OK login ann lobby");
    let history = ann.list("/history", "OK history");
    assert!(history.iter().any(|line| line.ends_with(" ann before")), "{history:?}");
}

#[test]
fn a_server_that_waits_for_a_migration_can_be_stopped() {
    let data = directory();
    let mut server = start(Options::default(), &data);
    let waiting = take_over(&server);
    server.signal("TERM");
    assert!(server.wait().success());
    drop(waiting);
    drop(server.restart());
}

#[test]
fn a_server_that_says_goodbye_for_a_migration_can_be_stopped() {
    let (data, redis) = (directory(), RedisServer::start());
    let mut server = start(Options::default().env("PARLOR_REDIS", &redis.url()), &data);
    let mut ann = server.register("ann");
    // It stays for a while, since this one does not close its connection.
    let child = migration(&data, Some(&redis), directory().path().join("new").to_str().unwrap()).spawn().unwrap();
    ann.until("RECONNECT 0");
    server.signal("TERM");
    assert!(server.wait().success(), "{}", server.log());
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
}

#[test]
fn a_server_whose_program_was_replaced_moves_all_the_same() {
    let (data, redis, programs) = (directory(), RedisServer::start(), directory());
    let program = programs.path().join("parlor");
    copy_program(&program);
    let server = start(Options::default().program(&program), &data);
    drop(server.register("ann"));
    // As an upgrade does it.
    fs::write(programs.path().join("newer"), "not a program yet").unwrap();
    fs::rename(programs.path().join("newer"), &program).unwrap();
    let said = migrate(&data, None, &redis.url());
    assert!(said.contains("the server was away for"), "{said}");
    server.log_in("ann").expect_quiet();
}

#[test]
fn of_two_migrations_of_a_database_one_is_refused_and_an_address_may_be_secret() {
    let (data, redis) = (directory(), RedisServer::start());
    let server = start(Options::default(), &data);
    let mut ann = server.register("ann");
    let other = File::open(data.path()).unwrap();
    other.try_lock().unwrap();
    let refused = complaint(&["migrate"], &migration(&data, None, &redis.url()).output().unwrap());
    assert!(refused.contains("another parlor migrate moves what is in"), "{refused}");
    assert_eq!(redis.cli(&["DBSIZE"]), "0");
    drop(other);
    ann.expect_quiet();
    let mut secret = command(data.path(), &["migrate"]);
    let output = secret.env("PARLOR_MIGRATE_TO", redis.url()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    ann.until("BYE server-shutdown");
}
