//! Direct messages lie in two inboxes, in two slots. The sender's entry is the promise: its script notes that the copy for
//! the recipient is still to be appended. Whoever finds the note appends the copy and removes the note: the sender's
//! server, the sender's next message, or the server that ends the sessions of a dead one. Copies of one sender are appended
//! in order, and each once (`docs/redis.md`). It must not append the sender's entry.

use std::collections::BTreeMap;

use parlor_core::ports::{Append, AppendResult, Destination, LogId, Recipient, StoreError, StoreResult};
use parlor_proto::{Epoch, MessageId, UserName};

use super::connection::command::{self, Argument, Command};
use super::connection::router::Router;
use super::connection::script;
use super::log::Appended;
use super::membership::local_sessions::DeferredCleanup;
use super::membership::server::Server;
use super::pubsub::log_cursors::LogCursors;
use super::{keys, random};

/// Maximum number of copies in one command.
const MAX_COPIES: usize = 100;

/// A message without a copy, as the sender's script noted it.
pub(super) struct Undelivered {
    /// Number in the sender's inbox.
    id: u64,
    to: UserName,
    /// When the recipient's account was created.
    created: String,
    generation: String,
    seq: String,
    time: String,
    text: String,
}

impl Undelivered {
    /// The note for a message of a batch.
    fn of(append: &Append, recipient: &Recipient, seq: u64, id: MessageId) -> Self {
        Self {
            id: id.0,
            to: recipient.user.clone(),
            created: recipient.created.as_millis().to_string(),
            generation: append.generation.to_string(),
            seq: seq.to_string(),
            time: append.time.as_millis().to_string(),
            text: append.content.stored().into_owned(),
        }
    }

    /// Reads `to created generation seq time text`.
    fn read(id: &str, note: &str) -> Option<Self> {
        let mut fields = note.splitn(6, ' ').map(str::to_owned);
        Some(Self {
            id: id.parse().ok()?,
            to: fields.next()?.parse().ok()?,
            created: fields.next()?,
            generation: fields.next()?,
            seq: fields.next()?,
            time: fields.next()?,
            text: fields.next()?,
        })
    }
}

/// What is needed to append copies.
pub(super) struct Deliveries<'a> {
    pub(super) router: &'a Router,
    /// Number of entries that Redis keeps of each log.
    pub(super) kept: u64,
    /// The logs that this server follows; none in a program that is not a server.
    pub(super) cursors: Option<&'a LogCursors>,
}

impl Deliveries<'_> {
    /// Appends all missing copies of a sender's messages. Blocks for some round trips, but not for a node that has been
    /// unreachable for some time.
    pub(super) fn complete(&self, sender: &UserName) -> StoreResult<()> {
        let noted = self.call(ask_for_undelivered(sender))?;
        self.deliver(sender, read_undelivered(noted))
    }

    fn call<T: ::redis::FromRedisValue>(&self, command: Command) -> StoreResult<T> {
        let missing = || Err(StoreError::new("no reply"));
        command::read(self.router.try_all(vec![command]).pop().unwrap_or_else(missing))
    }

    /// Appends copies, which must be all that are missing up to the last of them, in order. A recipient whose copies cannot
    /// be appended does not hold up those of others.
    pub(super) fn deliver(&self, sender: &UserName, undelivered: Vec<Undelivered>) -> StoreResult<()> {
        let mut outcome = Ok(());
        let mut waiting = undelivered;
        // A script takes a copy for a repeated one if a later one of its sender was appended. So the copies for one
        // recipient are one command, and the next command waits for its answer.
        while !waiting.is_empty() {
            let mut commands: BTreeMap<UserName, Vec<Undelivered>> = BTreeMap::new();
            let mut later = Vec::new();
            for copy in waiting {
                let copies = commands.entry(copy.to.clone()).or_default();
                let fits =
                    copies.len() < MAX_COPIES && copies.first().is_none_or(|first| first.created == copy.created);
                if fits { copies.push(copy) } else { later.push(copy) }
            }
            let failures = self.deliver_once(sender, &commands)?;
            later.retain(|copy| !failures.contains_key(&copy.to));
            outcome = failures.into_values().next().map_or(outcome, Err);
            waiting = later;
        }
        outcome
    }

    /// Appends copies, those of each recipient in one step, and removes their notes. Returns the recipients whose copies
    /// could not be appended.
    fn deliver_once(
        &self,
        sender: &UserName,
        copies: &BTreeMap<UserName, Vec<Undelivered>>,
    ) -> StoreResult<BTreeMap<UserName, StoreError>> {
        let commands = copies.iter().map(|(to, copies)| self.copy_command(sender, to, copies)).collect();
        let mut failures = BTreeMap::new();
        let mut done: Vec<String> = Vec::new();
        for ((to, copies), reply) in copies.iter().zip(self.router.try_all(commands)) {
            match command::read::<i64>(reply) {
                // A negative number: the recipient's account does not exist any more, so nobody waits for the copy.
                Ok(_) => done.extend(copies.iter().map(|copy| copy.id.to_string())),
                Err(error) => drop(failures.insert(to.clone(), error)),
            }
        }
        if !done.is_empty() {
            let done: Vec<&str> = done.iter().map(String::as_str).collect();
            self.call::<i64>(Command::plain("HDEL", keys::undelivered(sender), &done))?;
        }
        Ok(failures)
    }

    fn copy_command(&self, sender: &UserName, to: &UserName, copies: &[Undelivered]) -> Command {
        let log = LogId::Inbox(to.clone());
        let channel = keys::log(&log);
        let known = self.cursors.map(|cursors| cursors.known_position(&channel)).unwrap_or_default();
        let fresh = Epoch(random::number()).to_string();
        let keys = [
            channel,
            keys::meta(&log),
            keys::user(to),
            keys::received(to),
            keys::conversations(to),
            keys::conversation_index(to),
        ];
        let (sender, to) = (sender.as_str(), to.as_str());
        let mut args: Vec<&dyn Argument> = vec![&self.kept, &fresh, &known, &sender, &to];
        args.extend(copies.first().map(|copy| &copy.created as &dyn Argument));
        for Undelivered { generation, seq, time, text, .. } in copies {
            args.extend([generation as &dyn Argument, seq, time, text]);
        }
        Command::script(script::append_received(), &keys, &args)
    }
}

