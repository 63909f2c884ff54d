//! The thread of a server that ends the sessions of a dead server. It must not look into Redis.

use crate::command::{Command, Reply};
use crate::design::Design;
use crate::keyspace::{Id, Notes, ROOMS, Ticket};

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    #[default]
    Idle,
    /// Removes sessions from rooms, and counts the removals that are done.
    Expelling {
        done: usize,
    },
    Reaping,
}

/// The server that it reaps, and the sessions that it saw there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Reaper {
    pub(crate) step: Step,
    pub(crate) dead: Id,
    seen: Vec<(u8, Notes)>,
}

impl Reaper {
    /// Begins with the sessions of a dead server. Returns `false` if there is nothing to do.
    pub(crate) fn start(&mut self, design: &Design, dead: Id, seen: Vec<(u8, Notes)>) -> bool {
        let step = if design.reaper_expels_first && !expulsions(&seen).is_empty() {
            Step::Expelling { done: 0 }
        } else {
            Step::Reaping
        };
        let has_work = !seen.is_empty();
        *self = if has_work { Self { step, dead, seen } } else { Self::default() };
        has_work
    }

    pub(crate) fn command(&self, design: &Design) -> Option<Command> {
        Some(match self.step {
            Step::Idle => return None,
            Step::Expelling { done } => {
                let (room, noted) = expulsions(&self.seen)[done];
                // This spares an enter after the check: a live server restored it.
                let seq = if design.reaper_spares_the_new { noted.seq } else { u8::MAX };
                Command::Leave { room, ticket: Ticket { seq, ..noted } }
            }
            Step::Reaping => Command::Reap { id: self.dead, seen: self.seen.clone() },
        })
    }

    /// Continues after an answer. Returns `false` if everything is done.
    pub(crate) fn answered(&mut self, design: &Design, _: &Reply) -> bool {
        let count = expulsions(&self.seen).len();
        self.step = match self.step {
            Step::Expelling { done } if done + 1 < count => Step::Expelling { done: done + 1 },
            Step::Expelling { .. } if design.reaper_expels_first => Step::Reaping,
            Step::Reaping if !design.reaper_expels_first && count > 0 => Step::Expelling { done: 0 },
            _ => Step::Idle,
        };
        let goes_on = self.step != Step::Idle;
        if !goes_on {
            *self = Self::default();
        }
        goes_on
    }
}

/// The users and tickets to remove, by room.
fn expulsions(seen: &[(u8, Notes)]) -> Vec<(u8, Ticket)> {
    let all = seen.iter().flat_map(|&(generation, notes)| {
        (0..ROOMS).map(move |room| (room as u8, Ticket { generation, seq: notes[room] }))
    });
    all.filter(|(_, ticket)| ticket.seq > 0).collect()
}
