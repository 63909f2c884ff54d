//! Programs beside the server end sessions, suspend accounts and revoke tickets: the server hears of each order once.

use std::sync::Mutex;

use parlor_core::Flush;
use parlor_core::ports::{
    AccountVersion, Entry, Presence, SecretHash, Sink, Store, Suspension, Ticket, UnloggedMessage,
};
use parlor_proto::{Bye, Epoch, Generation, TicketId, Tickets as Which};
use parlor_store::sqlite::open_tickets;

use super::*;

fn ticket(secret: &str) -> Ticket {
    Ticket {
        hash: SecretHash::of(secret),
        label: Text::sanitise("laptop").into(),
        made: Timestamp::from_millis(7),
        used: None,
        address: None,
        lifetime: None,
        is_revoked: false,
    }
}

fn for_ever() -> Suspension {
    Suspension { until: None, reason: Text::sanitise("spam").into() }
}

#[test]
fn kicks_and_revocations_beside_the_server_are_noticed_once_and_old_ones_never() {
    let data = tempfile::tempdir().unwrap();
    let (accounts, tickets) = (open_accounts(data.path()).unwrap(), open_tickets(data.path()).unwrap());
    let (bob, old, new) = (account("bob"), ticket("old"), ticket("new"));
    accounts.create(&bob).unwrap();
    assert!(tickets.add(&bob, &old).unwrap() && tickets.add(&bob, &new).unwrap());
    assert_eq!(tickets.revoke(&bob.user, Which::One(old.id()), None).unwrap(), 1);
    assert!(accounts.kick(&bob.user).unwrap());
    let server = Server::open(data.path(), 10);
    server.sqlite.notice_changes().unwrap();
    assert_eq!((server.sink.kicked(), server.sink.revoked()), (vec![], vec![]));
    assert!(accounts.kick(&bob.user).unwrap());
    assert_eq!(tickets.revoke(&bob.user, Which::All, Some(Generation(9))).unwrap(), 1);
    for _ in 0..2 {
        server.sqlite.notice_changes().unwrap();
    }
    assert_eq!(server.sink.kicked(), [("bob".to_owned(), 2)]);
    assert_eq!(server.sink.revoked(), [("bob".to_owned(), new.id(), Some(Generation(9)))]);
}

#[test]
fn what_the_server_itself_ends_is_over_before_its_next_look() {
    let data = tempfile::tempdir().unwrap();
    let Server { sqlite, sink, .. } = Server::open(data.path(), 10);
    let (store, bob) = (sqlite.store(), account("bob"));
    store.accounts.create(&bob).unwrap();
    let revoked = |by| Some(("bob".to_owned(), ticket("one").id(), by));
    assert!(store.tickets.add(&bob, &ticket("one")).unwrap());
    assert_eq!(store.tickets.revoke(&bob.user, Which::All, None).unwrap(), 1);
    assert_eq!(sink.revoked().pop(), revoked(None));
    assert!(store.tickets.add(&bob, &ticket("one")).unwrap());
    let (new, by) = (PasswordHash::new("another".to_owned()), Generation(3));
    assert!(store.accounts.change_password(&bob.user, &bob.hash, &new, by).unwrap());
    assert_eq!(sink.revoked().pop(), revoked(Some(by)));
    assert!(store.accounts.suspend(&bob.user, Some(&for_ever())).unwrap());
    assert_eq!(sink.kicked(), [("bob".to_owned(), 1)]);
}

#[test]
fn a_suspension_ends_with_the_account() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 10);
    let memory = parlor_store::memory::open(Arc::new(RecordingSink::default()), 10);
    for store in [server.sqlite.store(), &memory] {
        let bob = account("bob");
        assert!(store.accounts.create(&bob).unwrap());
        assert!(store.accounts.suspend(&bob.user, Some(&for_ever())).unwrap());
        assert!(store.accounts.delete(&bob.user).unwrap() && store.accounts.create(&bob).unwrap());
        assert_eq!(store.accounts.find(&bob.user).unwrap(), Some(bob));
    }
}

/// Hears goodbyes, and nothing else.
#[derive(Default)]
struct Goodbyes(Mutex<Vec<Bye>>);

impl Sink for Goodbyes {
    fn deliver(&self, _log: &LogId, _entries: &[Entry]) -> Flush {
        Flush::default()
    }

    fn restarted(&self, _log: &LogId, _epoch: Epoch) {}

    fn presence(&self, _presence: &Presence) -> Flush {
        Flush::default()
    }

    fn direct(&self, _to: &UserName, _message: &UnloggedMessage) -> Option<Flush> {
        None
    }

    fn notice(&self, _message: &UnloggedMessage) -> Flush {
        Flush::default()
    }

    fn displaced(&self, _connection: ConnectionId) -> Flush {
        Flush::default()
    }

    fn account_deleted(&self, _user: &UserName, _created: Timestamp) -> Flush {
        Flush::default()
    }

