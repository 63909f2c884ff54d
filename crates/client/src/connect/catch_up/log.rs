//! One log that is caught up with: what of it is missing, what is asked for next, and what waits until the answer is
//! there. It must not know the other logs, nor how anything is shown.

use std::collections::BTreeMap;

use parlor_proto::{Epoch, Event, HISTORY_MAX, LogEntry, MessageId, Target, Timestamp, UserName};

use crate::connect::received_ids::{Gap, ReceivedIds};

/// Maximum number of events that are held back until the answer arrives.
pub(super) const HELD_MAX: usize = 10_000;
/// Entries of pages that are remembered, to know them again.
const CAUGHT_MAX: usize = 2 * HISTORY_MAX;
/// What is asked for by `/history` beyond what was missed, since more is said until the answer is made.
const MARGIN: u64 = 20;

/// How entries of a log are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::connect) enum Way {
    /// By `/backlog`, page by page.
    Backlog,
    /// By `/history`, for the current room only: a server of a version before `/backlog`.
    History,
}

/// A part of a conversation that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) target: Target,
    /// The last entry that is not missing.
    pub(super) after: MessageId,
    pub(super) until: MessageId,
}

/// What came as the answer to a question.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) entries: Vec<LogEntry>,
    /// Whether the server has newer entries than these.
    pub(super) more: bool,
}

/// What a page brings.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct News {
    pub(super) target: Target,
    pub(super) entries: Vec<LogEntry>,
    /// Entries that were missed and are not to be had.
    pub(super) left_out: u64,
    pub(super) is_recent: bool,
}

/// A log that the client hears.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) seen: ReceivedIds,
    stage: Stage,
    /// Events that must be shown after the missing entries.
    held: Vec<Event>,
    /// How far the conversations were shown that a cut kept from being shown to their end.
    partial: BTreeMap<Target, MessageId>,
    /// The newest entries that were shown from pages: a server may tell of them once more, since what it says of a log
    /// can be ahead of what it has delivered.
    caught: BTreeMap<MessageId, Timestamp>,
}

#[derive(Debug)]
enum Stage {
    /// Nothing is missing.
    Done,
    /// The connection was lost; what is missing is not known yet.
    Away,
    /// The first of these is asked for, or has to be.
    Filling { gap: Gap, missing: Vec<Missing>, asked: Option<u64> },
    /// The user has gone elsewhere: an answer that still arrives is dropped, and what comes is shown at once.
    Left,
}

impl Log {
    pub(super) fn new(seen: ReceivedIds) -> Self {
        Self { seen, stage: Stage::Done, held: Vec::new(), partial: BTreeMap::new(), caught: BTreeMap::new() }
    }

    /// Whether the connection was lost while the client heard this log, and the log has not come back.
    pub(super) fn is_away(&self) -> bool {
        matches!(self.stage, Stage::Away)
    }

    /// Whether the client does not hear this log any more.
    pub(super) fn is_left(&self) -> bool {
        matches!(self.stage, Stage::Left)
    }

    /// Whether events of this log have to wait.
    pub(super) fn is_behind(&self) -> bool {
        matches!(self.stage, Stage::Away | Stage::Filling { .. })
    }

    /// The log is heard again, after a cut: `missing` says which parts of it there are between two numbers.
    pub(super) fn comes_back(
        &mut self,
        (epoch, last): (Epoch, MessageId),
        missing: impl FnOnce(MessageId, MessageId) -> Vec<Missing>,
    ) {
        if !self.seen.goes_on(epoch, last) {
            self.partial.clear();
        }
        let gap = self.seen.again(epoch, last);
        self.fill(gap, missing);
    }

    /// The log is entered, which is no cut: `gap` is what is shown of the time before.
    pub(super) fn is_entered(&mut self, gap: Option<Gap>, target: Target) {
        self.partial.clear();
        self.fill(gap, |after, until| vec![Missing { target, after, until }]);
    }

    fn fill(&mut self, gap: Option<Gap>, missing: impl FnOnce(MessageId, MessageId) -> Vec<Missing>) {
        self.stage = Stage::Done;
        let Some(gap) = gap else { return };
        let mut parts = missing(gap.after, gap.until);
        for part in &mut parts {
            part.after = part.after.max(self.partial.get(&part.target).copied().unwrap_or_default());
        }
        parts.retain(|part| part.after < part.until);
        if parts.is_empty() {
            self.seen.fill(&gap);
            self.partial.clear();
        } else {
            self.stage = Stage::Filling { gap, missing: parts, asked: None };
        }
    }

    /// The last entry before those that were missed in a cut, if any were.
    pub(super) fn missed_after(&self) -> Option<MessageId> {
        match &self.stage {
            Stage::Filling { gap, missing, .. } if !gap.is_recent => missing.first().map(|part| part.after),
            _ => None,
        }
    }

