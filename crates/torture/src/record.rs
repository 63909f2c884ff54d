//! What is known of a run once it is over: every line that was sent and heard on every connection, and when. It must
//! not judge.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::plan::Fault;

/// Time since the run began.
pub(crate) type Moment = Duration;

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    Format,
    Login,
    Register,
    Say(String),
    Publish(String),
    Direct { to: String, text: String },
    Join(String),
    Leave,
    Subscribe(String),
    Unsubscribe(String),
    Subscriptions,
    Who(String),
    Rooms,
    History,
    Ping,
}

impl Line {
    /// As it is sent by `user`, whose password this is.
    pub(crate) fn wire(&self, user: &str, password: &str) -> String {
        match self {
            Self::Format => "FORMAT json".to_owned(),
            Self::Login => format!("LOGIN {user} {password}"),
            Self::Register => format!("REGISTER {user} {password}"),
            Self::Say(text) => text.clone(),
            Self::Publish(text) => format!("/publish {text}"),
            Self::Direct { to, text } => format!("/msg {to} {text}"),
            Self::Join(room) => format!("/join {room}"),
            Self::Leave => "/leave".to_owned(),
            Self::Subscribe(user) => format!("/subscribe {user}"),
            Self::Unsubscribe(user) => format!("/unsubscribe {user}"),
            Self::Subscriptions => "/subscriptions".to_owned(),
            Self::Who(room) => format!("/who {room}"),
            Self::Rooms => "/rooms".to_owned(),
            Self::History => "/history 500".to_owned(),
            Self::Ping => "/ping".to_owned(),
        }
    }

    /// The command that its reply has to name.
    pub(crate) fn command(&self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Login => "login",
            Self::Register => "register",
            Self::Say(_) => "message",
            Self::Publish(_) => "publish",
            Self::Direct { .. } => "msg",
            Self::Join(_) => "join",
            Self::Leave => "leave",
            Self::Subscribe(_) => "subscribe",
            Self::Unsubscribe(_) => "unsubscribe",
            Self::Subscriptions => "subscriptions",
            Self::Who(_) => "who",
            Self::Rooms => "rooms",
            Self::History => "history",
            Self::Ping => "ping",
        }
    }

    /// The text that it brings to others; each is said only once in a run.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Say(text) | Self::Publish(text) | Self::Direct { text, .. } => Some(text),
            _ => None,
        }
    }
}

/// An entry of a log, as somebody learned of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) from: String,
    pub(crate) text: String,
}

/// What the server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// To a login, a join, a leave.
    Entered {
        room: String,
        epoch: String,
        last: u64,
    },
    /// To a message or a publication.
    Stored {
        id: u64,
    },
    /// To what has no more to say.
    Done,
    Users {
        room: String,
        users: Vec<String>,
    },
    Rooms(Vec<(String, u64)>),
    /// Whom one follows.
    Follows(Vec<String>),
    History {
        room: String,
        entries: Vec<Entry>,
    },
    Refused {
        code: String,
    },
}

/// What comes unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    Message { room: String, entry: Entry },
    Publication(Entry),
    Direct { from: String, text: String },
    Entered { room: String, user: String },
    Left { room: String, user: String },
}

/// One thing that happened on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// Written; noted before it was.
    Sent {
        number: usize,
        line: Line,
    },
    /// Read; noted after it was.
    Answered {
        number: usize,
        reply: Reply,
    },
    Heard(Heard),
    Bye {
        code: String,
    },
    /// The server closed the connection, or it broke.
    Lost,
    /// The client closed it, for this reason.
    Closed(&'static str),
    /// What the protocol does not allow at this place.
    Odd(String),
}

/// Something that happened, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) at: Moment,
    pub(crate) what: What,
}

