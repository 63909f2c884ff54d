//! Sends each command to the node that owns its slot, and follows slots that move. It must not know what commands mean.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ::redis::Value;
use ::redis::cluster_routing::Slot;
use parlor_core::ports::{StoreError, StoreResult};

use crate::redis::connection::command::{self, Command};
use crate::redis::connection::concurrently::concurrently;
use crate::redis::connection::dial::Dialer;
use crate::redis::connection::pipeline::{CommandOutcome, NodePipeline, PATIENCE};
use crate::redis::connection::reconnect::Origin;
use crate::redis::connection::slots::{self, Assignment};
use crate::redis::connection::statistics::Statistics;
use crate::redis::connection::url::Address;
use crate::redis::{EventSink, OpenError};
use crate::sync::{Mutex, lock};

/// Pause before a retry of a command that its node could not run.
const PAUSE: Duration = Duration::from_millis(50);

/// Commands, each with its index in the caller's list.
type Group = Vec<(usize, Command)>;

/// Commands, and the node that owns their slots.
type Part = (Option<Address>, Group);

/// The reply to each command of the caller's list; none for those of other nodes.
type Replies = Vec<Option<StoreResult<Value>>>;

/// The state that all links share.
pub(in crate::redis) struct Router {
    dialer: Arc<Dialer>,
    events: Arc<dyn EventSink>,
    statistics: Arc<Statistics>,
    replicas: u32,
    is_cluster: bool,
    /// A leaf: never held while a command is in flight. A link's thread is started while it is held.
    routes: Mutex<Routes>,
}

#[derive(Default)]
struct Routes {
    /// Links by address. The empty address is that of a Redis that is not a Cluster.
    links: HashMap<String, Arc<NodePipeline>>,
    slots: Assignment,
    /// The nodes that own slots, in the order in which they are asked for the slot owners. The node that failed last is
    /// at the end.
    nodes: Vec<Address>,
    read_at: Option<Instant>,
}

impl Routes {
    /// Moves a node to the end: it failed, or knows too few owners.
    fn ask_last(&mut self, node: &Address) {
        if let Some(at) = self.nodes.iter().position(|other| other == node) {
            self.nodes[at..].rotate_left(1);
        }
    }

    /// Moves a node to the front: it knows a newer slot owner.
    fn ask_first(&mut self, node: &Address) {
        if let Some(at) = self.nodes.iter().position(|other| other == node) {
            self.nodes[..=at].rotate_right(1);
        }
    }
}

/// Commands of one caller to one node that are in progress.
struct Calls {
    deadline: Instant,
    replies: Replies,
    /// Commands to retry.
    again: Group,
    /// Whether only commands that went to the wrong node are retried.
    gives_up: bool,
}

impl Calls {
    fn new(count: usize, deadline: Instant) -> Self {
        Self { deadline, replies: (0..count).map(|_| None).collect(), again: Vec::new(), gives_up: false }
    }
}

impl Router {
    /// Finds the nodes and connects. Blocks.
    ///
    /// # Errors
    /// No node is reachable, or the operating system refuses a thread.
    pub(in crate::redis) fn start(
        dialer: Arc<Dialer>,
        events: Arc<dyn EventSink>,
        is_cluster: bool,
        replicas: u32,
    ) -> Result<Self, OpenError> {
        let router =
            Self { dialer, events, statistics: Arc::default(), replicas, is_cluster, routes: Mutex::default() };
        if is_cluster {
            router.refresh(Instant::now() + PATIENCE).map_err(|error| OpenError::Unreachable(error.to_string()))?;
        } else {
            router.link(None).map_err(|error| OpenError::Unreachable(error.to_string()))?;
        }
        Ok(router)
    }

    pub(in crate::redis) fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Whether keys of different slots are on different nodes.
    pub(in crate::redis) fn is_cluster(&self) -> bool {
        self.is_cluster
    }

