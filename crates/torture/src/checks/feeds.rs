//! A follower receives each later publication of the publisher exactly once, in order. Other users do not receive it.

use std::collections::{BTreeMap, BTreeSet};

use super::{ARRIVES_WITHIN, RECOVERY};
use crate::logs::{LogKind, LogName, Logs, Stored};
use crate::record::{Connection, Entry, Exchange, Heard, History, Line, Moment, Reply};
use crate::report::Violation;

/// A user starts or stops to follow a publisher, or tries to.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    connection: usize,
    begins: bool,
    sent: Moment,
    /// When the result was certain. `None` if there was no answer, or if the store was unreachable.
    sure: Option<Moment>,
}

/// A time in which a connection certainly followed a publisher.
struct Following<'a> {
    connection: usize,
    publisher: &'a str,
    from: Moment,
    to: Moment,
    is_final: bool,
    /// Life of the store.
    life: usize,
}

/// Attempts by follower and publisher, in the order in which they were sent.
type Attempts<'a> = BTreeMap<(&'a str, &'a str), Vec<Attempt>>;

/// Checks all publications that were received, and all that should have been received.
pub(crate) fn check(history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let attempts = attempts(history);
    let stored = logs.stored(history);
    let mut found = Vec::new();
    for (number, connection) in history.connections.iter().enumerate() {
        let heard = publications(connection);
        for (publisher, heard) in &heard {
            found.extend(in_order(number, publisher, heard, logs));
            let known = attempts.get(&(connection.user.as_str(), *publisher));
            found.extend(uncalled_for(number, publisher, heard, known.map_or(&[], Vec::as_slice), logs));
        }
        for following in followings(number, connection, &attempts, history) {
            let heard = heard.get(following.publisher).map_or(&[][..], Vec::as_slice);
            found.extend(without_hole(&following, heard, logs, &stored));
            found.extend(in_time(&following, heard, history, &stored));
        }
    }
    found
}

/// The publications received on a connection, by publisher.
fn publications(connection: &Connection) -> BTreeMap<&str, Vec<(Moment, &Entry)>> {
    let mut heard: BTreeMap<&str, Vec<(Moment, &Entry)>> = BTreeMap::new();
    for (at, event) in connection.heard() {
        if let Heard::Publication(entry) = event {
            heard.entry(&entry.from).or_default().push((at, entry));
        }
    }
    heard
}

fn attempts(history: &History) -> Attempts<'_> {
    let mut attempts: Attempts<'_> = BTreeMap::new();
    for (number, connection) in history.connections.iter().enumerate() {
        for exchange in connection.exchanges() {
            if let Some((publisher, attempt)) = attempt(number, exchange) {
                attempts.entry((&connection.user, publisher)).or_default().push(attempt);
            }
        }
    }
    attempts.values_mut().for_each(|attempts| attempts.sort_by_key(|attempt| attempt.sent));
    attempts
}

fn attempt(connection: usize, exchange: Exchange<'_>) -> Option<(&str, Attempt)> {
    let (publisher, begins, as_it_was) = match exchange.line {
        Line::Subscribe(publisher) => (publisher, true, "already-subscribed"),
        Line::Unsubscribe(publisher) => (publisher, false, "not-subscribed"),
        _ => return None,
    };
    let sure = match exchange.answer {
        Some((at, Reply::Done)) => Some(at),
        Some((at, Reply::Refused { code })) if code == as_it_was => Some(at),
        Some((_, Reply::Refused { code })) if code != "store-unavailable" => return None,
        _ => None,
    };
    Some((publisher, Attempt { connection, begins, sent: exchange.sent, sure }))
}

fn in_order(number: usize, publisher: &str, heard: &[(Moment, &Entry)], logs: &Logs<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut newest = (0, 0);
    for (at, entry) in heard {
        let place = (logs.life_of(&entry.text), entry.id);
        if place <= newest {
            let what = format!("publication {} of {publisher} was heard behind {}", entry.id, newest.1);
            found.push(Violation::new("publications are heard in order, each once", what, *at, [number]));
        }
        newest = newest.max(place);
    }
    found
}

