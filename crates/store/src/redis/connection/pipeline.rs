//! The link to one Redis node: commands of many threads share one connection, in batches and in order. It must not know
//! what the commands mean, nor which node they belong to.
//!
//! The first caller leads a batch (see [`crate::group`]). If the connection breaks, a thread of the link opens a new
//! one. Callers wait for it until their deadlines. Commands that may be repeated are sent again.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ::redis::{Connection, RedisError, Value};
use parlor_core::ports::StoreError;

use crate::group::{BatchHealth, GroupCommit, Worker};
use crate::redis::connection::command::{Command, Repeat};
use crate::redis::connection::dial;
use crate::redis::connection::reconnect::{ConnectionSlot, Origin, load_scripts};
use crate::redis::connection::statistics::Statistics;
use crate::redis::connection::url::Address;
use crate::sync::{Mutex, lock};

/// Timeout of a command, including the wait for the link: less than the 3 s of the protocol.
pub(in crate::redis) const PATIENCE: Duration = Duration::from_millis(2500);

/// How often a script is reloaded for one command. Redis may forget it again in between.
const MAX_RELOADS: u8 = 3;

/// The result of a command.
#[derive(Debug)]
pub(in crate::redis) enum CommandOutcome {
    /// Redis answered.
    Done(Value),
    /// The slot of the command is now on another node.
    Moved(Command),
    /// The slot of the command is moving to this node.
    Ask(Address, Command),
    /// The node cannot run it at present. Nothing was done.
    Later(StoreError, Command),
    /// It was not done, or the result is unknown. The command is returned if it may be sent again.
    Failed(StoreError, Option<Command>),
}

/// Commands of one caller. A leaf lock.
struct Request {
    commands: Vec<Command>,
    deadline: Instant,
    outcomes: Arc<Mutex<Vec<CommandOutcome>>>,
}

/// The link to one node. Its locks are leaves, apart from those of the group commit.
pub(in crate::redis) struct NodePipeline {
    group: GroupCommit<PipelineWorker>,
    slot: Arc<ConnectionSlot>,
}

impl NodePipeline {
    /// Creates a link that immediately starts to connect in the background.
    pub(in crate::redis) fn start(origin: Origin, statistics: Arc<Statistics>, replicas: u32) -> std::io::Result<Self> {
        let slot = Arc::new(ConnectionSlot::default());
        let batches = statistics.batches.clone();
        let exchanger = PipelineWorker { connection: None, slot: slot.clone(), statistics, replicas };
        let link = Self { group: GroupCommit::new(exchanger, batches), slot: slot.clone() };
        let name = "redis-connect".to_owned();
        thread::Builder::new().name(name).spawn(move || slot.keep_connected(&origin))?;
        Ok(link)
    }

    /// Sends commands and waits for their results: one outcome each, in their order. Blocks for `PATIENCE` at most.
    pub(in crate::redis) fn exchange(&self, commands: Vec<Command>, deadline: Instant) -> Vec<CommandOutcome> {
        let count = commands.len();
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        self.group.run(Request { commands, deadline, outcomes: outcomes.clone() });
        let mut outcomes = std::mem::take(&mut *lock(&outcomes));
        // The leader of the batch panicked.
        outcomes.resize_with(count, || CommandOutcome::Failed(StoreError::new("the batch was aborted"), None));
        outcomes
    }

    /// Whether there is a connection, as far as is known.
    pub(in crate::redis) fn is_up(&self) -> bool {
        self.slot.is_up()
    }
}

impl Drop for NodePipeline {
    fn drop(&mut self) {
        self.slot.close();
    }
}

/// Exchanges batches over the connection, on behalf of the leader.
struct PipelineWorker {
    connection: Option<Connection>,
    slot: Arc<ConnectionSlot>,
    statistics: Arc<Statistics>,
    /// The number of replicas that must have an append before it is answered.
    replicas: u32,
}

/// Index of a request in its batch, and of a command in that request.
type ReplySlot = (usize, usize);

/// A command of a batch that has no answer yet.
struct InFlight {
    command: Command,
    deadline: Instant,
    /// The place of its outcome.
    place: ReplySlot,
    /// How often its script was reloaded for it.
    reloads: u8,
}

impl Worker for PipelineWorker {
    type Work = Request;

