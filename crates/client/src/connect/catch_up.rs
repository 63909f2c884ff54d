//! What was said while the connection was away, or before the user came, in every log that the client hears: what to
//! ask for, what of the answers is shown, and in which order with what comes meanwhile. It must not send, print or wait.

mod log;
mod place;

use std::collections::BTreeMap;

use parlor_proto::{DirectState, Epoch, Event, LogEntry, MessageId, Reply, RoomName, Sync, Target, UserName};

use super::received_ids::ReceivedIds;
use super::rooms::removed_from;
pub(super) use log::Way;
use log::{Log, Missing, News, Page};
use place::{LogName, place};

/// Rooms that the user left and of which it is known what was seen.
const LEFT_MAX: usize = 16;

/// Output that must be shown next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// A new event.
    Event(Event),
    /// Messages that were missed while there was no connection, oldest first.
    Missed {
        target: Target,
        entries: Vec<LogEntry>,
        /// Number of older missed messages that are not included.
        left_out: u64,
    },
    /// What was said before the user came, oldest first.
    Recent { target: Target, entries: Vec<LogEntry> },
    /// It cannot be had now.
    Unavailable(Target),
}

/// Brings all logs up to date after a connection was lost, and a room after it was entered. Everything that comes goes
/// through [`Self::sift`].
#[derive(Debug)]
pub(super) struct CatchUp {
    user: UserName,
    logs: BTreeMap<LogName, Log>,
    /// The rooms among them that the user left, the latest one last.
    left: Vec<RoomName>,
    /// How many messages from before they came people want to see.
    recent: usize,
    /// The current room of this session.
    current: Option<RoomName>,
    /// How this server is asked; `None` as long as that is not known.
    way: Option<Way>,
}

impl CatchUp {
    /// Shows at most so many `recent` messages of a room that is entered.
    pub(super) fn new(user: UserName, recent: usize) -> Self {
        Self { user, logs: BTreeMap::new(), left: Vec::new(), recent, current: None, way: None }
    }

    /// How the server is asked from now on.
    pub(super) fn use_way(&mut self, way: Way) {
        self.way = Some(way);
    }

    /// The session begins in this room, and stays there.
    pub(super) fn begin_in(&mut self, room: &RoomName, epoch: Epoch, last: MessageId) {
        self.enter(room, epoch, last);
        self.current = Some(room.clone());
    }

    /// The user enters the room, for the first time or again.
    fn enter(&mut self, room: &RoomName, epoch: Epoch, last: MessageId) {
        let (name, target) = (LogName::Room(room.clone()), Target::Room(room.clone()));
        self.left.retain(|left| left != room);
        match self.logs.remove(&name) {
            Some(mut log) if log.is_away() => {
                log.comes_back((epoch, last), |after, until| vec![Missing { target, after, until }]);
                self.logs.insert(name, log);
            }
            Some(log) if !log.is_left() => drop(self.logs.insert(name, log)),
            before => {
                let before = before.map(|log| log.seen);
                let (seen, gap) = ReceivedIds::enter(before, (epoch, last), self.recent);
                let mut log = Log::new(seen);
                log.is_entered(gap, target);
                self.logs.insert(name, log);
            }
        }
    }

    /// The user leaves the room. Returns what was held back.
    fn leave(&mut self, room: &RoomName) -> Vec<Shown> {
        let Some(log) = self.logs.get_mut(&LogName::Room(room.clone())) else { return Vec::new() };
        let held = log.leave();
        let held = fresh(log, held);
        self.left.retain(|left| left != room);
        self.left.push(room.clone());
        while self.left.len() > LEFT_MAX {
            self.logs.remove(&LogName::Room(self.left.remove(0)));
        }
        held
    }

    /// The server told where everything stands. What is known of no log counts as seen: the user is told how much of it
    /// is unread.
    fn synced(&mut self, sync: &Sync) {
        self.current = Some(sync.current.clone());
        for room in &sync.rooms {
            let log = self.logs.get(&LogName::Room(room.room.clone()));
            match log {
                Some(log) if log.is_away() => self.enter(&room.room, room.epoch, room.last),
                Some(log) if !log.is_left() => {}
                _ => {
                    self.left.retain(|left| *left != room.room);
                    self.begin(LogName::Room(room.room.clone()), room.epoch, room.last);
                }
            }
        }
        self.logs.retain(|name, _| match name {
            LogName::Feed(user) => sync.feeds.iter().any(|feed| feed.user == *user),
            LogName::Room(_) | LogName::Inbox => true,
        });
        for feed in &sync.feeds {
            let target = Target::Feed(feed.user.clone());
            self.come_back(LogName::of(&target), (feed.epoch, feed.last), |after, until| {
                vec![Missing { target, after, until }]
            });
        }
        let directs = &sync.directs;
        let conversation = |direct: &DirectState, after, until: MessageId| {
            let (target, until) = (Target::Direct(direct.user.clone()), until.min(direct.last));
            Missing { target, after, until }
        };
        self.come_back(LogName::Inbox, (sync.inbox.epoch, sync.inbox.last), |after, until| {
            let missed = directs.iter().rev().filter(|direct| direct.last > after);
            missed.map(|direct| conversation(direct, after, until)).collect()
        });
    }

