//! The records of an archive. A record is valid by construction: what a store would not have written is not read. It must not
//! know how a store keeps it.

use std::time::Duration;

use parlor_core::ports::{
    Account, Content, Conversation, Entry, LogId, PasswordHash, Role, SecretHash, Suspension, Ticket,
};
use parlor_core::rights::RoomRights;
use parlor_proto::{Epoch, MessageId, Note, OnceKey, RoomName, Target, Timestamp, UserName};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::invitation::InvitationRecord;

/// One line of an archive between its header and its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Record {
    /// An account. What belongs to its user besides logs follows it.
    Account(AccountRecord),
    /// A ticket.
    Ticket(TicketRecord),
    /// An address from which a user logged in before.
    Address {
        /// The user.
        user: UserName,
        /// The address, or the network.
        address: String,
        /// The last login from there.
        seen: Timestamp,
    },
    /// A user follows another.
    Follow {
        /// The follower.
        user: UserName,
        /// Who is followed.
        publisher: UserName,
    },
    /// A user blocks another.
    Block {
        /// Who blocks.
        user: UserName,
        /// Who is blocked.
        blocked: UserName,
    },
    /// A user opened a room.
    Remembered {
        /// The user.
        user: UserName,
        /// The room.
        room: RoomName,
    },
    /// Up to where a user has read a room or a feed.
    Mark(MarkRecord),
    /// An invitation. They follow all accounts.
    Invitation(InvitationRecord),
    /// A log. Its entries and keys follow it.
    Log(LogRecord),
    /// The rights in a room.
    Rights {
        /// The room.
        room: RoomName,
        /// All of them.
        rights: RoomRights,
    },
    /// An entry of a log.
    Entry(EntryRecord),
    /// A key with which an author appended at most once.
    Once(OnceRecord),
    /// A conversation by direct messages. It follows the entries of the inbox.
    Conversation(ConversationRecord),
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountRecord {
    /// Its name.
    pub user: UserName,
    /// The hash of its password.
    #[serde(with = "password_hash")]
    pub hash: PasswordHash,
    /// Whether its user is an operator.
    pub operator: bool,
    /// When it was created.
    pub created: Timestamp,
    /// How often an operator has ended its sessions.
    pub kicks: u64,
    /// While it is there and not over, no login is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspension: Option<SuspensionRecord>,
}

/// An account is closed for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuspensionRecord {
    /// Until then; none for ever.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Note,
}

/// A ticket of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketRecord {
    /// Whose.
    pub user: UserName,
    /// The hash of its secret.
    #[serde(with = "secret_hash")]
    pub hash: SecretHash,
    /// What it is for.
    pub label: Note,
    /// When it was made.
    pub made: Timestamp,
    /// When it was used last.
    pub used: Option<Timestamp>,
    /// From where.
    pub address: Option<String>,
    /// How many milliseconds after its last use it is valid.
    pub lifetime: Option<u64>,
    /// Whether its account was suspended since.
    pub revoked: bool,
}

/// Up to where a user has read a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkRecord {
    /// The user.
    pub user: UserName,
    /// The log of a room or a feed.
    #[serde(with = "log_name")]
    pub log: LogId,
    /// The newest entry that was read.
    pub read: MessageId,
}

/// The head of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogRecord {
    /// Which.
    #[serde(with = "log_name")]
    pub log: LogId,
    /// The epoch of its numbers.
    pub epoch: Epoch,
    /// Its newest number.
    pub last: MessageId,
    /// How many entries before the first one of the archive are no messages.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub others: u64,
}

/// An entry of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryRecord {
    /// The log.
    #[serde(with = "log_name")]
    pub log: LogId,
    /// Its number.
    pub id: MessageId,
    /// When it was accepted.
    pub time: Timestamp,
    /// The author.
    pub from: UserName,
    /// In an inbox: to whom it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<UserName>,
    /// What it says, in the form in which stores keep it.
    #[serde(with = "content")]
    pub text: Content,
}

/// A key with which an author appended at most once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnceRecord {
    /// The log.
    #[serde(with = "log_name")]
    pub log: LogId,
    /// The author.
    pub author: UserName,
    /// The key.
    #[serde(with = "once_key")]
    pub key: OnceKey,
    /// The entry.
    pub id: MessageId,
    /// Its time.
    pub time: Timestamp,
}

/// A conversation, with numbers of the inbox of its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConversationRecord {
    /// Whose inbox has it.
    pub owner: UserName,
    /// The other user.
    pub peer: UserName,
    /// The newest message.
    pub last: MessageId,
    /// The newest message that was read.
    pub read: MessageId,
    /// How many messages of the other user are unread.
    pub unread: u64,
}

