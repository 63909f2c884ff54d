//! Failed logins of one server, kept in memory and bounded. It must not keep data that must survive the process: the
//! usual addresses of users are stored elsewhere.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parlor_core::LoginBackoff;
use parlor_core::ports::{Attempt, AttemptOutcome, AttemptPermit, LoginDecision, LoginLimiter, StoreResult};
use parlor_proto::{Timestamp, UserName};

use crate::sync::{Mutex, lock};

/// Maximum number of accounts and addresses that are remembered. Beyond that, the least recently used are forgotten
/// first.
const MAX_REMEMBERED: usize = 50_000;

/// The usual addresses of users. Calls may block.
pub(crate) trait UsualAddresses: Send + Sync {
    /// Whether the user logged in from this address recently.
    fn is_known(&self, user: &UserName, address: &str, now: Timestamp) -> StoreResult<bool>;

    /// Records a login of the user from this address.
    fn note(&self, user: &UserName, address: &str, now: Timestamp) -> StoreResult<()>;
}

/// Failed logins since the process began. Lock tier 0.
pub struct InProcessLoginLimiter {
    counts: Mutex<HashMap<Key, Count>>,
    usual: Arc<dyn UsualAddresses>,
}

/// The key of a counter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    /// Attempts at an account from an address that its user does not usually use.
    Account(String),
    /// Attempts at an account from one of its user's usual addresses.
    Pair(String, String),
    /// Attempts from an address.
    Address(String),
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    failures: u32,
    /// Time of the last failure.
    failed_at: Duration,
    /// Attempts whose result is not known yet.
    open: u32,
    /// Start of the last open attempt.
    began_at: Duration,
}

impl InProcessLoginLimiter {
    /// Starts with no failures.
    pub(crate) fn new(usual: Arc<dyn UsualAddresses>) -> Self {
        Self { counts: Mutex::default(), usual }
    }

    /// Clears the failures of an account, from all addresses.
    pub(crate) fn forgive(&self, user: &UserName) {
        lock(&self.counts).retain(|key, _| match key {
            Key::Account(of) | Key::Pair(of, _) => of != user.as_str(),
            Key::Address(_) => true,
        });
    }
}

impl LoginLimiter for InProcessLoginLimiter {
    fn acquire(&self, attempt: &Attempt<'_>) -> StoreResult<LoginDecision> {
        // This comes before the lock, because it may block.
        let permit = AttemptPermit { is_known: self.usual.is_known(attempt.user, attempt.address, attempt.now)? };
        let keys = counted(attempt, permit);
        let mut counts = lock(&self.counts);
        let looked = keys.iter().filter_map(|key| counts.get(key).map(|count| count.obstacle(key, attempt.at)));
        if let Some(obstacle) = looked.flatten().max() {
            return Ok(obstacle.into());
        }
        evict_oldest(&mut counts, attempt.at);
        for key in keys {
            counts.entry(key).or_default().begin(attempt.at);
        }
        Ok(LoginDecision::Allowed(permit))
    }

    fn release(&self, attempt: &Attempt<'_>, permit: AttemptPermit, outcome: AttemptOutcome) -> StoreResult<()> {
        let mut counts = lock(&self.counts);
        for key in counted(attempt, permit) {
            let Some(count) = counts.get_mut(&key) else { continue };
            count.open = count.open.saturating_sub(1);
            match (outcome, &key) {
                (AttemptOutcome::Wrong, _) => count.fail(&key, attempt.at),
                (AttemptOutcome::Right, Key::Account(_) | Key::Pair(..)) => count.failures = 0,
                _ => {}
            }
            if count.failures == 0 && count.open == 0 {
                counts.remove(&key);
            }
        }
        if outcome == AttemptOutcome::Wrong
            && permit.is_known
            && let Some(key) = address_of(attempt)
        {
            counts.entry(key.clone()).or_default().fail(&key, attempt.at);
        }
        drop(counts);
        if outcome == AttemptOutcome::Right { self.note_known_address(attempt) } else { Ok(()) }
    }

    fn note_known_address(&self, attempt: &Attempt<'_>) -> StoreResult<()> {
        self.usual.note(attempt.user, attempt.address, attempt.now)
    }
}

/// Why an attempt is not allowed now. A delay is more than a wait, and a longer delay is more than a shorter one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Obstacle {
    /// Other attempts are in progress.
    Turn,
    /// The rest of the delay.
    Delay(Duration),
}

impl From<Obstacle> for LoginDecision {
    fn from(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::Turn => LoginDecision::Queued,
            Obstacle::Delay(left) => LoginDecision::RetryAfter(left),
        }
    }
}

impl Count {
    fn obstacle(&self, key: &Key, now: Duration) -> Option<Obstacle> {
        let throttle = throttle(key);
        let (failures, open) = (self.failures(&throttle, now), self.open(now));
        let left = throttle.delay(failures).saturating_sub(now.saturating_sub(self.failed_at));
        if !left.is_zero() {
            return Some(Obstacle::Delay(left));
        }
        (open >= throttle.at_once(failures)).then_some(Obstacle::Turn)
    }