    fn session_kicked(&self, _user: &UserName, _version: AccountVersion, bye: Bye) -> Flush {
        self.0.lock().unwrap().push(bye);
        Flush::default()
    }

    fn tickets_revoked(&self, _user: &UserName, _tickets: &[TicketId], _by: Option<Generation>) -> Flush {
        Flush::default()
    }
}

#[test]
fn the_goodbye_of_a_suspended_account_says_so() {
    let data = tempfile::tempdir().unwrap();
    let heard = Arc::new(Goodbyes::default());
    let sqlite = Sqlite::open(data.path(), 10, Durability::Process, heard.clone()).unwrap();
    let memory = parlor_store::memory::open(heard.clone(), 10);
    for Store { accounts, .. } in [sqlite.store(), &memory] {
        let (bob, suspension) = (account("bob"), for_ever());
        accounts.create(&bob).unwrap();
        let kick = || {
            assert!(accounts.kick(&bob.user).unwrap());
            sqlite.notice_changes().unwrap();
        };
        kick();
        assert!(accounts.suspend(&bob.user, Some(&suspension)).unwrap());
        kick();
        assert!(accounts.suspend(&bob.user, None).unwrap());
        kick();
        let goodbyes = std::mem::take(&mut *heard.0.lock().unwrap());
        assert_eq!(goodbyes, [Bye::Kicked, Bye::Suspended, Bye::Suspended, Bye::Kicked]);
    }
}

#[test]
fn old_orders_leave_their_tables() {
    let data = tempfile::tempdir().unwrap();
    let (accounts, tickets) = (open_accounts(data.path()).unwrap(), open_tickets(data.path()).unwrap());
    let bob = account("bob");
    accounts.create(&bob).unwrap();
    assert!(tickets.add(&bob, &ticket("one")).unwrap());
    let numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)";
    for insert in [
        "INSERT INTO kick (name, created, kicks) SELECT 'bob', 7, i FROM n",
        "INSERT INTO unlocking (name) SELECT 'bob' FROM n",
        "INSERT INTO revocation (name, ticket) SELECT 'bob', i FROM n",
    ] {
        assert_eq!(raw(data.path()).execute(&format!("{numbers} {insert}"), []).unwrap(), 1500);
    }
    assert!(accounts.kick(&bob.user).unwrap());
    assert!(accounts.unlock(&bob.user, None, Timestamp::from_millis(7)).unwrap());
    assert_eq!(tickets.revoke(&bob.user, Which::All, None).unwrap(), 1);
    for table in ["kick", "unlocking", "revocation"] {
        let sql = format!("SELECT count(*), min(id), max(id) FROM {table}");
        let range = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let found: (u32, u32, u32) = raw(data.path()).query_row(&sql, [], range).unwrap();
        assert_eq!(found, (1000, 502, 1501), "{table}");
    }
}

#[test]
fn what_no_program_wrote_is_an_error_of_whoever_reads_it() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 10);
    let store = server.sqlite.store();
    let bob = account("bob");
    store.accounts.create(&bob).unwrap();
    assert_eq!(server.say("hello"), Ok(1));
    let spoil = |sql: &str| assert_eq!(raw(data.path()).execute(sql, []).unwrap(), 1, "{sql}");
    spoil("INSERT INTO ticket VALUES ('bob', 1, 'no hash', '', 7, NULL, NULL, NULL, 0)");
    assert!(store.tickets.tickets(&bob.user).is_err());
    spoil("INSERT INTO follow VALUES ('bob', 'no name')");
    assert!(store.follows.subscriptions(&bob.user).is_err());
    spoil("INSERT INTO remembered_room VALUES ('bob', '?')");
    assert!(store.personal.load(&bob.user).is_err());
    spoil("INSERT INTO invitation VALUES (1, 'no hash', 'bob', 'member', '', 1, 7, 8)");
    assert!(store.invitations.invitations(bob.created).is_err());
    spoil("UPDATE entry SET text = ' '");
    let request = PageRequest { log: lobby(), peer: None, range: PageRange::Newest, count: 9 };
    assert!(store.log.page(&request).is_err());
    spoil("UPDATE log SET epoch = 'no number'");
    assert!(store.log.heads(&[lobby()]).is_err());
    spoil("INSERT INTO account (name, hash, role, created) VALUES ('?', 'x', 'member', 7)");
    assert!(store.accounts.accounts().is_err());
    // Nobody else is hindered.
    assert_eq!((server.say("on"), store.accounts.find(&bob.user).unwrap()), (Ok(2), Some(bob)));
    // Rights by which nobody can be judged keep a server from beginning.
    spoil("INSERT INTO rights VALUES ('red', '{}')");
    drop(server);
    let Err(error) = open(data.path()) else { panic!("opened a database with unknown rights") };
    assert!(!error.to_string().contains('\n'), "{error}");
}
