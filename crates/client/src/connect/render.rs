//! Events as lines for people. It must not print them, nor let a control character of others through;
//! the only ones in its lines are its own colours and the bell.

mod hooks;
mod invitations;
mod rights;
mod tickets;

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp as Moment, Zoned};
use parlor_proto::{
    DirectState, Event, FeedState, Help, HistoryEntry, LogEntry, LostRoom, Note, Reply, RoomName, RoomState,
    RoomSummary, Sync, Target, Timestamp, UserName,
};

use crate::lock;
use rights::{Part, Sentence};

/// Colours of users, as parameters of SGR: red, green, blue and magenta are readable on dark and on light backgrounds,
/// while yellow and cyan vanish on white.
const USER_COLOURS: [&str; 4] = ["31", "32", "34", "35"];
const DIM: &str = "2";
const BOLD: &str = "1";
const RED: &str = "1;31";

/// How events are shown.
#[derive(Debug, Clone)]
pub(super) struct Renderer {
    /// Whether to use colours.
    pub(super) colour: bool,
    /// The time zone of the shown times.
    pub(super) zone: TimeZone,
    /// Whose mentions are marked.
    pub(super) me: UserName,
    /// Whether what is meant for the user alone rings the bell.
    pub(super) bell: bool,
    /// Where this is, a line tells of each new day.
    pub(super) days: Option<Days>,
}

/// The day of the line that was shown last. Clones share it. No lock is taken inside this one.
#[derive(Debug, Clone, Default)]
pub(super) struct Days(Arc<Mutex<Option<Date>>>);

impl Days {
    /// Whether a line of this day, shown `today`, is the first one of another day than the line before.
    fn turn(&self, day: Date, today: Date) -> bool {
        let before = lock(&self.0).replace(day);
        before.unwrap_or(today) != day
    }
}

/// Rings the terminal's bell.
const BELL: char = '\x07';

impl Renderer {
    /// The lines for `event`, without the last line ending. `None` if there is nothing to show. An event without a time
    /// of its own gets the time `now`.
    pub(super) fn event(&self, event: &Event, now: Moment) -> Option<String> {
        let mut shown = match event {
            Event::Message { room, time, from, text, edited, removed, bot, .. } => {
                let text = rights::message_text(text, edited.is_some(), *removed);
                let bot = if *bot { "bot " } else { "" };
                self.said(*time, now, &format!("[{room}] {bot}"), from, &text)
            }
            Event::Publication { time, from, text, .. } => self.said(*time, now, "PUB ", from, text),
            Event::Direct { time, from, text, .. } => self.said(*time, now, &self.paint(BOLD, "DM "), from, text),
            Event::Notice { time, from, text } => self.said(*time, now, &self.paint(RED, "NOTICE "), from, text),
            Event::Joined { room, user } => self.news(now, &format!("{user} entered {room}")),
            Event::Left { room, user } => self.news(now, &format!("{user} left {room}")),
            Event::Edited { .. }
            | Event::Removed { .. }
            | Event::Topic { .. }
            | Event::Moderated { .. }
            | Event::Invited(_) => self.happened(event, now)?,
            Event::Moved { room, members, .. } => self.news(now, &format!("you are in {room} now, members: {members}")),
            Event::Room(info) => self.news(now, &rights::room_text(info, &|time| self.when(time, now))),
            Event::Ok(reply) => self.news(now, &self.reply_text(reply, now)?),
            Event::Error { code, message, .. } => self.problem(now, &format!("{message} ({code})")),
            Event::Bye { code, message } => self.news(now, &format!("{message} ({code})")),
            Event::Reconnect { after_ms } => self
                .news(now, &format!("the server goes down; you are connected again in {} s", after_ms.div_ceil(1000))),
            Event::Pong { token } => self.news(now, &format!("pong {}", token.as_deref().unwrap_or_default())),
            Event::Hello { server, .. } => self.news(now, &format!("this is {server}")),
            Event::Rooms { rooms } => self.news(now, &rooms_text(rooms)),
            Event::Users { room, users } => self.news(now, &format!("in {room}: {}", list(users))),
            Event::Subscriptions { users } => self.news(now, &format!("you follow {}", list(users))),
            Event::Subscribers { users } => self.news(now, &format!("you are followed by {}", list(users))),
            Event::History { room, messages } => self.history(room, messages, now),
            Event::Sync(sync) => self.news(now, &sync_text(sync)),
            Event::Backlog { target, entries, .. } => self.backlog(|_| target.clone(), entries, now),
            Event::Inbox { entries, .. } => self.backlog(|entry| Target::Direct(entry.from().clone()), entries, now),
            Event::Blocks { users } => self.news(now, &format!("you block {}", list(users))),
            Event::Tickets { tickets } => self.news(now, &tickets::list_text(tickets, &|time| self.when(time, now))),
            Event::Hooks { room, hooks } => {
                self.news(now, &hooks::list_text(room, hooks, &|time| self.when(time, now)))
            }
            Event::Invitations { invitations } => {
                self.news(now, &invitations::list_text(invitations, &|time| self.when(time, now)))
            }
            Event::Help { commands } => self.news(now, &help_text(commands)),
        };
        if self.bell && self.is_for_me(event) {
            shown.insert(0, BELL);
        }
        Some(shown)
    }

