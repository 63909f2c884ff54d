//! Requests and replies that several parts of this store share: log heads, entries, the index of rooms, and the rooms
//! that a session notes. It must not send anything.

use std::collections::BTreeMap;

use ::redis::Value;
use parlor_core::ports::{Entry, Head, LogId, StoreError, StoreResult};
use parlor_proto::{Epoch, MessageId, RoomName};

use super::connection::command::{self, Argument, Command};
use super::connection::script;
use super::pubsub::message;
use super::{keys, random};

/// Asks for the head of a log. If the log is unknown, this creates its epoch.
pub(super) fn ask_for_head(log: &LogId) -> Command {
    Command::script(script::head(), &[keys::meta(log)], &[&Epoch(random::number()).to_string()])
}

/// Reads the answer to [`ask_for_head`].
pub(super) fn read_head(reply: Option<StoreResult<Value>>) -> StoreResult<Head> {
    let missing = || Err(StoreError::new("no reply"));
    let (epoch, last): (String, u64) = command::read(reply.unwrap_or_else(missing))?;
    let epoch = epoch.parse().map_err(StoreError::new)?;
    Ok(Head { epoch, last: MessageId(last) })
}

/// Reads an entry of a stream: `n-0`, and its fields as the script wrote them.
pub(super) fn read_entry(value: &Value) -> Option<Entry> {
    let (id, fields): (String, Vec<String>) = ::redis::from_redis_value_ref(value).ok()?;
    let field = |name: &str| fields.chunks(2).find(|pair| pair[0] == name).and_then(|pair| pair.get(1));
    let to = field("to").map(|to| to.parse()).transpose().ok()?;
    Some(Entry { to, ..message::entry(id.split('-').next()?, field("time")?, field("from")?, field("text")?)? })
}

/// Asks for the rooms of the index that may have members.
pub(super) fn ask_for_index() -> Command {
    Command::plain("ZRANGE", keys::ROOMS, &["0", "+inf", "BYSCORE", "WITHSCORES"])
}

/// Reads the answer to [`ask_for_index`] and adds the lobby: the index version of each room.
pub(super) fn read_index(reply: StoreResult<Value>) -> StoreResult<BTreeMap<RoomName, Option<u64>>> {
    let indexed: Vec<(String, f64)> = command::read(reply)?;
    let mut versions = BTreeMap::from([(RoomName::lobby(), None)]);
    // Versions are integers. They are microseconds, so they stay below the limit at which scores lose precision.
    versions.extend(indexed.into_iter().filter_map(|(name, score)| Some((name.parse().ok()?, Some(score as u64)))));
    Ok(versions)
}

/// Reads the rooms that a session notes: `room:number room:number…`.
pub(super) fn read_notes(text: &str) -> Vec<(RoomName, u64)> {
    let read = |noted: &str| {
        let (room, seq) = noted.split_once(':')?;
        Some((room.parse().ok()?, seq.parse().ok()?))
    };
    text.split_whitespace().filter_map(read).collect()
}

/// The command that registers a server, or sessions of a server, also on a full Redis.
pub(super) fn register(key: impl Into<String>, members: &[&str]) -> Command {
    let members: Vec<&dyn Argument> = members.iter().map(|member| member as &dyn Argument).collect();
    Command::script(script::register(), &[key.into()], &members)
}
