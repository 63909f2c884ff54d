//! Hashes passwords on a few threads of low priority, so that many logins cannot starve the chat. It must not know
//! accounts, nor keep a password longer than its hash takes.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use parlor_core::ports::{PasswordHash, Passwords, StoreError, StoreResult, Verdict};
use parlor_proto::Password;

/// Maximum number of waiting requests. If the queue is full, a caller blocks.
const QUEUE: usize = 256;

/// Added to the nice value of the hashing threads (see nice(2)): they run below the rest of the process.
const NICENESS: i32 = 10;

/// Stack of a hashing thread, in bytes.
const STACK_BYTES: usize = 256 * 1024;

/// Password whose hash is compared for unknown users, so that they take the same time as known ones. It lets nobody in:
/// the verdict on its hash is ignored.
const DUMMY_PASSWORD: &str = "the password of nobody";

/// Maximum cost of a wrong password, above the cost that is set: 2 means four times the time. A still more expensive
/// hash must not make every login wait for it.
const MAX_CEILING: u32 = 2;

/// A pool that hashes with bcrypt.
#[derive(Debug)]
pub(crate) struct HashingPool {
    jobs: Sender<Job>,
}

struct Job {
    work: Work,
    reply: SyncSender<StoreResult<HashResult>>,
}

enum Work {
    Hash(Password),
    Verify(Password, Option<PasswordHash>),
}

enum HashResult {
    Hash(PasswordHash),
    Verdict(Verdict),
}

impl HashingPool {
    /// Starts one thread fewer than there are processors, at least one. Hashes are made at `cost`.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(cost: u32) -> io::Result<Self> {
        let (jobs, queue) = bounded(QUEUE);
        let bcrypt = Arc::new(Bcrypt::new(cost));
        let threads = thread::available_parallelism().map_or(1, |count| count.get().saturating_sub(1).max(1));
        for number in 0..threads {
            let (queue, bcrypt) = (queue.clone(), bcrypt.clone());
            let builder = thread::Builder::new().name(format!("hash-{number}")).stack_size(STACK_BYTES);
            builder.spawn(move || serve(&queue, &bcrypt))?;
        }
        Ok(Self { jobs })
    }

    /// Number of passwords that wait for a thread.
    pub(crate) fn waiting(&self) -> usize {
        self.jobs.len()
    }

    fn ask(&self, work: Work) -> StoreResult<HashResult> {
        let stopped = |_| StoreError::new("the hashing threads have stopped");
        let (reply, answer) = sync_channel(1);
        self.jobs.send(Job { work, reply }).map_err(|_| stopped(()))?;
        answer.recv().map_err(|_| stopped(()))?
    }
}

impl Passwords for HashingPool {
    fn hash(&self, password: &Password) -> StoreResult<PasswordHash> {
        match self.ask(Work::Hash(password.clone()))? {
            HashResult::Hash(hash) => Ok(hash),
            HashResult::Verdict(_) => Err(StoreError::new("asked for a hash, got a verdict")),
        }
    }

    fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> StoreResult<Verdict> {
        match self.ask(Work::Verify(password.clone(), hash.cloned()))? {
            HashResult::Verdict(verdict) => Ok(verdict),
            HashResult::Hash(_) => Err(StoreError::new("asked for a verdict, got a hash")),
        }
    }
}

fn serve(queue: &Receiver<Job>, bcrypt: &Bcrypt) {
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::warn!("cannot lower the priority of hashing: {error}");
    }
    bcrypt.dummy_hash();
    for Job { work, reply } in queue {
        let outcome = match work {
            Work::Hash(password) => bcrypt.hash(&password).map(HashResult::Hash),
            Work::Verify(password, hash) => bcrypt.verify(&password, hash.as_ref()).map(HashResult::Verdict),
        };
        // The caller may be gone; then nobody needs the result.
        let _ = reply.send(outcome);
    }
}

struct Bcrypt {
    cost: u32,
    dummy_hash: OnceLock<StoreResult<PasswordHash>>,
    /// Cost whose time every wrong password takes: the cost of the most expensive hash so far.
    ceiling: AtomicU32,
}

impl Bcrypt {
    fn new(cost: u32) -> Self {
        Self { cost, dummy_hash: OnceLock::new(), ceiling: AtomicU32::new(cost) }
    }

    fn hash(&self, password: &Password) -> StoreResult<PasswordHash> {
        hash(password.expose(), self.cost)
    }

    fn verify(&self, password: &Password, known: Option<&PasswordHash>) -> StoreResult<Verdict> {
        let dummy_hash = self.dummy_hash().as_ref().map_err(StoreError::clone)?;
        let against = known.unwrap_or(dummy_hash);
        let is_right = bcrypt::verify(password.expose(), against.expose()).map_err(StoreError::new)?;
        let cost = cost_of(against).unwrap_or(self.cost);
        match (known, is_right) {
            (Some(_), true) if cost == self.cost => Ok(Verdict::Right),
            (Some(_), true) => Ok(Verdict::RightButOutdated),
            _ => self.pad(cost).map(|()| Verdict::Wrong),
        }
    }

