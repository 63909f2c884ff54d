//! Reads all of a Redis, log by log, while servers may run. Each log is consistent in itself. It must not change anything,
//! besides completing direct messages that are under way, as every server does.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ::redis::Value;
use parlor_core::ports::{Conversation, LogId, StoreError, StoreResult, Ticket};
use parlor_core::rights::RoomRights;
use parlor_proto::{RoomName, Timestamp, UserName};

use super::log_reader::{LogHead, LogReader, ask_for_head};
use crate::archive::{ArchiveResult, ArchiveSource, ConversationRecord, MarkRecord, Record, TicketRecord, Wanted};
use crate::redis::connection::command::{self, Command};
use crate::redis::connection::dial::Dialer;
use crate::redis::connection::router::Router;
use crate::redis::directs::{Deliveries, ask_for_undelivered};
use crate::redis::governance::decode;
use crate::redis::import_note::is_under_way;
use crate::redis::rooms::sorted;
use crate::redis::{
    Config, NoEvents, OpenError, accounts, connect, departure, invitations, keys, outhooks, personal, tickets,
};

/// Takes the records one by one.
pub(super) type Each<'a> = &'a mut dyn FnMut(&Record) -> ArchiveResult<()>;

/// Users or logs that are asked for in one batch.
const AT_ONCE: usize = 100;

/// A Redis that is read as a whole.
pub struct RedisSource {
    pub(super) router: Router,
}

impl RedisSource {
    /// Connects. Blocks for a few seconds at most.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(config: &Config) -> Result<Self, OpenError> {
        let dialer = Arc::new(Dialer::new(config.url.clone(), config.ca.clone()));
        let router = connect(&dialer, &(Arc::new(NoEvents) as _), config.replicas)?;
        departure::refuse(&router)?;
        match is_under_way(&router) {
            Ok(false) => Ok(Self { router }),
            Ok(true) => Err(OpenError::Unsuitable("an import into it has not come to its end".to_owned())),
            Err(error) => Err(OpenError::Unreachable(error.to_string())),
        }
    }

    fn call<T: ::redis::FromRedisValue>(&self, command: Command) -> ArchiveResult<T> {
        Ok(command::read(self.router.call(command))?)
    }

    /// The accounts, each with what belongs to its user besides logs. Returns their names.
    fn accounts(&self, each: Each<'_>) -> ArchiveResult<Vec<UserName>> {
        let names: Vec<String> = self.call(Command::plain("SMEMBERS", keys::USERS, &[]))?;
        let mut users = Vec::new();
        for some in sorted(&names).chunks(AT_ONCE) {
            let mut replies = self.router.call_all(some.iter().flat_map(questions).collect()).into_iter();
            for user in some {
                let mut next = || replies.next().unwrap_or_else(no_reply);
                let fields: HashMap<String, String> = command::read(next())?;
                let belongings = Belongings {
                    tickets: command::read(next())?,
                    addresses: command::read(next())?,
                    following: command::read(next())?,
                    blocks: command::read(next())?,
                    rooms: command::read(next())?,
                    marks: command::read(next())?,
                };
                let Some(account) = accounts::read(user, &fields)? else { continue };
                each(&Record::Account(account.into()))?;
                belongings.give(user, each)?;
                users.push(user.clone());
            }
        }
        Ok(users)
    }

    fn rooms(&self, reader: &LogReader<'_>, each: Each<'_>) -> ArchiveResult<()> {
        let names: Vec<String> = self.call(Command::plain("ZRANGE", keys::ROOMS, &["0", "-1"]))?;
        let mut rooms: BTreeSet<RoomName> = names.iter().filter_map(|name| name.parse().ok()).collect();
        rooms.insert(RoomName::lobby());
        for head in self.heads(rooms.into_iter().map(LogId::Room))? {
            let head = head?;
            let first = reader.first(&head)?;
            let LogId::Room(room) = &head.log else { continue };
            let mut rights = decode(room, head.rights.as_deref().unwrap_or_default())?;
            outhooks::advance(&self.router, room, &mut rights)?;
            // Servers may post meanwhile what is behind the head that was read.
            rights.rewind_outhooks(head.last);
            let has_rights = rights != RoomRights::default() && (first.is_some() || !rights.is_bare());
            if head.last.0 > 0 && (first.is_some() || has_rights) {
                reader.log(&head, first, &mut BTreeMap::new(), each)?;
            }
            if has_rights {
                each(&Record::Rights { room: room.clone(), rights })?;
            }
        }
        Ok(())
    }

    /// The heads of logs, each read shortly before it is needed.
    fn heads(&self, logs: impl Iterator<Item = LogId>) -> ArchiveResult<impl Iterator<Item = ArchiveResult<LogHead>>> {
        let logs: Vec<LogId> = logs.collect();
        let chunks: Vec<Vec<LogId>> = logs.chunks(AT_ONCE).map(<[LogId]>::to_vec).collect();
        Ok(chunks.into_iter().flat_map(move |logs| {
            let mut replies = self.router.call_all(logs.iter().flat_map(ask_for_head).collect()).into_iter();
            let mut next = || replies.next().unwrap_or_else(no_reply);
            logs.into_iter().map(|log| Ok(LogHead::read(log, next(), next())?)).collect::<Vec<_>>()
        }))
    }

    fn feeds(&self, users: &[UserName], reader: &LogReader<'_>, each: Each<'_>) -> ArchiveResult<()> {
        for head in self.heads(users.iter().cloned().map(LogId::Feed))? {
            let head = head?;
            if head.last.0 > 0 {
                reader.log(&head, reader.first(&head)?, &mut BTreeMap::new(), each)?;
            }
        }
        Ok(())
    }

    fn inboxes(&self, users: &[UserName], reader: &LogReader<'_>, each: Each<'_>) -> ArchiveResult<()> {
        self.complete_directs(users)?;
        for some in users.chunks(AT_ONCE) {
            // Before the head, so that no state is newer than the entries.
            let ask = |user: &UserName| {
                let states = Command::plain("HGETALL", keys::conversations(user), &[]);
                [states].into_iter().chain(ask_for_head(&LogId::Inbox(user.clone())))
            };
            let mut replies = self.router.call_all(some.iter().flat_map(ask).collect()).into_iter();
            let mut next = || replies.next().unwrap_or_else(no_reply);
            for user in some {
                let (states, head, oldest) = (next(), next(), next());
                let head = LogHead::read(LogId::Inbox(user.clone()), head, oldest)?;
                self.inbox(user, &head, states, reader, each)?;
            }
        }
        Ok(())
    }

    /// The entries of an inbox, and the states of its conversations as they are behind these.
    fn inbox(
        &self,
        user: &UserName,
        head: &LogHead,
        states: StoreResult<Value>,
        reader: &LogReader<'_>,
        each: Each<'_>,
    ) -> ArchiveResult<()> {
        let states: HashMap<String, String> = command::read(states)?;
        let states = states.iter().filter_map(|(peer, state)| personal::conversation(peer, state));
        let mut states: BTreeMap<UserName, Conversation> = states.map(|state| (state.peer.clone(), state)).collect();
        if head.last.0 > 0 {
            reader.log(head, reader.first(head)?, &mut states, each)?;
        }
        for conversation in states.into_values() {
            each(&Record::Conversation(ConversationRecord::of(user, conversation)))?;
        }
        Ok(())
    }

    /// Gives all records. Of each log the part that is `wanted`, or else that since a time.
    pub(super) fn all(
        &self,
        since: Option<Timestamp>,
        wanted: Option<Wanted<'_>>,
        each: Each<'_>,
    ) -> ArchiveResult<()> {
        let reader = LogReader { router: &self.router, since, wanted };
        let users = self.accounts(each)?;
        for invitation in invitations::all(&self.router)? {
            each(&Record::Invitation(invitation.into()))?;
        }
        self.rooms(&reader, each)?;
        self.feeds(&users, &reader, each)?;
        self.inboxes(&users, &reader, each)
    }

    /// Completes the direct messages that are under way: the sender's entry is a promise.
    fn complete_directs(&self, users: &[UserName]) -> ArchiveResult<()> {
        for some in users.chunks(AT_ONCE) {
            let replies = self.router.call_all(some.iter().map(ask_for_undelivered).collect());
            for (user, reply) in some.iter().zip(replies) {
                let noted: HashMap<String, String> = command::read(reply)?;
                if !noted.is_empty() {
                    Deliveries { router: &self.router, kept: u64::MAX >> 12, cursors: None }.complete(user)?;
                }
            }
        }
        Ok(())
    }
}

