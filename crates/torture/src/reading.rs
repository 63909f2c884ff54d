//! The order in which a client reads logs to their ends when nobody says anything any more. It must not compare them.

use std::collections::VecDeque;

use crate::record::{Line, Range, Reply};

/// Number of entries of a page: the most that a server sends.
const PAGE: usize = 500;

/// The logs that a client still has to read.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// Each with the last number that was read; none before it is known which logs there are.
    queue: Option<VecDeque<(String, u64)>>,
    asked: bool,
}

impl Reading {
    /// The next line to send, once everything was answered.
    pub(crate) fn next(&mut self) -> Option<Line> {
        match &self.queue {
            None if std::mem::replace(&mut self.asked, true) => None,
            None => Some(Line::Sync),
            Some(queue) => {
                let (target, after) = queue.front()?.clone();
                Some(Line::Backlog { target, range: Range::After(after), count: PAGE })
            }
        }
    }

    /// Notes an answer. `others` are the logs to read besides the conversations.
    pub(crate) fn answered(&mut self, line: &Line, reply: &Reply, others: impl FnOnce() -> Vec<String>) {
        match (line, reply, &mut self.queue) {
            (Line::Sync, Reply::Synced { standings, .. }, None) if self.asked => {
                let targets = standings.iter().map(|standing| standing.target.clone());
                let directs = targets.filter(|target| target.starts_with('@'));
                self.queue = Some(directs.chain(others()).map(|target| (target, 0)).collect());
            }
            (Line::Sync, Reply::Refused { .. }, None) => self.asked = false,
            (Line::Backlog { .. }, Reply::Page { entries, more, .. }, Some(queue)) => {
                let last = entries.last().map(|entry| entry.id).filter(|_| *more);
                match (queue.front_mut(), last) {
                    (Some((_, after)), Some(last)) => *after = last,
                    _ => drop(queue.pop_front()),
                }
            }
            _ => {}
        }
    }

    /// Whether everything was read.
    pub(crate) fn is_done(&self) -> bool {
        self.queue.as_ref().is_some_and(VecDeque::is_empty)
    }
}
