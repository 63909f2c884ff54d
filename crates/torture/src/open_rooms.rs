//! The open rooms of a session, as the answers to its lines tell. It must not judge, and must not know what was heard.

use std::collections::BTreeSet;

use crate::record::{Heard, Line, Reply};

/// The open rooms of a session, one of them current.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenRooms {
    pub(crate) open: BTreeSet<String>,
    pub(crate) current: String,
}

/// What an answer changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) left: Vec<String>,
    pub(crate) entered: Vec<Start>,
}

/// A room that was entered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) room: String,
    /// The epoch and the end of its log, if the answer tells them.
    pub(crate) head: Option<(String, u64)>,
}

impl OpenRooms {
    /// Follows the answer to a line.
    pub(crate) fn answered(&mut self, line: &Line, reply: &Reply) -> Change {
        let mut change = Change::default();
        match (line, reply) {
            (Line::Open(_), Reply::Entered { room, epoch, last }) => {
                self.enter(&mut change, room, Some((epoch.clone(), *last)));
            }
            (_, Reply::Entered { room, epoch, last }) => {
                let left = std::mem::replace(&mut self.current, room.clone());
                if left != *room {
                    self.leave(&mut change, left);
                }
                self.enter(&mut change, room, Some((epoch.clone(), *last)));
            }
            (Line::Close(room), Reply::Closed { current }) => {
                self.leave(&mut change, room.clone());
                self.current.clone_from(current);
                self.enter(&mut change, current, None);
            }
            (Line::Switch(room), Reply::Done) => self.current.clone_from(room),
            (_, Reply::Synced { current, standings }) => {
                for standing in standings {
                    if let Some(room) = standing.target.strip_prefix('#') {
                        self.enter(&mut change, room, Some((standing.epoch.clone(), standing.last)));
                    }
                }
                self.current.clone_from(current);
            }
            _ => {}
        }
        change
    }

    /// Follows what `user` hears: others can end a membership.
    pub(crate) fn heard(&mut self, user: &str, heard: &Heard) -> Change {
        let mut change = Change::default();
        match heard {
            Heard::Message { room, entry } if entry.removes(user) => self.leave(&mut change, room.clone()),
            Heard::Moved { room, epoch, last } => {
                let left = std::mem::replace(&mut self.current, room.clone());
                if left != *room {
                    self.leave(&mut change, left);
                }
                self.enter(&mut change, room, Some((epoch.clone(), *last)));
            }
            _ => {}
        }
        change
    }

    fn enter(&mut self, change: &mut Change, room: &str, head: Option<(String, u64)>) {
        if self.open.insert(room.to_owned()) {
            change.entered.push(Start { room: room.to_owned(), head });
        }
    }

    fn leave(&mut self, change: &mut Change, room: String) {
        if self.open.remove(&room) {
            change.left.push(room);
        }
    }
}

impl Line {
    /// Whether its answer may change the open rooms or the current one.
    pub(crate) fn moves(&self) -> bool {
        let moves =
            matches!(self, Self::Join(_) | Self::Leave | Self::Open(_) | Self::Close(_) | Self::Switch(_) | Self::Sync);
        moves || self.begins_session()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;

    fn entered(room: &str) -> Reply {
        Reply::Entered { room: room.to_owned(), epoch: "e".to_owned(), last: 0 }
    }

    fn changes(rooms: &mut OpenRooms, line: &Line, reply: &Reply) -> (Vec<String>, Vec<String>, String) {
        let Change { left, entered } = rooms.answered(line, reply);
        (left, entered.into_iter().map(|start| start.room).collect(), rooms.current.clone())
    }

    #[test]
    fn each_answer_moves_as_the_protocol_says() {
        let mut rooms = OpenRooms::default();
        let mut step = |line: Line, reply: &Reply| changes(&mut rooms, &line, reply);
        let name = str::to_owned;
        assert_eq!(step(Line::Login, &entered("lobby")), (vec![], vec![name("lobby")], name("lobby")));
        assert_eq!(step(Line::Open(name("red")), &entered("red")), (vec![], vec![name("red")], name("lobby")));
        assert_eq!(step(Line::Join(name("red")), &entered("red")), (vec![name("lobby")], vec![], name("red")));
        let closed = Reply::Closed { current: name("lobby") };
        let left = (vec![name("red")], vec![name("lobby")], name("lobby"));
        assert_eq!(step(Line::Close(name("red")), &closed), left);
        let refused = Reply::Refused { code: name("no") };
        assert_eq!(step(Line::Leave, &refused), (vec![], vec![], name("lobby")));
    }

    #[test]
    fn who_is_removed_is_moved_to_the_lobby() {
        let mut rooms = OpenRooms::default();
        rooms.answered(&Line::Login, &entered("lobby"));
        rooms.answered(&Line::Join("red".to_owned()), &entered("red"));
        let kick = |user: &str| {
            let mut story = HistoryBuilder::default();
            let ann = story.log_in("ann", 0);
            story.hear_deed_in("red", ann, 1, "jan", "kick", Some(user), "");
            story.history().connections[ann].heard().next().unwrap().1.clone()
        };
        assert_eq!(rooms.heard("ann", &kick("ben")), Change::default());
        assert_eq!(rooms.heard("ann", &kick("ann")).left, ["red"]);
        let moved = Heard::Moved { room: "lobby".to_owned(), epoch: "e".to_owned(), last: 7 };
        assert_eq!(rooms.heard("ann", &moved).entered[0].head, Some(("e".to_owned(), 7)));
        assert_eq!(rooms.current, "lobby");
    }
}
