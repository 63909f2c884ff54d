//! Changes a database that is being filled by a migration: what was stored before is gone by now, or reads differently. It must
//! not judge whether that is so.

use parlor_core::ports::LogId;
use parlor_proto::{RoomName, UserName};
use rusqlite::{Connection, Params, params};

use super::target::{SqliteTarget, write_failure};
use crate::archive::{ArchiveResult, Change, EntryRecord, Key, LogRecord, MovingTarget};
use crate::sqlite::rows;

impl MovingTarget for SqliteTarget {
    fn change(&mut self, change: Change<'_>) -> ArchiveResult<()> {
        match change {
            Change::Remove(key) => self.remove(key),
            Change::Grow(head) => self.grow(head),
            Change::Trim(log, first) => self.trim(log, first),
            Change::Rewrite(entry) => self.rewrite(entry),
        }
        .map_err(write_failure)
    }

    fn settle(&mut self) -> ArchiveResult<()> {
        self.check()
    }

    fn seal(&mut self) -> ArchiveResult<()> {
        self.note_sealed()
    }
}

impl SqliteTarget {
    fn remove(&mut self, key: &Key) -> rusqlite::Result<()> {
        let connection = &self.connection;
        let delete = |sql: &str, one: &str, other: &str| execute(connection, sql, [one, other]);
        match key {
            Key::Account(user) => {
                execute(connection, "DELETE FROM account WHERE name = ?1", [user.as_str()])?;
                execute(connection, "DELETE FROM suspension WHERE name = ?1", [user.as_str()])
            }
            Key::Ticket(user, id) => {
                execute(connection, "DELETE FROM ticket WHERE user = ?1 AND id = ?2", params![user.as_str(), id.0])
            }
            Key::Address(user, address) => {
                delete("DELETE FROM usual_address WHERE account = ?1 AND address = ?2", user.as_str(), address)
            }
            Key::Follow(user, other) => pair(connection, "follow", ["follower", "publisher"], user, other),
            Key::Block(user, other) => pair(connection, "block", ["user", "blocked"], user, other),
            Key::Conversation(user, other) => pair(connection, "conversation", ["owner", "peer"], user, other),
            Key::Remembered(user, room) => {
                delete("DELETE FROM remembered_room WHERE user = ?1 AND room = ?2", user.as_str(), room.as_str())
            }
            Key::Mark(user, log) => {
                let (kind, name) = rows::kind_and_name(log);
                let sql = "DELETE FROM mark WHERE user = ?1 AND kind = ?2 AND name = ?3";
                execute(connection, sql, [user.as_str(), kind, name])
            }
            Key::Invitation(id) => {
                execute(connection, "DELETE FROM invitation_use WHERE invitation = ?1", [id.0])?;
                execute(connection, "DELETE FROM invitation WHERE id = ?1", [id.0])
            }
            Key::Rights(room) => forget_rights(connection, room),
            Key::Log(log) => self.remove_log(log),
        }
    }

    fn remove_log(&mut self, log: &LogId) -> rusqlite::Result<()> {
        let row = self.row(log)?;
        self.forget_row();
        for table in [rows::table(log), "once", "other_entry"] {
            execute(&self.connection, &format!("DELETE FROM {table} WHERE log = ?1"), [row])?;
        }
        execute(&self.connection, "DELETE FROM log WHERE id = ?1", [row])
    }

    fn grow(&mut self, head: &LogRecord) -> rusqlite::Result<()> {
        let row = self.row(&head.log)?;
        execute(&self.connection, "UPDATE log SET base = ?2 WHERE id = ?1", params![row, head.last.0])
    }

    fn trim(&mut self, log: &LogId, first: u64) -> rusqlite::Result<()> {
        let row = self.row(log)?;
        let sql = format!("DELETE FROM {} WHERE log = ?1 AND number < ?2", rows::table(log));
        execute(&self.connection, &sql, params![row, first])
    }

    fn rewrite(&mut self, entry: &EntryRecord) -> rusqlite::Result<()> {
        let row = self.row(&entry.log)?;
        let sql = format!("UPDATE {} SET text = ?3 WHERE log = ?1 AND number = ?2", rows::table(&entry.log));
        execute(&self.connection, &sql, params![row, entry.id.0, entry.text.stored()])
    }
}

fn execute(connection: &Connection, sql: &str, values: impl Params) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

fn pair(
    connection: &Connection,
    table: &str,
    columns: [&str; 2],
    user: &UserName,
    other: &UserName,
) -> rusqlite::Result<()> {
    let [one, two] = columns;
    let sql = format!("DELETE FROM {table} WHERE {one} = ?1 AND {two} = ?2");
    execute(connection, &sql, [user.as_str(), other.as_str()])
}

fn forget_rights(connection: &Connection, room: &RoomName) -> rusqlite::Result<()> {
    execute(connection, "DELETE FROM outhook WHERE room = ?1", [room.as_str()])?;
    execute(connection, "DELETE FROM rights WHERE room = ?1", [room.as_str()])
}
