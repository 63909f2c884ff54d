//! Logs: appending in batches, following, reading back. It must not deliver; the Pub/Sub readers do.

use std::sync::Arc;
use std::time::Duration;

use ::redis::Value;
use parlor_core::Flush;
use parlor_core::ports::{
    Append, AppendReport, AppendResult, Content, Destination, Entry, Head, Log, LogId, ONCE_KEPT_FOR, ONCE_KEYS_KEPT,
    Page, PageRequest, Recipient, SessionKey, StoreError, StoreResult,
};
use parlor_core::rights::Denial;
use parlor_proto::{Epoch, MessageId, PageRange, Timestamp};

use super::codec::{ask_for_head, read_entry, read_head};
use super::connection::command::{self, Argument, Command};
use super::connection::script;
use super::membership::server::Server;
use super::pubsub::log_cursors::LogCursor;
use super::{keys, random};

/// The script's answer if there is no session or membership.
const ABSENT: i64 = 0;
const FENCED: i64 = -1;
const LATE: i64 = -2;
const BLOCKED: i64 = -3;

/// The first of four numbers if a room denies an append.
const MUTED: i64 = -6;
const NO_SUCH_MESSAGE: i64 = -7;
const NOT_THE_AUTHOR: i64 = -8;
const TOO_LATE_TO_EDIT: i64 = -9;
const REMOVED: i64 = -10;

/// Maximum number of direct messages of one sender whose recipient's copy is still to be appended.
const MAX_UNDELIVERED: usize = 1_000;

/// All keys of an author in a log are forgotten if none was used for this long, in seconds.
pub(super) const ONCE_EXPIRY: u64 = 7 * 24 * 60 * 60;

/// The largest number of which every smaller one is exact in a script.
pub(super) const MAX_NUMBER: u64 = 1 << 53;

/// Timeout of a subscription.
const SUBSCRIPTION_PATIENCE: Duration = Duration::from_secs(2);

/// The result of an append; none if Redis does not know the session.
type Outcome = Option<StoreResult<AppendResult>>;

impl Log for Server {
    fn append(&self, batch: Vec<Append>) -> AppendReport {
        if let Err(error) = self.lease.check() {
            return AppendReport { outcomes: vec![Err(error); batch.len()], flush: Flush::default() };
        }
        let mut outcomes = self.append_all(&batch);
        self.retry_absent(&batch, &mut outcomes);
        let outcomes = outcomes.into_iter().map(|outcome| outcome.unwrap_or(Ok(AppendResult::Fenced))).collect();
        AppendReport { outcomes, flush: Flush::default() }
    }

    fn follow(&self, logs: &[LogId]) -> StoreResult<Vec<Head>> {
        let cursors: Vec<_> = logs.iter().map(|log| self.cursors.add(log)).collect();
        self.follow_cursors(logs, &cursors).inspect_err(|_| logs.iter().for_each(|log| self.unfollow(log)))
    }

    fn unfollow(&self, log: &LogId) {
        if self.cursors.remove(log) {
            // This does not justify a round trip: the reader checks the channel at its next wake-up, within a second.
            self.look_at(&keys::log(log));
        }
    }

    fn heads(&self, logs: &[LogId]) -> StoreResult<Vec<Head>> {
        let replies = self.router.call_all(logs.iter().map(ask_for_head).collect());
        replies.into_iter().map(|reply| read_head(Some(reply))).collect()
    }

    fn others_between(&self, ranges: &[(LogId, MessageId, MessageId)]) -> StoreResult<Vec<u64>> {
        let ask = |(log, after, until): &(LogId, MessageId, MessageId)| {
            let args: [&dyn Argument; 2] = [&after.0.min(MAX_NUMBER), &until.0.min(MAX_NUMBER)];
            Command::script(script::others_between(), &[keys::others(log)], &args)
        };
        let replies = self.router.call_all(ranges.iter().map(ask).collect());
        replies.into_iter().map(command::read).collect()
    }

