//! Checks the deliveries to each member: finds lost, doubled, reordered and misdirected messages, and members of a room
//! that received its messages in another order than others. It must not trust the server.

use std::collections::HashSet;
use std::fmt;

use crate::measure::stamp::Stamp;

/// The messages that one member has received.
#[derive(Debug)]
struct Page {
    room: usize,
    /// The next expected number, for each speaker of the room.
    next: Vec<u32>,
    /// A digest of the received messages and their order.
    order: u64,
    /// Whether the member speaks. A speaker does not receive its own messages, so its order differs from that of
    /// others.
    speaks: bool,
}

/// Number of wrong deliveries.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Faults {
    lost: u64,
    doubled: u64,
    reordered: u64,
    /// Messages of another run or another room.
    stray: u64,
    /// Members that received all messages, but in another order than others of the room.
    other_order: u64,
}

impl Faults {
    /// The number of all faults.
    pub(crate) fn total(self) -> u64 {
        self.lost + self.doubled + self.reordered + self.stray + self.other_order
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lost, doubled, reordered, stray, other_order } = self;
        write!(out, "{lost} lost, {doubled} doubled, {reordered} reordered, {stray} stray")?;
        write!(out, ", {other_order} members with another order")
    }
}

/// A speaker, as its recipients know it.
#[derive(Debug, Clone, Copy)]
struct Seat {
    room: usize,
    /// Index of the speaker in its room.
    rank: usize,
    member: usize,
}

/// The pages of all members.
#[derive(Debug)]
pub(crate) struct DeliveryChecker {
    run: u32,
    pages: Vec<Page>,
    seats: Vec<Seat>,
    /// Numbers that were skipped, by member and speaker. The message is lost or late.
    holes: HashSet<(usize, u32, u32)>,
    faults: Faults,
}

impl DeliveryChecker {
    /// For a run in which `rooms` contains the room of each member. `speakers` contains the members that speak, and
    /// their rooms.
    pub(crate) fn new(run: u32, rooms: &[usize], speakers: &[(usize, usize)]) -> Self {
        let mut counts = vec![0; rooms.iter().max().map_or(0, |last| last + 1)];
        let mut seats = Vec::new();
        for &(member, room) in speakers {
            seats.push(Seat { room, rank: counts[room], member });
            counts[room] += 1;
        }
        let page = |&room: &usize| Page { room, next: vec![0; counts[room]], order: 0, speaks: false };
        let mut pages: Vec<Page> = rooms.iter().map(page).collect();
        speakers.iter().for_each(|&(member, _)| pages[member].speaks = true);
        Self { run, pages, seats, holes: HashSet::new(), faults: Faults::default() }
    }

    /// Records a delivery to a member. Returns `true` if it was due.
    pub(crate) fn hear(&mut self, member: usize, stamp: Option<Stamp>) -> bool {
        let page = &mut self.pages[member];
        let known = stamp.filter(|stamp| stamp.run == self.run);
        let Some((stamp, seat)) = known.and_then(|it| Some((it, self.seats.get(it.speaker as usize)?))) else {
            self.faults.stray += 1;
            return false;
        };
        if seat.room != page.room || seat.member == member {
            self.faults.stray += 1;
            return false;
        }
        let next = &mut page.next[seat.rank];
        if stamp.number < *next {
            let late = self.holes.remove(&(member, stamp.speaker, stamp.number));
            *if late { &mut self.faults.reordered } else { &mut self.faults.doubled } += 1;
            return late;
        }
        self.holes.extend((*next..stamp.number).map(|number| (member, stamp.speaker, number)));
        *next = stamp.number + 1;
        let heard = u64::from(stamp.speaker) << 32 | u64::from(stamp.number);
        page.order = (page.order.rotate_left(5) ^ heard).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        true
    }

    /// The faults, once no more deliveries can arrive. `sent` contains the number of messages that each speaker sent.
    pub(crate) fn close(mut self, sent: &[u32]) -> Faults {
        self.faults.lost += self.holes.len() as u64;
        for (seat, &sent) in self.seats.iter().zip(sent) {
            let hearers = self.pages.iter().enumerate();
            let hearers = hearers.filter(|(member, page)| page.room == seat.room && *member != seat.member);
            self.faults.lost +=
                hearers.map(|(_, page)| u64::from(sent.saturating_sub(page.next[seat.rank]))).sum::<u64>();
        }
        if self.faults.total() == 0 {
            let mut orders = vec![None; self.pages.len()];
            for page in self.pages.iter().filter(|page| !page.speaks) {
                let first = *orders[page.room].get_or_insert(page.order);
                self.faults.other_order += u64::from(first != page.order);
            }
        }
        self.faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: u32 = 5;

    /// Two rooms. Members 0 to 3 are in the first room, where 0 and 1 speak. Members 4 and 5 are in the second room,
    /// where 4 speaks.
    fn ledger() -> DeliveryChecker {
        DeliveryChecker::new(RUN, &[0, 0, 0, 0, 1, 1], &[(0, 0), (1, 0), (4, 1)])
    }

    fn stamp(speaker: u32, number: u32) -> Option<Stamp> {
        Some(Stamp { run: RUN, speaker, number, time: 0 })
    }

    /// Every member of the first room receives one message of each speaker. The last member receives those of `last`
    /// instead.
    fn faults(last: &[(u32, u32)]) -> Faults {
        let mut ledger = ledger();
        ledger.hear(0, stamp(1, 0));
        ledger.hear(1, stamp(0, 0));
        for (member, speaker, number) in [(2, 0, 0), (2, 1, 0)].into_iter().chain(last.iter().map(|it| (3, it.0, it.1)))
        {
            ledger.hear(member, stamp(speaker, number));
        }
        ledger.close(&[1, 1, 0])
    }

    #[test]
    fn faults_of_each_kind_are_found() {
        let none = Faults::default();
        assert_eq!(faults(&[(0, 0), (1, 0)]), none);
        assert_eq!(faults(&[(0, 0)]), Faults { lost: 1, ..none });
        assert_eq!(faults(&[(0, 0), (1, 0), (0, 0)]), Faults { doubled: 1, ..none });
        assert_eq!(faults(&[(0, 1), (0, 0), (1, 0)]), Faults { reordered: 1, ..none });
        assert_eq!(faults(&[(0, 1), (1, 0)]), Faults { lost: 1, ..none });
        assert_eq!(faults(&[(0, 0), (1, 0), (2, 0), (9, 0)]), Faults { stray: 2, ..none });
        assert_eq!(faults(&[(1, 0), (0, 0)]), Faults { other_order: 1, ..none });
    }

    #[test]
    fn messages_without_a_stamp_of_this_run_and_ones_own_are_stray() {
        let mut ledger = ledger();
        assert!(!ledger.hear(2, None));
        assert!(!ledger.hear(2, Some(Stamp { run: RUN + 1, speaker: 0, number: 0, time: 0 })));
        assert!(!ledger.hear(0, stamp(0, 0)));
        assert_eq!(ledger.close(&[0, 0, 0]).stray, 3);
    }
}
