//! Reads all of a database in one snapshot, however busy its server is. It must not write.

use std::collections::BTreeSet;
use std::path::Path;

use parlor_core::ports::{Entry, LogId};
use parlor_core::rights::RoomRights;
use parlor_proto::{Epoch, MessageId, RoomName, Timestamp, UserName};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use crate::archive::{
    ArchiveError, ArchiveResult, ArchiveSource, ConversationRecord, EntryRecord, Extent, LogRecord, MarkRecord,
    OnceRecord, Record, TicketRecord, Wanted,
};
use crate::sqlite::integrity::failure;
use crate::sqlite::{
    FILE_NAME, OpenError, accounts, inspect, invitations, outhooks, page, personal, rights, rows, schema, tickets,
};

/// Takes the records one by one.
pub(super) type Each<'a> = &'a mut dyn FnMut(&Record) -> ArchiveResult<()>;

/// A database that is read as a whole.
pub struct SqliteSource {
    connection: Connection,
}

impl SqliteSource {
    /// Opens the database in the directory `data`; none if there is none. A server may use it.
    ///
    /// # Errors
    /// It cannot be read, is of an older or newer version, or has moved elsewhere.
    pub fn open(data: &Path) -> ArchiveResult<Option<Self>> {
        let Some(connection) = inspect::open_current(data).map_err(refused)? else { return Ok(None) };
        require_version(data, &connection)?;
        Ok(Some(Self { connection }))
    }
}

/// # Errors
/// The database of a directory is of an older or newer version.
pub(super) fn require_version(data: &Path, connection: &Connection) -> ArchiveResult<()> {
    let path = data.join(FILE_NAME);
    let found = schema::version(connection).map_err(|error| refused(OpenError::of(&path, error)))?;
    if found > schema::VERSION {
        return Err(refused(OpenError::Newer { path, found, known: schema::VERSION }));
    }
    if found < schema::VERSION {
        return Err(ArchiveError::Refused(format!(
            "the database {} is of an older version: start the server of this version once",
            path.display()
        )));
    }
    Ok(())
}

pub(super) fn refused(error: OpenError) -> ArchiveError {
    ArchiveError::Refused(error.to_string())
}

impl ArchiveSource for SqliteSource {
    fn read(&mut self, since: Option<Timestamp>, each: Each<'_>) -> ArchiveResult<()> {
        let snapshot = self.connection.transaction().map_err(read_failure)?;
        Reader { connection: &snapshot, since, wanted: None }.all(each)
    }
}

/// One pass over a snapshot.
pub(super) struct Reader<'a> {
    pub(super) connection: &'a Connection,
    pub(super) since: Option<Timestamp>,
    /// Which part of each log; none for what `since` leaves.
    pub(super) wanted: Option<Wanted<'a>>,
}

