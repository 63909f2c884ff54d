//! Brings each command to the node that owns its slot, and follows slots that move. It must not know what commands
//! mean.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ::redis::Value;
use ::redis::cluster_routing::Slot;
use parlor_core::ports::{StoreError, StoreResult};

use super::command::{self, Command};
use super::desk::Origin;
use super::dial::Dialer;
use super::link::{Link, Outcome, PATIENCE};
use super::slots::{self, Assignment};
use super::statistics::Statistics;
use super::url::Address;
use super::{Journal, OpenError};
use crate::sync::{Mutex, lock};

/// Pause before a command is tried again that its node could not do.
const PAUSE: Duration = Duration::from_millis(50);

/// Commands, each with its place among those of the caller.
type Group = Vec<(usize, Command)>;

/// What all links share.
pub(super) struct Router {
    dialer: Arc<Dialer>,
    journal: Arc<dyn Journal>,
    statistics: Arc<Statistics>,
    replicas: u32,
    is_cluster: bool,
    /// A leaf: never held while a command is on its way; a link's thread is started while it is.
    routes: Mutex<Routes>,
}

#[derive(Default)]
struct Routes {
    /// By address; the empty one is that of a Redis that is no Cluster.
    links: HashMap<String, Arc<Link>>,
    slots: HashMap<Slot, Address>,
    read_at: Option<Instant>,
}

impl Router {
    /// Finds out what there is and connects. Blocks.
    ///
    /// # Errors
    /// Nobody is reached, or the system gives no threads.
    pub(super) fn start(
        dialer: Arc<Dialer>,
        journal: Arc<dyn Journal>,
        is_cluster: bool,
        replicas: u32,
    ) -> Result<Self, OpenError> {
        let router =
            Self { dialer, journal, statistics: Arc::default(), replicas, is_cluster, routes: Mutex::default() };
        if is_cluster {
            router.refresh().map_err(|error| OpenError::Unreachable(error.to_string()))?;
        } else {
            router.link(None).map_err(|error| OpenError::Unreachable(error.to_string()))?;
        }
        Ok(router)
    }

    pub(super) fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Has one command done. Blocks for `PATIENCE` at most.
    pub(super) fn call(&self, command: Command) -> StoreResult<Value> {
        let [reply] = self.call_each([command]);
        reply
    }

    /// Has some commands done at the same time, those of one slot in their order.
    pub(super) fn call_each<const N: usize>(&self, commands: [Command; N]) -> [StoreResult<Value>; N] {
        let mut replies = self.call_all(commands.into()).into_iter();
        std::array::from_fn(|_| replies.next().unwrap_or_else(|| Err(StoreError::new("no reply"))))
    }

    /// Has commands done at the same time, those of one slot in their order. Blocks for `PATIENCE` at most.
    pub(super) fn call_all(&self, commands: Vec<Command>) -> Vec<StoreResult<Value>> {
        let deadline = Instant::now() + PATIENCE;
        let mut replies: Vec<Option<StoreResult<Value>>> = commands.iter().map(|_| None).collect();
        let mut left: Group = commands.into_iter().enumerate().collect();
        while !left.is_empty() {
            let mut again = Vec::new();
            for (link, group) in self.by_link(left) {
                self.try_group(&link, group, deadline, &mut replies, &mut again);
            }
            left = again;
            if !left.is_empty() {
                left.sort_by_key(|(at, _)| *at);
                self.prepare_retry(deadline, &mut left, &mut replies);
            }
        }
        replies.into_iter().map(|reply| reply.unwrap_or_else(|| Err(StoreError::new("no reply")))).collect()
    }

    fn try_group(
        &self,
        link: &StoreResult<Arc<Link>>,
        group: Group,
        deadline: Instant,
        replies: &mut [Option<StoreResult<Value>>],
        again: &mut Group,
    ) {
        let link = match link {
            Ok(link) => link,
            Err(error) => {
                group.iter().for_each(|(at, _)| replies[*at] = Some(Err(error.clone())));
                return;
            }
        };
        let (places, commands): (Vec<usize>, Vec<Command>) = group.into_iter().unzip();
        for (at, outcome) in places.into_iter().zip(link.exchange(commands, deadline)) {
            let outcome = match outcome {
                Outcome::Ask(node, command) => self.ask(node, command, deadline),
                outcome => outcome,
            };
            match outcome {
                Outcome::Done(value) => replies[at] = Some(Ok(value)),
                Outcome::Moved(command) | Outcome::Ask(_, command) => again.push((at, command)),
                Outcome::Later(error, command) => {
                    replies[at] = Some(Err(error));
                    again.push((at, command));
                }
                Outcome::Failed(error, command) => {
                    replies[at] = Some(Err(error));
                    // In a Cluster another node may own the slot by now.
                    again.extend(command.filter(|_| self.is_cluster && !link.is_up()).map(|command| (at, command)));
                }
            }
        }
    }

