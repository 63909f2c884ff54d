//! The thread of a server that ends what a dead server left behind. It must not look into Redis.

use crate::command::{Command, Reply};
use crate::design::Design;
use crate::keyspace::{Id, Notes, ROOMS, Ticket};

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    #[default]
    Idle,
    /// Takes sessions out of rooms: so many are done.
    Expelling {
        done: usize,
    },
    Reaping,
}

/// Whom it reaps, and what it saw of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Reaper {
    pub(crate) step: Step,
    pub(crate) dead: Id,
    seen: Vec<(u8, Notes)>,
}

impl Reaper {
    /// Begins with what there is of a dead server. `false` if nothing is to be done.
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
                // Not what was entered after it was looked at: that is put back by the server, which lives.
                let seq = if design.reaper_spares_the_new { noted.seq } else { u8::MAX };
                Command::Leave { room, ticket: Ticket { seq, ..noted } }
            }
            Step::Reaping => Command::Reap { id: self.dead, seen: self.seen.clone() },
        })
    }

    /// Goes on after an answer. `false` if all is done.
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

/// Who is to be taken out of which room.
fn expulsions(seen: &[(u8, Notes)]) -> Vec<(u8, Ticket)> {
    let all = seen.iter().flat_map(|&(generation, notes)| {
        (0..ROOMS).map(move |room| (room as u8, Ticket { generation, seq: notes[room] }))
    });
    all.filter(|(_, ticket)| ticket.seq > 0).collect()
}
