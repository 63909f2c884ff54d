//! Builds histories for the tests of the checks, one event after the other. It must not make them right.

use std::time::Duration;

use crate::entry::{Content, Moderation};
use crate::logs::Logs;
use crate::plan::{Fault, FaultKind};
use crate::record::{Connection, Dump, Entry, Event, Heard, History, Line, Moment, Post, Range, Reply, Span, What};
use crate::report::Violation;

/// A history under construction. Each event takes one millisecond.
pub(crate) struct HistoryBuilder {
    history: History,
    now: Moment,
    epoch: String,
}

impl Default for HistoryBuilder {
    fn default() -> Self {
        Self { history: History::default(), now: Duration::ZERO, epoch: "first".to_owned() }
    }
}

impl HistoryBuilder {
    pub(crate) fn history(self) -> History {
        self.history
    }

    /// The invariants that a check finds broken, if the logs themselves are right.
    pub(crate) fn judged_by(self, check: fn(&History, &Logs<'_>) -> Vec<Violation>) -> Vec<&'static str> {
        let history = self.history();
        let (logs, wrong) = Logs::gather(&history);
        assert_eq!(wrong, []);
        check(&history, &logs).into_iter().map(|violation| violation.invariant).collect()
    }

    /// The history so far.
    pub(crate) fn so_far(&self) -> History {
        self.history.clone()
    }

    /// A new connection in the lobby, which was empty before.
    pub(crate) fn log_in(&mut self, user: &str, server: usize) -> usize {
        self.log_in_at(user, server, 0)
    }

    /// The same, if the lobby had `last` entries.
    pub(crate) fn log_in_at(&mut self, user: &str, server: usize, last: u64) -> usize {
        let connection = self.connect(user, server);
        let reply = Reply::Entered { room: "lobby".to_owned(), epoch: self.epoch.clone(), last };
        self.ask(connection, Line::Login, Some(reply));
        connection
    }

    /// A new connection that has not sent anything.
    pub(crate) fn connect(&mut self, user: &str, server: usize) -> usize {
        self.history.connections.push(Connection {
            user: user.to_owned(),
            server,
            weak: false,
            slow: false,
            events: Vec::new(),
            final_one: false,
        });
        self.history.connections.len() - 1
    }

    /// A line, and its answer if there is one.
    pub(crate) fn ask(&mut self, connection: usize, line: Line, reply: Option<Reply>) -> &mut Self {
        let number = self.history.connections[connection].events.len();
        self.note(connection, What::Sent { number, line });
        if let Some(reply) = reply {
            self.note(connection, What::Answered { number, reply });
        }
        self
    }

    pub(crate) fn refuse(&mut self, connection: usize, line: Line, code: &str) -> &mut Self {
        self.ask(connection, line, Some(Reply::Refused { code: code.to_owned() }))
    }

    pub(crate) fn say(&mut self, connection: usize, text: &str, id: u64) -> &mut Self {
        let stored = Reply::Stored { id, room: Some("lobby".to_owned()), repeated: false };
        self.ask(connection, Line::Say(text.to_owned()), Some(stored))
    }

    pub(crate) fn publish(&mut self, connection: usize, text: &str, id: u64) -> &mut Self {
        let stored = Reply::Stored { id, room: None, repeated: false };
        self.ask(connection, Line::Publish(text.to_owned()), Some(stored))
    }

    /// A direct message that gets this number in its sender's inbox.
    pub(crate) fn tell(&mut self, connection: usize, to: &str, text: &str, id: u64) -> &mut Self {
        let line = Line::Direct { to: to.to_owned(), text: text.to_owned() };
        self.ask(connection, line, Some(Reply::Stored { id, room: None, repeated: false }))
    }

    pub(crate) fn hear_direct(&mut self, connection: usize, id: u64, from: &str, text: &str) -> &mut Self {
        self.note(connection, What::Heard(Heard::Direct(entry(&(id, from, text)))))
    }

    /// The answer to a request for a page.
    pub(crate) fn page(
        &mut self,
        connection: usize,
        target: &str,
        range: Range,
        entries: &[(u64, &str, &str)],
        more: bool,
    ) -> &mut Self {
        let reply = Reply::Page { target: target.to_owned(), entries: entries.iter().map(entry).collect(), more };
        self.ask(connection, Line::Backlog { target: target.to_owned(), range, count: 50 }, Some(reply))
    }

    pub(crate) fn ping(&mut self, connection: usize) -> &mut Self {
        self.ask(connection, Line::Ping, Some(Reply::Done))
    }

    pub(crate) fn join(&mut self, connection: usize, room: &str, last: u64) -> &mut Self {
        let reply = Reply::Entered { room: room.to_owned(), epoch: self.epoch.clone(), last };
        self.ask(connection, Line::Join(room.to_owned()), Some(reply))
    }

    /// A message of the lobby.
    pub(crate) fn hear(&mut self, connection: usize, id: u64, from: &str, text: &str) -> &mut Self {
        let heard = Heard::Message { room: "lobby".to_owned(), entry: entry(&(id, from, text)) };
        self.note(connection, What::Heard(heard))
    }

    /// What a moderator of the lobby did, without an end.
    pub(crate) fn hear_deed(
        &mut self,
        connection: usize,
        id: u64,
        from: &str,
        action: &str,
        user: Option<&str>,
        reason: &str,
    ) -> &mut Self {
        self.hear_deed_in("lobby", connection, id, from, action, user, reason)
    }

    /// The same in another room.
    #[allow(clippy::too_many_arguments, reason = "they are those of an entry")]
    pub(crate) fn hear_deed_in(
        &mut self,
        room: &str,
        connection: usize,
        id: u64,
        from: &str,
        action: &str,
        user: Option<&str>,
        reason: &str,
    ) -> &mut Self {
        let (user, reason) = (user.map(str::to_owned), reason.to_owned());
        let deed = Moderation { action: action.to_owned(), user, is_endless: true, reason };
        let text = format!("({from} {action} {id})");
        let entry = Entry { id, from: from.to_owned(), to: None, text, content: Content::Moderation(deed) };
        self.note(connection, What::Heard(Heard::Message { room: room.to_owned(), entry }))
    }

    pub(crate) fn hear_publication(&mut self, connection: usize, id: u64, from: &str, text: &str) -> &mut Self {
        self.note(connection, What::Heard(Heard::Publication(entry(&(id, from, text)))))
    }

    /// The answer to a request for the whole history of the lobby.
    pub(crate) fn look_back(&mut self, connection: usize, entries: &[(u64, &str, &str)]) -> &mut Self {
        let reply = Reply::History { room: "lobby".to_owned(), entries: entries.iter().map(entry).collect() };
        self.ask(connection, Line::History, Some(reply))
    }

    pub(crate) fn note(&mut self, connection: usize, what: What) -> &mut Self {
        self.now += Duration::from_millis(1);
        self.history.connections[connection].events.push(Event { at: self.now, what });
        self
    }

    pub(crate) fn wait(&mut self, seconds: u64) -> &mut Self {
        self.now += Duration::from_secs(seconds);
        self
    }

    /// The connection lasts to the end.
    pub(crate) fn finish(&mut self, connection: usize) -> &mut Self {
        self.history.connections[connection].final_one = true;
        self.note(connection, What::Closed("the end"))
    }

    /// What an outgoing hook posts.
    pub(crate) fn post(&mut self, post: Post) -> &mut Self {
        self.now += Duration::from_millis(1);
        self.history.posts.push(Post { at: self.now, ..post });
        self
    }

    /// Everybody has read everything.
    pub(crate) fn read(&mut self) -> Self {
        self.history.reading = self.now;
        std::mem::take(self)
    }

    /// A server is killed, from one second to another of the whole history.
    pub(crate) fn fault(&mut self, from: u64, to: u64) -> &mut Self {
        self.fault_of(FaultKind::Kill, from, to)
    }

    /// A fault of some kind, on server 0.
    pub(crate) fn fault_of(&mut self, kind: FaultKind, from: u64, to: u64) -> &mut Self {
        let fault = Fault { kind, server: Some(0) };
        self.history.spans.push(Span { from: Duration::from_secs(from), to: Duration::from_secs(to), fault });
        self
    }

    /// Logs have this epoch from now on.
    pub(crate) fn epoch(&mut self, epoch: &str) -> &mut Self {
        epoch.clone_into(&mut self.epoch);
        self
    }

    /// The store is emptied while the lobby has these entries.
    pub(crate) fn empty(&mut self, lobby: &[(u64, &str, &str)]) -> &mut Self {
        self.wait(1);
        let rooms = [("lobby".to_owned(), lobby.iter().map(entry).collect())].into();
        self.history.dumps.push(Dump { from: self.now, at: self.now, rooms, ..Dump::default() });
        self.wait(1).epoch("second")
    }

    /// The entries that the store had in the lobby at the end.
    pub(crate) fn keep(&mut self, lobby: &[(u64, &str, &str)]) -> &mut Self {
        let rooms = [("lobby".to_owned(), lobby.iter().map(entry).collect())].into();
        self.history.kept = Some(Dump { at: self.now, rooms, ..Dump::default() });
        self
    }

    /// The entries that the store had in the inbox of a user at the end.
    pub(crate) fn keep_inbox(&mut self, user: &str, inbox: &[(u64, &str, &str)]) -> &mut Self {
        let kept = self.history.kept.get_or_insert_default();
        (kept.at, kept.is_by_pages) = (self.now, true);
        kept.inboxes.insert(user.to_owned(), inbox.iter().map(entry).collect());
        self
    }

    /// All clients are in their final rooms, or the items in `overdue` did not happen in time.
    pub(crate) fn settle(&mut self, overdue: &[&str]) -> &mut Self {
        self.history.settled = self.now;
        self.history.overdue = overdue.iter().map(|what| (*what).to_owned()).collect();
        self
    }
}

fn entry(&(id, from, text): &(u64, &str, &str)) -> Entry {
    Entry::said(id, from.to_owned(), None, text.to_owned())
}
