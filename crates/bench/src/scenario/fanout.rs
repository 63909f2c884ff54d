//! Messages in rooms, or publications: what a delivery costs the server, how long it takes, and whether each arrives
//! once and in order. It must not wait for one member while others have data to receive.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::{Figures, Times, figures};
use crate::load::{ClientPool, Pace, Pacer};
use crate::measure::cpu;
use crate::measure::delivery_checker::DeliveryChecker;
use crate::measure::histogram::Histogram;
use crate::measure::stamp::{Clock, Stamp};
use crate::progress::Progress;
use crate::servers::Target;
use crate::servers::accounts::Step;
use crate::servers::dialect::{refused, text};

/// After this time without any delivery, missing deliveries count as lost.
const PATIENCE: Duration = Duration::from_secs(10);
/// Interval between two checks whether a phase is over.
const LOOK: Duration = Duration::from_millis(20);

/// Who sends what to whom.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fanout {
    /// Room or publication.
    pub(crate) way: Way,
    /// Number of rooms. For publications: number of groups of followers.
    pub(crate) rooms: usize,
    /// Members of each room, including senders. For publications: followers, without the publishers.
    pub(crate) members: usize,
    /// Senders in each room, or publishers for each group.
    pub(crate) publishers: usize,
    /// When they send.
    pub(crate) pace: Pace,
    /// Bytes of each text.
    pub(crate) payload: usize,
}

/// How a message reaches its recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Way {
    /// To the members of a room.
    Room,
    /// To followers.
    Publication,
}

impl Fanout {
    /// Number of all clients.
    pub(crate) fn clients(&self) -> usize {
        self.rooms * self.size()
    }

    /// Number of clients of one room.
    fn size(&self) -> usize {
        self.members + if self.way == Way::Publication { self.publishers } else { 0 }
    }

    /// Number of recipients of one message.
    fn hearers(&self) -> usize {
        if self.way == Way::Publication { self.members } else { self.members - 1 }
    }

    /// Whether the client sends. The first clients of each room do.
    fn speaks(&self, client: usize) -> bool {
        client % self.size() < self.publishers
    }

    /// The room whose messages a client receives. A publisher receives none.
    fn room(&self, client: usize) -> usize {
        let room = client / self.size();
        if self.way == Way::Publication && self.speaks(client) { self.rooms + room } else { room }
    }

    /// How a client enters.
    fn steps(&self, target: &Target, client: usize) -> Result<Vec<Step>> {
        let mut steps = vec![target.accounts.first(client)?];
        let room = client / self.size();
        match self.way {
            Way::Room => steps.push(Step::new(format!("/join bench-{room}"), "OK join")),
            Way::Publication if !self.speaks(client) => {
                let publishers = (0..self.publishers).map(|rank| target.accounts.name(room * self.size() + rank));
                steps.extend(publishers.map(|name| Step::new(format!("/subscribe {name}"), "OK subscribe")));
            }
            Way::Publication => {}
        }
        Ok(steps)
    }
}

/// Runs the scenario.
pub(crate) fn run(talk: &Fanout, target: &Target, times: Times, progress: &Progress) -> Result<Figures> {
    let mut crowd = ClientPool::new(target, talk.clients())?;
    let begin = Instant::now();
    for room in 0..talk.rooms {
        let clients = room * talk.size()..(room + 1) * talk.size();
        let tell = |inside| progress.tell(clients.start + inside, talk.clients(), "clients in");
        // A client can only follow a publisher that is already there.
        let publishers = clients.start..clients.start + talk.publishers;
        crowd.admit(publishers.clone(), |client| talk.steps(target, client), |_| {})?;
        crowd.admit(publishers.end..clients.end, |client| talk.steps(target, client), tell)?;
    }
    let entered = begin.elapsed();
    let mut meeting = FanoutRun::new(talk, target, crowd);
    meeting.go_on(Some(Duration::from_millis(500)), progress)?;
    meeting.pacer =
        Pacer::new(talk.pace, &vec![talk.hearers(); meeting.speakers.len()], talk.publishers, meeting.clock.now());
    meeting.go_on(Some(times.warmup), progress)?;
    meeting.begin_to_count();
    let spent = Spent::now(target)?;
    let begin = Instant::now();
    meeting.go_on(Some(times.time), progress)?;
    let (elapsed, used) = (begin.elapsed().as_secs_f64(), Spent::now(target)?);
    let deliveries = meeting.delivered as f64;
    let histogram = std::mem::take(&mut meeting.latencies);
    meeting.is_over = true;
    meeting.go_on(None, progress)?;
    let faults = meeting.ledger.close(&meeting.pacer.sent());
    ensure!(faults.total() == 0, "deliveries went wrong: {faults}");
    ensure!(deliveries > 0.0, "nothing was delivered");
    Ok(figures([
        ("server_cpu_us_per_delivery", (used.server - spent.server) * 1e6 / deliveries),
        ("tool_cpu_us_per_delivery", (used.tool - spent.tool) * 1e6 / deliveries),
        ("tool_cores", (used.tool - spent.tool) / elapsed),
        ("deliveries", deliveries),
        ("deliveries_per_second", deliveries / elapsed),
        ("latency_p50_ms", histogram.percentile(50.0).unwrap_or(f64::NAN)),
        ("latency_p99_ms", histogram.percentile(99.0).unwrap_or(f64::NAN)),
        ("entered_seconds", entered.as_secs_f64()),
    ]))
}

