//! One connection of a client. It records every line that it sends and receives. It must not decide what to send.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::record::{Connection, Entry, Event, Heard, Line, Moment, Reply, ShownBy, Standing, What};
use crate::ticket::Ticket;
use parlor_process_testkit::{LineClient, Polled, Trust};

/// Maximum time until a server greets. The server may be frozen.
const GREETED_WITHIN: Duration = Duration::from_secs(4);

/// The address of a server.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) server: usize,
    pub(crate) address: SocketAddr,
    /// The address of a proxy in front of it.
    pub(crate) weak: SocketAddr,
    pub(crate) trust: Trust,
    /// The same for WebSocket.
    pub(crate) web_trust: Trust,
    /// The password of all clients that connect here.
    pub(crate) password: Arc<str>,
    /// Number of open connections to it.
    pub(crate) open: Arc<AtomicUsize>,
}

/// Counts a connection for as long as it is open.
#[derive(Debug)]
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Counted {
    pub(crate) fn at(door: &Endpoint) -> Self {
        door.open.fetch_add(1, Ordering::Relaxed);
        Self(door.open.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How a client connects.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnectOptions {
    /// By WebSocket.
    pub(crate) web: bool,
    /// Through the proxy.
    pub(crate) weak: bool,
    /// Sometimes does not read, with small buffers in the kernel.
    pub(crate) slow: bool,
    /// The ticket that the cookie of WebSocket shows.
    pub(crate) cookie: Option<Ticket>,
}

/// A connection whose events are recorded.
pub(crate) struct RecordedConnection {
    wire: LineClient,
    record: Connection,
    began: Instant,
    /// Lines without an answer yet, and when they were sent.
    pending: VecDeque<(usize, Line, Moment)>,
    sent: usize,
    alive: bool,
    password: Arc<str>,
    /// A line that came where the answer to the cookie would be.
    unread: Option<String>,
    _counted: Counted,
}

impl RecordedConnection {
    /// Connects. Returns `None` if the server is unreachable or does not greet in time. If that may have begun a session, the
    /// connection is returned and lost.
    pub(crate) fn open(door: &Endpoint, way: &ConnectOptions, user: &str, began: Instant) -> Option<Self> {
        let counted = Counted::at(door);
        let address = if way.weak { door.weak } else { door.address };
        let begun = began.elapsed();
        let mut wire = match (way.web, &way.cookie) {
            (true, Some(ticket)) => {
                let cookie = format!("__Host-parlor={user}.{}", ticket.secret());
                LineClient::open_web_from_page(address, &door.web_trust, &cookie).ok()?
            }
            (true, None) => LineClient::open_web(address, &door.web_trust).ok()?,
            (false, _) => LineClient::open(address, &door.trust).ok()?,
        };
        // All writes are short, so only a server that is frozen permanently can block them.
        wire.socket().set_write_timeout(Some(GREETED_WITHIN)).ok()?;
        if way.slow {
            wire.shrink_window().ok()?;
        }
        let greeting = wire.poll(GREETED_WITHIN);
        let record = Connection {
            user: user.to_owned(),
            server: door.server,
            weak: way.weak,
            slow: way.slow,
            events: Vec::new(),
            final_one: false,
        };
        let (pending, password) = (VecDeque::new(), door.password.clone());
        let mut link =
            Self { wire, record, began, pending, sent: 0, alive: true, password, unread: None, _counted: counted };
        if let Some(ticket) = way.cookie.clone().filter(|_| way.web) {
            link.await_answer(Line::Resume(ticket, ShownBy::Cookie), begun);
        }
        let expected = if way.web { r#"{"type":"hello","protocol":"parlor/1","# } else { "HELLO parlor/1 " };
        match greeting {
            Polled::Line(greeting) if greeting.starts_with(expected) => {}
            Polled::Line(greeting) if !turns_away(&greeting) => link.note(What::Odd(greeting)),
            _ if link.pending.is_empty() => return None,
            _ => {
                link.alive = false;
                link.note(What::Lost);
            }
        }
        Some(link)
    }

    /// Records a line that was sent at `at`.
    fn await_answer(&mut self, line: Line, at: Moment) {
        self.sent += 1;
        let number = self.sent;
        self.pending.push_back((number, line.clone(), at));
        self.record.events.push(Event { at, what: What::Sent { number, line } });
    }

    /// Whether the connection still exists, as far as the client knows.
    pub(crate) fn alive(&self) -> bool {
        self.alive
    }

    /// Number of lines without an answer.
    pub(crate) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Whether the same act is ordered and not answered. Two entries of one act at the same time could not be told from an
    /// act that was carried out twice.
    pub(crate) fn has_ordered(&self, line: &Line) -> bool {
        self.pending.iter().any(|(_, pending, _)| pending.is_same_order(line))
    }

    /// Whether an answer may change the open rooms or the current one.
    pub(crate) fn is_moving(&self) -> bool {
        self.pending.iter().any(|(_, line, _)| line.moves())
    }

    /// How long the oldest line has waited for its answer.
    pub(crate) fn waited(&self) -> Duration {
        self.pending.front().map_or(Duration::ZERO, |(_, _, sent)| self.began.elapsed().saturating_sub(*sent))
    }

    /// Sends lines in one write.
    pub(crate) fn send(&mut self, lines: Vec<Line>) {
        if !self.alive {
            return;
        }
        let mut bytes = String::new();
        for line in lines {
            bytes.push_str(&line.wire(&self.record.user, &self.password));
            bytes.push('\n');
            self.await_answer(line, self.began.elapsed());
        }
        if self.wire.send(bytes.as_bytes()).is_err() {
            self.note(What::Lost);
            self.alive = false;
        }
    }

    /// Waits for the next event, records it and returns it.
    pub(crate) fn listen(&mut self, patience: Duration) -> Option<What> {
        if !self.alive {
            return None;
        }
        let polled = self.unread.take().map_or_else(|| self.wire.poll(patience), Polled::Line);
        let what = match polled {
            Polled::Nothing => return None,
            Polled::Line(line) => self.understand(&line),
            Polled::End | Polled::Broken => {
                self.alive = false;
                What::Lost
            }
        };
        self.note(what.clone());
        Some(what)
    }

    /// The line that was sent under this number.
    pub(crate) fn line(&self, number: usize) -> Option<Line> {
        self.record.events.iter().rev().find_map(|event| match &event.what {
            What::Sent { number: sent, line } if *sent == number => Some(line.clone()),
            _ => None,
        })
    }

    /// Closes with a FIN, or at once with a reset, and returns the record.
    pub(crate) fn close(mut self, why: &'static str, reset: bool) -> Connection {
        if self.alive {
            self.note(What::Closed(why));
        }
        if reset {
            // If this fails, the connection is already lost.
            let _ = self.wire.reset();
        }
        self.record
    }

    /// Returns the record of a connection that lasted to the end.
    pub(crate) fn finish(mut self) -> Connection {
        self.record.final_one = self.alive;
        self.close("the end", false)
    }

    fn note(&mut self, what: What) {
        self.record.events.push(Event { at: self.began.elapsed(), what });
    }

    fn understand(&mut self, line: &str) -> What {
        if turns_away(line) && matches!(self.pending.front(), Some((_, Line::Format, _))) {
            // It stopped before it read that the client wants JSON.
            return What::Bye { code: "server-shutdown".to_owned() };
        }
        let Ok(event) = serde_json::from_str::<Value>(line) else { return What::Odd(line.to_owned()) };
        match unasked(&event) {
            Some(what) => what,
            None => self.answer(&event).unwrap_or_else(|| What::Odd(line.to_owned())),
        }
    }

    /// The answer to the oldest pending line. `None` if the event is not an answer.
    fn answer(&mut self, event: &Value) -> Option<What> {
        let reply = reply(event)?;
        let (number, line, _) = self.pending.front()?;
        if !fits(line, &reply, event) {
            if !matches!(line, Line::Resume(_, ShownBy::Cookie)) {
                return None;
            }
            // This answers the next line.
            self.unread = Some(event.to_string());
            let refused = Reply::Refused { code: "bad-credentials".to_owned() };
            let what = What::Answered { number: *number, reply: refused };
            self.pending.pop_front();
            return Some(what);
        }
        let (number, ..) = self.pending.pop_front()?;
        Some(What::Answered { number, reply })
    }
}

/// Whether a server that stops says so instead of its greeting.
fn turns_away(greeting: &str) -> bool {
    greeting.starts_with("BYE server-shutdown ") || greeting.starts_with(r#"{"type":"bye","code":"server-shutdown","#)
}

/// Whether the reply can be that to this line.
fn fits(line: &Line, reply: &Reply, event: &Value) -> bool {
    match reply {
        Reply::Users { .. } => matches!(line, Line::Who(_)),
        Reply::Rooms(_) => matches!(line, Line::Rooms),
        Reply::Follows(_) => matches!(line, Line::Subscriptions),
        Reply::History { .. } => matches!(line, Line::History),
        Reply::Synced { .. } => matches!(line, Line::Sync),
        Reply::Page { target, .. } => matches!(line, Line::Backlog { target: asked, .. } if asked == target),
        Reply::Stored { room: Some(told), .. } => match line {
            Line::SayIn { room, .. } => room == told,
            Line::Edit { room, .. } | Line::Remove { room, .. } | Line::Topic { room, .. } => {
                room == told && event["command"] == line.command()
            }
            line => matches!(line, Line::Say(_)),
        },
        Reply::Done if event["type"] == "pong" => matches!(line, Line::Ping),
        // What it answers is no command before the login.
        Reply::Refused { code } if code == "login-required" => matches!(line, Line::Ping),
        Reply::Refused { .. } if matches!(line, Line::Resume(..)) => event["command"] == "resume",
        _ => event["command"] == line.command(),
    }
}

/// The meaning of an event that is not an answer.
fn unasked(event: &Value) -> Option<What> {
    let heard = match event["type"].as_str()? {
        "message" | "edited" | "removed" | "topic" | "moderated" => {
            Heard::Message { room: text(&event["room"])?, entry: Entry::read(event)? }
        }
        "publication" => Heard::Publication(Entry::read(event)?),
        "direct" | "invited" => Heard::Direct(Entry::read(event)?),
        "moved" => {
            Heard::Moved { room: text(&event["room"])?, epoch: text(&event["epoch"])?, last: event["last"].as_u64()? }
        }
        "joined" => Heard::Entered { room: text(&event["room"])?, user: text(&event["user"])? },
        "left" => Heard::Left { room: text(&event["room"])?, user: text(&event["user"])? },
        "bye" => return Some(What::Bye { code: text(&event["code"])? }),
        "reconnect" => return Some(What::Reconnect),
        // It comes before the goodbye of the same name.
        "error" if event["code"] == "login-timeout" => return Some(What::Bye { code: text(&event["code"])? }),
        _ => return None,
    };
    Some(What::Heard(heard))
}

/// The event as an answer to any line.
fn reply(event: &Value) -> Option<Reply> {
    let list = |key: &str| event[key].as_array();
    Some(match event["type"].as_str()? {
        "error" => Reply::Refused { code: text(&event["code"])? },
        "pong" => Reply::Done,
        "users" => {
            Reply::Users { room: text(&event["room"])?, users: list("users")?.iter().map(text).collect::<Option<_>>()? }
        }
        "rooms" => {
            let room = |room: &Value| Some((text(&room["room"])?, room["members"].as_u64()?));
            Reply::Rooms(list("rooms")?.iter().map(room).collect::<Option<_>>()?)
        }
        "subscriptions" => Reply::Follows(list("users")?.iter().map(text).collect::<Option<_>>()?),
        "history" => Reply::History {
            room: text(&event["room"])?,
            entries: list("messages")?.iter().map(Entry::of_history).collect::<Option<_>>()?,
        },
        "ok" => match event["command"].as_str()? {
            "login" | "register" | "join" | "leave" | "open" => Reply::Entered {
                room: text(&event["room"])?,
                epoch: text(&event["epoch"])?,
                last: event["last"].as_u64()?,
            },
            "message" | "publish" | "msg" | "edit" | "remove" | "topic" => Reply::Stored {
                id: event["id"].as_u64()?,
                room: text(&event["room"]),
                repeated: event["repeated"].as_bool().unwrap_or(false),
            },
            "close" => Reply::Closed { current: text(&event["current"])? },
            "ticket" => Reply::Ticket(Ticket::new(event["id"].as_str()?, event["ticket"].as_str()?)),
            "hook" => Reply::Hook(Ticket::new(event["id"].as_str()?, event["url"].as_str()?)),
            "invitation" => Reply::Invitation(Ticket::new(event["id"].as_str()?, event["code"].as_str()?)),
            _ => Reply::Done,
        },
        "sync" => synced(event)?,
        "backlog" => Reply::Page {
            target: text(&event["target"])?,
            entries: list("entries")?.iter().map(Entry::read).collect::<Option<_>>()?,
            more: event["more"].as_bool()?,
        },
        _ => return None,
    })
}

/// The answer to `/sync`.
fn synced(event: &Value) -> Option<Reply> {
    let mut standings = Vec::new();
    for (list, sigil, name) in [("rooms", '#', "room"), ("directs", '@', "user"), ("feeds", '+', "user")] {
        for standing in event[list].as_array()? {
            standings.push(Standing {
                target: format!("{sigil}{}", standing[name].as_str()?),
                epoch: text(&standing["epoch"]).unwrap_or_default(),
                last: standing["last"].as_u64()?,
                read: standing["read"].as_u64()?,
                unread: standing["unread"].as_u64()?,
            });
        }
    }
    Some(Reply::Synced { current: text(&event["current"])?, standings })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
