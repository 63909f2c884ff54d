//! The record of a run: every line that was sent and received on every connection, and when. It must not judge.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

pub(crate) use crate::entry::{Content, Entry};
pub(crate) use crate::lines::{Line, MARKER, Range, ShownBy};
use crate::plan::Fault;
pub(crate) use crate::post::Post;
use crate::ticket::Ticket;

/// Time since the run began.
pub(crate) type Moment = Duration;

/// Where a conversation stands, as the answer to `/sync` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// With its sigil.
    pub(crate) target: String,
    /// Empty for direct messages.
    pub(crate) epoch: String,
    pub(crate) last: u64,
    pub(crate) read: u64,
    pub(crate) unread: u64,
}

/// An answer of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// To a login, a join, a leave, or an open.
    Entered {
        room: String,
        epoch: String,
        last: u64,
    },
    /// To a message, a publication or a direct message.
    Stored {
        id: u64,
        /// Where a message went.
        room: Option<String>,
        /// Whether it was stored before.
        repeated: bool,
    },
    Closed {
        current: String,
    },
    /// A new ticket.
    Ticket(Ticket),
    /// A new invitation.
    Invitation(Ticket),
    /// A new hook.
    Hook(Ticket),
    Synced {
        current: String,
        standings: Vec<Standing>,
    },
    Page {
        target: String,
        entries: Vec<Entry>,
        more: bool,
    },
    /// To a command whose answer has no content.
    Done,
    Users {
        room: String,
        users: Vec<String>,
    },
    Rooms(Vec<(String, u64)>),
    /// The users that the client follows.
    Follows(Vec<String>),
    History {
        room: String,
        entries: Vec<Entry>,
    },
    Refused {
        code: String,
    },
}

/// An event that is not an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// An entry of the log of a room.
    Message {
        room: String,
        entry: Entry,
    },
    Publication(Entry),
    Direct(Entry),
    Entered {
        room: String,
        user: String,
    },
    Left {
        room: String,
        user: String,
    },
    /// The client was removed from its current room, and is in this one now.
    Moved {
        room: String,
        epoch: String,
        last: u64,
    },
}

/// One event on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// Written. Recorded before the write.
    Sent {
        number: usize,
        line: Line,
    },
    /// Read. Recorded after the read.
    Answered {
        number: usize,
        reply: Reply,
    },
    Heard(Heard),
    Bye {
        code: String,
    },
    /// The client is asked to connect again.
    Reconnect,
    /// The server closed the connection, or it broke.
    Lost,
    /// The client closed it, for this reason.
    Closed(&'static str),
    /// A line that the protocol does not allow at this place.
    Odd(String),
}

/// An event with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) at: Moment,
    pub(crate) what: What,
}

/// All events on one connection, in order. Each connection has at most one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connection {
    pub(crate) user: String,
    pub(crate) server: usize,
    /// Whether it goes through a proxy that faults can make silent.
    pub(crate) weak: bool,
    /// Whether it sometimes does not read for some time.
    pub(crate) slow: bool,
    pub(crate) events: Vec<Event>,
    /// Whether it still existed at the end.
    pub(crate) final_one: bool,
}

/// A fault and the time for which it lasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: Moment,
    pub(crate) to: Moment,
    pub(crate) fault: Fault,
}

/// The logs of rooms, publishers and inboxes as the store had them at one time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Dump {
    /// When it was requested.
    pub(crate) from: Moment,
    /// When it arrived. The contents are from a time between the two.
    pub(crate) at: Moment,
    pub(crate) rooms: BTreeMap<String, Vec<Entry>>,
    pub(crate) feeds: BTreeMap<String, Vec<Entry>>,
    pub(crate) inboxes: BTreeMap<String, Vec<Entry>>,
    /// Whether clients read it page by page: then some logs are not in it, and some lack their beginning.
    pub(crate) is_by_pages: bool,
}

/// The result of a health check of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) server: usize,
    pub(crate) asked: Moment,
    pub(crate) answered: Moment,
    pub(crate) healthy: bool,
}

/// The resource usage of a server.
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

/// The resource usage of a server at one time, and the number of open connections then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) server: usize,
    pub(crate) at: Moment,
    pub(crate) usage: Usage,
    pub(crate) connections: usize,
}

/// The resource usage of a server without clients, before the first connected and after the last left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) server: usize,
    pub(crate) before: Usage,
    pub(crate) after: Usage,
}

