//! Turns lines of JSON into events, and detects a server that has gone silent. It must not decide what is shown, nor
//! open a new connection.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parlor_proto::Event;
use serde_json::Value;

use crate::connection::{LineReceiver, LineSender, Received, readable};
use crate::connector::Timeouts;
use crate::error::Lost;

/// How often within the time between two pings this looks whether it is time for the next one.
const LOOKS: u32 = 4;

/// Input from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// An event. Its texts contain no control characters.
    Event {
        /// The event.
        event: Event,
        /// The line as received.
        line: String,
    },
    /// An event of a newer server that this version does not know.
    Unknown(UnknownEvent),
}

/// An event that this version does not know. The caller must ignore it or show it unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownEvent {
    /// Its `type`; empty if it has none.
    pub kind: String,
    /// The line as received.
    pub line: String,
}

impl Incoming {
    /// Parses a line in JSON format. Never fails, since servers may send more than this version knows.
    pub fn parse(line: String) -> Self {
        match serde_json::from_str(&line) {
            Ok(event) => Self::Event { event: displayable(event), line },
            Err(_) => Self::Unknown(UnknownEvent { kind: kind(&line), line }),
        }
    }

    /// The line as received, without its line ending.
    pub fn line(&self) -> &str {
        match self {
            Self::Event { line, .. } | Self::Unknown(UnknownEvent { line, .. }) => line,
        }
    }
}

fn kind(line: &str) -> String {
    let value: Option<Value> = serde_json::from_str(line).ok();
    value.as_ref().and_then(|value| value["type"].as_str()).unwrap_or_default().to_owned()
}

/// Strips control characters from the texts whose types do not strip them.
fn displayable(mut event: Event) -> Event {
    match &mut event {
        Event::Hello { protocol, server } => {
            *protocol = Cow::Owned(readable(protocol));
            *server = readable(server);
        }
        Event::Error { message, .. } => *message = readable(message),
        Event::Bye { message, .. } => *message = Cow::Owned(readable(message)),
        Event::Pong { token: Some(token) } => *token = readable(token),
        Event::Help { commands } => {
            for command in commands {
                command.usage = readable(&command.usage);
                command.help = Cow::Owned(readable(&command.help));
            }
        }
        _ => {}
    }
    event
}

/// The receiving half of a session.
#[derive(Debug)]
pub struct Events {
    sender: LineSender,
    receiver: LineReceiver,
    timeouts: Timeouts,
    /// Token of our own pings, by which their answers are told from those to the user's.
    token: String,
    asked: Instant,
    /// What came before an answer that was awaited, and is still to be handed out.
    early: VecDeque<Incoming>,
    /// For how long nothing was heard, as far as this waited for it: a process that was stopped did not.
    unheard: Duration,
}

impl Events {
    pub(crate) fn new(sender: LineSender, receiver: LineReceiver, timeouts: Timeouts) -> Result<Self, Lost> {
        receiver.set_patience(timeouts.keepalive / LOOKS)?;
        let token = format!("keepalive-{:016x}", crate::random());
        let (early, asked, unheard) = (VecDeque::new(), Instant::now(), Duration::ZERO);
        Ok(Self { sender, receiver, timeouts, token, asked, early, unheard })
    }

    /// Blocks until the next event is there. Pings the server from time to time, which also
    /// keeps it from closing an idle session; so whoever wants to stay calls this again and again.
    ///
    /// # Errors
    /// The connection is lost. No more events arrive.
    #[allow(clippy::should_implement_trait)] // an iterator has no place for the reason of its end
    pub fn next(&mut self) -> Result<Incoming, Lost> {
        match self.early.pop_front() {
            Some(incoming) => Ok(incoming),
            None => self.receive(),
        }
    }

    /// Blocks until the answer is there that is one by `is_answer`. What comes before it stays for [`Self::next`].
    ///
    /// # Errors
    /// The connection is lost.
    pub(crate) fn wait_for(&mut self, is_answer: impl Fn(&Event) -> bool) -> Result<Event, Lost> {
        loop {
            match self.receive()? {
                Incoming::Event { event, .. } if is_answer(&event) => return Ok(event),
                incoming => self.early.push_back(incoming),
            }
        }
    }

    fn receive(&mut self) -> Result<Incoming, Lost> {
        loop {
            let received = self.receiver.next()?;
            self.keep_alive(&received)?;
            match received {
                Received::Line(line) => match Incoming::parse(line) {
                    Incoming::Event { event: Event::Pong { token: Some(token) }, .. } if token == self.token => {}
                    incoming => return Ok(incoming),
                },
                Received::Silence => {}
                Received::End => return Err(Lost::Closed),
            }
        }
    }

