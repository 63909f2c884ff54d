//! State that lives as long as the process: sessions, memberships and failed logins. Both embedded
//! stores share it. It must not keep data that must survive the process.

mod bus;
mod login_limiter;
mod rooms;
mod sessions;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parlor_core::ConnectionId;
use parlor_core::planted::{Bug, planted};
use parlor_core::ports::{Append, Destination, LogId, Sink};
use parlor_proto::{Generation, RoomName, UserName};

use crate::sync::{Condvar, Mutex, MutexGuard, lock};

pub use bus::InProcessBus;
pub use login_limiter::InProcessLoginLimiter;
pub(crate) use login_limiter::UsualAddresses;

/// Sessions and memberships of a single server. Lock tier 0: the sink is called while it is held, so that all members
/// receive changes in one order; the sink never blocks and never calls back.
pub struct InProcessSessions {
    state: Mutex<State>,
    /// Signalled when a session is released or claimed.
    sessions_changed: Condvar,
    sink: Arc<dyn Sink>,
}

#[derive(Default)]
struct State {
    last_generation: u64,
    last_version: u64,
    users: HashMap<UserName, User>,
    /// Rooms that have members or a log.
    rooms: HashMap<RoomName, Room>,
}

#[derive(Default)]
struct Room {
    members: BTreeMap<UserName, Generation>,
    /// Whether the room has a log. A room with a log is kept even without members.
    has_log: bool,
}

/// The state of a user who has a session, or had one recently.
#[derive(Default)]
struct User {
    current: Option<Owner>,
    /// Sessions that were displaced and not released yet.
    ending: BTreeSet<Generation>,
    /// Times of the takeovers of the account, newest last.
    takeovers: VecDeque<Duration>,
    /// Rooms of which a session of the user is a member.
    rooms: Vec<RoomName>,
}

#[derive(Clone, Copy)]
struct Owner {
    generation: Generation,
    connection: ConnectionId,
}

impl InProcessSessions {
    /// Starts empty. Changes are reported to `sink`.
    pub fn new(sink: Arc<dyn Sink>) -> Self {
        Self { state: Mutex::default(), sessions_changed: Condvar::new(), sink }
    }

    /// Whether the author's session may append: to a room only as its member, elsewhere only if no later session was
    /// claimed.
    pub(crate) fn may_append(&self, append: &Append) -> bool {
        if planted(Bug::NoFence) {
            return true;
        }
        let state = self.lock();
        match &append.to {
            Destination::Room(room) => {
                state.rooms.get(room).and_then(|room| room.members.get(&append.author)) == Some(&append.generation)
            }
            Destination::Feed | Destination::Direct(_) => state.is_current(&append.author, append.generation),
        }
    }

    /// Marks the rooms among these logs as rooms with a log.
    pub(crate) fn keep<'a>(&self, logs: impl Iterator<Item = &'a LogId>) {
        let mut state = self.lock();
        for log in logs {
            let Some(name) = log.room() else { continue };
            match state.rooms.get_mut(name) {
                Some(room) => room.has_log = true,
                None => drop(state.rooms.insert(name.clone(), Room { has_log: true, ..Room::default() })),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn is_current(&self, user: &UserName, generation: Generation) -> bool {
        let owner = self.users.get(user).and_then(|user| user.current);
        planted(Bug::NoFence) || owner.is_some_and(|owner| owner.generation == generation)
    }
}
