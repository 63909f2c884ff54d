//! The mode of a proxy, and the connections that it holds. All data passes the gate here. It must not read or write the
//! data.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Direction;
use super::connection::Connection;
use crate::lock;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    Pass,
    /// Only for new connections.
    Refuse,
    /// One direction, or both.
    Hold(Option<Direction>),
    Delay(Duration),
    Stop,
}

impl Mode {
    fn holds(self, direction: Direction) -> bool {
        matches!(self, Self::Hold(held) if held.is_none_or(|held| held == direction))
    }
}

/// The gate's decision on a piece of data.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    /// This number of bytes may pass, then the connection must be reset.
    Cut(usize),
    /// The connection was reset.
    Gone,
}

#[derive(Debug, Default)]
pub(super) struct Control {
    state: Mutex<State>,
    /// Signalled when the mode or the set of live connections changes.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    mode: Mode,
    connections: HashMap<u64, Arc<Connection>>,
    accepted: u64,
    /// By direction.
    passed: [u64; 2],
    limit: Option<Limit>,
}

/// When a connection is cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) direction: Direction,
    /// Bytes that still pass.
    pub(super) left: u64,
    /// Whether new connections are refused then.
    pub(super) is_end: bool,
}

impl Control {
    pub(super) fn set(&self, mode: Mode) {
        lock(&self.state).mode = mode;
        self.changed.notify_all();
    }

    /// Condemns all connections, and lets nothing pass any more.
    pub(super) fn stop(&self) {
        let mut state = lock(&self.state);
        state.mode = Mode::Stop;
        state.condemn_all();
        self.changed.notify_all();
    }

    pub(super) fn has_stopped(&self) -> bool {
        lock(&self.state).mode == Mode::Stop
    }

    /// Counts a new connection, adds it and returns its number. Returns `None` if it is refused.
    pub(super) fn admit(&self, connection: &Arc<Connection>) -> Option<u64> {
        let mut state = lock(&self.state);
        state.accepted += 1;
        let id = state.accepted;
        if matches!(state.mode, Mode::Refuse | Mode::Stop) {
            return None;
        }
        state.connections.insert(id, connection.clone());
        Some(id)
    }

    pub(super) fn remove(&self, id: u64) {
        lock(&self.state).connections.remove(&id);
    }

    /// Condemns the open connections, and returns their numbers.
    pub(super) fn cut(&self) -> Vec<u64> {
        let state = lock(&self.state);
        state.condemn_all();
        self.changed.notify_all();
        state.connections.keys().copied().collect()
    }

    pub(super) fn are_gone(&self, ids: &[u64]) -> bool {
        let state = lock(&self.state);
        ids.iter().all(|id| !state.connections.contains_key(id))
    }

    pub(super) fn limit(&self, limit: Limit) {
        lock(&self.state).limit = Some(limit);
    }

    pub(super) fn is_limited(&self) -> bool {
        lock(&self.state).limit.is_some()
    }

    pub(super) fn connections(&self) -> usize {
        lock(&self.state).connections.len()
    }

    pub(super) fn accepted(&self) -> u64 {
        lock(&self.state).accepted
    }

    pub(super) fn passed(&self, direction: Direction) -> u64 {
        lock(&self.state).passed[direction as usize]
    }

    /// Waits until a piece of `bytes` bytes may pass; 0 means the end of the stream.
    pub(super) fn gate(&self, connection: &Connection, direction: Direction, bytes: usize) -> Verdict {
        let came = Instant::now();
        let mut state = lock(&self.state);
        while let Some(wait) = state.wait(connection, direction, came) {
            let woken = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
            state = woken.0;
        }
        if connection.is_condemned() { Verdict::Gone } else { state.count(direction, bytes) }
    }
}

/// A thread checks again after this time without any change.
const LONG: Duration = Duration::from_secs(3600);

impl State {
    fn condemn_all(&self) {
        self.connections.values().for_each(|connection| connection.condemn());
    }

    /// How long a piece that arrived at `came` must still wait.
    fn wait(&self, connection: &Connection, direction: Direction, came: Instant) -> Option<Duration> {
        match self.mode {
            _ if connection.is_condemned() => None,
            Mode::Delay(delay) => delay.checked_sub(came.elapsed()).filter(|left| !left.is_zero()),
            mode => mode.holds(direction).then_some(LONG),
        }
    }

    fn count(&mut self, direction: Direction, bytes: usize) -> Verdict {
        let (verdict, passing) = match self.limit {
            Some(limit) if limit.direction == direction && limit.left < bytes as u64 => {
                self.limit = None;
                if limit.is_end {
                    self.mode = Mode::Refuse;
                }
                (Verdict::Cut(limit.left as usize), limit.left)
            }
            _ => (Verdict::Pass, bytes as u64),
        };
        if let Some(limit) = self.limit.as_mut().filter(|limit| limit.direction == direction) {
            limit.left -= passing;
        }
        self.passed[direction as usize] += passing;
        verdict
    }
}
