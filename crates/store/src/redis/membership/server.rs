//! This server, as one of many: who it is, what it shares with its threads, and how it talks to the others. It must
//! not know what any port promises.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ::redis::FromRedisValue;
use parlor_core::ports::{Sink, StoreError, StoreResult};
use parlor_proto::{RoomName, UserName};

use crate::redis::EventSink;
use crate::redis::connection::command::{self, Command};
use crate::redis::connection::router::Router;
use crate::redis::connection::script;
use crate::redis::keys::{self, ServerId};
use crate::redis::membership::lease::Lease;
use crate::redis::membership::local_sessions::LocalSessions;
use crate::redis::pubsub::log_cursors::LogCursors;
use crate::redis::pubsub::message::ServerMessage;
use crate::redis::pubsub::readers::PubSubReaders;
use crate::sync::{Mutex, lock};

/// Entries that a log keeps at least, since holes are filled from them.
const MIN_KEPT: u64 = 1000;

/// How long a fence stands: much longer than an enter may be on its way.
const FENCE_SECONDS: u64 = 60;

/// One run of a server.
pub(in crate::redis) struct Server {
    /// Its id, which it changes when it lost its lease. A leaf lock.
    id: Mutex<ServerId>,
    /// Its name, for people.
    pub(in crate::redis) name: String,
    /// Entries that people may read back.
    pub(in crate::redis) history: u64,
    pub(in crate::redis) router: Router,
    pub(in crate::redis) lease: Lease,
    pub(in crate::redis) local: LocalSessions,
    pub(in crate::redis) cursors: LogCursors,
    pub(in crate::redis) followers: PubSubReaders,
    pub(in crate::redis) sink: Arc<dyn Sink>,
    pub(in crate::redis) journal: Arc<dyn EventSink>,
    last_seq: AtomicU64,
    is_wary: AtomicBool,
    is_closing: AtomicBool,
}

impl Server {
    pub(in crate::redis) fn new(
        name: String,
        history: u64,
        router: Router,
        sink: Arc<dyn Sink>,
        journal: Arc<dyn EventSink>,
    ) -> Self {
        Self {
            id: Mutex::new(ServerId::fresh()),
            name,
            history,
            router,
            lease: Lease::new(),
            local: LocalSessions::default(),
            cursors: LogCursors::default(),
            followers: PubSubReaders::default(),
            sink,
            journal,
            last_seq: AtomicU64::new(0),
            is_wary: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
        }
    }

    /// The id of this run.
    pub(in crate::redis) fn id(&self) -> ServerId {
        lock(&self.id).clone()
    }

    /// Others may be ending the sessions of the old id: what goes on goes on under a new one. The followers are to
    /// connect anew.
    pub(in crate::redis) fn take_new_id(&self) {
        // Before it changes, so that it is heard.
        let wake_up = self.wake_up();
        *lock(&self.id) = ServerId::fresh();
        drop(self.router.call(wake_up));
    }

    /// Something may have been missed that is said once: the sessions are to be looked after.
    pub(in crate::redis) fn request_session_audit(&self) {
        self.is_wary.store(true, Ordering::Release);
    }

    /// Whether something may have been missed since the last look.
    pub(in crate::redis) fn take_audit_request(&self) -> bool {
        self.is_wary.swap(false, Ordering::AcqRel)
    }

    /// Has a command done, and understands its reply.
    ///
    /// # Errors
    /// Redis cannot be reached, refuses, or answers something else.
    pub(in crate::redis) fn call<T: FromRedisValue>(&self, command: Command) -> StoreResult<T> {
        command::read(self.router.call(command))
    }

    /// The same for what is done again later anyway, which is not worth waiting for a node that is away.
    ///
    /// # Errors
    /// Redis cannot be reached, refuses, or answers something else.
    pub(in crate::redis) fn try_call<T: FromRedisValue>(&self, command: Command) -> StoreResult<T> {
        let reply = self.router.try_all(vec![command]).pop();
        command::read(reply.unwrap_or_else(|| Err(StoreError::new("no reply"))))
    }

    /// The number of the next append, larger than that of any before.
    pub(in crate::redis) fn next_seq(&self) -> u64 {
        self.last_seq.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Entries that Redis is to keep of each log.
    pub(in crate::redis) fn kept(&self) -> u64 {
        self.history.max(MIN_KEPT)
    }

    /// Tells another server something. It is lost if nobody listens.
    ///
    /// # Errors
    /// Redis cannot be reached.
    pub(in crate::redis) fn tell(&self, to: &ServerId, news: &ServerMessage) -> StoreResult<u64> {
        let command = Command::plain("PUBLISH", keys::control(to), &[&news.write()]);
        self.call(command.never_repeated())
    }

    /// Which of some servers hold a lease.
    ///
    /// # Errors
    /// Redis cannot be reached.
    pub(in crate::redis) fn which_live(&self, servers: &[ServerId]) -> StoreResult<Vec<bool>> {
        let commands = servers.iter().map(|id| Command::plain("EXISTS", keys::lease(id), &[])).collect();
        let replies = self.router.call_all(commands);
        replies.into_iter().map(|reply| command::read::<i64>(reply).map(|count| count > 0)).collect()
    }

    /// Takes all sessions of a user below a generation out of a room, for good.
    pub(in crate::redis) fn evict(&self, user: &UserName, room: &RoomName, below: &str) -> StoreResult<()> {
        let log = keys::room_log(room);
        let keys =
            [keys::members(room), keys::memberships(room), keys::meta(&log), keys::log(&log), keys::fence(room, user)];
        let args: [&dyn command::Argument; 3] = [&user.as_str(), &below, &FENCE_SECONDS];
        let (members, version): (i64, u64) = self.call(Command::script(script::evict(), &keys, &args))?;
        if members == 0 { self.drop_room(room, version) } else { Ok(()) }
    }

    /// Takes a room that nobody was in after a change out of the index, or notes there that only its log is left.
    pub(in crate::redis) fn drop_room(&self, room: &RoomName, version: u64) -> StoreResult<()> {
        let has_log = self.has_log(room)?;
        let args: [&dyn command::Argument; 3] = [&room.as_str(), &version, &u8::from(has_log)];
        self.call::<i64>(Command::script(script::drop_room(), &[keys::ROOMS], &args)).map(drop)
    }

    /// Whether something was ever said in a room.
    pub(in crate::redis) fn has_log(&self, room: &RoomName) -> StoreResult<bool> {
        let entries = Command::plain("HEXISTS", keys::meta(&keys::room_log(room)), &["top"]);
        self.call::<i64>(entries).map(|entries| entries > 0)
    }

    /// The server ends: its threads are to end, too.
    pub(in crate::redis) fn set_closing(&self) {
        self.is_closing.store(true, Ordering::Release);
    }

    pub(in crate::redis) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }
}