    /// Hashes on until a wrong password has taken the same time as any other, whatever its account's hash costs.
    /// Otherwise the time would reveal which accounts exist.
    fn pad(&self, spent: u32) -> StoreResult<()> {
        let met = spent.min(self.cost + MAX_CEILING);
        let ceiling = self.ceiling.fetch_max(met, Ordering::Relaxed).max(met);
        padding(spent, ceiling).try_for_each(|cost| hash(DUMMY_PASSWORD, cost).map(drop))
    }

    fn dummy_hash(&self) -> &StoreResult<PasswordHash> {
        self.dummy_hash.get_or_init(|| hash(DUMMY_PASSWORD, self.cost))
    }
}

/// Returns the costs of the hashes to make after one at cost `spent`, so that all together do the work of one at
/// `ceiling`: each doubles the work done before.
fn padding(spent: u32, ceiling: u32) -> Range<u32> {
    spent..ceiling
}

/// Returns a bcrypt hash. A [`Password`] has at most the 72 bytes that bcrypt reads, so nothing is cut.
fn hash(password: &str, cost: u32) -> StoreResult<PasswordHash> {
    bcrypt::hash(password, cost).map(PasswordHash::new).map_err(StoreError::new)
}

/// Hashes one password on the calling thread, for commands that have no pool.
///
/// # Errors
/// The system gives no random numbers for the salt.
pub(crate) fn hash_once(password: &Password, cost: u32) -> StoreResult<PasswordHash> {
    hash(password.expose(), cost)
}

/// Returns the cost in a hash: the second field of `$2b$12$…`.
fn cost_of(hash: &PasswordHash) -> Option<u32> {
    hash.expose().split('$').nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text).unwrap()
    }

    #[test]
    fn right_wrong_and_unknown() {
        let pool = HashingPool::start(4).unwrap();
        let hash = pool.hash(&password("secret")).unwrap();
        assert!(hash.expose().starts_with("$2b$04$"));
        assert_eq!(pool.verify(&password("secret"), Some(&hash)), Ok(Verdict::Right));
        assert_eq!(pool.verify(&password("Secret"), Some(&hash)), Ok(Verdict::Wrong));
        assert_eq!(pool.verify(&password("secret"), None), Ok(Verdict::Wrong));
        assert_eq!(pool.verify(&password(DUMMY_PASSWORD), None), Ok(Verdict::Wrong));
    }

    #[test]
    fn a_hash_of_another_cost_is_outdated() {
        let hash = hash("secret", 5).unwrap();
        let pool = HashingPool::start(4).unwrap();
        assert_eq!(pool.verify(&password("secret"), Some(&hash)), Ok(Verdict::RightButOutdated));
    }

    #[test]
    fn padding_makes_up_for_what_is_missing() {
        for (spent, ceiling) in [(4, 12), (10, 12), (12, 12), (14, 12)] {
            let work: u64 = padding(spent, ceiling).map(|cost| 1 << cost).sum();
            assert_eq!((1 << spent) + work, 1_u64 << spent.max(ceiling));
        }
    }

    /// Returns the processor time of this thread that the check of a wrong password takes, in seconds.
    fn work(bcrypt: &Bcrypt, hash: Option<&PasswordHash>) -> f64 {
        let now = || {
            let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
        };
        let before = now();
        assert_eq!(bcrypt.verify(&password("wrong"), hash), Ok(Verdict::Wrong));
        now() - before
    }

    /// The cost shows in the time even if the processor's speed varies: each step doubles the work.
    #[test]
    fn a_wrong_password_takes_the_same_work_whatever_its_hash_costs() {
        let set = 9;
        let bcrypt = Bcrypt::new(set);
        assert!(bcrypt.dummy_hash().is_ok());
        let work_of_set = work(&bcrypt, None);
        for cost in [set - 5, set - 4] {
            let hash = hash("secret", cost).unwrap();
            let ratio = work(&bcrypt, Some(&hash)) / work_of_set;
            assert!((0.25..4.0).contains(&ratio), "{ratio} at cost {cost}");
        }
        let expensive = hash("secret", set + 3).unwrap();
        work(&bcrypt, Some(&expensive));
        assert_eq!(bcrypt.ceiling.load(Ordering::Relaxed), set + MAX_CEILING);
        let ratio = work(&bcrypt, None) / work_of_set;
        assert!(ratio > 1.5, "{ratio} after an expensive hash was verified");
    }

    #[test]
    fn all_72_bytes_count() {
        let pool = HashingPool::start(4).unwrap();
        let long = "x".repeat(71);
        let hash = pool.hash(&password(&format!("{long}a"))).unwrap();
        assert_eq!(pool.verify(&password(&format!("{long}a")), Some(&hash)), Ok(Verdict::Right));
        assert_eq!(pool.verify(&password(&format!("{long}b")), Some(&hash)), Ok(Verdict::Wrong));
        assert_eq!(pool.verify(&password(&long), Some(&hash)), Ok(Verdict::Wrong));
    }
}
