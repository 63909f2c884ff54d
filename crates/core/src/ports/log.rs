//! The port of logs: rooms, feeds and inboxes as numbered entries. It must not know the recipients.

use std::time::Duration;

use parlor_proto::{Epoch, Generation, MessageId, Note, OnceKey, PageRange, RoomName, Timestamp, UserName};

use super::{Content, StoreError, StoreResult};
use crate::delivery::flush::Flush;
use crate::rights::Denial;

/// The identity of a log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogId {
    /// The messages of a room.
    Room(RoomName),
    /// The publications of a user.
    Feed(UserName),
    /// The direct messages of a user: those that the user got, and those that the user sent.
    Inbox(UserName),
}

/// The kinds of logs. What differs between them is in this table; the guard of an append is in [`Destination`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogKind {
    /// Of a room.
    Room,
    /// Of a publisher.
    Feed,
    /// Of a user's direct messages.
    Inbox,
}

impl LogKind {
    /// The word for the kind, as stores write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Feed => "feed",
            Self::Inbox => "inbox",
        }
    }
}

impl LogId {
    /// The kind.
    pub fn kind(&self) -> LogKind {
        match self {
            Self::Room(_) => LogKind::Room,
            Self::Feed(_) => LogKind::Feed,
            Self::Inbox(_) => LogKind::Inbox,
        }
    }

    /// The name of the room or user.
    pub fn name(&self) -> &str {
        match self {
            Self::Room(room) => room.as_str(),
            Self::Feed(user) | Self::Inbox(user) => user.as_str(),
        }
    }

    /// The room whose log it is.
    pub fn room(&self) -> Option<&RoomName> {
        match self {
            Self::Room(room) => Some(room),
            Self::Feed(_) | Self::Inbox(_) => None,
        }
    }
}

/// Where a message goes. This decides who may append, which the store checks in the same step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Into the log of a room. The author's session must be its member, and may speak there.
    Room(RoomName),
    /// Into the log of a room, as [`Content::Edit`] of a message of the author's own. The author's session must be a member
    /// of the room, and may speak there.
    Edit {
        /// The room.
        room: RoomName,
        /// How long after it was accepted a message can be edited, by the clock of the store.
        window: Duration,
    },
    /// Into the author's own feed. No later session of the author may have been claimed.
    Feed,
    /// Into the author's own inbox and then into that of another user. No later session of the author may have been
    /// claimed, and the other user must not block the author.
    Direct(Recipient),
}

impl Destination {
    /// The kind of the log whose number the author gets.
    pub fn kind(&self) -> LogKind {
        match self {
            Self::Room(_) | Self::Edit { .. } => LogKind::Room,
            Self::Feed => LogKind::Feed,
            Self::Direct(_) => LogKind::Inbox,
        }
    }
}

/// The account to which a direct message is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The user.
    pub user: UserName,
    /// When the account was created. A later account of the same name gets nothing.
    pub created: Timestamp,
}

/// How long a key of [`Append::once`] is known at least …
pub const ONCE_KEPT_FOR: Duration = Duration::from_secs(60 * 60);

/// … and how many keys of each author in each log are known at least.
pub const ONCE_KEYS_KEPT: usize = 1000;

/// An entry to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Where it goes.
    pub to: Destination,
    /// The sender.
    pub author: UserName,
    /// The sender's session.
    pub generation: Generation,
    /// When the rules accepted it.
    pub time: Timestamp,
    /// What it says.
    pub content: Content,
    /// If the author appended to this log with the same key before, nothing is stored again. The key is remembered in
    /// the same step in which the entry is stored.
    pub once: Option<OnceKey>,
}

impl Append {
    /// The log whose number the author gets.
    pub fn log(&self) -> LogId {
        match &self.to {
            Destination::Room(room) | Destination::Edit { room, .. } => LogId::Room(room.clone()),
            Destination::Feed => LogId::Feed(self.author.clone()),
            Destination::Direct(_) => LogId::Inbox(self.author.clone()),
        }
    }

    /// The entry that it becomes.
    pub fn entry(self, id: MessageId) -> Entry {
        let to = match self.to {
            Destination::Room(_) | Destination::Edit { .. } | Destination::Feed => None,
            Destination::Direct(recipient) => Some(recipient.user),
        };
        Entry { id, time: self.time, author: self.author, to, content: self.content }
    }
}

