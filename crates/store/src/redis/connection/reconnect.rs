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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use parlor_redis_testkit::wait_until;

    use super::*;
    use crate::redis::connection::fake_node::{FakeNode, Notes, hello};

    fn origin(node: &FakeNode, notes: &Arc<Notes>) -> Origin {
        Origin { dialer: node.dialer(), node: None, events: notes.clone() }
    }

    #[test]
    fn where_nothing_was_reached_for_long_nobody_waits() {
        let slot = ConnectionSlot::default();
        lock(&slot.state).failing_since = Instant::now().checked_sub(PATIENCE);
        let waiting = thread::spawn(move || {
            let error = slot.await_connection(Instant::now() + Duration::from_secs(3600)).err();
            error.map(|error| error.to_string())
        });
        wait_until("the error", || waiting.is_finished());
        assert_eq!(waiting.join().unwrap().as_deref(), Some("not connected yet"));
    }

    #[test]
    fn the_patience_counts_from_the_first_failure_and_the_error_is_the_last() {
        let slot = ConnectionSlot::default();
        lock(&slot.state).failing_since = None;
        assert!(slot.is_up());
        slot.report(&StoreError::new("reset"));
        let since = lock(&slot.state).failing_since;
        slot.report(&StoreError::new("refused"));
        assert!(!slot.is_up() && since.is_some() && lock(&slot.state).failing_since == since);
        assert_eq!(slot.await_connection(Instant::now()).err().unwrap().to_string(), "refused");
    }

    #[test]
    fn a_trouble_is_told_once_and_its_end_too() {
        let is_master = Arc::new(AtomicBool::new(false));
        let role = is_master.clone();
        let node = FakeNode::start(move |line| {
            let role = if role.load(Ordering::SeqCst) { "master" } else { "slave" };
            line.starts_with("HELLO").then(|| hello("standalone", role))
        });
        let (notes, slot) = (Arc::<Notes>::default(), Arc::<ConnectionSlot>::default());
        let (shared, origin) = (slot.clone(), origin(&node, &notes));
        let connecting = thread::spawn(move || shared.keep_connected(&origin));
        wait_until("some attempts", || node.count("HELLO") > 6);
        is_master.store(true, Ordering::SeqCst);
        wait_until("the connection", || slot.is_up());
        let address = node.address.to_string();
        let name = format!("redis://{address}");
        let lost = Note::LinkLost { node: name.clone(), error: format!("{address} is a replica") };
        assert_eq!(notes.all(), [lost, Note::LinkRestored { node: name }]);
        slot.close();
        wait_until("the end of the thread", || connecting.is_finished());
    }

    #[test]
    fn the_connection_before_is_closed_at_the_node_before_anything_runs_on_the_next_one() {
        let node = FakeNode::start(|_| None);
        let origin = origin(&node, &Arc::default());
        let mut before = None;
        drop(open(&origin, &mut before).unwrap());
        assert_eq!(node.count("CLIENT KILL"), 0);
        drop(open(&origin, &mut before).unwrap());
        let heard = node.heard();
        let kill = heard.iter().position(|line| line == "CLIENT KILL ID 7 ADDR 127.0.0.1:9");
        let load = heard.iter().rposition(|line| line.starts_with("SCRIPT LOAD"));
        assert!(kill.is_some() && kill < load, "{kill:?} {load:?}");
        assert_eq!(node.count("CLIENT KILL"), 1);
    }

    #[test]
    fn a_node_that_refuses_to_close_the_connection_before_gives_none() {
        let node = FakeNode::start(|line| line.starts_with("CLIENT KILL").then(|| "-ERR not now\r\n".to_owned()));
        let mut before = Some(Client { id: "3".to_owned(), address: "127.0.0.1:5".to_owned() });
        assert!(matches!(open(&origin(&node, &Arc::default()), &mut before), Err(OpenError::Unreachable(_))));
        // The next attempt closes it.
        assert_eq!(before.map(|client| client.id).as_deref(), Some("3"));
    }
}
