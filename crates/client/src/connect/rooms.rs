//! The rooms of a session, and the steps by which a new session gets those of the session before. It must not send,
//! print or wait.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use parlor_proto::{
    Action, Event, LogEntry, LostRoom, MessageId, ModerationEntry, RefusalCode, Reply, RoomName, UserName,
};

use super::requests::Question;

/// Pause before a step is tried again.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// Maximum number of repeats while the store is unreachable. The server may need some seconds for each answer.
const REPEATS: u32 = 5;

/// The rooms where a user is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rooms {
    pub(super) open: BTreeSet<RoomName>,
    /// Where plain lines go; `None` if the user has not said where they want to be.
    pub(super) current: Option<RoomName>,
    /// The room that was entered last by `/join`: the server does not remember it.
    joined: Option<RoomName>,
}

impl Rooms {
    /// Those of a session that begins in this room.
    pub(super) fn only(room: &RoomName) -> Self {
        Self { open: [room.clone()].into(), current: Some(room.clone()), joined: None }
    }

    /// For a user who wants to enter this room first.
    pub(super) fn wanted(room: Option<&RoomName>) -> Self {
        Self { open: BTreeSet::new(), current: room.cloned(), joined: room.cloned() }
    }

    /// Applies an event. Whether it answers a command that moves the user or their lines; `me` is the user.
    pub(super) fn note(&mut self, event: &Event, me: &UserName) -> bool {
        if let Some(room) = removed_from(event, me) {
            // If this room is the current one, the next event says which one takes its place.
            self.open.remove(room);
            self.joined.take_if(|joined| joined == room);
            return false;
        }
        match event {
            Event::Ok(Reply::Join { room, .. }) => {
                self.go(room, None);
                self.joined = Some(room.clone());
            }
            Event::Ok(Reply::Leave { left, room, .. }) => self.go(room, Some(left)),
            Event::Ok(Reply::Close { room, current }) => {
                self.open.remove(room);
                self.open.insert(current.clone());
                self.current = Some(current.clone());
            }
            Event::Ok(Reply::Switch { room }) => self.current = Some(room.clone()),
            Event::Ok(Reply::Open { room, .. }) => {
                self.open.insert(room.clone());
                return false;
            }
            Event::Sync(sync) => {
                self.open = sync.rooms.iter().map(|room| room.room.clone()).collect();
                self.current = Some(sync.current.clone());
                return false;
            }
            Event::Moved { room, .. } => {
                self.go(room, None);
                return false;
            }
            _ => return false,
        }
        true
    }

    /// Out of `left`, or out of the current room, and to another.
    fn go(&mut self, room: &RoomName, left: Option<&RoomName>) {
        if let Some(left) = left.or(self.current.as_ref()) {
            self.open.remove(left);
        }
        self.open.insert(room.clone());
        self.current = Some(room.clone());
    }
}

/// The room from which the user was removed by others, if an event says so.
pub(super) fn removed_from<'a>(event: &'a Event, me: &UserName) -> Option<&'a RoomName> {
    match event {
        Event::Moderated {
            room,
            entry: ModerationEntry { action: Action::Kick | Action::Ban, user: Some(user), .. },
        } if user == me => Some(room),
        _ => None,
    }
}

/// What says that the user was removed from a room by others, if these entries of its log do and the user said nothing
/// there after that.
pub(super) fn removal_in<'a>(entries: &'a [LogEntry], me: &UserName) -> Option<&'a ModerationEntry> {
    let last = entries.iter().rev().find(|entry| entry.from() == me || removes(entry, me))?;
    match last {
        LogEntry::Moderated(entry) if removes(last, me) => Some(entry),
        _ => None,
    }
}

fn removes(entry: &LogEntry, me: &UserName) -> bool {
    match entry {
        LogEntry::Moderated(ModerationEntry { action: Action::Kick | Action::Ban, user, .. }) => {
            user.as_ref() == Some(me)
        }
        _ => false,
    }
}

/// What to do after an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The next step.
    GoOn,
    /// The same step, after a pause.
    Again,
    /// Another session, after a longer pause: as long as it is not known where everything stands, nothing can be told
    /// from what was missed.
    Reconnect,
}

/// The way from the rooms at login to those that the user wants.
#[derive(Debug)]
pub(super) struct Restore {
    goal: Rooms,
    /// The room in which every session begins.
    lobby: RoomName,
    steps: VecDeque<Question>,
    /// The rooms that could not be entered.
    refused: BTreeSet<RoomName>,
    /// Those of them where the user is not wanted any more.
    barred: BTreeSet<RoomName>,
    repeats_left: u32,
    /// Whether the steps are others once the next room is left.
    is_outdated: bool,
    /// Whether the server knows `/sync`, once it has answered it.
    pub(super) knows_sync: bool,
}

