//! Logs: appending in batches, following, reading back. It must not deliver; the Pub/Sub readers do.

use std::time::Duration;

use ::redis::Value;
use parlor_core::Flush;
use parlor_core::ports::{
    Append, AppendReport, AppendResult, Entry, Head, Log, LogId, SessionKey, StoreError, StoreResult,
};
use parlor_proto::{Epoch, MessageId};

use super::codec::{ask_for_head, read_entry, read_head};
use super::connection::command::{self, Argument, Command};
use super::connection::script;
use super::keys;
use super::membership::server::Server;
use super::pubsub::log_cursors::LogCursor;
use super::random;

/// The script's answer if there is no session or membership.
const ABSENT: i64 = 0;
const FENCED: i64 = -1;

/// Timeout of a subscription.
const SUBSCRIPTION_PATIENCE: Duration = Duration::from_secs(2);

impl Log for Server {
    fn append(&self, batch: Vec<Append>) -> AppendReport {
        if let Err(error) = self.lease.check() {
            return AppendReport { outcomes: vec![Err(error); batch.len()], flush: Flush::default() };
        }
        let mut outcomes: Vec<Option<StoreResult<AppendResult>>> =
            self.append_all(&batch).into_iter().map(read).collect();
        self.retry_absent(&batch, &mut outcomes);
        let outcomes = outcomes.into_iter().map(|outcome| outcome.unwrap_or(Ok(AppendResult::Fenced))).collect();
        AppendReport { outcomes, flush: Flush::default() }
    }

    fn follow(&self, log: &LogId) -> StoreResult<Head> {
        let (cursor, is_first) = self.cursors.add(log);
        self.follow_track(log, &cursor, is_first).inspect_err(|_| self.unfollow(log))
    }

    fn unfollow(&self, log: &LogId) {
        if self.cursors.remove(log) {
            // This does not justify a round trip: the reader checks the channel at its next wake-up, within a second.
            self.look_at(&keys::log(log));
        }
    }

    fn newest(&self, log: &LogId, count: usize) -> StoreResult<Vec<Entry>> {
        let count = self.history.min(count as u64);
        if count == 0 {
            return Ok(Vec::new());
        }
        let count = count.to_string();
        let entries: Vec<Value> =
            self.call(Command::plain("XREVRANGE", keys::log(log), &["+", "-", "COUNT", &count]))?;
        Ok(entries.iter().rev().filter_map(read_entry).collect())
    }
}

impl Server {
    fn follow_track(&self, log: &LogId, cursor: &LogCursor, is_first: bool) -> StoreResult<Head> {
        let mut commands = vec![ask_for_head(log)];
        if is_first {
            self.look_at(&keys::log(log));
            commands.push(self.wake_up());
        }
        let mut head = read_head(self.router.call_all(commands).into_iter().next())?;
        let (position, may_lack) = cursor.begin(head);
        if position.epoch != head.epoch {
            // Either epoch may be outdated by now.
            head = read_head(Some(self.router.call(ask_for_head(log))))?;
        }
        let start = from_where(head, position);
        if may_lack {
            // Entries between the subscription and the read of the head must be requested.
            self.look_at(&keys::log(log));
            self.wake_followers();
        }
        // Missed entries can be requested, but a missed enter of a room is not announced again.
        if matches!(log, LogId::Room(_)) && !cursor.await_subscription(SUBSCRIPTION_PATIENCE) {
            return Err(StoreError::new("the news of a room cannot be heard just now"));
        }
        Ok(start)
    }

    fn append_all(&self, batch: &[Append]) -> Vec<StoreResult<i64>> {
        let commands = batch.iter().map(|append| self.append_command(append)).collect();
        self.router.call_all(commands).into_iter().map(command::read).collect()
    }

    fn append_command(&self, append: &Append) -> Command {
        let Append { log, author, generation, time, text } = append;
        let (script, guard) = match log {
            LogId::Room(room) => (script::append_room(), keys::memberships(room)),
            LogId::Feed(user) => (script::append_feed(), keys::session(user)),
        };
        let channel = keys::log(log);
        let known = self.cursors.find(&channel).and_then(|cursor| cursor.position());
        let known = known.map(|Head { epoch, last }| format!("{epoch} {last}")).unwrap_or_default();
        let fresh = Epoch(random::number()).to_string();
        let args: [&dyn Argument; 8] = [
            &author.as_str(),
            &generation.0,
            &self.next_seq(),
            &time.as_millis(),
            &text.as_str(),
            &self.kept(),
            &fresh,
            &known,
        ];
        Command::script(script, &[channel, keys::meta(log), guard], &args)
    }

    /// If Redis no longer knows the session, restores the session and repeats the appends.
    fn retry_absent(&self, batch: &[Append], outcomes: &mut [Option<StoreResult<AppendResult>>]) {
        let absent: Vec<usize> = (0..batch.len()).filter(|&at| outcomes[at].is_none()).collect();
        let Some(first) = absent.first().map(|&at| &batch[at]) else { return };
        let session_key = SessionKey { user: first.author.clone(), generation: first.generation };
        let is_elsewhere = |at: &&usize| match &batch[**at].log {
            LogId::Room(room) => !self.local.is_in(&session_key, room),
            LogId::Feed(_) => false,
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
                for (at, reply) in absent.into_iter().zip(self.append_all(&again)) {
                    outcomes[at] = read(reply);
                }
            }
            Err(error) => absent.into_iter().for_each(|at| outcomes[at] = Some(Err(error.clone()))),
        }
    }
}

/// None if Redis does not know the session.
fn read(reply: StoreResult<i64>) -> Option<StoreResult<AppendResult>> {
    match reply {
        Ok(ABSENT) => None,
        Ok(FENCED) => Some(Ok(AppendResult::Fenced)),
        Ok(number) => match u64::try_from(number) {
            Ok(number) => Some(Ok(AppendResult::Stored(MessageId(number)))),
            Err(_) => Some(Err(StoreError::new("an append came too late"))),
        },
        Err(error) => Some(Err(error)),
    }
}

/// Returns the position from which the caller receives a log. `head` is the head that the caller has read; `position`
/// is the position of this server. It may be the head that another caller has read later. Entries in between are not
/// delivered.
fn from_where(head: Head, position: Head) -> Head {
    if head.epoch == position.epoch && head.last < position.last { position } else { head }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_looked_earlier_than_the_first_is_told_from_where_on_it_hears() {
        let head = |epoch, last| Head { epoch: Epoch(epoch), last: MessageId(last) };
        assert_eq!(from_where(head(1, 5), head(1, 7)), head(1, 7));
        assert_eq!(from_where(head(1, 9), head(1, 7)), head(1, 9));
        // The position on this server belongs to an earlier epoch.
        assert_eq!(from_where(head(2, 1), head(1, 7)), head(2, 1));
    }
}
