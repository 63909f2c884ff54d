//! The note in a Redis that everything moves elsewhere, or has moved. While it is there, no server serves. It must not delete
//! anything.

use std::sync::Arc;
use std::time::Duration;

use parlor_core::ports::{StoreError, StoreResult};
use parlor_proto::Epoch;

use super::connection::command::{self, Argument, Command};
use super::connection::dial::Dialer;
use super::connection::router::Router;
use super::connection::script;
use super::import_note::{UNDER_WAY, is_under_way};
use super::rooms::all_logs;
use super::{Config, NoEvents, OpenError, connect, keys, random};

/// Hash: the mark of a migration, where everything goes, and whether it is there. It has a TTL until then, so that servers go
/// on if a migration died.
pub(super) const MOVED: &str = "parlor:moved";

/// How long the note holds if nobody renews it.
pub(super) const HELD: Duration = Duration::from_secs(30);

/// What the note says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Departure {
    /// Where everything goes.
    pub(super) to: String,
    /// Whether it is there.
    pub(super) is_done: bool,
}

impl Departure {
    /// Why no server serves here.
    pub(super) fn refusal(&self) -> OpenError {
        let to = &self.to;
        if !self.is_done {
            return OpenError::Unreachable(format!("everything in it is being moved to {to}"));
        }
        OpenError::Unsuitable(format!(
            "everything in it has moved to {to}: let the server use that (--data, without --redis), or take it back as it was \
             then by parlor migrate --undo"
        ))
    }
}

/// The note, if there is one.
pub(super) fn read(router: &Router) -> StoreResult<Option<Departure>> {
    let fields = Command::plain("HMGET", MOVED, &["to", "done"]);
    let (to, done): (Option<String>, Option<String>) = command::read(router.call(fields))?;
    Ok(to.map(|to| Departure { to, is_done: done.is_some() }))
}

/// # Errors
/// Everything has moved elsewhere, or moves there now; or Redis cannot be reached.
pub(super) fn refuse(router: &Router) -> Result<(), OpenError> {
    match read(router) {
        Ok(None) => Ok(()),
        Ok(Some(departure)) => Err(departure.refusal()),
        Err(error) => Err(OpenError::Unreachable(error.to_string())),
    }
}

/// Writes the note of a migration. `held` is none for the final one. Returns whether it is there.
pub(super) fn note(
    router: &Router,
    migration: &str,
    to: &str,
    held: Option<Duration>,
    begins: bool,
) -> StoreResult<bool> {
    let millis = held.map_or(0, |held| u64::try_from(held.as_millis()).unwrap_or(u64::MAX));
    let args: [&dyn Argument; 4] = [&migration, &to, &millis, &u8::from(begins)];
    command::read::<i64>(router.call(Command::script(script::depart(), &[MOVED], &args))).map(|there| there > 0)
}

/// Where everything has moved from this Redis, if it has. Blocks for a few seconds at most.
///
/// # Errors
/// Redis cannot be reached.
pub fn moved_to(config: &Config) -> Result<Option<String>, OpenError> {
    let found = read(&open(config)?).map_err(|error| OpenError::Unreachable(error.to_string()))?;
    Ok(found.filter(|departure| departure.is_done).map(|departure| departure.to))
}

/// Goes on with what is in this Redis as it was when everything moved. Every log gets a new epoch: numbers that were given out
/// elsewhere since may be given out again. Returns where everything had moved; none if it had not.
///
/// # Errors
/// Redis cannot be reached.
pub fn take_back(config: &Config) -> Result<Option<String>, OpenError> {
    let Some(to) = moved_to(config)? else { return Ok(None) };
    let router = open(config)?;
    let unreachable = |error: StoreError| OpenError::Unreachable(error.to_string());
    if is_under_way(&router).map_err(unreachable)? {
        // A part of what was left may be put aside already.
        return Err(OpenError::Unsuitable(UNDER_WAY.to_owned()));
    }
    let take = || {
        let logs = all_logs(&router)?;
        let asked = logs.iter().map(|log| Command::plain("HEXISTS", keys::meta(log), &["epoch"])).collect();
        let mut commands = Vec::new();
        for (log, has_epoch) in logs.iter().zip(router.call_all(asked)) {
            if command::read::<i64>(has_epoch)? > 0 {
                let epoch = Epoch(random::number()).to_string();
                commands.push(Command::plain("HSET", keys::meta(log), &["epoch", &epoch]));
            }
        }
        router.call_all(commands).into_iter().try_for_each(|reply| reply.map(drop))?;
        command::read::<i64>(router.call(Command::plain("DEL", MOVED, &[])))
    };
    take().map_err(unreachable)?;
    Ok(Some(to))
}

fn open(config: &Config) -> Result<Router, OpenError> {
    let dialer = Arc::new(Dialer::new(config.url.clone(), config.ca.clone()));
    connect(&dialer, &(Arc::new(NoEvents) as _), config.replicas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_while_everything_moves_may_come_again_and_whoever_comes_later_may_not() {
        let refusal = |is_done| Departure { to: "the file".to_owned(), is_done }.refusal();
        assert!(
            matches!(refusal(false), OpenError::Unreachable(why) if why == "everything in it is being moved to the file")
        );
        let done = refusal(true);
        assert!(matches!(done, OpenError::Unsuitable(_)));
        assert!(
            done.reason().starts_with("everything in it has moved to the file: ")
                && done.reason().contains("migrate --undo")
        );
    }
}