    fn begin(&mut self, name: LogName, epoch: Epoch, last: MessageId) {
        self.logs.insert(name, Log::new(ReceivedIds::from_now(epoch, last)));
    }

    fn come_back(
        &mut self,
        name: LogName,
        (epoch, last): (Epoch, MessageId),
        missing: impl FnOnce(MessageId, MessageId) -> Vec<Missing>,
    ) {
        match self.logs.get_mut(&name) {
            Some(log) if log.is_away() => log.comes_back((epoch, last), missing),
            Some(_) => {}
            None => self.begin(name, epoch, last),
        }
    }

    /// All that could be entered again is entered: the other logs are not heard any more.
    pub(super) fn is_restored(&mut self) -> Vec<Shown> {
        let away = |(name, log): (&LogName, &Log)| match name {
            LogName::Room(room) if log.is_away() => Some(room.clone()),
            _ => None,
        };
        let gone: Vec<RoomName> = self.logs.iter().filter_map(away).collect();
        let mut shown: Vec<Shown> = gone.iter().flat_map(|room| self.leave(room)).collect();
        for log in self.logs.values_mut().filter(|log| log.is_away()) {
            shown.extend(released(log, Log::give_up));
        }
        shown
    }

    /// The last entry of a room before those that were missed in a cut, if any were.
    pub(super) fn missed_after(&self, room: &RoomName) -> Option<MessageId> {
        self.logs.get(&LogName::Room(room.clone()))?.missed_after()
    }

    /// Whether the server knows `/backlog`.
    pub(super) fn knows_backlog(&self) -> bool {
        self.way == Some(Way::Backlog)
    }

    /// The newest entry of a log that the user hears from now on.
    pub(super) fn begins_at(&mut self, target: &Target, event: &Event) {
        let Event::Backlog { epoch, entries, .. } = event else { return };
        let last = entries.last().map(LogEntry::id).unwrap_or_default();
        self.come_back(LogName::of(target), (*epoch, last), |_, _| Vec::new());
    }

    /// The next line to send, if any, and the conversation that it is about.
    pub(super) fn question(&self) -> Option<(Target, String)> {
        let way = self.way?;
        let is_possible = |name: &LogName| match (way, name) {
            (Way::Backlog, _) => true,
            (Way::History, LogName::Room(room)) => self.current.as_ref() == Some(room),
            (Way::History, _) => false,
        };
        self.logs.iter().filter(|(name, _)| is_possible(name)).find_map(|(_, log)| log.question(way))
    }

    /// The caller has sent the question about this conversation.
    pub(super) fn asked(&mut self, target: &Target) {
        if let Some(log) = self.logs.get_mut(&LogName::of(target)) {
            log.asked();
        }
    }

    /// The connection is lost. The missed messages are found again over the next connection. If there is no next one,
    /// the caller must show the returned events.
    pub(super) fn disconnected(&mut self) -> Vec<Event> {
        (self.way, self.current) = (None, None);
        self.logs.values_mut().flat_map(Log::is_cut).collect()
    }

    /// The answer to a question came.
    pub(super) fn answered(&mut self, target: &Target, event: Event) -> Vec<Shown> {
        let (way, name) = (self.way.unwrap_or(Way::Backlog), LogName::of(target));
        let Some(log) = self.logs.get_mut(&name) else { return Vec::new() };
        let page = match event {
            Event::Backlog { entries, more, .. } => Page { entries, more },
            Event::History { messages, .. } => {
                Page { entries: messages.into_iter().map(LogEntry::Message).collect(), more: false }
            }
            refusal => return self.refused(target, refusal),
        };
        let mut shown = Vec::new();
        if let Some(News { target, entries, left_out, is_recent }) = log.answered(page, way, &self.user) {
            if is_recent && !entries.is_empty() {
                shown.push(Shown::Recent { target, entries });
            } else if !is_recent && (!entries.is_empty() || left_out > 0) {
                shown.push(Shown::Missed { target, entries, left_out });
            }
        }
        shown.extend(released(log, Log::release_if_filled));
        shown
    }

    /// Continues without the missed messages, and reports that.
    fn refused(&mut self, target: &Target, refusal: Event) -> Vec<Shown> {
        let Some(log) = self.logs.get_mut(&LogName::of(target)).filter(|log| log.is_behind()) else {
            return Vec::new();
        };
        let mut shown = vec![Shown::Event(refusal), Shown::Unavailable(target.clone())];
        shown.extend(released(log, Log::give_up));
        shown
    }

