//! Invitations in the embedded database. It must not see a code.

use std::collections::BTreeSet;
use std::time::Duration;

use parlor_core::ports::{
    Account, INVITATION_KEPT_FOR, Invitation, InvitationTerms, Invitations, InvitedResult, MAX_INVITATIONS, SecretHash,
    StoreResult,
};
use parlor_proto::{InvitationId, RoomName, Timestamp, UserName};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::database::Database;
use super::{accounts, rows};

/// All columns of an invitation, as [`invitation`] reads them.
const INVITATIONS: &str = "SELECT id, hash, author, role, rooms, uses, made, expires FROM invitation";

impl Invitations for Database {
    fn add(&self, terms: &InvitationTerms, lifetime: Duration, now: Timestamp) -> StoreResult<Option<Invitation>> {
        let terms = terms.clone();
        self.compute(move |connection| {
            forget_old(connection, now)?;
            let kept: usize = connection.query_row("SELECT count(*) FROM invitation", [], |row| row.get(0))?;
            let (terms, used) = (terms.clone(), BTreeSet::new());
            let added = Invitation { made: now, expires: now.after(lifetime), used, terms };
            Ok((kept < MAX_INVITATIONS && insert(connection, &added)?).then_some(added))
        })
    }

    fn find_valid(&self, hash: &SecretHash, now: Timestamp) -> StoreResult<Option<Invitation>> {
        self.read(|connection| find_valid(connection, hash, now))
    }

    fn register(&self, account: &Account, hash: &SecretHash, now: Timestamp) -> StoreResult<InvitedResult> {
        let (account, hash) = (account.clone(), hash.clone());
        self.compute(move |connection| {
            let mut taken = connection.prepare_cached("SELECT 1 FROM account WHERE name = ?1")?;
            if taken.exists([account.user.as_str()])? {
                return Ok(InvitedResult::NameTaken);
            }
            if find_valid(connection, &hash, now)?.is_none() {
                return Ok(InvitedResult::Void);
            }
            let values = params![hash.number(), account.user.as_str()];
            if connection.execute("INSERT OR IGNORE INTO invitation_use VALUES (?1, ?2)", values)? == 0 {
                return Ok(InvitedResult::Void);
            }
            accounts::insert(connection, &account)?;
            Ok(InvitedResult::Made)
        })
    }

    fn invitations(&self, now: Timestamp) -> StoreResult<Vec<Invitation>> {
        let kept = self.read(all)?;
        Ok(kept.into_iter().filter(|invitation| !invitation.is_forgotten_at(now)).collect())
    }

    fn revoke(&self, id: InvitationId) -> StoreResult<bool> {
        self.change(move |connection| {
            connection.execute("DELETE FROM invitation_use WHERE invitation = ?1", [id.0])?;
            Ok(connection.execute("DELETE FROM invitation WHERE id = ?1", [id.0])? > 0)
        })
    }
}

/// All invitations with those who used them, oldest first.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<Invitation>> {
    let mut select = connection.prepare_cached(&format!("{INVITATIONS} ORDER BY made, id"))?;
    let kept = select.query_map([], invitation)?.collect::<rusqlite::Result<Vec<_>>>()?;
    kept.into_iter().map(|invitation| with_uses(connection, invitation)).collect()
}

/// Keeps an invitation and the names that used it.
pub(super) fn restore(connection: &Connection, invitation: &Invitation) -> rusqlite::Result<()> {
    insert(connection, invitation)?;
    for user in &invitation.used {
        let values = params![invitation.terms.hash.number(), user.as_str()];
        connection.execute("INSERT OR IGNORE INTO invitation_use VALUES (?1, ?2)", values)?;
    }
    Ok(())
}

/// Returns `false` if there is one with this id.
fn insert(connection: &Connection, Invitation { terms, made, expires, .. }: &Invitation) -> rusqlite::Result<bool> {
    let InvitationTerms { hash, by, role, rooms, uses } = terms;
    let rooms: Vec<&str> = rooms.iter().map(RoomName::as_str).collect();
    let values = params![
        hash.number(),
        hash.expose(),
        by.as_str(),
        rows::role_word(*role),
        rooms.join(" "),
        uses,
        made.as_millis(),
        expires.as_millis(),
    ];
    let insert = "INSERT OR IGNORE INTO invitation VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    Ok(connection.execute(insert, values)? > 0)
}

fn forget_old(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let kept = i64::try_from(INVITATION_KEPT_FOR.as_millis()).unwrap_or(i64::MAX);
    connection.execute("DELETE FROM invitation WHERE expires + ?1 <= ?2", [kept, now.as_millis()])?;
    let orphans = "DELETE FROM invitation_use WHERE invitation NOT IN (SELECT id FROM invitation)";
    connection.execute(orphans, []).map(drop)
}

fn find_valid(connection: &Connection, hash: &SecretHash, now: Timestamp) -> rusqlite::Result<Option<Invitation>> {
    let mut select = connection.prepare_cached(&format!("{INVITATIONS} WHERE id = ?1"))?;
    let found = select.query_row([hash.number()], invitation).optional()?;
    let found = found.map(|found| with_uses(connection, found)).transpose()?;
    Ok(found.filter(|invitation| invitation.admits(hash, now)))
}

fn with_uses(connection: &Connection, invitation: Invitation) -> rusqlite::Result<Invitation> {
    let mut select = connection.prepare_cached("SELECT name FROM invitation_use WHERE invitation = ?1")?;
    let names = select.query_map([invitation.terms.hash.number()], |row| rows::user(row, 0))?;
    Ok(Invitation { used: names.collect::<rusqlite::Result<BTreeSet<UserName>>>()?, ..invitation })
}

fn invitation(row: &Row<'_>) -> rusqlite::Result<Invitation> {
    let (hash, role, rooms): (String, String, String) = (row.get(1)?, row.get(3)?, row.get(4)?);
    let unreadable = || rusqlite::Error::FromSqlConversionFailure(1, Type::Text, "no hash of a code".into());
    let terms = InvitationTerms {
        hash: SecretHash::read(&hash).ok_or_else(unreadable)?,
        by: rows::user(row, 2)?,
        role: rows::role(&role),
        rooms: rooms.split(' ').filter_map(|room| room.parse().ok()).collect(),
        uses: row.get(5)?,
    };
    let (made, expires) = (Timestamp::from_millis(row.get(6)?), Timestamp::from_millis(row.get(7)?));
    Ok(Invitation { terms, made, expires, used: BTreeSet::new() })
}