/// The record of a run, or of one round of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct History {
    /// Part of every text of this round. Texts without it are ignored.
    pub(crate) tag: String,
    /// Whether the servers must refuse a second login of a user, instead of ending the first session.
    pub(crate) reject: bool,
    /// Whether the store has a clock of its own, whatever those of the servers do.
    pub(crate) store_has_own_clock: bool,
    /// When the chaos phase began, and when it ended.
    pub(crate) chaos: (Moment, Moment),
    pub(crate) probes: Vec<Probe>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) rests: Vec<Rest>,
    /// Servers that ended although the run did not end them, with their last log lines.
    pub(crate) deaths: Vec<(Moment, String)>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) spans: Vec<Span>,
    /// What outgoing hooks posted, in the order in which the receiver read it.
    pub(crate) posts: Vec<Post>,
    /// The contents of the store each time that it was emptied.
    pub(crate) dumps: Vec<Dump>,
    /// The contents of the store at the end, if they were read completely.
    pub(crate) kept: Option<Dump>,
    /// What did not happen in time after the faults.
    pub(crate) overdue: Vec<String>,
    /// The time since which every client is connected again and in its final rooms.
    pub(crate) settled: Moment,
    /// The time since which clients only read the logs from the beginning to the end. Zero if they did not.
    pub(crate) reading: Moment,
}

impl Connection {
    /// The earliest possible start of the session: the login was sent.
    pub(crate) fn login(&self) -> Option<Exchange<'_>> {
        self.exchanges().into_iter().find(|exchange| {
            exchange.line.begins_session() && matches!(exchange.answer, Some((_, Reply::Entered { .. })))
        })
    }

    /// Whether the client may have been cut off for not reading: then it need not hear what came before.
    pub(crate) fn may_be_too_slow(&self) -> bool {
        self.slow && self.events.iter().any(|event| matches!(event.what, What::Bye { .. } | What::Lost))
    }

    /// The time of the last event.
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
                    // An answer is recorded only under the number of a line that was sent.
                    if let Some(asked) = asked {
                        asked.answer = Some((event.at, reply));
                    }
                }
                _ => {}
            }
        }
        exchanges
    }

    /// Lines that were answered. The answers arrived in the order in which the lines were sent.
    pub(crate) fn exchanges_by_answer(&self) -> impl Iterator<Item = Exchange<'_>> {
        self.exchanges().into_iter().filter(|exchange| exchange.answer.is_some())
    }

    /// All events that are not answers, with their times.
    pub(crate) fn heard(&self) -> impl Iterator<Item = (Moment, &Heard)> {
        self.events.iter().filter_map(|event| match &event.what {
            What::Heard(heard) => Some((event.at, heard)),
            _ => None,
        })
    }
}

/// A line and its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange<'a> {
    pub(crate) number: usize,
    pub(crate) line: &'a Line,
    pub(crate) sent: Moment,
    pub(crate) answer: Option<(Moment, &'a Reply)>,
}

impl<'a> Exchange<'a> {
    /// The number under which it was stored, and when the answer arrived.
    pub(crate) fn stored(&self) -> Option<(Moment, u64)> {
        match self.answer {
            Some((at, Reply::Stored { id, .. })) => Some((at, *id)),
            _ => None,
        }
    }

    /// When it was answered that it is carried out.
    pub(crate) fn done(&self) -> Option<Moment> {
        self.answer.filter(|(_, reply)| **reply == Reply::Done).map(|(at, _)| at)
    }

    /// Whether it was not refused for certain.
    pub(crate) fn may_be_done(&self) -> bool {
        self.refused().is_none_or(|code| code == "store-unavailable")
    }

    /// The code of its refusal.
    pub(crate) fn refused(&self) -> Option<&'a str> {
        match self.answer {
            Some((_, Reply::Refused { code })) => Some(code),
            _ => None,
        }
    }
}

impl History {
    /// The part of the time from `from` to `to` without a fault, and without a fault that ended less than `recovery`
    /// before.
    pub(crate) fn calm(&self, from: Moment, to: Moment, recovery: Duration) -> Duration {
        self.calm_but_for(from, to, recovery, |_| true)
    }

    /// The same, for the selected faults only.
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
            What::Answered { number, reply: Reply::Page { target, entries, more } } => {
                let ids: Vec<u64> = entries.iter().map(|entry| entry.id).collect();
                write!(out, "< #{number} page of {target}: {ids:?}, more: {more}")
            }
            What::Answered { number, reply } => write!(out, "< #{number} {reply:?}"),
            What::Heard(heard) => write!(out, "<    {heard:?}"),
            What::Bye { code } => write!(out, "< bye {code}"),
            What::Reconnect => write!(out, "< reconnect"),
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
