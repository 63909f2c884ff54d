//! Clients that only chat: rooms in which some members send at a steady rate. Every delivery is checked and timed. It
//! must not know what else happens to the server.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::load::{ClientPool, Pace, Pacer};
use crate::measure::delivery_checker::DeliveryChecker;
use crate::measure::histogram::Histogram;
use crate::measure::stamp::{Clock, Stamp};
use crate::progress::Progress;
use crate::servers::Target;
use crate::servers::accounts::Step;
use crate::servers::dialect::{refused, text};

/// After this time without any delivery, missing deliveries count as lost.
const PATIENCE: Duration = Duration::from_secs(20);
/// Interval between two checks whether a phase is over.
const LOOK: Duration = Duration::from_millis(20);

/// The clients that chat.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Number of rooms.
    pub(crate) rooms: usize,
    /// Members of each room, including senders.
    pub(crate) members: usize,
    /// Senders in each room.
    pub(crate) publishers: usize,
    /// Messages per second in each room.
    pub(crate) rate: f64,
    /// Bytes of each text, 40 at least.
    pub(crate) payload: usize,
}

impl Plan {
    /// Number of all clients.
    pub(crate) fn clients(&self) -> usize {
        self.rooms * self.members
    }

    fn room(&self, room: usize) -> Range<usize> {
        room * self.members..(room + 1) * self.members
    }
}

/// Delivery time of messages, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) deliveries: u64,
}

/// A chat in which all clients have entered.
pub(crate) struct Chat<'a> {
    plan: Plan,
    crowd: ClientPool<'a>,
    clock: Clock,
    run: u32,
    /// The client number of each speaker.
    speakers: Vec<usize>,
    pacer: Pacer,
    ledger: DeliveryChecker,
    latencies: Histogram,
    delivered: u64,
}

/// The name of a room.
pub(crate) fn room_name(room: usize) -> String {
    format!("chat-{room}")
}

impl<'a> Chat<'a> {
    /// Connects all clients and enters their rooms.
    pub(crate) fn enter(target: &'a Target, plan: Plan, progress: &Progress) -> Result<Self> {
        let mut crowd = ClientPool::new(target, plan.clients())?;
        for room in 0..plan.rooms {
            let clients = plan.room(room);
            let first = clients.start;
            let steps = |client| {
                let join = Step::new(format!("/join {}", room_name(room)), "OK join");
                Ok(vec![target.accounts.first(client)?, join])
            };
            crowd.admit(clients, steps, |inside| progress.tell(first + inside, plan.clients(), "clients in"))?;
        }
        let rooms: Vec<usize> = (0..plan.clients()).map(|client| client / plan.members).collect();
        let speaks = |client: &usize| client % plan.members < plan.publishers;
        let speakers: Vec<usize> = (0..plan.clients()).filter(speaks).collect();
        let seats: Vec<_> = speakers.iter().map(|&client| (client, client / plan.members)).collect();
        let (run, clock) = (target.accounts.run(), Clock::start());
        let hearers = vec![plan.members - 1; speakers.len()];
        let pacer = Pacer::new(Pace::Rate(plan.rate), &hearers, plan.publishers, clock.now());
        let ledger = DeliveryChecker::new(run, &rooms, &seats);
        let latencies = Histogram::default();
        Ok(Self { plan, crowd, clock, run, speakers, pacer, ledger, latencies, delivered: 0 })
    }

    /// Lets the clients chat until `is_over` returns true. It is called regularly.
    pub(crate) fn go_on(&mut self, mut is_over: impl FnMut(Duration) -> Result<bool>) -> Result<Latency> {
        self.latencies = Histogram::default();
        self.delivered = 0;
        let begin = Instant::now();
        while !is_over(begin.elapsed())? {
            self.speak()?;
            let idle = self.pacer.idle(self.clock.now()).unwrap_or(LOOK);
            self.hear(idle.min(LOOK))?;
        }
        ensure!(self.delivered > 0, "nothing was delivered");
        let percentile = |percent| self.latencies.percentile(percent).unwrap_or(f64::NAN);
        Ok(Latency { p50_ms: percentile(50.0), p99_ms: percentile(99.0), deliveries: self.delivered })
    }

    /// Lets the clients chat for `time`.
    pub(crate) fn go_on_for(&mut self, time: Duration) -> Result<Latency> {
        self.go_on(|elapsed| Ok(elapsed >= time))
    }

    /// Waits until every sent message is received. Fails if a delivery was lost, doubled or reordered.
    pub(crate) fn close(mut self) -> Result<()> {
        let mut last = (Instant::now(), self.pacer.on_the_way());
        while self.pacer.on_the_way() > 0 && last.0.elapsed() < PATIENCE {
            self.hear(LOOK)?;
            if self.pacer.on_the_way() != last.1 {
                last = (Instant::now(), self.pacer.on_the_way());
            }
        }
        let faults = self.ledger.close(&self.pacer.sent());
        ensure!(faults.total() == 0, "deliveries went wrong: {faults}");
        Ok(())
    }

    fn speak(&mut self) -> Result<()> {
        let mut line = Vec::new();
        while let Some((speaker, number)) = self.pacer.next(self.clock.now()) {
            line.clear();
            Stamp { run: self.run, speaker: speaker as u32, number, time: self.clock.now() }
                .write(self.plan.payload, &mut line);
            line.push(b'\n');
            let client = self.speakers[speaker];
            self.crowd.say(client, &line)?;
            self.crowd.flush(client)?;
        }
        Ok(())
    }

    fn hear(&mut self, timeout: Duration) -> Result<()> {
        let Self { crowd, clock, ledger, pacer, latencies, delivered, .. } = self;
        let news = crowd.turn(Some(timeout), &mut |client, line| {
            // Lines without a stamp come from other clients and are ignored, except refusals.
            let Some(stamp) = text(line).and_then(Stamp::read) else { return refused(line) };
            if ledger.hear(client, Some(stamp)) {
                latencies.record(clock.now().saturating_sub(stamp.time));
                pacer.heard(stamp.speaker as usize, stamp.number);
                *delivered += 1;
            }
            Ok(())
        })?;
        ensure!(news.gone.is_empty(), "the server closed the connection of somebody who only chats");
        Ok(())
    }
}
