//! One connection of the user and the thread that serves it: which command follows which answer. It must not look into
//! Redis.

use crate::command::{Command, Reply};
use crate::design::Design;
use crate::keyspace::{Bits, Id, LOBBY, Ticket, first, rest};
use crate::leftover::Leftover;

/// The command that the thread waits for, or its state without one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Outside,
    Claiming {
        over: Option<Id>,
    },
    Looking {
        owner: Id,
    },
    /// Only without `notice_in_claim`.
    Telling {
        displaced: Bits,
    },
    /// Only without `index_first`; otherwise it is one step with the start.
    Indexing,
    /// Searches for the earlier sessions.
    Awaiting,
    Evicting {
        rooms: Bits,
    },
    /// Looks up and follows what its client will hear. What that finds does not matter here.
    Following,
    Noting {
        to: u8,
    },
    Entering {
        to: u8,
    },
    /// Logged in, with nothing to do.
    Idle,
    Leaving {
        from: u8,
    },
    Forgetting {
        from: u8,
    },
    Releasing,
    Gone,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Connection {
    pub(crate) number: u8,
    pub(crate) server: u8,
    pub(crate) step: Step,
    /// The server's id when the claim, or the enter, began.
    pub(crate) id: Id,
    /// 0 before the claim was granted.
    pub(crate) generation: u8,
    pub(crate) seq: u8,
    /// Number with which its claim noted the lobby, until it enters; 0 is none.
    pub(crate) noted: u8,
    /// Number of the claim, enter or leave in progress.
    pub(crate) own_seq: u8,
    /// Whether the enter in progress is past its deadline, which is taken together with its number.
    pub(crate) late: bool,
    /// The room that its client is in, once the login is answered.
    pub(crate) room: Option<u8>,
    /// The server's record of the session, and the rooms that the server knows it is in. A restore uses both.
    pub(crate) is_kept: bool,
    pub(crate) rooms: Bits,
    /// It is about to end.
    pub(crate) departs: bool,
    /// It was notified that it was displaced.
    pub(crate) told: bool,
    /// The server must check whether its session still exists.
    pub(crate) check: bool,
    pub(crate) moves: u8,
    pub(crate) spoke: bool,
    /// The cleanups that it defers.
    pub(crate) put_off: Vec<Leftover>,
}

/// The part of the world that a step needs.
#[derive(Clone, Copy)]
pub(crate) struct Here<'a> {
    pub(crate) design: &'a Design,
    /// The server's current id.
    pub(crate) id: Id,
    /// Whether the server lets its clients begin anything.
    pub(crate) may_begin: bool,
    pub(crate) rejects: bool,
}

impl Connection {
    pub(crate) fn new(number: u8, server: u8) -> Self {
        Self {
            number,
            server,
            step: Step::Outside,
            id: Id { server, life: 0 },
            generation: 0,
            seq: 0,
            noted: 0,
            own_seq: 0,
            late: false,
            room: None,
            is_kept: false,
            rooms: 0,
            departs: false,
            told: false,
            check: false,
            moves: 0,
            spoke: false,
            put_off: Vec::new(),
        }
    }

    pub(crate) fn is_active(&self) -> bool {
        !matches!(self.step, Step::Outside | Step::Gone)
    }

    fn ticket(&self) -> Ticket {
        Ticket { generation: self.generation, seq: self.own_seq }
    }

    /// Draws a new number.
    pub(crate) fn draw(&mut self) -> Ticket {
        self.seq += 1;
        Ticket { generation: self.generation, seq: self.seq }
    }

