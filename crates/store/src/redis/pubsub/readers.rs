//! The Pub/Sub readers of this server, one for each node that may publish messages, and the channels that each must
//! check. It must not read messages.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::redis::connection::command::Command;
use crate::redis::connection::url::Address;
use crate::redis::keys;
use crate::redis::membership::server::Server;
use crate::sync::{Mutex, lock};

/// Readers by their nodes. Lock tier 1: while it is held, the routes and the inboxes are read, and threads are started.
#[derive(Default)]
pub(in crate::redis) struct PubSubReaders {
    inboxes: Mutex<Vec<Arc<ReaderInbox>>>,
    /// Channel of this server, or of all servers, to the node through which it is subscribed. A leaf lock.
    heard_at: Mutex<HashMap<String, Option<Address>>>,
}

/// The channels that a reader must check. A leaf lock.
#[derive(Default)]
pub(in crate::redis) struct ReaderInbox {
    /// The node of the reader; none if the master is located each time.
    pub(in crate::redis) node: Option<Address>,
    /// Channels to subscribe to, or to unsubscribe from.
    channels: Mutex<Vec<String>>,
    /// Time of the last own pulse that arrived through this reader.
    pulse_at: Mutex<Option<Instant>>,
    /// Whether the reader receives messages to this server.
    is_ready: AtomicBool,
    is_over: AtomicBool,
    /// Why the reader is not connected, or was not the last time.
    problem: Mutex<Option<String>>,
}

impl ReaderInbox {
    /// Takes all channels that must be checked.
    pub(in crate::redis) fn take(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.channels))
    }

    /// Records that the own pulse arrived.
    pub(in crate::redis) fn note_pulse(&self) {
        *lock(&self.pulse_at) = Some(Instant::now());
    }

    /// Records that all subscriptions of the reader are confirmed.
    pub(in crate::redis) fn set_ready(&self) {
        self.is_ready.store(true, Ordering::Release);
    }

    /// Records that the reader lost its connection, or has none.
    pub(in crate::redis) fn fail(&self, why: &str) {
        *lock(&self.problem) = Some(why.to_owned());
    }

    /// Records that the reader ended.
    pub(in crate::redis) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }
}

impl PubSubReaders {
    /// Whether all readers receive messages to this server.
    pub(in crate::redis) fn are_ready(&self) -> bool {
        lock(&self.inboxes).iter().all(|inbox| inbox.is_ready.load(Ordering::Acquire))
    }

    /// Calls `start` for each of `nodes` that has no reader.
    ///
    /// # Errors
    /// Those of `start`.
    pub(in crate::redis) fn start_missing(
        &self,
        nodes: impl IntoIterator<Item = Option<Address>>,
        mut start: impl FnMut(Arc<ReaderInbox>) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        let mut inboxes = lock(&self.inboxes);
        inboxes.retain(|inbox| !inbox.is_over.load(Ordering::Acquire));
        for node in nodes {
            if inboxes.iter().any(|inbox| inbox.node == node) {
                continue;
            }
            let inbox = Arc::new(ReaderInbox { node, ..ReaderInbox::default() });
            start(inbox.clone())?;
            inboxes.push(inbox);
        }
        Ok(())
    }

    /// Why a reader is not ready.
    pub(in crate::redis) fn problem(&self) -> Option<String> {
        let inboxes = lock(&self.inboxes);
        let deaf = inboxes.iter().filter(|inbox| !inbox.is_ready.load(Ordering::Acquire));
        deaf.filter_map(|inbox| lock(&inbox.problem).clone()).next()
    }

    /// Records that a channel of this server, or of all servers, is received through this node from now on.
    pub(in crate::redis) fn note_heard_at(&self, channel: &str, node: &Option<Address>) {
        lock(&self.heard_at).insert(channel.to_owned(), node.clone());
    }

    /// Records that the channel is no longer received through this node.
    pub(in crate::redis) fn forget(&self, channel: &str, node: &Option<Address>) {
        lock(&self.heard_at).retain(|of, at| of != channel || at != node);
    }

    /// Records that none of these channels is received through this node any more.
    pub(in crate::redis) fn forget_node(&self, node: &Option<Address>) {
        lock(&self.heard_at).retain(|_, at| at != node);
    }

    /// Whether the channel is received through this node.
    pub(in crate::redis) fn is_heard_at(&self, channel: &str, node: &Option<Address>) -> bool {
        lock(&self.heard_at).get(channel) == Some(node)
    }

    /// The age of the oldest last pulse of all readers; none if a pulse never arrived.
    pub(in crate::redis) fn pulse_age(&self) -> Option<Duration> {
        let inboxes = lock(&self.inboxes);
        let ages = inboxes.iter().map(|inbox| lock(&inbox.pulse_at).map(|at| at.elapsed()));
        ages.collect::<Option<Vec<_>>>()?.into_iter().max()
    }
}