/// Processor time so far, in seconds.
struct Spent {
    server: f64,
    tool: f64,
}

impl Spent {
    fn now(target: &Target) -> Result<Self> {
        let server = target.pid.map(cpu::seconds).transpose()?.unwrap_or(f64::NAN);
        Ok(Self { server, tool: cpu::seconds(std::process::id())? })
    }
}

/// A run in which all clients have entered.
struct FanoutRun<'a> {
    talk: &'a Fanout,
    crowd: ClientPool<'a>,
    clock: Clock,
    run: u32,
    /// The client number of each speaker.
    speakers: Vec<usize>,
    pacer: Pacer,
    ledger: DeliveryChecker,
    latencies: Histogram,
    delivered: u64,
    is_over: bool,
}

impl<'a> FanoutRun<'a> {
    fn new(talk: &'a Fanout, target: &Target, crowd: ClientPool<'a>) -> Self {
        let clients = 0..talk.clients();
        let speakers: Vec<usize> = clients.clone().filter(|&client| talk.speaks(client)).collect();
        let rooms: Vec<usize> = clients.map(|client| talk.room(client)).collect();
        let seats: Vec<_> = speakers.iter().map(|&client| (client, client / talk.size())).collect();
        let run = target.accounts.run();
        Self {
            talk,
            crowd,
            clock: Clock::start(),
            run,
            pacer: Pacer::new(talk.pace, &[], 1, 0),
            ledger: DeliveryChecker::new(run, &rooms, &seats),
            speakers,
            latencies: Histogram::default(),
            delivered: 0,
            is_over: false,
        }
    }

    /// Starts the counting phase.
    fn begin_to_count(&mut self) {
        self.latencies = Histogram::default();
        self.delivered = 0;
    }

    /// Sends and receives for `time`. If `time` is `None`, continues until every sent message is received.
    fn go_on(&mut self, time: Option<Duration>, progress: &Progress) -> Result<()> {
        let begin = Instant::now();
        let mut last = (begin, self.pacer.on_the_way());
        let mut dirty = Vec::new();
        loop {
            let elapsed = begin.elapsed();
            if time.is_some_and(|time| elapsed >= time) || time.is_none() && self.pacer.on_the_way() == 0 {
                return Ok(());
            }
            if self.pacer.on_the_way() != last.1 {
                last = (Instant::now(), self.pacer.on_the_way());
            } else if time.is_none() && last.0.elapsed() > PATIENCE {
                return Ok(());
            }
            progress.tell(elapsed.as_millis() as usize, time.unwrap_or(elapsed).as_millis() as usize, "ms");
            if !self.is_over {
                self.speak(&mut dirty)?;
            }
            let idle = self.pacer.idle(self.clock.now()).filter(|_| !self.is_over).unwrap_or(LOOK);
            self.hear(idle.min(LOOK))?;
        }
    }

    fn speak(&mut self, dirty: &mut Vec<usize>) -> Result<()> {
        let mut line = Vec::new();
        while let Some((speaker, number)) = self.pacer.next(self.clock.now()) {
            line.clear();
            if self.talk.way == Way::Publication {
                line.extend_from_slice(b"/publish ");
            }
            let stamp = Stamp { run: self.run, speaker: speaker as u32, number, time: self.clock.now() };
            stamp.write(self.talk.payload, &mut line);
            line.push(b'\n');
            let client = self.speakers[speaker];
            self.crowd.say(client, &line)?;
            if dirty.last() != Some(&client) {
                dirty.push(client);
            }
        }
        dirty.drain(..).try_for_each(|client| self.crowd.flush(client))
    }

    fn hear(&mut self, timeout: Duration) -> Result<()> {
        let Self { crowd, clock, ledger, pacer, latencies, delivered, .. } = self;
        let news = crowd.turn(Some(timeout), &mut |client, line| {
            let Some(text) = text(line) else { return refused(line) };
            let stamp = Stamp::read(text);
            if ledger.hear(client, stamp)
                && let Some(stamp) = stamp
            {
                latencies.record(clock.now().saturating_sub(stamp.time));
                pacer.heard(stamp.speaker as usize, stamp.number);
                *delivered += 1;
            }
            Ok(())
        })?;
        ensure!(news.gone.is_empty(), "the server closed a connection");
        Ok(())
    }
}