impl Record {
    /// The word for its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Ticket(_) => "ticket",
            Self::Invitation(_) => "invitation",
            Self::Address { .. } => "address",
            Self::Follow { .. } => "follow",
            Self::Block { .. } => "block",
            Self::Remembered { .. } => "remembered",
            Self::Mark(_) => "mark",
            Self::Log(_) => "log",
            Self::Rights { .. } => "rights",
            Self::Entry(_) => "entry",
            Self::Once(_) => "once",
            Self::Conversation(_) => "conversation",
        }
    }

    /// Whether it is about a user: it belongs to the user, was said by the user, or names the user.
    pub fn is_about(&self, user: &UserName) -> bool {
        let is_own = |log: &LogId| matches!(log, LogId::Feed(owner) | LogId::Inbox(owner) if owner == user);
        match self {
            Self::Account(account) => account.user == *user,
            Self::Ticket(ticket) => ticket.user == *user,
            Self::Address { user: whose, .. } | Self::Remembered { user: whose, .. } => whose == user,
            Self::Follow { user: one, publisher: other } | Self::Block { user: one, blocked: other } => {
                one == user || other == user
            }
            Self::Mark(mark) => mark.user == *user || is_own(&mark.log),
            Self::Invitation(invitation) => invitation.by == *user || invitation.used.contains(user),
            Self::Log(log) => is_own(&log.log),
            Self::Rights { rights, .. } => names(rights, user),
            Self::Entry(entry) => is_own(&entry.log) || (entry.log.room().is_some() && entry.is_about(user)),
            Self::Once(once) => once.author == *user,
            Self::Conversation(conversation) => conversation.owner == *user,
        }
    }
}

/// Whether a room has a list with this user.
fn names(rights: &RoomRights, user: &UserName) -> bool {
    rights.holders().any(|holder| holder.user == *user)
        || rights.invited.contains(user)
        || rights.banned.contains_key(user)
        || rights.muted.contains_key(user)
}

impl From<Account> for AccountRecord {
    fn from(account: Account) -> Self {
        let Account { user, hash, role, created, kicks, suspension } = account;
        let suspension = suspension.map(|Suspension { until, reason }| SuspensionRecord { until, reason });
        Self { user, hash, operator: role == Role::Operator, created, kicks, suspension }
    }
}

impl AccountRecord {
    /// Its role.
    pub fn role(&self) -> Role {
        if self.operator { Role::Operator } else { Role::Member }
    }
}

impl TicketRecord {
    /// The record of a ticket.
    pub fn of(user: &UserName, ticket: Ticket) -> Self {
        let Ticket { hash, label, made, used, address, lifetime, is_revoked } = ticket;
        let lifetime = lifetime.map(|lifetime| u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX));
        Self { user: user.clone(), hash, label, made, used, address, lifetime, revoked: is_revoked }
    }

    /// The ticket.
    pub fn ticket(&self) -> Ticket {
        let Self { hash, label, made, used, address, lifetime, revoked, .. } = self.clone();
        let lifetime = lifetime.map(Duration::from_millis);
        Ticket { hash, label, made, used, address, lifetime, is_revoked: revoked }
    }
}

impl EntryRecord {
    /// The record of an entry of a log.
    pub fn of(log: &LogId, entry: Entry) -> Self {
        let Entry { id, time, author, to, content } = entry;
        Self { log: log.clone(), id, time, from: author, to, text: content }
    }

    /// Whether a user said it, or it tells what a moderator did about the user.
    fn is_about(&self, user: &UserName) -> bool {
        let is_named = |text: &Content| matches!(text, Content::Moderation(act) if act.user.as_ref() == Some(user));
        self.from == *user || is_named(&self.text)
    }

    /// In an inbox: the other user of the conversation.
    pub fn peer(&self) -> Option<&UserName> {
        let LogId::Inbox(owner) = &self.log else { return None };
        self.to.as_ref().map(|to| if self.from == *owner { to } else { &self.from })
    }
}

impl ConversationRecord {
    /// The record of a conversation.
    pub fn of(owner: &UserName, conversation: Conversation) -> Self {
        let Conversation { peer, last, read, unread } = conversation;
        Self { owner: owner.clone(), peer, last, read, unread }
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A log is written as users name conversations: `#room`, `+publisher`; and `@user` for an inbox.
mod log_name {
    use super::*;

    pub(super) fn serialize<S: Serializer>(log: &LogId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&match log {
            LogId::Room(room) => Target::Room(room.clone()),
            LogId::Feed(user) => Target::Feed(user.clone()),
            LogId::Inbox(user) => Target::Direct(user.clone()),
        })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LogId, D::Error> {
        Ok(match Target::deserialize(deserializer)? {
            Target::Room(room) => LogId::Room(room),
            Target::Feed(user) => LogId::Feed(user),
            Target::Direct(user) => LogId::Inbox(user),
        })
    }
}

mod content {
    use super::*;

    pub(super) fn serialize<S: Serializer>(content: &Content, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&content.stored())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Content, D::Error> {
        let stored = String::deserialize(deserializer)?;
        Content::read(&stored).ok_or_else(|| de::Error::custom("a text that no entry has"))
    }
}

mod password_hash {
    use super::*;

    pub(super) fn serialize<S: Serializer>(hash: &PasswordHash, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(hash.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PasswordHash, D::Error> {
        String::deserialize(deserializer).map(PasswordHash::new)
    }
}

pub(super) mod secret_hash {
    use super::*;

    pub(in crate::archive) fn serialize<S: Serializer>(hash: &SecretHash, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hash.expose())
    }

    pub(in crate::archive) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretHash, D::Error> {
        let digits = String::deserialize(deserializer)?;
        SecretHash::read(&digits).ok_or_else(|| de::Error::custom("no hash of a secret"))
    }
}

mod once_key {
    use super::*;

    pub(super) fn serialize<S: Serializer>(key: &OnceKey, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(key.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OnceKey, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|_| de::Error::custom("no key"))
    }
}

#[cfg(test)]
mod tests;
