//! Every possible event has one JSON object that reads back as the same event, and text lines without control
//! characters. The input is split into the fields of an event.

#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use parlor_fuzz::is_control;
use parlor_proto::{
    Action, Bye, Command, DirectEntry, DirectState, EditEntry, Epoch, Event, FeedState, Format, Help, HistoryEntry,
    InboxState, InvitationCode, InvitationEntry, InvitationId, InvitationInfo, Invite, LogEntry, LostRoom, MessageId,
    ModerationEntry, Note, Refusal, RefusalCode, RemovalEntry, Reply, RoomName, RoomRole, RoomState, RoomSummary, Sync,
    Target, Text, TicketId, TicketInfo, TicketSecret, Tickets, Timestamp, TopicEntry, UserName, VERBS, Verb, encode,
    parse_command,
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
        Ok(HistoryEntry {
            id: self.id()?,
            time: self.time()?,
            from: self.user()?,
            text: self.text()?.into(),
            edited: None,
            removed: false,
            bot: false,
        })
    }

    fn help(&mut self) -> Result<Help> {
        let info = self.0.choose(VERBS)?;
        Ok(Help { usage: info.usage(self.0.arbitrary()?), help: info.help.into() })
    }

    fn target(&mut self) -> Result<Target> {
        Ok(match self.0.int_in_range(0..=2)? {
            0 => Target::Room(self.room()?),
            1 => Target::Direct(self.user()?),
            _ => Target::Feed(self.user()?),
        })
    }

    fn direct_entry(&mut self) -> Result<DirectEntry> {
        let (id, time, from, to) = (self.id()?, self.time()?, self.user()?, self.user()?);
        Ok(DirectEntry { id, time, from, to, text: self.text()?.into() })
    }

    fn log_entry(&mut self) -> Result<LogEntry> {
        Ok(match self.0.int_in_range(0..=2)? {
            0 => LogEntry::Message(self.logged()?),
            1 => LogEntry::Publication(self.logged()?),
            _ => LogEntry::Direct(self.direct_entry()?),
        })
    }

    /// What a client has and has not read of a log.
    fn marks(&mut self) -> Result<(MessageId, MessageId, u64)> {
        Ok((self.id()?, self.id()?, self.0.arbitrary()?))
    }

    fn room_state(&mut self) -> Result<RoomState> {
        let (last, read, unread) = self.marks()?;
        let topic = if self.0.arbitrary()? { self.text()?.as_str().to_owned() } else { String::new() };
        let (room, members, epoch) = (self.room()?, self.0.arbitrary()?, self.epoch()?);
        Ok(RoomState { room, members, topic: topic.into(), role: RoomRole::Member, epoch, last, read, unread })
    }

    fn direct_state(&mut self) -> Result<DirectState> {
        let (last, read, unread) = self.marks()?;
        Ok(DirectState { user: self.user()?, last, read, unread })
    }

    fn feed_state(&mut self) -> Result<FeedState> {
        let (last, read, unread) = self.marks()?;
        Ok(FeedState { user: self.user()?, epoch: self.epoch()?, last, read, unread })
    }

    fn lost(&mut self) -> Result<LostRoom> {
        Ok(LostRoom { room: self.room()?, code: self.0.choose(RefusalCode::ALL)?.0 })
    }

    fn sync(&mut self) -> Result<Sync> {
        Ok(Sync {
            current: self.room()?,
            rooms: self.list(Self::room_state)?,
            directs: self.list(Self::direct_state)?,
            feeds: self.list(Self::feed_state)?,
            inbox: InboxState { epoch: self.epoch()?, last: self.id()? },
            lost: self.list(Self::lost)?,
        })
    }

    fn unread(&mut self) -> Result<(UserName, u64)> {
        Ok((self.user()?, self.0.arbitrary()?))
    }

    fn summary(&mut self) -> Result<RoomSummary> {
        Ok(RoomSummary { room: self.room()?, members: self.0.arbitrary()? })
    }

    fn refused(&mut self) -> Result<Event> {
        let command = if self.0.arbitrary()? { Some(self.verb()?) } else { None };
        let refusal = match self.0.int_in_range(0..=8)? {
            0 => Refusal::LineTooLong(self.0.arbitrary()?),
            1 => Refusal::TooManyAttempts(self.0.arbitrary()?),
            2 => Refusal::NoSuchRoom(self.room()?),
            3 => Refusal::Blocked(self.user()?),
            5 => Refusal::BeyondLast(self.id()?),
            6 => Refusal::NotInRoom(self.room()?),
            7 => Refusal::SelfBlock,
            4 => Refusal::BadArgument(self.help()?.usage),
            _ => {
                let (code, meaning) = *self.0.choose(RefusalCode::ALL)?;
                return Ok(Event::Error { code, message: meaning.to_owned(), command });
            }
        };
        Ok(Event::refused(&refusal, command))
    }

    fn begun(&mut self) -> Result<Reply> {
        let (user, room, epoch, last) = (self.user()?, self.room()?, self.epoch()?, self.id()?);
        let unread = self.list(Self::unread)?;
        Ok(if self.0.arbitrary()? {
            Reply::Login { user, room, epoch, last, unread }
        } else {
            Reply::Register { user, room, epoch, last, unread }
        })
    }

    /// The reply to a command that opens or leaves a room.
    fn moved(&mut self) -> Result<Reply> {
        let (room, members, epoch, last) = (self.room()?, self.0.arbitrary()?, self.epoch()?, self.id()?);
        Ok(match self.0.int_in_range(0..=4)? {
            0 => Reply::Join { room, members, epoch, last },
            1 => Reply::Leave { left: self.room()?, room, members, epoch, last },
            2 => {
                let topic = self.text()?.as_str().to_owned();
                Reply::Open { room, members, epoch, last, topic: topic.into() }
            }
            3 => Reply::Close { room, current: self.room()? },
            _ => Reply::Switch { room },
        })
    }

    fn posted(&mut self) -> Result<Reply> {
        let (id, repeated) = (self.id()?, self.0.arbitrary()?);
        Ok(match self.0.int_in_range(0..=2)? {
            0 => Reply::Publish { id, repeated },
            1 => Reply::Message { room: self.room()?, id, repeated },
            _ => Reply::Msg { user: self.user()?, id, repeated },
        })
    }

    fn reply(&mut self) -> Result<Reply> {
        Ok(match self.0.int_in_range(0..=13)? {
            0 => self.begun()?,
            1 => self.moved()?,
            2 => self.posted()?,
            3 => Reply::Subscribe { user: self.user()? },
            4 => Reply::Unsubscribe { user: self.user()? },
            5 => Reply::Read { target: self.target()?, id: self.id()? },
            6 => Reply::Block { user: self.user()? },
            7 => Reply::Unblock { user: self.user()? },
            8 => Reply::Broadcast,
            9 => Reply::Passwd,
            10 => {
                let (secret, expires) = (self.0.arbitrary::<[u8; 20]>()?, self.moment()?);
                Reply::Ticket { ticket: TicketSecret::of_random(&secret), id: TicketId(self.0.arbitrary()?), expires }
            }
            11 => {
                let one = Tickets::One(TicketId(self.0.arbitrary()?));
                Reply::Revoke { id: if self.0.arbitrary()? { one } else { Tickets::All }, count: 3 }
            }
            12 => self.invitation()?,
            _ => Reply::Format { format: *self.0.choose(&[Format::Text, Format::Json])? },
        })
    }

    fn direct(&mut self) -> Result<Event> {
        let id = if self.0.arbitrary()? { Some(self.id()?) } else { None };
        Ok(Event::Direct { id, time: self.time()?, from: self.user()?, text: self.text()?.into() })
    }

    /// A time, or none.
    fn moment(&mut self) -> Result<Option<Timestamp>> {
        Ok(if self.0.arbitrary()? { Some(self.time()?) } else { None })
    }

    fn ticket(&mut self) -> Result<TicketInfo> {
        let (id, label, made) = (TicketId(self.0.arbitrary()?), self.note()?, self.time()?);
        let address = if self.0.arbitrary()? { Some("2001:db8::1".to_owned()) } else { None };
        Ok(TicketInfo { id, label, made, used: self.moment()?, address, expires: self.moment()? })
    }

    /// A reply about an invitation.
    fn invitation(&mut self) -> Result<Reply> {
        let (id, uses, rooms) = (InvitationId(self.0.arbitrary()?), self.0.arbitrary()?, self.list(Self::room)?);
        let expires = self.time()?;
        Ok(match self.0.int_in_range(0..=2)? {
            0 => Reply::Invite(Invite::Code { uses, rooms, expires }),
            1 => {
                let code = InvitationCode::of_random(&self.0.arbitrary::<[u8; 20]>()?);
                Reply::Invitation { code, id, uses, rooms, expires }
            }
            _ => Reply::Uninvite { id },
        })
    }

    fn listed_invitation(&mut self) -> Result<InvitationInfo> {
        let (id, by, made) = (InvitationId(self.0.arbitrary()?), self.user()?, self.time()?);
        let (expires, uses, operator) = (self.time()?, self.0.arbitrary()?, self.0.arbitrary()?);
        let (used, rooms) = (self.list(Self::user)?, self.list(Self::room)?);
        Ok(InvitationInfo { id, by, made, expires, uses, used, rooms, operator })
    }

    fn conversation(&mut self) -> Result<Event> {
        Ok(match self.0.int_in_range(0..=5)? {
            5 => Event::Invitations { invitations: self.list(Self::listed_invitation)? },
            4 => Event::Tickets { tickets: self.list(Self::ticket)? },
            0 => Event::Sync(Box::new(self.sync()?)),
            1 => {
                let (target, epoch, more) = (self.target()?, self.epoch()?, self.0.arbitrary()?);
                Event::Backlog { target, epoch, entries: self.list(Self::log_entry)?, more }
            }
            2 => Event::Inbox { entries: self.list(Self::log_entry)?, more: self.0.arbitrary()? },
            _ => Event::Blocks { users: self.list(Self::user)? },
        })
    }

    fn note(&mut self) -> Result<Note> {
        Ok(if self.0.arbitrary()? { self.text()?.into() } else { Note::default() })
    }

    /// What moderators and editors do.
    fn moderation(&mut self) -> Result<Event> {
        let (room, id, time, from, of) = (self.room()?, self.id()?, self.time()?, self.user()?, self.id()?);
        Ok(match self.0.int_in_range(0..=5)? {
            0 => Event::Edited { room, entry: EditEntry { id, time, from, of, text: self.note()? } },
            1 => Event::Removed { room, entry: RemovalEntry { id, time, from, of, reason: self.note()? } },
            2 => Event::Topic { room, entry: TopicEntry { id, time, from, text: self.note()? } },
            3 => Event::Invited(InvitationEntry { id, time, from, to: None, room }),
            4 => Event::Moved { room, members: 3, epoch: self.epoch()?, last: id, reason: self.note()? },
            _ => {
                let action = *self.0.choose(Action::ALL)?;
                let (user, until, reason) = (Some(self.user()?), Some(self.time()?), self.note()?);
                Event::Moderated { room, entry: ModerationEntry { id, time, from, action, user, until, reason } }
            }
        })
    }

    fn event(&mut self) -> Result<Event> {
        Ok(match self.0.int_in_range(0..=19)? {
            19 => Event::Reconnect { after_ms: self.0.arbitrary()? },
            18 => self.moderation()?,
            0 => Event::hello(self.user()?.as_str()),
            1 => Event::Ok(self.reply()?),
            2 => self.refused()?,
            3 => Event::Message {
                room: self.room()?,
                id: self.id()?,
                time: self.time()?,
                from: self.user()?,
                text: self.text()?.into(),
                edited: None,
                removed: false,
                bot: false,
            },
            4 => {
                Event::Publication { id: self.id()?, time: self.time()?, from: self.user()?, text: self.text()?.into() }
            }
            5 => self.direct()?,
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
            16 => self.conversation()?,
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
        Event::Ok(Reply::Login { unread, .. } | Reply::Register { unread, .. }) => unread.len() + 1,
        Event::Sync(sync) => {
            let directs = sync.directs.iter().filter(|direct| direct.unread > 0).count();
            let feeds = sync.feeds.iter().filter(|feed| feed.unread > 0).count();
            sync.rooms.len() + directs + feeds + 1
        }
        Event::Backlog { entries, .. } | Event::Inbox { entries, .. } => entries.len() + 1,
        Event::Rooms { rooms } => rooms.len() + 1,
        Event::Users { users, .. } | Event::Subscriptions { users } => users.len() + 1,
        Event::Subscribers { users } | Event::Blocks { users } => users.len() + 1,
        Event::History { messages, .. } => messages.len() + 1,
        Event::Tickets { tickets } => tickets.len() + 1,
        Event::Invitations { invitations } => invitations.len() + 1,
        Event::Hooks { hooks, .. } => hooks.len() + 1,
        Event::Help { commands } => commands.len() + 1,
        _ => 1,
    }
}

/// The event as JSON has it: without what only the text format shows.
fn in_json(event: &Event) -> Event {
    let mut event = event.clone();
    if let Event::Ok(Reply::Login { unread, .. } | Reply::Register { unread, .. }) = &mut event {
        unread.clear();
    }
    event
}

fuzz_target!(|event: Any| {
    let Any(event) = event;
    let json = lines(&event, Format::Json);
    let object = json.strip_suffix('\n').expect("a JSON event ends its line");
    assert!(!object.contains(is_control), "a control character in {object:?}");
    let read: Event = serde_json::from_str(object).expect("clients read what servers write");
    assert_eq!(read, in_json(&event));

    let text = lines(&event, Format::Text);
    assert!(text.is_empty() || text.ends_with('\n'));
    assert_eq!(text.matches('\n').count(), text_lines(&event));
    assert!(text.split_terminator('\n').all(|line| !line.is_empty() && !line.contains(is_control)), "{text:?}");
});