    fn begin(&mut self, now: Duration) {
        self.open = self.open(now) + 1;
        self.began_at = now;
    }

    fn fail(&mut self, key: &Key, now: Duration) {
        self.failures = self.failures(&throttle(key), now).saturating_add(1);
        self.failed_at = now;
    }

    /// The failures that are not forgotten yet.
    fn failures(&self, throttle: &LoginBackoff, now: Duration) -> u32 {
        if now.saturating_sub(self.failed_at) > throttle.forget_after { 0 } else { self.failures }
    }

    /// The attempts that may still report a result.
    fn open(&self, now: Duration) -> u32 {
        if now.saturating_sub(self.began_at) > LoginBackoff::ANSWER_TIME { 0 } else { self.open }
    }

    fn is_over(&self, key: &Key, now: Duration) -> bool {
        self.failures(&throttle(key), now) == 0 && self.open(now) == 0
    }

    /// Time of the last event.
    fn last(&self) -> Duration {
        self.failed_at.max(self.began_at)
    }
}

/// The counters in which an attempt takes a place.
fn counted(attempt: &Attempt<'_>, permit: AttemptPermit) -> Vec<Key> {
    let user = attempt.user.as_str().to_owned();
    if permit.is_known {
        return vec![Key::Pair(user, attempt.address.to_owned())];
    }
    std::iter::once(Key::Account(user)).chain(address_of(attempt)).collect()
}

fn address_of(attempt: &Attempt<'_>) -> Option<Key> {
    attempt.is_address_limited.then(|| Key::Address(attempt.address.to_owned()))
}

fn throttle(key: &Key) -> LoginBackoff {
    match key {
        Key::Account(_) | Key::Pair(..) => LoginBackoff::ACCOUNT,
        Key::Address(_) => LoginBackoff::ADDRESS,
    }
}