impl Restore {
    pub(super) fn new(goal: &Rooms, lobby: &RoomName) -> Self {
        let goal = goal.clone();
        let is_wanted = |room: &&RoomName| goal.open.contains(*room) || goal.current.as_ref() == Some(*room);
        let join = goal.joined.as_ref().filter(is_wanted).filter(|room| *room != lobby);
        let steps = join.cloned().map(Question::Join).into_iter().chain([Question::Sync]).collect();
        let (lobby, refused, barred) = (lobby.clone(), BTreeSet::new(), BTreeSet::new());
        Self { goal, lobby, steps, refused, barred, repeats_left: REPEATS, is_outdated: false, knows_sync: true }
    }

    /// The same without the rooms that the server remembers.
    pub(super) fn of_session(goal: &Rooms, lobby: &RoomName) -> Self {
        let mut restore = Self::new(goal, lobby);
        restore.steps.retain(|step| *step != Question::Sync);
        let first = restore.steps.front().and_then(|step| match step {
            Question::Join(room) => Some(room.clone()),
            _ => None,
        });
        restore.plan(&Rooms::only(&first.unwrap_or_else(|| lobby.clone())));
        restore
    }

    /// The room where the user wants to be, if it is not the one where every session begins.
    pub(super) fn destination(&self) -> Option<&RoomName> {
        self.goal.current.as_ref().filter(|room| **room != self.lobby)
    }

    /// The next step. `None` once all are done.
    pub(super) fn step(&self) -> Option<&Question> {
        self.steps.front()
    }

    /// The answer to the step came; `now` are the rooms behind it.
    pub(super) fn answered(&mut self, event: &Event, now: &Rooms) -> Then {
        let is_away = matches!(event, Event::Error { code: RefusalCode::StoreUnavailable, .. });
        if is_away && self.repeats_left > 0 {
            self.repeats_left -= 1;
            return Then::Again;
        }
        if is_away && self.step() == Some(&Question::Sync) {
            return Then::Reconnect;
        }
        let is_refused = matches!(event, Event::Error { .. });
        match self.steps.pop_front() {
            Some(Question::Sync) if is_refused => self.knows_sync = false,
            Some(Question::Sync) => {
                if let Event::Sync(sync) = event {
                    sync.lost.iter().for_each(|lost| self.bar(&lost.room));
                }
                self.plan(now);
            }
            Some(Question::Close(_)) if std::mem::take(&mut self.is_outdated) => self.plan(now),
            Some(Question::Join(room) | Question::Open(room)) if is_barred(event) => self.bar(&room),
            Some(Question::Join(room) | Question::Open(room)) if is_refused => {
                self.refused.insert(room);
            }
            _ => {}
        }
        Then::GoOn
    }

    /// The user is not wanted in this room: it is not entered again.
    pub(super) fn bar(&mut self, room: &RoomName) {
        self.refused.insert(room.clone());
        self.barred.insert(room.clone());
    }

    /// Entries of a room were missed, from `after` on. They come before all else, since they may say that the user was removed.
    pub(super) fn look_into(&mut self, room: RoomName, after: MessageId) {
        self.steps.push_front(Question::Look(room, after));
    }

    /// The user was removed from this room while there was no connection, so it is left.
    pub(super) fn leave(&mut self, room: &RoomName) {
        self.bar(room);
        self.steps.retain(|step| matches!(step, Question::Look(..)));
        self.steps.push_front(Question::Close(room.clone()));
        self.is_outdated = true;
    }

    /// Whether the user is not wanted in this room any more.
    pub(super) fn is_barred(&self, room: &RoomName) -> bool {
        self.barred.contains(room)
    }

    /// The rooms that the server does not open again, without those that it has refused before.
    pub(super) fn newly_lost(&self, lost: &[LostRoom]) -> Vec<LostRoom> {
        lost.iter().filter(|lost| !self.refused.contains(&lost.room)).cloned().collect()
    }

    /// The remembered rooms are open again: what else is there to do.
    fn plan(&mut self, now: &Rooms) {
        let missing = self.goal.open.difference(&now.open).filter(|room| !self.refused.contains(*room));
        self.steps.extend(missing.cloned().map(Question::Open));
        let Some(current) = self.goal.current.clone().filter(|room| !self.refused.contains(room)) else { return };
        if now.current.as_ref() != Some(&current) {
            self.steps.push_back(Question::Switch(current.clone()));
        }
        let is_lobby_wanted = current == self.lobby || self.goal.open.contains(&self.lobby);
        if !is_lobby_wanted && !self.goal.open.is_empty() && now.open.contains(&self.lobby) {
            self.steps.push_back(Question::Close(self.lobby.clone()));
        }
    }
}

/// Whether another attempt to enter the room ends like this one.
fn is_barred(event: &Event) -> bool {
    matches!(event, Event::Error { code: RefusalCode::Banned | RefusalCode::InviteOnly, .. })
}

#[cfg(test)]
mod tests;
