//! A server with two users in a room, for the tests of the parts of this store.

use std::sync::Arc;
use std::time::Duration;

use parlor_core::ports::{
    Act, ActResult, Append, AppendResult, Claim, ClaimResult, Content, Deed, Destination, EnterResult, Entry, LogId,
    PageRequest, SessionKey, StoreResult,
};
use parlor_core::rights::RoomRights;
use parlor_core::{ConnectionId, DuplicateLogin};
use parlor_proto::{MessageId, Order, PageRange, RoomName, Text, Timestamp, UserName};
use parlor_testkit::{RecordingSink, entrant, person};
use rusqlite::Connection;
use tempfile::TempDir;

use super::{Durability, FILE_NAME, Sqlite};

pub(super) const NOW: i64 = 7;

/// A server with ann, who has made the room red and spoken there, and bob, who is inside, too.
pub(super) struct Place {
    pub(super) server: Sqlite,
    pub(super) sink: Arc<RecordingSink>,
    pub(super) ann: SessionKey,
    pub(super) bob: SessionKey,
    pub(super) data: TempDir,
}

pub(super) fn red() -> RoomName {
    "red".parse().unwrap()
}

pub(super) fn name(user: &str) -> UserName {
    user.parse().unwrap()
}

pub(super) fn text(text: &str) -> Text {
    Text::sanitise(text).unwrap()
}

pub(super) fn stored(number: u64) -> StoreResult<AppendResult> {
    Ok(AppendResult::Stored(MessageId(number)))
}

pub(super) fn session(server: &Sqlite, user: &str) -> SessionKey {
    let user = name(user);
    let (policy, at) = (DuplicateLogin::Takeover, Duration::ZERO);
    let claim = Claim { user: &user, connection: ConnectionId(1), policy, takeovers: None, at };
    let ClaimResult::Granted(generation) = server.store().sessions.claim(&claim).unwrap() else { panic!() };
    SessionKey { user, generation }
}

impl Place {
    pub(super) fn with(history: u64) -> Self {
        let (data, sink) = (tempfile::tempdir().unwrap(), Arc::new(RecordingSink::default()));
        let server = Sqlite::open(data.path(), history, Durability::Process, sink.clone()).unwrap();
        let [ann, bob] = ["ann", "bob"].map(|user| session(&server, user));
        let place = Self { server, sink, ann, bob, data };
        assert!(matches!(place.enter(&place.ann), EnterResult::Member { .. }));
        assert!(matches!(place.enter(&place.bob), EnterResult::Member { .. }));
        assert_eq!(place.say(&place.ann, "hello"), stored(1));
        place
    }

    pub(super) fn log() -> LogId {
        LogId::Room(red())
    }

    pub(super) fn enter(&self, session_key: &SessionKey) -> EnterResult {
        self.server.store().rooms.enter(&entrant(session_key), &[red()], 9).unwrap().remove(0)
    }

    pub(super) fn append(&self, batch: Vec<Append>) -> Vec<StoreResult<AppendResult>> {
        let report = self.server.store().log.append(batch);
        report.flush.run();
        report.outcomes
    }

    pub(super) fn said(to: Destination, by: &SessionKey, what: &str) -> Append {
        let (author, generation, time) = (by.user.clone(), by.generation, Timestamp::from_millis(NOW));
        Append { to, author, generation, time, content: Content::Said(text(what)), once: None }
    }

    /// Says something with the key of its text.
    pub(super) fn say(&self, by: &SessionKey, what: &str) -> StoreResult<AppendResult> {
        let once = Some(what.parse().unwrap());
        self.append(vec![Append { once, ..Self::said(Destination::Room(red()), by, what) }]).remove(0)
    }

    /// What ann does in the room.
    pub(super) fn act(&self, deed: Deed) -> StoreResult<()> {
        let (actor, time) = (person("ann"), Timestamp::from_millis(NOW));
        let act = Act { room: red(), actor, generation: self.ann.generation, time, deed };
        let report = self.server.store().governance.act(act)?;
        report.flush.run();
        assert!(matches!(report.result, ActResult::Done(_)), "{:?}", report.result);
        Ok(())
    }

    pub(super) fn order(&self, order: Order) -> StoreResult<()> {
        let target = order.user().map(|user| person(user.as_str()));
        self.act(Deed::Order { order, target })
    }

    pub(super) fn rights(&self) -> Option<RoomRights> {
        self.server.store().governance.rights(&[red()]).unwrap().remove(0)
    }

    pub(super) fn inside(&self) -> usize {
        self.server.store().rooms.counts(&[red()]).unwrap()[0]
    }

    /// The numbers of the entries of the room.
    pub(super) fn page(&self) -> Vec<u64> {
        let request = PageRequest { log: Self::log(), peer: None, range: PageRange::Newest, count: 99 };
        self.server.store().log.page(&request).unwrap().entries.iter().map(|entry| entry.id.0).collect()
    }

    /// What was heard of the newest entry of the room.
    pub(super) fn newest(&self) -> Entry {
        self.sink.entries(&Self::log()).pop().unwrap()
    }

    /// Changes the database behind the back of the server.
    pub(super) fn spoil(&self, sql: &str) {
        Connection::open(self.data.path().join(FILE_NAME)).unwrap().execute_batch(sql).unwrap();
    }
}
