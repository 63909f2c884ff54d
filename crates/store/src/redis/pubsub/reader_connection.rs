//! One connection of a Pub/Sub reader. It must not wait for clients.
//!
//! Everything uses this connection: subscriptions, messages, and requests for missing entries. Redis answers the
//! requests in their order, in between the messages. So an answer contains exactly the entries before the next message.
//! This server's own pulse must arrive on the connection every second. If it does not, the connection is silently dead.

use std::collections::{BTreeSet, VecDeque};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ::redis::{Connection, PushKind, RedisError, Value};
use parlor_core::Flush;
use parlor_core::ports::{Entry, Head};
use parlor_proto::{Bye, Epoch, MessageId};

use crate::redis::codec;
use crate::redis::connection::command::Command;
use crate::redis::connection::script;
use crate::redis::keys::{self, ServerId};
use crate::redis::membership::server::Server;
use crate::redis::pubsub::log_cursors::{LogCursor, Next};
use crate::redis::pubsub::message::{LogMessage, ServerMessage};
use crate::redis::pubsub::reader::{PULSE_PATIENCE, PubSubReader};
use crate::redis::pubsub::retry::Retry;
use crate::redis::{Note, random};

/// If a read blocks for this long, no more messages are waiting.
const IDLE: Duration = Duration::from_micros(50);

/// A request on this connection that Redis will answer, in this order.
enum Asked {
    Subscription,
    /// The end of a subscription.
    Unsubscription(String),
    /// The entries of a log, by its channel, after a position.
    Tail(String, Head),
}

/// One connection of a reader.
pub(super) struct ReaderConnection<'a> {
    reader: &'a PubSubReader,
    connection: Connection,
    asked: VecDeque<Asked>,
    subscribed: BTreeSet<String>,
    pulse_at: Instant,
    /// Commands that must be sent.
    outgoing: Vec<u8>,
    /// Whether messages arrive as fast as they are read.
    is_busy: bool,
    /// The id under which other servers reach this server through this connection.
    id: ServerId,
    retry: &'a mut Retry,
}

impl<'a> ReaderConnection<'a> {
    /// A connection that has not subscribed to anything yet.
    pub(super) fn new(reader: &'a PubSubReader, connection: Connection, retry: &'a mut Retry) -> Self {
        Self {
            reader,
            connection,
            asked: VecDeque::new(),
            subscribed: BTreeSet::new(),
            pulse_at: Instant::now(),
            outgoing: Vec::new(),
            is_busy: false,
            id: reader.server.id(),
            retry,
        }
    }
}