    fn page(&self, request: &PageRequest) -> StoreResult<Page> {
        read_page(request, self.router.call(self.page_command(request)))
    }
}

impl Server {
    fn page_command(&self, request: &PageRequest) -> Command {
        let PageRequest { log, peer, range, count } = request;
        let (side, id) = match *range {
            PageRange::Newest => ("newest", 0),
            PageRange::Before(MessageId(id)) => ("before", id.min(MAX_NUMBER)),
            PageRange::After(MessageId(id)) => ("after", id.min(MAX_NUMBER)),
        };
        let mut args: Vec<&dyn Argument> = vec![&side, &id, count, &self.history];
        match (peer, log) {
            (Some(peer), LogId::Inbox(owner)) => {
                let peer = peer.as_str();
                args.push(&peer);
                let keys = [keys::log(log), keys::meta(log), keys::conversation_index(owner)];
                Command::script(script::page_conversation(), &keys, &args)
            }
            _ => Command::script(script::page(), &[keys::log(log), keys::meta(log), keys::amended(log)], &args),
        }
    }

    fn follow_cursors(&self, logs: &[LogId], cursors: &[(Arc<LogCursor>, bool)]) -> StoreResult<Vec<Head>> {
        let mut commands: Vec<Command> = logs.iter().map(ask_for_head).collect();
        for (log, _) in logs.iter().zip(cursors).filter(|(_, (_, is_first))| *is_first) {
            self.look_at(&keys::log(log));
        }
        if cursors.iter().any(|(_, is_first)| *is_first) {
            commands.push(self.wake_up());
        }
        let mut replies = self.router.call_all(commands).into_iter();
        let heads = logs.iter().map(|_| read_head(replies.next())).collect::<StoreResult<Vec<Head>>>()?;
        let mut starts = Vec::with_capacity(logs.len());
        let mut may_lack = false;
        for ((log, (cursor, _)), head) in logs.iter().zip(cursors).zip(heads) {
            starts.push(self.begin(log, cursor, head, &mut may_lack)?);
        }
        if may_lack {
            self.wake_followers();
        }
        for (_, (cursor, _)) in logs.iter().zip(cursors).filter(|(log, _)| log.room().is_some()) {
            // Missed entries can be requested, but a missed enter of a room is not announced again.
            if !cursor.await_subscription(SUBSCRIPTION_PATIENCE) {
                return Err(StoreError::new("the news of a room cannot be heard just now"));
            }
        }
        Ok(starts)
    }

    /// The position from which the caller receives a log whose head was read after following began. Sets `may_lack` if the
    /// readers must be woken.
    fn begin(&self, log: &LogId, cursor: &LogCursor, mut head: Head, may_lack: &mut bool) -> StoreResult<Head> {
        let (position, mut lacks) = cursor.begin(head);
        if position.epoch != head.epoch {
            // Either epoch may be outdated by now.
            head = read_head(Some(self.router.call(ask_for_head(log))))?;
            lacks |= cursor.restart(head.epoch, &*self.sink);
        }
        if lacks {
            // Entries between the subscription, or the restart, and the read of the head must be requested.
            self.look_at(&keys::log(log));
            *may_lack = true;
        }
        Ok(from_where(head, position))
    }

    /// Appends, and completes the direct messages among the appended ones.
    fn append_all(&self, batch: &[Append]) -> Vec<Outcome> {
        let commands: Vec<(Command, u64)> = batch.iter().map(|append| self.append_command(append)).collect();
        let seqs: Vec<u64> = commands.iter().map(|(_, seq)| *seq).collect();
        let replies = self.router.call_all(commands.into_iter().map(|(command, _)| command).collect());
        let replies: Vec<_> = replies.into_iter().map(read).collect();
        self.complete_directs(batch, &seqs, &replies);
        replies.into_iter().map(|reply| reply.map(|appended| appended.map(|appended| appended.result))).collect()
    }

