//! The audit trail: who logged in, who failed to, who did what to whom, as JSON lines in a file of its own. It must not hold
//! a text or a secret, and must not hold up the server.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use parlor_core::ports::{Clock, Observer};
use parlor_core::{ConnectionId, Origin};
use parlor_proto::{AuditedCommand, Bye, Timestamp, UserName};
use serde::Serialize;

use crate::clock::SystemClock;

use crate::logging::writer::LogWriter;

/// One line of the trail.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    time: Timestamp,
    #[serde(flatten)]
    event: Event<'a>,
}

/// What is worth a line.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Event<'a> {
    /// A session began.
    Login { connection: u64, user: &'a UserName, address: &'a str },
    /// A wrong password or ticket.
    LoginFailed { connection: u64, user: &'a UserName, address: &'a str },
    /// A session ended.
    Logout { connection: u64, user: &'a UserName, why: &'a str },
    /// A command of a user.
    Command {
        user: &'a UserName,
        #[serde(flatten)]
        command: &'a AuditedCommand,
    },
    /// A command of an operator on the machine.
    Admin { command: &'a str, about: &'a str },
    /// Lines that could not be written.
    Lost { lines: u64 },
}

/// The trail of a server. Its lines are written by a thread; those that cannot be are counted, and reported in a line.
#[derive(Clone)]
pub(crate) struct AuditTrail {
    writer: LogWriter,
    file: Rotated,
}

impl AuditTrail {
    /// Opens or makes the file, for its owner only, and starts the thread.
    ///
    /// # Errors
    /// The file cannot be opened, or there is no thread.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = Rotated::open(path).with_context(|| format!("cannot write to {}", path.display()))?;
        let report = |writer: &LogWriter, lines: u64| writer.queue(&line(Event::Lost { lines }));
        let writer = LogWriter::start(file.clone(), report).context("cannot start threads")?;
        Ok(Self { writer, file })
    }

    /// Opens the file by its name again: the old one may have been renamed. Logs a failure; the old one is used then.
    pub(crate) fn reopen(&self) {
        if let Err(error) = self.file.reopen() {
            tracing::error!("the audit trail stays where it was: {}: {error}", self.file.path.display());
        }
    }

    /// Waits until all lines are written, for a second at most.
    pub(crate) fn flush(&self) {
        self.writer.flush();
    }

    fn write(&self, event: Event<'_>) {
        self.writer.queue(&line(event));
    }
}

/// Adds a line about a command of an operator to the trail of a server. The server makes the file.
///
/// # Errors
/// There is no such file, or it cannot be written.
pub(crate) fn add(path: &Path, command: &str, about: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(path)?;
    // One write: lines of several processes do not mix.
    file.write_all(&line(Event::Admin { command, about }))
}

fn line(event: Event<'_>) -> Vec<u8> {
    // All keys are strings, so this cannot fail.
    let mut line = serde_json::to_vec(&Entry { time: SystemClock::start().now(), event }).unwrap_or_default();
    line.push(b'\n');
    line
}

impl Observer for AuditTrail {
    fn session_began(&self, connection: ConnectionId, user: &UserName, origin: &Origin) {
        self.write(Event::Login { connection: connection.0, user, address: &origin.address });
    }

    fn session_ended(&self, connection: ConnectionId, user: &UserName, why: Option<Bye>) {
        self.write(Event::Logout { connection: connection.0, user, why: why.map_or("gone", Bye::as_str) });
    }

    fn audited(&self, user: &UserName, command: &AuditedCommand) {
        self.write(Event::Command { user, command });
    }

    fn login_failed(&self, connection: ConnectionId, user: &UserName, origin: &Origin) {
        self.write(Event::LoginFailed { connection: connection.0, user, address: &origin.address });
    }
}

/// A file that is opened again by its name on demand. Its lock is held while a line is written, by the thread of the trail.
#[derive(Clone)]
struct Rotated {
    path: PathBuf,
    file: Arc<Mutex<File>>,
}

impl Rotated {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: Arc::new(Mutex::new(open(path)?)) })
    }

    fn reopen(&self) -> io::Result<()> {
        let file = open(&self.path)?;
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = file;
        Ok(())
    }
}

impl Write for Rotated {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Value;

    use super::*;

    fn lines(path: &Path) -> Vec<Value> {
        fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn each_event_is_a_line_of_its_own_and_a_renamed_file_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = (dir.path().join("audit.jsonl"), dir.path().join("audit.jsonl.1"));
        let trail = AuditTrail::open(&path).unwrap();
        let (user, id) = ("ann".parse().unwrap(), ConnectionId(7));
        let origin = Origin { address: "192.0.2.1".into(), network: "192.0.2.1".into(), is_loopback: false };
        trail.login_failed(id, &user, &origin);
        trail.session_began(id, &user, &origin);
        trail.flush();
        fs::rename(&path, &old).unwrap();
        trail.reopen();
        trail.session_ended(id, &user, Some(Bye::Kicked));
        trail.flush();
        add(&path, "user delete", "ann").unwrap();
        let events =
            |path| lines(path).iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(events(&old), ["login-failed", "login"]);
        assert_eq!(events(&path), ["logout", "admin"]);
        assert_eq!(lines(&path)[0]["why"], "kicked");
        assert_eq!(lines(&old)[1]["address"], "192.0.2.1");
    }

    #[test]
    fn an_operator_is_told_where_there_is_no_trail() {
        let dir = tempfile::tempdir().unwrap();
        assert!(add(&dir.path().join("audit.jsonl"), "user delete", "ann").is_err());
    }
}
