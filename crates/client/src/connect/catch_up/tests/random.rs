//! A talk in a room with random cuts: whatever happens, each message of others is shown once, and all in their order.

use super::*;

/// Numbers that look random, and are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// A server with a room, and a client that hears it.
struct Talk {
    random: Random,
    way: Way,
    catch_up: CatchUp,
    /// Who said each message, from number 1 on.
    log: Vec<&'static str>,
    delivered: usize,
    /// The question that is not answered yet.
    asked: Option<String>,
    shown: Vec<u64>,
}

impl Talk {
    fn begin(seed: u64, way: Way) -> Self {
        let (random, catch_up) = (Random(seed), CatchUp::new("ann".parse().unwrap(), 0));
        let mut talk = Self { random, way, catch_up, log: Vec::new(), delivered: 0, asked: None, shown: Vec::new() };
        talk.enter();
        talk
    }

    fn enter(&mut self) {
        self.delivered = self.log.len();
        let shown = self.catch_up.sift(joined("red", EPOCH, self.log.len() as u64));
        self.catch_up.use_way(self.way);
        self.show(shown);
    }

    fn show(&mut self, shown: Vec<Shown>) {
        for shown in shown {
            match shown {
                Shown::Event(Event::Message { id, .. }) => self.shown.push(id.0),
                Shown::Missed { entries, left_out: 0, .. } => self.shown.extend(entries.iter().map(|old| old.id().0)),
                Shown::Event(Event::Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn say(&mut self) {
        if self.random.below(4) > 0 {
            return self.log.push("bob");
        }
        self.log.push("ann");
        let id = MessageId(self.log.len() as u64);
        let shown = self.catch_up.sift(Reply::Message { room: room("red"), id, repeated: false }.into());
        self.show(shown);
    }

    /// The next message of others arrives, if there is any.
    fn deliver(&mut self) {
        while let Some(from) = self.log.get(self.delivered) {
            self.delivered += 1;
            if *from == "bob" {
                let shown = self.catch_up.sift(message(self.delivered as u64));
                return self.show(shown);
            }
        }
    }

    /// The client asks, or gets its answer.
    fn ask_or_answer(&mut self) {
        let Some(line) = self.asked.take() else {
            if let Some((target, line)) = self.catch_up.question() {
                self.catch_up.asked(&target);
                self.asked = Some(line);
            }
            return;
        };
        let all = self.log.len();
        let words: Vec<usize> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
        let entry_of =
            |index: usize| HistoryEntry { from: self.log[index].parse().unwrap(), ..entry(index as u64 + 1) };
        let event = match words[..] {
            [count] => {
                Event::History { room: room("red"), messages: (all.saturating_sub(count)..all).map(entry_of).collect() }
            }
            [after, count] => {
                // A page may end early, since its size in bytes is limited, too.
                let end = (after + count.min(1 + self.random.0 as usize % 4)).min(all);
                let entries = (after..end).map(|index| LogEntry::Message(entry_of(index))).collect();
                Event::Backlog { target: Target::Room(room("red")), epoch: EPOCH, entries, more: end < all }
            }
            _ => panic!("{line}"),
        };
        let shown = answer(&mut self.catch_up, "red", event);
        self.show(shown);
    }

    /// The connection is lost, and comes back while others go on.
    fn cut(&mut self) {
        self.catch_up.disconnected();
        self.asked = None;
        for _ in 0..self.random.below(30) {
            self.log.push("bob");
        }
        self.enter();
    }

    fn end(&mut self) {
        while self.asked.is_some() || self.catch_up.question().is_some() {
            self.ask_or_answer();
        }
        while self.delivered < self.log.len() {
            self.deliver();
        }
    }
}

#[test]
fn each_message_of_others_is_shown_once_and_in_its_order() {
    for way in [Way::Backlog, Way::History] {
        for seed in 0..12 {
            let mut talk = Talk::begin(seed, way);
            for _ in 0..200 {
                match talk.random.below(10) {
                    0..3 => talk.say(),
                    3..6 => talk.deliver(),
                    6..9 => talk.ask_or_answer(),
                    _ => talk.cut(),
                }
            }
            talk.end();
            let by_others = (1..).zip(&talk.log).filter(|(_, from)| **from == "bob").map(|(id, _)| id);
            assert_eq!(talk.shown, by_others.collect::<Vec<u64>>(), "{way:?} {seed}");
        }
    }
}
