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
