//! Failed logins of one server, kept in memory and bounded.

use std::collections::HashMap;
use std::time::Duration;

use parlor_core::Throttle;
use parlor_core::ports::{Admission, Attempt, Attempts, StoreResult};

use crate::sync::{Mutex, lock};

/// Accounts and addresses that are remembered at most. Beyond that the longest silent are forgotten first.
const MAX_REMEMBERED: usize = 50_000;

/// Failed logins since the process began. Lock tier 0.
#[derive(Default)]
pub struct LiveAttempts {
    failures: Mutex<HashMap<Key, Failures>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Account(String),
    Address(String),
}

#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    count: u32,
    last: Duration,
}

impl Attempts for LiveAttempts {
    fn admit(&self, attempt: &Attempt<'_>) -> StoreResult<Admission> {
        let failures = lock(&self.failures);
        let wait = keys(attempt).map(|key| remaining(&failures, &key, attempt.at)).max().unwrap_or_default();
        Ok(if wait.is_zero() { Admission::Now } else { Admission::After(wait) })
    }

    fn failed(&self, attempt: &Attempt<'_>) -> StoreResult<()> {
        let mut failures = lock(&self.failures);
        if failures.len() >= MAX_REMEMBERED {
            forget_some(&mut failures, attempt.at);
        }
        for key in keys(attempt) {
            let forget_after = throttle(&key).forget_after;
            let known = failures.entry(key).or_default();
            if attempt.at.saturating_sub(known.last) > forget_after {
                known.count = 0;
            }
            known.count = known.count.saturating_add(1);
            known.last = attempt.at;
        }
        Ok(())
    }

    fn succeeded(&self, attempt: &Attempt<'_>) -> StoreResult<()> {
        lock(&self.failures).remove(&Key::Account(attempt.user.as_str().to_owned()));
        Ok(())
    }
}

fn keys(attempt: &Attempt<'_>) -> impl Iterator<Item = Key> {
    let account = Key::Account(attempt.user.as_str().to_owned());
    let address = attempt.address.map(|address| Key::Address(address.to_owned()));
    std::iter::once(account).chain(address)
}

fn throttle(key: &Key) -> Throttle {
    match key {
        Key::Account(_) => Throttle::ACCOUNT,
        Key::Address(_) => Throttle::ADDRESS,
    }
}

fn remaining(failures: &HashMap<Key, Failures>, key: &Key, now: Duration) -> Duration {
    let Some(known) = failures.get(key) else { return Duration::ZERO };
    let since = now.saturating_sub(known.last);
    let throttle = throttle(key);
    if since > throttle.forget_after { Duration::ZERO } else { throttle.delay(known.count).saturating_sub(since) }
}

/// Forgets what is over, and if that is not enough, the older half.
fn forget_some(failures: &mut HashMap<Key, Failures>, now: Duration) {
    failures.retain(|key, known| now.saturating_sub(known.last) <= throttle(key).forget_after);
    if failures.len() >= MAX_REMEMBERED {
        let mut times: Vec<Duration> = failures.values().map(|known| known.last).collect();
        let (_, median, _) = times.select_nth_unstable(MAX_REMEMBERED / 2);
        let median = *median;
        failures.retain(|_, known| known.last > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1000);

    fn fail(attempts: &LiveAttempts, user: &str, address: Option<&str>, times: usize) {
        let user = user.parse().unwrap();
        for _ in 0..times {
            attempts.failed(&Attempt { user: &user, address, at: NOW }).unwrap();
        }
    }

    fn admit(attempts: &LiveAttempts, user: &str, address: Option<&str>, at: Duration) -> Admission {
        attempts.admit(&Attempt { user: &user.parse().unwrap(), address, at }).unwrap()
    }

    #[test]
    fn an_account_is_delayed_after_some_failures_and_free_again_in_time() {
        let attempts = LiveAttempts::default();
        fail(&attempts, "ann", None, 5);
        assert_eq!(admit(&attempts, "ann", None, NOW), Admission::Now);
        fail(&attempts, "ann", None, 2);
        assert_eq!(admit(&attempts, "ann", None, NOW), Admission::After(Duration::from_secs(1)));
        assert_eq!(admit(&attempts, "bob", None, NOW), Admission::Now);
        assert_eq!(admit(&attempts, "ann", None, NOW + Duration::from_secs(1)), Admission::Now);
    }

    #[test]
    fn an_address_is_delayed_whatever_accounts_it_tries() {
        let attempts = LiveAttempts::default();
        for user in ["a", "b", "c", "d", "e", "f", "g"] {
            fail(&attempts, user, Some("192.0.2.1"), 3);
        }
        assert_eq!(admit(&attempts, "z", Some("192.0.2.1"), NOW), Admission::After(Duration::from_millis(500)));
        assert_eq!(admit(&attempts, "z", Some("192.0.2.2"), NOW), Admission::Now);
    }

    #[test]
    fn a_right_password_forgives_the_account_and_not_the_address() {
        let attempts = LiveAttempts::default();
        fail(&attempts, "ann", Some("192.0.2.1"), 25);
        let user = "ann".parse().unwrap();
        attempts.succeeded(&Attempt { user: &user, address: Some("192.0.2.1"), at: NOW }).unwrap();
        assert_eq!(admit(&attempts, "ann", None, NOW), Admission::Now);
        assert_ne!(admit(&attempts, "ann", Some("192.0.2.1"), NOW), Admission::Now);
    }

    #[test]
    fn memory_is_bounded() {
        let mut failures: HashMap<Key, Failures> = (0..MAX_REMEMBERED as u64)
            .map(|at| (Key::Account(at.to_string()), Failures { count: 1, last: NOW + Duration::from_nanos(at) }))
            .collect();
        forget_some(&mut failures, NOW);
        assert!(failures.len() <= MAX_REMEMBERED / 2);
    }
}
