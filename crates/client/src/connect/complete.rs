//! Completions for the tab key: commands from the table, and rooms and users seen in events. It must not ask the
//! server.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use parlor_proto::{Event, Reply, RoomName, UserName, VERBS, Verb, VerbInfo};
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use crate::lock;

/// Maximum number of remembered names, of each kind.
const NAMES_MAX: usize = 20_000;

/// Rooms and users seen in events during this run.
#[derive(Debug, Default)]
pub(super) struct Names {
    rooms: BTreeSet<RoomName>,
    users: BTreeSet<UserName>,
    /// The rooms where the user is.
    open: BTreeSet<RoomName>,
}

impl Names {
    /// Remembers the names in `event`.
    pub(super) fn learn(&mut self, event: &Event) {
        match event {
            Event::Message { room, from, .. } => self.add(Some(room), Some(from)),
            Event::Publication { from, .. } | Event::Direct { from, .. } | Event::Notice { from, .. } => {
                self.add(None, Some(from));
            }
            Event::Joined { room, user } | Event::Left { room, user } => self.add(Some(room), Some(user)),
            Event::Rooms { rooms } => rooms.iter().for_each(|row| self.add(Some(&row.room), None)),
            Event::Users { room, users } => {
                self.add(Some(room), None);
                users.iter().for_each(|user| self.add(None, Some(user)));
            }
            Event::Subscriptions { users } | Event::Subscribers { users } => {
                users.iter().for_each(|user| self.add(None, Some(user)));
            }
            Event::History { messages, .. } => messages.iter().for_each(|old| self.add(None, Some(&old.from))),
            Event::Ok(Reply::Join { room, .. } | Reply::Leave { room, .. } | Reply::Open { room, .. }) => {
                self.add(Some(room), None);
            }
            Event::Sync(sync) => {
                sync.rooms.iter().for_each(|room| self.add(Some(&room.room), None));
                sync.directs.iter().for_each(|direct| self.add(None, Some(&direct.user)));
                sync.feeds.iter().for_each(|feed| self.add(None, Some(&feed.user)));
            }
            Event::Backlog { entries, .. } | Event::Inbox { entries, .. } => {
                entries.iter().for_each(|old| self.add(None, Some(old.from())));
            }
            Event::Ok(Reply::Subscribe { user } | Reply::Msg { user, .. }) => self.add(None, Some(user)),
            _ => {}
        }
    }

    /// The user is in these rooms now.
    pub(super) fn set_open(&mut self, open: &BTreeSet<RoomName>) {
        if self.open != *open {
            self.open.clone_from(open);
        }
    }

    fn add(&mut self, room: Option<&RoomName>, user: Option<&UserName>) {
        if let Some(room) = room.filter(|_| self.rooms.len() < NAMES_MAX) {
            self.rooms.insert(room.clone());
        }
        if let Some(user) = user.filter(|_| self.users.len() < NAMES_MAX) {
            self.users.insert(user.clone());
        }
    }

    /// Where the word before the cursor begins, and its possible completions.
    fn candidates(&self, before: &str) -> (usize, Vec<String>) {
        let start = before.rfind([' ', '\t']).map_or(0, |at| at + 1);
        let word = before[start..].to_ascii_lowercase();
        // Whether nothing but the command stands before the word.
        let is_first = before[..start].split([' ', '\t']).filter(|word| !word.is_empty()).count() == 1;
        let command = before.strip_prefix('/').filter(|rest| !rest.starts_with('/'));
        let found = match command.and_then(|rest| rest.split([' ', '\t']).next()) {
            Some(_) if start == 0 => matching(commands(), &word),
            Some(verb) => match VerbInfo::find(verb).map(|info| info.verb) {
                Some(Verb::Join | Verb::Open | Verb::Who) => {
                    matching(self.rooms.iter().map(RoomName::to_string), &word)
                }
                Some(Verb::Close | Verb::Switch) => matching(self.open.iter().map(RoomName::to_string), &word),
                Some(Verb::Say) if is_first => matching(self.open.iter().map(|room| format!("{room} ")), &word),
                Some(Verb::Read | Verb::Backlog) if is_first => matching(self.targets(), &word),
                Some(_) => matching(self.users.iter().map(UserName::to_string), &word),
                None => Vec::new(),
            },
            // In a message, an empty word would offer every user at each tab.
            None if word.is_empty() => Vec::new(),
            None => matching(self.users.iter().map(UserName::to_string), &word),
        };
        (start, found)
    }

