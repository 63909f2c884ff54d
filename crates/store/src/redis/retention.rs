//! Deletes entries that are older than the operator, or the owner of their room, wants. Every server does it; a repetition
//! deletes nothing more. It must not delete the newest entry of a log, nor go by the clock of a server.

use std::time::Duration;

use ::redis::Value;
use parlor_core::ports::{Entry, LogId, StoreResult};
use parlor_core::rights::RoomRights;
use parlor_proto::{RoomName, Timestamp};

use super::codec::read_entry;
use super::connection::command::{self, Command};
use super::connection::script;
use super::membership::server::Server;
use super::rooms::all_logs;
use super::{Redis, keys};
use crate::cutoffs::Cutoffs;

/// Logs that are asked for in one batch.
const AT_ONCE: usize = 100;

/// Entries of a log that are deleted in one step.
const MAX_ENTRIES: &str = "500";

impl Redis {
    /// Deletes entries that are older than `age` at the time `now`, or than the retention of their room, some hundred of each log
    /// at most. Returns whether there may be more. Blocks for some round trips.
    ///
    /// # Errors
    /// Redis cannot be reached.
    pub fn forget_older(&self, now: Timestamp, age: Option<Duration>) -> StoreResult<bool> {
        let cutoffs = Cutoffs::new(now, age, self.server.retentions()?);
        let mut logs: Vec<LogId> = match cutoffs.reach_everything() {
            true => all_logs(&self.server.router)?,
            false => cutoffs.rooms().cloned().map(LogId::Room).collect(),
        };
        logs.retain(|log| cutoffs.of(log).is_some());
        let mut has_more = false;
        for logs in logs.chunks(AT_ONCE) {
            has_more |= self.server.forget_older(logs, &cutoffs)?;
        }
        Ok(has_more)
    }

    /// The time by the clock of Redis, which is the same for all servers. Blocks for a round trip.
    ///
    /// # Errors
    /// Redis cannot be reached.
    pub fn time(&self) -> StoreResult<Timestamp> {
        self.server.call(Command::script(script::clock(), &[keys::ROOMS], &[])).map(Timestamp::from_millis)
    }
}

impl Server {
    /// Adds a room to the index of those with a retention. It stays there without one.
    pub(super) fn list_retention(&self, room: &RoomName) -> StoreResult<()> {
        self.call::<i64>(Command::plain("SADD", keys::RETENTION_ROOMS, &[room.as_str()])).map(drop)
    }

    /// The rights in the rooms that may have a retention.
    fn retentions(&self) -> StoreResult<Vec<(RoomName, RoomRights)>> {
        let names: Vec<String> = self.call(Command::plain("SMEMBERS", keys::RETENTION_ROOMS, &[]))?;
        let rooms: Vec<RoomName> = names.iter().filter_map(|room| room.parse().ok()).collect();
        let mut found = Vec::new();
        for rooms in rooms.chunks(AT_ONCE) {
            let ask = |room: &RoomName| Command::plain("HGET", keys::meta(&keys::room_log(room)), &["rights"]);
            for (room, reply) in rooms.iter().zip(self.router.call_all(rooms.iter().map(ask).collect())) {
                let stored: Option<String> = command::read(reply)?;
                found.extend(stored.and_then(|stored| Some((room.clone(), RoomRights::read(&stored)?))));
            }
        }
        Ok(found)
    }

    fn forget_older(&self, logs: &[LogId], cutoffs: &Cutoffs) -> StoreResult<bool> {
        let ask = |log: &LogId| {
            [
                Command::plain("HGET", keys::meta(log), &["top"]),
                Command::plain("XRANGE", keys::log(log), &["-", "+", "COUNT", MAX_ENTRIES]),
                Command::plain("ZRANGE", keys::amended(log), &["-inf", "+inf", "BYSCORE", "LIMIT", "0", MAX_ENTRIES]),
            ]
        };
        let mut replies = self.router.call_all(logs.iter().flat_map(ask).collect()).into_iter();
        let mut next = || replies.next().unwrap_or_else(|| Err(parlor_core::ports::StoreError::new("no reply")));
        let mut commands = Vec::new();
        for log in logs {
            let top: Option<u64> = command::read(next())?;
            let (stream, amended): (Vec<Value>, Vec<String>) = (command::read(next())?, command::read(next())?);
            let before = cutoffs.of(log);
            let is_old = |time: Timestamp, id: u64| before.is_some_and(|before| time < before) && Some(id) != top;
            let stream = stream.iter().filter_map(read_entry);
            let old: Vec<Entry> = stream.take_while(|entry| is_old(entry.time, entry.id.0)).collect();
            commands.extend(removals(log, &old));
            let amended = amended.iter().filter_map(|stored| id_and_time(stored));
            let changed = amended.filter(|(id, time)| is_old(*time, *id)).map(|(id, _)| id.to_string());
            commands.extend(changed.map(|id| Command::plain("ZREMRANGEBYSCORE", keys::amended(log), &[&id, &id])));
        }
        let has_more = !commands.is_empty();
        self.router.call_all(commands).into_iter().try_for_each(|reply| command::read::<i64>(reply).map(drop))?;
        Ok(has_more)
    }
}

