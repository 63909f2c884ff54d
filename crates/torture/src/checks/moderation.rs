//! Who is muted in a room says nothing there, who was removed enters before they speak, who is banned does not enter, and
//! a private room is not shown to others. The log of the room alone tells in which order things happened in it.

use std::collections::{BTreeMap, BTreeSet};

use super::orders::{Kind, Orders};
use crate::logs::{LogKind, LogName, Logs};
use crate::open_rooms::{OpenRooms, Start};
use crate::record::{Connection, Content, Entry, Exchange, History, Moment, Reply, What};
use crate::report::Violation;

const MUTED: &str = "who is muted says nothing";
const REMOVED: &str = "who was removed enters before speaking";
const BANNED: &str = "who is banned does not enter";
const SHOWN: &str = "a private room is not shown to others";

/// Checks what was said in rooms, and who entered and saw them.
pub(crate) fn check(history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for name in logs.names().filter(|name| name.kind == LogKind::Room) {
        found.extend(said_by_muted(name, logs));
        found.extend(said_after_removal(name, history, logs));
    }
    // Nothing tells what held after the store was emptied.
    if history.dumps.is_empty() {
        let orders = Orders::of(history);
        for (number, connection) in history.connections.iter().enumerate() {
            found.extend(entered_while_banned(number, connection, &orders));
            found.extend(shown_while_private(number, connection, &orders));
        }
    }
    found
}

fn broken(invariant: &'static str, entry: &Entry, name: &LogName, why: &str, logs: &Logs<'_>) -> Violation {
    let Entry { id, from, text, .. } = entry;
    let what = format!("number {id} of {}, {text:?} of {from}, {why}", name.name);
    let said = logs.said(text);
    let at = said.map_or(Moment::ZERO, |said| said.exchange.answer.map_or(said.exchange.sent, |(at, _)| at));
    Violation::new(invariant, what, at, said.map(|said| said.connection))
}

/// What is between a mute without an end and what ends or replaces it, or between a setting that keeps others silent and
/// the next one.
fn said_by_muted(name: &LogName, logs: &Logs<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut muted: BTreeMap<&str, u64> = BTreeMap::new();
    let mut reserved: Option<u64> = None;
    let mut with_role: BTreeSet<&str> = BTreeSet::new();
    for entry in logs.entries(name) {
        let from = entry.from.as_str();
        if entry.is_speech() {
            let silenced = muted.get(from).copied().or(reserved.filter(|_| !with_role.contains(from)));
            let violation = |since| broken(MUTED, entry, name, &format!("who is muted by number {since}"), logs);
            found.extend(silenced.map(violation));
        }
        if entry.content == Content::Topic {
            with_role.insert(from);
        }
        let Some(deed) = entry.deed() else { continue };
        let user = deed.user.as_deref().unwrap_or_default();
        match deed.action.as_str() {
            "mute" if deed.is_endless => drop(muted.insert(user, entry.id)),
            "mute" | "unmute" => drop(muted.remove(user)),
            "post" => reserved = (deed.reason == "moderators").then_some(entry.id),
            "moderator" | "owner" => drop(with_role.insert(user)),
            _ => {}
        }
        if deed.action != "invite" {
            with_role.insert(from);
        }
    }
    found
}

/// What is behind the removal of its author, who did not enter after that.
fn said_after_removal(name: &LogName, history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut removed: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in logs.entries(name) {
        if let Some(user) = entry.deed().and_then(|deed| deed.removes()) {
            removed.insert(user, entry.id);
        }
        let Some(since) = removed.get(entry.from.as_str()).filter(|_| entry.is_speech()) else { continue };
        // A dump of the store also has rooms of earlier rounds, whose connections are not known here.
        let Some(said) = logs.said(&entry.text) else { continue };
        // A text that was sent again may be of any connection.
        let said = Some(said).filter(|said| said.times == 1);
        let mut connections = history.connections.iter().enumerate().filter(|(number, connection)| {
            connection.user == entry.from && said.is_none_or(|said| said.connection == *number)
        });
        if !connections.any(|(_, connection)| may_enter_after(connection, &name.name, *since)) {
            found.push(broken(REMOVED, entry, name, &format!("who was removed by number {since}"), logs));
        }
    }
    found
}

/// Whether a connection entered a room when its log had at least this end. Without an answer it may have.
fn may_enter_after(connection: &Connection, room: &str, last: u64) -> bool {
    connection.exchanges().iter().any(|exchange| match exchange.answer {
        None => exchange.line.moves(),
        Some((_, Reply::Entered { room: entered, last: end, .. })) => entered == room && *end >= last,
        Some((_, Reply::Synced { standings, .. })) => {
            standings.iter().any(|it| it.target.strip_prefix('#') == Some(room) && it.last >= last)
        }
        _ => false,
    })
}

