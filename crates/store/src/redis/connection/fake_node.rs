//! A node that answers as a test tells it: what a real Redis answers only in moments that no test can choose. It must not store
//! anything.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::redis::connection::command::Command;
use crate::redis::connection::dial::Dialer;
use crate::redis::connection::url::Address;
use crate::redis::{EventSink, Note};

/// A node on a port of its own. Its threads end with the process.
pub(in crate::redis) struct FakeNode {
    pub(in crate::redis) address: Address,
    heard: Arc<Mutex<Vec<String>>>,
}

impl FakeNode {
    /// `answer` gets the words of each command, and returns what is sent back: nothing for what every master answers, an empty
    /// text to close the connection.
    pub(in crate::redis) fn start(answer: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::start_as(move |_, line| answer(line))
    }

    /// The same for answers that name the node itself.
    pub(in crate::redis) fn start_as(
        answer: impl Fn(&Address, &str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = Address { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() };
        let (heard, answer) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(answer));
        let (noted, own) = (heard.clone(), address.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (noted, answer, own) = (noted.clone(), answer.clone(), own.clone());
                thread::spawn(move || serve(client, &noted, &|line| answer(&own, line)));
            }
        });
        Self { address, heard }
    }

    /// The commands so far, on all connections.
    pub(in crate::redis) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many of them begin like this.
    pub(in crate::redis) fn count(&self, beginning: &str) -> usize {
        self.heard().iter().filter(|line| line.starts_with(beginning)).count()
    }

    /// Opens connections to it.
    pub(in crate::redis) fn dialer(&self) -> Arc<Dialer> {
        Arc::new(Dialer::new(format!("redis://{}", self.address).parse().unwrap(), None))
    }
}

fn serve(mut client: TcpStream, heard: &Mutex<Vec<String>>, answer: &dyn Fn(&str) -> Option<String>) {
    let mut requests = BufReader::new(client.try_clone().unwrap());
    while let Ok(line) = command(&mut requests) {
        heard.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
        let answer = answer(&line).unwrap_or_else(|| usual(&line));
        if answer.is_empty() || client.write_all(answer.as_bytes()).is_err() {
            break;
        }
    }
}

/// Reads the words of a command.
fn command(requests: &mut impl BufRead) -> io::Result<String> {
    let mut words = Vec::new();
    for _ in 0..number(requests, '*')? {
        let mut word = vec![0; number(requests, '$')? + "\r\n".len()];
        requests.read_exact(&mut word)?;
        words.push(String::from_utf8_lossy(&word[..word.len() - "\r\n".len()]).into_owned());
    }
    Ok(words.join(" "))
}

fn number(requests: &mut impl BufRead, sign: char) -> io::Result<usize> {
    let mut line = String::new();
    requests.read_line(&mut line)?;
    let digits = line.trim_end().strip_prefix(sign);
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// What a master answers that is no member of a Cluster.
fn usual(line: &str) -> String {
    match line.split(' ').next() {
        Some("HELLO") => hello("standalone", "master"),
        Some("INFO") => bulk("maxmemory:0\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n"),
        Some("CLIENT") if line == "CLIENT INFO" => bulk("id=7 addr=127.0.0.1:9 name="),
        Some("CLIENT") if line.starts_with("CLIENT KILL") => ":1\r\n".to_owned(),
        _ => "+OK\r\n".to_owned(),
    }
}

/// The greeting of a node.
pub(in crate::redis) fn hello(mode: &str, role: &str) -> String {
    let fields = ["version", "7.2.0", "mode", mode, "role", role].map(bulk);
    format!("%3\r\n{}", fields.concat())
}

/// A text, as it is on the wire.
pub(in crate::redis) fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

/// The answer to `CLUSTER SLOTS`: the first and last slot of each owner.
pub(in crate::redis) fn slots(owners: &[(u16, u16, &Address)]) -> String {
    let range = |(first, last, owner): &(u16, u16, &Address)| {
        format!("*3\r\n:{first}\r\n:{last}\r\n*2\r\n{}:{}\r\n", bulk(&owner.host), owner.port)
    };
    format!("*{}\r\n{}", owners.len(), owners.iter().map(range).collect::<String>())
}

/// A command as it is sent: `NAME key args`, or for a script its name, `keys | args`.
pub(in crate::redis) fn shown(command: &Command) -> String {
    let words = ::redis::parse_redis_value(&command.packed).unwrap();
    let words: Vec<String> = ::redis::from_redis_value(words).unwrap();
    let Some(script) = command.script else { return words.join(" ") };
    let (keys, args) = words[3..].split_at(words[2].parse().unwrap());
    format!("{} {} | {}", script.name, keys.join(" "), args.join(" "))
}

/// Keeps what an operator is told.
#[derive(Default)]
pub(in crate::redis) struct Notes(Mutex<Vec<Note>>);

impl Notes {
    pub(in crate::redis) fn all(&self) -> Vec<Note> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl EventSink for Notes {
    fn note(&self, note: &Note) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(note.clone());
    }
}