    /// Runs one command. Blocks for `PATIENCE` at most.
    pub(in crate::redis) fn call(&self, command: Command) -> StoreResult<Value> {
        let [reply] = self.call_each([command]);
        reply
    }

    /// Runs a fixed number of commands concurrently; commands of one slot run in their order.
    pub(in crate::redis) fn call_each<const N: usize>(&self, commands: [Command; N]) -> [StoreResult<Value>; N] {
        let mut replies = self.call_all(commands.into()).into_iter();
        std::array::from_fn(|_| replies.next().unwrap_or_else(|| Err(StoreError::new("no reply"))))
    }

    /// Runs commands concurrently; commands of one slot run in their order. Blocks for `PATIENCE` at most.
    pub(in crate::redis) fn call_all(&self, commands: Vec<Command>) -> Vec<StoreResult<Value>> {
        self.carry_out(commands, true)
    }

    /// Like `call_all`, for work that is repeated later anyway: a node that has been unreachable for some time is tried
    /// twice, without waiting for it.
    pub(in crate::redis) fn try_all(&self, commands: Vec<Command>) -> Vec<StoreResult<Value>> {
        self.carry_out(commands, false)
    }

    /// Runs commands, those of each node independently of the others: one node that hangs makes no command to another
    /// fail.
    fn carry_out(&self, commands: Vec<Command>, is_patient: bool) -> Vec<StoreResult<Value>> {
        let (count, deadline) = (commands.len(), Instant::now() + PATIENCE);
        let parts = self.by_node(commands.into_iter().enumerate().collect());
        let run = |part| self.run(part, Calls::new(count, deadline), is_patient);
        let mut all = concurrently(parts, run).into_iter();
        let mut replies = all.next().unwrap_or_default();
        for others in all {
            replies.iter_mut().zip(others).for_each(|(reply, other)| *reply = reply.take().or(other));
        }
        replies.resize_with(count, || None);
        replies.into_iter().map(|reply| reply.unwrap_or_else(|| Err(StoreError::new("no reply")))).collect()
    }

    /// Runs the commands of one node, until they are answered or their deadline is over, even if their slots move.
    fn run(&self, (node, group): Part, mut calls: Calls, is_patient: bool) -> Replies {
        self.try_group(node, group, &mut calls);
        while !calls.again.is_empty() {
            let mut left = std::mem::take(&mut calls.again);
            calls.gives_up = !is_patient;
            left.sort_by_key(|(at, _)| *at);
            self.prepare_retry(&mut left, &mut calls);
            for (node, group) in self.by_node(left) {
                self.try_group(node, group, &mut calls);
            }
        }
        calls.replies
    }

    fn try_group(&self, node: Option<Address>, group: Group, calls: &mut Calls) {
        if self.is_cluster && node.is_none() {
            group.iter().for_each(|(at, _)| calls.replies[*at] = Some(Err(StoreError::new("the slot has no owner"))));
            calls.again.extend(group.into_iter().filter(|_| !calls.gives_up));
            return;
        }
        let link = match self.link(node.clone()) {
            Ok(link) => link,
            Err(error) => {
                group.iter().for_each(|(at, _)| calls.replies[*at] = Some(Err(error.clone())));
                return;
            }
        };
        let (mut knows_more, mut is_doubtful) = (false, false);
        let (places, commands): (Vec<usize>, Vec<Command>) = group.into_iter().unzip();
        for (at, outcome) in places.into_iter().zip(link.exchange(commands, calls.deadline)) {
            knows_more |= matches!(outcome, CommandOutcome::Moved(_));
            let outcome = match outcome {
                CommandOutcome::Ask(node, command) => self.ask(node, command, calls.deadline),
                outcome => outcome,
            };
            match outcome {
                CommandOutcome::Done(value) => calls.replies[at] = Some(Ok(value)),
                CommandOutcome::Moved(command) | CommandOutcome::Ask(_, command) => calls.again.push((at, command)),
                CommandOutcome::Later(error, command) => {
                    is_doubtful = true;
                    calls.replies[at] = Some(Err(error));
                    calls.again.extend((!calls.gives_up).then_some((at, command)));
                }
                CommandOutcome::Failed(error, command) => {
                    calls.replies[at] = Some(Err(error));
                    // In a Cluster another node may own the slot by now.
                    let is_unreachable = self.is_cluster && !link.is_up();
                    is_doubtful |= is_unreachable;
                    calls
                        .again
                        .extend(command.filter(|_| is_unreachable && !calls.gives_up).map(|command| (at, command)));
                }
            }
        }
        self.judge(node, knows_more, is_doubtful);
    }

