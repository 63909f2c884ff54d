//! What the embedded database keeps for each user besides the account: remembered rooms, marks, conversations, blocks. It
//! must not append to logs.

use std::collections::BTreeMap;

use parlor_core::planted::{Bug, planted};
use parlor_core::ports::{Conversation, Entry, LogId, LogKind, Mark, Personal, PersonalState, Recipient, StoreResult};
use parlor_core::rights::RoomRights;
use parlor_proto::{MessageId, RoomName, UserName};
use rusqlite::{Connection, Row, params};

use super::database::Database;
use super::{accounts, rights, rows};
use crate::memory::Conversations;

/// Moves the mark of a conversation forward, and counts what is unread after it.
const MARK_CONVERSATION: &str = "UPDATE conversation SET read = ?3, unread = (
         SELECT count(*) FROM direct INDEXED BY direct_by_peer
         WHERE log = (SELECT id FROM log WHERE kind = 'inbox' AND name = ?1)
             AND peer = ?2 AND author <> ?1 AND number > ?3
     ) WHERE owner = ?1 AND peer = ?2 AND read < ?3";

impl Personal for Database {
    fn load(&self, user: &UserName) -> StoreResult<PersonalState> {
        self.read(|connection| {
            Ok(PersonalState {
                rooms: remembered_rooms(connection, user)?,
                marks: marks(connection, user)?,
                conversations: conversations(connection, user)?,
            })
        })
    }

    fn unread(&self, user: &UserName) -> StoreResult<Vec<(UserName, u64)>> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT peer, unread FROM conversation WHERE owner = ?1 AND unread > 0 ORDER BY last DESC",
            )?;
            select.query_map([user.as_str()], |row| Ok((rows::user(row, 0)?, row.get(1)?)))?.collect()
        })
    }

    fn remember(&self, user: &UserName, room: &RoomName, read: MessageId, max: usize) -> StoreResult<bool> {
        let (user, room) = (user.clone(), room.clone());
        self.change(move |connection| {
            let mut count =
                connection.prepare_cached("SELECT count(*) FROM remembered_room WHERE user = ?1 AND room <> ?2")?;
            let others: usize = count.query_row([user.as_str(), room.as_str()], |row| row.get(0))?;
            if others >= max || planted(Bug::ForgetRoom) {
                return Ok(others < max);
            }
            connection
                .execute("INSERT OR IGNORE INTO remembered_room VALUES (?1, ?2)", [user.as_str(), room.as_str()])?;
            let values = params![user.as_str(), LogKind::Room.word(), room.as_str(), read.0];
            connection.execute("INSERT OR IGNORE INTO mark VALUES (?1, ?2, ?3, ?4)", values)?;
            Ok(true)
        })
    }

    fn forget(&self, user: &UserName, room: &RoomName) -> StoreResult<()> {
        let (user, room) = (user.clone(), room.clone());
        let forgotten = self.change(move |connection| {
            let names = [user.as_str(), room.as_str()];
            connection.execute("DELETE FROM remembered_room WHERE user = ?1 AND room = ?2", names)?;
            let unread = "DELETE FROM mark WHERE user = ?1 AND kind = 'room' AND name = ?2 AND number = 0";
            Ok(connection.execute(unread, names)? > 0)
        });
        forgotten.map(drop)
    }

    fn mark(&self, user: &UserName, marks: &[Mark]) -> StoreResult<()> {
        let (user, marks) = (user.clone(), marks.to_vec());
        let moved = self.change(move |connection| {
            let mut upsert = connection.prepare_cached(
                "INSERT INTO mark VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE
                 SET number = CASE WHEN number > ?5 THEN ?4 ELSE max(number, ?4) END",
            )?;
            if planted(Bug::MarkMovesBack) {
                connection.execute("DELETE FROM mark WHERE user = ?1", [user.as_str()])?;
            }
            for Mark { log, read, last } in &marks {
                let (kind, name) = rows::kind_and_name(log);
                upsert.execute(params![user.as_str(), kind, name, read.0, last.0])?;
            }
            Ok(true)
        });
        moved.map(drop)
    }

    fn mark_conversations(&self, user: &UserName, read: &[(UserName, MessageId)]) -> StoreResult<()> {
        let (user, read) = (user.clone(), read.to_vec());
        let moved = self.change(move |connection| {
            let mut update = connection.prepare_cached(MARK_CONVERSATION)?;
            for (peer, id) in &read {
                update.execute(params![user.as_str(), peer.as_str(), id.0])?;
            }
            Ok(true)
        });
        moved.map(drop)
    }

    fn block(&self, user: &UserName, blocked: &UserName) -> StoreResult<()> {
        self.change_block("INSERT OR IGNORE INTO block VALUES (?1, ?2)", user, blocked)
    }

    fn unblock(&self, user: &UserName, blocked: &UserName) -> StoreResult<()> {
        self.change_block("DELETE FROM block WHERE user = ?1 AND blocked = ?2", user, blocked)
    }

    fn blocks(&self, user: &UserName) -> StoreResult<Vec<UserName>> {
        self.names("SELECT blocked FROM block WHERE user = ?1 ORDER BY blocked", user)
    }
}