    /// Before commands are tried again: what is over time is given up, and the slots are looked at anew.
    fn prepare_retry(&self, deadline: Instant, left: &mut Group, replies: &mut [Option<StoreResult<Value>>]) {
        if Instant::now() + PAUSE >= deadline {
            for (at, _) in left.drain(..) {
                replies[at].get_or_insert_with(|| Err(StoreError::new("the slot has no owner")));
            }
            return;
        }
        thread::sleep(PAUSE);
        if self.is_cluster
            && let Err(error) = self.refresh()
        {
            left.iter().for_each(|(at, _)| replies[*at] = Some(Err(error.clone())));
        }
    }

    /// Sends a command to the node that a slot is moving to.
    fn ask(&self, node: Address, command: Command, deadline: Instant) -> Outcome {
        let link = match self.link(Some(node)) {
            Ok(link) => link,
            Err(error) => return Outcome::Failed(error, None),
        };
        let asking = Command::new(command.key.clone(), &::redis::cmd("ASKING"));
        let outcome = link.exchange(vec![asking, command], deadline).into_iter().nth(1);
        outcome.unwrap_or_else(|| Outcome::Failed(StoreError::new("no reply"), None))
    }

    fn by_link(&self, commands: Group) -> Vec<(StoreResult<Arc<Link>>, Group)> {
        if !self.is_cluster {
            return vec![(self.link(None), commands)];
        }
        let mut groups: Vec<(Option<Address>, Group)> = Vec::new();
        for command in commands {
            let owner = self.owner(&command.1.key);
            match groups.iter_mut().find(|(node, _)| *node == owner) {
                Some((_, group)) => group.push(command),
                None => groups.push((owner, vec![command])),
            }
        }
        let link = |node: Option<Address>| match node {
            Some(node) => self.link(Some(node)),
            None => Err(StoreError::new("the slot has no owner")),
        };
        groups.into_iter().map(|(node, group)| (link(node), group)).collect()
    }

    /// The node that owns the slot of a key; none if this is no Cluster, or nobody does.
    pub(super) fn owner(&self, key: &str) -> Option<Address> {
        lock(&self.routes).slots.get(&Slot::for_key(key)).cloned()
    }

    /// The nodes that own slots; one that is found each time, if this is no Cluster.
    pub(super) fn nodes(&self) -> Vec<Option<Address>> {
        if !self.is_cluster {
            return vec![None];
        }
        let routes = lock(&self.routes);
        let mut nodes: Vec<&Address> = routes.slots.values().collect();
        nodes.sort_by_key(|node| (&node.host, node.port));
        nodes.dedup();
        nodes.into_iter().cloned().map(Some).collect()
    }

    fn link(&self, node: Option<Address>) -> StoreResult<Arc<Link>> {
        let name = node.as_ref().map(Address::to_string).unwrap_or_default();
        let mut routes = lock(&self.routes);
        if let Some(link) = routes.links.get(&name) {
            return Ok(link.clone());
        }
        let origin = Origin { dialer: self.dialer.clone(), node, journal: self.journal.clone() };
        let link = Link::start(origin, self.statistics.clone(), self.replicas).map_err(StoreError::new)?;
        let link = Arc::new(link);
        routes.links.insert(name, link.clone());
        Ok(link)
    }

    /// Asks a node which node owns which slot, unless that was just done. Blocks.
    pub(super) fn refresh(&self) -> StoreResult<()> {
        let mut routes = lock(&self.routes);
        if routes.read_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return Ok(());
        }
        routes.read_at = Some(Instant::now());
        let known: Vec<Address> = routes.slots.values().cloned().collect();
        drop(routes);
        let mut nodes = known;
        nodes.sort_by_key(|node| (node.host.clone(), node.port));
        nodes.dedup();
        nodes.extend(self.dialer.locate());
        let mut problem = StoreError::new("no node of the Cluster is known");
        for node in nodes {
            match self.read_slots(&node) {
                Ok(assignment) => {
                    self.assign(assignment);
                    return Ok(());
                }
                Err(error) => problem = error,
            }
        }
        Err(problem)
    }

    fn read_slots(&self, node: &Address) -> StoreResult<Assignment> {
        let link = self.link(Some(node.clone()))?;
        let question = Command::new(String::new(), ::redis::cmd("CLUSTER").arg("SLOTS"));
        let deadline = Instant::now() + PATIENCE / 2;
        match link.exchange(vec![question], deadline).pop() {
            Some(Outcome::Done(value)) => slots::read(&command::read::<Value>(Ok(value))?, node),
            Some(Outcome::Failed(error, _) | Outcome::Later(error, _)) => Err(error),
            _ => Err(StoreError::new("the Cluster tells no slots")),
        }
    }

    /// Takes over who owns what, and lets go of links to nodes that own nothing.
    fn assign(&self, assignment: Assignment) {
        let mut routes = lock(&self.routes);
        routes.slots = assignment;
        let owners: Vec<String> = routes.slots.values().map(Address::to_string).collect();
        let owners: std::collections::BTreeSet<String> = owners.into_iter().collect();
        let dropped: Vec<_> = routes.links.extract_if(|name, _| !owners.contains(name)).collect();
        drop(routes);
        drop(dropped);
    }
}
