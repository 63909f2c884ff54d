//! The text that describes a broken promise to users: the promise, what broke it, and the events around it. It must not
//! search for broken promises.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::record::{Event, History, Moment, Post};

/// How much time before and after the violation is shown.
const BEFORE: Duration = Duration::from_secs(4);
const AFTER: Duration = Duration::from_secs(1);
const LINES: usize = 60;

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The promise.
    pub(crate) invariant: &'static str,
    /// What broke it.
    pub(crate) what: String,
    pub(crate) at: Moment,
    /// The connections that took part in it.
    pub(crate) connections: Vec<usize>,
    /// Selects more of their events: those at any time that contain this text.
    pub(crate) about: Option<String>,
}

impl Violation {
    pub(crate) fn new(
        invariant: &'static str,
        what: impl Into<String>,
        at: Moment,
        connections: impl IntoIterator<Item = usize>,
    ) -> Self {
        Self { invariant, what: what.into(), at, connections: connections.into_iter().collect(), about: None }
    }

    /// Also shows the events that mention `what`.
    pub(crate) fn about(self, what: impl Into<String>) -> Self {
        Self { about: Some(what.into()), ..self }
    }
}

/// A violation with the events around it.
pub(crate) fn describe(violation: &Violation, history: &History) -> String {
    let Violation { invariant, what, at, connections, about } = violation;
    let mut text = format!("BROKEN: {invariant}\n  {what}\n");
    let around = at.saturating_sub(BEFORE)..*at + AFTER;
    let events = events(history, &connections.iter().copied().collect());
    let mentions = |event: &Event| about.as_ref().is_some_and(|about| event.to_string().contains(about));
    let (near, far): (Vec<_>, Vec<_>) = events.into_iter().partition(|(_, event)| around.contains(&event.at));
    let far = far.into_iter().filter(|(_, event)| mentions(event));
    // The closest events explain most.
    let surplus = near.len().saturating_sub(LINES);
    let (before, after) = near.split_at(near.partition_point(|(_, event)| event.at < *at));
    let before = &before[surplus.min(before.len())..];
    let mut shown: Vec<_> = far.chain(before.iter().chain(after.iter().take(LINES)).copied()).collect();
    shown.sort_by_key(|(_, event)| event.at);
    for (number, event) in shown {
        let connection = &history.connections[number];
        text += &format!("  [{number} {} at s{}] {event}\n", connection.user, connection.server);
    }
    text + &faults(history)
}

/// All events, for a file.
pub(crate) fn everything(history: &History) -> String {
    let mut text = faults(history);
    for (number, event) in events(history, &(0..history.connections.len()).collect()) {
        let connection = &history.connections[number];
        text += &format!("[{number} {} at s{}] {event}\n", connection.user, connection.server);
    }
    for Post { at, hook, epoch, id, from, text: said, missed, .. } in &history.posts {
        let at = at.as_secs_f64();
        text += &format!("{at:8.3} s  {hook} posts number {id} of {epoch} by {from}: {said}, missed: {missed}\n");
    }
    text
}

/// The times of the faults.
fn faults(history: &History) -> String {
    let mut text = String::new();
    for span in &history.spans {
        let (from, to) = (span.from.as_secs_f64(), span.to.as_secs_f64());
        text += &format!("  fault from {from:.3} s to {to:.3} s: {}\n", span.fault);
    }
    text
}

/// The events of connections in order of time.
fn events<'a>(history: &'a History, connections: &BTreeSet<usize>) -> Vec<(usize, &'a Event)> {
    let chosen = history.connections.iter().enumerate().filter(|(number, _)| connections.contains(number));
    let mut events: Vec<(usize, &Event)> =
        chosen.flat_map(|(number, connection)| connection.events.iter().map(move |event| (number, event))).collect();
    events.sort_by_key(|(_, event)| event.at);
    events
}
