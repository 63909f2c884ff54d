//! State that lives as long as the process: sessions, memberships and failed logins. Both embedded
//! stores share it. It must not keep data that must survive the process.

#[cfg(feature = "sqlite")]
mod administration;
mod bus;
mod governance;
mod login_limiter;
mod rooms;
mod sessions;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parlor_core::ConnectionId;
use parlor_core::planted::{Bug, planted};
use parlor_core::ports::{Append, AppendResult, Destination, LogId, Sink};
use parlor_core::rights::{Denial, Holder, Person, RoomRights};
use parlor_proto::{Generation, RoomName, Timestamp, UserName};

use crate::sync::{Condvar, Mutex, MutexGuard, lock};

pub use bus::InProcessBus;
#[cfg(feature = "sqlite")]
pub(crate) use governance::StagedAct;
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
    members: BTreeMap<UserName, Seat>,
    /// Whether the room has a log. A room with a log is kept even without members.
    has_log: bool,
    /// None if nobody made the room and nothing was set: then it belongs to the operators.
    rights: Option<Box<RoomRights>>,
    /// Sessions that were removed and have not entered again.
    removed: BTreeMap<UserName, Generation>,
}

/// The place of a session in a room.
#[derive(Debug, Clone, Copy)]
struct Seat {
    generation: Generation,
    /// When the account of the user was created.
    account: Timestamp,
    is_operator: bool,
}

impl Seat {
    fn person(&self, user: &UserName) -> Person {
        Person { holder: Holder { user: user.clone(), account: self.account }, is_operator: self.is_operator }
    }
}

impl Room {
    /// Whether it is kept without members.
    fn is_kept(&self) -> bool {
        self.has_log || self.rights.as_ref().is_some_and(|rights| !rights.is_bare())
    }
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

    /// Whether the author's session may append: to a room only as its member who may speak there, elsewhere only if no later
    /// session was claimed. One lookup of the room answers both.
    ///
    /// # Errors
    /// The result of the append that is refused.
    pub(crate) fn judge(&self, append: &Append) -> Result<(), AppendResult> {
        if planted(Bug::NoFence) {
            return Ok(());
        }
        let state = self.lock();
        let is_current = || state.is_current(&append.author, append.generation);
        match &append.to {
            Destination::Room(room) | Destination::Edit { room, .. } => {
                let room = state.rooms.get(room);
                let was_removed =
                    || room.is_some_and(|room| room.removed.get(&append.author) == Some(&append.generation));
                let seat = room.and_then(|room| Some((room, room.members.get(&append.author)?)));
                match seat.filter(|(_, seat)| seat.generation == append.generation) {
                    Some((Room { rights: Some(rights), .. }, _)) if rights.lets_everybody_speak() => Ok(()),
                    Some((Room { rights: Some(rights), .. }, seat)) => {
                        let judged = rights.judge_speaking(&seat.person(&append.author), append.time);
                        judged.map_err(AppendResult::Denied)
                    }
                    Some((Room { rights: None, .. }, _)) => Ok(()),
                    // Without a room there is no seat that a later session could have.
                    None if was_removed() || (room.is_none() && is_current()) => {
                        Err(AppendResult::Denied(Denial::NotInRoom))
                    }
                    None => Err(AppendResult::Fenced),
                }
            }
            Destination::Feed | Destination::Direct(_) if is_current() => Ok(()),
            Destination::Feed | Destination::Direct(_) => Err(AppendResult::Fenced),
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

#[cfg(test)]
mod tests;