    /// Records whether a node is a good source for slot owners.
    fn judge(&self, node: Option<Address>, knows_more: bool, is_doubtful: bool) {
        let Some(node) = node else { return };
        if is_doubtful {
            lock(&self.routes).ask_last(&node);
        } else if knows_more {
            lock(&self.routes).ask_first(&node);
        }
    }

    /// Prepares a retry: drops commands that are past their deadline, and reads the slot owners again.
    fn prepare_retry(&self, left: &mut Group, calls: &mut Calls) {
        if Instant::now() + PAUSE >= calls.deadline {
            for (at, _) in left.drain(..) {
                calls.replies[at].get_or_insert_with(|| Err(StoreError::new("the slot has no owner")));
            }
            return;
        }
        thread::sleep(PAUSE);
        if self.is_cluster
            && let Err(error) = self.refresh(calls.deadline)
        {
            left.iter().for_each(|(at, _)| calls.replies[*at] = Some(Err(error.clone())));
        }
    }

    /// Sends a command to the node that a slot is moving to.
    fn ask(&self, node: Address, command: Command, deadline: Instant) -> CommandOutcome {
        let link = match self.link(Some(node)) {
            Ok(link) => link,
            Err(error) => return CommandOutcome::Failed(error, None),
        };
        let asking = Command::new(command.key.clone(), &::redis::cmd("ASKING"));
        let outcome = link.exchange(vec![asking, command], deadline).into_iter().nth(1);
        outcome.unwrap_or_else(|| CommandOutcome::Failed(StoreError::new("no reply"), None))
    }

    /// Groups commands by the node that owns their slots; none if this is not a Cluster, or no owner is known.
    fn by_node(&self, commands: Group) -> Vec<Part> {
        if !self.is_cluster && !commands.is_empty() {
            return vec![(None, commands)];
        }
        let mut groups: Vec<Part> = Vec::new();
        for command in commands {
            let owner = self.owner(&command.1.key);
            match groups.iter_mut().find(|(node, _)| *node == owner) {
                Some((_, group)) => group.push(command),
                None => groups.push((owner, vec![command])),
            }
        }
        groups
    }

    /// The node that owns the slot of a key; none if this is not a Cluster, or the slot has no owner.
    pub(in crate::redis) fn owner(&self, key: &str) -> Option<Address> {
        lock(&self.routes).slots.get(&Slot::for_key(key)).cloned()
    }

    /// Whether the Cluster node that owns the slot of a key is known to be unreachable, or no node owns it.
    pub(in crate::redis) fn is_unreachable(&self, key: &str) -> bool {
        let Some(owner) = self.owner(key) else { return self.is_cluster };
        lock(&self.routes).links.get(&owner.to_string()).is_some_and(|link| !link.is_up())
    }

    /// The nodes that own slots. If this is not a Cluster: one node, which is located each time.
    pub(in crate::redis) fn nodes(&self) -> Vec<Option<Address>> {
        if !self.is_cluster {
            return vec![None];
        }
        let mut nodes = lock(&self.routes).nodes.clone();
        sort(&mut nodes);
        nodes.into_iter().map(Some).collect()
    }

