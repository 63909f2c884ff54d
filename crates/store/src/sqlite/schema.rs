//! The tables, and the migrations of older versions. A released migration is never changed; a new one is added.

use rusqlite::Connection;

/// One entry for each version of the schema, from 1 on.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    INSERT INTO meta VALUES ('epoch', lower(hex(randomblob(8))));

    CREATE TABLE account (
        name TEXT PRIMARY KEY,
        hash TEXT NOT NULL,
        role TEXT NOT NULL CHECK (role IN ('member', 'operator')),
        created INTEGER NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE follow (
        follower TEXT NOT NULL,
        publisher TEXT NOT NULL,
        PRIMARY KEY (follower, publisher)
    ) WITHOUT ROWID;
    CREATE INDEX follow_by_publisher ON follow (publisher, follower);

    CREATE TABLE log (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('room', 'feed')),
        name TEXT NOT NULL,
        UNIQUE (kind, name)
    );
    CREATE TABLE entry (
        log INTEGER NOT NULL REFERENCES log (id),
        number INTEGER NOT NULL,
        time INTEGER NOT NULL,
        author TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (log, number)
    ) WITHOUT ROWID;

    CREATE TABLE deletion (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL);
",
    "
    CREATE TABLE usual_address (
        account TEXT NOT NULL,
        address TEXT NOT NULL,
        seen INTEGER NOT NULL,
        PRIMARY KEY (account, address)
    ) WITHOUT ROWID;

    CREATE TABLE unlocking (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL);
",
    "
    ALTER TABLE deletion ADD COLUMN created INTEGER NOT NULL DEFAULT 0;
",
    "
    ALTER TABLE account ADD COLUMN kicks INTEGER NOT NULL DEFAULT 0;

    CREATE TABLE kick (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        created INTEGER NOT NULL,
        kicks INTEGER NOT NULL
    );
",
    // The kinds of logs are checked in the program: a constraint of the table cannot be changed. `base` is the newest number
    // of a log whose entries were deleted with their owner. `direct` has the entries of inboxes; `peer` is the other user.
    "
    CREATE TABLE new_log (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        base INTEGER NOT NULL DEFAULT 0,
        UNIQUE (kind, name)
    );
    INSERT INTO new_log (id, kind, name) SELECT id, kind, name FROM log;
    DROP TABLE log;
    ALTER TABLE new_log RENAME TO log;
    CREATE TABLE direct (
        log INTEGER NOT NULL REFERENCES log (id),
        number INTEGER NOT NULL,
        time INTEGER NOT NULL,
        author TEXT NOT NULL,
        text TEXT NOT NULL,
        peer TEXT NOT NULL,
        PRIMARY KEY (log, number)
    ) WITHOUT ROWID;
    CREATE INDEX direct_by_peer ON direct (log, peer, number);

    CREATE TABLE once (
        log INTEGER NOT NULL,
        author TEXT NOT NULL,
        key TEXT NOT NULL,
        number INTEGER NOT NULL,
        time INTEGER NOT NULL,
        PRIMARY KEY (log, author, key)
    ) WITHOUT ROWID;
    CREATE INDEX once_by_number ON once (log, author, number);

    CREATE TABLE conversation (
        owner TEXT NOT NULL,
        peer TEXT NOT NULL,
        last INTEGER NOT NULL,
        read INTEGER NOT NULL,
        unread INTEGER NOT NULL,
        PRIMARY KEY (owner, peer)
    ) WITHOUT ROWID;

    CREATE TABLE mark (
        user TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (user, kind, name)
    ) WITHOUT ROWID;
    CREATE INDEX mark_by_name ON mark (kind, name);

    CREATE TABLE remembered_room (
        user TEXT NOT NULL,
        room TEXT NOT NULL,
        PRIMARY KEY (user, room)
    ) WITHOUT ROWID;

    CREATE TABLE block (
        user TEXT NOT NULL,
        blocked TEXT NOT NULL,
        PRIMARY KEY (user, blocked)
    ) WITHOUT ROWID;
    CREATE INDEX block_by_blocked ON block (blocked, user);
",
    // `other_entry` has the entries that are no messages, each with how many there were up to it.
    "
    CREATE TABLE other_entry (
        log INTEGER NOT NULL,
        number INTEGER NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (log, number)
    ) WITHOUT ROWID;

    CREATE TABLE rights (room TEXT PRIMARY KEY, rights TEXT NOT NULL) WITHOUT ROWID;

    CREATE TABLE suspension (name TEXT PRIMARY KEY, until INTEGER, reason TEXT NOT NULL) WITHOUT ROWID;
",
    // What operators want the server to do with rooms: `verdict` is NULL until it is done.
    "
    CREATE TABLE room_request (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        room TEXT NOT NULL,
        action TEXT NOT NULL,
        owner TEXT,
        account INTEGER,
        author TEXT NOT NULL,
        time INTEGER NOT NULL,
        verdict TEXT
    );
",
    // `revoked`: its account was suspended since. A row of `revocation` tells the server which sessions end; `generation` is
    // that of the session which revoked the ticket itself.
    "
    CREATE TABLE ticket (
        user TEXT NOT NULL,
        id INTEGER NOT NULL,
        hash TEXT NOT NULL,
        label TEXT NOT NULL,
        made INTEGER NOT NULL,
        used INTEGER,
        address TEXT,
        lifetime INTEGER,
        revoked INTEGER NOT NULL,
        PRIMARY KEY (user, id)
    ) WITHOUT ROWID;

    CREATE TABLE revocation (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        ticket INTEGER NOT NULL,
        generation INTEGER
    );
",
    // A log that came from elsewhere keeps its epoch. NULL: that of the database.
    "
    ALTER TABLE log ADD COLUMN epoch TEXT;
",
    // `author` made it; `rooms` are separated by spaces. A use is the name of the account that was made.
    "
    CREATE TABLE invitation (
        id INTEGER PRIMARY KEY,
        hash TEXT NOT NULL,
        author TEXT NOT NULL,
        role TEXT NOT NULL,
        rooms TEXT NOT NULL,
        uses INTEGER NOT NULL,
        made INTEGER NOT NULL,
        expires INTEGER NOT NULL
    );

    CREATE TABLE invitation_use (
        invitation INTEGER NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (invitation, name)
    ) WITHOUT ROWID;
",
    // Up to where each outgoing hook of a room has posted. Its address and secret are in the rights of the room.
    "
    CREATE TABLE outhook (
        room TEXT NOT NULL,
        id INTEGER NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (room, id)
    ) WITHOUT ROWID;
",
];

/// Version of the schema that this program writes.
pub(super) const VERSION: usize = MIGRATIONS.len();

/// The version of a database; 0 if it is new.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Migrates a database of an older version to the current one, all or nothing.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    // A table to which others refer is replaced by a copy with the same rows. This cannot be set within a transaction.
    connection.pragma_update(None, "foreign_keys", false)?;
    let migrated = migrate_in_one_step(connection);
    connection.pragma_update(None, "foreign_keys", true)?;
    migrated
}

fn migrate_in_one_step(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Read again under the lock: another process may have migrated in the meantime.
    let from = version(&transaction)?;
    for migration in MIGRATIONS.iter().skip(from) {
        transaction.execute_batch(migration)?;
    }
    if from < VERSION {
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

#[cfg(test)]
pub(super) mod tests;
