//! The canary of the embedded store: a commit on the path of all messages, which proves that one would be accepted. It
//! must not change anything that users see.

use parlor_core::ports::StoreResult;
use rusqlite::Connection;

use super::Sqlite;

impl Sqlite {
    /// Commits one row, together with the messages of the moment. Blocks as an append does.
    ///
    /// # Errors
    /// A message would not be accepted now: the disk is full, the database is locked or closed.
    pub fn send_canary(&self) -> StoreResult<()> {
        self.database.change(write).map(drop)
    }
}

fn write(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "INSERT INTO meta VALUES ('canary', lower(hex(randomblob(8)))) \
               ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    connection.prepare_cached(sql)?.execute([]).map(|rows| rows > 0)
}
