//! Fills an empty Redis with an archive. A key tells servers that the import has not come to its end, and none of them
//! starts then. It must not touch a Redis with accounts or messages, or with a server.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use ::redis::{Value, cmd};
use parlor_core::ports::{KNOWN_FOR, LogId, StoreError, StoreResult};
use parlor_core::rights::RoomRights;
use parlor_proto::{Epoch, RoomName, UserName};

use super::aside::{self, PREFIX, each_key};
use super::is_served;
use crate::archive::{
    AccountRecord, ArchiveError, ArchiveResult, ArchiveTarget, ConversationRecord, EntryRecord, Epochs, LogRecord,
    OnceRecord, Record, TicketRecord,
};
use crate::redis::connection::command::{self, Command};
use crate::redis::connection::dial::Dialer;
use crate::redis::connection::router::Router;
use crate::redis::import_note::IMPORT;
use crate::redis::log::ONCE_EXPIRY;
use crate::redis::rooms::sorted;
use crate::redis::{
    Config, NoEvents, OpenError, accounts, connect, departure, governance, invitations, keys, personal, random, tickets,
};

/// Commands in one batch.
const BATCH: usize = 500;

/// What is noted in place of a number when everything is there.
const SEALED: &str = "sealed";

/// String: the digest of the archive, or the mark of the migration, that this Redis was filled with.
const FILLED_WITH: &str = "parlor:filled-with";

/// By which an entry is known that no session of this Redis appended.
const BY_NOBODY: &str = "0 0";

/// A Redis that is being filled.
pub struct RedisTarget {
    pub(super) router: Router,
    /// The digest of the archive, or the mark of the migration.
    archive: String,
    epochs: Epochs,
    /// Records up to the last batch, and since then.
    stored: u64,
    waiting: u64,
    commands: Vec<Command>,
    /// How many entries of the log so far are no messages.
    pub(super) others: u64,
    /// Who has keys in which log.
    pub(super) once: HashMap<LogId, BTreeSet<UserName>>,
}

impl RedisTarget {
    /// Connects. `archive` is the digest of the archive: what an earlier import of the same one stored stays. Blocks for a few
    /// seconds at most.
    ///
    /// # Errors
    /// There are accounts, messages, a server or another import, or Redis cannot be reached.
    pub fn open(config: &Config, archive: &str, epochs: Epochs) -> ArchiveResult<Self> {
        let mut target = Self::connect(config, epochs)?;
        target.begin(archive)?;
        Ok(target)
    }

    /// The same for a migration, which begins anew. What is there and has moved is put aside, under names that begin with
    /// `aside`.
    ///
    /// # Errors
    /// There are accounts or messages that have not moved, a server, an import or another migration, or Redis cannot be
    /// reached.
    pub fn moving(config: &Config, migration: &str, aside: &str) -> ArchiveResult<Self> {
        let mut target = Self::connect(config, Epochs::Kept)?;
        let has_moved = departure::read(&target.router)?.is_some_and(|note| note.is_done);
        let of: Option<String> = target.call(Command::plain("HGET", IMPORT, &["archive"]))?;
        if has_moved && of.as_deref().is_none_or(|of| of == migration) {
            target.put_aside(config, migration, aside)?;
        } else if of.is_some_and(|of| of == migration) {
            each_key(config, PREFIX, |key| (key != IMPORT).then(|| cmd("UNLINK").arg(key).to_owned()))?;
            target.call::<i64>(Command::plain("HSET", IMPORT, &["stored", "0"]))?;
        }
        target.begin(migration)?;
        Ok(target)
    }

    /// Puts aside what has moved. Until that is done, the note that it has moved stays, and so does the name that was chosen
    /// first: wherever it breaks off, nobody serves a part, and another run puts the rest there.
    fn put_aside(&self, config: &Config, migration: &str, aside: &str) -> ArchiveResult<()> {
        self.call::<i64>(Command::plain("HSET", IMPORT, &["archive", migration, "stored", "0"]))?;
        self.call::<i64>(Command::plain("HSETNX", IMPORT, &["aside", aside]))?;
        let aside: String = self.call(Command::plain("HGET", IMPORT, &["aside"]))?;
        aside::put_aside_but(config, &aside, &[IMPORT, departure::MOVED])?;
        aside::put_aside_but(config, &aside, &[IMPORT])?;
        self.call::<i64>(Command::plain("HDEL", IMPORT, &["aside"])).map(drop)
    }

