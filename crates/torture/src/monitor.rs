//! Watches the servers of a run from outside: their resource usage, the results of health checks, and deaths. It must
//! not judge what it sees.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crate::deployment::Deployment;
use crate::record::{Moment, Probe, Rest, Sample, Usage};
use parlor_process_testkit::Failure;

/// Interval between two samples of the resource usage.
const SAMPLED_EVERY: Duration = Duration::from_millis(500);
/// Oversleeping by this much means that the process was starved.
const STALLED: Duration = Duration::from_secs(1);
/// Interval between two health checks of each server.
const PROBED_EVERY: Duration = Duration::from_secs(2);
/// Maximum time until a server frees the resources of its clients.
const AT_REST_WITHIN: Duration = Duration::from_secs(15);

/// Health checks in the form that an operator runs them.
#[derive(Debug, Clone)]
pub(crate) struct Prober {
    /// The program `parlor`.
    pub(crate) program: PathBuf,
    /// Host and port of each server, and the file with its authority.
    pub(crate) targets: Vec<(String, PathBuf)>,
}

/// The observations.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) samples: Vec<Sample>,
    pub(crate) probes: Vec<Probe>,
    pub(crate) deaths: Vec<(Moment, String)>,
    /// The times in which this process was starved.
    pub(crate) stalls: Vec<(Moment, Moment)>,
}

/// Watches until it is stopped.
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

    /// Stops and returns the observations.
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

    /// Runs `parlor check`. If the program cannot be run, the server counts as unhealthy.
    fn check(&self, (address, ca): &(String, PathBuf)) -> bool {
        let mut command = Command::new(&self.program);
        command.arg("check").arg(address).arg("--ca").arg(ca);
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    }
}

/// Waits until the servers have freed the resources of their clients, or until a timeout. Returns their resource usage
/// at that time.
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
