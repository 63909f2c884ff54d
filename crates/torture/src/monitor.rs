//! Watches the servers of a run from outside while it lasts: what they take of the machine, whether they are found
//! healthy, and whether one has died. It must not judge what it sees.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crate::deployment::Deployment;
use crate::record::{Moment, Probe, Rest, Sample, Usage};
use parlor_process_testkit::Failure;

/// How often the machine is asked.
const SAMPLED_EVERY: Duration = Duration::from_millis(500);
/// Oversleeping by this much means that the process was starved.
const STALLED: Duration = Duration::from_secs(1);
/// How often a health check is made of each server.
const PROBED_EVERY: Duration = Duration::from_secs(2);
/// How long a server may take to let go of what its clients took.
const AT_REST_WITHIN: Duration = Duration::from_secs(15);

/// Health checks, as an operator makes them.
#[derive(Debug, Clone)]
pub(crate) struct Prober {
    /// The program `parlor`.
    pub(crate) program: PathBuf,
    /// Host and port of each server, and the file with its authority.
    pub(crate) targets: Vec<(String, PathBuf)>,
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) samples: Vec<Sample>,
    pub(crate) probes: Vec<Probe>,
    pub(crate) deaths: Vec<(Moment, String)>,
    /// When this program had no time of the machine.
    pub(crate) stalls: Vec<(Moment, Moment)>,
}

/// Watches until it is told to stop.
pub(crate) struct Monitor<'scope> {
    sampler: ScopedJoinHandle<'scope, Result<Seen, Failure>>,
    probers: Vec<ScopedJoinHandle<'scope, Vec<Probe>>>,
}

impl<'scope> Monitor<'scope> {
    pub(crate) fn begin<'env>(
        scope: &'scope Scope<'scope, 'env>,
        world: &'env Deployment,
        prober: &'env Prober,
        began: Instant,
        stop: &'env AtomicBool,
    ) -> Self {
        let sampler = scope.spawn(move || sample(world, began, stop));
        let servers = 0..prober.targets.len();
        let probers = servers.map(|server| scope.spawn(move || prober.probe(server, began, stop))).collect();
        Self { sampler, probers }
    }

    /// What was seen until it was told to stop.
    ///
    /// # Errors
    /// If a server that had died could not be started again.
    pub(crate) fn end(self) -> Result<Seen, Failure> {
        let panicked = |_| Failure::new("the thread that watches the servers panicked");
        let mut seen = self.sampler.join().map_err(panicked)??;
        for prober in self.probers {
            seen.probes.extend(prober.join().map_err(panicked)?);
        }
        seen.probes.sort_by_key(|probe| probe.asked);
        Ok(seen)
    }
}

fn sample(world: &Deployment, began: Instant, stop: &AtomicBool) -> Result<Seen, Failure> {
    let mut seen = Seen::default();
    while !stop.load(Ordering::Relaxed) {
        seen.samples.extend(world.sample(began));
        seen.deaths.extend(world.deaths(began.elapsed())?);
        let before = began.elapsed();
        thread::sleep(SAMPLED_EVERY);
        if began.elapsed() > before + SAMPLED_EVERY + STALLED {
            seen.stalls.push((before, began.elapsed()));
        }
    }
    Ok(seen)
}

impl Prober {
    fn probe(&self, server: usize, began: Instant, stop: &AtomicBool) -> Vec<Probe> {
        let mut probes = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let asked = began.elapsed();
            let healthy = self.check(&self.targets[server]);
            probes.push(Probe { server, asked, answered: began.elapsed(), healthy });
            let next = asked + PROBED_EVERY;
            while began.elapsed() < next && !stop.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(50));
            }
        }
        probes
    }

    /// `parlor check`; that it cannot be run is as little a sign of health as what it says.
    fn check(&self, (address, ca): &(String, PathBuf)) -> bool {
        let mut command = Command::new(&self.program);
        command.arg("check").arg(address).arg("--ca").arg(ca);
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    }
}

/// Waits until the servers have let go of what their clients took, for a while; says what they take then.
pub(crate) fn at_rest(world: &Deployment, began: Instant, is_rest: impl Fn(&Rest) -> bool) -> Vec<Rest> {
    let idle: BTreeMap<usize, Usage> = world.idle();
    let deadline = Instant::now() + AT_REST_WITHIN;
    loop {
        let samples = world.sample(began).into_iter();
        let rest = |sample: Sample| {
            let Sample { server, usage: after, .. } = sample;
            Some(Rest { server, before: *idle.get(&server)?, after })
        };
        let rests: Vec<Rest> = samples.filter_map(rest).collect();
        if Instant::now() > deadline || rests.iter().all(&is_rest) {
            return rests;
        }
        thread::sleep(Duration::from_millis(200));
    }
}
