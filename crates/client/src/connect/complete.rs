//! Completions for the tab key: the commands that the user may give, and rooms and users seen in events. It must not ask
//! the server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use parlor_proto::{Access, Event, MessageId, Reply, Retention, RoomName, Speakers, UserName, VERBS, Verb, VerbInfo};
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use super::roles::{self, Roles};
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
    /// The last message of the user in each room.
    said: BTreeMap<RoomName, MessageId>,
    roles: Roles,
}

impl Names {
    /// Remembers the names in `event`, and what it tells of the role of `me`.
    pub(super) fn learn(&mut self, event: &Event, me: &UserName) {
        self.roles.learn(event, me);
        match event {
            Event::Ok(reply) => self.learn_reply(reply),
            Event::Edited { .. }
            | Event::Removed { .. }
            | Event::Topic { .. }
            | Event::Moderated { .. }
            | Event::Invited(_)
            | Event::Room(_) => self.learn_rights(event),
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
            Event::Sync(sync) => {
                sync.rooms.iter().for_each(|room| self.add(Some(&room.room), None));
                sync.directs.iter().for_each(|direct| self.add(None, Some(&direct.user)));
                sync.feeds.iter().for_each(|feed| self.add(None, Some(&feed.user)));
            }
            Event::Backlog { entries, .. } | Event::Inbox { entries, .. } => {
                entries.iter().for_each(|old| self.add(None, Some(old.from())));
            }
            _ => {}
        }
    }

    fn learn_reply(&mut self, reply: &Reply) {
        match reply {
            Reply::Join { room, .. } | Reply::Leave { room, .. } | Reply::Open { room, .. } => {
                self.add(Some(room), None);
            }
            Reply::Subscribe { user } | Reply::Msg { user, .. } => self.add(None, Some(user)),
            Reply::Message { room, id, .. } if self.said.len() < NAMES_MAX || self.said.contains_key(room) => {
                self.said.insert(room.clone(), *id);
            }
            _ => {}
        }
    }

