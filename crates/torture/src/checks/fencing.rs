//! At most one session of a user can act. Once a later login is answered, no line of the earlier session is accepted,
//! and the earlier session receives nothing that is sent after that.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::logs::{LogName, Logs};
use crate::record::{Exchange, Heard, History, Line, Moment, Reply};
use crate::report::Violation;

/// How long two sessions of a user may act after the store was emptied: one lease, within which the servers notice it.
const RESTORED_WITHIN: Duration = Duration::from_secs(15);

/// Maximum time until a server that received no events learns which sessions were displaced.
const LEARNS_WITHIN: Duration = Duration::from_secs(5);

/// Maximum time for which a login waits for the earlier session.
const LOGIN_PATIENCE: Duration = Duration::from_secs(2);

/// A session, from the answer to its login on.
struct Session<'a> {
    connection: usize,
    user: &'a str,
    login: Exchange<'a>,
    answered: Moment,
}

/// Checks every two sessions of one user if one certainly came after the other.
pub(crate) fn check(history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let sessions: Vec<Session<'_>> = sessions(history);
    let said_before = said_before(logs);
    let mut found = Vec::new();
    for earlier in &sessions {
        let later = sessions.iter().filter(|it| it.user == earlier.user && earlier.answered < it.login.sent);
        let Some(later) = later.min_by_key(|later| later.answered) else { continue };
        found.extend(acts(earlier, later, history));
        found.extend(hears(earlier, later, history, logs));
        found.extend(written_after(earlier, later, history, logs, &said_before));
    }
    for later in &sessions {
        let before = |it: &&Session<'_>| it.user == later.user && it.answered < later.login.sent;
        let earlier: Vec<usize> = sessions.iter().filter(before).map(|session| session.connection).collect();
        found.extend(written_behind(later, &earlier, history, logs));
    }
    found.retain(|violation| !is_forgotten(violation.at, history));
    found.extend(both_at_the_end(history));
    found
}

/// Whether the store had just lost the sessions of all users. The servers restore them within some seconds.
fn is_forgotten(at: Moment, history: &History) -> bool {
    history.dumps.iter().any(|dump| (dump.from..dump.at + RESTORED_WITHIN).contains(&at))
}

fn sessions(history: &History) -> Vec<Session<'_>> {
    let all = history.connections.iter().enumerate();
    all.filter_map(|(connection, record)| {
        let login = record.login()?;
        Some(Session { connection, user: &record.user, login, answered: login.answer?.0 })
    })
    .collect()
}

/// Lines that the earlier session sent after the later login was answered, and that had an effect.
fn acts(earlier: &Session<'_>, later: &Session<'_>, history: &History) -> Vec<Violation> {
    let exchanges = history.connections[earlier.connection].exchanges();
    let acted = exchanges.into_iter().filter(|exchange| exchange.sent > later.answered && is_effect(exchange));
    let violation = |exchange: Exchange<'_>| {
        let what =
            format!("{:?} was carried out {:?} after a later login", exchange.line, exchange.sent - later.answered);
        let at = exchange.answer.map_or(exchange.sent, |(at, _)| at);
        Violation::new("a displaced session does nothing", what, at, [earlier.connection, later.connection])
    };
    acted.map(violation).collect()
}

fn is_effect(exchange: &Exchange<'_>) -> bool {
    match exchange.answer {
        Some((_, Reply::Stored { .. } | Reply::Entered { .. } | Reply::Closed { .. } | Reply::Ticket(_))) => true,
        // Which room is current, the session alone knows.
        Some((_, Reply::Done)) => !matches!(exchange.line, Line::Format | Line::Ping | Line::Switch(_)),
        _ => false,
    }
}

/// Events that the earlier session received although they were sent after the later login was answered. A server that
/// was frozen, or that lost its link to the store, may learn of that login only when it queries the store again.
fn hears(earlier: &Session<'_>, later: &Session<'_>, history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (at, heard) in history.connections[earlier.connection].heard() {
        let text = match heard {
            Heard::Message { entry, .. } | Heard::Publication(entry) | Heard::Direct(entry) => &entry.text,
            Heard::Entered { .. } | Heard::Left { .. } | Heard::Moved { .. } => continue,
        };
        let Some(said) = logs.said(text).filter(|said| said.exchange.sent > later.answered) else { continue };
        if may_not_know(history.connections[earlier.connection].server, later.answered, at, history) {
            continue;
        }
        let what = format!("{text:?} was said {:?} after a later login", said.exchange.sent - later.answered);
        let connections = [earlier.connection, later.connection, said.connection];
        found.push(Violation::new("a displaced session hears nothing", what, at, connections));
    }
    found
}

