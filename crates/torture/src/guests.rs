//! Guests, who make accounts by invitations: several at a time by the same one. It must not judge who gets an account.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::RunContext;
use crate::record::{Connection, Line, Reply, What};
use crate::recorded_connection::{ConnectOptions, RecordedConnection};
use crate::rng::SeededRng;
use crate::ticket::Ticket;

/// Guests who come at the same time by an invitation for one.
const PARTY: usize = 3;
/// Pause between two parties, in milliseconds.
const PAUSE: (u64, u64) = (100, 500);
/// Maximum time for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The guests of a round.
struct Guests<'a> {
    context: &'a RunContext,
    rng: SeededRng,
    /// Number of guests so far. Each comes with a name of its own.
    came: usize,
    /// The invitations by which somebody came, by their ids.
    tried: BTreeSet<String>,
    records: Vec<Connection>,
}

/// Has guests come until `stop` is set. Returns the records of their connections.
pub(crate) fn receive(context: &RunContext, seed: u64, stop: &AtomicBool) -> Vec<Connection> {
    let rng = SeededRng::new(seed, 20_000);
    let mut guests = Guests { context, rng, came: 0, tried: BTreeSet::new(), records: Vec::new() };
    while !stop.load(Ordering::Relaxed) {
        if let Some((invitation, count)) = guests.next() {
            guests.come(&invitation, count);
        }
        thread::sleep(guests.rng.millis(PAUSE.0, PAUSE.1));
    }
    guests.records
}

impl Guests<'_> {
    /// The invitation by which guests come now, and how many: a party by each new one, sometimes one guest by another.
    fn next(&mut self) -> Option<(Ticket, usize)> {
        let all = self.context.board.invitations();
        if let Some(new) = all.iter().rev().find(|it| !self.tried.contains(&*it.id)) {
            self.tried.insert(new.id.to_string());
            return Some((new.clone(), PARTY));
        }
        (!all.is_empty() && self.rng.chance(10)).then(|| (self.rng.pick(&all).clone(), 1))
    }

    /// All show the invitation, and then all who may register at once.
    fn come(&mut self, invitation: &Ticket, count: usize) {
        let names: Vec<String> =
            (0..count).map(|guest| format!("gil{}{}", self.came + guest, self.context.tag)).collect();
        self.came += count;
        let mut party: Vec<(&String, RecordedConnection)> =
            names.iter().filter_map(|name| Some((name, self.open(name)?))).collect();
        for (_, link) in &mut party {
            link.send(vec![Line::Format, Line::Invite(invitation.clone())]);
        }
        let may_register: Vec<bool> = party.iter_mut().map(|(_, link)| answer(link) == Some(Reply::Done)).collect();
        for ((_, link), _) in party.iter_mut().zip(&may_register).filter(|(_, may)| **may) {
            link.send(vec![Line::Register]);
        }
        for ((name, mut link), may) in party.into_iter().zip(may_register) {
            let is_in = may && matches!(answer(&mut link), Some(Reply::Entered { .. }));
            self.stay(link, is_in);
            if is_in && self.rng.chance(50) {
                self.come_back(name);
            }
        }
    }

    /// Logs in to the account that the invitation made.
    fn come_back(&mut self, name: &str) {
        let Some(mut link) = self.open(name) else { return };
        link.send(vec![Line::Format, Line::Login]);
        let is_in = matches!(answer(&mut link), Some(Reply::Entered { .. }));
        self.stay(link, is_in);
    }

    /// Opens its rooms if it is in a session, and leaves.
    fn stay(&mut self, mut link: RecordedConnection, is_in: bool) {
        if is_in {
            link.send(vec![Line::Sync]);
            answer(&mut link);
        }
        self.records.push(link.close("as it likes", false));
    }

    fn open(&mut self, name: &str) -> Option<RecordedConnection> {
        let door = self.rng.pick(&self.context.doors);
        RecordedConnection::open(door, &ConnectOptions::default(), name, self.context.began)
    }
}

/// Waits until everything is answered. Returns the last answer, if it comes in time.
fn answer(link: &mut RecordedConnection) -> Option<Reply> {
    let (deadline, mut last) = (Instant::now() + PATIENCE, None);
    while link.pending() > 0 && link.alive() && Instant::now() < deadline {
        if let Some(What::Answered { reply, .. }) = link.listen(Duration::from_millis(100)) {
            last = Some(reply);
        }
    }
    last.filter(|_| link.pending() == 0)
}