    fn append_command(&self, append: &Append) -> (Command, u64) {
        let Append { to, author, generation, time, content, once } = append;
        let log = append.log();
        let seq = self.next_seq();
        let channel = keys::log(&log);
        let known = self.cursors.known_position(&channel);
        let fresh = Epoch(random::number()).to_string();
        let (author_name, created, kept, millis) = (author.as_str(), created(to), self.kept(), time.as_millis());
        let kept_for = u64::try_from(ONCE_KEPT_FOR.as_millis()).unwrap_or(u64::MAX);
        let mut args: Vec<&dyn Argument> = Vec::with_capacity(15);
        let text = content.stored();
        let text = text.as_ref();
        args.extend([&kept as &dyn Argument, &fresh, &known, &author_name, &generation.0, &seq, &millis, &text]);
        let key = once.as_ref().map_or("", |key| key.as_str());
        let (mut keys, script) = match to {
            Destination::Room(room) => {
                (vec![channel, keys::meta(&log), keys::memberships(room)], script::append_room())
            }
            Destination::Edit { room, .. } => {
                let keys =
                    [channel, keys::meta(&log), keys::memberships(room), keys::amended(&log), keys::others(&log)];
                (keys.into(), script::edit())
            }
            Destination::Feed => (vec![channel, keys::meta(&log), keys::session(author)], script::append_feed()),
            Destination::Direct(_) => (self.keys_of_sender(author), script::append_sent()),
        };
        let edit = edit(append);
        if once.is_some() || created.is_some() || edit.is_some() {
            args.extend([&key as &dyn Argument, &kept_for, &ONCE_KEYS_KEPT, &ONCE_EXPIRY]);
        }
        if once.is_some() {
            keys.extend(keys::once(&log, author));
        }
        if let Some((to, created)) = &created {
            args.extend([to as &dyn Argument, created, &MAX_UNDELIVERED]);
        }
        if let Some((of, window, text)) = &edit {
            args.extend([of as &dyn Argument, window, text]);
        }
        (Command::script(script, &keys, &args), seq)
    }

    /// If Redis no longer knows the session, restores the session and repeats the appends.
    fn retry_absent(&self, batch: &[Append], outcomes: &mut [Outcome]) {
        let absent: Vec<usize> = (0..batch.len()).filter(|&at| outcomes[at].is_none()).collect();
        let Some(first) = absent.first().map(|&at| &batch[at]) else { return };
        let session_key = SessionKey { user: first.author.clone(), generation: first.generation };
        let is_elsewhere = |at: &&usize| match &batch[**at].to {
            Destination::Room(room) | Destination::Edit { room, .. } => !self.local.is_in(&session_key, room),
            Destination::Feed | Destination::Direct(_) => false,
        };
        if absent.iter().any(|at| is_elsewhere(&at)) {
            return;
        }
        let reserved = self.local.reserve(&session_key);
        let healed = self.restore_session(&session_key);
        drop(reserved);
        match healed {
            Ok(false) => {}
            Ok(true) => {
                let again: Vec<Append> = absent.iter().map(|&at| batch[at].clone()).collect();
                for (at, outcome) in absent.into_iter().zip(self.append_all(&again)) {
                    outcomes[at] = outcome;
                }
            }
            Err(error) => absent.into_iter().for_each(|at| outcomes[at] = Some(Err(error.clone()))),
        }
    }
}

/// Reads the answer to a request for a page, which has one entry too many if there are more.
fn read_page(request: &PageRequest, reply: StoreResult<Value>) -> StoreResult<Page> {
    let PageRequest { range, count, .. } = request;
    let found: Vec<Value> = command::read(reply)?;
    let more = found.len() > *count;
    let mut entries: Vec<Entry> = found.iter().take(*count).filter_map(read_entry).collect();
    if !matches!(range, PageRange::After(_)) {
        entries.reverse();
    }
    Ok(Page { entries, more })
}

