//! Redis as the protocol sees it: its data, and the scripts. Each script is atomic and within one slot: that of the
//! user, of a room, or of a server. It must not know the caller.

use crate::command::{Command, Reply};
use crate::design::Design;

pub(crate) const ROOMS: usize = 2;
pub(crate) const LOBBY: u8 = 0;

/// A small set of rooms or connections.
pub(crate) type Bits = u8;

pub(crate) fn bits(set: Bits) -> impl Iterator<Item = u8> {
    (0..8).filter(move |bit| set & (1 << bit) != 0)
}

/// The smallest element of a set that is not empty.
pub(crate) fn first(set: Bits) -> u8 {
    bits(set).next().unwrap_or_default()
}

/// The other elements.
pub(crate) fn rest(set: Bits) -> Bits {
    set & set.wrapping_sub(1)
}

/// One run of a server, from a lease to its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(crate) server: u8,
    pub(crate) life: u8,
}

/// The number of an operation of a session. Each is larger than those before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Ticket {
    pub(crate) generation: u8,
    pub(crate) seq: u8,
}

/// The rooms that a session may be in, each with the number of the enter that was noted; 0 is none.
pub(crate) type Notes = [u8; ROOMS];

pub(crate) fn noted(notes: Notes) -> Bits {
    (0..ROOMS).filter(|&room| notes[room] > 0).fold(0, |set, room| set | 1 << room)
}

/// A session, current or displaced.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Record {
    pub(crate) generation: u8,
    pub(crate) connection: u8,
    pub(crate) owner: Id,
    pub(crate) notes: Notes,
}

/// A member of a room.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Member {
    pub(crate) entered: Ticket,
    /// Number of its last append, or of its enter.
    pub(crate) said: u8,
}

/// The slot of a room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Room {
    pub(crate) member: Option<Member>,
    /// Sessions before this generation are rejected.
    pub(crate) fence: Option<u8>,
    /// Whether the listeners consider the user a member.
    pub(crate) heard: bool,
}

/// The slot of a server, its lease, and that it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Life {
    pub(crate) id: Id,
    pub(crate) leased: bool,
    /// The reverse index: connections that may have a session.
    pub(crate) index: Bits,
}

/// Events that must never happen, recorded when they happen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Wrongs {
    pub(crate) spoke_after_successor: bool,
    pub(crate) stored_twice: bool,
    pub(crate) announced_wrongly: bool,
    pub(crate) displaced_the_living: bool,
    pub(crate) reaped_the_living: bool,
    pub(crate) displaced_the_last: bool,
    pub(crate) began_behind_a_fence: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Redis {
    /// The newest generation that was issued. It also follows the clock, so it grows even if all data is lost.
    pub(crate) last: u8,
    /// The newest generation as it is stored with the account.
    pub(crate) kept: u8,
    pub(crate) session: Option<Record>,
    pub(crate) ending: Vec<Record>,
    pub(crate) rooms: [Room; ROOMS],
    pub(crate) lives: Vec<Life>,
    /// Connections whose servers must be notified that they were displaced.
    pub(crate) notices: Bits,
    /// The newest generation whose login was answered, and connections whose message was stored.
    pub(crate) answered: u8,
    pub(crate) said: Bits,
    pub(crate) wrongs: Wrongs,
    pub(crate) emptied: bool,
}

impl Redis {
    /// Runs a command.
    pub(crate) fn execute(&mut self, design: &Design, command: &Command) -> Reply {
        match *command {
            Command::Index { id, connection } => self.index(id, connection),
            Command::Claim { id, connection, note, over, rejects } => {
                let mut record = Record { generation: 0, connection, owner: id, notes: [0; ROOMS] };
                record.notes[usize::from(LOBBY)] = if design.claim_notes { note } else { 0 };
                self.claim(design, record, over, rejects)
            }
            Command::Look { id } if self.is_leased(id) => Reply::Alive,
            Command::Look { .. } => Reply::Dead,
            Command::Tell { connections } => {
                self.notices |= connections;
                Reply::Done
            }
            Command::CancelClaim { connection } => self.cancel_claim(connection),
            Command::Predecessors { generation } => self.predecessors(generation),
            Command::Evict { room, generation } => self.evict(design, room, generation),
            Command::Note { room, ticket } => self.note(room, ticket),
            Command::Forget { room, ticket } => self.forget(design, room, ticket),
            Command::Enter { room, ticket, by, late } => self.enter(design, room, ticket, by, late),
            Command::Leave { room, ticket } => self.leave(room, ticket),
            Command::Append { room, ticket, connection } => self.append(design, room, ticket, connection),
            Command::Release { generation } => self.release(generation),
            Command::Restore { id, generation, connection } => {
                self.restore(design, Record { generation, connection, owner: id, notes: [0; ROOMS] })
            }
            Command::Reap { id, ref seen } => self.reap(id, seen),
        }
    }