impl ReaderConnection<'_> {
    fn server(&self) -> &Arc<Server> {
        &self.reader.server
    }

    /// Reads until the connection breaks. Blocks.
    pub(super) fn listen(&mut self) -> Result<std::convert::Infallible, RedisError> {
        self.begin()?;
        loop {
            self.step()?;
        }
    }

    /// Whether a request for missing entries has no answer yet.
    pub(super) fn is_requesting(&self) -> bool {
        self.asked.iter().any(|asked| matches!(asked, Asked::Tail(..)))
    }

    /// Loads the script for missing entries, and subscribes to all channels of this node.
    fn begin(&mut self) -> Result<(), RedisError> {
        ::redis::cmd("SCRIPT").arg("LOAD").arg(script::tail().source()).exec(&mut self.connection)?;
        // The channels in the inbox are among those that are subscribed to below.
        self.reader.inbox.take();
        self.subscribe("SUBSCRIBE", keys::pulse(&self.id));
        let server = self.server().clone();
        let control = keys::control(&self.id);
        if server.router.owner(&control) == self.reader.inbox.node {
            self.subscribe("SUBSCRIBE", control);
        }
        let tracked = server.cursors.all().into_iter().map(|(channel, _)| channel);
        for channel in std::iter::once(keys::EVERYBODY.to_owned()).chain(tracked) {
            if server.router.owner(&channel) == self.reader.inbox.node {
                self.subscribe("SSUBSCRIBE", channel);
            }
        }
        self.send()
    }

    fn subscribe(&mut self, how: &str, channel: String) {
        let command = ::redis::cmd(how).arg(&channel).get_packed_command();
        self.outgoing.extend_from_slice(&command);
        self.asked.push_back(Asked::Subscription);
        self.subscribed.insert(channel);
    }

    /// The subscribe command of a permanent channel: the one of this server, and the one of all servers. None for any
    /// other channel.
    fn how_to_stand_by(&self, channel: &str) -> Option<&'static str> {
        match channel {
            keys::EVERYBODY => Some("SSUBSCRIBE"),
            channel if channel == keys::control(&self.id) => Some("SUBSCRIBE"),
            _ => None,
        }
    }

    /// Only one node may serve the control channel of this server. Otherwise messages arrive twice, because a Cluster
    /// sends them to all nodes.
    fn leave_control(&mut self) {
        let (server, control) = (self.server().clone(), keys::control(&self.id));
        let owner = server.router.owner(&control);
        if owner != self.reader.inbox.node
            && self.subscribed.contains(&control)
            && server.pubsub_readers.is_heard_at(&control, &owner)
        {
            self.unsubscribe("UNSUBSCRIBE", &control);
        }
    }

    fn unsubscribe(&mut self, how: &str, channel: &str) {
        let command = ::redis::cmd(how).arg(channel).get_packed_command();
        self.outgoing.extend_from_slice(&command);
        self.asked.push_back(Asked::Unsubscription(channel.to_owned()));
        self.subscribed.remove(channel);
    }

    fn send(&mut self) -> Result<(), RedisError> {
        if self.outgoing.is_empty() {
            return Ok(());
        }
        self.connection.send_packed_command(&std::mem::take(&mut self.outgoing))
    }

    /// Reads one message or answer, and handles it.
    fn step(&mut self) -> Result<(), RedisError> {
        let heard_itself_at = self.pulse_at;
        let asked_at = Instant::now();
        let received = match self.connection.recv_response() {
            Err(error) if is_interruption(&error) && self.asked.is_empty() => return self.go_on(),
            received => received?,
        };
        self.is_busy = asked_at.elapsed() < IDLE;
        match received {
            Value::Push { kind, data } => self.pushed(&kind, &data),
            answer => self.answered(answer)?,
        }
        if self.pulse_at.elapsed() > PULSE_PATIENCE || self.server().is_closing() {
            return Err(std::io::Error::other("the own pulse does not come through").into());
        }
        if self.pulse_at != heard_itself_at && !self.reader.is_needed() {
            return Err(std::io::Error::other("the node has nothing to tell any more").into());
        }
        if self.server().id() != self.id {
            return Err(std::io::Error::other("this server goes on under another id").into());
        }
        for channel in self.reader.inbox.take() {
            self.look_at(channel);
        }
        self.send()
    }

    /// Goes on after the process was stopped and continued, which interrupts a read that has a timeout. What was published
    /// meanwhile waits at Redis. The library takes the next answer for the one that the interrupted read did not get, and
    /// ignores it; so one is requested that nobody needs.
    fn go_on(&mut self) -> Result<(), RedisError> {
        // A process that is stopped sends no pulse.
        self.pulse_at = Instant::now();
        self.outgoing.extend_from_slice(&::redis::cmd("TIME").get_packed_command());
        self.send()
    }

    /// Subscribes to a channel that is needed, or unsubscribes from one that is not.
    fn look_at(&mut self, channel: String) {
        if let Some(how) = self.how_to_stand_by(&channel) {
            if !self.subscribed.contains(&channel) {
                self.subscribe(how, channel);
            }
            return;
        }
        let is_needed = self.server().cursors.find(&channel);
        match (is_needed, self.subscribed.contains(&channel)) {
            (Some(cursor), true) if cursor.is_subscribed_at(&self.reader.inbox.node) => {
                self.proceed(&channel, &cursor, cursor.repair());
            }
            // This also covers a channel that was dropped and is followed again: the answer confirms the subscription
            // to the new cursor.
            (Some(_), _) => self.subscribe("SSUBSCRIBE", channel),
            (None, true) => self.unsubscribe("SUNSUBSCRIBE", &channel),
            (None, false) => {}
        }
    }

    fn pushed(&mut self, kind: &PushKind, data: &[Value]) {
        let text = |at: usize| match data.get(at) {
            Some(Value::BulkString(bytes)) => std::str::from_utf8(bytes).unwrap_or_default(),
            _ => "",
        };
        match kind {
            PushKind::SMessage => self.news(text(0), text(1)),
            PushKind::Message if text(0) == keys::pulse(&self.id) => {
                self.pulse_at = Instant::now();
                self.reader.inbox.note_pulse();
                self.leave_control();
            }
            PushKind::Message => self.news(text(0), text(1)),
            PushKind::Subscribe | PushKind::SSubscribe => self.subscribed(text(0)),
            PushKind::Unsubscribe | PushKind::SUnsubscribe => self.unsubscribed(text(0)),
            _ => {}
        }
    }

    fn subscribed(&mut self, channel: &str) {
        self.asked.pop_front();
        if self.asked.is_empty() {
            self.hears_all();
        }
        let (server, node) = (self.server().clone(), &self.reader.inbox.node);
        if self.how_to_stand_by(channel).is_some() {
            server.pubsub_readers.note_heard_at(channel, node);
            // Earlier messages were missed.
            server.request_session_audit();
        }
        if let Some(cursor) = server.cursors.find(channel) {
            let next = cursor.subscribed(node.clone());
            self.proceed(channel, &cursor, next);
        }
    }

    fn hears_all(&mut self) {
        self.reader.inbox.set_ready();
        if std::mem::take(&mut self.retry.is_loss_reported) {
            self.server().events.note(&Note::LinkRestored { node: self.reader.name() });
        }
    }

    /// Handles the end of a subscription: it was requested, or the slot moved to another node.
    fn unsubscribed(&mut self, channel: &str) {
        // The channel may be subscribed to again by now. The confirmation of that arrives later.
        if matches!(self.asked.front(), Some(Asked::Unsubscription(of)) if of == channel) {
            self.asked.pop_front();
            return;
        }
        self.subscribed.remove(channel);
        self.server().pubsub_readers.forget(channel, &self.reader.inbox.node);
        if let Some(cursor) = self.server().cursors.find(channel) {
            cursor.unsubscribed();
        }
        // The audit finds the new owner.
    }

    fn news(&mut self, channel: &str, text: &str) {
        self.reader.await_lease();
        let server = self.server().clone();
        let Some(cursor) = server.cursors.find(channel) else {
            if let Some(news) = ServerMessage::read(text) {
                tell(&server, &news).run();
            }
            return;
        };
        match LogMessage::read(text) {
            Some(LogMessage::Entry(epoch, entry)) => {
                let (flush, next) = cursor.hear(epoch, &entry, &*server.sink);
                self.flush(flush);
                self.proceed(channel, &cursor, next);
            }
            Some(LogMessage::Presence { user, change, members, version }) => {
                if let Some(room) = cursor.log.room().cloned() {
                    let presence = parlor_core::ports::Presence { room, user, change, members, version };
                    self.flush(server.sink.presence(&presence));
                }
            }
            Some(LogMessage::Deleted(user, created)) => self.flush(server.sink.account_deleted(&user, created)),
            None => {}
        }
    }

    /// Writes to the clients. While messages arrive fast, flush workers do the writing, so that later messages go into
    /// the same write. Otherwise this thread writes, which saves a wake-up of another thread.
    fn flush(&self, flush: Flush) {
        if self.is_busy { flush.submit() } else { flush.run() }
    }

    /// Requests missing entries, if there are any.
    fn proceed(&mut self, channel: &str, cursor: &LogCursor, next: Next) {
        let Next::Repair(position) = next else { return };
        let Head { epoch, last } = position;
        let keys = [keys::log(&cursor.log), keys::meta(&cursor.log), keys::amended(&cursor.log)];
        let fresh = Epoch(random::number()).to_string();
        let ask = Command::script(script::tail(), &keys, &[&epoch.to_string(), &last.0, &self.retry.page(), &fresh]);
        self.outgoing.extend_from_slice(&ask.packed);
        self.asked.push_back(Asked::Tail(channel.to_owned(), position));
    }

    fn answered(&mut self, answer: Value) -> Result<(), RedisError> {
        let (channel, asked) = match self.asked.pop_front() {
            Some(Asked::Tail(channel, position)) => (channel, position),
            // A subscription gets such an answer only if it failed. The audit tries again.
            Some(Asked::Subscription | Asked::Unsubscription(_)) => return answer.extract_error().map(drop),
            None => return Ok(()),
        };
        let (epoch, top, lost, entries): (String, u64, u64, Vec<Value>) =
            ::redis::from_redis_value(answer.extract_error()?)?;
        let Some(cursor) = self.server().cursors.find(&channel) else { return Ok(()) };
        if lost > 0 {
            self.server().events.note(&Note::LogGapFound { log: channel.clone(), lost });
        }
        let Ok(epoch) = epoch.parse() else { return Ok(()) };
        let entries: Vec<Entry> = entries.iter().filter_map(codec::read_entry).collect();
        self.server().repaired.fetch_add(entries.len() as u64, Ordering::Relaxed);
        self.reader.await_lease();
        let head = Head { epoch, last: MessageId(top) };
        let (flush, next) = cursor.repaired(asked, head, &entries, &*self.server().sink);
        flush.submit();
        self.proceed(&channel, &cursor, next);
        if !self.is_requesting() {
            self.retry.caught_up();
        }
        Ok(())
    }
}