/// All that happened on one connection, in order. Each has at most one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connection {
    pub(crate) user: String,
    pub(crate) server: usize,
    /// It goes by a proxy that faults may make silent.
    pub(crate) weak: bool,
    /// It now and then does not read for a while.
    pub(crate) slow: bool,
    pub(crate) events: Vec<Event>,
    /// It was still there when everything was over.
    pub(crate) final_one: bool,
}

/// A fault and the time for which it lasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: Moment,
    pub(crate) to: Moment,
    pub(crate) fault: Fault,
}

/// The logs of rooms and of publishers as the store had them at some moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Dump {
    /// When it was asked for.
    pub(crate) from: Moment,
    /// When it was there; what it says was so at some moment between.
    pub(crate) at: Moment,
    pub(crate) rooms: BTreeMap<String, Vec<Entry>>,
    pub(crate) feeds: BTreeMap<String, Vec<Entry>>,
}

/// Somebody asked, as a health check does, whether a server is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) server: usize,
    pub(crate) asked: Moment,
    pub(crate) answered: Moment,
    pub(crate) healthy: bool,
}

/// What a server takes of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Usage {
    /// Memory in KiB.
    pub memory: usize,
    /// Threads.
    pub threads: usize,
    /// Open descriptors.
    pub descriptors: usize,
}

impl fmt::Display for Usage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory, threads, descriptors } = self;
        write!(out, "{} MiB, {threads} threads and {descriptors} descriptors", memory / 1024)
    }
}

/// What a server took at some moment, while so many connections were open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) server: usize,
    pub(crate) at: Moment,
    pub(crate) usage: Usage,
    pub(crate) connections: usize,
}

/// What a server took with no client, before anybody came and after all had gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) server: usize,
    pub(crate) before: Usage,
    pub(crate) after: Usage,
}

/// A run, or one round of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct History {
    /// Stands in every text of this round; what others said is none of its business.
    pub(crate) tag: String,
    /// A second login of a user is to be refused, instead of ending the first session.
    pub(crate) reject: bool,
    /// When people began to do as they like, and when they ceased.
    pub(crate) chaos: (Moment, Moment),
    pub(crate) probes: Vec<Probe>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) rests: Vec<Rest>,
    /// Servers that ended although nobody ended them, with what they said last.
    pub(crate) deaths: Vec<(Moment, String)>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) spans: Vec<Span>,
    /// What was there each time that the store was emptied.
    pub(crate) dumps: Vec<Dump>,
    /// What was there when all was over, where that can be read.
    pub(crate) kept: Option<Dump>,
    /// What did not come to pass in time after the faults.
    pub(crate) overdue: Vec<String>,
    /// Since when everybody was connected again and in one room for good.
    pub(crate) settled: Moment,
}

impl Connection {
    /// When it can have begun to be a session: the login was sent.
    pub(crate) fn login(&self) -> Option<Exchange<'_>> {
        self.exchanges().into_iter().find(|exchange| {
            matches!(exchange.line, Line::Login | Line::Register)
                && matches!(exchange.answer, Some((_, Reply::Entered { .. })))
        })
    }

    /// The last moment of which anything is known.
    pub(crate) fn end(&self) -> Moment {
        self.events.last().map_or(Duration::ZERO, |event| event.at)
    }

    /// Lines with their answers, in the order in which they were sent.
    pub(crate) fn exchanges(&self) -> Vec<Exchange<'_>> {
        let mut exchanges: Vec<Exchange<'_>> = Vec::new();
        for event in &self.events {
            match &event.what {
                What::Sent { number, line } => {
                    exchanges.push(Exchange { number: *number, line, sent: event.at, answer: None });
                }
                What::Answered { number, reply } => {
                    let asked = exchanges.iter_mut().rev().find(|exchange| exchange.number == *number);
                    // An answer is noted only under the number of a line that was sent.
                    if let Some(asked) = asked {
                        asked.answer = Some((event.at, reply));
                    }
                }
                _ => {}
            }
        }
        exchanges
    }

    /// Lines that were answered. They were answered in the order in which they were sent.
    pub(crate) fn exchanges_by_answer(&self) -> impl Iterator<Item = Exchange<'_>> {
        self.exchanges().into_iter().filter(|exchange| exchange.answer.is_some())
    }

    /// Everything that came unasked, and when.
    pub(crate) fn heard(&self) -> impl Iterator<Item = (Moment, &Heard)> {
        self.events.iter().filter_map(|event| match &event.what {
            What::Heard(heard) => Some((event.at, heard)),
            _ => None,
        })
    }
}

