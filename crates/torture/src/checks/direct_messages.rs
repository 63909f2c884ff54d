//! The recipient receives a direct message at most once, and exactly once if there is no fault.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ARRIVES_WITHIN;
use crate::record::{Exchange, Heard, History, Line, Moment, Reply};
use crate::report::Violation;

/// A fault up to this long before a message may still have disconnected its recipient.
const BEFORE: Duration = Duration::from_secs(20);

/// Checks all direct messages.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let mut found = Vec::new();
    let said = said(history);
    let mut heard: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, connection) in history.connections.iter().enumerate() {
        for (at, event) in connection.heard() {
            let Heard::Direct { from, text } = event else { continue };
            let mut broken = |invariant, what: String| {
                found.push(Violation::new(invariant, what, at, [number]));
            };
            match said.get(text.as_str()) {
                Some((sender, to, _)) if *to == connection.user && *sender == from => {}
                _ => broken("what is said to one is heard by no other", format!("{text:?} of {from}")),
            }
            if heard.insert(text, number).is_some() {
                broken("what is said to one is heard once", format!("{text:?} of {from}"));
            }
        }
    }
    let unheard = said.iter().filter(|(text, _)| !heard.contains_key(*text));
    found.extend(unheard.filter_map(|(text, (_, to, exchange))| missed(text, to, exchange, history)));
    found
}

/// Every text with its sender, its recipient and its answer.
fn said(history: &History) -> BTreeMap<&str, (&str, &str, Exchange<'_>)> {
    let mut said = BTreeMap::new();
    for connection in &history.connections {
        for exchange in connection.exchanges() {
            if let Line::Direct { to, text } = exchange.line {
                said.insert(text.as_str(), (connection.user.as_str(), to.as_str(), exchange));
            }
        }
    }
    said
}

/// The message was accepted, but its recipient did not receive it, although the recipient had one session all the time
/// and there was no fault.
fn missed(text: &str, to: &str, exchange: &Exchange<'_>, history: &History) -> Option<Violation> {
    let (answered, Reply::Done) = exchange.answer? else { return None };
    let (from, until) = (exchange.sent.saturating_sub(BEFORE), answered + ARRIVES_WITHIN);
    if history.calm(from, until, Duration::ZERO) < until - from {
        return None;
    }
    let there = |begin: Moment, end: Moment| begin < until && end > exchange.sent;
    let mut sessions = history.connections.iter().enumerate().filter(|(_, connection)| {
        let begin = connection.events.first().map_or(Duration::MAX, |event| event.at);
        connection.user == to && there(begin, connection.end())
    });
    let (number, connection) = sessions.next()?;
    let (begun, _) = connection.login()?.answer?;
    let all_the_time = begun < exchange.sent && (connection.end() > until || connection.final_one);
    if sessions.next().is_some() || !all_the_time {
        return None;
    }
    let what = format!("{text:?} for {to} was accepted and not heard");
    Some(Violation::new("what is said to one arrives where there is no fault", what, answered, [number]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;
    use crate::record::What;

    fn invariants(story: HistoryBuilder) -> Vec<&'static str> {
        check(&story.history()).into_iter().map(|violation| violation.invariant).collect()
    }

    fn begun() -> (HistoryBuilder, usize) {
        let mut story = HistoryBuilder::default();
        let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        let line = Line::Direct { to: "ben".to_owned(), text: "psst".to_owned() };
        story.ask(ann, line, Some(Reply::Done));
        (story, ben)
    }

    fn hear(story: &mut HistoryBuilder, connection: usize, from: &str) {
        let heard = Heard::Direct { from: from.to_owned(), text: "psst".to_owned() };
        story.note(connection, What::Heard(heard));
    }

    #[test]
    fn what_arrives_once_is_found_right() {
        let (mut story, ben) = begun();
        hear(&mut story, ben, "ann");
        story.wait(60).ping(ben);
        assert_eq!(invariants(story), Vec::<&str>::new());
    }

    #[test]
    fn a_repetition_and_a_wrong_receiver_or_sender_are_found() {
        let (mut story, ben) = begun();
        hear(&mut story, ben, "ann");
        hear(&mut story, ben, "ann");
        assert_eq!(invariants(story), ["what is said to one is heard once"]);
        let (mut story, _) = begun();
        let eve = story.log_in("eve", 0);
        hear(&mut story, eve, "ann");
        assert_eq!(invariants(story), ["what is said to one is heard by no other"]);
        let (mut story, ben) = begun();
        hear(&mut story, ben, "eve");
        assert_eq!(invariants(story), ["what is said to one is heard by no other"]);
    }

    #[test]
    fn what_does_not_arrive_is_found_unless_there_are_faults() {
        let (mut story, ben) = begun();
        story.wait(60).ping(ben);
        assert_eq!(invariants(story), ["what is said to one arrives where there is no fault"]);
        let (mut story, ben) = begun();
        story.fault(1, 2).wait(60).ping(ben);
        assert_eq!(invariants(story), Vec::<&str>::new());
    }
}