/// If there are too many counters, removes the expired ones. If that is not enough, removes the older half.
fn evict_oldest(counts: &mut HashMap<Key, Count>, now: Duration) {
    if counts.len() < MAX_REMEMBERED {
        return;
    }
    counts.retain(|key, count| !count.is_over(key, now));
    if counts.len() >= MAX_REMEMBERED {
        let mut times: Vec<Duration> = counts.values().map(Count::last).collect();
        let (_, median, _) = times.select_nth_unstable(MAX_REMEMBERED / 2);
        let median = *median;
        counts.retain(|_, count| count.last() > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1000);

    #[test]
    fn memory_is_bounded() {
        let failed = |at| Count { failures: 1, failed_at: NOW + Duration::from_nanos(at), ..Count::default() };
        let mut counts: HashMap<Key, Count> =
            (0..MAX_REMEMBERED as u64).map(|at| (Key::Account(at.to_string()), failed(at))).collect();
        evict_oldest(&mut counts, NOW);
        assert!(counts.len() <= MAX_REMEMBERED / 2);
    }

    #[test]
    fn what_is_over_makes_room_first() {
        let failed = |at| Count { failures: 1, failed_at: at, ..Count::default() };
        let mut counts: HashMap<Key, Count> =
            (1..MAX_REMEMBERED).map(|at| (Key::Account(at.to_string()), failed(Duration::ZERO))).collect();
        counts.insert(Key::Account("ann".to_owned()), failed(NOW));
        evict_oldest(&mut counts, NOW);
        assert_eq!(counts.len(), 1);
    }

    const MILLI: Duration = Duration::from_millis(1);

    /// Everybody is at home at one address.
    struct Home;

    impl UsualAddresses for Home {
        fn is_known(&self, _user: &UserName, address: &str, _now: Timestamp) -> StoreResult<bool> {
            Ok(address == "home")
        }

        fn note(&self, _user: &UserName, _address: &str, _now: Timestamp) -> StoreResult<()> {
            Ok(())
        }
    }

    /// A limiter, and how somebody tries a password there.
    struct Door(InProcessLoginLimiter);

    impl Door {
        fn new() -> Self {
            Self(InProcessLoginLimiter::new(Arc::new(Home)))
        }

        fn begin(&self, user: &str, address: &str, at: Duration) -> LoginDecision {
            self.with(user, address, at, |attempt| self.0.acquire(attempt))
        }

        fn try_once(&self, user: &str, address: &str, at: Duration, outcome: AttemptOutcome) {
            let LoginDecision::Allowed(permit) = self.begin(user, address, at) else {
                panic!("{user} {address} {at:?}")
            };
            self.with(user, address, at, |attempt| self.0.release(attempt, permit, outcome));
        }

        fn with<T>(&self, user: &str, address: &str, at: Duration, of: impl Fn(&Attempt<'_>) -> StoreResult<T>) -> T {
            let (user, now) = (user.parse().unwrap(), Timestamp::from_millis(0));
            of(&Attempt { user: &user, address, is_address_limited: true, at, now }).unwrap()
        }

        /// Fails once more than is free, so that there is a delay.
        fn use_up(&self, user: &str, address: &str) {
            (0..=LoginBackoff::ACCOUNT.free).for_each(|_| self.try_once(user, address, NOW, AttemptOutcome::Wrong));
        }

        fn kept(&self) -> usize {
            lock(&self.0.counts).len()
        }
    }

    #[test]
    fn failures_are_forgotten_a_time_after_the_last_one() {
        let forget_after = LoginBackoff::ACCOUNT.forget_after;
        for (later, is_forgotten) in [(forget_after, false), (forget_after + MILLI, true)] {
            let door = Door::new();
            door.use_up("ann", "away");
            door.try_once("ann", "away", NOW + later, AttemptOutcome::Wrong);
            let next = door.begin("ann", "away", NOW + later);
            assert_eq!(matches!(next, LoginDecision::Allowed(_)), is_forgotten, "{next:?}");
        }
    }

    #[test]
    fn a_delay_is_over_to_the_moment() {
        let door = Door::new();
        door.use_up("ann", "away");
        let delay = LoginBackoff::ACCOUNT.first_delay;
        assert_eq!(door.begin("ann", "away", NOW + delay - MILLI), LoginDecision::RetryAfter(MILLI));
        assert!(matches!(door.begin("ann", "away", NOW + delay), LoginDecision::Allowed(_)));
    }

    #[test]
    fn a_place_that_is_never_given_back_is_free_again_in_time() {
        let door = Door::new();
        for _ in 0..=LoginBackoff::ACCOUNT.free {
            assert!(matches!(door.begin("ann", "away", NOW), LoginDecision::Allowed(_)));
        }
        let last = NOW + LoginBackoff::ANSWER_TIME;
        assert_eq!(door.begin("ann", "away", last), LoginDecision::Queued);
        assert!(matches!(door.begin("ann", "away", last + MILLI), LoginDecision::Allowed(_)));
    }

    #[test]
    fn of_what_came_to_nothing_nothing_is_kept() {
        let door = Door::new();
        for address in ["home", "away"] {
            for outcome in [AttemptOutcome::Right, AttemptOutcome::Unknown] {
                door.try_once("ann", address, NOW, outcome);
                assert_eq!(door.kept(), 0, "{address} {outcome:?}");
            }
        }
        door.try_once("ann", "away", NOW, AttemptOutcome::Wrong);
        assert_eq!(door.kept(), 2, "the account and the address");
        door.try_once("bob", "home", NOW, AttemptOutcome::Wrong);
        assert_eq!(door.kept(), 4, "the pair, and the address all the same");
        door.try_once("ann", "away", NOW, AttemptOutcome::Right);
        assert_eq!(door.kept(), 3, "the failure of the address stays");
    }

    #[test]
    fn the_longest_delay_counts_and_comes_before_a_wait_for_others() {
        let door = Door::new();
        // One address has used up what is free for all accounts together, with a failure beyond it.
        for number in 0..=LoginBackoff::ADDRESS.free {
            door.try_once(&format!("user{number}"), "away", NOW, AttemptOutcome::Wrong);
        }
        let delay = LoginBackoff::ADDRESS.first_delay;
        door.try_once("user", "away", NOW + delay, AttemptOutcome::Wrong);
        // For another account all places are taken, and a third one has a shorter delay.
        for _ in 0..=LoginBackoff::ACCOUNT.free {
            assert!(matches!(door.begin("bob", "elsewhere", NOW + delay), LoginDecision::Allowed(_)));
            door.try_once("cyd", "anywhere", NOW + delay, AttemptOutcome::Wrong);
        }
        assert_eq!(door.begin("bob", "nowhere", NOW + delay), LoginDecision::Queued);
        assert_eq!(door.begin("cyd", "nowhere", NOW + delay), LoginDecision::RetryAfter(delay));
        for user in ["bob", "cyd", "ann"] {
            assert_eq!(door.begin(user, "away", NOW + delay), LoginDecision::RetryAfter(2 * delay), "{user}");
        }
        // Whoever is at home there is not concerned.
        assert!(matches!(door.begin("cyd", "home", NOW + delay), LoginDecision::Allowed(_)));
    }

    #[test]
    fn an_account_is_forgiven_wherever_it_failed_and_an_address_is_not() {
        let door = Door::new();
        door.use_up("ann", "away");
        door.use_up("ann", "home");
        door.use_up("bob", "elsewhere");
        door.0.forgive(&"ann".parse().unwrap());
        for address in ["away", "home"] {
            assert!(matches!(door.begin("ann", address, NOW), LoginDecision::Allowed(_)), "{address}");
        }
        assert!(matches!(door.begin("bob", "away", NOW), LoginDecision::RetryAfter(_)));
        let addresses = lock(&door.0.counts).keys().filter(|key| matches!(key, Key::Address(_))).count();
        assert_eq!(addresses, 3);
    }
}