    fn learn_rights(&mut self, event: &Event) {
        match event {
            Event::Edited { room, entry } => self.add(Some(room), Some(&entry.from)),
            Event::Removed { room, entry } => self.add(Some(room), Some(&entry.from)),
            Event::Topic { room, entry } => self.add(Some(room), Some(&entry.from)),
            Event::Moderated { room, entry } => {
                self.add(Some(room), Some(&entry.from));
                self.add(None, entry.user.as_ref());
            }
            Event::Invited(entry) => self.add(Some(&entry.room), Some(&entry.from)),
            Event::Room(info) => {
                self.add(Some(&info.room), info.owner.as_ref());
                info.moderators.iter().for_each(|user| self.add(None, Some(user)));
            }
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
        let command = before.strip_prefix('/').filter(|rest| !rest.starts_with('/'));
        let found = match command.and_then(|rest| rest.split([' ', '\t']).next()) {
            Some(_) if start == 0 => matching(self.commands(), &word),
            Some(verb) => {
                // How many words stand between the command and this one.
                let place = before[..start].split([' ', '\t']).filter(|word| !word.is_empty()).count() - 1;
                let verb = VerbInfo::find(verb, true).map(|info| info.verb);
                verb.map_or_else(Vec::new, |verb| matching(self.arguments(verb, place, before).into_iter(), &word))
            }
            // In a message, an empty word would offer every user at each tab.
            None if word.is_empty() => Vec::new(),
            None => matching(self.users.iter().map(UserName::to_string), &word),
        };
        (start, found)
    }

    /// What can stand at this place behind a command, from 0.
    fn arguments(&self, verb: Verb, place: usize, before: &str) -> Vec<String> {
        let rooms = |ending| self.rooms.iter().map(move |room| format!("{room}{ending}")).collect();
        let open = |ending| self.open.iter().map(move |room| format!("{room}{ending}")).collect();
        let second = || before.split([' ', '\t']).filter(|word| !word.is_empty()).nth(1);
        let room = || second().and_then(|room| room.parse::<RoomName>().ok());
        match (verb, place) {
            (Verb::Join | Verb::Open | Verb::Who | Verb::Room, _) => rooms(""),
            (Verb::Close | Verb::Switch, _) => open(""),
            (Verb::Say | Verb::Edit | Verb::Remove | Verb::Topic | Verb::Invite, 0) => open(" "),
            (Verb::Hook | Verb::Outhook | Verb::Unhook, 1..) => Vec::new(),
            (Verb::Read | Verb::Backlog, 0) => self.targets().collect(),
            (Verb::Edit | Verb::Remove, 1) => {
                let last = room().and_then(|room| self.said.get(&room).copied());
                last.map(|last| format!("{last} ")).into_iter().collect()
            }
            // Who sets topics is who moderates; others only ask for them.
            (Verb::Topic, _) if !room().is_some_and(|room| self.roles.may_in(Verb::Mute, &room)) => Vec::new(),
            (Verb::Access, 1) => Access::ALL.iter().map(ToString::to_string).collect(),
            (Verb::Retention, 1) => vec![Retention::DEFAULT.to_owned()],
            (Verb::Post, 1) => Speakers::ALL.iter().map(ToString::to_string).collect(),
            (Verb::Suspend | Verb::Unsuspend | Verb::Broadcast, _) => self.names(),
            (Verb::Invitation, _) => rooms(" "),
            (Verb::Invitations | Verb::Uninvite, _) => Vec::new(),
            (_, 0) if roles::needed(verb).is_some() => {
                let rooms: BTreeSet<_> = self.roles.rooms(verb).chain(&self.open).collect();
                let rooms = rooms.into_iter().filter(|room| self.roles.may_in(verb, room));
                rooms.map(|room| format!("{room} ")).collect()
            }
            _ => self.names(),
        }
    }

    fn names(&self) -> Vec<String> {
        self.users.iter().map(UserName::to_string).collect()
    }

    /// The commands that the user may give.
    fn commands(&self) -> impl Iterator<Item = String> {
        let may = |info: &&VerbInfo| info.available(true) && self.roles.may(info.verb);
        VERBS.iter().filter(may).map(|info| match info.arguments {
            "" => format!("/{}", info.word),
            _ => format!("/{} ", info.word),
        })
    }

    /// The conversations, with their sigils.
    fn targets(&self) -> impl Iterator<Item = String> {
        let rooms = self.open.iter().map(|room| format!("#{room} "));
        let people =
            ['@', '+'].into_iter().flat_map(|sigil| self.users.iter().map(move |user| format!("{sigil}{user} ")));
        rooms.chain(people)
    }
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

    fn me() -> UserName {
        "ann".parse().unwrap()
    }

    fn names() -> Names {
        let mut names = Names::default();
        for (room, user) in [("red", "rita"), ("rose", "bob"), ("lobby", "ann")] {
            names.learn(&Event::Joined { room: room.parse().unwrap(), user: user.parse().unwrap() }, &me());
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
        check(&names(), &cases);
    }

    fn check(names: &Names, cases: &[(&str, usize, &[&str])]) {
        for (typed, start, offered) in cases {
            let offered = offered.iter().map(ToString::to_string).collect();
            assert_eq!(names.candidates(typed), (*start, offered), "{typed}");
        }
    }

    fn with_role(role: &str) -> Names {
        let mut names = names();
        let info = format!(
            r#"{{"type":"room","room":"rose","topic":"","access":"public","post":"everyone","owner":null,"moderators":[],"role":"{role}","created":null}}"#
        );
        names.learn(&serde_json::from_str(&info).unwrap(), &me());
        let said = Reply::Message { room: "rose".parse().unwrap(), id: MessageId(7), repeated: false };
        names.learn(&said.into(), &me());
        names
    }

    #[test]
    fn what_others_may_do_is_not_offered() {
        let all: [(&str, usize, &[&str]); 11] = [
            ("/ki", 0, &[]),
            ("/un", 0, &["/unsubscribe ", "/unblock "]),
            ("/po", 0, &[]),
            ("/bro", 0, &[]),
            ("/kick ro", 6, &[]),
            ("/top", 0, &["/topic "]),
            ("/topic r", 7, &["rose "]),
            ("/topic rose ri", 12, &[]),
            ("/invite rose ri", 13, &["rita"]),
            ("/edit rose ", 11, &["7 "]),
            ("/remove lobby ", 14, &[]),
        ];
        check(&with_role("member"), &all);
        let moderator: [(&str, usize, &[&str]); 6] = [
            ("/ki", 0, &["/kick "]),
            ("/kick ", 6, &["rose "]),
            ("/topic rose ri", 12, &["rita"]),
            ("/kick rose ri", 11, &["rita"]),
            ("/un", 0, &["/unsubscribe ", "/unblock ", "/unban ", "/unmute ", "/unhook "]),
            ("/ac", 0, &[]),
        ];
        check(&with_role("moderator"), &moderator);
        let owner: [(&str, usize, &[&str]); 5] = [
            ("/ac", 0, &["/access "]),
            ("/access rose ", 13, &["public", "private"]),
            ("/post rose e", 11, &["everyone"]),
            ("/owner rose b", 12, &["bob"]),
            ("/susp", 0, &[]),
        ];
        check(&with_role("owner"), &owner);
        let operator: [(&str, usize, &[&str]); 4] = [
            ("/susp", 0, &["/suspend "]),
            ("/suspend b", 9, &["bob"]),
            ("/ban ", 5, &["lobby ", "rose "]),
            ("/bro", 0, &["/broadcast "]),
        ];
        check(&with_role("operator"), &operator);
    }

    /// What is offered for a room and for a user, once the client has seen this event.
    fn offered(json: &str) -> (Vec<String>, Vec<String>) {
        let mut names = Names::default();
        names.learn(&serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}")), &me());
        (names.candidates("/join ").1, names.candidates("/msg ").1)
    }

    /// An event of this kind by bob.
    fn by_bob(kind: &str, rest: &str) -> String {
        format!(r#"{{"type":"{kind}","id":1,"time":"2026-01-01T10:00:00Z","from":"bob",{rest}}}"#)
    }

    #[test]
    fn every_event_teaches_its_names() {
        let kick = r#""room":"red","action":"kick","user":"eve","until":null,"reason":"""#;
        let info = r#"{"type":"room","room":"red","topic":"","access":"public","post":"everyone","owner":"bob","moderators":["eve"],"role":"member","created":null}"#;
        let sync = r#"{"type":"sync","current":"red","rooms":[{"room":"red","members":1,"topic":"","role":"member","epoch":"0000000000000001","last":9,"read":0,"unread":0}],"directs":[{"user":"bob","last":9,"read":0,"unread":0}],"feeds":[{"user":"eve","epoch":"0000000000000001","last":9,"read":0,"unread":0}],"inbox":{"epoch":"0000000000000001","last":0},"lost":[]}"#;
        let entry = by_bob("direct", r#""to":"ann","text":"x""#);
        let cases: [(String, &[&str], &[&str]); 14] = [
            (by_bob("message", r#""room":"red","text":"x""#), &["red"], &["bob"]),
            (by_bob("publication", r#""text":"x""#), &[], &["bob"]),
            (by_bob("notice", r#""text":"x""#), &[], &["bob"]),
            (by_bob("topic", r#""room":"red","text":"x""#), &["red"], &["bob"]),
            (by_bob("moderated", kick), &["red"], &["bob", "eve"]),
            (by_bob("invited", r#""room":"red""#), &["red"], &["bob"]),
            (r#"{"type":"rooms","rooms":[{"room":"red","members":1}]}"#.into(), &["red"], &[]),
            (r#"{"type":"users","room":"red","users":["bob"]}"#.into(), &["red"], &["bob"]),
            (r#"{"type":"subscribers","users":["bob"]}"#.into(), &[], &["bob"]),
            (r#"{"type":"ok","command":"subscribe","user":"bob"}"#.into(), &[], &["bob"]),
            (r#"{"type":"ok","command":"open","room":"red","members":1,"epoch":"0000000000000001","last":1,"topic":""}"#.into(), &["red"], &[]),
            (format!(r#"{{"type":"inbox","entries":[{entry}],"more":false}}"#), &[], &["bob"]),
            (sync.into(), &["red"], &["bob", "eve"]),
            (info.into(), &["red"], &["bob", "eve"]),
        ];
        for (json, rooms, users) in cases {
            let expected = [rooms, users].map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(<[_; 2]>::from(offered(&json)), expected, "{json}");
        }
    }

    #[test]
    fn only_what_fits_the_place_is_offered() {
        check(&names(), &[("/msg\tb", 5, &["bob"]), ("hello\tri", 6, &["rita"])]);
        let owner: [(&str, usize, &[&str]); 2] =
            [("/hook rose r", 11, &[]), ("/retention rose ", 16, &[Retention::DEFAULT])];
        check(&with_role("owner"), &owner);
        let operator: [(&str, usize, &[&str]); 2] = [("/uninvite r", 10, &[]), ("/invitation re", 12, &["red "])];
        check(&with_role("operator"), &operator);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut names = names();
        for number in 0..=NAMES_MAX {
            let (room, user) = (format!("room{number}"), format!("user{number}"));
            names.learn(&Event::Joined { room: room.parse().unwrap(), user: user.parse().unwrap() }, &me());
        }
        assert_eq!((names.rooms.len(), names.users.len()), (NAMES_MAX, NAMES_MAX));
    }

    #[test]
    fn the_line_is_kept_on_both_sides_of_the_cursor() {
        let key = TabKey { names: Arc::default(), draft: Arc::default() };
        let history = rustyline::history::MemHistory::new();
        assert_eq!(key.hint("hello there", 5, &Context::new(&history)), None);
        let draft = lock(&key.draft);
        assert_eq!((draft.before.as_str(), draft.behind.as_str()), ("hello", " there"));
    }

    #[test]
    fn what_the_user_asked_for_teaches_its_names_too() {
        let entry = by_bob("message", r#""text":"x""#);
        let log = r#""epoch":"0000000000000001""#;
        let state = format!(r#""members":1,{log},"last":1"#);
        let cases: [(String, &[&str], &[&str]); 9] = [
            (by_bob("direct", r#""text":"x""#), &[], &["bob"]),
            (by_bob("edited", r#""room":"red","of":1,"text":"x""#), &["red"], &["bob"]),
            (by_bob("removed", r#""room":"red","of":1,"reason":"""#), &["red"], &["bob"]),
            (r#"{"type":"left","room":"red","user":"bob"}"#.into(), &["red"], &["bob"]),
            (r#"{"type":"subscriptions","users":["bob"]}"#.into(), &[], &["bob"]),
            (format!(r#"{{"type":"history","room":"red","messages":[{entry}]}}"#), &[], &["bob"]),
            (
                format!(r##"{{"type":"backlog","target":"#red",{log},"entries":[{entry}],"more":false}}"##),
                &[],
                &["bob"],
            ),
            (format!(r#"{{"type":"ok","command":"leave","left":"blue","room":"red",{state}}}"#), &["red"], &[]),
            (r#"{"type":"ok","command":"msg","user":"bob"}"#.into(), &[], &["bob"]),
        ];
        for (json, rooms, users) in cases {
            let expected = [rooms, users].map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(<[_; 2]>::from(offered(&json)), expected, "{json}");
        }
    }
}
