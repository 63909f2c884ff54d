//! The contents of a run in numbers. It must not judge.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::plan::{Fault, FaultKind};
use crate::record::{Connection, Content, Exchange, Heard, History, Line, Moment, Reply, Usage, What};

/// Sums over all rounds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Statistics {
    pub(crate) connections: u64,
    pub(crate) sessions: u64,
    /// Logins by a ticket that were answered, also by a refusal.
    pub(crate) resumed: u64,
    /// Messages and publications that the sender saw acknowledged.
    pub(crate) accepted: u64,
    /// Room messages that others received.
    pub(crate) delivered: u64,
    /// Orders of moderators among them.
    pub(crate) moderated: u64,
    /// Edits and removals among them.
    pub(crate) rewritten: u64,
    pub(crate) publications: u64,
    pub(crate) direct: u64,
    /// Accounts that were made by an invitation.
    pub(crate) invited: u64,
    /// What programs said and was accepted.
    pub(crate) reported: u64,
    /// What outgoing hooks posted and was taken.
    pub(crate) posted: u64,
    /// Presence events.
    pub(crate) presence: u64,
    /// Entries that `/history` returned.
    pub(crate) shown: u64,
    /// Entries that `/backlog` returned.
    pub(crate) paged: u64,
    /// Answers to `/sync`.
    pub(crate) syncs: u64,
    /// Conversations whose mark `/sync` told.
    pub(crate) marks: u64,
    /// Lists of members and of rooms.
    pub(crate) lists: u64,
    pub(crate) answered: u64,
    pub(crate) samples: u64,
    pub(crate) probes: u64,
    /// How often each fault was injected.
    pub(crate) by_kind: BTreeMap<FaultKind, u64>,
    /// How often the machine stalled.
    pub(crate) stalls: u64,
    /// The longest time in which a client wanted to send but could not.
    pub(crate) longest_outage: Outage,
    /// For each fault, the time from its end until the first message was accepted again.
    pub(crate) recoveries: Vec<Duration>,
    /// Maximum usage of a server, for each kind of resource.
    pub(crate) most: Usage,
    /// Maximum usage of a server before any client connected, and maximum usage at the end.
    pub(crate) idle: Usage,
    pub(crate) left: Usage,
}

/// A time in which a client could not send.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Outage {
    pub(crate) lasted: Duration,
    pub(crate) user: String,
    /// The faults during that time.
    pub(crate) faults: Vec<String>,
}

impl Statistics {
    pub(crate) fn faults(&self) -> u64 {
        self.by_kind.values().sum()
    }

    /// Adds a round.
    pub(crate) fn add(&mut self, history: &History) {
        for connection in &history.connections {
            self.connections += 1;
            self.sessions += u64::from(connection.login().is_some());
            let shown = connection.exchanges_by_answer().filter(|exchange| matches!(exchange.line, Line::Resume(..)));
            self.resumed += shown.count() as u64;
            let exchanges = connection.exchanges();
            let is_invited = exchanges.iter().any(|exchange| matches!(exchange.line, Line::Invite(_)));
            self.invited += u64::from(is_invited && connection.login().is_some());
            let is_report = |exchange: &Exchange<'_>| matches!(exchange.line, Line::Report { .. });
            let said = exchanges.iter().filter(|exchange| is_report(exchange) && exchange.done().is_some());
            self.reported += said.count() as u64;
            connection.events.iter().for_each(|event| self.count(&event.what));
        }
        self.posted += history.posts.iter().filter(|post| !post.is_refused).count() as u64;
        self.samples += history.samples.len() as u64;
        self.probes += history.probes.len() as u64;
        self.stalls += history.spans.iter().filter(|span| span.fault == Fault::STALL).count() as u64;
        for span in history.spans.iter().filter(|span| span.fault != Fault::STALL) {
            *self.by_kind.entry(span.fault.kind).or_default() += 1;
            self.recoveries.extend(recovery(span.fault, span.to, history));
        }
        for outage in outages(history) {
            if outage.lasted > self.longest_outage.lasted {
                self.longest_outage = outage;
            }
        }
        history.samples.iter().for_each(|sample| self.most = most(self.most, sample.usage));
        for rest in &history.rests {
            self.idle = most(self.idle, rest.before);
            // No sample is taken any more once everybody has gone, yet a server may still grow then.
            self.most = most(self.most, most(rest.before, rest.after));
        }
        self.left = history.rests.iter().map(|rest| rest.after).fold(Usage::default(), most);
    }