    /// The text of a reply for users. `None` if users know it already.
    fn reply_text(&self, reply: &Reply, now: Moment) -> Option<String> {
        let when = |time| self.when(time, now);
        let timed = tickets::reply_text(reply, &when).or_else(|| invitations::reply_text(reply, &when));
        timed.or_else(|| hooks::reply_text(reply)).or_else(|| reply_text(reply))
    }

    fn is_for_me(&self, event: &Event) -> bool {
        match event {
            Event::Direct { .. } | Event::Invited(_) => true,
            Event::Message { text, .. } | Event::Publication { text, .. } => self.is_mentioned(text),
            Event::Edited { entry, .. } => self.is_mentioned(&entry.text),
            Event::Topic { entry, .. } => self.is_mentioned(&entry.text),
            Event::Moderated { entry, .. } => entry.user.as_ref() == Some(&self.me),
            _ => false,
        }
    }

    fn is_mentioned(&self, text: &Note) -> bool {
        !mentions(text.as_str(), &self.me).is_empty()
    }

    /// Something that happened, as `12:31 * bob entered red`.
    pub(super) fn news(&self, now: Moment, text: &str) -> String {
        let text = format!("* {text}");
        format!("{} {}", self.stamp(now, now), self.paint(DIM, text.trim_end()))
    }

    /// A line for an error.
    pub(super) fn problem(&self, now: Moment, text: &str) -> String {
        format!("{} {}", self.stamp(now, now), self.paint(RED, &format!("! {text}")))
    }

    /// What was said in a conversation before, or while the connection was away; more of it, older than that, is left
    /// out.
    pub(super) fn missed(&self, target: &Target, entries: &[LogEntry], left_out: u64, now: Moment) -> String {
        let mut lines = Vec::new();
        if left_out > 0 {
            let (all, shown) = (left_out + entries.len() as u64, entries.len());
            let place = place(target);
            lines.push(
                self.news(now, &format!("said in {place} meanwhile: {all}, of which the newest are shown: {shown}")),
            );
        }
        let entries = entries.iter().filter(|entry| rights::is_worth_a_line(entry, entries));
        lines.extend(entries.map(|entry| self.old(target, entry, false, now)));
        lines.join("\n")
    }

