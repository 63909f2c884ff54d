//! When each speaker sends its next message: at a fixed rate, or whenever fewer than a given number of its messages are
//! in flight. A message is in flight until all recipients have received it, so that a server gains nothing by filling
//! queues. It must not send.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How messages are sent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Pace {
    /// This many messages per second in each room.
    Rate(f64),
    /// As many messages as recipients receive, with this many of each speaker in flight.
    Window(usize),
}

/// Speakers and their messages in flight.
#[derive(Debug)]
pub(crate) struct Pacer {
    speakers: Vec<Speaker>,
    /// Speakers with room in their window, if there is no timetable.
    open: Vec<usize>,
    timetable: Option<Timetable>,
    window: usize,
    on_the_way: u64,
}

#[derive(Debug)]
struct Timetable {
    interval: u64,
    due: BinaryHeap<Reverse<(u64, usize)>>,
}

#[derive(Debug)]
struct Speaker {
    /// For each message in flight, oldest first: the number of recipients that have not received it yet.
    awaited: VecDeque<usize>,
    /// Number of messages so far.
    sent: u32,
    hearers: usize,
    is_open: bool,
}

impl Pacer {
    /// `hearers` contains the number of recipients of each speaker. `per_room` speakers share a room and its rate. They
    /// start at `now`, in nanoseconds, spread evenly.
    pub(crate) fn new(pace: Pace, hearers: &[usize], per_room: usize, now: u64) -> Self {
        let speaker = |&hearers: &usize| Speaker { awaited: VecDeque::new(), sent: 0, hearers, is_open: true };
        let (timetable, window) = match pace {
            Pace::Rate(rate) => (Some(Timetable::new(rate, hearers.len(), per_room, now)), usize::MAX),
            Pace::Window(window) => (None, window),
        };
        let open = (0..hearers.len()).collect();
        Self { speakers: hearers.iter().map(speaker).collect(), open, timetable, window, on_the_way: 0 }
    }

    /// The speaker that must send now, and the number of its message. The message counts as sent.
    pub(crate) fn next(&mut self, now: u64) -> Option<(usize, u32)> {
        let speaker = match &mut self.timetable {
            Some(timetable) => timetable.next(now)?,
            None => *self.open.last()?,
        };
        let it = &mut self.speakers[speaker];
        it.sent += 1;
        it.awaited.push_back(it.hearers);
        self.on_the_way += it.hearers as u64;
        if self.timetable.is_none() && it.awaited.len() >= self.window {
            it.is_open = false;
            self.open.pop();
        }
        Some((speaker, it.sent - 1))
    }

    /// One of the recipients of a message has received it.
    pub(crate) fn heard(&mut self, speaker: usize, number: u32) {
        let it = &mut self.speakers[speaker];
        let oldest = it.sent - it.awaited.len() as u32;
        let Some(left) = number.checked_sub(oldest).and_then(|at| it.awaited.get_mut(at as usize)) else { return };
        *left -= 1;
        self.on_the_way -= 1;
        while it.awaited.front() == Some(&0) {
            it.awaited.pop_front();
        }
        if !it.is_open && it.awaited.len() < self.window {
            it.is_open = true;
            self.open.push(speaker);
        }
    }

    /// How long no speaker has to send, if that is known.
    pub(crate) fn idle(&self, now: u64) -> Option<Duration> {
        let Reverse((due, _)) = self.timetable.as_ref()?.due.peek()?;
        Some(Duration::from_nanos(due.saturating_sub(now)))
    }

    /// Deliveries that are still missing.
    pub(crate) fn on_the_way(&self) -> u64 {
        self.on_the_way
    }

    /// Number of messages that each speaker has sent.
    pub(crate) fn sent(&self) -> Vec<u32> {
        self.speakers.iter().map(|it| it.sent).collect()
    }
}

impl Timetable {
    fn new(rate: f64, speakers: usize, per_room: usize, now: u64) -> Self {
        let interval = (1e9 / rate * per_room as f64) as u64;
        let begin = |at: usize| now + (interval as u128 * at as u128 / speakers as u128) as u64;
        // The speakers of one room have consecutive numbers, so they are spread within the room too.
        let spread = |at: usize| (at % per_room) * (speakers / per_room) + at / per_room;
        Self { interval, due: (0..speakers).map(|at| Reverse((begin(spread(at)), at))).collect() }
    }

    fn next(&mut self, now: u64) -> Option<usize> {
        let &Reverse((due, speaker)) = self.due.peek().filter(|Reverse((due, _))| *due <= now)?;
        self.due.pop();
        self.due.push(Reverse((due + self.interval, speaker)));
        Some(speaker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_opens_when_all_have_heard_the_oldest() {
        let mut pacer = Pacer::new(Pace::Window(2), &[2], 1, 0);
        assert_eq!([pacer.next(0), pacer.next(0), pacer.next(0)], [Some((0, 0)), Some((0, 1)), None]);
        pacer.heard(0, 1);
        pacer.heard(0, 1);
        pacer.heard(0, 0);
        assert_eq!(pacer.next(0), None);
        pacer.heard(0, 0);
        assert_eq!([pacer.next(0), pacer.next(0), pacer.next(0)], [Some((0, 2)), Some((0, 3)), None]);
        assert_eq!(pacer.on_the_way(), 4);
    }

    #[test]
    fn a_rate_is_shared_by_the_speakers_of_a_room() {
        let mut pacer = Pacer::new(Pace::Rate(10.0), &[1; 4], 2, 0);
        let mut said = vec![];
        for now in (0..1_000_000_000).step_by(1_000_000) {
            said.extend(std::iter::from_fn(|| pacer.next(now)).map(|(speaker, _)| speaker));
        }
        assert_eq!(said.len(), 20);
        assert_eq!(said[..5], [0, 2, 1, 3, 0]);
        assert_eq!(pacer.sent(), [5; 4]);
    }
}
