//! Requests about rooms. Rights and members are in the memory of the server, but an admin changes them in another process.
//! So a request is a row here, which the server polls and answers. It must not know the rooms.

use std::thread;
use std::time::{Duration, Instant};

use parlor_core::ports::{StoreError, StoreResult};
use parlor_core::rights::Holder;
use parlor_proto::{RoomName, Timestamp, UserName};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::database::Database;
use super::rows;
use crate::administration::{RoomOrder, RoomRequest, Verdict};
use crate::sync::{Mutex, lock};

/// How long an admin waits for the server, which looks each second.
const PATIENCE: Duration = Duration::from_secs(10);

/// Time between two looks for the answer.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Number of rows that stay where nobody waits for the answer any more.
const REQUESTS_KEPT: i64 = 1000;

/// What is to be done, as the table has it.
const TRANSFER: &str = "transfer";
const ADMIT: &str = "admit";
const DELETE: &str = "delete";

/// The answer of a request that is done. Another answer says why it is not.
const DONE: &str = "done";

impl Database {
    /// Stores a request, and waits for the answer of the server. A request without an answer is withdrawn.
    pub(super) fn request(&self, request: &RoomRequest) -> StoreResult<Verdict> {
        let number = self.add_request(request)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            thread::sleep(LOOK_INTERVAL);
            let is_late = Instant::now() >= deadline;
            if let Some(answer) = self.take_answer(number, is_late)? {
                return Ok(if answer == DONE { Verdict::Done } else { Verdict::Refused(answer) });
            }
            if is_late {
                return Err(StoreError::new(format!(
                    "the server does not answer for {} s, and nothing has changed; see its log, and try again",
                    PATIENCE.as_secs()
                )));
            }
        }
    }

    pub(super) fn add_request(&self, request: &RoomRequest) -> StoreResult<i64> {
        let (number, request) = (std::sync::Arc::new(Mutex::new(0)), request.clone());
        let added = number.clone();
        self.change(move |connection| {
            let RoomRequest { room, by, time, order } = &request;
            let (action, owner, account) = match order {
                RoomOrder::Transfer(Some(to)) => (TRANSFER, Some(to.user.as_str()), Some(to.account.as_millis())),
                RoomOrder::Transfer(None) => (TRANSFER, None, None),
                RoomOrder::Admit(user) => (ADMIT, Some(user.as_str()), None),
                RoomOrder::Delete => (DELETE, None, None),
            };
            let values = params![room.as_str(), action, owner, account, by.as_str(), time.as_millis()];
            let insert = "INSERT INTO room_request (room, action, owner, account, author, time)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            connection.execute(insert, values)?;
            *lock(&added) = connection.last_insert_rowid();
            let oldest = connection.last_insert_rowid() - REQUESTS_KEPT;
            connection.execute("DELETE FROM room_request WHERE id <= ?1", [oldest])?;
            Ok(true)
        })?;
        let number = *lock(&number);
        Ok(number)
    }

    /// Takes the answer to a request; none if there is none yet. With `withdraw` the request is gone then.
    pub(super) fn take_answer(&self, number: i64, withdraw: bool) -> StoreResult<Option<String>> {
        let read = |connection: &Connection| {
            let select = "SELECT verdict FROM room_request WHERE id = ?1";
            connection.query_row(select, [number], |row| row.get::<_, Option<String>>(0)).optional()
        };
        if !withdraw && self.read(read)?.is_some_and(|answer| answer.is_none()) {
            return Ok(None);
        }
        let answer = std::sync::Arc::new(Mutex::new(None));
        let taken = answer.clone();
        self.change(move |connection| {
            let delete = "DELETE FROM room_request WHERE id = ?1 RETURNING verdict";
            let answer = connection.query_row(delete, [number], |row| row.get::<_, Option<String>>(0)).optional()?;
            *lock(&taken) = answer.flatten();
            Ok(true)
        })?;
        let answer = lock(&answer).take();
        Ok(answer)
    }

    /// The requests that have no answer, oldest first.
    pub(super) fn open_requests(&self) -> StoreResult<Vec<(i64, RoomRequest)>> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT id, room, action, owner, account, author, time FROM room_request WHERE verdict IS NULL ORDER BY id",
            )?;
            select.query_map([], request)?.collect()
        })
    }
}

