//! Reads a Redis that is left for another store while its servers run, has them end, and notes at last where everything is. It
//! must not change anything else, besides ending the sessions of servers that are gone, as every server does.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parlor_core::ports::LogId;
use parlor_proto::MessageId;

use super::is_served;
use super::log_reader::LogReader;
use super::source::{Each, RedisSource};
use crate::archive::{ArchiveError, ArchiveResult, EntryRecord, MovingSource, Wanted};
use crate::no_sink::NoSink;
use crate::redis::connection::command::{self, Command};
use crate::redis::connection::dial::Dialer;
use crate::redis::departure::{self, HELD, MOVED};
use crate::redis::import_note::{UNDER_WAY, is_under_way};
use crate::redis::membership::lease::LEASE;
use crate::redis::membership::server::Server;
use crate::redis::pubsub::message::ServerMessage;
use crate::redis::{Config, NoEvents, OpenError, connect, keys, random};

/// As many entries as a log may have: nothing is forgotten.
const ALL: u64 = u64::MAX >> 12;

/// Time between two looks whether servers still run.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Time in which every server must have ended: one that cannot hear of it loses its lease.
const PATIENCE: Duration = LEASE.saturating_mul(2);

/// Time between two renewals of the note.
const RENEWAL: Duration = Duration::from_secs(5);

/// A Redis that is left.
pub struct RedisMovingSource {
    source: RedisSource,
    /// As a server that has no lease and no session.
    server: Server,
    fence: Option<Fence>,
}

/// The note that keeps servers away.
struct Fence {
    /// By which this migration knows its note.
    mark: String,
    to: String,
    renewed: Instant,
}

impl RedisMovingSource {
    /// Connects. Blocks for a few seconds at most.
    ///
    /// # Errors
    /// See [`OpenError`]. Or everything has moved already.
    pub fn open(config: &Config) -> Result<Self, OpenError> {
        let dialer = Arc::new(Dialer::new(config.url.clone(), config.ca.clone()));
        let connect = || connect(&dialer, &(Arc::new(NoEvents) as _), config.replicas);
        let (router, own) = (connect()?, connect()?);
        let unreachable = |error: parlor_core::ports::StoreError| OpenError::Unreachable(error.to_string());
        if is_under_way(&router).map_err(unreachable)? {
            return Err(OpenError::Unsuitable(UNDER_WAY.to_owned()));
        }
        if let Some(departure) = departure::read(&router).map_err(unreachable)? {
            return Err(departure.refusal());
        }
        let (name, sink, events) = (config.server_name.clone(), Arc::new(NoSink), Arc::new(NoEvents));
        let server = Server::new(name, ALL, own, sink, events);
        Ok(Self { source: RedisSource { router }, server, fence: None })
    }

    /// Tells all servers, and waits until none is left.
    fn send_servers_away(&mut self) -> ArchiveResult<()> {
        let news = ServerMessage::Moving.write();
        // Servers look for the note each second, too.
        drop(self.source.router.call(Command::plain("SPUBLISH", keys::EVERYBODY, &[&news])));
        let deadline = Instant::now() + PATIENCE;
        while is_served(&self.source.router)? {
            if Instant::now() > deadline {
                let why =
                    "a server of this Redis does not end: is it of a version before migrations? Nothing was moved";
                return Err(ArchiveError::Refused(why.to_owned()));
            }
            self.renew()?;
            thread::sleep(LOOK_INTERVAL);
        }
        // Of a server that was frozen or cut off, no session is left: what it sends later is refused.
        Ok(self.server.reap()?)
    }

    fn renew(&mut self) -> ArchiveResult<()> {
        let Some(fence) = self.fence.as_mut().filter(|fence| fence.renewed.elapsed() > RENEWAL) else { return Ok(()) };
        fence.renewed = Instant::now();
        require(departure::note(&self.source.router, &fence.mark, &fence.to, Some(HELD), false)?)
    }
}

impl MovingSource for RedisMovingSource {
    fn read_from(&mut self, wanted: Wanted<'_>, each: Each<'_>) -> ArchiveResult<()> {
        let Self { source, fence, .. } = self;
        let mut due = fence.as_ref().map(|fence| fence.renewed);
        source.all(None, Some(wanted), &mut |record| {
            if let (Some(renewed), Some(fence)) = (&mut due, fence.as_ref())
                && renewed.elapsed() > RENEWAL
            {
                *renewed = Instant::now();
                require(departure::note(&source.router, &fence.mark, &fence.to, Some(HELD), false)?)?;
            }
            each(record)
        })
    }

    fn entries(&mut self, log: &LogId, ids: &[MessageId]) -> ArchiveResult<Vec<EntryRecord>> {
        let reader = LogReader { router: &self.source.router, since: None, wanted: None };
        Ok(reader.entries(log, ids)?)
    }

    fn fence(&mut self, to: &str) -> ArchiveResult<()> {
        let mark = format!("{:016x}", random::number());
        let is_there = departure::note(&self.source.router, &mark, to, Some(HELD), true)?;
        if !is_there {
            return Err(ArchiveError::Refused("another migration of this Redis runs; nothing was moved".to_owned()));
        }
        self.fence = Some(Fence { mark, to: to.to_owned(), renewed: Instant::now() });
        self.send_servers_away()
    }

    fn leave(&mut self, to: &str) -> ArchiveResult<()> {
        let mark = self.fence.as_ref().map_or("", |fence| &fence.mark);
        require(departure::note(&self.source.router, mark, to, None, false)?)?;
        self.fence = None;
        Ok(())
    }
}

impl Drop for RedisMovingSource {
    fn drop(&mut self) {
        let Some(fence) = self.fence.take() else { return };
        let router = &self.source.router;
        let by = command::read::<Option<String>>(router.call(Command::plain("HGET", MOVED, &["by"])));
        if by.is_ok_and(|by| by.is_some_and(|by| by == fence.mark)) {
            // If this fails, Redis forgets the note by itself.
            drop(router.call(Command::plain("DEL", MOVED, &[])));
        }
    }
}

/// # Errors
/// The note is gone.
fn require(is_there: bool) -> ArchiveResult<()> {
    if is_there {
        return Ok(());
    }
    let why = "the migration was interrupted for too long, and the servers have gone on: run it again";
    Err(ArchiveError::Refused(why.to_owned()))
}
