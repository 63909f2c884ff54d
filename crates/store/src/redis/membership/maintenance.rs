//! The maintenance thread of this server: it renews the lease, sends the pulse, retries cleanups, reaps dead servers,
//! and checks for missing subscriptions, entries and sessions. It must not do work that a client waits for.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parlor_core::ports::{SessionKey, StoreError, StoreResult};
use parlor_proto::Epoch;

use crate::redis::codec::{self, ask_for_head, read_head};
use crate::redis::connection::command::{self, Argument, Command};
use crate::redis::connection::dial::Dialer;
use crate::redis::connection::pipeline::PATIENCE;
use crate::redis::connection::script;
use crate::redis::keys::{self, ServerId};
use crate::redis::membership::lease::LEASE;
use crate::redis::membership::local_sessions::DeferredCleanup;
use crate::redis::membership::reaper::{CHUNK, rotate_randomly};
use crate::redis::membership::restore::Tally;
use crate::redis::membership::server::Server;
use crate::redis::{Note, random};
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
const BUDGET: Duration = Duration::from_millis(500);

/// The lease is also renewed within a round if the round takes longer than this.
const RENEW_AFTER: Duration = Duration::from_secs(2);

/// After a lapse of the lease, sessions are checked in each of this many rounds: another server may still be reaping.
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
    lag: u64,
    had_lease: bool,
    /// Entries that Redis had and this server did not know at the last check.
    suspected: BTreeSet<String>,
    /// Sessions that are still to be checked.
    sessions_to_audit: Vec<SessionKey>,
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
            lag: 0,
            had_lease: true,
            suspected: BTreeSet::new(),
            sessions_to_audit: Vec::new(),
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
        if self.is_due(AUDIT_LOGS_EVERY) { self.server.audit_logs(&mut self.lag) } else { Ok(()) }
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
            if is_requested || self.is_due(AUDIT_SESSIONS_EVERY) {
                self.sessions_to_audit = self.server.local.memberships();
            }
        }
        self.audit_sessions(BUDGET).map(drop)
    }

    /// Checks sessions that are not checked yet since the last audit began, until the budget is used up.
    fn audit_sessions(&mut self, budget: Duration) -> StoreResult<Tally> {
        let (start, mut tally) = (Instant::now(), Tally::default());
        while !self.sessions_to_audit.is_empty() && start.elapsed() < budget {
            let chunk = self.sessions_to_audit.split_off(self.sessions_to_audit.len().saturating_sub(CHUNK));
            // If a session's own thread is working on it, that thread checks it, or the next audit does.
            let reserved: Vec<_> =
                chunk.iter().filter_map(|session_key| self.server.local.try_reserve(session_key)).collect();
            let sessions: Vec<_> =
                reserved.iter().filter_map(|session_key| self.server.local.find(session_key.session_key())).collect();
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
        let (is_held, is_emptied) = self.ask_for_lease(is_first)?;
        if !is_held || is_emptied {
            self.server.lease.lose();
            self.audit_until = self.round + AUDIT_AFTER_LAPSE;
            self.recovery =
                Some(if is_emptied { LossKind::Everything } else { self.recovery.unwrap_or(LossKind::Lease) });
            self.server.take_new_id();
            self.ask_for_lease(true)?;
        }
        if let Some(loss) = self.recovery {
            self.sessions_to_audit = self.server.local.memberships();
            let Tally { kept, displaced } = self.audit_sessions(LEASE / 2)?;
            // The next rounds restore the rest. A session that sends before that is restored at that time.
            self.recovery = None;
            self.server.events.note(&match loss {
                LossKind::Everything => Note::Emptied { sessions: kept },
                LossKind::Lease => Note::LeaseRegained { kept, displaced },
            });
        }
        self.server.lease.hold();
        self.had_lease = true;
        Ok(())
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
            &self.lag,
            &"pulse",
            &pulse,
            &"scripts",
            &scripts.join(";"),
        ];
        Command::script(script::renew(), &[keys::lease(id)], &args)
    }
}