    /// What has to be asked for now, if anything: the conversation and the line.
    pub(super) fn question(&self, way: Way) -> Option<(Target, String)> {
        let Stage::Filling { missing, asked, .. } = &self.stage else { return None };
        let next = missing.first()?;
        let size = next.until.0 - next.after.0;
        let line = match (way, asked) {
            (Way::Backlog, None) => {
                format!("/backlog {} after {} {}", next.target, next.after, size.min(HISTORY_MAX as u64))
            }
            (Way::History, None) => format!("/history {}", history_count(size)),
            // An answer was too short.
            (Way::History, Some(0)) => format!("/history {HISTORY_MAX}"),
            (_, Some(_)) => return None,
        };
        Some((next.target.clone(), line))
    }

    /// The question is sent.
    pub(super) fn asked(&mut self) {
        if let Stage::Filling { missing, asked, .. } = &mut self.stage
            && let Some(next) = missing.first()
        {
            let more = asked.is_some();
            *asked = Some(if more { HISTORY_MAX as u64 } else { history_count(next.until.0 - next.after.0) });
        }
    }

    /// The answer to the question. Nothing if nobody waits for it any more.
    pub(super) fn answered(&mut self, page: Page, way: Way, user: &UserName) -> Option<News> {
        let Stage::Filling { gap, missing, asked } = &mut self.stage else { return None };
        let count = asked.take()?;
        let part = missing.first_mut()?;
        let (from, until) = (part.after, part.until);
        let is_direct = matches!(part.target, Target::Direct(_));
        let rest = gap.part(from, until);
        let oldest = page.entries.first().map(LogEntry::id);
        // Other conversations have numbers in the same log, so nothing can be said of those that are missing.
        let left_out = if is_direct { 0 } else { rest.older_than(oldest) };
        let is_full = page.entries.len() as u64 >= count;
        if way == Way::History && left_out > 0 && is_full && count < HISTORY_MAX as u64 {
            *asked = Some(0);
            return None;
        }
        let reached = page.entries.last().map_or(until, LogEntry::id).max(from);
        let is_over = way == Way::History || !page.more || page.entries.is_empty() || reached >= until;
        part.after = reached;
        let (target, is_recent) = (part.target.clone(), gap.is_recent);
        if is_over {
            missing.remove(0);
        }
        self.partial.insert(target.clone(), if is_over { until } else { reached });
        let in_gap = page.entries.iter().filter(|entry| from < entry.id() && entry.id() <= until);
        self.caught.extend(in_gap.map(|entry| (entry.id(), entry.time())));
        while self.caught.len() > CAUGHT_MAX {
            self.caught.pop_first();
        }
        let entries = page.entries.into_iter();
        let is_news = |entry: &LogEntry| rest.has(entry, user) && !is_own_invitation(entry, user);
        let entries = entries.filter(|entry| is_news(entry) && !self.seen.has_own(entry, user)).collect();
        Some(News { target, entries, left_out, is_recent })
    }

    /// Whether an event was shown already, as an entry of a page.
    pub(super) fn is_caught(&mut self, id: MessageId, time: Timestamp) -> bool {
        if self.caught.last_key_value().is_some_and(|(last, _)| *last < id) {
            // Entries are delivered in their order.
            self.caught.clear();
        }
        self.caught.get(&id) == Some(&time)
    }

    /// The events that waited, once nothing is missing any more.
    pub(super) fn release_if_filled(&mut self) -> Vec<Event> {
        match &self.stage {
            Stage::Done => std::mem::take(&mut self.held),
            Stage::Filling { missing, .. } if missing.is_empty() => self.give_up(),
            _ => Vec::new(),
        }
    }

    /// Goes on without what is missing. Returns the events that waited.
    pub(super) fn give_up(&mut self) -> Vec<Event> {
        if let Stage::Filling { gap, .. } = std::mem::replace(&mut self.stage, Stage::Done) {
            self.seen.fill(&gap);
            self.partial.clear();
        }
        std::mem::take(&mut self.held)
    }

    /// The client does not hear this log any more. Returns the events that waited.
    pub(super) fn leave(&mut self) -> Vec<Event> {
        self.stage = Stage::Left;
        self.partial.clear();
        std::mem::take(&mut self.held)
    }

    /// The connection is lost. Returns the events that waited; over the next connection they are missing.
    pub(super) fn is_cut(&mut self) -> Vec<Event> {
        if !self.is_left() {
            self.stage = Stage::Away;
        }
        std::mem::take(&mut self.held)
    }

    /// Holds an event back. Whether there was room for it; if not, it is missing, like all that was held back before:
    /// the log has them.
    pub(super) fn hold(&mut self, event: Event, id: Option<MessageId>) -> bool {
        self.held.push(event);
        if self.held.len() <= HELD_MAX {
            return true;
        }
        let Stage::Filling { gap, missing, .. } = &mut self.stage else {
            // What is missing is not known yet, and these will be found with it.
            self.held.clear();
            return true;
        };
        let (Some(id), [part]) = (id, missing.as_mut_slice()) else { return false };
        part.until = part.until.max(id);
        gap.until = gap.until.max(id);
        self.held.clear();
        true
    }
}

/// No reply tells the number that an invitation has in the inbox of who invites.
fn is_own_invitation(entry: &LogEntry, user: &UserName) -> bool {
    matches!(entry, LogEntry::Invited(invitation) if invitation.from == *user)
}

fn history_count(size: u64) -> u64 {
    size.saturating_add(MARGIN).min(HISTORY_MAX as u64)
}
