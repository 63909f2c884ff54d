//! Accounts in the embedded database. It must not hash or compare passwords.

use parlor_core::ports::{Account, Accounts, LogId, PasswordHash, Recipient, Role, StoreResult, Suspension};
use parlor_proto::{Generation, Tickets as Which, Timestamp, UserName};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::database::Database;
use super::{personal, rows, tickets};

/// Of so many of the newest deletions all are in the table, for servers to find; of earlier ones the newest of each name.
const DELETIONS_KEPT: i64 = 1000;

/// All accounts, as [`account`] reads them.
const ACCOUNTS: &str = "SELECT account.name, hash, role, created, kicks, suspension.name IS NOT NULL, until, reason
                        FROM account LEFT JOIN suspension ON suspension.name = account.name";

/// A deleted account.
pub(super) struct Deletion {
    /// Sequence number over all deletions.
    pub(super) number: i64,
    pub(super) user: UserName,
    /// When the account was created.
    pub(super) created: Timestamp,
}

impl Accounts for Database {
    fn create(&self, account: &Account) -> StoreResult<bool> {
        let account = account.clone();
        self.change(move |connection| insert(connection, &account))
    }

    fn find(&self, user: &UserName) -> StoreResult<Option<Account>> {
        self.read(|connection| by_name(connection)?.query_row([user.as_str()], account).optional())
    }

    fn set_password(&self, user: &UserName, hash: &PasswordHash) -> StoreResult<bool> {
        let (user, hash) = (user.clone(), hash.clone());
        self.change(move |connection| {
            let changed =
                connection.execute("UPDATE account SET hash = ?2 WHERE name = ?1", [user.as_str(), hash.expose()])?;
            tickets::forget_user(connection, &user)?;
            Ok(changed > 0)
        })
    }

    fn change_password(
        &self,
        user: &UserName,
        old: &PasswordHash,
        new: &PasswordHash,
        by: Generation,
    ) -> StoreResult<bool> {
        let (user, old, new) = (user.clone(), old.clone(), new.clone());
        self.change(move |connection| {
            let is_changed = replace_hash(connection, &user, &old, &new)?;
            if is_changed {
                tickets::revoke(connection, &user, Which::All, Some(by))?;
            }
            Ok(is_changed)
        })
    }

    fn renew_hash(&self, user: &UserName, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool> {
        let (user, old, new) = (user.clone(), old.clone(), new.clone());
        self.change(move |connection| replace_hash(connection, &user, &old, &new))
    }

    fn was_deleted(&self, user: &UserName) -> StoreResult<bool> {
        let user = user.clone();
        self.read(move |connection| {
            connection.prepare_cached("SELECT 1 FROM deletion WHERE name = ?1")?.exists([user.as_str()])
        })
    }

    fn set_role(&self, user: &UserName, role: Role) -> StoreResult<bool> {
        let user = user.clone();
        self.change(move |connection| {
            let changed = connection
                .execute("UPDATE account SET role = ?2 WHERE name = ?1", [user.as_str(), rows::role_word(role)])?;
            Ok(changed > 0)
        })
    }

    fn delete(&self, user: &UserName) -> StoreResult<bool> {
        let user = user.clone();
        self.change(move |connection| {
            let name = [user.as_str()];
            let deleted = "DELETE FROM account WHERE name = ?1 RETURNING created";
            let created: Option<i64> = connection.query_row(deleted, name, |row| row.get(0)).optional()?;
            let Some(created) = created else { return Ok(false) };
            forget_person(connection, &user)?;
            connection
                .execute("INSERT INTO deletion (name, created) VALUES (?1, ?2)", params![user.as_str(), created])?;
            let oldest = connection.last_insert_rowid() - DELETIONS_KEPT;
            // The newest one of each name stays: the name is reserved.
            connection.execute("DELETE FROM deletion WHERE name = ?1 AND id <= ?2", params![user.as_str(), oldest])?;
            Ok(true)
        })
    }

    fn kick(&self, user: &UserName) -> StoreResult<bool> {
        self.request_kick(user)
    }

    fn suspend(&self, user: &UserName, suspension: Option<&Suspension>) -> StoreResult<bool> {
        let Some(suspension) = suspension else { return self.end_suspension(user) };
        self.request_suspension(user, suspension)
    }

    fn unlock(&self, user: &UserName, address: Option<&str>, now: Timestamp) -> StoreResult<bool> {
        self.request_unlock(user, address, now)
    }

    fn accounts(&self) -> StoreResult<Vec<Account>> {
        self.read(all)
    }
}

impl Database {
    /// Accepts the logins of an account again. Returns `false` if there is no such account.
    fn end_suspension(&self, user: &UserName) -> StoreResult<bool> {
        let user = user.clone();
        self.change(move |connection| {
            connection.execute("DELETE FROM suspension WHERE name = ?1", [user.as_str()])?;
            connection.prepare_cached("SELECT 1 FROM account WHERE name = ?1")?.exists([user.as_str()])
        })
    }

    /// Number of the newest deletion; 0 if there was none.
    pub(super) fn last_deletion(&self) -> StoreResult<i64> {
        self.read(|connection| {
            let mut select = connection.prepare_cached("SELECT coalesce(max(id), 0) FROM deletion")?;
            select.query_row([], |row| row.get(0))
        })
    }