    fn work(&mut self, batch: Vec<Request>) -> BatchHealth {
        let mut pending = Vec::new();
        let mut answers: Vec<Vec<Option<CommandOutcome>>> = Vec::new();
        let mut waiters = Vec::new();
        for Request { commands, deadline, outcomes } in batch {
            let errand = answers.len();
            answers.push(commands.iter().map(|_| None).collect());
            waiters.push(outcomes);
            let places = commands.into_iter().enumerate();
            pending.extend(places.map(|(at, command)| InFlight { command, deadline, place: (errand, at), reloads: 0 }));
        }
        let mut health = BatchHealth::Good;
        while !pending.is_empty() {
            let (left, state) = self.attempt(pending, &mut |(errand, at), outcome| answers[errand][at] = Some(outcome));
            pending = left;
            health = state;
        }
        for (outcomes, answers) in waiters.into_iter().zip(answers) {
            let lost = || CommandOutcome::Failed(StoreError::new("no reply was read"), None);
            *lock(&outcomes) = answers.into_iter().map(|answer| answer.unwrap_or_else(lost)).collect();
        }
        health
    }

    fn refuse(&mut self, work: Request) {
        let error = self.slot.last_error();
        *lock(&work.outcomes) = work.commands.into_iter().map(|command| failed(&error, command)).collect();
    }
}

impl PipelineWorker {
    /// Sends all commands and reads the replies. Returns the commands that must be tried again.
    fn attempt(
        &mut self,
        pending: Vec<InFlight>,
        answer: &mut dyn FnMut(ReplySlot, CommandOutcome),
    ) -> (Vec<InFlight>, BatchHealth) {
        let deadline = pending.iter().map(|pending| pending.deadline).min().unwrap_or_else(Instant::now);
        let mut connection = match self.connection.take().map_or_else(|| self.slot.await_connection(deadline), Ok) {
            Ok(connection) => connection,
            Err(error) => {
                for InFlight { place, command, .. } in pending {
                    answer(place, failed(&error, command));
                }
                return (Vec::new(), BatchHealth::Stuck);
            }
        };
        let mut left = Vec::new();
        let mut queue = pending.into_iter();
        match self.talk(&mut connection, &mut queue, deadline, &mut left, answer) {
            Ok(()) => self.connection = Some(connection),
            Err(error) => {
                let error = StoreError::new(dial::describe(&error));
                self.slot.report(&error);
                let now = Instant::now();
                for pending in queue {
                    if pending.command.repeat == Repeat::Harmless && now < pending.deadline {
                        left.push(pending);
                    } else {
                        answer(pending.place, failed(&error, pending.command));
                    }
                }
            }
        }
        (left, BatchHealth::Good)
    }

    /// Removes answered commands from the queue. Commands that must be sent again go to `left`.
    fn talk(
        &self,
        connection: &mut Connection,
        queue: &mut std::vec::IntoIter<InFlight>,
        deadline: Instant,
        left: &mut Vec<InFlight>,
        answer: &mut dyn FnMut(ReplySlot, CommandOutcome),
    ) -> Result<(), RedisError> {
        dial::bound(connection, deadline.saturating_duration_since(Instant::now()))?;
        let mut bytes: Vec<u8> =
            Vec::with_capacity(queue.as_slice().iter().map(|pending| pending.command.packed.len()).sum());
        queue.as_slice().iter().for_each(|pending| bytes.extend_from_slice(&pending.command.packed));
        let sent = Instant::now();
        connection.send_packed_command(&bytes)?;
        let mut appended = Vec::new();
        let is_stale = self.read_replies(connection, sent, queue, left, &mut appended, answer);
        let is_stale = self.await_replicas(connection, is_stale, appended, answer)?;
        if !left.is_empty() {
            load_scripts(connection)?;
        }
        // Another node may be the master now.
        if is_stale { Err(RedisError::from(std::io::Error::other("the node cannot serve just now"))) } else { Ok(()) }
    }

