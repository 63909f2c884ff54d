//! This server, as one of many: its identity, and the state that its threads share. It
//! must not know what any port promises.

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
use crate::redis::pubsub::readers::PubSubReaders;
use crate::sync::{Mutex, lock};

/// Minimum number of entries that a log keeps: gaps are filled from them.
const MIN_KEPT: u64 = 1000;

/// Ids to choose from, if the node of a lease is unreachable.
const ID_ATTEMPTS: usize = 64;

/// TTL of a fence: much longer than the time limit of an enter.
const FENCE_SECONDS: u64 = 60;

/// One run of a server.
pub(in crate::redis) struct Server {
    /// Its id, which changes when it loses its lease. A leaf lock.
    id: Mutex<ServerId>,
    /// Its name, for operators.
    pub(in crate::redis) name: String,
    /// Number of entries that users may read back.
    pub(in crate::redis) history: u64,
    pub(in crate::redis) router: Router,
    pub(in crate::redis) lease: Lease,
    pub(in crate::redis) local: LocalSessions,
    pub(in crate::redis) cursors: LogCursors,
    pub(in crate::redis) pubsub_readers: PubSubReaders,
    pub(in crate::redis) sink: Arc<dyn Sink>,
    pub(in crate::redis) events: Arc<dyn EventSink>,
    last_seq: AtomicU64,
    /// Entries that this server had not received at the last check.
    pub(in crate::redis) lag: AtomicU64,
    /// Entries that were missed and requested.
    pub(in crate::redis) repaired: AtomicU64,
    is_wary: AtomicBool,
    is_closing: AtomicBool,
}

impl Server {
    pub(in crate::redis) fn new(
        name: String,
        history: u64,
        router: Router,
        sink: Arc<dyn Sink>,
        events: Arc<dyn EventSink>,
    ) -> Self {
        Self {
            id: Mutex::new(ServerId::fresh()),
            name,
            history,
            router,
            lease: Lease::new(),
            local: LocalSessions::default(),
            cursors: LogCursors::default(),
            pubsub_readers: PubSubReaders::default(),
            sink,
            events,
            last_seq: AtomicU64::new(0),
            lag: AtomicU64::new(0),
            repaired: AtomicU64::new(0),
            is_wary: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
        }
    }

    /// The id of this run.
    pub(in crate::redis) fn id(&self) -> ServerId {
        lock(&self.id).clone()
    }

    /// Takes a new id, because other servers may be ending the sessions of the old one. The readers must reconnect.
    pub(in crate::redis) fn take_new_id(&self) {
        // Built before the id changes, so that the readers still receive it.
        let wake_up = self.wake_up();
        *lock(&self.id) = self.reachable_id();
        drop(self.router.try_all(vec![wake_up]));
    }

    /// A new id whose lease is on a node that can be reached, as far as that is known.
    fn reachable_id(&self) -> ServerId {
        let mut ids = std::iter::repeat_with(ServerId::fresh).take(ID_ATTEMPTS);
        let reachable = ids.find(|id| !self.router.is_unreachable(&keys::lease(id)));
        reachable.unwrap_or_else(ServerId::fresh)
    }

    /// # Errors
    /// This server must not begin anything for the user: it has no lease, or has not checked the sessions of the user
    /// since it lost one.
    pub(in crate::redis) fn check_lease_for(&self, user: &UserName) -> StoreResult<()> {
        self.lease.check()?;
        if self.local.is_doubtful(user) {
            return Err(StoreError::new(
                "the node of a session cannot be reached since the lease of this server ran out",
            ));
        }
        Ok(())
    }

    /// Requests a check of all sessions, because a message that is sent only once may have been missed.
    pub(in crate::redis) fn request_session_audit(&self) {
        self.is_wary.store(true, Ordering::Release);
    }

    /// Whether a check was requested since the last call.
    pub(in crate::redis) fn take_audit_request(&self) -> bool {
        self.is_wary.swap(false, Ordering::AcqRel)
    }

    /// Runs a command and reads its reply.
    ///
    /// # Errors
    /// Redis is unreachable, refuses the command, or sends an unexpected reply.
    pub(in crate::redis) fn call<T: FromRedisValue>(&self, command: Command) -> StoreResult<T> {
        command::read(self.router.call(command))
    }