/// Whether the server may not yet know at `at` of a login that was answered at `since`: a fault that hides events from
/// it came after that login began, and ended less than [`LEARNS_WITHIN`] before.
fn may_not_know(server: usize, since: Moment, at: Moment, history: &History) -> bool {
    let begun = since.saturating_sub(LOGIN_PATIENCE);
    history.spans.iter().any(|span| {
        let hides = span.fault.interrupts(server)
            || (span.fault.touches_store() && span.fault.server.is_none_or(|hit| hit == server));
        hides && span.to + LEARNS_WITHIN > begun && span.from < at && at < span.to + LEARNS_WITHIN
    })
}

/// For each number of each log: when the youngest of the earlier entries was sent.
type SaidBefore<'a> = BTreeMap<&'a LogName, BTreeMap<u64, Moment>>;

fn said_before<'a>(logs: &'a Logs<'_>) -> SaidBefore<'a> {
    let youngest = |name| {
        let mut youngest = Moment::ZERO;
        let before = |(id, text)| {
            let (sent, before) = (logs.said(text).map_or(Moment::ZERO, |said| said.exchange.sent), youngest);
            youngest = youngest.max(sent);
            (id, before)
        };
        (name, logs.log(name).map(before).collect())
    };
    logs.names().map(youngest).collect()
}

/// Entries of the earlier session that stand in a log after an entry sent after the later login was answered. They were
/// stored even later, whether they were answered or not.
fn written_after(
    earlier: &Session<'_>,
    later: &Session<'_>,
    history: &History,
    logs: &Logs<'_>,
    said_before: &SaidBefore<'_>,
) -> Vec<Violation> {
    let mut found = Vec::new();
    for exchange in history.connections[earlier.connection].exchanges() {
        let text = exchange.line.text().filter(|text| is_of_one_session(text, logs));
        let Some((log, id)) = text.and_then(|text| logs.place(text)) else { continue };
        let Some(youngest) = said_before.get(log).and_then(|before| before.get(id)) else { continue };
        if *youngest > later.answered {
            let what = format!(
                "{:?} is number {id} of {log:?}, behind what was said {:?} after a later login",
                exchange.line,
                *youngest - later.answered
            );
            let connections = [earlier.connection, later.connection];
            found.push(Violation::new("a displaced session does nothing", what, exchange.sent, connections));
        }
    }
    found
}

/// Entries of earlier sessions that stand after the end of a log as the later session found it.
fn written_behind(later: &Session<'_>, earlier: &[usize], history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    if logs.last_life() > 0 {
        return found;
    }
    for exchange in history.connections[later.connection].exchanges_by_answer() {
        let Some((at, Reply::Entered { room, last, .. })) = exchange.answer else { continue };
        for &connection in earlier {
            let exchanges = history.connections[connection].exchanges();
            let texts = exchanges.iter().filter_map(|exchange| exchange.line.text());
            for text in texts.filter(|text| is_of_one_session(text, logs)) {
                let Some((_, id)) = logs.place(text).filter(|(log, id)| log.is_room(room) && id > last) else {
                    continue;
                };
                let what = format!("{text:?} of an earlier session is number {id} of {room}, whose end was {last}");
                let connections = [connection, later.connection];
                found.push(Violation::new("a displaced session does nothing", what, at, connections));
            }
        }
    }
    found
}

/// Whether it is known which session wrote the text. One that was sent again may be of the earlier or of the later one.
fn is_of_one_session(text: &str, logs: &Logs<'_>) -> bool {
    logs.said(text).is_some_and(|said| said.times == 1)
}

