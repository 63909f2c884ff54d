//! What one line of a server means for a client that does not trust it, in text and in JSON. It must not know what was
//! sent.

use std::collections::BTreeSet;

use parlor_proto::{Action, Bye, Event, Format, RefusalCode, Verb, encode};

/// The meaning of one event for the client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// An event caused by others, with its room if it has one, and its number if it has one.
    News {
        room: Option<String>,
        id: Option<u64>,
    },
    /// A direct message, with its number if the format tells it.
    Direct(Option<u64>),
    /// A user was removed from a room, with the number of the entry if the format tells it.
    Removed {
        room: String,
        id: Option<u64>,
        user: String,
    },
    /// The client was moved to a room.
    Moved(String),
    /// A line that belongs to the answer before.
    Detail,
    Answer {
        verb: Verb,
        token: Option<String>,
        /// The open rooms, if the answer tells them.
        rooms: Option<BTreeSet<String>>,
    },
    Refusal {
        code: RefusalCode,
        verb: Option<Verb>,
    },
    Goodbye(Bye),
}

/// The meaning of a line in the text format. The closing line of a list is read with its items.
pub(crate) fn of_text<'a>(line: &'a str, lines: &mut impl Iterator<Item = &'a str>) -> Heard {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let (first, more) = rest.split_once(' ').unwrap_or((rest, ""));
    match word {
        "MSG" => Heard::News { room: room(first, more), id: None },
        "JOIN" | "PART" => {
            assert!(!more.contains(' '), "{line:?}");
            Heard::News { room: room(first, more), id: None }
        }
        "EDIT" | "REMOVE" | "TOPIC" => Heard::News { room: Some(first.to_owned()), id: None },
        "MODERATED" => moderated(first, more, line),
        "MOVED" => Heard::Moved(first.to_owned()),
        "INVITED" => {
            assert!(is_name(first) && is_name(more), "{line:?}");
            Heard::Direct(None)
        }
        "PUB" | "DM" | "NOTICE" => {
            assert!(is_name(first) && !more.is_empty(), "{line:?}");
            if word == "DM" { Heard::Direct(None) } else { Heard::News { room: None, id: None } }
        }
        // Behind the reply to a login.
        "UNREAD" => {
            assert!(first.strip_prefix('@').is_some_and(is_name) && more.parse::<u64>().is_ok(), "{line:?}");
            Heard::Detail
        }
        "PONG" => pong((!rest.is_empty()).then(|| rest.to_owned())),
        "ERR" => Heard::Refusal { code: word_of(first), verb: None },
        "BYE" => Heard::Goodbye(word_of(first)),
        "OK" => answer(word_of(first)),
        "OPEN" => sync(line, lines),
        item => list(item, lines),
    }
}

fn moderated(room: &str, more: &str, line: &str) -> Heard {
    let mut words = more.split(' ');
    let (user, action) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    assert!(is_name(room) && (is_name(user) || user == "*"), "{line:?}");
    match action {
        "kick" | "ban" => Heard::Removed { room: room.to_owned(), id: None, user: user.to_owned() },
        _ => Heard::News { room: Some(room.to_owned()), id: None },
    }
}

fn answer(verb: Verb) -> Heard {
    Heard::Answer { verb, token: None, rooms: None }
}

fn pong(token: Option<String>) -> Heard {
    Heard::Answer { verb: Verb::Ping, token, rooms: None }
}

/// Reads the rest of the answer to `/room`.
fn room_info<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Heard {
    let end = lines.find(|line| !line.starts_with("ROOM-INFO "));
    assert!(end.is_some_and(|line| line.starts_with("OK room ")), "{end:?} within a list");
    answer(Verb::Room)
}

/// Reads the answer to `/sync`: the open rooms, then what is unread, then their numbers.
fn sync<'a>(line: &'a str, lines: &mut impl Iterator<Item = &'a str>) -> Heard {
    let mut rooms = BTreeSet::new();
    let mut is_unread = false;
    for line in std::iter::once(line).chain(lines) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["OPEN", room, _, _] if !is_unread => assert!(rooms.insert((*room).to_owned()), "{line:?} twice"),
            ["UNREAD", _, _] => is_unread = true,
            ["OK", "sync", count, _] => {
                assert_eq!(*count, rooms.len().to_string(), "{line:?}");
                return Heard::Answer { verb: Verb::Sync, token: None, rooms: Some(rooms) };
            }
            _ => panic!("{line:?} within the answer to /sync"),
        }
    }
    panic!("the answer to /sync has no end")
}