    /// Like `call`, for work that is repeated later anyway: it does not wait for an unreachable node.
    ///
    /// # Errors
    /// Redis is unreachable, refuses the command, or sends an unexpected reply.
    pub(in crate::redis) fn try_call<T: FromRedisValue>(&self, command: Command) -> StoreResult<T> {
        let reply = self.router.try_all(vec![command]).pop();
        command::read(reply.unwrap_or_else(|| Err(StoreError::new("no reply"))))
    }

    /// The number of the next append, larger than all before.
    pub(in crate::redis) fn next_seq(&self) -> u64 {
        self.last_seq.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Number of entries that Redis keeps of each log.
    pub(in crate::redis) fn kept(&self) -> u64 {
        self.history.max(MIN_KEPT)
    }

    /// Checks which of some servers hold a lease.
    ///
    /// # Errors
    /// Redis is unreachable.
    pub(in crate::redis) fn which_live(&self, servers: &[ServerId]) -> StoreResult<Vec<bool>> {
        let commands = servers.iter().map(|id| Command::plain("EXISTS", keys::lease(id), &[])).collect();
        let replies = self.router.call_all(commands);
        replies.into_iter().map(|reply| command::read::<i64>(reply).map(|count| count > 0)).collect()
    }

    /// Removes all sessions of a user below a generation from some rooms, permanently.
    pub(in crate::redis) fn evict(&self, user: &UserName, rooms: &[RoomName], below: &str) -> StoreResult<()> {
        let replies = self.router.call_all(rooms.iter().map(|room| evict(user, room, below)).collect());
        let mut emptied = Vec::new();
        for (room, reply) in rooms.iter().zip(replies) {
            if let (0, version) = command::read::<(i64, u64)>(reply)? {
                emptied.push((room, version));
            }
        }
        self.drop_rooms(&emptied)
    }

    /// Removes rooms that were empty after a change from the index, or marks there that only their logs are left. Takes two
    /// round trips to each node, however many rooms there are. If one cannot be dropped, the others are. The lobby stays where
    /// it is: whoever reads the index adds it.
    pub(in crate::redis) fn drop_rooms(&self, rooms: &[(&RoomName, u64)]) -> StoreResult<()> {
        let rooms: Vec<_> = rooms.iter().filter(|(room, _)| !room.is_lobby()).collect();
        let logs = self.router.call_all(rooms.iter().map(|(room, _)| ask_for_log(room)).collect());
        let mut asked = Ok(());
        let mut drops = Vec::with_capacity(rooms.len());
        for ((room, version), has_log) in rooms.iter().zip(logs) {
            match command::read::<i64>(has_log) {
                Ok(has_log) => drops.push(drop_command(room, *version, has_log > 0)),
                Err(error) => asked = Err(error),
            }
        }
        let dropped = self.router.call_all(drops).into_iter().map(command::read::<i64>);
        dropped.fold(asked, |done, dropped| done.and(dropped.map(drop)))
    }

    /// Whether a message was ever appended to the log of each of some rooms.
    pub(in crate::redis) fn have_logs(&self, rooms: &[&RoomName]) -> StoreResult<Vec<bool>> {
        let replies = self.router.call_all(rooms.iter().map(|room| ask_for_log(room)).collect());
        replies.into_iter().map(|reply| command::read::<i64>(reply).map(|entries| entries > 0)).collect()
    }

    /// Marks the server as closing, so that its threads end.
    pub(in crate::redis) fn set_closing(&self) {
        self.is_closing.store(true, Ordering::Release);
    }

    pub(in crate::redis) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }
}

/// The command that removes the sessions of a user below a generation from a room, permanently.
pub(in crate::redis) fn evict(user: &UserName, room: &RoomName, below: &str) -> Command {
    let log = keys::room_log(room);
    let keys =
        [keys::members(room), keys::memberships(room), keys::meta(&log), keys::log(&log), keys::fence(room, user)];
    Command::script(script::evict(), &keys, &[&user.as_str(), &below, &FENCE_SECONDS])
}

fn drop_command(room: &RoomName, version: u64, has_log: bool) -> Command {
    let args: [&dyn command::Argument; 3] = [&room.as_str(), &version, &u8::from(has_log)];
    Command::script(script::drop_room(), &[keys::ROOMS], &args)
}

/// Asks whether a message was ever appended to the log of a room.
fn ask_for_log(room: &RoomName) -> Command {
    Command::plain("HEXISTS", keys::meta(&keys::room_log(room)), &["top"])
}
