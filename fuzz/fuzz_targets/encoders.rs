//! Every possible event has one JSON object that reads back as the same event, and text lines without control
//! characters. The input is split into the fields of an event.

#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use parlor_fuzz::is_control;
use parlor_proto::{
    Bye, Command, Epoch, Event, Format, Help, HistoryEntry, MessageId, Refusal, RefusalCode, Reply, RoomName,
    RoomSummary, Text, Timestamp, UserName, VERBS, Verb, encode, parse_command,
};

/// An event whose fields could all occur in a server.
#[derive(Debug)]
struct Any(Event);

/// Builds fields of events from the input.
struct Maker<'a, 'b>(&'b mut Unstructured<'a>);

impl<'a> Arbitrary<'a> for Any {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        Maker(input).event().map(Self)
    }
}

impl Maker<'_, '_> {
    /// Builds a name from any bytes: a letter, followed by all bytes that are valid in names.
    fn name(&mut self, max: usize) -> Result<String> {
        let wanted = self.0.arbitrary::<&[u8]>()?.iter().map(|&byte| char::from(byte));
        let fit = wanted.filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'));
        Ok(std::iter::once('n').chain(fit).take(max).collect())
    }

    fn user(&mut self) -> Result<UserName> {
        self.name(32)?.parse().map_err(|_| arbitrary::Error::IncorrectFormat)
    }

    fn room(&mut self) -> Result<RoomName> {
        self.name(64)?.parse().map_err(|_| arbitrary::Error::IncorrectFormat)
    }

    fn text(&mut self) -> Result<Text> {
        Text::sanitise(self.0.arbitrary()?).ok_or(arbitrary::Error::IncorrectFormat)
    }

    fn time(&mut self) -> Result<Timestamp> {
        self.0.arbitrary().map(Timestamp::from_millis)
    }

    fn id(&mut self) -> Result<MessageId> {
        self.0.int_in_range(0..=u64::MAX - 1).map(MessageId)
    }

    fn epoch(&mut self) -> Result<Epoch> {
        self.0.arbitrary().map(Epoch)
    }

    fn verb(&mut self) -> Result<Verb> {
        self.0.choose(VERBS).map(|info| info.verb)
    }

    /// A token as the parser accepts it.
    fn token(&mut self) -> Result<Option<String>> {
        let line = format!("/ping {}", self.0.arbitrary::<&str>()?);
        match parse_command(line.as_bytes()) {
            Ok(Some(Command::Ping(token))) => Ok(token),
            _ => Ok(None),
        }
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = self.0.int_in_range(0..=3)?;
        (0..count).map(|_| item(self)).collect()
    }

    fn logged(&mut self) -> Result<HistoryEntry> {
        Ok(HistoryEntry { id: self.id()?, time: self.time()?, from: self.user()?, text: self.text()? })
    }

    fn help(&mut self) -> Result<Help> {
        let info = self.0.choose(VERBS)?;
        Ok(Help { usage: info.usage(self.0.arbitrary()?), help: info.help.into() })
    }

    fn summary(&mut self) -> Result<RoomSummary> {
        Ok(RoomSummary { room: self.room()?, members: self.0.arbitrary()? })
    }

    fn refused(&mut self) -> Result<Event> {
        let command = if self.0.arbitrary()? { Some(self.verb()?) } else { None };
        let refusal = match self.0.int_in_range(0..=5)? {
            0 => Refusal::LineTooLong(self.0.arbitrary()?),
            1 => Refusal::TooManyAttempts(self.0.arbitrary()?),
            2 => Refusal::NoSuchRoom(self.room()?),
            3 => Refusal::UserOffline(self.user()?),
            4 => Refusal::BadArgument(self.help()?.usage),
            _ => {
                let (code, meaning) = *self.0.choose(RefusalCode::ALL)?;
                return Ok(Event::Error { code, message: meaning.to_owned(), command });
            }
        };
        Ok(Event::refused(&refusal, command))
    }

