//! An oracle for one client, seen from outside: it keeps the sent lines and checks all that the client receives. It
//! must not look into the server, and it learns the state of the connection only from replies.

use std::collections::{BTreeSet, HashMap, VecDeque};

use parlor_proto::{
    Bye, Command, Format, Line, LineSplitter, ParseError, Post, PreLoginCommand, RefusalCode, Verb, parse_command,
    parse_pre_login,
};
use parlor_testkit::Connection;

use crate::heard::{Heard, of_json, of_text};
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