    /// The command that it waits for, if any.
    pub(crate) fn command(&self, here: Here<'_>) -> Option<Command> {
        let (id, connection, generation, ticket) = (self.id, self.number, self.generation, self.ticket());
        Some(match self.step {
            Step::Outside | Step::Idle | Step::Gone => return None,
            Step::Claiming { over } => {
                Command::Claim { id, connection, note: self.own_seq, over, rejects: here.rejects }
            }
            Step::Looking { owner } => Command::Look { id: owner },
            Step::Telling { displaced } => Command::Tell { connections: displaced },
            Step::Indexing => Command::Index { id, connection },
            Step::Awaiting => Command::Predecessors { generation },
            Step::Evicting { rooms } => Command::Evict { room: first(rooms), generation },
            Step::Following => Command::Look { id },
            Step::Noting { to } => Command::Note { room: to, ticket },
            Step::Entering { to } => Command::Enter { room: to, ticket, by: id, late: self.late },
            Step::Leaving { from } => Command::Leave { room: from, ticket },
            Step::Forgetting { from } => Command::Forget { room: from, ticket },
            Step::Releasing => Command::Release { generation },
        })
    }

    /// A client connects and logs in.
    pub(crate) fn start(&mut self, here: Here<'_>) {
        self.id = here.id;
        self.own_seq = self.draw().seq;
        self.step = Step::Claiming { over: None };
    }

    /// Continues after an answer.
    pub(crate) fn answered(&mut self, here: Here<'_>, reply: Reply) {
        match (self.step.clone(), reply) {
            (Step::Claiming { .. }, Reply::Granted { generation, displaced }) => {
                self.generation = generation;
                self.is_kept = true;
                self.noted = self.own_seq;
                let tells = displaced != 0 && !here.design.notice_in_claim;
                self.step = if tells { Step::Telling { displaced } } else { after_claim(here) };
            }
            (Step::Claiming { .. }, Reply::Taken(owner)) => self.step = Step::Looking { owner },
            // An earlier copy of the claim may have been granted.
            (Step::Claiming { .. }, _) | (Step::Looking { .. }, Reply::Alive) => self.give_claim_up(here),
            (Step::Looking { owner }, _) => self.step = Step::Claiming { over: Some(owner) },
            (Step::Telling { .. }, _) => self.step = after_claim(here),
            (Step::Indexing, _) => self.step = Step::Awaiting,
            (Step::Awaiting, Reply::Rooms(rooms)) => self.settle(here, rooms),
            (Step::Awaiting, _) => self.depart(),
            (Step::Evicting { rooms }, _) => self.settle(here, rest(rooms)),
            (Step::Following, _) => self.begin_entering(here, LOBBY),
            (Step::Noting { to } | Step::Entering { to }, reply) => self.went_on(here, to, &reply),
            (Step::Leaving { from }, _) => self.step = Step::Forgetting { from },
            (Step::Forgetting { .. }, _) => self.left(),
            (Step::Releasing, _) => self.step = Step::Gone,
            (Step::Outside | Step::Idle | Step::Gone, _) => {}
        }
    }

    fn give_claim_up(&mut self, here: Here<'_>) {
        self.step = Step::Gone;
        if here.design.failed_claim_undone {
            self.put_off.push(Leftover::Claim { connection: self.number, id: self.id });
        }
    }

    /// Evicts the earlier sessions, then enters the lobby. The wait for their end may stop at any time, so it is not a
    /// step.
    fn settle(&mut self, here: Here<'_>, rooms: Bits) {
        match self.room {
            _ if rooms != 0 && (here.design.evict_first || self.room.is_some()) => self.step = Step::Evicting { rooms },
            None => self.step = Step::Following,
            Some(_) => self.idle(),
        }
    }

    fn begin_entering(&mut self, here: Here<'_>, to: u8) {
        if !here.may_begin {
            return self.depart();
        }
        let noted = std::mem::take(&mut self.noted);
        let notes = here.design.note_first && (noted == 0 || to != LOBBY);
        let is_as_noted = !notes && here.design.note_first && here.design.enters_as_noted;
        self.own_seq = if is_as_noted { noted } else { self.draw().seq };
        self.late = false;
        self.id = here.id;
        self.step = if notes { Step::Noting { to } } else { Step::Entering { to } };
    }