    /// Finishes a migration of which only that is left, since it broke off. Returns whether everything is there.
    ///
    /// # Errors
    /// Redis cannot be reached.
    pub fn finish_sealed(config: &Config, migration: &str) -> ArchiveResult<bool> {
        let target = Self::connect(config, Epochs::Kept)?;
        let noted = Command::plain("HMGET", IMPORT, &["archive", "stored"]);
        let (of, stored): (Option<String>, Option<String>) = target.call(noted)?;
        if of.as_deref() == Some(migration) && stored.as_deref() == Some(SEALED) {
            target.open_to_servers(migration)?;
            return Ok(true);
        }
        let came: Option<String> = target.call(Command::plain("GET", FILLED_WITH, &[]))?;
        Ok(of.is_none() && came.as_deref() == Some(migration))
    }

    /// The last step. The note of what came stays, so that a repetition finds that it is done.
    fn open_to_servers(&self, archive: &str) -> ArchiveResult<()> {
        self.call::<String>(Command::plain("SET", FILLED_WITH, &[archive]))?;
        self.call::<i64>(Command::plain("DEL", IMPORT, &[])).map(drop)
    }

    fn connect(config: &Config, epochs: Epochs) -> ArchiveResult<Self> {
        let dialer = Arc::new(Dialer::new(config.url.clone(), config.ca.clone()));
        let refused = |error: OpenError| ArchiveError::Refused(error.to_string());
        let router = connect(&dialer, &(Arc::new(NoEvents) as _), config.replicas).map_err(refused)?;
        let once = HashMap::new();
        let archive = String::new();
        Ok(Self { router, archive, epochs, stored: 0, waiting: 0, commands: Vec::new(), others: 0, once })
    }

    pub(super) fn call<T: ::redis::FromRedisValue>(&self, command: Command) -> ArchiveResult<T> {
        Ok(command::read(self.router.call(command))?)
    }

    /// Notes the import first, so that no server can start behind the look at what is there.
    fn begin(&mut self, archive: &str) -> ArchiveResult<()> {
        archive.clone_into(&mut self.archive);
        let noted = Command::plain("HMGET", IMPORT, &["archive", "stored"]);
        let (of, stored): (Option<String>, Option<String>) = self.call(noted)?;
        match &of {
            Some(of) if of == archive => {
                self.stored = stored.and_then(|stored| stored.parse().ok()).unwrap_or_default();
            }
            Some(_) => {
                let why = "an import of another archive has not come to its end there: run that one again";
                return Err(ArchiveError::Refused(why.to_owned()));
            }
            None => drop(self.call::<i64>(Command::plain("HSET", IMPORT, &["archive", archive, "stored", "0"]))?),
        }
        let Some(why) = self.obstacle(of.is_none())? else { return Ok(()) };
        if of.is_none() {
            self.call::<i64>(Command::plain("DEL", IMPORT, &[]))?;
        }
        Err(ArchiveError::Refused(format!("{why}; nothing was imported")))
    }