/// A line and what was answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange<'a> {
    pub(crate) number: usize,
    pub(crate) line: &'a Line,
    pub(crate) sent: Moment,
    pub(crate) answer: Option<(Moment, &'a Reply)>,
}

impl<'a> Exchange<'a> {
    /// The number under which it was stored, and when that was known.
    pub(crate) fn stored(&self) -> Option<(Moment, u64)> {
        match self.answer {
            Some((at, Reply::Stored { id })) => Some((at, *id)),
            _ => None,
        }
    }

    /// With which code it was refused.
    pub(crate) fn refused(&self) -> Option<&'a str> {
        match self.answer {
            Some((_, Reply::Refused { code })) => Some(code),
            _ => None,
        }
    }
}

impl History {
    /// How much of the time from `from` to `to` no fault lasted, nor one that had ended less than `recovery` before.
    pub(crate) fn calm(&self, from: Moment, to: Moment, recovery: Duration) -> Duration {
        self.calm_but_for(from, to, recovery, |_| true)
    }

    /// The same as far as some faults are concerned.
    pub(crate) fn calm_but_for(
        &self,
        from: Moment,
        to: Moment,
        recovery: Duration,
        counts: impl Fn(Fault) -> bool,
    ) -> Duration {
        let counting = self.spans.iter().filter(|span| counts(span.fault));
        let cut = counting.map(|span| (span.from.max(from), (span.to + recovery).min(to)));
        let mut spans: Vec<(Moment, Moment)> = cut.filter(|(begin, end)| begin < end).collect();
        spans.sort();
        let (mut calm, mut since) = (Duration::ZERO, from);
        for (begin, end) in spans {
            calm += begin.saturating_sub(since);
            since = since.max(end);
        }
        calm + to.saturating_sub(since)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:8.3} s  ", self.at.as_secs_f64())?;
        match &self.what {
            What::Sent { number, line } => write!(out, "> #{number} {line:?}"),
            What::Answered { number, reply: Reply::History { room, entries } } => {
                let ids = |entry: Option<&Entry>| entry.map_or(0, |entry| entry.id);
                write!(out, "< #{number} history of {room}, {} to {}", ids(entries.first()), ids(entries.last()))
            }
            What::Answered { number, reply } => write!(out, "< #{number} {reply:?}"),
            What::Heard(heard) => write!(out, "<    {heard:?}"),
            What::Bye { code } => write!(out, "< bye {code}"),
            What::Lost => write!(out, "  connection lost"),
            What::Closed(why) => write!(out, "  closed by the client: {why}"),
            What::Odd(line) => write!(out, "< NOT ALLOWED HERE: {line}"),
        }
    }
}

#[test]
fn calm_time_is_what_no_fault_touches() {
    let second = Duration::from_secs;
    let span = |from, to| Span {
        from: second(from),
        to: second(to),
        fault: Fault { kind: crate::plan::FaultKind::Kill, server: Some(0) },
    };
    let history = History { spans: vec![span(4, 6), span(5, 10), span(20, 30)], ..History::default() };
    assert_eq!(history.calm(second(0), second(40), Duration::ZERO), second(4 + 10 + 10));
    assert_eq!(history.calm(second(0), second(40), second(3)), second(4 + 7 + 7));
    assert_eq!(history.calm(second(5), second(9), Duration::ZERO), second(0));
    assert_eq!(history.calm(second(12), second(18), Duration::ZERO), second(6));
}