/// Two connections of a user that both lasted to the end.
fn both_at_the_end(history: &History) -> Vec<Violation> {
    let alive: Vec<Session<'_>> =
        sessions(history).into_iter().filter(|session| history.connections[session.connection].final_one).collect();
    let mut found = Vec::new();
    for (at, session) in alive.iter().enumerate() {
        for other in alive[at + 1..].iter().filter(|other| other.user == session.user) {
            let what = format!("{} has two sessions at the end", session.user);
            let connections = [session.connection, other.connection];
            found.push(Violation::new("a user has one session", what, other.answered, connections));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;
    use crate::record::What;

    fn invariants(story: HistoryBuilder) -> Vec<&'static str> {
        story.judged_by(check)
    }

    #[test]
    fn a_session_that_was_displaced_in_time_is_found_right() {
        let mut story = HistoryBuilder::default();
        let old = story.log_in("ann", 0);
        story.say(old, "before", 1);
        story.ask(old, Line::Say("never answered".to_owned()), None);
        let new = story.log_in_at("ann", 1, 1);
        story.ask(old, Line::Say("too late".to_owned()), None);
        story.note(old, What::Bye { code: "logged-in-elsewhere".to_owned() });
        story.say(new, "after", 2).finish(new);
        assert_eq!(invariants(story), Vec::<&str>::new());
    }

    #[test]
    fn two_live_sessions_are_found() {
        let mut story = HistoryBuilder::default();
        let (old, new) = (story.log_in("ann", 0), story.log_in("ann", 1));
        story.say(old, "still here", 1).say(new, "me too", 2);
        let found = invariants(story);
        assert!(!found.is_empty() && found.iter().all(|it| *it == "a displaced session does nothing"), "{found:?}");
        let mut story = HistoryBuilder::default();
        let (old, new) = (story.log_in("ann", 0), story.log_in("ann", 1));
        story.finish(old).finish(new);
        assert_eq!(invariants(story), ["a user has one session"]);
    }

    #[test]
    fn a_displaced_session_that_hears_is_found() {
        let mut story = HistoryBuilder::default();
        let (old, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        story.say(ben, "before", 1);
        story.log_in_at("ann", 1, 1);
        story.say(ben, "after", 2).hear(old, 1, "ben", "before");
        let mut heard = story;
        assert_eq!(check_of(&heard), Vec::<&str>::new());
        heard.hear(old, 2, "ben", "after");
        assert_eq!(invariants(heard), ["a displaced session hears nothing"]);
    }

    #[test]
    fn a_server_that_stood_still_may_not_know_for_a_moment() {
        for (until, expected) in [(6, vec![]), (12, vec!["a displaced session hears nothing"])] {
            let mut story = HistoryBuilder::default();
            let (old, ben) = (story.log_in("ann", 0), story.log_in("ben", 1));
            story.fault(1, 5).wait(3).log_in_at("ann", 1, 0);
            story.say(ben, "after", 1).wait(until - 3).hear(old, 1, "ben", "after");
            assert_eq!(invariants(story), expected, "{until}");
        }
    }

    fn check_of(story: &HistoryBuilder) -> Vec<&'static str> {
        let history = story.so_far();
        let (logs, _) = Logs::gather(&history);
        check(&history, &logs).into_iter().map(|violation| violation.invariant).collect()
    }

    #[test]
    fn what_a_displaced_session_wrote_without_an_answer_is_found() {
        let mut story = HistoryBuilder::default();
        let (old, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        story.ask(old, Line::Say("late".to_owned()), None);
        let new = story.log_in_at("ann", 1, 0);
        story.hear(ben, 1, "ann", "late").hear(new, 1, "ann", "late");
        assert_eq!(invariants(story), ["a displaced session does nothing"]);
    }

    #[test]
    fn what_a_displaced_session_wrote_behind_later_words_is_found() {
        let mut story = HistoryBuilder::default();
        let (old, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        story.ask(old, Line::Say("late".to_owned()), None);
        story.log_in_at("ann", 1, 1);
        story.say(ben, "in between", 2).hear(ben, 1, "ann", "late");
        assert_eq!(check_of(&story), Vec::<&str>::new());
        let mut story = HistoryBuilder::default();
        let (old, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        story.ask(old, Line::Say("late".to_owned()), None);
        story.log_in_at("ann", 1, 9);
        story.say(ben, "in between", 1).hear(ben, 2, "ann", "late");
        assert_eq!(invariants(story), ["a displaced session does nothing"]);
    }

    #[test]
    fn sessions_whose_order_is_not_known_are_not_judged() {
        let mut story = HistoryBuilder::default();
        let (one, other) = (story.connect("ann", 0), story.connect("ann", 1));
        let entered = Reply::Entered { room: "lobby".to_owned(), epoch: "first".to_owned(), last: 0 };
        story.note(one, What::Sent { number: 1, line: Line::Login });
        story.note(other, What::Sent { number: 1, line: Line::Login });
        story.note(one, What::Answered { number: 1, reply: entered.clone() });
        story.note(other, What::Answered { number: 1, reply: entered });
        story.say(one, "mine", 1);
        assert_eq!(invariants(story), Vec::<&str>::new());
    }
}