    pub(crate) fn life(&mut self, id: Id) -> Option<&mut Life> {
        self.lives.iter_mut().find(|life| life.id == id)
    }

    pub(crate) fn is_leased(&self, id: Id) -> bool {
        self.lives.iter().any(|life| life.id == id && life.leased)
    }

    /// A session begins to enter. If it is the newest, no fence may reject it. Otherwise the fence would block it, and
    /// could expire before the deadline of the enter.
    pub(crate) fn begins(&mut self, room: u8, generation: u8) {
        let is_behind = self.rooms[usize::from(room)].fence > Some(generation);
        self.wrongs.began_behind_a_fence |= is_behind && self.last == generation;
    }

    pub(crate) fn index(&mut self, id: Id, connection: u8) -> Reply {
        if let Some(life) = self.life(id) {
            life.index |= 1 << connection;
        }
        Reply::Done
    }

    pub(crate) fn unindex(&mut self, design: &Design, id: Id, connection: u8) {
        if let Some(life) = self.life(id) {
            life.index &= if design.index_by_connection { !(1 << connection) } else { 0 };
        }
    }

    /// Loses all data, also the leases. The earlier promises are dropped, too.
    pub(crate) fn empty(&mut self) {
        let (last, said, wrongs) = (self.last, self.said, self.wrongs.clone());
        *self = Self { last, said, wrongs, emptied: true, ..Self::default() };
    }

    /// Removes a dead server from the list.
    pub(crate) fn drop_life(&mut self, id: Id) {
        self.lives.retain(|life| life.id != id || life.leased);
    }

    /// The generation of the record is drawn here.
    fn claim(&mut self, design: &Design, mine: Record, over: Option<Id>, rejects: bool) -> Reply {
        let connection = mine.connection;
        if design.claims_within_lease && !self.is_leased(mine.owner) {
            return Reply::Late;
        }
        let current = self.session.clone();
        if current.as_ref().is_some_and(|current| current.connection == connection) {
            return Reply::Granted { generation: self.last, displaced: 0 };
        }
        if let Some(current) = current.as_ref().filter(|current| rejects && over != Some(current.owner)) {
            return Reply::Taken(current.owner);
        }
        let displaced_before = self.ending.iter().position(|record| record.connection == connection);
        if let Some(index) = displaced_before {
            if design.claims_once {
                return Reply::Refused;
            }
            self.ending.remove(index);
        }
        let displaced = current.as_ref().map_or(0, |current| 1 << current.connection);
        if let Some(current) = current {
            self.displace(design, current, rejects);
        }
        self.last += 1;
        self.kept = self.last;
        self.session = Some(Record { generation: self.last, ..mine });
        Reply::Granted { generation: self.last, displaced }
    }

    fn displace(&mut self, design: &Design, mut record: Record, rejects: bool) {
        self.wrongs.displaced_the_living |= rejects && self.is_leased(record.owner);
        if design.notice_in_claim {
            self.notices |= 1 << record.connection;
        }
        if !design.notes_kept {
            record.notes = [0; ROOMS];
        }
        self.ending.push(record);
        self.ending.sort_by_key(|record| record.generation);
    }

    fn cancel_claim(&mut self, connection: u8) -> Reply {
        self.session.take_if(|record| record.connection == connection);
        self.ending.retain(|record| record.connection != connection);
        Reply::Done
    }

    fn predecessors(&self, generation: u8) -> Reply {
        match &self.session {
            Some(record) if record.generation == generation => Reply::Rooms(self.rooms_before(generation)),
            _ => Reply::Refused,
        }
    }

    fn rooms_before(&self, generation: u8) -> Bits {
        let earlier = self.ending.iter().filter(|record| record.generation < generation);
        earlier.fold(0, |set, record| set | noted(record.notes))
    }

    /// Removes sessions before `generation`, and rejects them from now on.
    fn evict(&mut self, design: &Design, room: u8, generation: u8) -> Reply {
        let slot = &mut self.rooms[usize::from(room)];
        if design.fence {
            slot.fence = slot.fence.max(Some(generation));
        }
        self.part(room, |member| member.entered.generation < generation)
    }

    fn part(&mut self, room: u8, is_meant: impl Fn(&Member) -> bool) -> Reply {
        let slot = &mut self.rooms[usize::from(room)];
        if slot.member.take_if(|member| is_meant(member)).is_some() {
            self.wrongs.announced_wrongly |= !slot.heard;
            slot.heard = false;
        }
        Reply::Done
    }

