//! Clients that come, log in, enter a room and leave, over and over: what one such cycle costs the server. The password
//! hash, which is made expensive on purpose, is measured beside it and subtracted. It must not register anybody while it
//! counts.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::{Figures, Times, figures};
use crate::load::{Crowd, PATIENCE};
use crate::measure::cpu;
use crate::progress::Progress;
use crate::servers::Target;
use crate::servers::accounts::Step;

/// How often one hash is measured.
const HASHES: u32 = 200;

/// How many come and go.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Churn {
    /// At the same time.
    pub(crate) clients: usize,
}

/// Runs it.
pub(crate) fn run(churn: &Churn, target: &Target, times: Times, progress: &Progress) -> Result<Figures> {
    let mut crowd = Crowd::new(target, churn.clients)?;
    let mut cycles = Cycles { target, crowd: &mut crowd, ended: 0, known: HashSet::new(), last: Instant::now() };
    (0..churn.clients).try_for_each(|client| cycles.begin(client))?;
    cycles.go_on(times.warmup.max(Duration::from_millis(100)), progress)?;
    // Everybody has an account from now on.
    while cycles.known.len() < churn.clients {
        cycles.go_on(Duration::from_millis(100), progress)?;
    }
    cycles.ended = 0;
    let (begin, spent) = (Instant::now(), target.pid.map(cpu::seconds).transpose()?);
    cycles.go_on(times.time, progress)?;
    let (elapsed, used) = (begin.elapsed().as_secs_f64(), target.pid.map(cpu::seconds).transpose()?);
    let ended = cycles.ended as f64;
    ensure!(ended > 0.0, "nobody came and left");
    let each = used.zip(spent).map_or(f64::NAN, |(after, before)| (after - before) * 1e6 / ended);
    let hash = target.bcrypt_cost.map_or(Ok(0.0), hash)?;
    Ok(figures([
        ("server_cpu_us_per_cycle", each),
        ("hash_cpu_us", hash),
        ("server_cpu_us_per_cycle_without_hash", each - hash),
        ("cycles_per_second", ended / elapsed),
        ("cycles", ended),
    ]))
}

/// Processor time of one comparison with a hash, in microseconds: the least, since nothing makes it cheaper, while what
/// else runs on the machine makes some dearer.
fn hash(cost: u32) -> Result<f64> {
    let known = bcrypt::hash("0123456789abcdef", cost)?;
    let mut least = f64::MAX;
    for _ in 0..HASHES {
        let before = cpu::of_this_thread()?;
        ensure!(bcrypt::verify("0123456789abcdef", &known)?, "the hash is another");
        least = least.min(cpu::of_this_thread()? - before);
    }
    Ok(least * 1e6)
}

struct Cycles<'a, 'b> {
    target: &'a Target,
    crowd: &'b mut Crowd<'a>,
    ended: u64,
    /// Who has an account.
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