/// Asks for the messages of a sender that are without a copy.
pub(super) fn ask_for_undelivered(sender: &UserName) -> Command {
    Command::plain("HGETALL", keys::undelivered(sender), &[])
}

/// Reads the answer to [`ask_for_undelivered`], in the order of the messages.
fn read_undelivered(noted: Vec<(String, String)>) -> Vec<Undelivered> {
    let mut undelivered: Vec<Undelivered> = noted.iter().filter_map(|(id, note)| Undelivered::read(id, note)).collect();
    undelivered.sort_by_key(|copy| copy.id);
    undelivered
}

impl Server {
    /// The keys of the script that appends a direct message to its sender's inbox.
    pub(super) fn keys_of_sender(&self, sender: &UserName) -> Vec<String> {
        let log = LogId::Inbox(sender.clone());
        vec![
            keys::log(&log),
            keys::meta(&log),
            keys::session(sender),
            keys::blocked_by(sender),
            keys::undelivered(sender),
            keys::conversations(sender),
            keys::conversation_index(sender),
        ]
    }

    /// Appends the copies of the direct messages in a batch. If that fails, it is tried again later: the messages are
    /// accepted in any case. A message whose answer was lost, or whose repetition was fenced off, may be accepted, too.
    pub(super) fn complete_directs(&self, batch: &[Append], seqs: &[u64], replies: &[Option<StoreResult<Appended>>]) {
        let mut copies = Vec::new();
        let (mut author, mut left, mut is_unknown) = (None, 0, false);
        for ((append, seq), reply) in batch.iter().zip(seqs).zip(replies) {
            let Destination::Direct(recipient) = &append.to else { continue };
            let Some(reply) = reply else { continue };
            author = Some(append);
            let Ok(Appended { result, undelivered }) = reply else {
                is_unknown = true;
                continue;
            };
            is_unknown |= *result == AppendResult::Fenced;
            // A refused message does not tell.
            left = undelivered.unwrap_or(left);
            if let AppendResult::Stored(id) = result
                && recipient.user != append.author
            {
                copies.push(Undelivered::of(append, recipient, *seq, *id));
            }
        }
        let Some(Append { author, .. }) = author.filter(|_| left > 0 || is_unknown) else { return };
        let deliveries = self.deliveries();
        let done = match left {
            0 => Ok(()),
            // With one recipient, a note that is gone means that all before it are gone, too: these are all.
            _ if left == copies.len() && copies.windows(2).all(|pair| pair[0].to == pair[1].to) => {
                deliveries.deliver(author, copies)
            }
            // There may be others, which come first.
            _ => deliveries.complete(author),
        };
        if done.is_err() || is_unknown {
            self.local.defer(DeferredCleanup::Deliveries { user: author.clone() });
        }
    }

    /// Appends all missing copies of a sender's messages. If that fails, it is tried again later.
    pub(super) fn complete_or_defer(&self, sender: &UserName) {
        if self.complete_directs_of(sender).is_err() {
            self.local.defer(DeferredCleanup::Deliveries { user: sender.clone() });
        }
    }

    /// Appends all missing copies of a sender's messages. Blocks for some round trips.
    pub(super) fn complete_directs_of(&self, sender: &UserName) -> StoreResult<()> {
        self.deliveries().complete(sender)
    }

    fn deliveries(&self) -> Deliveries<'_> {
        Deliveries { router: &self.router, kept: self.kept(), cursors: Some(&self.cursors) }
    }
}

#[cfg(test)]
mod tests;
