//! A second login affects the first and the second session as the server's setting requires.

use std::time::Duration;

use crate::record::{Connection, History, Line, Moment, Reply, What};
use crate::report::Violation;

/// The promised 2 s, and slack for a busy machine.
const ENDED_WITHIN: Duration = Duration::from_secs(2 + 8);
/// A fault up to this long before a login may have ended the earlier session.
const BEFORE: Duration = Duration::from_secs(20);

const KEPT: &str = "the policy of a second login is kept";
const ONE: &str = "a user has one session";

/// Checks every login, and every goodbye.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let mut found = Vec::new();
    for (number, connection) in history.connections.iter().enumerate() {
        for event in &connection.events {
            let not_kept = |what: &str| Some(Violation::new(KEPT, what, event.at, [number]));
            found.extend(match &event.what {
                // A fault may have ended the session's lease, and a later login came in between.
                What::Bye { code }
                    if history.reject && code == "logged-in-elsewhere" && !disturbed(event.at, event.at, history) =>
                {
                    not_kept("a session was ended by a login that was to be refused")
                }
                What::Answered { reply: Reply::Refused { code }, .. }
                    if !history.reject && code == "already-logged-in" =>
                {
                    not_kept("a login was refused that was to end the earlier session")
                }
                _ => None,
            });
        }
        found.extend(second(number, connection, history));
    }
    found
}

/// A login that was answered while another session certainly lived.
fn second(number: usize, later: &Connection, history: &History) -> Option<Violation> {
    let login = later.login()?;
    let (answered, _) = login.answer?;
    let others = history.connections.iter().enumerate();
    let mut others = others.filter(|(other, it)| *other != number && it.user == later.user);
    let (other, what) = others.find_map(|(other, earlier)| {
        let (begun, _) = earlier.login()?.answer?;
        if begun > login.sent || disturbed(begun, answered, history) {
            return None;
        }
        if history.reject {
            // The earlier session got an answer after the later login was answered.
            let lives = last_answer(earlier)? > answered && earlier.end() > answered;
            return lives.then(|| (other, "a login was answered while another session lived".to_owned()));
        }
        let calm = history.calm(answered.saturating_sub(BEFORE), answered + ENDED_WITHIN, BEFORE);
        let reads = !earlier.slow && !earlier.weak && calm >= ENDED_WITHIN + BEFORE.min(answered);
        let lives = reads && earlier.end() > answered + ENDED_WITHIN && !was_ended(earlier);
        lives.then(|| (other, format!("the earlier session of {} was not ended", later.user)))
    })?;
    let invariant = if history.reject { KEPT } else { ONE };
    Some(Violation::new(invariant, what, answered, [other, number]))
}

/// Whether a fault may have ended the earlier session without a trace. With the policy `takeover` no fault does.
fn disturbed(begun: Moment, until: Moment, history: &History) -> bool {
    history.reject && history.calm(begun.saturating_sub(BEFORE), until, BEFORE) < until - begun.saturating_sub(BEFORE)
}

fn last_answer(connection: &Connection) -> Option<Moment> {
    let answers = connection.exchanges().into_iter().filter(|exchange| !matches!(exchange.line, Line::Format));
    answers.filter_map(|exchange| exchange.answer).map(|(at, _)| at).max()
}

fn was_ended(connection: &Connection) -> bool {
    connection.events.iter().any(|event| matches!(event.what, What::Bye { .. } | What::Lost))
}

#[cfg(test)]
mod tests {
    use crate::checks::history_builder::HistoryBuilder;

    use super::*;

    fn invariants(story: HistoryBuilder, reject: bool) -> Vec<&'static str> {
        let history = History { reject, ..story.history() };
        check(&history).into_iter().map(|violation| violation.invariant).collect()
    }

    /// Ann logs in twice. The first session continues for the given number of seconds.
    fn twice(goes_on: u64) -> (HistoryBuilder, usize) {
        let mut story = HistoryBuilder::default();
        let first = story.log_in("ann", 0);
        story.wait(30).ping(first).log_in("ann", 0);
        story.wait(goes_on).ping(first);
        (story, first)
    }

    #[test]
    fn a_takeover_ends_the_first_session() {
        let (story, _) = twice(11);
        assert_eq!(invariants(story, false), [ONE]);
        let (story, _) = twice(1);
        assert_eq!(invariants(story, false), Vec::<&str>::new());
        let (mut story, first) = twice(11);
        story.note(first, What::Bye { code: "logged-in-elsewhere".to_owned() });
        assert_eq!(invariants(story, false), Vec::<&str>::new());
    }

    #[test]
    fn a_refused_login_leaves_the_first_session_alone() {
        let (story, _) = twice(1);
        assert_eq!(invariants(story, true), [KEPT]);
        let mut story = HistoryBuilder::default();
        let first = story.log_in("ann", 0);
        story.note(first, What::Bye { code: "logged-in-elsewhere".to_owned() });
        assert_eq!(invariants(story, true), [KEPT]);
    }

    #[test]
    fn a_takeover_is_not_refused() {
        let refused = |reject| {
            let mut story = HistoryBuilder::default();
            let second = story.connect("ann", 0);
            story.refuse(second, Line::Login, "already-logged-in");
            invariants(story, reject)
        };
        assert_eq!(refused(false), [KEPT]);
        assert_eq!(refused(true), Vec::<&str>::new());
    }

    #[test]
    fn a_session_that_a_fault_may_have_ended_proves_nothing() {
        let (mut story, _) = twice(1);
        story.fault(20, 25);
        assert_eq!(invariants(story, true), Vec::<&str>::new());
    }
}