/// What deletes the oldest entries of a stream. Those of an inbox are in an index, too, and leave it first.
pub(super) fn removals(log: &LogId, old: &[Entry]) -> Vec<Command> {
    let Some(last) = old.last() else { return Vec::new() };
    let mut commands = Vec::new();
    if let LogId::Inbox(owner) = log {
        let member = |entry: &Entry| {
            let peer = entry.peer(owner)?;
            Some(keys::conversation_member(peer, entry.id, entry.author == *owner))
        };
        let members: Vec<String> = old.iter().filter_map(member).collect();
        let members: Vec<&str> = members.iter().map(String::as_str).collect();
        commands.push(Command::plain("ZREM", keys::conversation_index(owner), &members));
    }
    let oldest = format!("{}-0", last.id.next());
    commands.push(Command::plain("XTRIM", keys::log(log), &["MINID", &oldest]));
    commands
}

/// Reads the beginning of `id time author text`.
fn id_and_time(stored: &str) -> Option<(u64, Timestamp)> {
    let mut words = stored.split(' ');
    let id = words.next()?.parse().ok()?;
    Some((id, Timestamp::from_millis(words.next()?.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use parlor_core::ports::Content;
    use parlor_proto::{MessageId, Text};

    use super::*;
    use crate::redis::connection::fake_node::shown;

    fn entry(id: u64, author: &str, to: Option<&str>) -> Entry {
        let (author, to) = (author.parse().unwrap(), to.map(|to| to.parse().unwrap()));
        let content = Content::Said(Text::sanitise("x").unwrap());
        Entry { id: MessageId(id), time: Timestamp::from_millis(7), author, to, content }
    }

    fn steps(log: &LogId, old: &[Entry]) -> Vec<String> {
        removals(log, old).iter().map(shown).collect()
    }

    #[test]
    fn everything_up_to_the_newest_of_the_old_ones_leaves_a_stream_at_once() {
        let room = LogId::Room("red".parse().unwrap());
        assert_eq!(steps(&room, &[]), [""; 0]);
        let old = [entry(3, "ann", None), entry(4, "bob", None), entry(9, "ann", None)];
        assert_eq!(steps(&room, &old), ["XTRIM parlor:log:{red} MINID 10-0"]);
    }

    #[test]
    fn a_direct_message_leaves_the_index_of_its_conversation_before_it_leaves_the_inbox() {
        let inbox = LogId::Inbox("ann".parse().unwrap());
        let old = [entry(3, "ann", Some("bob")), entry(4, "cyd", Some("ann")), entry(5, "ann", Some("ann"))];
        let members = "bob:0000000000000003o cyd:0000000000000004i ann:0000000000000005o";
        let expected = [
            format!("ZREM parlor:conversation-index:{{ann}} {members}"),
            "XTRIM parlor:inbox:{ann} MINID 6-0".to_owned(),
        ];
        assert_eq!(steps(&inbox, &old), expected);
    }

    #[test]
    fn of_an_entry_that_was_edited_only_number_and_time_matter() {
        assert_eq!(id_and_time("12 7 ann \u{1}amended 9 3 two  words"), Some((12, Timestamp::from_millis(7))));
        assert_eq!(id_and_time("12 -7"), Some((12, Timestamp::from_millis(-7))));
        for strange in ["", "12", "12 soon ann x", "x 7 ann x", " 12 7"] {
            assert_eq!(id_and_time(strange), None, "{strange}");
        }
    }
}