/// Reads the items of a list up to its closing line, which contains their count.
fn list<'a>(item: &str, lines: &mut impl Iterator<Item = &'a str>) -> Heard {
    let verbs: &[Verb] = match item {
        "ROOM" => &[Verb::Rooms],
        "USER" => &[Verb::Who],
        "SUBSCRIPTION" => &[Verb::Subscriptions],
        "SUBSCRIBER" => &[Verb::Subscribers],
        "OLD" => &[Verb::History],
        "LOG" => &[Verb::Backlog, Verb::Inbox],
        "BLOCKED" => &[Verb::Blocks],
        "TICKET" => &[Verb::Tickets],
        "HOOK" => &[Verb::Hooks],
        "INVITATION" => &[Verb::Invitations],
        "HELP" => &[Verb::Help],
        "ROOM-INFO" => return room_info(lines),
        other => panic!("no line begins with {other:?}"),
    };
    let mut count = 1;
    for line in lines {
        if line.split(' ').next() == Some(item) {
            count += 1;
            continue;
        }
        let mut words = line.split(' ');
        assert_eq!(words.next(), Some("OK"), "{line:?} within a list");
        let verb = words.next().map(word_of::<Verb>).filter(|verb| verbs.contains(verb));
        assert_eq!(words.next_back(), Some(count.to_string().as_str()), "{line:?}");
        return answer(verb.unwrap_or_else(|| panic!("{line:?} ends a list of {item}")));
    }
    panic!("a list of {item} has no end")
}

/// The meaning of a JSON object. It must be exactly as the server's encoder writes it.
pub(crate) fn of_json(line: &str) -> Heard {
    let event: Event = serde_json::from_str(line).expect("a line is an event");
    let mut again = Vec::new();
    encode(&event, Format::Json, &mut again);
    assert_eq!(line.as_bytes(), again.strip_suffix(b"\n").unwrap_or(&again));
    match event {
        Event::Message { room, id, .. } => Heard::News { room: Some(room.to_string()), id: Some(id.0) },
        Event::Edited { room, entry } => Heard::News { room: Some(room.to_string()), id: Some(entry.id.0) },
        Event::Removed { room, entry } => Heard::News { room: Some(room.to_string()), id: Some(entry.id.0) },
        Event::Topic { room, entry } => Heard::News { room: Some(room.to_string()), id: Some(entry.id.0) },
        Event::Moderated { room, entry } => {
            let (room, id) = (room.to_string(), Some(entry.id.0));
            match (entry.action, entry.user) {
                (Action::Kick | Action::Ban, Some(user)) => Heard::Removed { room, id, user: user.to_string() },
                _ => Heard::News { room: Some(room), id },
            }
        }
        Event::Invited(invitation) => Heard::Direct(Some(invitation.id.0)),
        Event::Moved { room, .. } => Heard::Moved(room.to_string()),
        Event::Room(_) => answer(Verb::Room),
        Event::Joined { room, .. } | Event::Left { room, .. } => Heard::News { room: Some(room.to_string()), id: None },
        Event::Publication { .. } | Event::Notice { .. } => Heard::News { room: None, id: None },
        Event::Direct { id, .. } => {
            assert!(id.is_some(), "a direct message without a number: {line:?}");
            Heard::Direct(id.map(|id| id.0))
        }
        Event::Error { code, command, .. } => Heard::Refusal { code, verb: command },
        Event::Bye { code, .. } => Heard::Goodbye(code),
        Event::Pong { token } => pong(token),
        Event::Sync(sync) => {
            let rooms = sync.rooms.iter().map(|room| room.room.to_string()).collect();
            Heard::Answer { verb: Verb::Sync, token: None, rooms: Some(rooms) }
        }
        Event::Backlog { .. } => answer(Verb::Backlog),
        Event::Inbox { .. } => answer(Verb::Inbox),
        Event::Blocks { .. } => answer(Verb::Blocks),
        Event::Tickets { .. } => answer(Verb::Tickets),
        Event::Hooks { .. } => answer(Verb::Hooks),
        Event::Invitations { .. } => answer(Verb::Invitations),
        Event::Ok(reply) => answer(reply.verb()),
        Event::Rooms { .. } => answer(Verb::Rooms),
        Event::Users { .. } => answer(Verb::Who),
        Event::Subscriptions { .. } => answer(Verb::Subscriptions),
        Event::Subscribers { .. } => answer(Verb::Subscribers),
        Event::History { .. } => answer(Verb::History),
        Event::Help { .. } => answer(Verb::Help),
        Event::Hello { .. } => panic!("a second greeting"),
        Event::Reconnect { .. } => panic!("nobody drains this server"),
    }
}

/// The room of a line with a room, a user, and perhaps a text.
fn room(first: &str, more: &str) -> Option<String> {
    let user = more.split(' ').next().unwrap_or_default();
    assert!(is_name(first) && is_name(user), "{first:?} {more:?}");
    Some(first.to_owned())
}

fn is_name(word: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    (1..=64).contains(&word.len()) && word.bytes().all(fits)
}

/// The value that a word stands for.
fn word_of<T: serde::de::DeserializeOwned>(word: &str) -> T {
    let word = serde_json::Value::String(word.to_owned());
    serde_json::from_value(word).unwrap_or_else(|error| panic!("{error}"))
}
