//! Edits and removals: what a stored message says from now on. A text stands in its own entry and in that of its last edit,
//! nowhere else. It must not judge who may change it.

use parlor_core::planted::{Bug, planted};
use parlor_core::ports::{Content, Entry, LogId};
use parlor_proto::{MessageId, Note, Text, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows;

/// The entry of a room's log with this number. `row` is the row of the log; `history` is how many entries are retained.
pub(super) fn find(
    connection: &Connection,
    row: i64,
    last: u64,
    id: MessageId,
    history: u64,
) -> rusqlite::Result<Option<Entry>> {
    if id.0 > last || id.0 + history <= last {
        return Ok(None);
    }
    let mut select =
        connection.prepare_cached("SELECT number, time, author, text FROM entry WHERE log = ?1 AND number = ?2")?;
    let entry = |row: &Row<'_>| {
        Ok(Entry {
            id: MessageId(row.get(0)?),
            time: Timestamp::from_millis(row.get(1)?),
            author: rows::user(row, 2)?,
            to: None,
            content: rows::content(row, 3)?,
        })
    };
    select.query_row(params![row, id.0], entry).optional()
}

/// Gives a message another text. An edit before has no text any more.
pub(super) fn edit(
    connection: &Connection,
    row: i64,
    message: &Entry,
    text: &Text,
    at: Timestamp,
    by: MessageId,
) -> rusqlite::Result<()> {
    if planted(Bug::LoseEdit) {
        return Ok(());
    }
    let content = Content::Amended { text: text.clone(), at, by };
    write(connection, row, message.id, &content)?;
    empty_edit(connection, row, message)
}

/// Removes the text of a message, and that of its last edit.
pub(super) fn remove(connection: &Connection, row: i64, message: &Entry) -> rusqlite::Result<()> {
    if planted(Bug::KeepRemoved) {
        return Ok(());
    }
    write(connection, row, message.id, &Content::Gone)?;
    empty_edit(connection, row, message)
}

fn empty_edit(connection: &Connection, row: i64, message: &Entry) -> rusqlite::Result<()> {
    match message.content {
        Content::Amended { by, .. } => {
            write(connection, row, by, &Content::Edit { of: message.id, text: Note::default() })
        }
        _ => Ok(()),
    }
}

fn write(connection: &Connection, row: i64, id: MessageId, content: &Content) -> rusqlite::Result<()> {
    let mut update = connection.prepare_cached("UPDATE entry SET text = ?3 WHERE log = ?1 AND number = ?2")?;
    update.execute(params![row, id.0, content.stored()]).map(drop)
}

/// Notes that an entry is no message, so that unread messages are counted without a look at the entries.
pub(super) fn note_other(connection: &Connection, row: i64, id: MessageId) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO other_entry (log, number, count)
         VALUES (?1, ?2, 1 + coalesce((SELECT count FROM other_entry WHERE log = ?1 ORDER BY number DESC LIMIT 1), 0))",
    )?;
    insert.execute(params![row, id.0]).map(drop)
}

/// How many entries of a log after a number, up to another one, are no messages: two steps along an index.
pub(super) fn others_between(
    connection: &Connection,
    log: &LogId,
    after: MessageId,
    until: MessageId,
) -> rusqlite::Result<u64> {
    let (kind, name) = rows::kind_and_name(log);
    let up_to = |number| {
        let count = "SELECT count FROM other_entry WHERE log = log.id AND number <=";
        format!("coalesce(({count} {number} ORDER BY number DESC LIMIT 1), 0)")
    };
    let sql = format!("SELECT {} - {} FROM log WHERE kind = ?1 AND name = ?2", up_to("?4"), up_to("?3"));
    let largest = i64::MAX.unsigned_abs();
    let values = params![kind, name, after.0.min(largest), until.0.min(largest)];
    let found: Option<u64> = connection.prepare_cached(&sql)?.query_row(values, |row| row.get(0)).optional()?;
    Ok(found.unwrap_or_default())
}
