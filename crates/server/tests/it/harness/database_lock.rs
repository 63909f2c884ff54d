//! A database that is locked, so that the store is away. It must not change anything in it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Another process that holds the lock of the database until it is dropped.
pub(crate) struct DatabaseLock(Child);

impl DatabaseLock {
    /// Takes the lock. Blocks until it is held.
    pub(crate) fn take(data: &Path) -> Self {
        const SCRIPT: &str = "import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
connection.execute('BEGIN EXCLUSIVE')
print('locked', flush=True)
sys.stdin.read()
connection.execute('ROLLBACK')";
        let mut child = Command::new("python3")
            .args(["-c", SCRIPT])
            .arg(data.join("parlor.db"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "locked\n");
        Self(child)
    }
}

impl Drop for DatabaseLock {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // A failure here would hide the reason of an earlier failure.
        let _ = self.0.wait();
    }
}