    /// An entry that is shown later than it was made. With its number it can be named in commands.
    fn old(&self, target: &Target, entry: &LogEntry, with_number: bool, now: Moment) -> String {
        let room = match target {
            Target::Room(room) => room.as_str(),
            Target::Direct(_) | Target::Feed(_) => "",
        };
        let when = |time| self.when(time, now);
        if let Some(sentence) = rights::happened(room, entry, &self.me, &when) {
            return self.sentence(entry.time(), now, "OLD * ", &sentence);
        }
        let place = if with_number { format!("[{room} {}]", entry.id()) } else { format!("[{room}]") };
        let (how, who) = match (target, entry) {
            (Target::Feed(_), _) => ("OLD PUB".to_owned(), entry.from()),
            (Target::Direct(user), LogEntry::Direct(direct)) if direct.to == *user => ("DM to".to_owned(), user),
            (Target::Direct(_), _) => ("DM from".to_owned(), entry.from()),
            (Target::Room(_), LogEntry::Edited(_)) => (format!("OLD EDIT {place}"), entry.from()),
            (Target::Room(_), _) => (format!("OLD {place}"), entry.from()),
        };
        let how = format!("{} ", self.paint(DIM, &how));
        let text = self.text_of(entry.from(), &rights::text_of(entry));
        self.line(entry.time(), now, &how, who, &text)
    }

    /// What an event about rights says has happened.
    fn happened(&self, event: &Event, now: Moment) -> Option<String> {
        let (room, entry) = rights::entry_of(event)?;
        if let LogEntry::Edited(edit) = &entry
            && !edit.text.is_empty()
        {
            let text = self.text_of(&edit.from, &rights::text_of(&entry));
            return Some(self.line(edit.time, now, &format!("EDIT [{room}] "), &edit.from, &text));
        }
        let when = |time| self.when(time, now);
        let sentence = rights::happened(room, &entry, &self.me, &when)?;
        Some(self.sentence(entry.time(), now, "* ", &sentence))
    }

    fn sentence(&self, time: Timestamp, now: Moment, how: &str, parts: &Sentence<'_>) -> String {
        let time = moment(time, now);
        let mut line = format!("{} {}", self.stamp(time, now), self.paint(DIM, how));
        for part in parts {
            line += &match part {
                Part::Words(words) => self.paint(DIM, words),
                Part::User(user) if **user == self.me => self.paint(BOLD, user.as_str()),
                Part::User(user) => self.paint(colour_of(user), user.as_str()),
                Part::Text(text) => self.mark(&text.replace('\t', "    ")),
            };
        }
        line
    }

    /// A time in a sentence: the time of day, with the date if that is not today's.
    fn when(&self, time: Timestamp, now: Moment) -> String {
        let local = |moment: Moment| -> Zoned { moment.to_zoned(self.zone.clone()) };
        let (time, now) = (local(moment(time, now)), local(now));
        let format = if time.date() == now.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
        time.strftime(format).to_string()
    }

    /// The rooms that are open, the current one first, and what is unread. `None` if there is nothing to tell.
    pub(super) fn summary(&self, sync: &Sync, now: Moment) -> Option<String> {
        let others = sync.rooms.iter().map(|room| &room.room).filter(|room| **room != sync.current);
        let others: Vec<_> = others.map(RoomName::as_str).collect();
        let mut parts = vec![format!("what you say goes to {}", sync.current)];
        if !others.is_empty() {
            parts.push(format!("also open: {}", others.join(", ")));
        }
        let rooms = sync.rooms.iter().map(|room| (format!("#{}", room.room), room.unread));
        let directs = sync.directs.iter().map(|direct| (format!("@{}", direct.user), direct.unread));
        let feeds = sync.feeds.iter().map(|feed| (format!("+{}", feed.user), feed.unread));
        let unread = rooms.chain(directs).chain(feeds).filter(|(_, count)| *count > 0);
        let unread: Vec<_> = unread.map(|(target, count)| format!("{target} {count}")).collect();
        if !unread.is_empty() {
            parts.push(format!("unread: {}", unread.join(", ")));
        }
        (parts.len() > 1).then(|| self.news(now, &parts.join("; ")))
    }

    fn said(&self, time: Timestamp, now: Moment, how: &str, from: &UserName, text: &dyn std::fmt::Display) -> String {
        self.line(time, now, how, from, &self.text_of(from, text))
    }