    fn note(&mut self, room: u8, ticket: Ticket) -> Reply {
        match &mut self.session {
            Some(record) if record.generation == ticket.generation => {
                let note = &mut record.notes[usize::from(room)];
                *note = ticket.seq.max(*note);
                Reply::Done
            }
            Some(record) if record.generation > ticket.generation => Reply::Refused,
            _ => Reply::Absent,
        }
    }

    fn forget(&mut self, design: &Design, room: u8, ticket: Ticket) -> Reply {
        if let Some(record) = &mut self.session
            && record.generation == ticket.generation
        {
            let note = &mut record.notes[usize::from(room)];
            if *note <= ticket.seq || !design.notes_numbered {
                *note = 0;
            }
        }
        Reply::Done
    }

    fn enter(&mut self, design: &Design, room: u8, ticket: Ticket, by: Id, late: bool) -> Reply {
        if late || design.enters_within_lease && !self.is_leased(by) {
            return Reply::Late;
        }
        let slot = &mut self.rooms[usize::from(room)];
        let there = slot.member.as_ref().map_or(0, |member| member.entered.generation);
        if slot.fence > Some(ticket.generation) || there > ticket.generation {
            return Reply::Refused;
        }
        let is_there = there == ticket.generation;
        let before = slot.member.take().filter(|_| is_there);
        let before = before.unwrap_or(Member { entered: ticket, said: ticket.seq });
        slot.member = Some(Member { entered: before.entered.max(ticket), ..before });
        if !is_there || !design.enter_numbered {
            // This also covers an earlier session whose end was not announced.
            self.wrongs.announced_wrongly |= slot.heard;
            slot.heard = true;
        }
        Reply::Done
    }

    fn leave(&mut self, room: u8, ticket: Ticket) -> Reply {
        self.part(room, |member| member.entered.generation == ticket.generation && member.entered.seq <= ticket.seq)
    }

    fn append(&mut self, design: &Design, room: u8, ticket: Ticket, connection: u8) -> Reply {
        let Some(member) = &mut self.rooms[usize::from(room)].member else { return Reply::Refused };
        let is_mine = member.entered.generation == ticket.generation;
        if !is_mine && design.generation_check {
            return Reply::Refused;
        }
        if design.append_numbered && is_mine && member.said >= ticket.seq {
            return Reply::Refused;
        }
        member.said = ticket.seq;
        self.wrongs.spoke_after_successor |= ticket.generation < self.answered;
        self.wrongs.stored_twice |= self.said & (1 << connection) != 0;
        self.said |= 1 << connection;
        Reply::Done
    }

    fn release(&mut self, generation: u8) -> Reply {
        self.session.take_if(|record| record.generation == generation);
        self.ending.retain(|record| record.generation != generation);
        Reply::Done
    }

    fn restore(&mut self, design: &Design, mine: Record) -> Reply {
        if design.claims_within_lease && !self.is_leased(mine.owner) {
            return Reply::Late;
        }
        let generation = mine.generation;
        match &mut self.session {
            Some(record) if record.generation == generation => {
                record.owner = mine.owner;
                Reply::Rooms(0)
            }
            older if self.kept <= generation && (older.is_none() || design.restore_displaces) => {
                self.kept = generation;
                if let Some(older) = older.replace(mine) {
                    // Of two sessions from before the data loss, the earlier one was restored first.
                    self.displace(design, older, false);
                }
                Reply::Rooms(self.rooms_before(generation))
            }
            _ => Reply::Refused,
        }
    }

    /// The sessions of a server that its reverse index leads to, with their notes.
    pub(crate) fn list(&self, id: Id) -> Vec<(u8, Notes)> {
        // All connections belong to the same user, so one entry leads to all.
        if !self.lives.iter().any(|life| life.id == id && life.index != 0) {
            return Vec::new();
        }
        let records = self.session.iter().chain(&self.ending);
        records.filter(|record| record.owner == id).map(|record| (record.generation, record.notes)).collect()
    }

    fn reap(&mut self, id: Id, seen: &[(u8, Notes)]) -> Reply {
        let is_meant =
            |record: &Record| record.owner == id && seen.iter().any(|(generation, _)| *generation == record.generation);
        let reaped = self.session.take_if(|record| is_meant(record));
        self.wrongs.reaped_the_living |= reaped.is_some() && self.is_leased(id);
        self.ending.retain(|record| !is_meant(record));
        Reply::Done
    }
}
