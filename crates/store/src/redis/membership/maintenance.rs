//! The maintenance thread of this server: it renews the lease, sends the pulse, retries cleanups, reaps dead servers,
//! and checks for missing subscriptions, entries and sessions. It must not do work that a client waits for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use parlor_core::ports::{SessionKey, StoreError, StoreResult};
use parlor_proto::Epoch;

use crate::redis::codec;
use crate::redis::connection::command::{self, Argument, Command};
use crate::redis::connection::dial::Dialer;
use crate::redis::connection::pipeline::PATIENCE;
use crate::redis::connection::script;
use crate::redis::keys::{self, ServerId};
use crate::redis::membership::lease::LEASE;
use crate::redis::membership::reaper::CHUNK;
use crate::redis::membership::restore::Tally;
use crate::redis::membership::server::Server;
use crate::redis::{Note, departure, random};
use crate::sync::{Condvar, Mutex, lock};

/// Time between two rounds.
const INTERVAL: Duration = Duration::from_secs(1);

/// Pause between checks whether the readers are ready, at the start.
const READY_PAUSE: Duration = Duration::from_millis(2);

/// Rounds between two searches for dead servers.
const REAP_EVERY: u64 = 2;

/// Rounds between two checks of the followed logs and their subscriptions.
const AUDIT_LOGS_EVERY: u64 = 3;

/// Rounds between two checks of all sessions.
const AUDIT_SESSIONS_EVERY: u64 = 30;

/// Rounds between two checks for sessions that Redis has under this server and that this server does not know. A claim
/// in progress is finished by the second check.
const REAP_ORPHANS_EVERY: u64 = 10;

/// Time budget of a round for session checks, and the same again for cleanups: the lease must be renewed in time.
pub(super) const BUDGET: Duration = Duration::from_millis(500);

/// The lease is also renewed within a round if the round takes longer than this.
const RENEW_AFTER: Duration = Duration::from_secs(2);

/// After a lapse of the lease, sessions are checked in each of this many rounds: another server may still be reaping. The
/// same after a node came back whose sessions had to wait for that.
const AUDIT_AFTER_LAPSE: u64 = 10;

/// Signals the maintenance thread to end. A leaf lock.
#[derive(Default)]
pub(in crate::redis) struct StopSignal {
    is_over: Mutex<bool>,
    ended: Condvar,
}

impl StopSignal {
    /// Ends the rounds.
    pub(in crate::redis) fn end(&self) {
        *lock(&self.is_over) = true;
        self.ended.notify_all();
    }

    /// Waits for the next round. Returns `false` if there is none.
    fn wait(&self) -> bool {
        let over = lock(&self.is_over);
        let waited = self.ended.wait_timeout_while(over, INTERVAL, |over| !*over);
        !*waited.unwrap_or_else(std::sync::PoisonError::into_inner).0
    }
}

/// The state that is kept from round to round.
pub(in crate::redis) struct Maintenance {
    server: Arc<Server>,
    dialer: Arc<Dialer>,
    round: u64,
    /// Time of the last lease request.
    renewed_at: Instant,
    epoch: Option<String>,
    /// The last round in which sessions are checked each time.
    audit_until: u64,
    had_lease: bool,
    /// Entries that Redis had and this server did not know at the last check.
    suspected: BTreeSet<String>,
    /// Sessions that are still to be checked.
    sessions_to_audit: Vec<SessionKey>,
    /// Sessions that are checked when their nodes can be reached.
    away: Vec<SessionKey>,
    /// The kind of loss whose recovery is not finished yet.
    recovery: Option<LossKind>,
}

/// What a server can lose.
#[derive(Debug, Clone, Copy)]
enum LossKind {
    /// The lease: other servers may have ended its sessions.
    Lease,
    /// All data in Redis.
    Everything,
}

impl Maintenance {
    /// Takes the lease for the first time. Blocks.
    ///
    /// # Errors
    /// Redis is unreachable.
    pub(in crate::redis) fn begin(server: Arc<Server>, dialer: Arc<Dialer>) -> StoreResult<Self> {
        let mut maintenance = Self {
            server,
            dialer,
            round: 0,
            renewed_at: Instant::now(),
            epoch: None,
            audit_until: 0,
            had_lease: true,
            suspected: BTreeSet::new(),
            sessions_to_audit: Vec::new(),
            away: Vec::new(),
            recovery: None,
        };
        maintenance.renew()?;
        maintenance.server.ensure_readers(&maintenance.dialer).map_err(StoreError::new)?;
        let deadline = Instant::now() + PATIENCE;
        while !maintenance.server.pubsub_readers.are_ready() {
            if Instant::now() > deadline {
                let problem = maintenance.server.pubsub_readers.problem();
                return Err(StoreError::new(problem.as_deref().unwrap_or("news cannot be heard")));
            }
            thread::sleep(READY_PAUSE);
        }
        Ok(maintenance)
    }

