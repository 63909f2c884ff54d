//! Events as lines for users. It must not print them, and must not pass on control characters from others. The only
//! control characters in its lines are its own colours.

use std::fmt::Write;

use jiff::tz::TimeZone;
use jiff::{Timestamp as Moment, Zoned};
use parlor_proto::{Event, Help, HistoryEntry, Reply, RoomName, RoomSummary, Timestamp, UserName};

/// Colours of users, as SGR parameters. They are readable on dark and on light backgrounds.
const USER_COLOURS: [&str; 6] = ["31", "32", "33", "34", "35", "36"];
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
}

impl Renderer {
    /// The lines for `event`, without the last line ending. `None` if there is nothing to show. An event without a time
    /// of its own gets the time `now`.
    pub(super) fn event(&self, event: &Event, now: Moment) -> Option<String> {
        let shown = match event {
            Event::Message { room, time, from, text, .. } => self.said(*time, now, &format!("[{room}] "), from, text),
            Event::Publication { time, from, text, .. } => self.said(*time, now, "PUB ", from, text),
            Event::Direct { time, from, text } => self.said(*time, now, &self.paint(BOLD, "DM "), from, text),
            Event::Notice { time, from, text } => self.said(*time, now, &self.paint(RED, "NOTICE "), from, text),
            Event::Joined { room, user } => self.news(now, &format!("{user} entered {room}")),
            Event::Left { room, user } => self.news(now, &format!("{user} left {room}")),
            Event::Ok(reply) => self.news(now, &reply_text(reply)?),
            Event::Error { code, message, .. } => self.problem(now, &format!("{message} ({code})")),
            Event::Bye { code, message } => self.news(now, &format!("{message} ({code})")),
            Event::Pong { token } => self.news(now, &format!("pong {}", token.as_deref().unwrap_or_default())),
            Event::Hello { server, .. } => self.news(now, &format!("this is {server}")),
            Event::Rooms { rooms } => self.news(now, &rooms_text(rooms)),
            Event::Users { room, users } => self.news(now, &format!("in {room}: {}", list(users))),
            Event::Subscriptions { users } => self.news(now, &format!("you follow {}", list(users))),
            Event::Subscribers { users } => self.news(now, &format!("you are followed by {}", list(users))),
            Event::History { room, messages } => self.history(room, messages, now),
            Event::Help { commands } => self.news(now, &help_text(commands)),
        };
        Some(shown)
    }

    /// A line for an event, such as `12:31 * bob entered red`.
    pub(super) fn news(&self, now: Moment, text: &str) -> String {
        let text = format!("* {text}");
        format!("{} {}", self.stamp(now, now), self.paint(DIM, text.trim_end()))
    }

    /// A line for an error.
    pub(super) fn problem(&self, now: Moment, text: &str) -> String {
        format!("{} {}", self.stamp(now, now), self.paint(RED, &format!("! {text}")))
    }

    /// The messages that were missed in a room while there was no connection. `left_out` older ones are not included.
    pub(super) fn missed(&self, room: &RoomName, messages: &[HistoryEntry], left_out: u64, now: Moment) -> String {
        let place = format!("{} ", self.paint(DIM, &format!("OLD [{room}]")));
        let mut lines = Vec::new();
        if left_out > 0 {
            let (all, shown) = (left_out + messages.len() as u64, messages.len());
            lines.push(
                self.news(now, &format!("said in {room} meanwhile: {all}, of which the newest are shown: {shown}")),
            );
        }
        lines.extend(messages.iter().map(|old| self.said(old.time, now, &place, &old.from, &old.text)));
        lines.join("\n")
    }

    fn said(&self, time: Timestamp, now: Moment, how: &str, from: &UserName, text: &dyn std::fmt::Display) -> String {
        // Both count milliseconds within the years 0 to 9999.
        let time = Moment::from_millisecond(time.as_millis()).unwrap_or(now);
        let text = text.to_string().replace('\t', "    ");
        format!("{} {how}{}: {text}", self.stamp(time, now), self.paint(colour_of(from), from.as_str()))
    }

    fn history(&self, room: &RoomName, messages: &[HistoryEntry], now: Moment) -> String {
        let place = format!("[{room}] ");
        let mut lines: Vec<String> =
            messages.iter().map(|old| self.said(old.time, now, &place, &old.from, &old.text)).collect();
        lines.push(self.news(now, &format!("end of the history of {room}, messages shown: {}", messages.len())));
        lines.join("\n")
    }

    /// The time of day. The date comes first if it is not today.
    fn stamp(&self, time: Moment, now: Moment) -> String {
        let local = |moment: Moment| -> Zoned { moment.to_zoned(self.zone.clone()) };
        let (time, now) = (local(time), local(now));
        let format = if time.date() == now.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
        self.paint(DIM, &time.strftime(format).to_string())
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The same user has the same colour in every room.
fn colour_of(user: &UserName) -> &'static str {
    let sum = user.as_str().bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    USER_COLOURS[sum % USER_COLOURS.len()]
}

/// The text of a reply for users. `None` if users know it already.
fn reply_text(reply: &Reply) -> Option<String> {
    Some(match reply {
        Reply::Login { user, room, .. } | Reply::Register { user, room, .. } => format!("you are {user}, in {room}"),
        Reply::Join { room, members, .. } => format!("you are in {room}, members: {members}"),
        Reply::Leave { left, room, members, .. } => format!("you left {left} for {room}, members: {members}"),
        Reply::Subscribe { user } => format!("you follow {user}"),
        Reply::Unsubscribe { user } => format!("you follow {user} no longer"),
        Reply::Publish { id } => format!("published as number {id}"),
        Reply::Msg { user } => format!("sent to {user}"),
        Reply::Broadcast => "sent to everybody".to_owned(),
        Reply::Passwd => "your password is changed".to_owned(),
        Reply::Message { .. } | Reply::Format { .. } => return None,
    })
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
