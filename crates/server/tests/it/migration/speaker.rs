//! A client that says one thing after the other, comes back by its ticket whenever it was sent away, and says again what was not
//! answered. It must not judge what it finds.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parlor_process_testkit::{LineClient, Polled, Trust};
use serde_json::Value;

use crate::harness::{Client, Server, eventually};

/// Time for an answer, and for a server to be back.
const PATIENCE: Duration = Duration::from_secs(20);

/// Time between two attempts to connect.
const RETRY: Duration = Duration::from_millis(20);

/// What was said.
#[derive(Default)]
pub(super) struct Speech {
    /// What was accepted, with its number.
    pub(super) accepted: Vec<(u64, String)>,
    /// How often it connected.
    pub(super) connections: usize,
}

/// A client on a thread.
pub(super) struct Speaker {
    is_over: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
    thread: JoinHandle<Speech>,
}

/// Who speaks where.
struct Role {
    address: SocketAddr,
    trust: Trust,
    user: String,
    secret: String,
    room: String,
    is_over: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
}

impl Speaker {
    pub(super) fn start(server: &Server, user: &str, secret: &str, room: &str) -> Self {
        let (is_over, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let role = Role {
            address: server.address(),
            trust: Client::config(&server.ca()),
            user: user.to_owned(),
            secret: secret.to_owned(),
            room: room.to_owned(),
            is_over: is_over.clone(),
            count: count.clone(),
        };
        Self { is_over, count, thread: thread::spawn(move || role.play()) }
    }

    /// Waits until some more messages were accepted.
    pub(super) fn await_accepted(&self, more: usize) {
        let before = self.count.load(Ordering::Relaxed);
        eventually("messages are accepted", || {
            self.count.load(Ordering::Relaxed) >= before + more || self.thread.is_finished()
        });
    }

    pub(super) fn stop(self) -> Speech {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

impl Role {
    fn play(&self) -> Speech {
        let mut speech = Speech::default();
        while !self.is_over.load(Ordering::Relaxed) {
            let Some(mut wire) = self.enter() else {
                thread::sleep(RETRY);
                continue;
            };
            speech.connections += 1;
            while !self.is_over.load(Ordering::Relaxed) && self.say_next(&mut wire, &mut speech) {}
        }
        speech
    }

    /// Connects and enters the room; none if the server is away.
    fn enter(&self) -> Option<LineClient> {
        let socket = TcpStream::connect(self.address).ok()?;
        socket.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut wire = LineClient::over(socket, &self.trust, &[]).ok()?;
        let lines = format!("FORMAT json\nRESUME {} {}\n/join {}\n", self.user, self.secret, self.room);
        wire.send(lines.as_bytes()).ok()?;
        self.answer(&mut wire, "join").map(|_| wire)
    }

    /// Says the next thing. Returns `false` if the connection is over.
    fn say_next(&self, wire: &mut LineClient, speech: &mut Speech) -> bool {
        let number = speech.accepted.len();
        let text = format!("{} says {number}", self.user);
        if wire.send(format!("/once {}-{number} {text}\n", self.user).as_bytes()).is_err() {
            return false;
        }
        let Some(answer) = self.answer(wire, "message") else { return false };
        if let Some(id) = answer["id"].as_u64() {
            speech.accepted.push((id, text));
            self.count.fetch_add(1, Ordering::Relaxed);
        }
        true
    }

    /// The answer to a command, or an error; none if the connection ends before.
    fn answer(&self, wire: &mut LineClient, command: &str) -> Option<Value> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let Polled::Line(line) = wire.poll(PATIENCE) else { return None };
            let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
            match event["type"].as_str() {
                Some("bye") => return None,
                Some("ok") if event["command"] == command => return Some(event),
                Some("error") if command == "message" => return Some(event),
                Some("error") => return None,
                _ => {}
            }
        }
        None
    }
}
