//! Reads pages of logs, each by one walk along an index. It must not write.

use parlor_core::planted::{Bug, planted};
use parlor_core::ports::{Entry, LogId, Page, PageRequest};
use parlor_proto::{MessageId, PageRange, Timestamp, UserName};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows;

/// The largest number that SQLite holds.
const MAX_NUMBER: u64 = i64::MAX.unsigned_abs();

/// Reads a page of a log of which the newest `history` entries are retained.
pub(super) fn read(connection: &Connection, request: &PageRequest, history: u64) -> rusqlite::Result<Page> {
    let PageRequest { log, peer, range, count } = request;
    let (kind, name) = rows::kind_and_name(log);
    let mut select = connection.prepare_cached("SELECT id FROM log WHERE kind = ?1 AND name = ?2")?;
    let Some(row) = select.query_row([kind, name], |row| row.get::<_, i64>(0)).optional()? else {
        return Ok(Page::default());
    };
    let owner = owner(log);
    let peer = owner.and(peer.as_ref());
    let floor = oldest_retained(connection, log, row, history)?;
    let (after, before) = match *range {
        PageRange::Newest => (floor, MAX_NUMBER),
        PageRange::Before(MessageId(id)) => (floor, id.min(MAX_NUMBER)),
        PageRange::After(MessageId(id)) if planted(Bug::PageSkips) => {
            (id.min(MAX_NUMBER - 1).max(floor) + 1, MAX_NUMBER)
        }
        PageRange::After(MessageId(id)) => (id.min(MAX_NUMBER).max(floor), MAX_NUMBER),
    };
    let mut select = connection.prepare_cached(&statement(log, *range, peer.is_some()))?;
    // One more than is asked for shows whether there are more.
    let limit = *count as u64 + 1;
    let read = |row: &Row<'_>| entry(row, owner);
    let mut entries: Vec<Entry> = match peer {
        None => select.query_map(params![row, after, before, limit], read)?.collect::<rusqlite::Result<_>>()?,
        Some(peer) => select
            .query_map(params![row, after, before, limit, peer.as_str()], read)?
            .collect::<rusqlite::Result<_>>()?,
    };
    let more = entries.len() > *count;
    entries.truncate(*count);
    if !matches!(range, PageRange::After(_)) {
        entries.reverse();
    }
    Ok(Page { entries, more })
}

/// The number before the oldest entry that is retained. Older ones may be in the table until they are trimmed.
fn oldest_retained(connection: &Connection, log: &LogId, row: i64, history: u64) -> rusqlite::Result<u64> {
    let mut select = connection.prepare_cached(&last(log))?;
    let last: u64 = select.query_row([row], |row| row.get(0))?;
    Ok(last.saturating_sub(history))
}

/// The statement for the newest number of a log that has entries.
fn last(log: &LogId) -> String {
    format!("SELECT coalesce(max(number), 0) FROM {} WHERE log = ?1", rows::table(log))
}

/// Without statistics SQLite would take the index of all messages for a conversation.
fn statement(log: &LogId, range: PageRange, has_peer: bool) -> String {
    let table = rows::table(log);
    let (peer, index, condition) = match (log, has_peer) {
        (LogId::Room(_) | LogId::Feed(_), _) => ("NULL", "", ""),
        (LogId::Inbox(_), false) => ("peer", "", ""),
        (LogId::Inbox(_), true) => ("peer", "INDEXED BY direct_by_peer", "AND peer = ?5"),
    };
    let order = match range {
        PageRange::After(_) => "number",
        PageRange::Newest | PageRange::Before(_) => "number DESC",
    };
    format!(
        "SELECT number, time, author, text, {peer} FROM {table} {index}
         WHERE log = ?1 {condition} AND number > ?2 AND number < ?3 ORDER BY {order} LIMIT ?4"
    )
}

/// Whose direct messages a log holds.
pub(super) fn owner(log: &LogId) -> Option<&UserName> {
    match log {
        LogId::Room(_) | LogId::Feed(_) => None,
        LogId::Inbox(owner) => Some(owner),
    }
}

/// Reads an entry from number, time, author, text and peer.
pub(super) fn entry(row: &Row<'_>, owner: Option<&UserName>) -> rusqlite::Result<Entry> {
    let author = rows::user(row, 2)?;
    let to = match owner {
        Some(owner) if author == *owner => Some(rows::user(row, 4)?),
        owner => owner.cloned(),
    };
    Ok(Entry {
        id: MessageId(row.get(0)?),
        time: Timestamp::from_millis(row.get(1)?),
        author,
        to,
        content: rows::content(row, 3)?,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::sqlite::schema;

    /// How SQLite runs a statement.
    pub(in crate::sqlite) fn plan(connection: &Connection, sql: &str) -> String {
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let count = explain.parameter_count();
        let steps =
            explain.query_map(rusqlite::params_from_iter(vec![1; count]), |row| row.get::<_, String>(3)).unwrap();
        steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn each_page_is_one_walk_along_an_index() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let (room, inbox) = (LogId::Room("red".parse().unwrap()), LogId::Inbox("ann".parse().unwrap()));
        for range in [PageRange::Newest, PageRange::Before(MessageId(7)), PageRange::After(MessageId(7))] {
            for (log, has_peer) in [(&room, false), (&inbox, false), (&inbox, true)] {
                let plan = plan(&connection, &statement(log, range, has_peer));
                let index = if has_peer {
                    "direct_by_peer (log=? AND peer=? AND number"
                } else {
                    "PRIMARY KEY (log=? AND number"
                };
                let is_walk = plan.starts_with("SEARCH ") && plan.contains(index) && !plan.contains(';');
                assert!(is_walk, "{range:?} {log:?} {has_peer}: {plan}");
            }
        }
        for log in [room, inbox] {
            let plan = plan(&connection, &last(&log));
            assert!(plan.contains("SEARCH") && !plan.contains("SCAN "), "{plan}");
        }
    }
}
