//! The connection of a link: it is opened in the background on demand, and handed to the leader of a batch. It must not
//! send commands of the store.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ::redis::{Connection, RedisError};
use parlor_core::ports::StoreError;

use crate::redis::connection::check;
use crate::redis::connection::dial::Dialer;
use crate::redis::connection::pipeline::PATIENCE;
use crate::redis::connection::script;
use crate::redis::connection::url::Address;
use crate::redis::{EventSink, Note, OpenError};
use crate::sync::{Condvar, Mutex, lock};

/// Pauses between attempts to connect: the first, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];

/// How a link finds and opens its connection.
pub(in crate::redis) struct Origin {
    pub(in crate::redis) dialer: Arc<Dialer>,
    /// The node; none if the dialer must find the master each time.
    pub(in crate::redis) node: Option<Address>,
    pub(in crate::redis) events: Arc<dyn EventSink>,
}

impl Origin {
    fn name(&self) -> String {
        self.node.as_ref().map_or_else(|| self.dialer.name(), Address::to_string)
    }
}

/// Slot through which the connecting thread hands a connection to the batch leader. A leaf lock.
#[derive(Default)]
pub(in crate::redis) struct ConnectionSlot {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    ready: Option<Connection>,
    is_wanted: bool,
    failing_since: Option<Instant>,
    last_error: StoreError,
    is_closed: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            ready: None,
            is_wanted: true,
            failing_since: Some(Instant::now()),
            last_error: StoreError::new("not connected yet"),
            is_closed: false,
        }
    }
}

impl ConnectionSlot {
    /// Connects on each request, until the link is dropped.
    pub(in crate::redis) fn keep_connected(&self, origin: &Origin) {
        let mut before = None;
        let mut told = None;
        while self.await_wish() {
            if before.is_some() {
                let error = lock(&self.state).last_error.to_string();
                origin.events.note(&Note::LinkLost { node: origin.name(), error: error.clone() });
                told = Some(error);
            }
            let mut pause = PAUSES[0];
            while !self.is_closed() {
                match open(origin, &mut before) {
                    Ok(connection) => {
                        if told.take().is_some() {
                            origin.events.note(&Note::LinkRestored { node: origin.name() });
                        }
                        self.hand_out(connection);
                        break;
                    }
                    Err(error) => {
                        let error = error.reason().to_owned();
                        lock(&self.state).last_error = StoreError::new(&error);
                        if told.as_ref() != Some(&error) {
                            origin.events.note(&Note::LinkLost { node: origin.name(), error: error.clone() });
                            told = Some(error);
                        }
                        thread::sleep(pause);
                        pause = (pause * 2).min(PAUSES[1]);
                    }
                }
            }
        }
    }

    /// Ends the connecting thread: no more connections are needed.
    pub(in crate::redis) fn close(&self) {
        lock(&self.state).is_closed = true;
        self.changed.notify_all();
    }

    /// Whether there is a connection, as far as is known.
    pub(in crate::redis) fn is_up(&self) -> bool {
        lock(&self.state).failing_since.is_none()
    }

    /// The error of the last attempt.
    pub(in crate::redis) fn last_error(&self) -> StoreError {
        lock(&self.state).last_error.clone()
    }

    fn is_closed(&self) -> bool {
        lock(&self.state).is_closed
    }

    /// Waits until a connection is wanted. Returns `false` if the link is closed.
    fn await_wish(&self) -> bool {
        let state = lock(&self.state);
        let is_idle = |state: &mut State| !state.is_wanted && !state.is_closed;
        let state = self.changed.wait_while(state, is_idle).unwrap_or_else(std::sync::PoisonError::into_inner);
        !state.is_closed
    }

    fn hand_out(&self, connection: Connection) {
        let mut state = lock(&self.state);
        state.ready = Some(connection);
        state.is_wanted = false;
        state.failing_since = None;
        self.changed.notify_all();
    }

    /// Records that a connection broke.
    pub(in crate::redis) fn report(&self, error: &StoreError) {
        let mut state = lock(&self.state);
        state.is_wanted = true;
        state.last_error = error.clone();
        state.failing_since.get_or_insert_with(Instant::now);
        self.changed.notify_all();
    }

    /// Waits for a connection: until `deadline`, and at most `PATIENCE` after the last connection broke. So several
    /// commands in sequence do not each wait for the full time.
    pub(in crate::redis) fn await_connection(&self, deadline: Instant) -> Result<Connection, StoreError> {
        let mut state = lock(&self.state);
        loop {
            if let Some(connection) = state.ready.take() {
                return Ok(connection);
            }
            let give_up = state.failing_since.map_or(deadline, |since| deadline.min(since + PATIENCE));
            let Some(left) = give_up.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return Err(state.last_error.clone());
            };
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
    }
}

/// The identity of a connection at Redis.
struct Client {
    id: String,
    address: String,
}

/// Opens a connection that replaces the previous one. First it closes the previous one at the server side, too:
/// commands that are still in its buffers must not run after commands of the new connection.
fn open(origin: &Origin, before: &mut Option<Client>) -> Result<Connection, OpenError> {
    let node = origin.node.clone().map_or_else(|| origin.dialer.locate(), Ok)?;
    let (mut connection, greeting) = origin.dialer.connect(&node)?;
    if !greeting.is_master {
        return Err(OpenError::Unreachable(format!("{node} is a replica")));
    }
    let failed = |error: RedisError| OpenError::Unreachable(format!("{node}: {error}"));
    if let Some(Client { id, address }) = &before {
        let kill = ::redis::cmd("CLIENT").arg(&["KILL", "ID", id, "ADDR", address]).query::<i64>(&mut connection);
        kill.map_err(failed)?;
    }
    load_scripts(&mut connection).map_err(failed)?;
    if let Some(warning) = check::look_at_memory(&node, &mut connection).map_err(failed)? {
        origin.events.note(&Note::Warning(warning));
    }
    let info: String = ::redis::cmd("CLIENT").arg("INFO").query(&mut connection).map_err(failed)?;
    let field = |name: &str| info.split(' ').find_map(|field| field.strip_prefix(name)).map(str::to_owned);
    *before = field("id=").zip(field("addr=")).map(|(id, address)| Client { id, address });
    Ok(connection)
}

/// Loads all scripts.
pub(in crate::redis) fn load_scripts(connection: &mut Connection) -> Result<(), RedisError> {
    let mut pipe = ::redis::pipe();
    for script in script::all() {
        pipe.cmd("SCRIPT").arg("LOAD").arg(script.source()).ignore();
    }
    pipe.query(connection)
}