    fn went_on(&mut self, here: Here<'_>, to: u8, reply: &Reply) {
        let is_noting = matches!(self.step, Step::Noting { .. });
        match reply {
            Reply::Done if is_noting && here.design.note_first => self.step = Step::Entering { to },
            Reply::Done if !is_noting && !here.design.note_first => self.step = Step::Noting { to },
            Reply::Done => self.entered(here, to),
            Reply::Late => self.failed_to_enter(here, to),
            _ if self.room.is_none() => self.depart(),
            // The restorer finds out whether the session was displaced or only reaped.
            _ => {
                self.check = true;
                self.idle();
            }
        }
    }

    fn entered(&mut self, here: Here<'_>, to: u8) {
        self.rooms |= 1 << to;
        match self.room.replace(to) {
            Some(from) => self.leave(from),
            None if here.design.evict_first => self.idle(),
            None => self.step = Step::Awaiting,
        }
    }

    /// The result of the enter is unknown.
    fn failed_to_enter(&mut self, here: Here<'_>, room: u8) {
        if here.design.failed_enter_undone {
            self.put_off.push(Leftover::Membership { ticket: self.ticket(), room, has_left: false });
        }
        if self.room.is_none() { self.depart() } else { self.idle() }
    }

    /// First the server records that the session has left. Otherwise the membership could be restored in between.
    fn leave(&mut self, from: u8) {
        self.rooms &= !(1 << from);
        self.own_seq = self.draw().seq;
        self.step = Step::Leaving { from };
    }

    fn left(&mut self) {
        if self.departs { self.release() } else { self.idle() }
    }

    /// Becomes idle, unless it was displaced in the meantime.
    fn idle(&mut self) {
        self.step = Step::Idle;
        self.late = false;
        if self.told {
            self.depart();
        }
    }

    pub(crate) fn move_to(&mut self, here: Here<'_>, to: u8) {
        self.moves += 1;
        self.begin_entering(here, to);
    }

    pub(crate) fn displaced(&mut self) {
        self.told = true;
        if self.step == Step::Idle {
            self.depart();
        }
    }

    /// Ends: leaves the room, then releases the session.
    pub(crate) fn depart(&mut self) {
        self.departs = true;
        match self.room.take() {
            Some(room) => self.leave(room),
            None => self.release(),
        }
    }

    fn release(&mut self) {
        self.is_kept = false;
        self.rooms = 0;
        self.step = Step::Releasing;
    }

    /// Defers the release.
    pub(crate) fn put_release_off(&mut self) {
        let (connection, generation) = (self.number, self.generation);
        self.put_off.push(Leftover::Session { connection, generation });
        self.step = Step::Gone;
    }

    /// Whether a timeout of this step is modelled. In reality every step has a timeout, but for the other steps it
    /// changes nothing.
    pub(crate) fn may_time_out(&self) -> bool {
        !matches!(
            self.step,
            Step::Looking { .. } | Step::Telling { .. } | Step::Indexing | Step::Awaiting | Step::Following
        )
    }

    pub(crate) fn timed_out(&mut self, here: Here<'_>) {
        match self.step {
            Step::Claiming { .. } => self.give_claim_up(here),
            Step::Noting { to } | Step::Entering { to } => self.failed_to_enter(here, to),
            Step::Leaving { from: room } | Step::Forgetting { from: room } => {
                self.put_off.push(Leftover::Membership { ticket: self.ticket(), room, has_left: false });
                self.left();
            }
            Step::Releasing => self.put_release_off(),
            _ => self.depart(),
        }
    }

    /// Whether an operation is in progress that changes its rooms or ends it.
    pub(crate) fn is_entering_or_leaving(&self) -> bool {
        use Step::{Entering, Forgetting, Leaving, Noting, Releasing};
        matches!(self.step, Noting { .. } | Entering { .. } | Leaving { .. } | Forgetting { .. } | Releasing)
    }

    /// The room that it is about to enter.
    pub(crate) fn enters(&self) -> Option<u8> {
        match self.step {
            Step::Noting { to } | Step::Entering { to } => Some(to),
            _ => None,
        }
    }
}

fn after_claim(here: Here<'_>) -> Step {
    if here.design.index_first { Step::Awaiting } else { Step::Indexing }
}