/// Publications received by a user who certainly did not follow the publisher.
fn uncalled_for(
    number: usize,
    publisher: &str,
    heard: &[(Moment, &Entry)],
    attempts: &[Attempt],
    logs: &Logs<'_>,
) -> Vec<Violation> {
    let mut found = Vec::new();
    for (at, entry) in heard {
        let Some(said) = logs.said(&entry.text) else { continue };
        let last_begin = attempts.iter().filter(|attempt| attempt.begins && attempt.sent < *at).map(|it| it.sent).max();
        let ceased = |since: Moment| {
            let mut ends = attempts.iter().filter(|attempt| !attempt.begins && attempt.sent > since);
            ends.any(|end| end.sure.is_some_and(|sure| sure < said.exchange.sent))
        };
        if last_begin.is_none_or(ceased) {
            let what = format!("publication {} of {publisher} was heard by somebody who does not follow", entry.id);
            found.push(Violation::new(
                "publications are heard by followers only",
                what,
                *at,
                [number, said.connection],
            ));
        }
    }
    found
}

/// The times in which a connection certainly followed each publisher.
fn followings<'a>(
    number: usize,
    connection: &'a Connection,
    attempts: &Attempts<'a>,
    history: &History,
) -> Vec<Following<'a>> {
    let Some(login) = connection.login() else { return Vec::new() };
    let Some((answered, _)) = login.answer else { return Vec::new() };
    let emptied = history.dumps.last();
    let mut found = Vec::new();
    for ((_, publisher), attempts) in attempts.range((connection.user.as_str(), "")..) {
        let Some(first) = attempts.first() else { continue };
        if history.connections[first.connection].user != connection.user {
            break;
        }
        for (at, attempt) in attempts.iter().enumerate() {
            let Some(sure) = attempt.sure.filter(|_| attempt.begins) else { continue };
            // The follows in a store are lost when the store is emptied.
            let kept = emptied.is_none_or(|dump| attempt.sent > dump.at || connection.end() < dump.from);
            let next = attempts[at + 1..].iter().find(|next| !next.begins).map_or(connection.end(), |next| next.sent);
            let to = next.min(connection.end());
            // The follow was known on this connection, or before the login of this connection was sent.
            let from = if attempt.connection == number { sure } else { answered };
            let known = attempt.connection == number || sure < login.sent;
            if kept && known && from < to {
                let is_final = connection.final_one && to == connection.end();
                let life = history.dumps.iter().filter(|dump| dump.at < to).count();
                found.push(Following { connection: number, publisher, from, to, is_final, life });
            }
        }
    }
    found
}

