//! Runs one transcript against a server of its own. It must not know other transcripts.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::script::{Act, Action, Pattern, Script};
use crate::harness::{Client, Options, Server, parlor_with_input};

/// How long a line is waited for before the transcript fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// The password of accounts that `user add` makes.
const PASSWORD: &str = "secret\n";

/// Where a transcript plays: its data, its server, its clients.
struct Stage {
    data: Arc<TempDir>,
    server: Option<Server>,
    clients: HashMap<String, Client>,
    store_lock: Option<rusqlite::Connection>,
}

/// Runs a transcript up to its first failure, and says where and what that is.
pub(super) fn run(script: &Script) -> Result<(), String> {
    let data = Arc::new(tempfile::tempdir().unwrap());
    let mut stage = Stage { data, server: None, clients: HashMap::new(), store_lock: None };
    for step in &script.steps {
        let done = catch_unwind(AssertUnwindSafe(|| stage.perform(&step.action)));
        let done = done.unwrap_or_else(|panic| Err(said(&*panic)));
        let log = || stage.server.as_ref().map(Server::log).unwrap_or_default();
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
                self.server().kill();
                self.clients.clear();
            }
            Action::Stop => self.server().signal("TERM"),
            Action::LockStore(true) => self.lock_store(),
            Action::LockStore(false) => self.store_lock = None,
            Action::Client(name, act) => return self.act(name, act),
        }
        Ok(())
    }

    /// The server; started with the settings of the tests if none was asked for yet.
    fn server(&mut self) -> &mut Server {
        self.server.get_or_insert_with(|| Options::default().start_in(self.data.clone()))
    }

    fn serve(&mut self, args: &[String]) {
        if let Some(mut server) = self.server.take() {
            server.wait();
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.server = Some(Options::default().args(&args).start_in(self.data.clone()));
    }

    fn user(&mut self, args: &[String]) -> Result<(), String> {
        let needs_password = ["add", "passwd"].contains(&args[0].as_str());
        let mut all = vec!["user"];
        all.extend(args.iter().map(String::as_str));
        if needs_password {
            all.extend(["--password-stdin", "--bcrypt-cost", "4"]);
        }
        let output = parlor_with_input(self.data.path(), &all, PASSWORD);
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }

    fn lock_store(&mut self) {
        let connection = rusqlite::Connection::open(self.data.path().join("parlor.db")).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        self.store_lock = Some(connection);
    }

    fn act(&mut self, name: &str, act: &Act) -> Result<(), String> {
        if !self.clients.contains_key(name) {
            let client = self.server().connect();
            self.clients.insert(name.to_owned(), client);
        }
        let Some(client) = self.clients.get_mut(name) else { return Err("no such client".to_owned()) };
        match act {
            Act::Send(bytes) => client.try_send(bytes).map_err(|error| format!("cannot send: {error}")),
            Act::Expect(pattern) => expect(client, pattern),
            Act::Await(pattern) => skip_to(client, pattern),
            Act::Quiet => {
                client.send("/ping quiet");
                expect(client, &Pattern::Text(vec!["PONG quiet".to_owned()]))
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

    /// Whether every client read all that came for it.
    fn unread(&mut self) -> Result<(), String> {
        for (name, client) in &mut self.clients {
            if let Some(line) = client.line_within(Duration::from_millis(1)) {
                return Err(format!("{name} got a line that the transcript does not have: {line}"));
            }
        }
        Ok(())
    }
}

fn expect(client: &mut Client, pattern: &Pattern) -> Result<(), String> {
    match client.line_within(PATIENCE) {
        Some(line) if pattern.matches(&line) => Ok(()),
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