impl Reader<'_> {
    /// Gives all records.
    pub(super) fn all(&self, each: Each<'_>) -> ArchiveResult<()> {
        let users = self.accounts(each)?;
        for invitation in invitations::all(self.connection).map_err(read_failure)? {
            each(&Record::Invitation(invitation.into()))?;
        }
        for room in self.rooms()? {
            self.room(&room, each)?;
        }
        for user in &users {
            self.log(&LogId::Feed(user.clone()), each)?;
        }
        for user in &users {
            self.log(&LogId::Inbox(user.clone()), each)?;
            self.conversations(user, each)?;
        }
        Ok(())
    }

    /// Gives each row of a statement as a record.
    fn each<P: Params>(
        &self,
        sql: &str,
        of: P,
        record: impl Fn(&Row<'_>) -> rusqlite::Result<Record>,
        each: Each<'_>,
    ) -> ArchiveResult<()> {
        let mut select = self.connection.prepare_cached(sql).map_err(read_failure)?;
        let mut found = select.query(of).map_err(read_failure)?;
        while let Some(row) = found.next().map_err(read_failure)? {
            each(&record(row).map_err(read_failure)?)?;
        }
        Ok(())
    }

    /// The accounts, each with what belongs to its user besides logs. Returns their names.
    fn accounts(&self, each: Each<'_>) -> ArchiveResult<Vec<UserName>> {
        let accounts = accounts::all(self.connection).map_err(read_failure)?;
        let users = accounts.iter().map(|account| account.user.clone()).collect();
        for account in accounts {
            let user = account.user.clone();
            each(&Record::Account(account.into()))?;
            self.belongings(&user, each)?;
        }
        Ok(users)
    }

    fn belongings(&self, user: &UserName, each: Each<'_>) -> ArchiveResult<()> {
        for ticket in tickets::tickets(self.connection, user).map_err(read_failure)? {
            each(&Record::Ticket(TicketRecord::of(user, ticket)))?;
        }
        let addresses = "SELECT address, seen FROM usual_address WHERE account = ?1 ORDER BY address";
        let address = |row: &Row<'_>| {
            let seen = Timestamp::from_millis(row.get(1)?);
            Ok(Record::Address { user: user.clone(), address: row.get(0)?, seen })
        };
        self.each(addresses, [user.as_str()], address, each)?;
        let follows = "SELECT publisher FROM follow WHERE follower = ?1 ORDER BY publisher";
        let follow = |row: &Row<'_>| Ok(Record::Follow { user: user.clone(), publisher: rows::user(row, 0)? });
        self.each(follows, [user.as_str()], follow, each)?;
        let blocks = "SELECT blocked FROM block WHERE user = ?1 ORDER BY blocked";
        let block = |row: &Row<'_>| Ok(Record::Block { user: user.clone(), blocked: rows::user(row, 0)? });
        self.each(blocks, [user.as_str()], block, each)?;
        for room in personal::remembered_rooms(self.connection, user).map_err(read_failure)? {
            each(&Record::Remembered { user: user.clone(), room })?;
        }
        for (log, read) in personal::marks(self.connection, user).map_err(read_failure)? {
            each(&Record::Mark(MarkRecord { user: user.clone(), log, read }))?;
        }
        Ok(())
    }

    /// The rooms that have entries or rights, sorted.
    fn rooms(&self) -> ArchiveResult<Vec<RoomName>> {
        let rooms = || {
            let sql = "SELECT name FROM log WHERE kind = 'room' UNION SELECT room FROM rights";
            let mut select = self.connection.prepare(sql)?;
            let rooms = select.query_map([], |row| rows::room(row, 0))?.collect::<rusqlite::Result<BTreeSet<_>>>()?;
            Ok(rooms.into_iter().collect())
        };
        rooms().map_err(read_failure)
    }

    /// A room that somebody would still find: one with entries, or with rights that outlast its members.
    fn room(&self, room: &RoomName, each: Each<'_>) -> ArchiveResult<()> {
        let log = LogId::Room(room.clone());
        let extent = self.extent(&log).map_err(read_failure)?;
        let has_entries = extent.as_ref().is_some_and(|(_, extent)| extent.has_entries());
        let last = extent.as_ref().map_or(MessageId(0), |(_, extent)| extent.last);
        let rights = self.rights(room, last).map_err(read_failure)?;
        let rights = rights.filter(|rights| *rights != RoomRights::default() && (has_entries || !rights.is_bare()));
        if let Some((row, extent)) = extent.filter(|_| has_entries || rights.is_some()) {
            self.entries(row, &extent, each)?;
        }
        rights.map_or(Ok(()), |rights| each(&Record::Rights { room: room.clone(), rights }))
    }

    /// The rights in a room. Its outgoing hooks begin where they are, and not behind the newest entry.
    fn rights(&self, room: &RoomName, last: MessageId) -> rusqlite::Result<Option<RoomRights>> {
        let mut select = self.connection.prepare_cached("SELECT rights FROM rights WHERE room = ?1")?;
        let stored: Option<String> = select.query_row([room.as_str()], |row| row.get(0)).optional()?;
        let Some(mut known) = stored.map(|stored| rights::read(&stored)).transpose()? else { return Ok(None) };
        outhooks::advance(self.connection, room, &mut known)?;
        known.rewind_outhooks(last);
        Ok(Some(known))
    }

    fn log(&self, log: &LogId, each: Each<'_>) -> ArchiveResult<()> {
        let extent = self.extent(log).map_err(read_failure)?;
        extent.map_or(Ok(()), |(row, extent)| self.entries(row, &extent, each))
    }

    /// The row of a log, and where it begins and ends; none if it never had an entry.
    fn extent(&self, log: &LogId) -> rusqlite::Result<Option<(i64, Extent)>> {
        let (kind, name) = rows::kind_and_name(log);
        let mut select =
            self.connection.prepare_cached("SELECT id, base, epoch FROM log WHERE kind = ?1 AND name = ?2")?;
        let head = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, rows::epoch(row, 2)?));
        let Some((row, base, epoch)) = select.query_row([kind, name], head).optional()? else { return Ok(None) };
        let epoch: Epoch = epoch.map_or_else(|| rows::database_epoch(self.connection), Ok)?;
        let bound = |what: &str| -> rusqlite::Result<Option<u64>> {
            let sql = format!("SELECT {what} FROM {} WHERE log = ?1", rows::table(log));
            self.connection.prepare_cached(&sql)?.query_row([row], |row| row.get(0))
        };
        let last = bound("max(number)")?;
        let first = match (self.since, last) {
            (_, None) => base + 1,
            (None, Some(_)) => bound("min(number)")?.unwrap_or(base + 1),
            (Some(since), Some(last)) => self.first_since(log, row, since)?.unwrap_or(last),
        };
        let last = MessageId(last.unwrap_or(base));
        Ok((last.0 > 0).then(|| (row, Extent { log: log.clone(), epoch, first, last })))
    }

    fn first_since(&self, log: &LogId, row: i64, since: Timestamp) -> rusqlite::Result<Option<u64>> {
        let sql = format!("SELECT min(number) FROM {} WHERE log = ?1 AND time >= ?2", rows::table(log));
        self.connection.prepare_cached(&sql)?.query_row(params![row, since.as_millis()], |row| row.get(0))
    }

    /// The head of a log, its entries, and the keys of these.
    fn entries(&self, row: i64, extent: &Extent, each: Each<'_>) -> ArchiveResult<()> {
        let Extent { log, epoch, last, first } = extent;
        let Some(first) = self.wanted.map_or(Some(*first), |wanted| wanted(extent)) else { return Ok(()) };
        let others = self.others_before(row, first).map_err(read_failure)?;
        each(&Record::Log(LogRecord { log: log.clone(), epoch: *epoch, last: *last, others }))?;
        let entries = format!(
            "SELECT number, time, author, text, {} FROM {} WHERE log = ?1 AND number >= ?2 ORDER BY number",
            peer(log),
            rows::table(log)
        );
        let owner = page::owner(log);
        let entry = |row: &Row<'_>| {
            let entry: Entry = page::entry(row, owner)?;
            Ok(Record::Entry(EntryRecord::of(log, entry)))
        };
        self.each(&entries, params![row, first], entry, each)?;
        self.keys(log, row, first, each)
    }

    fn keys(&self, log: &LogId, row: i64, first: u64, each: Each<'_>) -> ArchiveResult<()> {
        let once = |row: &Row<'_>| {
            let key: String = row.get(1)?;
            let unreadable = |_| rusqlite::Error::FromSqlConversionFailure(1, Type::Text, "no key".into());
            Ok(Record::Once(OnceRecord {
                log: log.clone(),
                author: rows::user(row, 0)?,
                key: key.parse().map_err(unreadable)?,
                id: MessageId(row.get(2)?),
                time: Timestamp::from_millis(row.get(3)?),
            }))
        };
        let keys = "SELECT author, key, number, time FROM once WHERE log = ?1 AND number >= ?2 ORDER BY author, key";
        self.each(keys, params![row, first], once, each)
    }

    /// The entry of a log with a number.
    pub(super) fn entry(&self, log: &LogId, id: MessageId) -> rusqlite::Result<Option<EntryRecord>> {
        let (kind, name) = rows::kind_and_name(log);
        let sql = format!(
            "SELECT number, time, author, text, {} FROM {} WHERE number = ?3
             AND log = (SELECT id FROM log WHERE kind = ?1 AND name = ?2)",
            peer(log),
            rows::table(log)
        );
        let owner = page::owner(log);
        let entry = |row: &Row<'_>| Ok(EntryRecord::of(log, page::entry(row, owner)?));
        self.connection.prepare_cached(&sql)?.query_row(params![kind, name, id.0], entry).optional()
    }

    /// How many entries before a number are no messages.
    fn others_before(&self, row: i64, first: u64) -> rusqlite::Result<u64> {
        let sql = "SELECT count FROM other_entry WHERE log = ?1 AND number < ?2 ORDER BY number DESC LIMIT 1";
        let mut select = self.connection.prepare_cached(sql)?;
        Ok(select.query_row(params![row, first], |row| row.get(0)).optional()?.unwrap_or_default())
    }

    fn conversations(&self, user: &UserName, each: Each<'_>) -> ArchiveResult<()> {
        let mut conversations = personal::conversations(self.connection, user).map_err(read_failure)?;
        conversations.sort_by(|one, other| one.peer.cmp(&other.peer));
        conversations
            .into_iter()
            .try_for_each(|conversation| each(&Record::Conversation(ConversationRecord::of(user, conversation))))
    }
}

/// The column with the other user of a conversation.
fn peer(log: &LogId) -> &'static str {
    match log {
        LogId::Room(_) | LogId::Feed(_) => "NULL",
        LogId::Inbox(_) => "peer",
    }
}

pub(super) fn read_failure(error: rusqlite::Error) -> ArchiveError {
    failure(&error).into()
}