    /// What is in the way.
    fn obstacle(&self, must_be_empty: bool) -> ArchiveResult<Option<&'static str>> {
        if is_served(&self.router)? {
            return Ok(Some("a server runs on this Redis"));
        }
        let has_content = must_be_empty && (self.has_accounts()? || self.has_messages()?);
        Ok(has_content.then_some("this Redis has accounts or messages already"))
    }

    fn has_accounts(&self) -> ArchiveResult<bool> {
        let names: Vec<String> = self.call(Command::plain("SMEMBERS", keys::USERS, &[]))?;
        let ask = |user: &UserName| Command::plain("HEXISTS", keys::user(user), &["hash"]);
        any(self.router.call_all(sorted(&names).iter().map(ask).collect()))
    }

    fn has_messages(&self) -> ArchiveResult<bool> {
        let names: Vec<String> = self.call(Command::plain("ZRANGE", keys::ROOMS, &["0", "-1"]))?;
        let rooms = names.iter().filter_map(|name| name.parse().ok()).chain([RoomName::lobby()]);
        let ask = |room| Command::plain("HEXISTS", keys::meta(&LogId::Room(room)), &["top"]);
        any(self.router.call_all(rooms.map(ask).collect()))
    }

    pub(super) fn add(&mut self, name: &str, key: String, args: &[&str]) {
        self.commands.push(Command::plain(name, key, args));
    }

    fn account(&mut self, account: &AccountRecord) {
        let AccountRecord { user, hash, created, kicks, suspension, .. } = account;
        self.add("SADD", keys::USERS.to_owned(), &[user.as_str()]);
        let (created, kicks) = (created.as_millis().to_string(), kicks.to_string());
        let role = accounts::role_word(account.role());
        let fields = ["hash", hash.expose(), "role", role, "created", &created, "kicks", &kicks];
        self.add("HSET", keys::user(user), &fields);
        if let Some(suspension) = suspension {
            let until = suspension.until.map_or(0, |until| until.as_millis()).to_string();
            let fields = ["suspended", &until, "suspended_for", suspension.reason.as_str()];
            self.add("HSET", keys::user(user), &fields);
        }
    }

    fn log(&mut self, record: &LogRecord) {
        let LogRecord { log, epoch, last, others } = record;
        let epoch = match self.epochs {
            Epochs::Kept => *epoch,
            Epochs::Renewed => Epoch(random::number()),
        };
        self.others = *others;
        self.add("HSET", keys::meta(log), &["epoch", &epoch.to_string(), "top", &last.to_string()]);
        if let LogId::Room(room) = log {
            self.index(room);
        }
        if *others > 0 {
            self.add("ZADD", keys::others(log), &["0", &format!("0 {others}")]);
        }
    }

    /// Adds a room to the index, as one in which nobody is. The lobby has no place there.
    fn index(&mut self, room: &RoomName) {
        if room.is_lobby() {
            return;
        }
        self.add("ZADD", keys::ROOMS.to_owned(), &["-1", room.as_str()]);
    }

    fn rights(&mut self, room: &RoomName, rights: &RoomRights) {
        self.index(room);
        let meta = keys::meta(&LogId::Room(room.clone()));
        self.add("HSET", meta.clone(), &["rights", &rights.stored(), "rights_seq", "1"]);
        if rights.is_bare() {
            self.add("HSET", meta, &["bare", "1"]);
        }
        if !rights.outhooks.is_empty() {
            self.add("SADD", keys::OUTHOOK_ROOMS.to_owned(), &[room.as_str()]);
        }
        if rights.retention.is_some() {
            self.add("SADD", keys::RETENTION_ROOMS.to_owned(), &[room.as_str()]);
        }
        let (set, _) = governance::changes(&RoomRights::default(), rights);
        for (field, value) in set {
            self.add("HSET", keys::memberships(room), &[&field, &value]);
        }
    }

    fn entry(&mut self, entry: &EntryRecord) {
        let EntryRecord { log, id, time, from, to, text } = entry;
        let (number, stored) = (format!("{id}-0"), text.stored());
        let time = time.as_millis().to_string();
        let mut fields = vec![&*number, "from", from.as_str(), "time", &time, "text", &stored, "by", BY_NOBODY];
        if let Some(to) = to {
            fields.extend(["to", to.as_str()]);
        }
        self.add("XADD", keys::log(log), &fields);
        if let (LogId::Inbox(owner), Some(peer)) = (log, entry.peer()) {
            let member = keys::conversation_member(peer, *id, from == owner);
            self.add("ZADD", keys::conversation_index(owner), &["0", &member]);
        }
        if self.count_other(entry) {
            let count = self.others;
            self.add("ZADD", keys::others(log), &[&id.to_string(), &format!("{id} {count}")]);
        }
    }

    /// Whether an entry is no message. Then it counts.
    fn count_other(&mut self, entry: &EntryRecord) -> bool {
        let is_other = !entry.text.is_message();
        self.others += u64::from(is_other);
        is_other
    }

    fn once(&mut self, once: &OnceRecord) {
        self.once.entry(once.log.clone()).or_default().insert(once.author.clone());
        let [ids, times] = keys::once(&once.log, &once.author);
        let (key, expiry) = (once.key.as_str(), ONCE_EXPIRY.to_string());
        self.add("HSET", ids.clone(), &[key, &once.id.to_string()]);
        self.add("ZADD", times.clone(), &[&once.time.as_millis().to_string(), key]);
        self.add("EXPIRE", ids, &[&expiry]);
        self.add("EXPIRE", times, &[&expiry]);
    }

    fn conversation(&mut self, conversation: &ConversationRecord) {
        let ConversationRecord { owner, peer, last, read, unread } = conversation;
        self.add("HSET", keys::conversations(owner), &[peer.as_str(), &format!("{last} {read} {unread}")]);
    }

    fn ticket(&mut self, record: &TicketRecord) {
        let ticket = record.ticket();
        self.add("HSET", keys::tickets(&record.user), &[&ticket.id().to_string(), &tickets::write(&ticket)]);
    }

    fn address(&mut self, user: &UserName, address: &str, seen: i64) {
        self.add("ZADD", keys::usual_addresses(user), &[&seen.to_string(), address]);
        self.add("PEXPIRE", keys::usual_addresses(user), &[&KNOWN_FOR.as_millis().to_string()]);
    }

    fn pair(&mut self, one: String, other: &UserName, inverse: String, user: &UserName) {
        self.add("SADD", one, &[other.as_str()]);
        self.add("SADD", inverse, &[user.as_str()]);
    }

    /// Notes that everything is there.
    pub(super) fn note_sealed(&mut self) -> ArchiveResult<()> {
        self.send()?;
        self.call::<i64>(Command::plain("HSET", IMPORT, &["stored", SEALED])).map(drop)
    }

    /// Sends what waits if it is much.
    pub(super) fn send_much(&mut self) -> ArchiveResult<()> {
        if self.commands.len() >= BATCH { self.send() } else { Ok(()) }
    }

    /// Sends what waits, and notes how far it came.
    pub(super) fn send(&mut self) -> ArchiveResult<()> {
        for reply in self.router.call_all(std::mem::take(&mut self.commands)) {
            accept(reply)?;
        }
        self.stored += std::mem::take(&mut self.waiting);
        let noted = Command::plain("HSET", IMPORT, &["stored", &self.stored.to_string()]);
        self.call::<i64>(noted).map(drop)
    }
}

