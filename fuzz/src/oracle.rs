//! An oracle for one client, seen from outside: it keeps the sent lines and checks all that the client receives. It
//! must not look into the server, and it learns the state of the connection only from replies.

use std::collections::{BTreeSet, HashMap, VecDeque};

use parlor_proto::{
    Action, Bye, Command, Event, Format, Line, LineSplitter, ParseError, Post, PreLoginCommand, RefusalCode, Verb,
    encode, parse_command, parse_pre_login,
};
use parlor_testkit::Connection;

use crate::is_control;

/// The room in which every session begins.
const LOBBY: &str = "lobby";

/// A sent line without a known reply.
#[derive(Debug)]
enum Sent {
    Line {
        bytes: Vec<u8>,
        /// Whether the store failed at that time.
        in_vain: bool,
    },
    TooLong,
}

/// The expected reply to a line.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    /// No reply.
    Nothing,
    /// This refusal of this command.
    Refusal(RefusalCode, Option<Verb>),
    /// The command's own reply, or a refusal of the command. The reply to a ping carries the token.
    Answer(Verb, Option<String>),
}

/// The meaning of one event for the client.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
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

/// Where a client is.
#[derive(Debug, PartialEq, Eq)]
struct Rooms {
    open: BTreeSet<String>,
    current: String,
    me: String,
}

impl Rooms {
    /// As after a login.
    fn lobby(me: String) -> Self {
        Self { open: [LOBBY.to_owned()].into(), current: LOBBY.to_owned(), me }
    }

    /// Out of the current room, and into another.
    fn go(&mut self, room: &str) {
        self.open.remove(&self.current);
        self.open.insert(room.to_owned());
        self.current = room.to_owned();
    }

    /// A command was carried out.
    fn apply(&mut self, command: &Command) {
        match command {
            Command::Leave => self.go(LOBBY),
            Command::Join(room) => self.go(room.as_str()),
            Command::Open(room) => drop(self.open.replace(room.to_string())),
            Command::Switch(room) => self.current = room.to_string(),
            Command::Close(room) if room.as_str() == self.current => self.go(LOBBY),
            Command::Close(room) => drop(self.open.take(room.as_str())),
            _ => {}
        }
    }
}

/// A client and its pending replies.
#[derive(Debug)]
pub struct ClientOracle {
    link: Connection,
    splitter: LineSplitter,
    sent: VecDeque<Sent>,
    format: Format,
    /// The rooms, if a user is logged in.
    rooms: Option<Rooms>,
    /// Newest received number of each room.
    newest: HashMap<String, u64>,
    /// Newest received number of a direct message.
    newest_direct: u64,
    is_over: bool,
    is_stuck: bool,
}

impl ClientOracle {
    /// Watches a new connection. The server accepts lines of up to `max_line_bytes`.
    pub fn new(link: Connection, max_line_bytes: usize) -> Self {
        Self {
            link,
            splitter: LineSplitter::new(max_line_bytes),
            sent: VecDeque::new(),
            format: Format::Text,
            rooms: None,
            newest: HashMap::new(),
            newest_direct: 0,
            is_over: false,
            is_stuck: false,
        }
    }

    /// The connection.
    pub fn link(&self) -> &Connection {
        &self.link
    }

    /// Whether the client has stopped reading.
    pub fn is_stuck(&self) -> bool {
        self.is_stuck
    }

    /// Sends bytes as one read. `in_vain` says whether the store fails meanwhile.
    pub fn send(&mut self, bytes: &[u8], in_vain: bool) {
        if !self.link.is_open() {
            return;
        }
        let mut rest = bytes;
        while let Some(line) = self.splitter.next_line(&mut rest) {
            self.sent.push_back(match line {
                Line::Complete(bytes) => Sent::Line { bytes: bytes.to_vec(), in_vain },
                Line::TooLong => Sent::TooLong,
            });
        }
        self.link.send_raw(bytes);
    }

    /// Stops reading, or reads again. At most `max_queued_bytes` of the waiting data may be events from others.
    ///
    /// # Panics
    /// If more of them waited.
    pub fn stick(&mut self, is_stuck: bool, max_queued_bytes: usize) {
        let reads_again = self.is_stuck && !is_stuck;
        self.is_stuck = is_stuck;
        self.link.stick(is_stuck);
        if reads_again {
            let news = self.listen();
            assert!(news <= max_queued_bytes, "{news} bytes of events waited");
        }
    }

