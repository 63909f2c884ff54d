//! Sinks for tests of stores: one that records the store's events in order, and one that ignores them. They must not
//! judge the events, except for errors that no store may ever make.

use std::collections::BTreeSet;
use std::sync::Mutex;

use parlor_core::ports::{AccountVersion, Change, Entry, LogId, Presence, Sink, UnloggedMessage};
use parlor_core::{ConnectionId, Flush};
use parlor_proto::{Bye, Epoch, Generation, TicketId, Timestamp, UserName};

use crate::lock;

/// An event from a store.
#[derive(Debug, Clone)]
pub enum Reported {
    /// An entry of a followed log.
    Entry(LogId, Entry),
    /// A log has a new epoch.
    Restarted(LogId),
    /// A change of members.
    Presence(Presence),
    /// The session of a connection was displaced.
    Displaced(u64),
    /// A broadcast.
    Notice(UnloggedMessage),
    /// A direct message.
    Direct(UnloggedMessage),
    /// The account with this name and creation time was deleted.
    Deleted(String, Timestamp),
    /// The account was kicked, for this many times in all.
    Kicked(String, u64),
    /// Tickets of the user were revoked, by this session.
    Revoked(String, Vec<TicketId>, Option<Generation>),
}

/// Records the events of a store. Panics if deliveries of one log overlap.
#[derive(Debug, Default)]
pub struct RecordingSink {
    reported: Mutex<Vec<Reported>>,
    /// Logs with a delivery in progress.
    delivering: Mutex<BTreeSet<LogId>>,
    /// Users without a session on this server. All other users have one.
    elsewhere: Mutex<BTreeSet<String>>,
}

impl RecordingSink {
    /// Sets whether a direct message to this user finds a session on this server.
    pub fn set_here(&self, user: &str, is_here: bool) {
        let mut elsewhere = lock(&self.elsewhere);
        if is_here {
            elsewhere.remove(user)
        } else {
            elsewhere.insert(user.to_owned())
        };
    }

    /// Forgets all events that are not wanted.
    pub fn retain(&self, wanted: impl FnMut(&Reported) -> bool) {
        lock(&self.reported).retain(wanted);
    }

    /// All events.
    pub fn reported(&self) -> Vec<Reported> {
        lock(&self.reported).clone()
    }

    fn pick<T>(&self, pick: impl FnMut(&Reported) -> Option<T>) -> Vec<T> {
        lock(&self.reported).iter().filter_map(pick).collect()
    }

    /// Entries of a log, including entries of earlier epochs.
    pub fn entries(&self, log: &LogId) -> Vec<Entry> {
        self.pick(|it| match it {
            Reported::Entry(of, entry) if of == log => Some(entry.clone()),
            _ => None,
        })
    }

    /// The texts of the entries of a log.
    pub fn texts(&self, log: &LogId) -> Vec<String> {
        self.entries(log).iter().map(|entry| entry.said().to_string()).collect()
    }

    /// The numbers of the entries of a log.
    pub fn ids(&self, log: &LogId) -> Vec<u64> {
        self.entries(log).iter().map(|entry| entry.id.0).collect()
    }

    /// How often a log got a new epoch.
    pub fn restarts(&self, log: &LogId) -> usize {
        self.pick(|it| matches!(it, Reported::Restarted(of) if of == log).then_some(())).len()
    }

    /// The deleted accounts, with their creation times.
    pub fn deleted(&self) -> Vec<(String, Timestamp)> {
        self.pick(|it| match it {
            Reported::Deleted(user, created) => Some((user.clone(), *created)),
            _ => None,
        })
    }

    /// The kicked accounts, each with its number of kicks.
    pub fn kicked(&self) -> Vec<(String, u64)> {
        self.pick(|it| match it {
            Reported::Kicked(user, kicks) => Some((user.clone(), *kicks)),
            _ => None,
        })
    }

    /// The revoked tickets, each with its user and the session that revoked it.
    pub fn revoked(&self) -> Vec<(String, TicketId, Option<Generation>)> {
        let revoked = self.pick(|it| match it {
            Reported::Revoked(user, tickets, by) => Some((user.clone(), tickets.clone(), *by)),
            _ => None,
        });
        revoked.into_iter().flat_map(|(user, ids, by)| ids.into_iter().map(move |id| (user.clone(), id, by))).collect()
    }