    /// Runs rounds until `stop_signal` ends. Blocks.
    pub(in crate::redis) fn run(mut self, stop_signal: &StopSignal) {
        while stop_signal.wait() {
            self.round += 1;
            // The link itself reports its loss, and the next round tries again.
            if let Err(error) = self.make() {
                self.notice_lapse(&error);
            }
        }
    }

    fn notice_lapse(&mut self, error: &StoreError) {
        if !self.server.lease.is_held() && std::mem::replace(&mut self.had_lease, false) {
            self.server.events.note(&Note::LeaseLapsed { error: error.to_string() });
        }
    }

    /// Runs one round. If a step fails, the other steps still run.
    ///
    /// # Errors
    /// The first error of a step; or the lease could not be renewed.
    fn make(&mut self) -> StoreResult<()> {
        self.renew()?;
        let mut outcome = Ok(());
        for step in [Self::undo, Self::reap, Self::audit_logs, Self::audit_channels, Self::reap_orphans, Self::look] {
            outcome = outcome.and(step(self));
            // Failing steps take long.
            if self.renewed_at.elapsed() > RENEW_AFTER {
                self.renew()?;
            }
        }
        outcome
    }

    fn is_due(&self, every: u64) -> bool {
        self.round.is_multiple_of(every)
    }

    fn undo(&mut self) -> StoreResult<()> {
        self.server.retry_cleanups();
        self.server.ensure_readers(&self.dialer).map_err(StoreError::new)
    }

    fn reap(&mut self) -> StoreResult<()> {
        if self.is_due(REAP_EVERY) { self.server.reap() } else { Ok(()) }
    }

    fn audit_logs(&mut self) -> StoreResult<()> {
        if self.is_due(AUDIT_LOGS_EVERY) { self.server.audit_logs() } else { Ok(()) }
    }

    fn audit_channels(&mut self) -> StoreResult<()> {
        if self.is_due(AUDIT_LOGS_EVERY) { self.server.audit_channels() } else { Ok(()) }
    }

    fn reap_orphans(&mut self) -> StoreResult<()> {
        if self.is_due(REAP_ORPHANS_EVERY) { self.server.reap_orphans(&mut self.suspected) } else { Ok(()) }
    }

    fn look(&mut self) -> StoreResult<()> {
        // A request during an audit is for the next one.
        if self.sessions_to_audit.is_empty() {
            let is_requested = self.server.take_audit_request() || self.round <= self.audit_until;
            let away = std::mem::take(&mut self.away);
            let is_full = is_requested || self.is_due(AUDIT_SESSIONS_EVERY);
            self.sessions_to_audit = if is_full { self.server.local.memberships() } else { away };
        }
        let doubts = self.server.local.doubts();
        let audited = self.audit_sessions(BUDGET).map(drop);
        if self.server.local.doubts() < doubts {
            self.audit_until = self.round + AUDIT_AFTER_LAPSE;
        }
        audited
    }

    /// Checks sessions that are not checked yet since the last audit began, until the budget is used up.
    fn audit_sessions(&mut self, budget: Duration) -> StoreResult<Tally> {
        let (start, mut tally) = (Instant::now(), Tally::default());
        while !self.sessions_to_audit.is_empty() && start.elapsed() < budget {
            let chunk = self.sessions_to_audit.split_off(self.sessions_to_audit.len().saturating_sub(CHUNK));
            // If a session's own thread is working on it, that thread checks it, or the next audit does.
            let reserved: Vec<_> =
                chunk.iter().filter_map(|session_key| self.server.local.try_reserve(session_key)).collect();
            let sessions = reserved.iter().filter_map(|session_key| self.server.local.find(session_key.session_key()));
            let (away, sessions): (Vec<_>, Vec<_>) = sessions.partition(|session| self.server.is_away(session));
            self.away.extend(away.into_iter().map(|session| session.session_key));
            let restored = self.server.restore(&sessions);
            if restored.is_err() {
                // These sessions are checked again.
                self.server.request_session_audit();
            }
            let Tally { kept, displaced } = restored?;
            tally = Tally { kept: tally.kept + kept, displaced: tally.displaced + displaced };
        }
        Ok(tally)
    }