/// The result of an [`Append`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendResult {
    /// The entry is in the log with this number.
    Stored(MessageId),
    /// The entry has been in the log with this number since the same key was used before.
    Repeated(MessageId),
    /// The session was displaced. Nothing was stored.
    Fenced,
    /// The room denies it. Nothing was stored.
    Denied(Denial),
    /// The recipient blocks the author. Nothing was stored.
    Blocked,
}

/// The result of each entry of a batch, and the flush that they cause.
#[derive(Debug)]
pub struct AppendReport {
    /// One result for each [`Append`], in the same order.
    pub outcomes: Vec<Result<AppendResult, StoreError>>,
    /// The caller must run it.
    pub flush: Flush,
}

/// An entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub id: MessageId,
    /// When it was accepted.
    pub time: Timestamp,
    /// The author.
    pub author: UserName,
    /// In an inbox: to whom it was sent.
    pub to: Option<UserName>,
    /// What it says.
    pub content: Content,
}

impl Entry {
    /// Whether its text can be removed.
    pub fn is_removable(&self) -> bool {
        matches!(self.content, Content::Said(_) | Content::Bot(_) | Content::Amended { .. })
    }

    /// Whether a user said it in a session. A program has no session, though a user may have its name.
    pub fn is_by(&self, user: &UserName) -> bool {
        self.author == *user && !matches!(self.content, Content::Bot(_))
    }

    /// Whether a user may give it another text, `window` after it was said at the latest; never if that is zero.
    ///
    /// # Errors
    /// Why not.
    pub fn judge_edit(&self, user: &UserName, now: Timestamp, window: Duration) -> Result<(), Denial> {
        if !matches!(self.content, Content::Said(_) | Content::Amended { .. }) {
            Err(Denial::NoSuchMessage)
        } else if self.author != *user {
            Err(Denial::NotAllowed("the author of the message"))
        } else if window.is_zero() || self.time.after(window) < now {
            Err(Denial::TooLate(window))
        } else {
            Ok(())
        }
    }

    /// The text of a message; empty if it was removed, or if this is no message.
    pub fn said(&self) -> Note {
        match &self.content {
            Content::Said(text) | Content::Bot(text) | Content::Amended { text, .. } => text.clone().into(),
            _ => Note::default(),
        }
    }

    /// In the inbox of `owner`: the other user of the conversation. It is `owner` in a note to oneself.
    pub fn peer(&self, owner: &UserName) -> Option<&UserName> {
        self.to.as_ref().map(|to| if self.author == *owner { to } else { &self.author })
    }
}

/// A request for some entries of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// The log.
    pub log: LogId,
    /// In an inbox: only the conversation with this user.
    pub peer: Option<UserName>,
    /// Which entries.
    pub range: PageRange,
    /// How many at most.
    pub count: usize,
}

/// Some consecutive entries of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
    /// Whether the log retains more: newer ones for [`PageRange::After`], otherwise older ones.
    pub more: bool,
}

/// The current position of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The epoch of its numbering.
    pub epoch: Epoch,
    /// The number of its newest entry; 0 if it never had an entry.
    pub last: MessageId,
}

/// Numbered entries that the store keeps. A message is accepted once it is in the log. Entries of followed logs are
/// delivered: after such an entry was stored, the port calls [`super::Sink::deliver`] with it, in order of number.
pub trait Log: Send + Sync {
    /// Stores a batch and delivers it. Blocks until each entry is stored or refused, at most 3 s. An error means that
    /// the entry was not stored, or that the result is unknown. An entry is never stored twice.
    fn append(&self, batch: Vec<Append>) -> AppendReport;

    /// Starts to follow some logs: every entry with a number above the returned head will be delivered. It costs the
    /// same number of round trips for one log and for many. Calls are counted, so each log needs its own
    /// [`Log::unfollow`].
    ///
    /// # Errors
    /// The store cannot be reached; then none of the logs counts.
    fn follow(&self, logs: &[LogId]) -> StoreResult<Vec<Head>>;

    /// Undoes one [`Log::follow`]. Deliveries may still arrive for a short time.
    fn unfollow(&self, log: &LogId);

    /// The positions of some logs, in the order of the logs. It costs one round trip, however many logs there are.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn heads(&self, logs: &[LogId]) -> StoreResult<Vec<Head>>;

