//! Failed logins, counted over all servers, by Redis's clock. The counts go by themselves in time.

use std::time::Duration;

use parlor_core::Throttle;
use parlor_core::ports::{Admission, Attempt, Attempts, StoreResult};

use super::command::{self, Command};
use super::keys;
use super::script;
use super::server::Server;

impl Attempts for Server {
    fn admit(&self, attempt: &Attempt<'_>) -> StoreResult<Admission> {
        let questions: Vec<_> = counts(attempt).collect();
        let commands = questions.iter().map(|(key, throttle)| look(key, throttle, 0)).collect();
        let mut wait = Duration::ZERO;
        for ((_, throttle), reply) in questions.iter().zip(self.router.call_all(commands)) {
            let (failures, since): (u32, i64) = command::read(reply)?;
            let since = Duration::from_millis(u64::try_from(since).unwrap_or(0));
            wait = wait.max(throttle.delay(failures).saturating_sub(since));
        }
        Ok(if wait.is_zero() { Admission::Now } else { Admission::After(wait) })
    }

    fn failed(&self, attempt: &Attempt<'_>) -> StoreResult<()> {
        let commands = counts(attempt).map(|(key, throttle)| look(&key, &throttle, 1)).collect();
        let replies = self.router.call_all(commands).into_iter();
        replies.map(command::read::<(u32, i64)>).try_for_each(|reply| reply.map(drop))
    }

    fn succeeded(&self, attempt: &Attempt<'_>) -> StoreResult<()> {
        self.call::<i64>(Command::plain("DEL", keys::attempts_of_account(attempt.user), &[])).map(drop)
    }
}

/// What an attempt is counted under.
fn counts(attempt: &Attempt<'_>) -> impl Iterator<Item = (String, Throttle)> {
    let account = (keys::attempts_of_account(attempt.user), Throttle::ACCOUNT);
    let address = attempt.address.map(|address| (keys::attempts_from_address(address), Throttle::ADDRESS));
    std::iter::once(account).chain(address)
}

/// Asks for a count, with `more` added.
fn look(key: &str, throttle: &Throttle, more: u8) -> Command {
    let forget = u64::try_from(throttle.forget_after.as_millis()).unwrap_or(u64::MAX);
    Command::script(script::attempt(), &[key], &[&more, &forget])
}
