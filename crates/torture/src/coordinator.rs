//! State that the clients of a run share: the current phase, and the messages that each must receive at the end. It
//! must not know how they communicate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::record::Moment;
use crate::ticket::Ticket;

/// A short sleep that takes this long shows that the machine was stalled.
const STALLED: Duration = Duration::from_secs(1);

/// Phases of a run, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Every client gets an account and a first session.
    SetUp,
    /// Every client acts as it likes, with or without faults.
    Chaos,
    /// There are no more faults. Every client connects and goes to its final rooms. Only one of two rivals remains.
    Gather,
    /// Every client sends one message of each kind, and receives the messages of the others.
    Mark,
    /// Every client requests the lists of members until they are right.
    Look,
    /// Nobody says anything any more. Every client reads logs from the beginning to the end.
    Read,
    /// Every client leaves.
    End,
}

/// A message at the end that others must receive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) by: String,
    pub(crate) to: Audience,
    pub(crate) text: String,
}

/// The clients that must receive it, except its sender.
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
    /// The final rooms of each user.
    rooms: BTreeMap<String, BTreeSet<String>>,
    accounts_are_gone: bool,
    /// The newest ticket of each user, for whoever tries it as another user.
    tickets: BTreeMap<String, Ticket>,
    /// Invitations to an account, oldest first, void ones too.
    invitations: Vec<Ticket>,
    /// The hooks by which programs speak in the court, with their labels, oldest first, ended ones too.
    hooks: Vec<(String, Ticket)>,
    /// The outgoing hooks of which it was told that they were made, by their addresses.
    outhooks: Vec<String>,
    /// The newest number of a message that was accepted in the court.
    newest_in_court: u64,
    /// What was said from then on may be sent again. None before the store is emptied, which loses all keys.
    again_from: Option<Moment>,
}

/// Shared by all clients of a run and by the thread that leads it.
#[derive(Debug)]
pub(crate) struct Coordinator {
    state: Mutex<State>,
}

impl Coordinator {
    /// `empties` if the store may be emptied.
    pub(crate) fn new(empties: bool) -> Self {
        Self {
            state: Mutex::new(State {
                phase: Phase::SetUp,
                arrived: BTreeSet::new(),
                markers: Vec::new(),
                rooms: BTreeMap::new(),
                accounts_are_gone: false,
                tickets: BTreeMap::new(),
                invitations: Vec::new(),
                hooks: Vec::new(),
                outhooks: Vec::new(),
                newest_in_court: 0,
                again_from: (!empties).then_some(Moment::ZERO),
            }),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.state().phase
    }

    /// Begins the next phase.
    pub(crate) fn begin(&self, phase: Phase) {
        let mut state = self.state();
        state.phase = phase;
        state.arrived.clear();
    }

    /// The store was emptied, so every client must reconnect and register again.
    pub(crate) fn forget_accounts(&self) {
        self.state().accounts_are_gone = true;
    }

    pub(crate) fn are_accounts_gone(&self) -> bool {
        self.state().accounts_are_gone
    }

    /// This user has a new ticket.
    pub(crate) fn show_ticket(&self, user: &str, ticket: &Ticket) {
        self.state().tickets.insert(user.to_owned(), ticket.clone());
    }

    /// A ticket of another user.
    pub(crate) fn ticket_of_another(&self, user: &str) -> Option<Ticket> {
        self.state().tickets.iter().find(|(owner, _)| *owner != user).map(|(_, ticket)| ticket.clone())
    }

    /// There is a new invitation.
    pub(crate) fn add_invitation(&self, invitation: &Ticket) {
        self.state().invitations.push(invitation.clone());
    }

    /// All invitations, oldest first.
    pub(crate) fn invitations(&self) -> Vec<Ticket> {
        self.state().invitations.clone()
    }

    /// There is a new hook by which a program speaks.
    pub(crate) fn add_hook(&self, label: &str, hook: &Ticket) {
        self.state().hooks.push((label.to_owned(), hook.clone()));
    }

    /// All hooks by which programs speak, with their labels, oldest first.
    pub(crate) fn hooks(&self) -> Vec<(String, Ticket)> {
        self.state().hooks.clone()
    }

    /// An outgoing hook of the court was made.
    pub(crate) fn add_outhook(&self, url: &str) {
        self.state().outhooks.push(url.to_owned());
    }

    /// A message was accepted in the court.
    pub(crate) fn said_in_court(&self, id: u64) {
        let mut state = self.state();
        state.newest_in_court = state.newest_in_court.max(id);
    }

    /// The outgoing hooks of the court, and the newest message that they have to post.
    pub(crate) fn owed_posts(&self) -> (Vec<String>, u64) {
        let state = self.state();
        (state.outhooks.clone(), state.newest_in_court)
    }

    /// From when on what was said may be sent again.
    pub(crate) fn again_from(&self) -> Option<Moment> {
        self.state().again_from
    }

    /// What was said from `moment` on may be sent again: the store is not emptied after that.
    pub(crate) fn allow_again(&self, moment: Moment) {
        self.state().again_from.get_or_insert(moment);
    }

    /// This client has done what the current phase requires, if that phase is `phase`.
    pub(crate) fn arrive(&self, phase: Phase, name: &str) {
        let mut state = self.state();
        if state.phase == phase {
            state.arrived.insert(name.to_owned());
        }
    }

    /// Waits until all clients have done what the current phase requires. Returns the missing ones if that takes too
    /// long.
    pub(crate) fn wait_for(&self, names: &BTreeSet<String>, patience: Duration) -> Vec<String> {
        let mut deadline = Instant::now() + patience;
        loop {
            let missing: Vec<String> = names.difference(&self.state().arrived).cloned().collect();
            let before = Instant::now();
            if missing.is_empty() || before > deadline {
                return missing;
            }
            thread::sleep(Duration::from_millis(10));
            // Time in which the machine stalled does not count, and neither does the time to recover from it.
            let slept = before.elapsed();
            if slept > STALLED {
                deadline += slept + patience;
            }
        }
    }

    /// Records the final rooms of a user.
    pub(crate) fn settle(&self, user: &str, rooms: &BTreeSet<String>) {
        self.state().rooms.insert(user.to_owned(), rooms.clone());
    }

    /// A message at the end was accepted.
    pub(crate) fn post(&self, marker: Marker) {
        self.state().markers.push(marker);
    }

    /// The messages sent at the end, once each settled client has sent `each` of them.
    pub(crate) fn all_markers(&self, each: usize) -> Option<Vec<Marker>> {
        let state = self.state();
        (state.markers.len() >= state.rooms.len() * each).then(|| state.markers.clone())
    }

    /// The users with `room` among their final rooms, sorted.
    pub(crate) fn members(&self, room: &str) -> Vec<String> {
        let state = self.state();
        state.rooms.iter().filter(|(_, rooms)| rooms.contains(room)).map(|(user, _)| user.clone()).collect()
    }

    /// The final rooms, and the number of users in each. The lobby is always included.
    pub(crate) fn rooms(&self) -> Vec<(String, u64)> {
        let mut counts = BTreeMap::from([("lobby".to_owned(), 0)]);
        for room in self.state().rooms.values().flatten() {
            *counts.entry(room.clone()).or_default() += 1;
        }
        counts.into_iter().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