    fn keep_alive(&mut self, received: &Received) -> Result<(), Lost> {
        let Timeouts { keepalive, silence, .. } = self.timeouts;
        match received {
            Received::Silence => self.unheard += keepalive / LOOKS,
            Received::Line(_) => self.unheard = Duration::ZERO,
            Received::End => {}
        }
        if self.unheard >= silence {
            self.sender.close();
            return Err(Lost::Silent);
        }
        // An error shows again when the next line is awaited, behind all that has arrived until then.
        if self.asked.elapsed() >= keepalive
            && self.sender.send_if_idle(&format!("/ping {}", self.token)).unwrap_or_default()
        {
            self.asked = Instant::now();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Entry;
    use crate::testing::{Identity, Scripted, ann, pinned};
    use parlor_proto::{Bye, Reply};

    fn parsed(line: &str) -> Incoming {
        Incoming::parse(line.to_owned())
    }

    #[test]
    fn events_with_fields_of_a_newer_server() {
        let line = r#"{"type":"ok","command":"broadcast","reached":7}"#;
        assert_eq!(parsed(line), Incoming::Event { event: Reply::Broadcast.into(), line: line.to_owned() });
    }

    #[test]
    fn what_is_unknown_is_kept() {
        let cases = [
            (r#"{"type":"reaction","emoji":"x"}"#, "reaction"),
            (r#"{"type":"ok","command":"dance"}"#, "ok"),
            ("HELP", ""),
            ("[1]", ""),
        ];
        for (line, kind) in cases {
            let expected = UnknownEvent { kind: kind.to_owned(), line: line.to_owned() };
            assert_eq!(parsed(line), Incoming::Unknown(expected));
        }
    }

    #[test]
    fn no_control_character_gets_through() {
        let line = r#"{"type":"bye","code":"banished","message":"\u001b[31mout\nside"}"#;
        let Incoming::Event { event: Event::Bye { code, message }, .. } = parsed(line) else { panic!("{line}") };
        assert_eq!((code, message.as_ref()), (Bye::Unknown, "[31moutside"));
    }

    #[test]
    fn no_text_of_a_server_has_a_control_character() {
        for line in [
            r#"{"type":"hello","protocol":"parlor\u001b/1","server":"\u001b[2Jden"}"#,
            r#"{"type":"error","code":"in-lobby","message":"\u001b[2JNo","command":null}"#,
            r#"{"type":"pong","token":"\u001b[2Jx"}"#,
            r#"{"type":"help","commands":[{"usage":"/x \u001b[2J","help":"y \u001b[2J"}]}"#,
            r#"{"type":"message","room":"red","id":1,"time":"2026-01-01T10:00:00Z","from":"bob","text":"\u001b[2Jx"}"#,
        ] {
            let Incoming::Event { event, .. } = parsed(line) else { panic!("{line}") };
            assert!(!format!("{event:?}").contains(r"\u{1b}"), "{event:?}");
        }
    }

    /// The receiving half of a session in which the server says nothing. The server returns what it hears.
    fn quiet(timeouts: Timeouts) -> (Events, Scripted<Vec<String>>) {
        let identity = Identity::new(&["127.0.0.1"]);
        let server = Scripted::start(&identity, |mut peer| {
            peer.welcome();
            std::iter::from_fn(|| Some(peer.hear()).filter(|line| !line.is_empty())).collect()
        });
        let session = pinned(&server.address, identity.pin).open().unwrap().log_in(Entry::Login, &ann()).unwrap();
        (Events { timeouts, ..session.events }, server)
    }

    #[test]
    fn only_silence_without_a_break_is_the_end() {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let timeouts = Timeouts { keepalive: hours(4), silence: hours(3), ..Timeouts::default() };
        let (mut events, server) = quiet(timeouts);
        let mut is_alive = |received: Received| events.keep_alive(&received).is_ok();
        // Each of these is an hour.
        assert!([Received::Silence, Received::Silence, Received::Line(String::new())].into_iter().all(&mut is_alive));
        assert!([Received::Silence, Received::Silence, Received::End].into_iter().all(&mut is_alive));
        assert!(matches!(events.keep_alive(&Received::Silence), Err(Lost::Silent)));
        assert_eq!(server.finish(), [""; 0], "the connection is closed");
    }

    #[test]
    fn a_ping_is_sent_in_its_time_and_the_time_of_the_next_one_counts_from_then() {
        let (mut events, server) = quiet(Timeouts { keepalive: Duration::ZERO, ..Timeouts::default() });
        let (before, line) = (events.asked, Received::Line(String::new()));
        events.keep_alive(&line).unwrap();
        assert!(events.asked > before);
        events.timeouts.keepalive = Duration::from_secs(3600);
        events.keep_alive(&line).unwrap();
        events.sender.close();
        assert_eq!(server.finish(), [format!("/ping {}", events.token)]);
    }
}