    /// Returns what to show after `event` arrived, which answers none of the questions.
    pub(super) fn sift(&mut self, event: Event) -> Vec<Shown> {
        if let Some(room) = removed_from(&event, &self.user).cloned() {
            return self.thrown_out(&room, event);
        }
        let (mut shown, event) = match self.hold(event) {
            Ok(shown) => return shown,
            Err(event) => (Vec::new(), event),
        };
        match &event {
            Event::Ok(Reply::Join { room, epoch, last, .. }) => {
                shown = self.go_to(room);
                self.enter(room, *epoch, *last);
            }
            Event::Ok(Reply::Open { room, epoch, last, .. }) => self.enter(room, *epoch, *last),
            Event::Ok(Reply::Leave { left, room, epoch, last, .. }) => {
                shown = self.leave(left);
                self.enter(room, *epoch, *last);
                self.current = Some(room.clone());
            }
            Event::Moved { room, epoch, last, .. } => {
                shown = self.go_to(room);
                self.enter(room, *epoch, *last);
            }
            Event::Ok(Reply::Close { room, current }) => {
                shown = self.leave(room);
                self.current = Some(current.clone());
            }
            Event::Ok(Reply::Switch { room }) => self.current = Some(room.clone()),
            Event::Ok(Reply::Unsubscribe { user }) => drop(self.logs.remove(&LogName::Feed(user.clone()))),
            Event::Sync(sync) => self.synced(sync),
            other => self.take_note(other),
        }
        shown.push(Shown::Event(event));
        // What waited only to know whether anything is missing.
        shown.extend(self.logs.values_mut().flat_map(|log| released(log, Log::release_if_filled)));
        shown
    }

    /// The user is removed from a room by others: nothing more is heard of it. What waited comes before that.
    fn thrown_out(&mut self, room: &RoomName, event: Event) -> Vec<Shown> {
        let mut shown = self.leave(room);
        match self.logs.get_mut(&LogName::Room(room.clone())) {
            Some(log) => shown.extend(fresh(log, vec![event])),
            None => shown.push(Shown::Event(event)),
        }
        shown
    }

    /// The user goes to a room, and out of the current one.
    fn go_to(&mut self, room: &RoomName) -> Vec<Shown> {
        let before = self.current.replace(room.clone());
        before.filter(|before| before != room).map_or_else(Vec::new, |before| self.leave(&before))
    }

    /// Holds an event back if its log is behind. Gives it back if not.
    fn hold(&mut self, event: Event) -> Result<Vec<Shown>, Event> {
        let Some((name, id)) = place(&event) else { return Err(event) };
        let Some(log) = self.logs.get_mut(&name) else { return Err(event) };
        if is_caught(log, &event) {
            return Ok(Vec::new());
        }
        if !log.is_behind() {
            return Err(event);
        }
        if log.hold(event, id) {
            return Ok(Vec::new());
        }
        let target = match name {
            LogName::Room(room) => Target::Room(room),
            LogName::Feed(user) => Target::Feed(user),
            LogName::Inbox => Target::Direct(self.user.clone()),
        };
        let mut shown = vec![Shown::Unavailable(target)];
        shown.extend(released(log, Log::give_up));
        Ok(shown)
    }

    /// Records an entry of a log that is shown, or one of the user's own that was accepted.
    fn take_note(&mut self, event: &Event) {
        let own = || place::own(event).map(|(name, _)| name);
        let Some(name) = place::entry(event).map(|(name, ..)| name).or_else(own) else { return };
        match (self.logs.get_mut(&name), event) {
            (Some(log), _) if !log.is_left() => note(&mut log.seen, event),
            // The room that was wanted could not be entered: by speaking the user chooses the one where they are.
            (_, Event::Ok(Reply::Message { room, id, .. })) => {
                self.left.retain(|left| left != room);
                self.logs.insert(name, Log::new(ReceivedIds::from_own(*id)));
            }
            (_, Event::Publication { id, .. }) => drop(self.logs.insert(name, Log::new(ReceivedIds::from_own(*id)))),
            _ => {}
        }
    }
}

/// Releases the events that a log held back.
fn released(log: &mut Log, release: impl FnOnce(&mut Log) -> Vec<Event>) -> Vec<Shown> {
    let held = release(log);
    fresh(log, held)
}

/// Those of the events of a log that were not shown as entries of a page.
fn fresh(log: &mut Log, mut held: Vec<Event>) -> Vec<Shown> {
    held.retain(|event| !is_caught(log, event));
    held.iter().for_each(|event| note(&mut log.seen, event));
    held.into_iter().map(Shown::Event).collect()
}

fn is_caught(log: &mut Log, event: &Event) -> bool {
    place::entry(event).is_some_and(|(_, id, time)| log.is_caught(id, time))
}

/// Records in a log what is shown of it.
fn note(seen: &mut ReceivedIds, event: &Event) {
    if let Some((_, id, time)) = place::entry(event) {
        seen.heard(id, time);
    } else if let Some((_, id)) = place::own(event) {
        seen.said(id);
    }
}

#[cfg(test)]
mod tests;
