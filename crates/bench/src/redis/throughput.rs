//! How many messages two servers accept if many clients send as fast as they can. It must not trust the servers: it
//! counts every message at its recipient, and in Redis.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use super::resp::Redis;
use crate::measure::cpu;
use crate::servers::parlor::{Client, Server};

/// Batches of a client in flight.
const WINDOW: usize = 2;

/// What the clients do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Number of clients that send on each of the two servers. Each is in its own room.
    pub(crate) senders: usize,
    /// Whether each room has a recipient on the other server.
    pub(crate) is_heard: bool,
    /// Messages per batch.
    pub(crate) batch: usize,
    /// Length of each message, in bytes.
    pub(crate) bytes: usize,
    /// Length of the measurement.
    pub(crate) time: Duration,
}

/// The result.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rate {
    /// Messages per second.
    pub(crate) per_second: f64,
    /// Processor time per message, in microseconds: of the servers, of Redis, and of this program.
    pub(crate) cpu: [f64; 3],
}

/// The processes whose processor time is measured.
#[derive(Debug, Clone)]
pub(crate) struct Spenders([Vec<u32>; 3]);

impl Spenders {
    /// The servers, Redis, and this program.
    pub(crate) fn new(servers: &[u32], redis: u32) -> Self {
        Self([servers.to_vec(), vec![redis], vec![std::process::id()]])
    }

    /// Measures the rate of a message counter for the given time.
    pub(crate) fn watch(&self, count: &AtomicU64, time: Duration) -> Result<Rate> {
        let (count_before, cpu_before, begin) = (count.load(Ordering::Relaxed), self.spent()?, Instant::now());
        thread::sleep(time);
        let messages = (count.load(Ordering::Relaxed) - count_before) as f64;
        let (cpu_after, elapsed) = (self.spent()?, begin.elapsed());
        let cpu = std::array::from_fn(|at| (cpu_after[at] - cpu_before[at]) * 1e6 / messages);
        Ok(Rate { per_second: messages / elapsed.as_secs_f64(), cpu })
    }

    fn spent(&self) -> Result<[f64; 3]> {
        let [servers, redis, this] = &self.0;
        Ok([cpu::total(servers)?, cpu::total(redis)?, cpu::total(this)?])
    }
}

/// A sender in a room, and a recipient if the load has one.
struct Pair {
    room: String,
    sender: Client,
    listener: Option<Client>,
}

/// Measures two servers. `run` makes the names of users and rooms unique.
pub(crate) fn measure(servers: &[Server; 2], redis: &mut Redis, redis_pid: u32, load: Load, run: &str) -> Result<Rate> {
    let mut pairs = pairs(servers, load, run)?;
    let spenders = Spenders::new(&[servers[0].pid(), servers[1].pid()], redis_pid);
    let (accepted, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let rate = thread::scope(|scope| {
        let mut threads = Vec::new();
        for Pair { sender, listener, .. } in &mut pairs {
            threads.push(scope.spawn(|| send(sender, load, &accepted, &is_over)));
            if let Some(listener) = listener {
                threads.push(scope.spawn(|| listen(listener)));
            }
        }
        thread::sleep(Duration::from_secs(1));
        let rate = spenders.watch(&accepted, load.time);
        is_over.store(true, Ordering::Relaxed);
        let ends: Result<Vec<u64>> = threads.into_iter().map(|it| it.join().map_err(|_| anyhow!("panic"))?).collect();
        ends.and_then(|ends| rate.map(|rate| (rate, ends)))
    });
    let (rate, mut ends) = rate?;
    for Pair { room, listener, .. } in pairs {
        let sent = ends.remove(0);
        ensure!(listener.is_none() || ends.remove(0) == sent, "{room}: not all was heard");
        let top = redis.call(&["HGET", &format!("parlor:log-meta:{{{room}}}"), "top"])?;
        ensure!(top.text()? == sent.to_string(), "{room}: {sent} were sent, {top:?} were stored");
    }
    Ok(rate)
}

fn pairs(servers: &[Server; 2], load: Load, run: &str) -> Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    for at in 0..2 * load.senders {
        let room = format!("{run}-{at}");
        let listener = load.is_heard.then(|| servers[(at + 1) % 2].member(&format!("{room}-b"), &room)).transpose()?;
        let sender = servers[at % 2].member(&format!("{room}-a"), &room)?;
        pairs.push(Pair { room, sender, listener });
    }
    Ok(pairs)
}

/// Sends until `is_over` is set. Returns the number of accepted messages. The answer to a ping shows that all messages
/// before it were accepted.
fn send(client: &mut Client, load: Load, accepted: &AtomicU64, is_over: &AtomicBool) -> Result<u64> {
    let mut sent = 0;
    let mut on_the_way = 0;
    let mut lines = String::new();
    loop {
        let ends = is_over.load(Ordering::Relaxed);
        lines.clear();
        for _ in 0..if ends { 1 } else { load.batch } {
            sent += 1;
            let word = if ends { "last" } else { "more" };
            let begin = lines.len();
            write!(lines, "{sent} {word} ")?;
            lines.extend(std::iter::repeat_n('x', (begin + load.bytes).saturating_sub(lines.len())));
            lines.push('\n');
        }
        lines.push_str("/ping\n");
        client.send(&lines)?;
        on_the_way += 1;
        while on_the_way >= if ends { 1 } else { WINDOW } {
            client.until("PONG")?;
            on_the_way -= 1;
            accepted.fetch_add(load.batch as u64, Ordering::Relaxed);
        }
        if ends {
            return Ok(sent);
        }
    }
}

/// Receives every message up to the last one. Returns the number of messages.
fn listen(client: &mut Client) -> Result<u64> {
    for expected in 1.. {
        let text = client.message()?;
        let mut words = text.split(' ');
        let number: u64 = words.next().unwrap_or_default().parse()?;
        ensure!(number == expected, "heard {number} instead of {expected}");
        if words.next() == Some("last") {
            return Ok(number);
        }
    }
    Ok(0)
}