    fn reply(&mut self) -> Result<Reply> {
        Ok(match self.0.int_in_range(0..=11)? {
            0 => Reply::Login { user: self.user()?, room: self.room()?, epoch: self.epoch()?, last: self.id()? },
            1 => Reply::Register { user: self.user()?, room: self.room()?, epoch: self.epoch()?, last: self.id()? },
            2 => {
                let members = self.0.arbitrary()?;
                Reply::Join { room: self.room()?, members, epoch: self.epoch()?, last: self.id()? }
            }
            3 => {
                let (left, members) = (self.room()?, self.0.arbitrary()?);
                Reply::Leave { left, room: self.room()?, members, epoch: self.epoch()?, last: self.id()? }
            }
            4 => Reply::Subscribe { user: self.user()? },
            5 => Reply::Unsubscribe { user: self.user()? },
            6 => Reply::Publish { id: self.id()? },
            7 => Reply::Message { room: self.room()?, id: self.id()? },
            8 => Reply::Msg { user: self.user()? },
            9 => Reply::Broadcast,
            10 => Reply::Passwd,
            _ => Reply::Format { format: *self.0.choose(&[Format::Text, Format::Json])? },
        })
    }

    fn event(&mut self) -> Result<Event> {
        Ok(match self.0.int_in_range(0..=16)? {
            0 => Event::hello(self.user()?.as_str()),
            1 => Event::Ok(self.reply()?),
            2 => self.refused()?,
            3 => Event::Message {
                room: self.room()?,
                id: self.id()?,
                time: self.time()?,
                from: self.user()?,
                text: self.text()?,
            },
            4 => Event::Publication { id: self.id()?, time: self.time()?, from: self.user()?, text: self.text()? },
            5 => Event::Direct { time: self.time()?, from: self.user()?, text: self.text()? },
            6 => Event::Notice { time: self.time()?, from: self.user()?, text: self.text()? },
            7 => Event::Joined { room: self.room()?, user: self.user()? },
            8 => Event::Left { room: self.room()?, user: self.user()? },
            9 => Event::Rooms { rooms: self.list(Self::summary)? },
            10 => Event::Users { room: self.room()?, users: self.list(Self::user)? },
            11 => Event::Subscriptions { users: self.list(Self::user)? },
            12 => Event::Subscribers { users: self.list(Self::user)? },
            13 => Event::History { room: self.room()?, messages: self.list(Self::logged)? },
            14 => Event::Help { commands: self.list(Self::help)? },
            15 => Event::Pong { token: self.token()? },
            _ => Event::from(*self.0.choose(Bye::ALL)?),
        })
    }
}

fn lines(event: &Event, format: Format) -> String {
    let mut bytes = Vec::new();
    encode(event, format, &mut bytes);
    String::from_utf8(bytes).expect("what is sent is UTF-8")
}

/// Number of lines of an event in the text format.
fn text_lines(event: &Event) -> usize {
    match event {
        Event::Ok(Reply::Message { .. }) => 0,
        Event::Rooms { rooms } => rooms.len() + 1,
        Event::Users { users, .. } | Event::Subscriptions { users } | Event::Subscribers { users } => users.len() + 1,
        Event::History { messages, .. } => messages.len() + 1,
        Event::Help { commands } => commands.len() + 1,
        _ => 1,
    }
}

fuzz_target!(|event: Any| {
    let Any(event) = event;
    let json = lines(&event, Format::Json);
    let object = json.strip_suffix('\n').expect("a JSON event ends its line");
    assert!(!object.contains(is_control), "a control character in {object:?}");
    let read: Event = serde_json::from_str(object).expect("clients read what servers write");
    assert_eq!(read, event);

    let text = lines(&event, Format::Text);
    assert!(text.is_empty() || text.ends_with('\n'));
    assert_eq!(text.matches('\n').count(), text_lines(&event));
    assert!(text.split_terminator('\n').all(|line| !line.is_empty() && !line.contains(is_control)), "{text:?}");
});