    /// Checks all events since the last call, and that no reply is missing.
    ///
    /// # Panics
    /// If an event is wrong, or a reply is missing.
    pub fn hear(&mut self) {
        self.listen();
        if self.is_over || self.is_stuck {
            return;
        }
        assert!(self.link.is_open(), "closed without a goodbye");
        let due = self.next_due();
        assert_eq!(due, None, "a line got no reply");
    }

    /// Checks all received events, and returns how many bytes came from others.
    fn listen(&mut self) -> usize {
        let lines = self.link.read();
        let mut lines = lines.iter().map(String::as_str);
        let mut news = 0;
        while let Some(line) = lines.next() {
            assert!(!self.is_over, "received after the goodbye: {line:?}");
            assert!(!line.is_empty() && !line.contains(is_control), "{line:?}");
            let format = format_of(line);
            let heard = match format {
                Format::Text => of_text(line, &mut lines),
                Format::Json => of_json(line),
            };
            let is_change = matches!(heard, Heard::Answer { verb: Verb::Format, .. });
            assert!(format == self.format || is_change, "{line:?} is not {}", self.format);
            if matches!(heard, Heard::News { .. } | Heard::Direct(_)) {
                news += line.len() + 1;
            }
            self.take(heard, line);
        }
        news
    }

    fn take(&mut self, heard: Heard, line: &str) {
        match heard {
            Heard::News { room, id } => self.take_news(room, id, line),
            Heard::Direct(id) => self.take_direct(id, line),
            Heard::Removed { room, id, user } => {
                self.take_news(Some(room.clone()), id, line);
                // Out of the current room it is moved.
                if let Some(here) = self.rooms.as_mut().filter(|here| here.me == user && here.current != room) {
                    here.open.remove(&room);
                }
            }
            Heard::Moved(room) => {
                let here = self.rooms.as_mut().unwrap_or_else(|| panic!("moved before login: {line:?}"));
                here.go(&room);
            }
            Heard::Detail => {}
            Heard::Goodbye(bye) => {
                if bye == Bye::Quit {
                    assert_eq!(self.next_due(), Some(Due::Answer(Verb::Quit, None)));
                }
                self.is_over = true;
                self.sent.clear();
                assert!(!self.link.is_open(), "the connection is open after the goodbye");
            }
            // The only refusal that is not a reply to a line.
            Heard::Refusal { code: RefusalCode::LoginTimeout, .. } => assert_eq!(self.rooms, None),
            // Nothing tells that what was said before it was accepted.
            Heard::Refusal { code: RefusalCode::Muted, .. } if self.drop_said() => {}
            Heard::Refusal { code, verb } => {
                let due = self.next_due().expect("a refusal answers a line");
                self.sent.pop_front();
                check_refusal(&due, code, verb, self.format);
            }
            Heard::Answer { verb, token, rooms } => {
                let due = self.next_due().map(as_answered);
                assert_eq!(due, Some(Due::Answer(verb, token)), "the reply was {line:?}");
                self.answered(verb, rooms, line);
            }
        }
    }

    /// Only members of the room receive its events, each once and in order.
    fn take_news(&mut self, room: Option<String>, id: Option<u64>, line: &str) {
        let rooms = self.rooms.as_ref().unwrap_or_else(|| panic!("an event before login: {line:?}"));
        let Some(room) = room else { return };
        assert!(rooms.open.contains(&room), "an event of another room: {line:?}");
        if let Some(id) = id {
            let before = self.newest.insert(room, id).unwrap_or_default();
            assert!(before < id, "{id} was received after {before}");
        }
    }

    /// Direct messages have numbers in one order, whoever wrote them.
    fn take_direct(&mut self, id: Option<u64>, line: &str) {
        assert!(self.rooms.is_some(), "an event before login: {line:?}");
        if let Some(id) = id {
            assert!(self.newest_direct < id, "{id} was received after {}", self.newest_direct);
            self.newest_direct = id;
        }
    }

    /// A command was carried out. Its changes apply to everything after it.
    fn answered(&mut self, verb: Verb, rooms: Option<BTreeSet<String>>, line: &str) {
        let Some(Sent::Line { bytes, .. }) = self.sent.pop_front() else {
            panic!("a line that is too long was answered")
        };
        match verb {
            Verb::Login | Verb::Register => self.rooms = Some(Rooms::lobby(user_of(&bytes))),
            // The reply is the first line in the new format.
            Verb::Format => self.format = format_of(line),
            _ => {
                if let (Some(here), Ok(Some(command))) = (&mut self.rooms, parse_command(&bytes)) {
                    here.apply(&command);
                    here.open = rooms.unwrap_or_else(|| std::mem::take(&mut here.open));
                }
            }
        }
    }