    /// Accounts that were deleted after the deletion with this number, oldest first.
    pub(super) fn deletions_after(&self, number: i64) -> StoreResult<Vec<Deletion>> {
        self.read(|connection| {
            let mut select =
                connection.prepare_cached("SELECT id, name, created FROM deletion WHERE id > ?1 ORDER BY id")?;
            let deletion = |row: &Row<'_>| {
                let created = Timestamp::from_millis(row.get(2)?);
                Ok(Deletion { number: row.get(0)?, user: rows::user(row, 1)?, created })
            };
            select.query_map([number], deletion)?.collect()
        })
    }
}

/// Makes an account. Returns `false` if the name is taken.
pub(super) fn insert(connection: &Connection, account: &Account) -> rusqlite::Result<bool> {
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO account (name, hash, role, created, kicks) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let Account { user, hash, role, created, kicks, .. } = account;
    let values = params![user.as_str(), hash.expose(), rows::role_word(*role), created.as_millis(), kicks];
    if insert.execute(values)? == 0 {
        return Ok(false);
    }
    // The last session of an earlier, deleted account with this name may have left data behind.
    forget_person(connection, user)?;
    Ok(true)
}

/// All accounts, sorted by name.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<Account>> {
    let mut select = connection.prepare_cached(&format!("{ACCOUNTS} ORDER BY account.name"))?;
    select.query_map([], account)?.collect()
}

/// Replaces the hash of an account, if it is `old`.
fn replace_hash(
    connection: &Connection,
    user: &UserName,
    old: &PasswordHash,
    new: &PasswordHash,
) -> rusqlite::Result<bool> {
    let values = [user.as_str(), old.expose(), new.expose()];
    Ok(connection.execute("UPDATE account SET hash = ?3 WHERE name = ?1 AND hash = ?2", values)? > 0)
}

/// Whether this very account still exists.
pub(super) fn exists(connection: &Connection, account: &Recipient) -> rusqlite::Result<bool> {
    let mut select = connection.prepare_cached("SELECT 1 FROM account WHERE name = ?1 AND created = ?2")?;
    select.exists(params![account.user.as_str(), account.created.as_millis()])
}

/// Removes all that belongs to a user besides the account: follows, known addresses, tickets, the entries of feed and inbox, and
/// what is personal. The numbers of the logs go on: a client may know them.
fn forget_person(connection: &Connection, user: &UserName) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM follow WHERE follower = ?1 OR publisher = ?1", [user.as_str()])?;
    connection.execute("DELETE FROM usual_address WHERE account = ?1", [user.as_str()])?;
    connection.execute("DELETE FROM suspension WHERE name = ?1", [user.as_str()])?;
    personal::forget_user(connection, user)?;
    tickets::forget_user(connection, user)?;
    for log in [LogId::Feed(user.clone()), LogId::Inbox(user.clone())] {
        forget_entries(connection, &log)?;
    }
    Ok(())
}

/// Deletes the entries of a log. Its numbers go on.
pub(super) fn forget_entries(connection: &Connection, log: &LogId) -> rusqlite::Result<()> {
    let (kind, name) = rows::kind_and_name(log);
    let table = rows::table(log);
    let id = "SELECT id FROM log WHERE kind = ?1 AND name = ?2";
    let newest = format!("SELECT max(number) FROM {table} WHERE log = log.id");
    for sql in [
        format!("UPDATE log SET base = coalesce(({newest}), base) WHERE id = ({id})"),
        format!("DELETE FROM {table} WHERE log = ({id})"),
        format!("DELETE FROM once WHERE log = ({id})"),
    ] {
        connection.execute(&sql, [kind, name])?;
    }
    Ok(())
}

/// The statement that reads the account of a name.
fn by_name(connection: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    connection.prepare_cached(&format!("{ACCOUNTS} WHERE account.name = ?1"))
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    let role: String = row.get(2)?;
    Ok(Account {
        user: rows::user(row, 0)?,
        hash: PasswordHash::new(row.get(1)?),
        role: rows::role(&role),
        created: Timestamp::from_millis(row.get(3)?),
        kicks: row.get(4)?,
        suspension: suspension(row)?,
    })
}

fn suspension(row: &Row<'_>) -> rusqlite::Result<Option<Suspension>> {
    if !row.get::<_, bool>(5)? {
        return Ok(None);
    }
    let (until, reason): (Option<i64>, String) = (row.get(6)?, row.get(7)?);
    Ok(Some(Suspension { until: until.map(Timestamp::from_millis), reason: reason.into() }))
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::sqlite::FILE_NAME;
    use crate::sqlite::readers::Readers;
    use crate::sqlite::schema;

    #[test]
    fn the_look_at_an_account_is_planned_once_for_all_names() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(FILE_NAME);
        schema::migrate(&mut Connection::open(&path).unwrap()).unwrap();
        let readers = Readers::new(path);
        for name in ["ann", "bob", "cyd"] {
            let planned_again = readers.read(|connection| {
                let mut select = by_name(connection)?;
                select.query_row([name], account).optional()?;
                Ok(select.get_status(StatementStatus::RePrepare))
            });
            assert_eq!(planned_again.unwrap(), 0, "{name}");
        }
    }
}