    fn line(&self, time: Timestamp, now: Moment, how: &str, who: &UserName, text: &str) -> String {
        format!("{} {how}{}: {text}", self.stamp(moment(time, now), now), self.paint(colour_of(who), who.as_str()))
    }

    /// The text as it is shown: mentions of the user by others are marked.
    fn text_of(&self, from: &UserName, text: &dyn std::fmt::Display) -> String {
        let text = text.to_string().replace('\t', "    ");
        if *from == self.me { text } else { self.mark(&text) }
    }

    /// The text with the mentions of the user in bold.
    fn mark(&self, text: &str) -> String {
        let length = self.me.as_str().len();
        let mut marked = String::with_capacity(text.len());
        let mut done = 0;
        for at in mentions(text, &self.me) {
            marked += &text[done..at];
            marked += &self.paint(BOLD, &text[at..at + length]);
            done = at + length;
        }
        marked + &text[done..]
    }

    fn history(&self, room: &RoomName, messages: &[HistoryEntry], now: Moment) -> String {
        let line = |old: &HistoryEntry| {
            let text = rights::message_text(&old.text, old.edited.is_some(), old.removed);
            self.said(old.time, now, &format!("[{room} {}] ", old.id), &old.from, &text)
        };
        let mut lines: Vec<String> = messages.iter().map(line).collect();
        lines.push(self.news(now, &format!("end of the history of {room}, messages shown: {}", messages.len())));
        lines.join("\n")
    }

    /// A page of a conversation, or of several.
    fn backlog(&self, target: impl Fn(&LogEntry) -> Target, entries: &[LogEntry], now: Moment) -> String {
        let worth = entries.iter().filter(|entry| rights::is_worth_a_line(entry, entries));
        let mut lines: Vec<String> = worth.map(|entry| self.old(&target(entry), entry, true, now)).collect();
        lines.push(self.news(now, &format!("messages shown: {}", lines.len())));
        lines.join("\n")
    }

