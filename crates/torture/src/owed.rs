//! What a client said without being told that it is accepted. It is sent again with the same key until it is answered. It
//! must not use a connection.

use std::collections::BTreeSet;

use crate::record::{Line, Moment, Reply};

/// Maximum number of lines that a client remembers. What is beyond that is not sent again.
const MOST: usize = 400;
/// Maximum number of lines in one write.
const AT_ONCE: usize = 20;

/// The lines of one client.
#[derive(Debug, Default)]
pub(crate) struct Owed {
    items: Vec<Item>,
    /// The newest line that was accepted, and the newest one to one user.
    accepted: [Option<Item>; 2],
}

#[derive(Debug, Clone)]
struct Item {
    /// In the form in which it goes to the same log again.
    line: Line,
    sent: Moment,
    in_flight: bool,
}

impl Item {
    fn is_of(&self, text: &str) -> bool {
        self.line.text() == Some(text)
    }

    fn fits(&self, open: &BTreeSet<String>) -> bool {
        self.line.room().is_none_or(|room| open.contains(room))
    }
}

impl Owed {
    /// Notes a line that is sent. `current` is the current room, if it is certain.
    pub(crate) fn sent(&mut self, line: &Line, current: Option<&str>, at: Moment) {
        let Some(text) = line.text().filter(|_| line.can_be_sent_again()) else { return };
        if let Some(known) = self.items.iter_mut().find(|item| item.is_of(text)) {
            known.in_flight = true;
            return;
        }
        let line = match (line, current) {
            // It is unknown to which log it goes, and so to which it would go again.
            (Line::Say(_), None) => return,
            (Line::Say(text), Some(room)) => Line::SayIn { room: room.to_owned(), text: text.clone() },
            (line, _) => line.clone(),
        };
        if self.items.len() < MOST {
            self.items.push(Item { line, sent: at, in_flight: true });
        }
    }

    /// Notes the answer to a line.
    pub(crate) fn answered(&mut self, line: &Line, reply: &Reply) {
        let Some(at) = line.text().and_then(|text| self.items.iter().position(|item| item.is_of(text))) else { return };
        match reply {
            Reply::Refused { code } if code == "store-unavailable" || code == "not-in-room" => {
                self.items[at].in_flight = false;
            }
            Reply::Stored { .. } => {
                let kind = usize::from(matches!(line, Line::Direct { .. }));
                self.accepted[kind] = Some(self.items.remove(at));
            }
            _ => drop(self.items.remove(at)),
        }
    }

    /// The connection is gone, and with it all answers.
    pub(crate) fn lose_answers(&mut self) {
        self.items.iter_mut().for_each(|item| item.in_flight = false);
    }

    /// The store was emptied and knows no earlier key, so nothing earlier is sent again.
    pub(crate) fn forget_before(&mut self, moment: Moment) {
        self.items.retain(|item| item.sent >= moment);
        for accepted in &mut self.accepted {
            accepted.take_if(|item| item.sent < moment);
        }
    }

    /// Lines to send again now, in one write.
    pub(crate) fn due(&self, open: &BTreeSet<String>) -> Vec<Line> {
        let due = self.items.iter().filter(|item| !item.in_flight && item.fits(open));
        due.take(AT_ONCE).map(|item| item.line.clone()).collect()
    }

    /// A room that must be opened before a line can be sent again.
    pub(crate) fn closed_room(&self, open: &BTreeSet<String>) -> Option<String> {
        let item = self.items.iter().find(|item| !item.in_flight && !item.fits(open))?;
        item.line.room().map(str::to_owned)
    }

    /// A line that was accepted, to be sent again all the same: one to one user, or another one.
    pub(crate) fn accepted(&self, open: &BTreeSet<String>, is_direct: bool) -> Option<Line> {
        self.accepted[usize::from(is_direct)].as_ref().filter(|item| item.fits(open)).map(|item| item.line.clone())
    }

    /// Whether everything is answered.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_answered_goes_to_the_same_room_again() {
        let mut owed = Owed::default();
        let line = Line::Say("a1".to_owned());
        owed.sent(&line, Some("red"), Moment::ZERO);
        let red = BTreeSet::from(["red".to_owned()]);
        assert_eq!(owed.due(&red), []);
        owed.lose_answers();
        let again = Line::SayIn { room: "red".to_owned(), text: "a1".to_owned() };
        assert_eq!((owed.due(&red), owed.due(&BTreeSet::new())), (vec![again.clone()], vec![]));
        assert_eq!(owed.closed_room(&BTreeSet::new()).as_deref(), Some("red"));
        owed.sent(&again, None, Moment::from_secs(1));
        owed.answered(&again, &Reply::Stored { id: 1, room: None, repeated: true });
        assert!(owed.is_empty());
        assert_eq!(owed.accepted(&red, false), Some(again));
        owed.forget_before(Moment::from_secs(1));
        assert_eq!(owed.accepted(&red, false), None);
    }

    #[test]
    fn what_may_be_in_another_room_is_not_sent_again() {
        let mut owed = Owed::default();
        owed.sent(&Line::Say("a1".to_owned()), None, Moment::ZERO);
        owed.lose_answers();
        assert!(owed.is_empty());
    }

    #[test]
    fn what_is_refused_for_certain_is_not_sent_again() {
        let mut owed = Owed::default();
        let line = Line::Publish("p1".to_owned());
        owed.sent(&line, None, Moment::ZERO);
        let refused = |code: &str| Reply::Refused { code: code.to_owned() };
        owed.answered(&line, &refused("store-unavailable"));
        assert_eq!(owed.due(&BTreeSet::new()), std::slice::from_ref(&line));
        owed.answered(&line, &refused("bad-argument"));
        assert!(owed.is_empty());
    }
}
