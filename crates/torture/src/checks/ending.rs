//! A client that sends gets an answer in time, in order, and as the protocol says. Once all faults are over,
//! everything flows again.

use std::time::Duration;

use super::RECOVERY;
use crate::plan::Fault;
use crate::record::{Connection, History, Line, Moment, What};
use crate::report::Violation;

/// The promised 3 s, and slack for a busy machine.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3 + 7);

/// Checks the answers, and the end.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let overdue = history.overdue.iter();
    let mut found: Vec<Violation> =
        overdue.map(|what| Violation::new("everything flows again", what.clone(), history.settled, [])).collect();
    for (number, connection) in history.connections.iter().enumerate() {
        found.extend(unanswered(number, connection, history));
        for event in &connection.events {
            let broken = |invariant, what: String| Some(Violation::new(invariant, what, event.at, [number]));
            let over = event.at > history.settled && history.settled > Duration::ZERO;
            found.extend(match &event.what {
                What::Odd(line) => broken("only what the protocol knows is said, where it belongs", line.clone()),
                What::Lost if over => broken("nobody is cut off without a fault", connection.user.clone()),
                What::Bye { code } if code == "slow-consumer" && reads(connection, event.at, history) => {
                    broken("nobody is cut off who reads", connection.user.clone())
                }
                _ => None,
            });
        }
    }
    found
}

/// Whether the client had read all data that arrived, except data that a fault held back.
fn reads(connection: &Connection, at: Moment, history: &History) -> bool {
    let held = |fault: Fault| fault.interrupts(connection.server) || fault.deafens(connection.server, connection.weak);
    let before = at.saturating_sub(RECOVERY);
    !connection.slow && history.calm_but_for(before, at, RECOVERY, held) == at - before
}

/// Messages whose answer took too long although their server was able to answer.
fn unanswered(number: usize, connection: &Connection, history: &History) -> Vec<Violation> {
    let mut found = Vec::new();
    if connection.slow {
        // The time when an answer arrived is known only for clients that read.
        return found;
    }
    let mut before = Duration::ZERO;
    for exchange in connection.exchanges() {
        let until: Moment = exchange.answer.map_or(connection.end(), |(at, _)| at);
        // Answers arrive in order: this one was not due before the one ahead of it.
        let from = exchange.sent.max(before);
        before = until;
        let stands_still =
            |fault: Fault| fault.interrupts(connection.server) || fault.deafens(connection.server, connection.weak);
        let waited = history.calm_but_for(from, until, RECOVERY, stands_still);
        let is_speech = exchange.line.is_message() || matches!(exchange.line, Line::Publish(_));
        if is_speech && waited > ANSWERED_WITHIN {
            let what = format!("{:?} waited {waited:?} for its answer", exchange.line);
            found.push(Violation::new("whoever speaks is answered in time", what, until, [number]));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;

    fn invariants(story: HistoryBuilder) -> Vec<&'static str> {
        check(&story.history()).into_iter().map(|violation| violation.invariant).collect()
    }

    #[test]
    fn what_does_not_come_to_pass_is_found() {
        let mut story = HistoryBuilder::default();
        story.settle(&["ann is not back"]);
        assert_eq!(invariants(story), ["everything flows again"]);
    }

    #[test]
    fn a_line_that_does_not_belong_there_is_found() {
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        story.note(ann, What::Odd("{}".to_owned()));
        assert_eq!(invariants(story), ["only what the protocol knows is said, where it belongs"]);
    }

    #[test]
    fn a_loss_of_connection_is_found_where_no_fault_is() {
        let mut story = HistoryBuilder::default();
        let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        story.note(ann, What::Lost).settle(&[]).note(ben, What::Lost);
        assert_eq!(invariants(story), ["nobody is cut off without a fault"]);
    }

    #[test]
    fn an_answer_that_does_not_come_is_found_unless_the_server_stands_still() {
        let late = |faulty: bool| {
            let mut story = HistoryBuilder::default();
            let ann = story.log_in("ann", 0);
            if faulty {
                story.fault(0, 15);
            }
            story.ask(ann, Line::Say("hello?".to_owned()), None).wait(20).note(ann, What::Closed("enough"));
            invariants(story)
        };
        assert_eq!(late(false), ["whoever speaks is answered in time"]);
        assert_eq!(late(true), [""; 0]);
    }
}