impl Database {
    fn change_block(&self, sql: &'static str, user: &UserName, blocked: &UserName) -> StoreResult<()> {
        let (user, blocked) = (user.clone(), blocked.clone());
        self.change(move |connection| Ok(connection.execute(sql, [user.as_str(), blocked.as_str()])? > 0)).map(drop)
    }
}

/// For logs in memory, of which nothing is kept: then there are no conversations either.
impl Conversations for Database {
    fn keep_rights(&self, room: &RoomName, rights: &RoomRights) -> StoreResult<()> {
        let (room, changed) = (room.clone(), rights.clone());
        self.change(move |connection| rights::save(connection, &room, &changed).map(|()| true)).map(drop)
    }

    fn is_blocked(&self, by: &UserName, user: &UserName) -> StoreResult<bool> {
        self.read(|connection| is_blocked(connection, by, user))
    }

    fn exists(&self, account: &Recipient) -> StoreResult<bool> {
        self.read(|connection| accounts::exists(connection, account))
    }

    fn note_sent(&self, _sent: &Entry, _to: &UserName) {}

    fn note_received(&self, _got: &Entry, _owner: &UserName) {}
}

/// Whether `by` blocks the direct messages of `user`.
pub(super) fn is_blocked(connection: &Connection, by: &UserName, user: &UserName) -> rusqlite::Result<bool> {
    let mut select = connection.prepare_cached("SELECT 1 FROM block WHERE user = ?1 AND blocked = ?2")?;
    select.exists([by.as_str(), user.as_str()])
}

/// Notes a direct message at its sender, who has read what came before.
pub(super) fn note_sent(connection: &Connection, sent: &Entry, to: &UserName) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO conversation VALUES (?1, ?2, ?3, ?3, 0)
         ON CONFLICT DO UPDATE SET last = ?3, read = ?3, unread = 0",
    )?;
    upsert.execute(params![sent.author.as_str(), to.as_str(), sent.id.0]).map(drop)
}

/// Notes a direct message at its recipient.
pub(super) fn note_received(
    connection: &Connection,
    id: MessageId,
    author: &UserName,
    owner: &UserName,
) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO conversation VALUES (?1, ?2, ?3, 0, 1)
         ON CONFLICT DO UPDATE SET last = ?3, unread = unread + 1",
    )?;
    upsert.execute(params![owner.as_str(), author.as_str(), id.0]).map(drop)
}

/// Deletes all of a user, also what others keep about the user.
pub(super) fn forget_user(connection: &Connection, user: &UserName) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM conversation WHERE owner = ?1",
        "DELETE FROM mark WHERE user = ?1",
        "DELETE FROM mark WHERE kind = 'feed' AND name = ?1",
        "DELETE FROM remembered_room WHERE user = ?1",
        "DELETE FROM block WHERE user = ?1",
        "DELETE FROM block WHERE blocked = ?1",
    ] {
        connection.execute(sql, [user.as_str()])?;
    }
    Ok(())
}

pub(super) fn remembered_rooms(connection: &Connection, user: &UserName) -> rusqlite::Result<Vec<RoomName>> {
    let mut select = connection.prepare_cached("SELECT room FROM remembered_room WHERE user = ?1 ORDER BY room")?;
    select.query_map([user.as_str()], |row| rows::room(row, 0))?.collect()
}

pub(super) fn marks(connection: &Connection, user: &UserName) -> rusqlite::Result<BTreeMap<LogId, MessageId>> {
    let mut select = connection.prepare_cached("SELECT kind, name, number FROM mark WHERE user = ?1")?;
    select.query_map([user.as_str()], mark)?.collect()
}

fn mark(row: &Row<'_>) -> rusqlite::Result<(LogId, MessageId)> {
    let kind: String = row.get(0)?;
    let log =
        if kind == LogKind::Room.word() { LogId::Room(rows::room(row, 1)?) } else { LogId::Feed(rows::user(row, 1)?) };
    Ok((log, MessageId(row.get(2)?)))
}

pub(super) fn conversations(connection: &Connection, user: &UserName) -> rusqlite::Result<Vec<Conversation>> {
    let mut select = connection
        .prepare_cached("SELECT peer, last, read, unread FROM conversation WHERE owner = ?1 ORDER BY last DESC")?;
    let conversation = |row: &Row<'_>| {
        Ok(Conversation {
            peer: rows::user(row, 0)?,
            last: MessageId(row.get(1)?),
            read: MessageId(row.get(2)?),
            unread: row.get(3)?,
        })
    };
    select.query_map([user.as_str()], conversation)?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{page, schema};

    #[test]
    fn unread_messages_are_counted_within_their_conversation() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let plan = page::tests::plan(&connection, MARK_CONVERSATION);
        assert!(plan.contains("direct_by_peer (log=? AND peer=? AND number>?)") && !plan.contains("SCAN"), "{plan}");
    }
}