    /// Drops everything up to a message without an answer, if there is one before anything that is answered.
    fn drop_said(&mut self) -> bool {
        let is_said = self.sent.front().is_some_and(|sent| match sent {
            Sent::Line { bytes, .. } => matches!(parse_command(bytes), Ok(Some(Command::Post { .. }))),
            Sent::TooLong => false,
        });
        let is_silent = self.format == Format::Text
            && self.sent.front().is_some_and(|sent| due(sent, self.rooms.as_ref(), self.format) == Due::Nothing);
        if is_said && is_silent {
            self.sent.pop_front();
        }
        is_said && is_silent
    }

    /// The next expected reply, if any. Drops lines that have no reply.
    fn next_due(&mut self) -> Option<Due> {
        loop {
            match due(self.sent.front()?, self.rooms.as_ref(), self.format) {
                Due::Nothing => self.sent.pop_front(),
                due => return Some(due),
            };
        }
    }
}

/// No line of the text format begins like a JSON object.
fn format_of(line: &str) -> Format {
    if line.starts_with('{') { Format::Json } else { Format::Text }
}

/// The user of a login.
fn user_of(line: &[u8]) -> String {
    match parse_pre_login(line) {
        Ok(Some(PreLoginCommand::Login(credentials) | PreLoginCommand::Register(credentials))) => {
            credentials.user.to_string()
        }
        other => panic!("{other:?} began a session"),
    }
}

/// The expected reply to a line.
fn due(sent: &Sent, rooms: Option<&Rooms>, format: Format) -> Due {
    let (bytes, in_vain) = match sent {
        Sent::TooLong => return Due::Refusal(RefusalCode::LineTooLong, None),
        Sent::Line { bytes, in_vain } => (bytes, *in_vain),
    };
    let refused = |ParseError { verb, refusal }: ParseError| Due::Refusal(refusal.code(), verb);
    match rooms {
        None => parse_pre_login(bytes).map_or_else(refused, |greeting| {
            greeting.map_or(Due::Nothing, |greeting| Due::Answer(greeting.verb(), token_of_pre_login(greeting)))
        }),
        Some(rooms) => parse_command(bytes).map_or_else(refused, |command| {
            command.map_or(Due::Nothing, |command| due_in_session(command, in_vain, rooms, format))
        }),
    }
}

fn due_in_session(command: Command, in_vain: bool, rooms: &Rooms, format: Format) -> Due {
    match &command {
        Command::Post { post: Post::Say { room, .. }, .. } if !in_vain && !rooms.open.contains(room.as_str()) => {
            Due::Refusal(RefusalCode::NotInRoom, Some(Verb::Say))
        }
        // The text format has no line for an accepted message.
        Command::Post { post: Post::Message(_) | Post::Say { .. }, .. } if format == Format::Text && !in_vain => {
            Due::Nothing
        }
        _ => Due::Answer(command.verb(), token_of_command(command)),
    }
}

/// What is said in an open room is answered as a message.
fn as_answered(due: Due) -> Due {
    match due {
        Due::Answer(Verb::Say, token) => Due::Answer(Verb::Message, token),
        other => other,
    }
}

fn token_of_command(command: Command) -> Option<String> {
    if let Command::Ping(token) = command { token } else { None }
}

fn token_of_pre_login(greeting: parlor_proto::PreLoginCommand) -> Option<String> {
    if let PreLoginCommand::Ping(token) = greeting { token } else { None }
}

/// A line that cannot be parsed has exactly one valid refusal. A line that can be parsed may be refused for any reason.
fn check_refusal(due: &Due, code: RefusalCode, verb: Option<Verb>, format: Format) {
    match due {
        Due::Refusal(expected, of) => {
            assert_eq!(code, *expected);
            assert!(format == Format::Text || verb == *of, "{verb:?} is not {of:?}");
        }
        Due::Answer(of, _) => assert!(format == Format::Text || verb == Some(*of), "{verb:?} is not {of:?}"),
        Due::Nothing => panic!("{code} answers nothing"),
    }
}

/// The meaning of a line in the text format. The closing line of a list is read with its items.
fn of_text<'a>(line: &'a str, lines: &mut impl Iterator<Item = &'a str>) -> Heard {
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
fn of_json(line: &str) -> Heard {
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