impl Server {
    /// Makes the reader of a channel check whether the channel is needed. The reader does so at its next wake-up. A
    /// reader that connects checks all channels anyway.
    pub(in crate::redis) fn look_at(&self, channel: &str) {
        let owner = self.router.owner(channel);
        for inbox in lock(&self.pubsub_readers.inboxes).iter().filter(|inbox| inbox.node == owner) {
            lock(&inbox.channels).push(channel.to_owned());
        }
    }

    /// Wakes the readers. If the wake-up is lost, the next pulse wakes them, or they reconnect and check everything.
    pub(in crate::redis) fn wake_followers(&self) {
        drop(self.router.call(self.wake_up()));
    }

    /// The command that wakes the readers.
    pub(in crate::redis) fn wake_up(&self) -> Command {
        Command::plain("PUBLISH", keys::pulse(&self.id()), &["wake"])
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn node(port: u16) -> Option<Address> {
        Some(Address { host: "a".to_owned(), port })
    }

    /// Starts the readers of some nodes, and returns those that were started now.
    fn start(readers: &PubSubReaders, ports: &[u16]) -> Vec<Arc<ReaderInbox>> {
        let mut started = Vec::new();
        let nodes = ports.iter().map(|port| node(*port));
        readers
            .start_missing(nodes, |inbox| {
                started.push(inbox);
                Ok(())
            })
            .unwrap();
        started
    }

    #[test]
    fn each_node_has_one_reader_until_that_ends() {
        let readers = PubSubReaders::default();
        let first = start(&readers, &[1, 2]);
        assert_eq!(first.iter().map(|inbox| inbox.node.clone()).collect::<Vec<_>>(), [node(1), node(2)]);
        assert!(start(&readers, &[2, 1]).is_empty());
        first[0].end();
        let again = start(&readers, &[1, 2, 3]);
        assert_eq!(again.iter().map(|inbox| inbox.node.clone()).collect::<Vec<_>>(), [node(1), node(3)]);
    }

    #[test]
    fn a_reader_that_does_not_start_is_started_the_next_time() {
        let readers = PubSubReaders::default();
        let refused = readers.start_missing([node(1)], |_| Err(io::ErrorKind::OutOfMemory.into()));
        assert!(refused.is_err() && readers.are_ready(), "there is none that is not");
        assert_eq!(start(&readers, &[1]).len(), 1);
    }

    #[test]
    fn all_are_ready_once_each_is_and_the_trouble_of_those_that_are_not_is_told() {
        let readers = PubSubReaders::default();
        let inboxes = start(&readers, &[1, 2]);
        assert!(!readers.are_ready() && readers.problem().is_none());
        inboxes[0].fail("reset");
        inboxes[1].fail("refused");
        inboxes[0].set_ready();
        assert!(!readers.are_ready());
        assert_eq!(readers.problem().as_deref(), Some("refused"));
        inboxes[1].set_ready();
        assert!(readers.are_ready() && readers.problem().is_none());
    }

    #[test]
    fn channels_are_looked_at_once() {
        let inbox = ReaderInbox::default();
        lock(&inbox.channels).extend(["a".to_owned(), "b".to_owned()]);
        assert_eq!((inbox.take(), inbox.take()), (vec!["a".to_owned(), "b".to_owned()], vec![]));
    }

    #[test]
    fn a_channel_is_heard_at_the_node_of_its_last_confirmation() {
        let readers = PubSubReaders::default();
        readers.note_heard_at("control", &node(1));
        readers.note_heard_at("everybody", &node(1));
        readers.note_heard_at("control", &node(2));
        assert!(readers.is_heard_at("control", &node(2)) && !readers.is_heard_at("control", &node(1)));
        // The end of the subscription at the node before comes late.
        readers.forget("control", &node(1));
        assert!(readers.is_heard_at("control", &node(2)) && readers.is_heard_at("everybody", &node(1)));
        readers.forget("control", &node(2));
        assert!(!readers.is_heard_at("control", &node(2)) && !readers.is_heard_at("control", &None));
        readers.note_heard_at("control", &node(2));
        readers.forget_node(&node(1));
        assert!(readers.is_heard_at("control", &node(2)) && !readers.is_heard_at("everybody", &node(1)));
        readers.note_heard_at("control", &None);
        assert!(readers.is_heard_at("control", &None));
    }

    #[test]
    fn the_pulse_is_as_old_as_the_oldest_and_unknown_while_one_never_came() {
        let readers = PubSubReaders::default();
        let inboxes = start(&readers, &[1, 2]);
        assert_eq!(readers.pulse_age(), None);
        inboxes[0].note_pulse();
        assert_eq!(readers.pulse_age(), None);
        let long_ago = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        *lock(&inboxes[1].pulse_at) = Some(long_ago);
        assert!(readers.pulse_age().is_some_and(|age| age >= Duration::from_secs(60)));
        inboxes[1].note_pulse();
        assert!(readers.pulse_age().is_some_and(|age| age < Duration::from_secs(60)));
    }
}
