//! Runs one transcript against its own server, or against two that share a Redis. It must not know other transcripts.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parlor_redis_testkit::RedisServer;
use tempfile::TempDir;

use super::script::{Act, Action, Pattern, Script};
use crate::harness::{Client, Options, Server, command, feed, install};

/// How long a client waits for a line before the transcript fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// The password of accounts that `user add` makes.
const PASSWORD: &str = "secret\n";

/// The servers that a transcript runs against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum House {
    /// One server with its embedded store.
    Alone,
    /// Two servers that share a Redis; clients connect to them in turn.
    Pair,
}

/// The door through which all clients of a transcript come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// Bare lines.
    Lines,
    /// Lines in WebSocket messages.
    Web,
}

/// State of a running transcript: its data, its servers, its clients.
struct Stage {
    data: Arc<TempDir>,
    redis: Option<RedisServer>,
    door: Door,
    servers: Vec<Server>,
    /// Number of clients that connected so far.
    connected: usize,
    clients: HashMap<String, Client>,
    store_lock: Option<rusqlite::Connection>,
    /// What clients kept, by the name in the transcript.
    kept: HashMap<String, String>,
}

/// Runs a transcript up to its first failure, and returns the failed line and the reason.
pub(super) fn run(script: &Script, house: House, door: Door) -> Result<(), String> {
    let data = Arc::new(tempfile::tempdir().unwrap());
    let redis = (house == House::Pair).then(RedisServer::start);
    let (clients, servers) = (HashMap::new(), Vec::new());
    let kept = HashMap::new();
    let mut stage = Stage { data, redis, door, servers, connected: 0, clients, store_lock: None, kept };
    for step in &script.steps {
        let done = catch_unwind(AssertUnwindSafe(|| stage.perform(&step.action)));
        let done = done.unwrap_or_else(|panic| Err(said(&*panic)));
        let log = || stage.servers.iter().map(Server::log).collect::<Vec<_>>().join("---\n");
        done.map_err(|why| format!("{}:{}: {}\n    {why}\n{}", script.name, step.number, step.written, log()))?;
    }
    stage.unread().map_err(|why| format!("{}: at the end: {why}", script.name))
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
}

impl Stage {
    fn perform(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Serve(args) => self.serve(args),
            Action::User(args) => return self.user(args),
            Action::Kill => {
                self.servers().iter_mut().for_each(Server::kill);
                self.clients.clear();
            }
            Action::Stop => self.servers().iter().for_each(|server| server.signal("TERM")),
            Action::LockStore(true) => self.lock_store(),
            Action::LockStore(false) => self.unlock_store(),
            Action::Client(name, act) => return self.act(name, act),
        }
        Ok(())
    }

    /// Returns the servers. Starts them with the tests' default settings if none is started yet.
    fn servers(&mut self) -> &mut [Server] {
        if self.servers.is_empty() {
            self.start(&[]);
        }
        &mut self.servers
    }

    fn start(&mut self, args: &[&str]) {
        let count = if self.redis.is_some() { 2 } else { 1 };
        for _ in 0..count {
            let options = Options::default().args(args);
            let url = self.redis.as_ref().map(RedisServer::url);
            let options = url.iter().fold(options, |options, url| options.env("PARLOR_REDIS", url));
            self.servers.push(options.start_in(self.data.clone()));
        }
    }

    fn serve(&mut self, args: &[String]) {
        for mut server in self.servers.drain(..) {
            server.wait();
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.start(&args);
    }

    fn user(&mut self, args: &[String]) -> Result<(), String> {
        if self.redis.is_none() && !self.data.path().join("parlor.db").exists() {
            install(&self.data);
        }
        let needs_password = ["add", "passwd"].contains(&args[0].as_str());
        let mut all = vec!["user"];
        all.extend(args.iter().map(String::as_str));
        if needs_password {
            all.extend(["--password-stdin", "--bcrypt-cost", "4", "--min-password", "1"]);
        }
        let mut program = command(self.data.path(), &all);
        program.envs(self.redis.as_ref().map(|redis| ("PARLOR_REDIS", redis.url())));
        let output = feed(program, PASSWORD);
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }

    fn lock_store(&mut self) {
        if let Some(redis) = &self.redis {
            redis.pause();
            return;
        }
        let connection = rusqlite::Connection::open(self.data.path().join("parlor.db")).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        self.store_lock = Some(connection);
    }

    fn unlock_store(&mut self) {
        self.store_lock = None;
        if let Some(redis) = &self.redis {
            redis.resume();
        }
    }

    fn connect(&mut self) -> Client {
        let turn = self.connected;
        self.connected += 1;
        let door = self.door;
        let servers = self.servers();
        let server = &servers[turn % servers.len()];
        match door {
            Door::Lines => server.connect(),
            Door::Web => {
                let mut client = server.connect_web();
                assert_eq!(client.ask("FORMAT text"), "OK format text");
                client
            }
        }
    }

    fn act(&mut self, name: &str, act: &Act) -> Result<(), String> {
        if !self.clients.contains_key(name) {
            let client = self.connect();
            self.clients.insert(name.to_owned(), client);
        }
        let Some(client) = self.clients.get_mut(name) else { return Err("no such client".to_owned()) };
        match act {
            Act::Send(bytes) => {
                client.try_send(&filled(bytes, &self.kept)).map_err(|error| format!("cannot send: {error}"))
            }
            Act::Expect(pattern) => expect(client, pattern).map(drop),
            Act::Keep(name, pattern) => {
                let line = expect(client, pattern)?;
                let value = pattern.first_star(&line).ok_or("there is no * to keep")?;
                self.kept.insert(name.clone(), value.to_owned());
                Ok(())
            }
            Act::Await(pattern) => skip_to(client, pattern),
            Act::Quiet => {
                client.send("/ping quiet");
                expect(client, &Pattern::Text(vec!["PONG quiet".to_owned()])).map(drop)
            }
            Act::Closed => {
                client.expect_end();
                self.clients.remove(name);
                Ok(())
            }
            Act::HalfClose => {
                client.half_close();
                Ok(())
            }
            Act::Reset => {
                if let Some(client) = self.clients.remove(name) {
                    client.reset();
                }
                Ok(())
            }
        }
    }

    /// Fails if a client has an unread line.
    fn unread(&mut self) -> Result<(), String> {
        for (name, client) in &mut self.clients {
            if let Some(line) = client.line_within(Duration::from_millis(1)) {
                return Err(format!("{name} got a line that the transcript does not have: {line}"));
            }
        }
        Ok(())
    }
}

/// Puts what was kept in the place of each `\{name}`.
fn filled(bytes: &[u8], kept: &HashMap<String, String>) -> Vec<u8> {
    // Lines that are not UTF-8 name nothing.
    let Ok(text) = std::str::from_utf8(bytes) else { return bytes.to_vec() };
    let fill = |text: String, (name, value): (&String, &String)| text.replace(&format!("\\{{{name}}}"), value);
    kept.iter().fold(text.to_owned(), fill).into_bytes()
}

fn expect(client: &mut Client, pattern: &Pattern) -> Result<String, String> {
    match client.line_within(PATIENCE) {
        Some(line) if pattern.matches(&line) => Ok(line),
        Some(line) => Err(format!("got: {line}")),
        None => Err("got nothing, or the connection ended".to_owned()),
    }
}

fn skip_to(client: &mut Client, pattern: &Pattern) -> Result<(), String> {
    while let Some(line) = client.line_within(PATIENCE) {
        if pattern.matches(&line) {
            return Ok(());
        }
    }
    Err("it did not come".to_owned())
}