/// The recipient of a direct message, and when the recipient's account was created.
fn created(to: &Destination) -> Option<(&str, i64)> {
    match to {
        Destination::Room(_) | Destination::Edit { .. } | Destination::Feed => None,
        Destination::Direct(Recipient { user, created }) => Some((user.as_str(), created.as_millis())),
    }
}

/// The message that an edit is about, for how long it can be edited in milliseconds, and its text from now on.
fn edit(append: &Append) -> Option<(u64, u64, &str)> {
    match (&append.to, &append.content) {
        (Destination::Edit { window, .. }, Content::Edit { of, text }) => {
            Some((of.0.min(MAX_NUMBER), u64::try_from(window.as_millis()).unwrap_or(MAX_NUMBER), text.as_str()))
        }
        _ => None,
    }
}

/// What an append came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Appended {
    pub(super) result: AppendResult,
    /// How many direct messages of the sender were without a copy afterwards; none if the answer does not tell.
    pub(super) undelivered: Option<usize>,
}

/// Reads the answer of a script; none if Redis does not know the session.
fn read(reply: StoreResult<Value>) -> Option<StoreResult<Appended>> {
    let appended = |result| Some(Ok(Appended { result, undelivered: None }));
    let numbers = match command::read::<Value>(reply) {
        Ok(Value::Int(ABSENT)) => return None,
        Ok(Value::Int(FENCED)) => return appended(AppendResult::Fenced),
        Ok(Value::Int(LATE)) => return Some(Err(StoreError::new("an append came too late"))),
        Ok(Value::Int(BLOCKED)) => return appended(AppendResult::Blocked),
        Ok(Value::Int(id)) if id < 0 => return Some(Err(StoreError::new("too many direct messages wait for a copy"))),
        Ok(Value::Int(id)) => return appended(AppendResult::Stored(number(id))),
        Ok(list) => command::read::<Vec<i64>>(Ok(list)),
        Err(error) => Err(error),
    };
    Some(numbers.and_then(|numbers| match *numbers.as_slice() {
        [id] => Ok(Appended { result: AppendResult::Repeated(number(id)), undelivered: None }),
        [code, detail, _, _] => {
            read_denial(code, detail).map(|denial| Appended { result: AppendResult::Denied(denial), undelivered: None })
        }
        [id, left] => Ok(Appended { result: AppendResult::Stored(number(id)), undelivered: Some(count(left)) }),
        [id, left, _] => Ok(Appended { result: AppendResult::Repeated(number(id)), undelivered: Some(count(left)) }),
        _ => Err(StoreError::new("an append has an unexpected answer")),
    }))
}

/// Reads why a room denies an append.
fn read_denial(code: i64, detail: i64) -> StoreResult<Denial> {
    Ok(match code {
        MUTED => Denial::Muted((detail > 0).then(|| Timestamp::from_millis(detail))),
        NO_SUCH_MESSAGE => Denial::NoSuchMessage,
        NOT_THE_AUTHOR => Denial::NotAllowed("the author of the message"),
        TOO_LATE_TO_EDIT => Denial::TooLate(Duration::from_millis(u64::try_from(detail).unwrap_or_default())),
        REMOVED => Denial::NotInRoom,
        _ => return Err(StoreError::new("an append has an unexpected answer")),
    })
}

fn number(id: i64) -> MessageId {
    MessageId(u64::try_from(id).unwrap_or_default())
}

fn count(left: i64) -> usize {
    usize::try_from(left).unwrap_or_default()
}

/// Returns the position from which the caller receives a log. `head` is the head that the caller has read; `position`
/// is the position of this server. It may be the head that another caller has read later. Entries in between are not
/// delivered.
fn from_where(head: Head, position: Head) -> Head {
    if head.epoch == position.epoch && head.last < position.last { position } else { head }
}

#[cfg(test)]
mod tests;
