//! What was said in a room while the connection was away, or before the user came: what to ask for, what of the answer
//! is shown, and in which order with what comes meanwhile. It must not send, print or wait.

use std::collections::VecDeque;

use parlor_proto::{Epoch, Event, HISTORY_MAX, HistoryEntry, MessageId, Reply, RoomName, UserName, Verb};

use super::received_ids::{Gap, ReceivedIds};

/// Maximum number of events that are held back until the answer arrives.
const HELD_MAX: usize = 10_000;
/// Rooms that the user left and of which it is known what was seen.
const LEFT_MAX: usize = 16;
/// What is asked for beyond what was missed, since more is said until the answer is made.
const MARGIN: u64 = 20;

/// Output that must be shown next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// A new event.
    Event(Event),
    /// Messages that were missed while there was no connection, oldest first.
    Missed {
        room: RoomName,
        messages: Vec<HistoryEntry>,
        /// Number of older missed messages that are not included.
        left_out: u64,
    },
    /// What was said before the user came, oldest first.
    Recent { room: RoomName, messages: Vec<HistoryEntry> },
    /// It cannot be had now.
    HistoryUnavailable(RoomName),
}

/// Brings a room up to date after a connection was lost, or after it was entered. Everything that comes goes through
/// [`Self::sift`].
#[derive(Debug)]
pub(super) struct CatchUp {
    user: UserName,
    /// Sent in a ping before our `/history`. It separates the answer to ours from the answers to the user's own.
    token: String,
    /// The room that the user chose last. The session may be in another room if this one cannot be entered.
    seen: Option<ReceivedIds>,
    /// Those that the user was in before, the latest one last.
    left: VecDeque<ReceivedIds>,
    /// How many messages from before they came people want to see.
    recent: usize,
    stage: Stage,
    /// Events of the room that must be shown after the missed messages.
    held: Vec<Event>,
}

#[derive(Debug, Default)]
enum Stage {
    /// No request is needed.
    #[default]
    Done,
    /// The newest `count` entries must be requested.
    ToAsk { gap: Gap, count: u64 },
    /// The entries were requested. `gap` is `None` once the answer is not needed any more.
    Asked { gap: Option<Gap>, count: u64, pong_came: bool },
}

impl CatchUp {
    /// Shows at most so many `recent` messages of a room that is entered.
    pub(super) fn new(user: UserName, recent: usize) -> Self {
        let token = format!("catch-up-{:016x}", crate::random());
        let (seen, left, held) = (None, VecDeque::new(), Vec::new());
        Self { user, token, seen, left, recent, stage: Stage::default(), held }
    }

    /// The user enters the room, for the first time or again.
    pub(super) fn enter(&mut self, room: &RoomName, epoch: Epoch, last: MessageId) {
        self.forget_gap();
        let gap = match self.seen.as_mut().filter(|seen| seen.room() == room) {
            Some(seen) => seen.again(epoch, last),
            None => {
                let before = self.take_left(room);
                let (seen, gap) = ReceivedIds::enter(before, room, (epoch, last), self.recent);
                self.go_on_with(seen);
                gap
            }
        };
        if let Some(gap) = gap {
            let count = gap.size().saturating_add(MARGIN).min(HISTORY_MAX as u64);
            self.stage = Stage::ToAsk { gap, count };
        }
    }

    /// What was seen of a room that the user comes back to.
    fn take_left(&mut self, room: &RoomName) -> Option<ReceivedIds> {
        let at = self.left.iter().position(|seen| seen.room() == room)?;
        self.left.remove(at)
    }

    fn go_on_with(&mut self, seen: ReceivedIds) {
        if let Some(before) = self.seen.replace(seen) {
            self.left.push_back(before);
        }
        if self.left.len() > LEFT_MAX {
            self.left.pop_front();
        }
    }

    /// The lines to send now, if any. They must stay together.
    pub(super) fn question(&self) -> Option<String> {
        match &self.stage {
            Stage::ToAsk { count, .. } => Some(format!("/ping {}\n/history {count}", self.token)),
            _ => None,
        }
    }

    /// The caller has sent the question.
    pub(super) fn asked(&mut self) {
        self.stage = match std::mem::take(&mut self.stage) {
            Stage::ToAsk { gap, count } => Stage::Asked { gap: Some(gap), count, pong_came: false },
            other => other,
        };
    }

    /// The connection is lost. The missed messages are found again over the next connection. If there is no next one,
    /// the caller must show the returned events.
    pub(super) fn disconnected(&mut self) -> Vec<Event> {
        self.stage = Stage::Done;
        std::mem::take(&mut self.held)
    }