    fn count(&mut self, what: &What) {
        match what {
            What::Heard(Heard::Message { entry, .. }) => {
                self.delivered += 1;
                self.moderated += u64::from(entry.deed().is_some());
                self.rewritten += u64::from(matches!(entry.content, Content::Edit { .. } | Content::Removal { .. }));
            }
            What::Heard(Heard::Publication(_)) => self.publications += 1,
            What::Heard(Heard::Direct(_)) => self.direct += 1,
            What::Heard(Heard::Entered { .. } | Heard::Left { .. } | Heard::Moved { .. }) => self.presence += 1,
            What::Answered { reply, .. } => {
                self.answered += 1;
                match reply {
                    Reply::Stored { .. } => self.accepted += 1,
                    Reply::Users { .. } | Reply::Rooms(_) => self.lists += 1,
                    Reply::History { entries, .. } => self.shown += entries.len() as u64,
                    Reply::Page { entries, .. } => self.paged += entries.len() as u64,
                    Reply::Synced { standings, .. } => {
                        self.syncs += 1;
                        self.marks += standings.len() as u64;
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

fn most(one: Usage, other: Usage) -> Usage {
    Usage {
        memory: one.memory.max(other.memory),
        threads: one.threads.max(other.threads),
        descriptors: one.descriptors.max(other.descriptors),
    }
}

/// The time from the end of a fault until each server that it hit has accepted a new message.
fn recovery(fault: Fault, ended: Moment, history: &History) -> Option<Duration> {
    if fault.kind.is_of_clients() {
        return None;
    }
    let servers = history.connections.iter().map(|connection| connection.server).max()?;
    let hit = (0..=servers).filter(|server| fault.server.is_none_or(|hit| hit == *server));
    let first = |server: usize| {
        let there = history.connections.iter().filter(|connection| connection.server == server);
        let exchanges = there.flat_map(Connection::exchanges).filter(|exchange| exchange.sent >= ended);
        exchanges.filter_map(|exchange| exchange.stored()).map(|(at, _)| at).min()
    };
    let slowest = hit.filter_map(first).max()?;
    Some(slowest.saturating_sub(ended))
}

/// Times in which a user who stays could not send: from the first line without success to the next success, on any
/// connection.
fn outages(history: &History) -> Vec<Outage> {
    let mut by_user: BTreeMap<&str, Vec<&Connection>> = BTreeMap::new();
    for connection in &history.connections {
        by_user.entry(&connection.user).or_default().push(connection);
    }
    let mut found = Vec::new();
    for (user, connections) in by_user {
        let longest = spells(&connections).into_iter().max_by_key(|(from, to)| *to - *from);
        let Some((from, to)) = longest else { continue };
        let during = history.spans.iter().filter(|span| span.from < to && from < span.to);
        let faults = during.map(|span| span.fault.to_string()).collect();
        found.push(Outage { lasted: to - from, user: user.to_owned(), faults });
    }
    found
}

/// Evidence of whether a user could send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    Succeeds,
    /// Leaves by choice, or was displaced by another connection.
    Leaves,
    Tries,
    IsCutOff,
}

/// Connections of one user may overlap. A connection that is cut off late, on a frozen server, had a successor long
/// before, so its end proves nothing.
fn spells(connections: &[&Connection]) -> Vec<(Moment, Moment)> {
    let begin = |connection: &Connection| connection.events.first().map(|event| event.at);
    let is_followed = |connection: &Connection, end: Moment| {
        connections.iter().any(|other| begin(other) > begin(connection) && begin(other) < Some(end))
    };
    let ends = connections.iter().filter_map(|it| end(it).filter(|(at, _)| !is_followed(it, *at)));
    let mut signs: Vec<(Moment, Sign)> = connections.iter().flat_map(|it| tries(it)).chain(ends).collect();
    signs.sort_unstable();
    let mut spells = Vec::new();
    let mut since: Option<Moment> = None;
    for (at, sign) in signs {
        match sign {
            Sign::Tries | Sign::IsCutOff => since = since.or(Some(at)),
            Sign::Leaves => since = None,
            Sign::Succeeds => spells.extend(since.take().map(|from| (from, at))),
        }
    }
    spells
}

fn tries(connection: &Connection) -> Vec<(Moment, Sign)> {
    let mut signs = Vec::new();
    for exchange in
        connection.exchanges().iter().filter(|it| it.line.is_message() || matches!(it.line, Line::Publish(_)))
    {
        signs.push((exchange.sent, Sign::Tries));
        signs.extend(exchange.stored().map(|(at, _)| (at, Sign::Succeeds)));
    }
    signs
}

fn end(connection: &Connection) -> Option<(Moment, Sign)> {
    let last = connection.events.last()?;
    match last.what {
        What::Closed("as it likes" | "storm" | "it makes room") => Some((last.at, Sign::Leaves)),
        What::Lost if was_displaced(connection) => Some((last.at, Sign::Leaves)),
        What::Lost => Some((last.at, Sign::IsCutOff)),
        _ => None,
    }
}

fn was_displaced(connection: &Connection) -> bool {
    connection.events.iter().any(|event| matches!(event.what, What::Bye { .. }))
}

#[cfg(test)]
mod tests {
    use crate::checks::history_builder::HistoryBuilder;
    use crate::record::{Rest, Sample};

    use super::*;

    #[test]
    fn everything_is_counted() {
        let mut story = HistoryBuilder::default();
        let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        story.say(ann, "a1", 1).hear(ben, 1, "ann", "a1").publish(ann, "p1", 1);
        let mut tally = Statistics::default();
        tally.add(&story.history());
        assert_eq!((tally.sessions, tally.accepted, tally.delivered, tally.publications), (2, 2, 1, 0));
    }

    #[test]
    fn no_server_ever_took_more_than_the_most() {
        let usage = |memory, threads| Usage { memory, threads, descriptors: 9 };
        let sample = Sample { server: 0, at: Moment::default(), usage: usage(47, 5), connections: 1 };
        let rest = |before, after| Rest { server: 0, before, after };
        let mut tally = Statistics::default();
        let first =
            History { samples: vec![sample], rests: vec![rest(usage(40, 7), usage(54, 3))], ..History::default() };
        tally.add(&first);
        assert_eq!(tally.most, usage(54, 7));
        tally.add(&History { rests: vec![rest(usage(54, 3), usage(41, 3))], ..History::default() });
        assert_eq!((tally.most, tally.left), (usage(54, 7), usage(41, 3)));
    }

    #[test]
    fn an_outage_lasts_from_the_first_failure_to_the_next_success() {
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        story.say(ann, "a1", 1).wait(2).ask(ann, Line::Say("a2".to_owned()), None).wait(5).note(ann, What::Lost);
        let again = story.log_in("ann", 0);
        story.wait(3).say(again, "a3", 2);
        let mut tally = Statistics::default();
        tally.add(&story.history());
        assert_eq!(tally.longest_outage.lasted.as_secs(), 8);
        assert_eq!(tally.longest_outage.user, "ann");
    }

    #[test]
    fn one_that_is_cut_off_after_its_successor_began_counts_for_nothing() {
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        story.say(ann, "a1", 1).ask(ann, Line::Say("a2".to_owned()), None).wait(3);
        let again = story.log_in("ann", 1);
        story.say(again, "a3", 2).wait(4).note(ann, What::Lost).wait(5).say(again, "a4", 3);
        let mut tally = Statistics::default();
        tally.add(&story.history());
        assert_eq!(tally.longest_outage.lasted.as_secs(), 3);
    }

    #[test]
    fn recovery_is_the_time_to_the_next_message_on_the_server_that_was_hit() {
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        story.fault(1, 5).wait(7).say(ann, "a1", 1);
        let mut tally = Statistics::default();
        tally.add(&story.history());
        assert_eq!(tally.recoveries.iter().map(Duration::as_secs).collect::<Vec<_>>(), [2]);
    }
}