/// Whether a signal interrupted a read.
fn is_interruption(error: &RedisError) -> bool {
    let shared = error.source().and_then(|source| source.downcast_ref::<Arc<dyn Error + Send + Sync>>());
    let error = shared.and_then(|error| error.downcast_ref::<std::io::Error>());
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::Interrupted)
}

fn tell(server: &Server, news: &ServerMessage) -> Flush {
    match news {
        ServerMessage::Displaced(ticket) => server.displaced(*ticket),
        ServerMessage::Direct(to, message) => server.sink.direct(to, message).unwrap_or_default(),
        ServerMessage::Notice(message) => server.sink.notice(message),
        ServerMessage::Deleted(user, created) => server.sink.account_deleted(user, *created),
        ServerMessage::Kicked(user, version) => server.sink.session_kicked(user, *version, Bye::Kicked),
        ServerMessage::Revoked(user, by, tickets) => server.sink.tickets_revoked(user, tickets, *by),
        ServerMessage::Suspended(user, version) => server.sink.session_kicked(user, *version, Bye::Suspended),
        ServerMessage::Moving => {
            server.events.note(&Note::Moving);
            Flush::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn an_interruption_is_told_from_other_errors() {
        let told =
            [ErrorKind::Interrupted, ErrorKind::WouldBlock].map(|kind| is_interruption(&Error::from(kind).into()));
        assert_eq!(told, [true, false]);
    }
}