    /// Returns what to show after `event` arrived.
    pub(super) fn sift(&mut self, event: Event) -> Vec<Shown> {
        match event {
            Event::Message { ref room, .. } | Event::Joined { ref room, .. } | Event::Left { ref room, .. }
                if self.is_behind(room) =>
            {
                self.hold(event)
            }
            Event::Pong { token: Some(ref token) } if *token == self.token => {
                if let Stage::Asked { pong_came, .. } = &mut self.stage {
                    *pong_came = true;
                }
                Vec::new()
            }
            Event::History { room, messages } if self.is_due() => self.answered(&room, messages),
            Event::Error { command: Some(Verb::History), .. } if self.is_due() => self.refused(event),
            Event::Ok(Reply::Join { ref room, epoch, last, .. } | Reply::Leave { ref room, epoch, last, .. }) => {
                let mut shown = self.release();
                self.enter(room, epoch, last);
                shown.push(Shown::Event(event));
                shown
            }
            other => {
                self.note(&other);
                vec![Shown::Event(other)]
            }
        }
    }

    /// Whether missed messages of this room must be shown before new ones.
    fn is_behind(&self, room: &RoomName) -> bool {
        match &self.stage {
            Stage::ToAsk { gap, .. } | Stage::Asked { gap: Some(gap), .. } => gap.room == *room,
            Stage::Done | Stage::Asked { gap: None, .. } => false,
        }
    }

    /// Whether the next answer to `/history` is the answer to our own question.
    fn is_due(&self) -> bool {
        matches!(self.stage, Stage::Asked { pong_came: true, .. })
    }

    fn hold(&mut self, event: Event) -> Vec<Shown> {
        self.held.push(event);
        if self.held.len() <= HELD_MAX {
            return Vec::new();
        }
        self.forget_gap().map_or_else(Vec::new, |gap| self.give_up(gap))
    }

    fn answered(&mut self, room: &RoomName, messages: Vec<HistoryEntry>) -> Vec<Shown> {
        let Stage::Asked { gap: Some(gap), count, .. } = std::mem::take(&mut self.stage) else { return Vec::new() };
        let left_out = gap.older_than(messages.first().map(|oldest| oldest.id));
        let is_full = messages.len() as u64 >= count;
        if left_out > 0 && is_full && count < HISTORY_MAX as u64 {
            self.stage = Stage::ToAsk { gap, count: HISTORY_MAX as u64 };
            return Vec::new();
        }
        if let Some(seen) = self.seen.as_mut() {
            seen.fill(&gap);
        }
        let messages: Vec<_> = messages.into_iter().filter(|entry| gap.has(entry, &self.user)).collect();
        let room = room.clone();
        let mut shown = Vec::new();
        if gap.is_recent && !messages.is_empty() {
            shown.push(Shown::Recent { room, messages });
        } else if !gap.is_recent && (!messages.is_empty() || left_out > 0) {
            shown.push(Shown::Missed { room, messages, left_out });
        }
        shown.extend(self.release());
        shown
    }

    fn refused(&mut self, event: Event) -> Vec<Shown> {
        let Stage::Asked { gap: Some(gap), .. } = std::mem::take(&mut self.stage) else { return Vec::new() };
        let mut shown = vec![Shown::Event(event)];
        shown.extend(self.give_up(gap));
        shown
    }

    /// Continues without the missed messages, and reports that.
    fn give_up(&mut self, gap: Gap) -> Vec<Shown> {
        if let Some(seen) = self.seen.as_mut() {
            seen.fill(&gap);
        }
        let mut shown = vec![Shown::HistoryUnavailable(gap.room)];
        shown.extend(self.release());
        shown
    }

    /// From now on no event is held back. An answer that still arrives is dropped.
    fn forget_gap(&mut self) -> Option<Gap> {
        if let Stage::Asked { gap, .. } = &mut self.stage {
            return gap.take();
        }
        match std::mem::take(&mut self.stage) {
            Stage::ToAsk { gap, .. } => Some(gap),
            Stage::Done | Stage::Asked { .. } => None,
        }
    }

    /// Releases the events that were held back.
    fn release(&mut self) -> Vec<Shown> {
        let held = std::mem::take(&mut self.held);
        held.into_iter().inspect(|event| self.note(event)).map(Shown::Event).collect()
    }

    /// Records a message of the room that is shown.
    fn note(&mut self, event: &Event) {
        let (Event::Message { room, .. } | Event::Ok(Reply::Message { room, .. })) = event else { return };
        if let Event::Ok(Reply::Message { id, .. }) = event
            && self.seen.as_ref().is_none_or(|seen| seen.room() != room)
        {
            // The room that was wanted could not be entered: by speaking the user chooses the one where they are.
            self.take_left(room);
            self.go_on_with(ReceivedIds::from_own(room.clone(), *id));
        }
        let Some(seen) = self.seen.as_mut().filter(|seen| seen.room() == room) else { return };
        match event {
            Event::Message { id, time, .. } => seen.heard(*id, *time),
            Event::Ok(Reply::Message { id, .. }) => seen.said(*id),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
