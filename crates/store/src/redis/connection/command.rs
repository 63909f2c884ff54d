//! One command to Redis and its reply. It must not know connections.

use std::borrow::Cow;

use ::redis::{Cmd, FromRedisValue, RedisError, ToRedisArgs, Value};
use parlor_core::ports::{StoreError, StoreResult};

use crate::redis::connection::script::Script;

/// Whether a command may be sent again if its reply was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::redis) enum Repeat {
    /// Running it twice has the same effect as running it once.
    Harmless,
    /// A repetition would run it twice.
    Never,
}

/// A command, packed for the wire, with the data that is needed to route it.
#[derive(Debug, Clone)]
pub(in crate::redis) struct Command {
    /// One of its keys. All its keys are in the same slot.
    pub(in crate::redis) key: Cow<'static, str>,
    pub(in crate::redis) packed: Vec<u8>,
    pub(in crate::redis) repeat: Repeat,
    pub(in crate::redis) script: Option<&'static Script>,
}

impl Command {
    /// A command on `key`. It may be repeated unless the caller says otherwise.
    pub(in crate::redis) fn new(key: impl Into<Cow<'static, str>>, cmd: &Cmd) -> Self {
        Self { key: key.into(), packed: cmd.get_packed_command(), repeat: Repeat::Harmless, script: None }
    }

    /// `NAME key args…`.
    pub(in crate::redis) fn plain(name: &str, key: impl Into<Cow<'static, str>>, args: &[&str]) -> Self {
        let key = key.into();
        let mut cmd = ::redis::cmd(name);
        cmd.arg(&*key).arg(args);
        Self::new(key, &cmd)
    }

    /// A script on keys of one slot. There is at least one key.
    pub(in crate::redis) fn script<K: AsRef<str>>(script: &'static Script, keys: &[K], args: &[&dyn Argument]) -> Self {
        let mut cmd = ::redis::cmd("EVALSHA");
        cmd.arg(script.hash()).arg(keys.len());
        for key in keys {
            cmd.arg(key.as_ref());
        }
        for arg in args {
            arg.add_to(&mut cmd);
        }
        let key = keys.first().map(|key| key.as_ref().to_owned()).unwrap_or_default();
        Self { script: Some(script), ..Self::new(key, &cmd) }
    }

    /// Whether it appends to a log.
    pub(in crate::redis) fn is_append(&self) -> bool {
        self.script.is_some_and(|script| script.name.starts_with("append_"))
    }

    /// The same command, but it is not sent again if its reply was lost.
    pub(in crate::redis) fn never_repeated(self) -> Self {
        Self { repeat: Repeat::Never, ..self }
    }
}

/// An argument of a script.
pub(in crate::redis) trait Argument {
    fn add_to(&self, cmd: &mut Cmd);
}

impl<T: ToRedisArgs> Argument for T {
    fn add_to(&self, cmd: &mut Cmd) {
        cmd.arg(self);
    }
}

/// An error of Redis, in words for operators where Redis refuses to write.
fn failure(error: &RedisError) -> StoreError {
    match error.code() {
        Some("OOM") => {
            StoreError::full("Redis is full: its memory has reached maxmemory; raise maxmemory, or free memory")
        }
        Some("MISCONF") => StoreError::new(format!("Redis cannot write to its disk, and so takes nothing: {error}")),
        _ => StoreError::new(error),
    }
}

/// Reads a reply.
///
/// # Errors
/// The reply is an error of Redis, or has an unexpected type.
pub(in crate::redis) fn read<T: FromRedisValue>(reply: StoreResult<Value>) -> StoreResult<T> {
    let value = reply?.extract_error().map_err(|error| failure(&error))?;
    ::redis::from_redis_value(value).map_err(StoreError::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::connection::script;

    /// A reply of a node, as it is on the wire.
    fn reply(line: &str) -> StoreResult<Value> {
        Ok(::redis::parse_redis_value(format!("{line}\r\n").as_bytes()).unwrap())
    }

    #[test]
    fn a_script_is_called_by_its_hash_with_all_keys_before_all_arguments() {
        let args: [&dyn Argument; 3] = [&7, &"a b", &String::new()];
        let command = Command::script(script::head(), &["one", "two"], &args);
        let words = ["EVALSHA", script::head().hash(), "2", "one", "two", "7", "a b", ""];
        let expected: String = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
        assert_eq!(String::from_utf8(command.packed).unwrap(), format!("*{}\r\n{expected}", words.len()));
        assert_eq!((&*command.key, command.repeat), ("one", Repeat::Harmless));
    }

    #[test]
    fn a_command_is_repeated_unless_that_is_forbidden_and_stays_the_same() {
        let command = Command::script(script::append_feed(), &["log"], &[]);
        let once = command.clone().never_repeated();
        assert_eq!((command.repeat, once.repeat), (Repeat::Harmless, Repeat::Never));
        assert!(once.packed == command.packed && once.key == command.key && once.is_append());
    }

    #[test]
    fn only_messages_and_their_copies_wait_for_replicas() {
        let is_append = |script| Command::script(script, &["key"], &[]).is_append();
        let appends = script::all().iter().filter(|script| is_append(script));
        let names: Vec<&str> = appends.map(|script| script.name).collect();
        assert_eq!(names, ["append_feed", "append_received", "append_room", "append_sent"]);
        assert!(!Command::plain("XADD", "append_room", &[]).is_append());
    }

    #[test]
    fn an_operator_reads_why_redis_takes_nothing() {
        let full = read::<i64>(reply("-OOM command not allowed when used memory > 'maxmemory'.")).unwrap_err();
        assert!(full.is_full() && full.to_string().contains("raise maxmemory"), "{full}");
        let disk = read::<i64>(reply("-MISCONF Errors writing to the AOF file: No space left")).unwrap_err();
        assert!(!disk.is_full() && disk.to_string().starts_with("Redis cannot write to its disk"), "{disk}");
        assert!(disk.to_string().contains("No space left"), "{disk}");
        let other = read::<i64>(reply("-WRONGTYPE Operation against a key")).unwrap_err();
        assert!(!other.is_full() && other.to_string().contains("Operation against a key"), "{other}");
    }

    #[test]
    fn an_error_within_a_list_is_an_error_and_so_is_another_type() {
        assert!(read::<Vec<i64>>(reply("*2\r\n:1\r\n-ERR one of two")).is_err());
        assert!(read::<i64>(reply("+many")).is_err());
        assert_eq!(read::<Vec<i64>>(reply("*2\r\n:1\r\n:2")), Ok(vec![1, 2]));
        let lost = StoreError::new("no reply");
        assert_eq!(read::<i64>(Err(lost.clone())), Err(lost));
    }
}