    /// How many entries after a number, up to another one, are no messages ([`Content::is_message`]), for some logs, in one
    /// round trip and without a look at the entries.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn others_between(&self, ranges: &[(LogId, MessageId, MessageId)]) -> StoreResult<Vec<u64>>;

    /// Some retained entries. The cost depends on the page, not on the log.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn page(&self, request: &PageRequest) -> StoreResult<Page>;
}

#[cfg(test)]
mod tests {
    use parlor_proto::Text;

    use super::*;

    const WINDOW: Duration = Duration::from_millis(500);

    fn user(name: &str) -> UserName {
        name.parse().unwrap()
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn text(text: &str) -> Text {
        Text::sanitise(text).unwrap()
    }

    /// An entry that ann wrote at 1000.
    fn entry(content: Content) -> Entry {
        Entry { id: MessageId(3), time: at(1000), author: user("ann"), to: None, content }
    }

    fn amended() -> Content {
        Content::Amended { text: text("hello"), at: at(1400), by: MessageId(4) }
    }

    #[test]
    fn its_author_can_edit_a_message_to_the_last_moment_of_the_window() {
        for content in [Content::Said(text("helo")), amended()] {
            let judge = |now, window| entry(content.clone()).judge_edit(&user("ann"), at(now), window);
            assert_eq!(judge(1500, WINDOW), Ok(()));
            assert_eq!(judge(1501, WINDOW), Err(Denial::TooLate(WINDOW)));
            assert_eq!(judge(1000, Duration::ZERO), Err(Denial::TooLate(Duration::ZERO)), "nothing is ever edited");
            let judged = entry(content.clone()).judge_edit(&user("bob"), at(9999), WINDOW);
            assert_eq!(judged, Err(Denial::NotAllowed("the author of the message")));
        }
    }

    #[test]
    fn only_what_has_a_text_can_be_edited_or_removed() {
        let edit = Content::Edit { of: MessageId(1), text: text("hello").into() };
        for other in [Content::Gone, Content::Topic(text("roses")), edit, Content::Invitation(RoomName::lobby())] {
            let entry = entry(other);
            assert_eq!(entry.judge_edit(&user("ann"), at(1000), WINDOW), Err(Denial::NoSuchMessage), "{entry:?}");
            assert!(!entry.is_removable(), "{entry:?}");
        }
        // What a program said is nobody's own.
        let bot = entry(Content::Bot(text("full")));
        assert_eq!(bot.judge_edit(&user("ann"), at(1000), WINDOW), Err(Denial::NoSuchMessage));
        assert!(bot.is_removable() && !bot.is_by(&user("ann")));
        assert!(entry(amended()).is_removable() && entry(amended()).is_by(&user("ann")));
    }

    #[test]
    fn the_other_one_of_a_conversation_is_whoever_is_not_the_owner_of_the_inbox() {
        let sent = Entry { to: Some(user("bob")), ..entry(Content::Said(text("hi"))) };
        assert_eq!(sent.peer(&user("ann")), Some(&user("bob")));
        assert_eq!(sent.peer(&user("bob")), Some(&user("ann")));
        let note = Entry { to: Some(user("ann")), ..sent.clone() };
        assert_eq!(note.peer(&user("ann")), Some(&user("ann")));
        assert_eq!(Entry { to: None, ..sent }.peer(&user("ann")), None);
    }

    #[test]
    fn an_append_goes_into_the_log_of_its_room_its_author_or_its_author_s_inbox() {
        let (ann, bob) = (user("ann"), user("bob"));
        let room = RoomName::lobby;
        for (to, log, addressee) in [
            (Destination::Room(room()), LogId::Room(room()), None),
            (Destination::Edit { room: room(), window: WINDOW }, LogId::Room(room()), None),
            (Destination::Feed, LogId::Feed(ann.clone()), None),
            (
                Destination::Direct(Recipient { user: bob.clone(), created: at(1) }),
                LogId::Inbox(ann.clone()),
                Some(bob),
            ),
        ] {
            assert_eq!(to.kind(), log.kind());
            let (author, generation, content) = (ann.clone(), Generation(1), Content::Said(text("hi")));
            let append = Append { to, author, generation, time: at(1000), content: content.clone(), once: None };
            assert_eq!(append.log(), log);
            assert_eq!(append.entry(MessageId(3)), Entry { to: addressee, ..entry(content) });
        }
    }
}