fn without_hole(
    following: &Following<'_>,
    heard: &[(Moment, &Entry)],
    logs: &Logs<'_>,
    stored: &[Stored<'_>],
) -> Option<Violation> {
    let log = LogName { kind: LogKind::Feed, name: following.publisher.to_owned(), life: following.life };
    let heard: Vec<_> = heard.iter().filter(|(_, entry)| logs.life_of(&entry.text) == following.life).collect();
    let ids: BTreeSet<u64> = heard.iter().map(|(_, entry)| entry.id).collect();
    let during = heard.iter().filter(|(at, _)| (following.from..=following.to).contains(at));
    let mut top = during.map(|(_, entry)| entry.id).max().unwrap_or(0);
    if following.is_final {
        top = top.max(stored.iter().filter(|stored| stored.log == log).map(|stored| stored.id).max().unwrap_or(0));
    }
    let due = |(id, text): &(u64, &str)| {
        let since = logs.said(text).is_some_and(|said| said.exchange.sent > following.from);
        *id <= top && since && !ids.contains(id)
    };
    let (id, text) = logs.log(&log).find(due)?;
    let what = format!("publication {id} of {}, {text:?}, was missed; {top} was heard", following.publisher);
    let connections = std::iter::once(following.connection).chain(logs.said(text).map(|said| said.connection));
    Some(Violation::new("no publication is missed", what, following.to, connections))
}

/// Publications accepted while the user followed have arrived, unless the user left or faults came too soon after.
fn in_time(
    following: &Following<'_>,
    heard: &[(Moment, &Entry)],
    history: &History,
    stored: &[Stored<'_>],
) -> Option<Violation> {
    let heard: BTreeSet<&str> = heard.iter().map(|(_, entry)| entry.text.as_str()).collect();
    let due = |stored: &&Stored<'_>| {
        (stored.log.kind, stored.log.name.as_str()) == (LogKind::Feed, following.publisher)
            && stored.sent > following.from
            && !heard.contains(stored.text)
            && !history.connections[following.connection].may_be_too_slow()
            && history.calm(stored.at, following.to, RECOVERY) > ARRIVES_WITHIN
    };
    let late = stored.iter().find(due)?;
    let what = format!("publication {:?} of {} never arrived", late.text, following.publisher);
    Some(Violation::new("what is accepted arrives in time", what, late.at, [following.connection, late.connection]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;

    fn invariants(story: HistoryBuilder) -> Vec<&'static str> {
        story.judged_by(check)
    }

    fn follow(story: &mut HistoryBuilder, follower: usize, publisher: &str) {
        story.ask(follower, Line::Subscribe(publisher.to_owned()), Some(Reply::Done));
    }

    /// Ben follows ann, who has sent two publications.
    fn begun() -> (HistoryBuilder, usize, usize) {
        let mut story = HistoryBuilder::default();
        let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        follow(&mut story, ben, "ann");
        story.publish(ann, "p1", 1).publish(ann, "p2", 2);
        (story, ann, ben)
    }

    #[test]
    fn a_right_history_is_found_right() {
        let (mut story, ann, ben) = begun();
        story.hear_publication(ben, 1, "ann", "p1").hear_publication(ben, 2, "ann", "p2");
        story.ask(ben, Line::Unsubscribe("ann".to_owned()), Some(Reply::Done)).publish(ann, "p3", 3).wait(60);
        follow(&mut story, ben, "ann");
        story.publish(ann, "p4", 4).hear_publication(ben, 4, "ann", "p4");
        let again = story.log_in("ben", 1);
        story.publish(ann, "p5", 5).hear_publication(again, 5, "ann", "p5").finish(again);
        assert_eq!(invariants(story), Vec::<&str>::new());
    }

    #[test]
    fn a_hole_and_a_missing_end_are_found() {
        let (mut story, _, ben) = begun();
        story.hear_publication(ben, 2, "ann", "p2");
        assert_eq!(invariants(story), ["no publication is missed"]);
        let (mut story, _, ben) = begun();
        story.hear_publication(ben, 1, "ann", "p1").finish(ben);
        assert_eq!(invariants(story), ["no publication is missed"]);
        let (mut story, _, ben) = begun();
        story.wait(20).ping(ben);
        assert_eq!(invariants(story), ["what is accepted arrives in time"]);
    }

    #[test]
    fn a_hole_after_another_login_is_found() {
        let (mut story, ann, _) = begun();
        let again = story.log_in("ben", 1);
        story.publish(ann, "p3", 3).publish(ann, "p4", 4).hear_publication(again, 4, "ann", "p4");
        assert_eq!(invariants(story), ["no publication is missed"]);
    }

    #[test]
    fn a_repetition_and_another_order_are_found() {
        for (first, second) in [((1, "p1"), (1, "p1")), ((2, "p2"), (1, "p1"))] {
            let (mut story, _, ben) = begun();
            for (id, text) in [first, second] {
                story.hear_publication(ben, id, "ann", text);
            }
            assert_eq!(invariants(story), ["publications are heard in order, each once"]);
        }
    }

    #[test]
    fn who_does_not_follow_and_hears_is_found() {
        let (mut story, _, _) = begun();
        let eve = story.log_in("eve", 0);
        story.hear_publication(eve, 1, "ann", "p1");
        assert_eq!(invariants(story), ["publications are heard by followers only"]);
        let (mut story, ann, ben) = begun();
        story.hear_publication(ben, 1, "ann", "p1").hear_publication(ben, 2, "ann", "p2");
        story.ask(ben, Line::Unsubscribe("ann".to_owned()), Some(Reply::Done));
        story.publish(ann, "p3", 3).hear_publication(ben, 3, "ann", "p3");
        assert_eq!(invariants(story), ["publications are heard by followers only"]);
    }
}