    /// Renews the lease and sends the pulse. If the lease expired, or Redis lost everything, takes a new lease and
    /// restores what it can before the lease counts as held.
    fn renew(&mut self) -> StoreResult<()> {
        self.renewed_at = Instant::now();
        let is_first = self.epoch.is_none();
        let (is_held, is_emptied) = match self.ask_for_lease(is_first) {
            // Nobody can renew it there. A new id has its lease elsewhere.
            Err(error) if !is_first && self.is_lease_away() => {
                self.notice_lapse(&error);
                (false, false)
            }
            asked => asked?,
        };
        if !is_held || is_emptied {
            self.server.lease.lose();
            self.server.local.doubt_all();
            self.audit_until = self.round + AUDIT_AFTER_LAPSE;
            self.recovery =
                Some(if is_emptied { LossKind::Everything } else { self.recovery.unwrap_or(LossKind::Lease) });
            self.server.take_new_id();
            self.ask_for_lease(true)?;
        }
        self.look_for_departure(is_first)?;
        if let Some(loss) = self.recovery {
            self.away.clear();
            self.sessions_to_audit = self.server.local.memberships();
            let Tally { kept, displaced } = self.audit_sessions(LEASE / 2)?;
            // The next rounds restore the rest. A session that sends before that is restored at that time.
            self.recovery = None;
            if !self.away.is_empty() {
                let text = format!("{} sessions wait until their nodes can be reached", self.away.len());
                self.server.events.note(&Note::Warning(text));
            }
            self.server.events.note(&match loss {
                LossKind::Everything => Note::Emptied { sessions: kept },
                LossKind::Lease => Note::LeaseRegained { kept, displaced },
            });
        }
        self.server.lease.hold();
        self.had_lease = true;
        Ok(())
    }

    /// Reports that everything is or goes elsewhere. Whoever has a lease serves until its end; nobody gets one any more.
    ///
    /// # Errors
    /// This server has no lease, and must not serve.
    fn look_for_departure(&self, is_first: bool) -> StoreResult<()> {
        // A start looks for it behind the first lease.
        let departure = if is_first { Ok(None) } else { departure::read(&self.server.router) };
        let is_renewal = self.recovery.is_none();
        match departure {
            Ok(None) => Ok(()),
            Ok(Some(_)) => {
                self.server.events.note(&Note::Moving);
                if is_renewal { Ok(()) } else { Err(StoreError::new("everything is or goes elsewhere")) }
            }
            // Its node may be unreachable, which is acceptable for a renewal.
            Err(error) => {
                if is_renewal {
                    Ok(())
                } else {
                    Err(error)
                }
            }
        }
    }

    /// Whether the lease is over, and on a node that cannot be reached.
    fn is_lease_away(&self) -> bool {
        !self.server.lease.is_held() && self.server.router.is_unreachable(&keys::lease(&self.server.id()))
    }

    /// Returns whether the lease is valid, and whether Redis lost everything since the last request.
    fn ask_for_lease(&mut self, takes: bool) -> StoreResult<(bool, bool)> {
        let (id, sent) = (self.server.id(), Instant::now());
        let fresh = Epoch(random::number()).to_string();
        let [lease, listed, epoch, beat] = self.server.router.call_each([
            self.lease_command(&id, takes),
            codec::register(keys::SERVERS, &[id.as_str()]),
            Command::script(script::begin_epoch(), &[keys::EPOCH], &[&fresh]),
            Command::plain("PUBLISH", keys::pulse(&id), &["beat"]),
        ]);
        let (is_held, seconds, micros): (bool, i64, i64) = command::read(lease)?;
        // The other keys may be on a node that is unreachable. That is acceptable for a renewal: this server is already
        // listed, and detects that its pulse is missing.
        let listed = command::read::<i64>(listed).and(command::read::<i64>(beat));
        if takes {
            listed?;
        }
        self.server.lease.renewed(sent, seconds * 1_000_000 + micros);
        Ok((is_held, self.is_another_epoch(command::read(epoch))?))
    }

    /// Whether Redis lost everything. If the request fails, the next renewal asks again.
    fn is_another_epoch(&mut self, epoch: StoreResult<String>) -> StoreResult<bool> {
        match (&self.epoch, epoch) {
            (None, epoch) => self.epoch = Some(epoch?),
            (Some(_), Err(_)) => {}
            (Some(before), Ok(epoch)) => {
                let is_another = *before != epoch;
                self.epoch = Some(epoch);
                return Ok(is_another);
            }
        }
        Ok(false)
    }

    fn lease_command(&self, id: &ServerId, takes: bool) -> Command {
        let server = &self.server;
        let millis = u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
        let scripts: Vec<String> = server
            .router
            .statistics()
            .read()
            .into_iter()
            .map(|(name, calls, total, longest)| format!("{name} {calls} {total} {longest}"))
            .collect();
        let pulse =
            server.pubsub_readers.pulse_age().map_or(-1, |age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
        let args: [&dyn Argument; 14] = [
            &millis,
            &u8::from(takes),
            &"name",
            &server.name,
            &"sessions",
            &server.local.len(),
            &"logs",
            &server.cursors.len(),
            &"lag",
            &server.lag.load(Ordering::Relaxed),
            &"pulse",
            &pulse,
            &"scripts",
            &scripts.join(";"),
        ];
        Command::script(script::renew(), &[keys::lease(id)], &args)
    }
}

#[cfg(test)]
mod tests;
