//! The followers of this server, one for each node that may have news: who they are and what they are to look at. It
//! must not read news.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::redis::connection::command::Command;
use crate::redis::connection::url::Address;
use crate::redis::keys;
use crate::redis::membership::server::Server;
use crate::sync::{Mutex, lock};

/// Followers by their nodes. Lock tier 1: the routes and the mailboxes are looked at while it is held, and threads
/// started.
#[derive(Default)]
pub(in crate::redis) struct PubSubReaders {
    inboxes: Mutex<Vec<Arc<ReaderInbox>>>,
    /// Channel of this server, or of all, to the node through which it is subscribed. A leaf lock.
    heard_at: Mutex<HashMap<String, Option<Address>>>,
}

/// What a follower has to look at. A leaf lock.
#[derive(Default)]
pub(in crate::redis) struct ReaderInbox {
    /// Its node; none if the master is found each time.
    pub(in crate::redis) node: Option<Address>,
    /// Channels that are to be subscribed to, or not any more.
    channels: Mutex<Vec<String>>,
    /// When this server heard itself last through it.
    pulse_at: Mutex<Option<Instant>>,
    /// Whether it hears what is said to this server.
    is_ready: AtomicBool,
    is_over: AtomicBool,
    /// Why it does not hear, or did not the last time.
    problem: Mutex<Option<String>>,
}

impl ReaderInbox {
    /// All channels to look at.
    pub(in crate::redis) fn take(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.channels))
    }

    /// This server heard itself.
    pub(in crate::redis) fn beat(&self) {
        *lock(&self.pulse_at) = Some(Instant::now());
    }

    /// The follower hears all that it is subscribed to.
    pub(in crate::redis) fn set_ready(&self) {
        self.is_ready.store(true, Ordering::Release);
    }

    /// The follower lost its connection, or has none.
    pub(in crate::redis) fn fail(&self, why: &str) {
        *lock(&self.problem) = Some(why.to_owned());
    }

    /// The follower ended.
    pub(in crate::redis) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }
}

impl PubSubReaders {
    /// Whether all hear what is said to this server.
    pub(in crate::redis) fn are_ready(&self) -> bool {
        lock(&self.inboxes).iter().all(|inbox| inbox.is_ready.load(Ordering::Acquire))
    }

    /// Has `start` start a reader for each of `nodes` that has none.
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

    /// Why some follower does not hear.
    pub(in crate::redis) fn problem(&self) -> Option<String> {
        let inboxes = lock(&self.inboxes);
        let deaf = inboxes.iter().filter(|inbox| !inbox.is_ready.load(Ordering::Acquire));
        deaf.filter_map(|inbox| lock(&inbox.problem).clone()).next()
    }

    /// What is said to this server, or to all, is heard through this node from now on.
    pub(in crate::redis) fn hear(&self, channel: &str, node: &Option<Address>) {
        lock(&self.heard_at).insert(channel.to_owned(), node.clone());
    }

    /// It is not heard through this node any more.
    pub(in crate::redis) fn lose(&self, channel: &str, node: &Option<Address>) {
        lock(&self.heard_at).retain(|of, at| of != channel || at != node);
    }

    /// Nothing of that is heard through this node any more.
    pub(in crate::redis) fn lose_all(&self, node: &Option<Address>) {
        lock(&self.heard_at).retain(|_, at| at != node);
    }

    /// Whether it is heard through this node.
    pub(in crate::redis) fn hear_at(&self, channel: &str, node: &Option<Address>) -> bool {
        lock(&self.heard_at).get(channel) == Some(node)
    }

    /// Since when this server has not heard itself through some follower; none if it never did.
    pub(in crate::redis) fn pulse_age(&self) -> Option<Duration> {
        let inboxes = lock(&self.inboxes);
        let ages = inboxes.iter().map(|inbox| lock(&inbox.pulse_at).map(|at| at.elapsed()));
        ages.collect::<Option<Vec<_>>>()?.into_iter().max()
    }
}

impl Server {
    /// Has the follower of a channel look whether it is needed. It does so at its next wake-up; one that connects
    /// looks at all channels anyway.
    pub(in crate::redis) fn look_at(&self, channel: &str) {
        let owner = self.router.owner(channel);
        for inbox in lock(&self.followers.inboxes).iter().filter(|inbox| inbox.node == owner) {
            lock(&inbox.channels).push(channel.to_owned());
        }
    }

    /// Wakes the followers. If that is lost, they are woken by the next pulse, or connect anew and look at everything.
    pub(in crate::redis) fn wake_followers(&self) {
        drop(self.router.call(self.wake_up()));
    }

    /// What wakes the followers.
    pub(in crate::redis) fn wake_up(&self) -> Command {
        Command::plain("PUBLISH", keys::pulse(&self.id()), &["wake"])
    }
}
