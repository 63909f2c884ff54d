//! What the clients of a run agree on: how far the run is, and what each has to hear at its end. It must not know
//! how they talk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A short sleep that lasts so long shows that the machine had no time for this.
const STALLED: Duration = Duration::from_secs(1);

/// Parts of a run, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Everybody gets an account and a first session.
    SetUp,
    /// Everybody does as they like, faults or none.
    Chaos,
    /// No faults any more; everybody connects and goes to a room for good. Of rivals only one remains.
    Gather,
    /// Everybody says one thing in each way, and hears what the others said.
    Mark,
    /// Everybody looks until the lists of members are right.
    Look,
    /// Everybody goes.
    End,
}

/// Something said at the end that others have to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) by: String,
    pub(crate) to: Audience,
    pub(crate) text: String,
}

/// Who has to hear it, unless they said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Audience {
    Room(String),
    Followers,
    User(String),
}

#[derive(Debug)]
struct State {
    phase: Phase,
    arrived: BTreeSet<String>,
    markers: Vec<Marker>,
    rooms: BTreeMap<String, String>,
    accounts_are_gone: bool,
}

/// Shared by all clients of a run and by who leads it.
#[derive(Debug)]
pub(crate) struct Coordinator {
    state: Mutex<State>,
}

impl Coordinator {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                phase: Phase::SetUp,
                arrived: BTreeSet::new(),
                markers: Vec::new(),
                rooms: BTreeMap::new(),
                accounts_are_gone: false,
            }),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.state().phase
    }

    /// Begins the next part.
    pub(crate) fn begin(&self, phase: Phase) {
        let mut state = self.state();
        state.phase = phase;
        state.arrived.clear();
    }

    /// The store was emptied: whoever wants to be known by others has to come anew.
    pub(crate) fn forget_accounts(&self) {
        self.state().accounts_are_gone = true;
    }

    pub(crate) fn are_accounts_gone(&self) -> bool {
        self.state().accounts_are_gone
    }

    /// This one has done what the present part asks for, if that is `phase`.
    pub(crate) fn arrive(&self, phase: Phase, name: &str) {
        let mut state = self.state();
        if state.phase == phase {
            state.arrived.insert(name.to_owned());
        }
    }

    /// Waits until all have done what the present part asks for; says who has not, if it takes too long.
    pub(crate) fn wait_for(&self, names: &BTreeSet<String>, patience: Duration) -> Vec<String> {
        let mut deadline = Instant::now() + patience;
        loop {
            let missing: Vec<String> = names.difference(&self.state().arrived).cloned().collect();
            let before = Instant::now();
            if missing.is_empty() || before > deadline {
                return missing;
            }
            thread::sleep(Duration::from_millis(10));
            // Time in which the machine let nobody run is nobody's fault, nor is what it takes to recover from it.
            let slept = before.elapsed();
            if slept > STALLED {
                deadline += slept + patience;
            }
        }
    }

    /// Where `user` is for good.
    pub(crate) fn settle(&self, user: &str, room: &str) {
        self.state().rooms.insert(user.to_owned(), room.to_owned());
    }

    /// Something was said at the end, and accepted.
    pub(crate) fn post(&self, marker: Marker) {
        self.state().markers.push(marker);
    }

    /// What was said at the end, if each of those who settled said `each` things.
    pub(crate) fn all_markers(&self, each: usize) -> Option<Vec<Marker>> {
        let state = self.state();
        (state.markers.len() >= state.rooms.len() * each).then(|| state.markers.clone())
    }

    /// Who is in `room` for good, sorted.
    pub(crate) fn members(&self, room: &str) -> Vec<String> {
        let state = self.state();
        state.rooms.iter().filter(|(_, at)| *at == room).map(|(user, _)| user.clone()).collect()
    }

    /// Rooms where somebody is for good, and how many; always the lobby.
    pub(crate) fn rooms(&self) -> Vec<(String, u64)> {
        let mut counts = BTreeMap::from([("lobby".to_owned(), 0)]);
        for room in self.state().rooms.values() {
            *counts.entry(room.clone()).or_default() += 1;
        }
        counts.into_iter().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