/// Whether somebody still waits for the answer.
pub(super) fn is_open(connection: &Connection, number: i64) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM room_request WHERE id = ?1 AND verdict IS NULL")?.exists([number])
}

/// Answers a request.
pub(super) fn answer(connection: &Connection, number: i64, verdict: &Verdict) -> rusqlite::Result<()> {
    let answer = match verdict {
        Verdict::Done => DONE,
        Verdict::Refused(why) => why,
    };
    connection.execute("UPDATE room_request SET verdict = ?2 WHERE id = ?1", params![number, answer]).map(drop)
}

fn request(row: &Row<'_>) -> rusqlite::Result<(i64, RoomRequest)> {
    let action: String = row.get(2)?;
    let account: Option<i64> = row.get(4)?;
    let to = match account {
        Some(account) => Some(Holder { user: rows::user(row, 3)?, account: Timestamp::from_millis(account) }),
        None => None,
    };
    let order = match action.as_str() {
        DELETE => RoomOrder::Delete,
        ADMIT => RoomOrder::Admit(rows::user(row, 3)?),
        _ => RoomOrder::Transfer(to),
    };
    let (room, by): (RoomName, UserName) = (rows::room(row, 1)?, rows::user(row, 5)?);
    Ok((row.get(0)?, RoomRequest { room, by, time: Timestamp::from_millis(row.get(6)?), order }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::Durability;

    fn request(order: RoomOrder) -> RoomRequest {
        let (room, by) = ("red".parse().unwrap(), "op".parse().unwrap());
        RoomRequest { room, by, time: Timestamp::from_millis(-7), order }
    }

    fn orders() -> Vec<RoomRequest> {
        let cyd: UserName = "cyd".parse().unwrap();
        let holder = Holder { user: cyd.clone(), account: Timestamp::from_millis(0) };
        let all =
            [RoomOrder::Transfer(Some(holder)), RoomOrder::Transfer(None), RoomOrder::Admit(cyd), RoomOrder::Delete];
        all.map(request).into()
    }

    #[test]
    fn requests_are_read_as_they_were_made_until_they_are_answered() {
        let data = tempfile::tempdir().unwrap();
        let database = Database::open(data.path(), Durability::Process).unwrap();
        let add = |request: RoomRequest| (database.add_request(&request).unwrap(), request);
        let asked: Vec<(i64, RoomRequest)> = orders().into_iter().map(add).collect();
        assert_eq!(database.open_requests().unwrap(), asked);
        let answered = |at: usize, verdict: Verdict| {
            let number = asked[at].0;
            database.change(move |connection| answer(connection, number, &verdict).map(|()| true)).unwrap();
        };
        answered(0, Verdict::Done);
        answered(2, Verdict::Refused("no".to_owned()));
        assert_eq!(database.open_requests().unwrap(), [asked[1].clone(), asked[3].clone()]);
        let take = |at: usize, withdraw| database.take_answer(asked[at].0, withdraw).unwrap();
        assert_eq!((take(0, false).as_deref(), take(0, false)), (Some(DONE), None), "an answer is read once");
        assert_eq!(take(2, true).as_deref(), Some("no"), "an answer that came in time counts");
        // Who waits does not withdraw.
        assert_eq!((take(1, false), take(3, true)), (None, None));
        assert_eq!(database.open_requests().unwrap(), [asked[1].clone()]);
        let is_open = |at: usize| database.read(|connection| is_open(connection, asked[at].0)).unwrap();
        assert_eq!([0, 1, 2, 3].map(is_open), [false, true, false, false]);
    }

    #[test]
    fn requests_that_nobody_waits_for_are_bounded() {
        let data = tempfile::tempdir().unwrap();
        let database = Database::open(data.path(), Durability::Process).unwrap();
        let fill = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
            INSERT INTO room_request (room, action, author, time) SELECT 'red', 'delete', 'op', i FROM n";
        database.change(|connection| Ok(connection.execute(fill, [])? > 0)).unwrap();
        assert_eq!(database.add_request(&request(RoomOrder::Delete)).unwrap(), 1501);
        let open = database.open_requests().unwrap();
        assert_eq!((open.len(), open[0].0), (1000, 502));
    }
}
