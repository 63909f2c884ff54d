//! What a client learns from what it receives. It must not judge, and must not decide what to send next.

use std::collections::BTreeSet;

use crate::client::SimulatedClient;
use crate::coordinator::{Audience, Marker};
use crate::open_rooms::OpenRooms;
use crate::record::{Entry, Heard, Line, MARKER, Reply, What};

impl SimulatedClient {
    pub(crate) fn hear(&mut self, what: What) {
        match what {
            What::Answered { number, reply } => {
                let line = self.link.as_ref().and_then(|link| link.line(number));
                line.into_iter().for_each(|line| self.answered(&line, &reply));
            }
            What::Heard(Heard::Message { room, entry }) => {
                let heard = Heard::Message { room: room.clone(), entry: entry.clone() };
                self.rooms.heard(&self.part.user, &heard);
                self.court.heard(&room, &entry, &self.context.court);
                self.remember(format!("#{room}"), entry);
            }
            What::Heard(moved @ Heard::Moved { .. }) => drop(self.rooms.heard(&self.part.user, &moved)),
            What::Heard(Heard::Publication(entry)) => self.remember(format!("+{}", entry.from), entry),
            What::Heard(Heard::Direct(entry)) => self.remember(format!("@{}", entry.from), entry),
            What::Bye { code } if code == "logged-in-elsewhere" => self.rest(300, 2_500),
            _ => {}
        }
    }

    fn remember(&mut self, target: String, entry: Entry) {
        self.newest.insert(target, entry.id);
        if entry.text.starts_with(MARKER) {
            self.heard.insert(entry.text);
        }
    }

    fn answered(&mut self, line: &Line, reply: &Reply) {
        if line.begins_session() && matches!(reply, Reply::Entered { .. }) {
            self.rooms = OpenRooms::default();
        }
        self.rooms.answered(line, reply);
        self.owed.answered(line, reply);
        self.court.answered(line, reply, &self.context.court);
        self.purse.answered(line, reply);
        self.hooks.answered(line, reply);
        let (context, user, open) = (&self.context, &self.part.user, &self.rooms.open);
        self.reading.answered(line, reply, || context.logs_to_read(user, open));
        match (line, reply) {
            (Line::Login | Line::Register | Line::Resume(..), Reply::Entered { .. }) => {
                (self.in_session, self.has_account) = (true, true);
                // The client asks for its follows and does not follow again: publications of users that it followed
                // before must arrive.
                (self.knows_follows, self.doubted) = (false, BTreeSet::new());
                self.synced = false;
                self.follows.clear();
                let ticket = self.wants_ticket().then_some(Line::Ticket);
                self.send([Line::Subscriptions].into_iter().chain(ticket).collect());
            }
            (Line::Sync, Reply::Synced { .. }) => self.synced = true,
            // The password helps where the ticket does not.
            (Line::Resume(..), Reply::Refused { code }) if code == "bad-credentials" => {}
            (Line::Login | Line::Register | Line::Resume(..), Reply::Refused { code }) => self.turned_away(code),
            (Line::Revoke(_) | Line::Passwd, Reply::Done) => self.try_void_ticket(),
            (_, Reply::Invitation(invitation)) => self.context.board.add_invitation(invitation),
            (Line::Hook { label, .. }, Reply::Hook(hook)) => self.context.board.add_hook(label, hook),
            (Line::Outhook { url, .. }, Reply::Done) => self.context.board.add_outhook(url),
            (Line::Ticket, Reply::Ticket(ticket)) => self.context.board.show_ticket(&self.part.user, ticket),
            (Line::Subscribe(user), Reply::Done) => {
                self.follows.insert(user.clone());
            }
            (Line::Subscribe(user), Reply::Refused { code }) if code == "already-subscribed" => {
                self.follows.insert(user.clone());
            }
            // The store may have kept the follow, but no publication arrives. The client must send the command again.
            (Line::Subscribe(user), Reply::Refused { code }) if code == "store-unavailable" => {
                self.follows.remove(user);
                self.doubted.insert(user.clone());
            }
            (Line::Unsubscribe(user), _) => {
                self.follows.remove(user);
            }
            (_, Reply::Follows(users)) => {
                self.follows = users.iter().filter(|user| !self.doubted.contains(*user)).cloned().collect();
                self.knows_follows = true;
            }
            (_, Reply::Stored { id, room, .. }) => self.accepted(line, *id, room.as_deref()),
            (_, Reply::Users { room, users }) => {
                let is_right = *users == self.context.board.members(room);
                if is_right {
                    self.seen.0.insert(room.clone())
                } else {
                    self.seen.0.remove(room)
                };
            }
            (_, Reply::Rooms(rooms)) => self.seen.1 = *rooms == self.context.board.rooms(),
            _ => {}
        }
    }

    fn turned_away(&mut self, code: &str) {
        match code {
            "name-taken" => self.has_account = true,
            "bad-credentials" => self.has_account = false,
            "store-unavailable" => {}
            _ => {
                self.go("turned away", false);
                self.rest(300, 2_000);
            }
        }
    }

    /// Posts on the board the messages that others must receive from now on.
    fn accepted(&mut self, line: &Line, id: u64, room: Option<&str>) {
        let (target, to) = match (line, room) {
            (Line::Publish(_), _) => (format!("+{}", self.part.user), Audience::Followers),
            (Line::Direct { to, .. }, _) => (format!("@{to}"), Audience::User(to.clone())),
            (_, Some(room)) => (format!("#{room}"), Audience::Room(room.to_owned())),
            _ => return,
        };
        self.newest.insert(target, id);
        if line.is_message() && room == Some(&*self.context.court) {
            self.context.board.said_in_court(id);
        }
        let Some(text) = line.text().filter(|text| text.starts_with(MARKER)) else { return };
        // Its kind is the last word of its key.
        let kind = text.rsplit('-').next().and_then(|kind| kind.parse::<usize>().ok());
        let Some(marked) = kind.and_then(|kind| self.marked.get_mut(kind)) else { return };
        if !std::mem::replace(marked, true) {
            self.context.board.post(Marker { by: self.part.user.clone(), to, text: text.to_owned() });
        }
    }
}
