//! A Pub/Sub reader: receives the messages of one node, delivers them, and requests missing entries. It must not wait
//! for clients, and no caller may wait for it.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ::redis::RedisError;

use crate::redis::connection::dial::{self, Dialer};
use crate::redis::membership::server::Server;
use crate::redis::pubsub::reader_connection::ReaderConnection;
use crate::redis::pubsub::readers::ReaderInbox;
use crate::redis::pubsub::retry::Retry;
use crate::redis::{Note, OpenError};

/// If no pulse arrives for this long, the connection is considered dead.
pub(super) const PULSE_PATIENCE: Duration = Duration::from_secs(4);

/// Pause between checks whether the lease is held again.
const LEASE_PAUSE: Duration = Duration::from_millis(10);

/// The reader of one node.
pub(in crate::redis) struct PubSubReader {
    pub(super) server: Arc<Server>,
    dialer: Arc<Dialer>,
    pub(super) inbox: Arc<ReaderInbox>,
}

impl Server {
    /// Starts a reader for each node that has none.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub(in crate::redis) fn ensure_readers(self: &Arc<Self>, dialer: &Arc<Dialer>) -> std::io::Result<()> {
        self.pubsub_readers.start_missing(self.router.nodes(), |inbox| {
            let reader = PubSubReader::new(self.clone(), dialer.clone(), inbox);
            thread::Builder::new().name("redis-pubsub".to_owned()).spawn(move || reader.run()).map(drop)
        })
    }
}

impl PubSubReader {
    pub(in crate::redis) fn new(server: Arc<Server>, dialer: Arc<Dialer>, inbox: Arc<ReaderInbox>) -> Self {
        Self { server, dialer, inbox }
    }

    /// Reads until the server ends, or its node has no slots any more. Blocks.
    pub(in crate::redis) fn run(&self) {
        let mut retry = Retry::default();
        while !self.server.is_closing() && self.is_needed() {
            let id = self.server.id();
            let error = match self.listen(&mut retry) {
                Ok(never) => match never {},
                Err(error) => error,
            };
            self.unsubscribed();
            self.inbox.fail(error.reason());
            if self.server.id() != id || !self.is_needed() {
                continue;
            }
            if !std::mem::replace(&mut retry.is_loss_reported, true) && !self.server.is_closing() {
                self.server.events.note(&Note::LinkLost { node: self.name(), error: error.reason().to_owned() });
            }
            thread::sleep(retry.pause());
        }
        self.inbox.end();
    }

    /// Whether its node has slots.
    pub(super) fn is_needed(&self) -> bool {
        self.server.router.nodes().contains(&self.inbox.node)
    }

    pub(super) fn name(&self) -> String {
        let node = self.inbox.node.as_ref().map(ToString::to_string);
        format!("news of {}", node.unwrap_or_else(|| self.dialer.name()))
    }

    fn listen(&self, retry: &mut Retry) -> Result<std::convert::Infallible, OpenError> {
        let node = self.inbox.node.clone().map_or_else(|| self.dialer.locate(), Ok)?;
        let (connection, _) = self.dialer.connect(&node)?;
        let broken = |error: RedisError| OpenError::Unreachable(format!("{node}: {error}"));
        dial::bound(&connection, PULSE_PATIENCE).map_err(broken)?;
        let opened_at = Instant::now();
        let mut listening = ReaderConnection::new(self, connection, retry);
        let Err(error) = listening.listen();
        let was_requesting = listening.is_requesting();
        retry.broke(opened_at.elapsed(), was_requesting);
        Err(broken(error))
    }

    fn unsubscribed(&self) {
        self.server.pubsub_readers.forget_node(&self.inbox.node);
        for (_, cursor) in self.server.cursors.all() {
            if cursor.is_subscribed_at(&self.inbox.node) {
                cursor.unsubscribed();
            }
        }
    }

    /// Waits while this server must not act, because other servers may have ended its sessions.
    pub(super) fn await_lease(&self) {
        while !self.server.lease.is_held() && !self.server.is_closing() {
            thread::sleep(LEASE_PAUSE);
        }
    }
}
