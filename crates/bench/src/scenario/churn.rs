//! Clients that connect, log in, enter a room and leave, over and over: what one such cycle costs the server. The
//! password hash is expensive on purpose. The server computes it on separate threads, whose time is subtracted. It must
//! not register accounts while it counts.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::{Figures, Times, figures};
use crate::load::{ClientPool, PATIENCE};
use crate::measure::cpu;
use crate::progress::Progress;
use crate::servers::Target;
use crate::servers::accounts::Step;

/// Name prefix of the server threads that only compute hashes.
pub(crate) const HASHING: &str = "hash-";

/// The number of clients that come and go.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Churn {
    /// Clients at the same time.
    pub(crate) clients: usize,
}

/// Runs the scenario.
pub(crate) fn run(churn: &Churn, target: &Target, times: Times, progress: &Progress) -> Result<Figures> {
    let mut crowd = ClientPool::new(target, churn.clients)?;
    let mut cycles = Cycles { target, crowd: &mut crowd, ended: 0, known: HashSet::new(), last: Instant::now() };
    (0..churn.clients).try_for_each(|client| cycles.begin(client))?;
    cycles.go_on(times.warmup.max(Duration::from_millis(100)), progress)?;
    // From now on, every client has an account.
    while cycles.known.len() < churn.clients {
        cycles.go_on(Duration::from_millis(100), progress)?;
    }
    cycles.ended = 0;
    let (begin, spent) = (Instant::now(), spent(target)?);
    cycles.go_on(times.time, progress)?;
    let (elapsed, used) = (begin.elapsed().as_secs_f64(), self::spent(target)?);
    let ended = cycles.ended as f64;
    ensure!(ended > 0.0, "nobody came and left");
    let [each, hash] = [0, 1].map(|at| (used[at] - spent[at]) * 1e6 / ended);
    Ok(figures([
        ("server_cpu_us_per_cycle", each),
        ("hash_cpu_us", hash),
        ("server_cpu_us_per_cycle_without_hash", each - hash),
        ("cycles_per_second", ended / elapsed),
        ("cycles", ended),
    ]))
}

/// Processor time so far, in seconds: of all threads, and of the hash threads.
fn spent(target: &Target) -> Result<[f64; 2]> {
    let Some(pid) = target.pid else { return Ok([f64::NAN; 2]) };
    Ok([cpu::seconds(pid)?, cpu::of_threads(pid, HASHING)?])
}

struct Cycles<'a, 'b> {
    target: &'a Target,
    crowd: &'b mut ClientPool<'a>,
    ended: u64,
    /// Clients that have an account.
    known: HashSet<usize>,
    last: Instant,
}

impl Cycles<'_, '_> {
    fn begin(&mut self, client: usize) -> Result<()> {
        let accounts = &self.target.accounts;
        let first = match self.known.contains(&client) {
            true => accounts.again(client),
            false => accounts.first(client)?,
        };
        self.crowd.connect(client, [first, Step::new("/join bench", "OK join"), Step::new("/quit", "BYE quit")])
    }

    fn go_on(&mut self, time: Duration, progress: &Progress) -> Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < time {
            progress.tell(begin.elapsed().as_millis() as usize, time.as_millis() as usize, "ms");
            let news = self.crowd.turn(Some(Duration::from_millis(20)), &mut |_, _| Ok(()))?;
            for client in news.gone {
                self.known.insert(client);
                self.ended += 1;
                self.last = Instant::now();
                self.begin(client)?;
            }
            ensure!(self.last.elapsed() < PATIENCE, "nobody comes in any more");
        }
        Ok(())
    }
}
