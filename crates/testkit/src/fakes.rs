//! The ports that are not a store: clock, passwords, flush workers, observer. They must not touch the real world.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use parlor_core::ports::{
    Admitted, Clock, EndpointGuard, FlushWorkers, Observer, PasswordAuthority, PasswordHash, Passwords, RandomSource,
    StoreError, StoreResult, Verdict,
};
use parlor_core::{ConnectionId, Flush, Origin};
use parlor_proto::{AuditedCommand, Bye, Endpoint, Password, Timestamp, UserName};

use crate::lock;

/// The time at which every world begins: 2026-11-23T00:00:00Z.
const BEGINNING_MILLIS: i64 = 1_795_392_000_000;

/// A clock that advances only when a test sets it forward.
#[derive(Debug, Default)]
pub(crate) struct FakeClock(Mutex<Duration>);

impl FakeClock {
    pub(crate) fn advance(&self, time: Duration) {
        *lock(&self.0) += time;
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        let millis = i64::try_from(self.elapsed().as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(BEGINNING_MILLIS.saturating_add(millis))
    }

    fn elapsed(&self) -> Duration {
        *lock(&self.0)
    }
}

/// Allows posts to one host.
pub(crate) struct FakeGuard(pub(crate) &'static str);

impl EndpointGuard for FakeGuard {
    fn may_be_allowed(&self, endpoint: &Endpoint) -> bool {
        endpoint.host() == self.0
    }
}

/// "Hashes" that are the password with a prefix.
pub(crate) struct FakePasswords;

const CURRENT: &str = "now:";
const OUTDATED: &str = "old:";

pub(crate) fn outdated_hash(password: &str) -> PasswordHash {
    PasswordHash::new(format!("{OUTDATED}{password}"))
}

pub(crate) fn current_hash(password: &str) -> PasswordHash {
    PasswordHash::new(format!("{CURRENT}{password}"))
}

impl Passwords for FakePasswords {
    fn hash(&self, password: &Password) -> StoreResult<PasswordHash> {
        Ok(current_hash(password.expose()))
    }

    fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> StoreResult<Verdict> {
        let hash = hash.map(PasswordHash::expose).unwrap_or_default();
        if hash.strip_prefix(OUTDATED) == Some(password.expose()) {
            return Ok(Verdict::RightButOutdated);
        }
        let right = hash.strip_prefix(CURRENT) == Some(password.expose());
        Ok(if right { Verdict::Right } else { Verdict::Wrong })
    }
}

/// Random numbers that are none, and each different from those before.
#[derive(Debug, Default)]
pub(crate) struct FakeRandom(Mutex<u64>);

impl RandomSource for FakeRandom {
    fn fill(&self, bytes: &mut [u8]) -> StoreResult<()> {
        let mut number = lock(&self.0);
        *number += 1;
        bytes.fill(0);
        bytes.iter_mut().zip(number.to_be_bytes()).for_each(|(byte, of)| *byte = of);
        Ok(())
    }
}

/// Flush workers that run a flush at once, or queue it until [`FakeFlushWorkers::run`].
#[derive(Default)]
pub(crate) struct FakeFlushWorkers {
    pub(crate) is_queued: bool,
    queue: Mutex<VecDeque<Flush>>,
    errands: Mutex<Vec<Errand>>,
}

type Errand = Box<dyn FnOnce() + Send>;

impl FakeFlushWorkers {
    pub(crate) fn queued(is_queued: bool) -> Self {
        Self { is_queued, ..Self::default() }
    }

    /// Runs all queued flushes and returns how many they were. Flushes that they submit wait for the next call.
    pub(crate) fn run(&self) -> usize {
        let waiting = std::mem::take(&mut *lock(&self.queue));
        let count = waiting.len();
        waiting.into_iter().for_each(Flush::run);
        count
    }

    /// Runs all errands.
    pub(crate) fn run_errands(&self) {
        let errands = std::mem::take(&mut *lock(&self.errands));
        errands.into_iter().for_each(|errand| errand());
    }
}

impl FlushWorkers for FakeFlushWorkers {
    fn submit(&self, flush: Flush) {
        if self.is_queued {
            lock(&self.queue).push_back(flush);
        } else {
            flush.run();
        }
    }

    fn run_errand(&self, errand: Errand) {
        lock(&self.errands).push(errand);
    }

    fn count(&self) -> usize {
        2
    }
}

/// Keeps the reports as lines.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.0))
    }

    fn keep(&self, line: String) {
        lock(&self.0).push(line);
    }
}

impl Observer for Recorder {
    fn store_failed(&self, what: &'static str, error: &StoreError) {
        self.keep(format!("store failed {what}: {error}"));
    }

    fn session_began(&self, _connection: ConnectionId, user: &UserName, origin: &Origin) {
        self.keep(format!("began {user} from {}", origin.address));
    }

    fn session_ended(&self, _connection: ConnectionId, user: &UserName, why: Option<Bye>) {
        self.keep(format!("ended {user} {}", why.map_or("gone", Bye::as_str)));
    }

    fn audited(&self, user: &UserName, command: &AuditedCommand) {
        self.keep(format!("audited {user}: {command}"));
    }

    fn login_failed(&self, _connection: ConnectionId, user: &UserName, origin: &Origin) {
        self.keep(format!("failed {user} from {}", origin.address));
    }
}

/// An authority that knows some people.
pub(crate) struct FakeAuthority(Vec<(UserName, String, Admitted)>);

impl FakeAuthority {
    pub(crate) fn of(people: &[(&str, &str, Option<bool>, &[&str])]) -> Self {
        let person = |(user, password, operator, rooms): &(&str, &str, Option<bool>, &[&str])| {
            let rooms = rooms.iter().map(|room| room.parse().expect("it is a name")).collect();
            let admitted = Admitted { operator: *operator, rooms };
            (user.parse().expect("it is a name"), (*password).to_owned(), admitted)
        };
        Self(people.iter().map(person).collect())
    }
}

impl PasswordAuthority for FakeAuthority {
    fn judge(&self, user: &UserName, password: &Password, _address: &str) -> StoreResult<Option<Admitted>> {
        if password.expose() == "silence" {
            return Err(StoreError::new("no answer, on purpose"));
        }
        let found = self.0.iter().find(|(known, right, _)| known == user && right == password.expose());
        Ok(found.map(|(_, _, admitted)| admitted.clone()))
    }
}