    /// The time of day. If the day is another than that of the line before, a line that tells it comes first; without
    /// such lines, the date stands before the time unless it is today's.
    fn stamp(&self, time: Moment, now: Moment) -> String {
        let local = |moment: Moment| -> Zoned { moment.to_zoned(self.zone.clone()) };
        let (time, now) = (local(time), local(now));
        let (day, today) = (time.date(), now.date());
        match &self.days {
            None if day != today => self.paint(DIM, &time.strftime("%Y-%m-%d %H:%M").to_string()),
            Some(days) if days.turn(day, today) => {
                let line = self.paint(DIM, &time.strftime("--- %Y-%m-%d ---").to_string());
                format!("{line}\n{}", self.paint(DIM, &time.strftime("%H:%M").to_string()))
            }
            _ => self.paint(DIM, &time.strftime("%H:%M").to_string()),
        }
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Both count milliseconds within the years 0 to 9999.
fn moment(time: Timestamp, now: Moment) -> Moment {
    Moment::from_millisecond(time.as_millis()).unwrap_or(now)
}

/// A conversation in words.
pub(super) fn place(target: &Target) -> String {
    match target {
        Target::Room(room) => room.to_string(),
        Target::Direct(user) => format!("direct messages with {user}"),
        Target::Feed(user) => format!("publications of {user}"),
    }
}

/// Where a text has the name of a user, in any case and as a word of its own.
fn mentions(text: &str, user: &UserName) -> Vec<usize> {
    let is_of_name = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    // The letters of names are ASCII, so that no place in the text changes.
    let lower = text.to_ascii_lowercase();
    let is_word = |at: usize| {
        let (before, behind) = (&text[..at], &text[at + user.as_str().len()..]);
        !before.ends_with(is_of_name) && !behind.starts_with(is_of_name)
    };
    lower.match_indices(user.as_str()).map(|(at, _)| at).filter(|&at| is_word(at)).collect()
}

/// The same user has the same colour everywhere.
fn colour_of(user: &UserName) -> &'static str {
    let sum = user.as_str().bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    USER_COLOURS[sum % USER_COLOURS.len()]
}

/// The text of a reply that tells no time. `None` if users know it already.
fn reply_text(reply: &Reply) -> Option<String> {
    Some(match reply {
        Reply::Login { user, room, .. } | Reply::Register { user, room, .. } => format!("you are {user}, in {room}"),
        Reply::Join { room, members, .. } => format!("you are in {room}, members: {members}"),
        Reply::Leave { left, room, members, .. } => format!("you left {left} for {room}, members: {members}"),
        Reply::Open { room, members, .. } => format!("you are in {room} too, members: {members}"),
        Reply::Close { room, current } => format!("you left {room}; what you say goes to {current}"),
        Reply::Switch { room } => format!("what you say goes to {room}"),
        Reply::Read { target, id } => format!("read: {target} up to {id}"),
        Reply::Block { user } => format!("you block {user}"),
        Reply::Unblock { user } => format!("you block {user} no longer"),
        Reply::Subscribe { user } => format!("you follow {user}"),
        Reply::Unsubscribe { user } => format!("you follow {user} no longer"),
        Reply::Publish { id, .. } => format!("published as number {id}"),
        Reply::Msg { user, .. } => format!("sent to {user}"),
        Reply::Edit { .. }
        | Reply::Remove { .. }
        | Reply::Topic { .. }
        | Reply::Access { .. }
        | Reply::Post { .. }
        | Reply::Retention { .. }
        | Reply::Invite(_)
        | Reply::Kick(_)
        | Reply::Ban(_)
        | Reply::Unban(_)
        | Reply::Mute(_)
        | Reply::Unmute(_)
        | Reply::Moderator(_)
        | Reply::Unmoderator(_)
        | Reply::Owner(_)
        | Reply::Suspend { .. }
        | Reply::Unsuspend { .. } => rights::reply_text(reply)?,
        Reply::Broadcast => "sent to everybody".to_owned(),
        Reply::Passwd => "your password is changed".to_owned(),
        Reply::Ticket { .. } | Reply::Revoke { .. } | Reply::Invitation { .. } | Reply::Uninvite { .. } => return None,
        Reply::Hook { .. } | Reply::Outhook { .. } | Reply::Unhook { .. } => return None,
        Reply::Message { .. } | Reply::Format { .. } => return None,
    })
}

fn sync_text(sync: &Sync) -> String {
    let mut text = format!("what you say goes to {}; open rooms, and what is unread:", sync.current);
    for RoomState { room, unread, .. } in &sync.rooms {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n    {unread:>6}  #{room}");
    }
    for DirectState { user, unread, .. } in sync.directs.iter().filter(|direct| direct.unread > 0) {
        let _ = write!(text, "\n    {unread:>6}  @{user}");
    }
    for FeedState { user, unread, .. } in sync.feeds.iter().filter(|feed| feed.unread > 0) {
        let _ = write!(text, "\n    {unread:>6}  +{user}");
    }
    for LostRoom { room, code } in &sync.lost {
        let _ = write!(text, "\n    {:>6}  #{room}, where you are not any more ({code})", "");
    }
    text
}

fn list(users: &[UserName]) -> String {
    if users.is_empty() {
        return "nobody".to_owned();
    }
    users.iter().map(UserName::as_str).collect::<Vec<_>>().join(", ")
}

fn rooms_text(rooms: &[RoomSummary]) -> String {
    let mut text = "rooms and their members:".to_owned();
    for RoomSummary { room, members } in rooms {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n    {members:>6}  {room}");
    }
    text
}

fn help_text(commands: &[Help]) -> String {
    let mut text = "a line without a slash is said to the room; commands:".to_owned();
    for Help { usage, help } in commands {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n    {usage:<24}  {help}");
    }
    text
}

#[cfg(test)]
mod tests;