    /// Direct messages.
    pub fn directs(&self) -> Vec<UnloggedMessage> {
        self.pick(|it| match it {
            Reported::Direct(message) => Some(message.clone()),
            _ => None,
        })
    }

    /// The texts of direct messages.
    pub fn direct_texts(&self) -> Vec<String> {
        self.directs().iter().map(|message| message.text.to_string()).collect()
    }

    /// Broadcasts.
    pub fn notices(&self) -> Vec<UnloggedMessage> {
        self.pick(|it| match it {
            Reported::Notice(message) => Some(message.clone()),
            _ => None,
        })
    }

    /// Changes of members, of all rooms.
    pub fn presences(&self) -> Vec<Presence> {
        self.pick(|it| match it {
            Reported::Presence(presence) => Some(presence.clone()),
            _ => None,
        })
    }

    /// The users who entered a room (`+ann`) and who left it (`-ann`).
    pub fn changes(&self, room: &str) -> Vec<String> {
        let of_room = self.presences().into_iter().filter(|presence| presence.room.as_str() == room);
        of_room.map(|it| format!("{}{}", if it.change == Change::Entered { '+' } else { '-' }, it.user)).collect()
    }

    /// The connection of each displaced session, once for each event.
    pub fn displacements(&self) -> Vec<u64> {
        self.pick(|it| match it {
            Reported::Displaced(connection) => Some(*connection),
            _ => None,
        })
    }

    /// Connections whose sessions were displaced, sorted, without duplicates.
    pub fn displaced(&self) -> Vec<u64> {
        self.displacements().into_iter().collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn record(&self, reported: Reported) -> Flush {
        lock(&self.reported).push(reported);
        Flush::default()
    }
}

impl Sink for RecordingSink {
    fn deliver(&self, log: &LogId, entries: &[Entry]) -> Flush {
        assert!(lock(&self.delivering).insert(log.clone()), "deliveries of one log overlap");
        std::thread::yield_now();
        lock(&self.reported).extend(entries.iter().map(|entry| Reported::Entry(log.clone(), entry.clone())));
        lock(&self.delivering).remove(log);
        Flush::default()
    }

    fn restarted(&self, log: &LogId, _epoch: Epoch) {
        self.record(Reported::Restarted(log.clone())).run();
    }

    fn presence(&self, presence: &Presence) -> Flush {
        self.record(Reported::Presence(presence.clone()))
    }

    fn direct(&self, to: &UserName, message: &UnloggedMessage) -> Option<Flush> {
        let is_here = !lock(&self.elsewhere).contains(to.as_str());
        is_here.then(|| self.record(Reported::Direct(message.clone())))
    }

    fn notice(&self, message: &UnloggedMessage) -> Flush {
        self.record(Reported::Notice(message.clone()))
    }

    fn displaced(&self, connection: ConnectionId) -> Flush {
        self.record(Reported::Displaced(connection.0))
    }

    fn account_deleted(&self, user: &UserName, created: Timestamp) -> Flush {
        self.record(Reported::Deleted(user.to_string(), created))
    }

    fn session_kicked(&self, user: &UserName, version: AccountVersion, _bye: Bye) -> Flush {
        self.record(Reported::Kicked(user.to_string(), version.kicks))
    }

    fn tickets_revoked(&self, user: &UserName, tickets: &[TicketId], by: Option<Generation>) -> Flush {
        self.record(Reported::Revoked(user.to_string(), tickets.to_vec(), by))
    }
}

/// Ignores all events: there are no clients.
#[derive(Debug, Default)]
pub struct NoopSink;

impl Sink for NoopSink {
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

    fn session_kicked(&self, _user: &UserName, _version: AccountVersion, _bye: Bye) -> Flush {
        Flush::default()
    }

    fn tickets_revoked(&self, _user: &UserName, _tickets: &[TicketId], _by: Option<Generation>) -> Flush {
        Flush::default()
    }
}