impl ArchiveTarget for RedisTarget {
    fn stored(&self) -> u64 {
        self.stored
    }

    fn skip(&mut self, record: &Record) {
        match record {
            Record::Log(log) => self.others = log.others,
            Record::Entry(entry) => drop(self.count_other(entry)),
            _ => {}
        }
    }

    fn store(&mut self, record: &Record) -> ArchiveResult<()> {
        match record {
            Record::Account(account) => self.account(account),
            Record::Ticket(ticket) => self.ticket(ticket),
            Record::Address { user, address, seen } => self.address(user, address, seen.as_millis()),
            Record::Follow { user, publisher } => {
                self.pair(keys::following(user), publisher, keys::followers(publisher), user);
            }
            Record::Block { user, blocked } => {
                self.pair(keys::blocks(user), blocked, keys::blocked_by(blocked), user);
            }
            Record::Remembered { user, room } => self.add("SADD", keys::remembered_rooms(user), &[room.as_str()]),
            Record::Mark(mark) => {
                if let Some(target) = personal::target(&mark.log) {
                    self.add("HSET", keys::marks(&mark.user), &[&target, &mark.read.to_string()]);
                }
            }
            Record::Invitation(record) => self.commands.extend(invitations::restoring(&record.invitation())),
            Record::Log(log) => self.log(log),
            Record::Rights { room, rights } => self.rights(room, rights),
            Record::Entry(entry) => self.entry(entry),
            Record::Once(once) => self.once(once),
            Record::Conversation(conversation) => self.conversation(conversation),
        }
        self.waiting += 1;
        self.send_much()
    }

    fn finish(mut self: Box<Self>) -> ArchiveResult<()> {
        if !self.commands.is_empty() {
            self.send()?;
        }
        self.open_to_servers(&self.archive)
    }
}

/// An entry that is there already was added by a command whose answer was lost, or before the import broke off.
fn accept(reply: StoreResult<Value>) -> ArchiveResult<()> {
    match command::read::<Value>(reply) {
        Err(error) if error.to_string().contains("equal or smaller than the target stream top item") => Ok(()),
        reply => Ok(reply.map(drop)?),
    }
}

fn any(replies: Vec<StoreResult<Value>>) -> ArchiveResult<bool> {
    let found = replies.into_iter().map(command::read::<i64>).collect::<Result<Vec<i64>, StoreError>>()?;
    Ok(found.into_iter().any(|there| there > 0))
}

#[cfg(test)]
pub(super) mod tests;