    /// The conversations, with their sigils.
    fn targets(&self) -> impl Iterator<Item = String> {
        let rooms = self.open.iter().map(|room| format!("#{room} "));
        let people =
            ['@', '+'].into_iter().flat_map(|sigil| self.users.iter().map(move |user| format!("{sigil}{user} ")));
        rooms.chain(people)
    }
}

fn commands() -> impl Iterator<Item = String> {
    VERBS.iter().filter(|info| info.available(true)).map(|info| match info.arguments {
        "" => format!("/{}", info.word),
        _ => format!("/{} ", info.word),
    })
}

fn matching(all: impl Iterator<Item = String>, word: &str) -> Vec<String> {
    all.filter(|candidate| candidate.starts_with(word)).collect()
}

/// A line that is being typed.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) before: String,
    pub(super) behind: String,
}

impl Draft {
    pub(super) fn is_empty(&self) -> bool {
        self.before.is_empty() && self.behind.is_empty()
    }
}

/// The line editor's view of [`Names`], and ours of the line that is being typed.
pub(super) struct TabKey {
    pub(super) names: Arc<Mutex<Names>>,
    /// What is on both sides of the cursor. The editor keeps it for itself if a line ends by an error.
    pub(super) draft: Arc<Mutex<Draft>>,
}

impl Completer for TabKey {
    type Candidate = String;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(lock(&self.names).candidates(&line[..cursor]))
    }
}

impl Hinter for TabKey {
    type Hint = String;

    /// Offers nothing; the editor calls it after each change.
    fn hint(&self, line: &str, cursor: usize, _: &Context<'_>) -> Option<String> {
        let (before, behind) = line.split_at(cursor);
        *lock(&self.draft) = Draft { before: before.to_owned(), behind: behind.to_owned() };
        None
    }
}

impl Highlighter for TabKey {}
impl Validator for TabKey {}
impl Helper for TabKey {}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let mut names = Names::default();
        for (room, user) in [("red", "rita"), ("rose", "bob"), ("lobby", "ann")] {
            names.learn(&Event::Joined { room: room.parse().unwrap(), user: user.parse().unwrap() });
        }
        names.set_open(&["lobby".parse().unwrap(), "rose".parse().unwrap()].into());
        names
    }

    #[test]
    fn what_the_tab_key_offers() {
        let cases: [(&str, usize, &[&str]); 17] = [
            ("/jo", 0, &["/join "]),
            ("/su", 0, &["/subscribe ", "/subscriptions", "/subscribers"]),
            ("/login", 0, &[]),
            ("/join r", 6, &["red", "rose"]),
            ("/JOIN RE", 6, &["red"]),
            ("/msg b", 5, &["bob"]),
            ("/open r", 6, &["red", "rose"]),
            ("/switch r", 8, &["rose"]),
            ("/close ", 7, &["lobby", "rose"]),
            ("/say r", 5, &["rose "]),
            ("/say rose r", 10, &["rita"]),
            ("/backlog #r", 9, &["#rose "]),
            ("/backlog +b", 9, &["+bob "]),
            ("/nonsense r", 10, &[]),
            ("hello ri", 6, &["rita"]),
            ("hello ", 6, &[]),
            ("//jo", 0, &[]),
        ];
        for (typed, start, offered) in cases {
            let offered = offered.iter().map(ToString::to_string).collect();
            assert_eq!(names().candidates(typed), (start, offered), "{typed}");
        }
    }
}