    fn link(&self, node: Option<Address>) -> StoreResult<Arc<NodePipeline>> {
        let name = node.as_ref().map(Address::to_string).unwrap_or_default();
        let mut routes = lock(&self.routes);
        if let Some(link) = routes.links.get(&name) {
            return Ok(link.clone());
        }
        let origin = Origin { dialer: self.dialer.clone(), node, events: self.events.clone() };
        let link = NodePipeline::start(origin, self.statistics.clone(), self.replicas).map_err(StoreError::new)?;
        let link = Arc::new(link);
        routes.links.insert(name, link.clone());
        Ok(link)
    }

    /// Asks for the slot owners, unless that was done less than `PAUSE` ago. Blocks until `deadline` at most.
    fn refresh(&self, deadline: Instant) -> StoreResult<()> {
        let mut routes = lock(&self.routes);
        if routes.read_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return Ok(());
        }
        routes.read_at = Some(Instant::now());
        let known = routes.nodes.clone();
        drop(routes);
        let found = self.ask_for_slots(&known, deadline).or_else(|error| match self.dialer.locate() {
            Ok(seed) if !known.contains(&seed) => self.ask_for_slots(&[seed], deadline),
            _ => Err(error),
        });
        self.assign(found?);
        Ok(())
    }

    /// Returns the answer of the first node that knows the owner of every slot. If there is none, returns the answer
    /// with the most owners. A node that was removed, or came back without its data, knows few owners or none.
    fn ask_for_slots(&self, nodes: &[Address], deadline: Instant) -> StoreResult<Assignment> {
        let mut best = Err(StoreError::new("no node of the Cluster is known"));
        for node in nodes {
            let found = self.read_slots(node, deadline);
            let count = |found: &StoreResult<Assignment>| found.as_ref().map_or(0, Assignment::len);
            if count(&found) == slots::ALL {
                return found;
            }
            lock(&self.routes).ask_last(node);
            if count(&found) >= count(&best) {
                best = found;
            }
        }
        best
    }

    /// Asks one node, with half of the remaining time as its timeout. The other half is left for the next nodes.
    ///
    /// # Errors
    /// The node is unreachable, or knows no owner at all.
    fn read_slots(&self, node: &Address, deadline: Instant) -> StoreResult<Assignment> {
        let link = self.link(Some(node.clone()))?;
        let question = Command::new(String::new(), ::redis::cmd("CLUSTER").arg("SLOTS"));
        let left = deadline.saturating_duration_since(Instant::now());
        let assignment = match link.exchange(vec![question], Instant::now() + left / 2).pop() {
            Some(CommandOutcome::Done(value)) => slots::read(&command::read::<Value>(Ok(value))?, node)?,
            Some(CommandOutcome::Failed(error, _) | CommandOutcome::Later(error, _)) => return Err(error),
            _ => return Err(StoreError::new("the Cluster tells no slots")),
        };
        if assignment.is_empty() {
            return Err(StoreError::new(format!("{node} knows no owner of any slot")));
        }
        Ok(assignment)
    }

    /// Applies a new assignment, and drops links to nodes that own nothing.
    fn assign(&self, assignment: Assignment) {
        let owners: HashSet<Address> = assignment.values().cloned().collect();
        let names: HashSet<String> = owners.iter().map(Address::to_string).collect();
        let mut routes = lock(&self.routes);
        routes.slots = assignment;
        routes.nodes.retain(|node| owners.contains(node));
        let mut new: Vec<Address> = owners.into_iter().filter(|node| !routes.nodes.contains(node)).collect();
        sort(&mut new);
        routes.nodes.splice(0..0, new);
        let dropped: Vec<_> = routes.links.extract_if(|name, _| !names.contains(name)).collect();
        drop(routes);
        drop(dropped);
    }
}

fn sort(nodes: &mut [Address]) {
    nodes.sort_by(|one, two| (&one.host, one.port).cmp(&(&two.host, two.port)));
}

#[cfg(test)]
mod tests;