impl Server {
    /// Retries cleanups, those on unreachable nodes last. Among the reachable ones, sessions with a pending membership
    /// come last. So a session is not released while it is still a member. A cleanup in progress still counts as pending.
    pub(in crate::redis) fn retry_cleanups(&self) {
        let mut cleanups = self.local.cleanups();
        rotate_randomly(&mut cleanups);
        let leaving = cleanups.iter().filter_map(DeferredCleanup::holds_back);
        let leaving: HashSet<SessionKey> = leaving.cloned().collect();
        let is_held_back = |cleanup: &DeferredCleanup| matches!(cleanup, DeferredCleanup::Session { session_key, .. } if leaving.contains(session_key));
        // The node of a recipient of direct messages may be unreachable, too.
        let is_delivery = |cleanup: &DeferredCleanup| matches!(cleanup, DeferredCleanup::Deliveries { .. });
        cleanups.sort_by_cached_key(|cleanup| {
            (is_delivery(cleanup), self.is_on_unreachable_node(cleanup), is_held_back(cleanup))
        });
        let start = Instant::now();
        for cleanup in cleanups {
            if start.elapsed() > BUDGET {
                return;
            }
            let is_done = match &cleanup {
                DeferredCleanup::Claim { server, user, ticket } => self.cancel_claim(server, user, *ticket).is_ok(),
                DeferredCleanup::Membership { session_key, room, seq } => {
                    self.leave_until(session_key, &[(room.clone(), *seq)]).into_iter().all(|left| left.is_ok())
                }
                DeferredCleanup::Deliveries { user } => self.complete_directs_of(user).is_ok(),
                DeferredCleanup::Session { session_key, ticket } => {
                    !self.local.is_leaving(session_key) && self.release_now(session_key, *ticket).is_ok()
                }
            };
            if is_done {
                self.local.settle(&cleanup);
            }
        }
    }

    fn is_on_unreachable_node(&self, cleanup: &DeferredCleanup) -> bool {
        let (user, room) = match cleanup {
            DeferredCleanup::Claim { user, .. } => (user, None),
            DeferredCleanup::Membership { session_key, room, .. } => (&session_key.user, Some(room)),
            DeferredCleanup::Deliveries { user } => (user, None),
            DeferredCleanup::Session { session_key, .. } => (&session_key.user, None),
        };
        self.router.is_unreachable(&keys::session(user))
            || room.is_some_and(|room| self.router.is_unreachable(&keys::members(room)))
    }

    /// Checks whether this server is subscribed to its control channel and to the channel to all servers, at the
    /// current owners of their slots.
    fn audit_channels(&self) -> StoreResult<()> {
        let mut outcome = Ok(());
        for channel in [keys::control(&self.id()), keys::EVERYBODY.to_owned()] {
            // This command only finds the node: the node answers it, or says which node has the slot.
            let asked = self.call::<i64>(Command::plain("EXISTS", channel.clone(), &[]));
            outcome = outcome.and(asked.map(drop));
            if !self.pubsub_readers.is_heard_at(&channel, &self.router.owner(&channel)) {
                self.look_at(&channel);
                self.wake_followers();
            }
        }
        outcome
    }

    /// Compares the head of each followed log with this server's position. Stores the largest number of missing entries
    /// in `lag`.
    ///
    /// # Errors
    /// Some logs could not be checked.
    fn audit_logs(&self, lag: &mut u64) -> StoreResult<()> {
        let cursors = self.cursors.all();
        let commands = cursors.iter().map(|(_, cursor)| ask_for_head(&cursor.log)).collect();
        let (mut outcome, mut is_any_stuck) = (Ok(()), false);
        *lag = 0;
        for ((channel, cursor), reply) in cursors.iter().zip(self.router.try_all(commands)) {
            let head = match read_head(Some(reply)) {
                Ok(head) => head,
                Err(error) => {
                    outcome = outcome.and(Err(error));
                    continue;
                }
            };
            let (lags, is_stuck) = cursor.audit(head);
            *lag = lags.max(*lag);
            if is_stuck || !cursor.is_subscribed_at(&self.router.owner(channel)) {
                self.look_at(channel);
                is_any_stuck = true;
            }
        }
        if is_any_stuck {
            self.wake_followers();
        }
        outcome
    }
}
