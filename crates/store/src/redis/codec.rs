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

#[cfg(test)]
mod tests {
    use parlor_proto::Timestamp;

    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    /// An entry of a stream.
    fn entry(id: &str, fields: &[&str]) -> Value {
        Value::Array(vec![text(id), Value::Array(fields.iter().map(|field| text(field)).collect())])
    }

    #[test]
    fn an_entry_is_read_whatever_else_is_noted_in_it() {
        let said = ["from", "ann", "time", "7", "text", "a  b "];
        let read = read_entry(&entry("12-0", &said)).unwrap();
        assert_eq!(
            (read.id, read.time, read.author.as_str(), read.to.clone()),
            (MessageId(12), Timestamp::from_millis(7), "ann", None)
        );
        assert_eq!(read.said().as_str(), "a  b ");
        let more = [&said[..], &["by", "9 3", "later", "x"]].concat();
        assert_eq!(read_entry(&entry("12-0", &more)), Some(read.clone()));
        let turned = ["text", "a  b ", "by", "9 3", "from", "ann", "time", "7"];
        assert_eq!(read_entry(&entry("12-0", &turned)), Some(read.clone()));
        let sent = [&said[..], &["to", "bob"]].concat();
        let to = Some("bob".parse().unwrap());
        assert_eq!(read_entry(&entry("12-0", &sent)), Some(Entry { to, ..read }));
    }

    #[test]
    fn what_is_no_entry_is_left_out() {
        let said = ["from", "ann", "time", "7", "text", "hi"];
        let without = |at: usize| [&said[..at], &said[at + 2..]].concat();
        let wrong = |name: &str, value: &'static str| {
            let at = said.iter().position(|field| *field == name).unwrap() + 1;
            [&said[..at], &[value], &said[at + 1..]].concat()
        };
        for fields in [without(0), without(2), without(4), said[..5].to_vec()] {
            assert_eq!(read_entry(&entry("1-0", &fields)), None, "{fields:?}");
        }
        for fields in [wrong("from", "a b"), wrong("time", "soon"), wrong("text", "")] {
            assert_eq!(read_entry(&entry("1-0", &fields)), None, "{fields:?}");
        }
        for id in ["", "x-0", "-1"] {
            assert_eq!(read_entry(&entry(id, &said)), None, "{id}");
        }
        // A recipient that cannot be read is not nobody.
        assert_eq!(read_entry(&entry("1-0", &[&said[..], &["to", "b.b"]].concat())), None);
        assert_eq!(read_entry(&Value::Nil), None);
    }

    #[test]
    fn a_head_is_an_epoch_and_a_number() {
        let read = |epoch: &str, last: &str| read_head(Some(Ok(Value::Array(vec![text(epoch), text(last)]))));
        assert_eq!(read("00000000000000ff", "12").unwrap(), Head { epoch: Epoch(255), last: MessageId(12) });
        assert!(read("no epoch", "12").is_err() && read("ff", "-1").is_err() && read("ff", "").is_err());
        assert_eq!(read_head(None).unwrap_err().to_string(), "no reply");
    }

    #[test]
    fn the_lobby_is_in_every_index_and_what_is_no_name_in_none() {
        let read = |pairs: &[(&str, &str)]| {
            let all = pairs.iter().flat_map(|(room, score)| [text(room), text(score)]).collect();
            read_index(Ok(Value::Array(all))).unwrap().into_iter().map(|(room, version)| (room.to_string(), version))
        };
        assert_eq!(read(&[]).collect::<Vec<_>>(), [("lobby".to_owned(), None)]);
        let found = read(&[("red", "1795379498790542"), ("a.b", "5"), ("blue", "0")]).collect::<Vec<_>>();
        let expected = [("blue", Some(0)), ("lobby", None), ("red", Some(1_795_379_498_790_542))];
        assert_eq!(found, expected.map(|(room, version)| (room.to_owned(), version)));
        // From a server of a version before.
        assert_eq!(read(&[("lobby", "7")]).collect::<Vec<_>>(), [("lobby".to_owned(), Some(7))]);
    }

    #[test]
    fn of_the_notes_of_a_session_what_cannot_be_read_is_left_out() {
        let read =
            |text: &str| read_notes(text).into_iter().map(|(room, seq)| format!("{room} {seq}")).collect::<Vec<_>>();
        assert_eq!(read(" red:7  blue:18446744073709551615 "), ["red 7", "blue 18446744073709551615"]);
        assert_eq!(read("red red: :7 a.b:7 red:x red:-1 red:7:8 green:0"), ["green 0"]);
        assert_eq!(read(""), [""; 0]);
    }
}
