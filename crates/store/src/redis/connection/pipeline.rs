//! The link to one Redis node: commands of many threads go over one connection, in batches and in order. It must
//! not know what the commands mean, nor which node they belong to.
//!
//! Whoever comes first leads a batch (see [`crate::group`]). A connection that broke is opened anew by a thread of
//! the link, while those with commands wait, each until its deadline. What may be sent twice is sent again.

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

/// How long a command may take, waiting for the link included: below the 3 s of the protocol.
pub(in crate::redis) const PATIENCE: Duration = Duration::from_millis(2500);

/// What became of a command.
#[derive(Debug)]
pub(in crate::redis) enum CommandOutcome {
    /// Redis answered.
    Done(Value),
    /// Its slot is on another node now.
    Moved(Command),
    /// Its slot is about to be there.
    Ask(Address, Command),
    /// The node cannot do it just now; nothing was done.
    Later(StoreError, Command),
    /// It was not done, or nobody knows; what may be sent again is given back.
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
    /// A link that connects at once, in the background.
    pub(in crate::redis) fn start(origin: Origin, statistics: Arc<Statistics>, replicas: u32) -> std::io::Result<Self> {
        let slot = Arc::new(ConnectionSlot::default());
        let exchanger = PipelineWorker { connection: None, slot: slot.clone(), statistics, replicas };
        let link = Self { group: GroupCommit::new(exchanger), slot: slot.clone() };
        let name = "redis-connect".to_owned();
        thread::Builder::new().name(name).spawn(move || slot.keep_connected(&origin))?;
        Ok(link)
    }

    /// Sends commands and waits for what becomes of them: one outcome each, in their order. Blocks for `PATIENCE`
    /// at most.
    pub(in crate::redis) fn exchange(&self, commands: Vec<Command>, deadline: Instant) -> Vec<CommandOutcome> {
        let count = commands.len();
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        self.group.run(Request { commands, deadline, outcomes: outcomes.clone() });
        let mut outcomes = std::mem::take(&mut *lock(&outcomes));
        // Whoever led the batch panicked.
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

/// The leader's tool: exchanges batches over the connection.
struct PipelineWorker {
    connection: Option<Connection>,
    slot: Arc<ConnectionSlot>,
    statistics: Arc<Statistics>,
    /// How many replicas must have an append before it is answered.
    replicas: u32,
}

/// Which errand of a batch, and which of its commands.
type ReplySlot = (usize, usize);

/// A command of a batch on its way.
struct InFlight {
    command: Command,
    deadline: Instant,
    /// Which outcome it leads to.
    place: ReplySlot,
    /// Whether its script was loaded once more for it.
    is_reloaded: bool,
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
            pending.extend(places.map(|(at, command)| InFlight {
                command,
                deadline,
                place: (errand, at),
                is_reloaded: false,
            }));
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
    /// Sends all and reads the replies. What is left is to be tried again.
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

    /// Takes from the queue what was answered. What is to be sent once more goes to `left`.
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
        // Perhaps another node is the master by now.
        if is_stale { Err(RedisError::from(std::io::Error::other("the node cannot serve just now"))) } else { Ok(()) }
    }

    /// Reads the replies to all that is in the queue, and tells whether the node cannot serve. Appends that were done
    /// and that replicas must have are put into `appended`, not answered.
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
            if is_unknown_script(&value) && !pending.is_reloaded {
                pending.is_reloaded = true;
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

    /// Answers appends once enough replicas have them. If the replies to others could not be `read`, nobody knows that of
    /// those whose replies were.
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

/// The next reply; what is pushed on this connection is of no interest.
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

/// Whether an append was done: answered with its number, also if it was seen before. Of one that was not there is
/// nothing that replicas could have, and a node that was demoted knows no `WAIT`.
fn has_stored(outcome: &CommandOutcome) -> bool {
    matches!(outcome, CommandOutcome::Done(Value::Int(number)) if *number > 0)
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
