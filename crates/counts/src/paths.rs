//! The paths that every message takes, one by one and without sockets, each in a form that can be repeated. It must not
//! measure, and must do nothing expensive besides the path.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use parlor_core::ports::{
    Append, AppendResult, Claim, ClaimResult, Content, Destination, EnterResult, SessionKey, Store,
};
use parlor_core::{ConnectionId, DuplicateLogin, Outbox, Settled, Taken};
use parlor_proto::{
    Command, Encoded, Encoding, Event, Format, Framing, Line, LineSplitter, MessageId, Post, RoomName, Text, Timestamp,
    UserName, parse_command,
};
use parlor_store::sqlite::{Durability, Sqlite};
use parlor_testkit::{NoopSink, entrant};
use tempfile::TempDir;

/// The names of all paths.
pub const PATHS: [&str; 7] = ["split", "parse", "encode-text", "encode-json", "encode-web", "outbox", "append"];

/// Lines in one read, and entries in one append.
pub const BATCH: usize = 16;
/// Outboxes that one message is pushed to.
pub const MEMBERS: usize = 100;
/// Bytes of a text.
const TEXT_BYTES: usize = 128;
/// Default limit of an outbox.
const MAX_QUEUED_BYTES: usize = 1 << 20;
/// Maximum content of one record.
const RECORD_BYTES: usize = 16 * 1024;
/// Default number of entries that a log keeps.
const HISTORY: u64 = 10_000;

/// One path, with all its data.
pub type Path = Box<dyn FnMut() -> Result<()>>;

/// Prepares a path by its name.
///
/// # Errors
/// There is no such path, or the database for it cannot be created.
pub fn prepare(name: &str) -> Result<Path> {
    match name {
        "split" => Ok(split()),
        "parse" => parse(),
        "encode-text" => encode(Format::Text.into()),
        "encode-json" => encode(Format::Json.into()),
        "encode-web" => encode(Encoding { format: Format::Json, framing: Framing::WebSocket }),
        "outbox" => outbox(),
        "append" => append(),
        _ => anyhow::bail!("there is no path {name}; there are {}", PATHS.join(", ")),
    }
}

/// Splits the data of one read into lines.
fn split() -> Path {
    let input = format!("{}\n", "x".repeat(TEXT_BYTES)).repeat(BATCH);
    let mut splitter = LineSplitter::new(parlor_proto::DEFAULT_MAX_LINE_BYTES);
    Box::new(move || {
        let mut rest = black_box(input.as_bytes());
        let mut lines = 0;
        while let Some(line) = splitter.next_line(&mut rest) {
            lines += usize::from(matches!(black_box(line), Line::Complete(_)));
        }
        ensure!(lines == BATCH, "{lines} lines");
        Ok(())
    })
}

/// Parses a line into a message.
fn parse() -> Result<Path> {
    let line = "x".repeat(TEXT_BYTES);
    Ok(Box::new(move || {
        for _ in 0..BATCH {
            let command = parse_command(black_box(line.as_bytes())).ok().context("a message is refused")?;
            ensure!(
                matches!(black_box(command), Some(Command::Post { post: Post::Message(_), once: None })),
                "no message"
            );
        }
        Ok(())
    }))
}

/// Encodes a message into frames, once for all members.
fn encode(encoding: Encoding) -> Result<Path> {
    let event = message()?;
    Ok(Box::new(move || {
        for _ in 0..BATCH {
            let encoded = Encoded::new(black_box(&event));
            ensure!(!black_box(encoded.frame(encoding)).is_empty(), "nothing");
        }
        Ok(())
    }))
}

/// Pushes a frame to the outboxes of all members and takes it out again, as one pass does.
fn outbox() -> Result<Path> {
    let event = message()?;
    let frame = Encoded::new(&event).frame(Format::Text.into()).clone();
    let outboxes: Vec<Outbox> = (0..MEMBERS).map(|_| Outbox::new(MAX_QUEUED_BYTES)).collect();
    let mut frames = Vec::new();
    Ok(Box::new(move || {
        for outbox in &outboxes {
            ensure!(black_box(outbox.push_frame(frame.clone())).must_flush, "somebody else owns the outbox");
        }
        for outbox in &outboxes {
            ensure!(outbox.take(RECORD_BYTES, &mut frames) != Taken::Nothing, "the outbox is empty");
            black_box(&mut frames).clear();
            ensure!(outbox.release_if_empty() == Settled::Idle, "something is left");
        }
        Ok(())
    }))
}

/// Appends the messages of one read to a log in a database.
fn append() -> Result<Path> {
    let room = Room::open()?;
    Ok(Box::new(move || {
        let report = room.store().log.append(room.batch());
        ensure!(report.outcomes.len() == BATCH, "{} outcomes", report.outcomes.len());
        for outcome in report.outcomes {
            ensure!(matches!(outcome?, AppendResult::Stored(_)), "an entry is refused");
        }
        report.flush.run();
        Ok(())
    }))
}

fn text() -> Result<Text> {
    Text::sanitise(&"x".repeat(TEXT_BYTES)).context("a text is refused")
}

fn user() -> Result<UserName> {
    Ok("alice".parse()?)
}

fn message() -> Result<Event> {
    let time = Timestamp::from_millis(0);
    Ok(Event::Message {
        room: "garden".parse()?,
        id: MessageId(12_345),
        time,
        from: user()?,
        text: text()?.into(),
        edited: None,
        removed: false,
        bot: false,
    })
}

/// A database with one member in one room.
struct Room {
    sqlite: Sqlite,
    entry: Append,
    /// Removed when this is dropped.
    _directory: TempDir,
}

impl Room {
    fn open() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let sqlite = Sqlite::open(directory.path(), HISTORY, Durability::Process, Arc::new(NoopSink))?;
        let (author, room): (UserName, RoomName) = (user()?, "garden".parse()?);
        let claim = Claim {
            user: &author,
            connection: ConnectionId(1),
            policy: DuplicateLogin::Takeover,
            takeovers: None,
            at: Duration::ZERO,
        };
        let ClaimResult::Granted(generation) = sqlite.store().sessions.claim(&claim)? else {
            anyhow::bail!("no session")
        };
        let seat = SessionKey { user: author.clone(), generation };
        let entered = sqlite.store().rooms.enter(&entrant(&seat), std::slice::from_ref(&room), 1)?;
        ensure!(matches!(*entered, [EnterResult::Member { .. }]), "no member");
        let time = Timestamp::from_millis(0);
        let entry = Append {
            to: Destination::Room(room),
            author,
            generation,
            time,
            content: Content::Said(text()?),
            once: None,
        };
        Ok(Self { sqlite, entry, _directory: directory })
    }

    fn store(&self) -> &Store {
        self.sqlite.store()
    }

    fn batch(&self) -> Vec<Append> {
        vec![self.entry.clone(); BATCH]
    }
}