    /// Reads the replies to all commands in the queue, and returns whether the node cannot serve. Appends that were
    /// done but still need replicas are not answered; they go to `appended`.
    fn read_replies(
        &self,
        connection: &mut Connection,
        sent: Instant,
        queue: &mut std::vec::IntoIter<InFlight>,
        left: &mut Vec<InFlight>,
        appended: &mut Vec<(ReplySlot, CommandOutcome)>,
        answer: &mut dyn FnMut(ReplySlot, CommandOutcome),
    ) -> Result<bool, RedisError> {
        let mut is_stale = false;
        while let Some(next) = queue.as_slice().first() {
            let value = reply(connection)?;
            if let Some(script) = next.command.script {
                self.statistics.count(script, sent.elapsed());
            }
            let Some(mut pending) = queue.next() else { break };
            if is_unknown_script(&value) && pending.reloads < MAX_RELOADS {
                pending.reloads += 1;
                left.push(pending);
                continue;
            }
            is_stale |= is_of_no_master(&value);
            let is_append = pending.command.is_append();
            let outcome = classify(value, pending.command);
            if self.replicas > 0 && is_append && has_stored(&outcome) {
                appended.push((pending.place, outcome));
            } else {
                answer(pending.place, outcome);
            }
        }
        Ok(is_stale)
    }

    /// Answers appends once enough replicas have them. If the other replies could not be `read`, the result of these
    /// appends is unknown, too.
    fn await_replicas(
        &self,
        connection: &mut Connection,
        read: Result<bool, RedisError>,
        appended: Vec<(ReplySlot, CommandOutcome)>,
        answer: &mut dyn FnMut(ReplySlot, CommandOutcome),
    ) -> Result<bool, RedisError> {
        if appended.is_empty() {
            return read;
        }
        let wait = ::redis::cmd("WAIT").arg(self.replicas).arg(1000).get_packed_command();
        let ask = |is_stale| {
            connection.send_packed_command(&wait)?;
            Ok((is_stale, reply(connection)?))
        };
        let have = read.and_then(ask);
        let is_enough = matches!(&have, Ok((_, Value::Int(have))) if *have >= i64::from(self.replicas));
        for (place, outcome) in appended {
            let too_few = || CommandOutcome::Failed(StoreError::new("too few replicas have it"), None);
            answer(place, if is_enough { outcome } else { too_few() });
        }
        have.map(|(is_stale, _)| is_stale)
    }
}

/// Reads the next reply and ignores push messages on this connection.
fn reply(connection: &mut Connection) -> Result<Value, RedisError> {
    loop {
        match connection.recv_response()? {
            Value::Push { .. } => {}
            value => return Ok(value),
        }
    }
}

fn is_unknown_script(value: &Value) -> bool {
    matches!(value, Value::ServerError(error) if error.code() == "NOSCRIPT")
}

/// Whether the node was demoted or is loading.
fn is_of_no_master(value: &Value) -> bool {
    matches!(value, Value::ServerError(error) if ["LOADING", "MASTERDOWN", "READONLY"].contains(&error.code()))
}

fn classify(value: Value, command: Command) -> CommandOutcome {
    let Value::ServerError(error) = &value else { return CommandOutcome::Done(value) };
    match error.code() {
        "MOVED" => CommandOutcome::Moved(command),
        "ASK" => match asked(error.details()) {
            Some(node) => CommandOutcome::Ask(node, command),
            None => CommandOutcome::Moved(command),
        },
        "LOADING" | "MASTERDOWN" | "TRYAGAIN" | "CLUSTERDOWN" | "READONLY" => {
            CommandOutcome::Later(StoreError::new(error), command)
        }
        _ => CommandOutcome::Done(value),
    }
}

/// Whether an append was stored: Redis answered with its number, or with a list that begins with it, also for a repeated
/// append. A rejected append gives replicas nothing to copy, and a demoted node does not know `WAIT`.
fn has_stored(outcome: &CommandOutcome) -> bool {
    match outcome {
        CommandOutcome::Done(Value::Int(number)) => *number > 0,
        CommandOutcome::Done(Value::Array(list)) => matches!(list.first(), Some(Value::Int(number)) if *number > 0),
        _ => false,
    }
}

fn failed(error: &StoreError, command: Command) -> CommandOutcome {
    let is_harmless = command.repeat == Repeat::Harmless;
    CommandOutcome::Failed(error.clone(), is_harmless.then_some(command))
}

/// The node in `SLOT HOST:PORT`.
fn asked(details: Option<&str>) -> Option<Address> {
    let (host, port) = details?.rsplit(' ').next()?.rsplit_once(':')?;
    Some(Address { host: host.to_owned(), port: port.parse().ok()? })
}

#[cfg(test)]
mod tests;