impl ArchiveSource for RedisSource {
    fn read(&mut self, since: Option<Timestamp>, each: Each<'_>) -> ArchiveResult<()> {
        self.all(since, None, each)
    }
}

fn no_reply() -> StoreResult<Value> {
    Err(StoreError::new("no reply"))
}

/// Asks for the account of a user, and for [`Belongings`].
fn questions(user: &UserName) -> [Command; 7] {
    [
        Command::plain("HGETALL", keys::user(user), &[]),
        Command::plain("HGETALL", keys::tickets(user), &[]),
        Command::plain("ZRANGE", keys::usual_addresses(user), &["0", "-1", "WITHSCORES"]),
        Command::plain("SMEMBERS", keys::following(user), &[]),
        Command::plain("SMEMBERS", keys::blocks(user), &[]),
        Command::plain("SMEMBERS", keys::remembered_rooms(user), &[]),
        Command::plain("HGETALL", keys::marks(user), &[]),
    ]
}

/// What belongs to a user besides account and logs, as Redis keeps it.
struct Belongings {
    tickets: HashMap<String, String>,
    addresses: Vec<(String, f64)>,
    following: Vec<String>,
    blocks: Vec<String>,
    rooms: Vec<String>,
    marks: HashMap<String, u64>,
}

impl Belongings {
    fn give(self, user: &UserName, each: Each<'_>) -> ArchiveResult<()> {
        let mut tickets: Vec<Ticket> = self.tickets.values().filter_map(|stored| tickets::read(stored)).collect();
        tickets.sort_by_key(|ticket| (ticket.made, ticket.id()));
        for ticket in tickets {
            each(&Record::Ticket(TicketRecord::of(user, ticket)))?;
        }
        for (address, seen) in self.addresses.into_iter().collect::<BTreeMap<_, _>>() {
            let seen = Timestamp::from_millis(seen as i64);
            each(&Record::Address { user: user.clone(), address, seen })?;
        }
        for publisher in sorted(&self.following) {
            each(&Record::Follow { user: user.clone(), publisher })?;
        }
        for blocked in sorted(&self.blocks) {
            each(&Record::Block { user: user.clone(), blocked })?;
        }
        let rooms: BTreeSet<RoomName> = self.rooms.iter().filter_map(|room| room.parse().ok()).collect();
        for room in rooms {
            each(&Record::Remembered { user: user.clone(), room })?;
        }
        for (log, read) in personal::read_marks(&self.marks) {
            each(&Record::Mark(MarkRecord { user: user.clone(), log, read }))?;
        }
        Ok(())
    }
}
