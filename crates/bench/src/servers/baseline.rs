//! The minimal server with the same TLS library: one thread that encrypts and sends. It implements just enough of the
//! protocol to let members in. It must not be faster than a real server of this kind: it stores and checks nothing.

use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result};
use clap::Args;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::UnbufferedServerConnection;

use crate::wire::{BUFFER_BYTES, Heard, Lines, Link, Poller};

/// Number of the listener among the sockets.
const LISTENER: usize = usize::MAX;

/// Options of `parlor-bench bare`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where the certificate is put
    #[arg(long)]
    data: PathBuf,
    /// Puts what waits for a member into one record and one send
    #[arg(long)]
    coalesce: bool,
    /// Leaves every so many-th delivery out, to try whether that is noticed
    #[arg(long, value_name = "COUNT")]
    lose: Option<u64>,
}

/// Serves until standard input ends.
pub(crate) fn run(options: &Options) -> Result<()> {
    let config = certificate(&options.data)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    // The same backlog as in Parlor.
    rustix::net::listen(&listener, 1024)?;
    listener.set_nonblocking(true)?;
    println!("bare listening on {}", listener.local_addr()?);
    thread::spawn(|| {
        // The read returns when the parent process has ended.
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let poller = Poller::new()?;
    poller.add(&listener, LISTENER)?;
    let &Options { coalesce, lose, .. } = options;
    Hub {
        listener,
        poller,
        config,
        coalesce,
        lose,
        delivered: 0,
        guests: vec![],
        free: vec![],
        rooms: vec![],
        names: HashMap::new(),
    }
    .serve()
}

/// Creates a certificate for this run.
fn certificate(data: &Path) -> Result<Arc<ServerConfig>> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    fs::create_dir_all(data.join("tls"))?;
    fs::write(data.join("tls/ca.pem"), made.cert.pem())?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
    let config = ServerConfig::builder().with_no_client_auth();
    let mut config = config.with_single_cert(vec![made.cert.der().clone()], key)?;
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

struct Guest {
    link: Link<UnbufferedServerConnection>,
    lines: Lines,
    name: String,
    room: Option<usize>,
    leaves: bool,
}

/// Members of a room, and the messages since the last turn, with their authors.
#[derive(Default)]
struct Room {
    name: String,
    members: Vec<usize>,
    said: Vec<(usize, Vec<u8>)>,
}

struct Hub {
    listener: TcpListener,
    poller: Poller,
    config: Arc<ServerConfig>,
    coalesce: bool,
    lose: Option<u64>,
    delivered: u64,
    guests: Vec<Option<Guest>>,
    /// Numbers that can be reused.
    free: Vec<usize>,
    rooms: Vec<Room>,
    names: HashMap<String, usize>,
}

impl Hub {
    fn serve(mut self) -> Result<()> {
        let mut buffer = vec![0; BUFFER_BYTES];
        let (mut ready, mut dirty, mut said) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            self.poller.wait(None, &mut ready)?;
            for &number in &ready {
                if number == LISTENER {
                    self.accept()?;
                } else if self.receive(number, &mut buffer, &mut said).is_err() {
                    self.remove(number);
                }
                for (room, text) in said.drain(..) {
                    self.rooms[room].said.push((number, text));
                    if !self.coalesce {
                        self.deliver(room)?;
                    } else if !dirty.contains(&room) {
                        dirty.push(room);
                    }
                }
            }
            for room in dirty.drain(..) {
                self.deliver(room)?;
            }
        }
    }

    fn accept(&mut self) -> Result<()> {
        let socket = match self.listener.accept() {
            Ok((socket, _)) => socket,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error).context("cannot accept"),
        };
        let link = Link::new(socket, UnbufferedServerConnection::new(self.config.clone())?)?;
        let number = self.free.pop().unwrap_or_else(|| {
            self.guests.push(None);
            self.guests.len() - 1
        });
        self.poller.add(link.socket(), number)?;
        let lines = Lines::default();
        self.guests[number] = Some(Guest { link, lines, name: String::new(), room: None, leaves: false });
        Ok(())
    }

    /// Reads and answers the lines of a guest, and passes on the messages for its room.
    fn receive(&mut self, number: usize, buffer: &mut [u8], said: &mut Vec<(usize, Vec<u8>)>) -> Result<()> {
        let Some(guest) = self.guests[number].as_mut() else { return Ok(()) };
        let Guest { link, lines, name, room, leaves } = guest;
        let (rooms, names) = (&mut self.rooms, &mut self.names);
        let mut answers = Vec::new();
        let heard = link.receive(buffer, &mut |plain| {
            lines.cut(plain, |line| {
                match *line {
                    [b'/', b'j', ref rest @ ..] => {
                        let (_, wanted) = std::str::from_utf8(rest)?.split_once(' ').context("no room")?;
                        let at = *names.entry(wanted.to_owned()).or_insert(rooms.len());
                        if at == rooms.len() {
                            rooms.push(Room { name: wanted.to_owned(), ..Room::default() });
                        }
                        rooms[at].members.push(number);
                        *room = Some(at);
                        answers.extend_from_slice(b"OK join\n");
                    }
                    [b'/', ..] => {
                        *leaves = true;
                        answers.extend_from_slice(b"BYE quit\n");
                    }
                    _ => match *room {
                        Some(at) => said.push((at, line.to_vec())),
                        None => answers.extend_from_slice(greeting(line, name)?),
                    },
                }
                Ok(())
            })
        })?;
        if !answers.is_empty() {
            link.seal(&answers)?;
        }
        link.flush(&self.poller, number)?;
        anyhow::ensure!(heard == Heard::Open && !*leaves, "the end");
        Ok(())
    }

    /// Sends the messages of a room to all other members.
    fn deliver(&mut self, room: usize) -> Result<()> {
        let said = std::mem::take(&mut self.rooms[room].said);
        let Room { name, members, .. } = &self.rooms[room];
        let frame = |(author, text): &(usize, Vec<u8>)| {
            let author = self.guests[*author].as_ref().map_or("", |guest| &guest.name);
            [b"MSG ", name.as_bytes(), b" ", author.as_bytes(), b" ", text, b"\n"].concat()
        };
        let frames: Vec<Vec<u8>> = said.iter().map(frame).collect();
        let all = frames.concat();
        for &member in members {
            let Some(guest) = self.guests[member].as_mut() else { continue };
            self.delivered += 1;
            if self.lose.is_some_and(|count| self.delivered.is_multiple_of(count)) {
                continue;
            }
            if said.iter().all(|(author, _)| *author != member) {
                guest.link.seal(&all)?;
            } else {
                let others = said.iter().zip(&frames).filter(|((author, _), _)| *author != member);
                let others: Vec<u8> = others.flat_map(|(_, frame)| frame).copied().collect();
                if others.is_empty() {
                    continue;
                }
                guest.link.seal(&others)?;
            }
            // A broken connection is noticed at the next read.
            let _ = guest.link.flush(&self.poller, member);
        }
        Ok(())
    }

    fn remove(&mut self, number: usize) {
        let Some(guest) = self.guests[number].take() else { return };
        self.free.push(number);
        if let Some(room) = guest.room {
            self.rooms[room].members.retain(|member| *member != number);
        }
    }
}

/// The answer to a guest that is not in a room yet. Stores the guest's name in `name`.
fn greeting(line: &[u8], name: &mut String) -> Result<&'static [u8]> {
    let mut words = std::str::from_utf8(line)?.split(' ');
    let answer: &[u8] = if words.next() == Some("LOGIN") { b"OK login \n" } else { b"OK register \n" };
    *name = words.next().context("no name")?.to_owned();
    Ok(answer)
}