fn entered_while_banned(number: usize, connection: &Connection, orders: &Orders<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let lines: BTreeMap<usize, Exchange<'_>> = connection.exchanges().into_iter().map(|it| (it.number, it)).collect();
    let mut rooms = OpenRooms::default();
    for event in &connection.events {
        let (entered, asked) = match &event.what {
            What::Answered { number: line, reply } => {
                (rooms.answered(lines[line].line, reply).entered, lines[line].sent)
            }
            What::Heard(heard) => (rooms.heard(&connection.user, heard).entered, event.at),
            _ => continue,
        };
        for Start { room, .. } in entered {
            if let Some(ban) = orders.holding(Kind::Ban, &room, &connection.user, asked, event.at) {
                let what = format!("{} entered {room}, banned since {:?}", connection.user, ban.sent);
                found.push(Violation::new(BANNED, what, event.at, [number]));
            }
        }
    }
    found
}

/// Rooms in lists that somebody got who was never inside or invited.
fn shown_while_private(number: usize, connection: &Connection, orders: &Orders<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for exchange in connection.exchanges_by_answer() {
        let (at, shown): (Moment, Vec<&str>) = match exchange.answer {
            Some((at, Reply::Rooms(rooms))) => (at, rooms.iter().map(|(room, _)| room.as_str()).collect()),
            Some((at, Reply::Users { room, .. })) => (at, vec![room]),
            _ => continue,
        };
        let outside = shown.into_iter().filter(|room| !orders.is_insider(room, &connection.user));
        for room in outside {
            if let Some(set) = orders.privacy(room, exchange.sent, at) {
                let what = format!("{} was shown {room}, private since {:?}", connection.user, set.sent);
                found.push(Violation::new(SHOWN, what, at, [number]));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;
    use crate::record::Line;

    const NOTHING: [&str; 0] = [];

    fn invariants(story: HistoryBuilder) -> Vec<&'static str> {
        story.judged_by(check)
    }

    /// Jan owns the lobby, in which ben is.
    fn begun() -> (HistoryBuilder, usize, usize) {
        let mut story = HistoryBuilder::default();
        let (jan, ben) = (story.log_in("jan", 0), story.log_in("ben", 0));
        (story, jan, ben)
    }

    fn order(story: &mut HistoryBuilder, by: usize, action: &'static str, about: &str, more: &str) {
        let (room, about, more) = ("lobby".to_owned(), about.to_owned(), more.to_owned());
        story.ask(by, Line::Order { room, action, about, more }, Some(Reply::Done));
    }

    #[test]
    fn who_is_muted_and_speaks_is_found() {
        let story = |unmuted: bool| {
            let (mut story, jan, ben) = begun();
            story.hear_deed(ben, 1, "jan", "mute", Some("ben"), "");
            if unmuted {
                story.hear_deed(ben, 2, "jan", "unmute", Some("ben"), "");
            }
            story.say(ben, "hi", 3).hear(jan, 3, "ben", "hi");
            invariants(story)
        };
        assert_eq!(story(false), [MUTED]);
        assert_eq!(story(true), NOTHING);
    }

    #[test]
    fn who_speaks_where_moderators_do_is_found() {
        let (mut story, jan, ben) = begun();
        story.hear_deed(ben, 1, "jan", "post", None, "moderators");
        story.say(jan, "may", 2).hear(ben, 2, "jan", "may");
        story.say(ben, "may not", 3).hear(jan, 3, "ben", "may not");
        assert_eq!(invariants(story), [MUTED]);
    }

    #[test]
    fn who_speaks_after_a_removal_is_found() {
        let story = |enters: bool| {
            let (mut story, jan, ben) = begun();
            story.hear_deed(ben, 4, "jan", "kick", Some("ben"), "");
            if enters {
                story.join(ben, "lobby", 4);
            }
            story.say(ben, "hi", 5).hear(jan, 5, "ben", "hi");
            invariants(story)
        };
        assert_eq!(story(false), [REMOVED]);
        assert_eq!(story(true), NOTHING);
    }

    #[test]
    fn a_room_of_an_earlier_round_is_not_judged() {
        let (mut story, _, ben) = begun();
        story.hear_deed(ben, 4, "jan", "kick", Some("eve"), "");
        story.hear(ben, 5, "eve", "nobody says this in this round");
        assert_eq!(invariants(story), NOTHING);
    }

    #[test]
    fn who_enters_while_banned_is_found() {
        let story = |lifted: bool| {
            let (mut story, jan, ben) = begun();
            order(&mut story, jan, "ban", "ben", "");
            story.hear_deed(ben, 1, "jan", "ban", Some("ben"), "");
            if lifted {
                order(&mut story, jan, "unban", "ben", "");
            }
            story.join(ben, "lobby", 2);
            invariants(story)
        };
        assert_eq!(story(false), [BANNED]);
        assert_eq!(story(true), NOTHING);
    }

    #[test]
    fn a_private_room_that_is_shown_is_found() {
        let story = |setting: &str| {
            let (mut story, jan, ben) = begun();
            order(&mut story, jan, "access", setting, "");
            story.ask(ben, Line::Rooms, Some(Reply::Rooms(vec![("lobby".to_owned(), 2)])));
            invariants(story)
        };
        assert_eq!(story("private"), [SHOWN]);
        assert_eq!(story("public"), NOTHING);
    }
}
