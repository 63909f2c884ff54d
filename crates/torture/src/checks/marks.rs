//! What a user has read stays read: a mark moves forward only, over restarts too, and what is unread is what lies behind
//! it. It must not judge the entries themselves.

use std::collections::BTreeMap;

use super::RECOVERY;
use crate::logs::{LogName, Logs, log_of};
use crate::record::{Connection, Exchange, History, Line, Moment, Reply, Standing};
use crate::report::Violation;

const BACK: &str = "a mark never moves back";
const UNREAD: &str = "what is unread is what lies behind the mark";
/// A login up to this long before may still have saved the marks of the session that it ended.
const SAVED_WITHIN: Moment = Moment::from_secs(5);

/// A mark that a client was told.
struct Told<'a> {
    connection: usize,
    /// That of the line.
    number: usize,
    sent: Moment,
    at: Moment,
    read: u64,
    /// None in an answer to `/read`. Empty for direct messages.
    epoch: Option<&'a str>,
    /// Whether the server may lose it: it told what the session alone knew.
    may_be_lost: bool,
}

/// Checks every answer to `/sync`, and every answer to `/read`.
pub(crate) fn check(history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut marks: BTreeMap<(&str, &str), Vec<Told<'_>>> = BTreeMap::new();
    for (number, connection) in history.connections.iter().enumerate() {
        for exchange in connection.exchanges_by_answer() {
            for (target, told) in told(number, exchange) {
                marks.entry((&connection.user, target)).or_default().push(told);
            }
        }
        found.extend(unread(number, connection, history, logs));
    }
    for ((user, target), told) in &mut marks {
        told.sort_by_key(|told| told.sent);
        found.extend(moved_back(user, target, told, history));
    }
    found
}

/// The marks in an answer.
fn told<'a>(connection: usize, exchange: Exchange<'a>) -> Vec<(&'a str, Told<'a>)> {
    let (number, sent) = (exchange.number, exchange.sent);
    match (exchange.line, exchange.answer) {
        (Line::Read { target, id }, Some((at, Reply::Done))) => {
            vec![(target, Told { connection, number, sent, at, read: *id, epoch: None, may_be_lost: false })]
        }
        (_, Some((at, Reply::Synced { standings, .. }))) => {
            let told = |standing: &'a Standing| {
                let Standing { target, epoch, read, .. } = standing;
                let (epoch, may_be_lost) = (Some(epoch.as_str()), !target.starts_with('@'));
                (target.as_str(), Told { connection, number, sent, at, read: *read, epoch, may_be_lost })
            };
            standings.iter().map(told).collect()
        }
        _ => Vec::new(),
    }
}

/// When the user got a new account, which has no marks.
fn registrations(user: &str, history: &History) -> Vec<Moment> {
    let mine = history.connections.iter().filter(|connection| connection.user == user);
    let logins = mine.filter_map(|connection| connection.login());
    logins.filter(|login| *login.line == Line::Register).filter_map(|login| Some(login.answer?.0)).collect()
}

/// A mark that is behind one that the user was told before it was asked for.
fn moved_back(user: &str, target: &str, told: &[Told<'_>], history: &History) -> Option<Violation> {
    let registered: Vec<Moment> = registrations(user, history);
    let is_before = |earlier: &Told<'_>, later: &Told<'_>| {
        let emptied = history.dumps.iter().any(|dump| earlier.sent < dump.at && later.at > dump.from)
            || registered.iter().any(|at| earlier.sent < *at && later.at > *at);
        // The lines of one connection are carried out in their order.
        let is_behind = earlier.connection == later.connection && earlier.number < later.number;
        (is_behind || earlier.at < later.sent) && !emptied
    };
    let is_kept = |earlier: &Told<'_>, later: &Told<'_>| {
        let from = earlier.sent.saturating_sub(SAVED_WITHIN);
        !earlier.may_be_lost || history.calm(from, later.at, RECOVERY) == later.at - from
    };
    // A conversation without a message has no mark.
    let exists = |read: &Told<'_>| {
        let is_direct = target.starts_with('@') && read.epoch.is_none();
        !is_direct || told.iter().any(|sync| sync.epoch.is_some() && is_before(sync, read))
    };
    for later in told.iter().filter(|told| told.epoch.is_some()) {
        let earlier = told.iter().find(|earlier| {
            earlier.read > later.read
                && is_before(earlier, later)
                && (earlier.epoch.is_none() || earlier.epoch == later.epoch)
                && is_kept(earlier, later)
                && exists(earlier)
        });
        if let Some(earlier) = earlier {
            let what = format!("{user} had read {target} up to {}, and later up to {}", earlier.read, later.read);
            return Some(Violation::new(BACK, what, later.at, [earlier.connection, later.connection]));
        }
    }
    None
}

/// The unread entries of rooms and feeds are the messages behind the mark. Those of a conversation are compared with its pages
/// when nobody says anything any more.
fn unread(number: usize, connection: &Connection, history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for exchange in connection.exchanges_by_answer() {
        let Some((at, Reply::Synced { standings, .. })) = exchange.answer else { continue };
        let is_last = history.reading > Moment::ZERO && exchange.sent >= history.reading;
        for Standing { target, last, read, unread, .. } in standings {
            let behind = last.checked_sub(*read);
            let expected = match target.strip_prefix('@') {
                None => behind.map(|behind| behind.saturating_sub(others(target, *read, *last, *unread, behind, logs))),
                Some(peer) if is_last && connection.final_one && history.kept.is_some() => {
                    Some(waiting(connection, target, peer, *read, exchange.sent))
                }
                // A mark of direct messages may be any number of the inbox, also one of another conversation.
                Some(_) => Some((*unread).min(last.saturating_sub(*read))),
            };
            if expected != Some(*unread) {
                let what = format!("{unread} are unread in {target}, which is read up to {read} of {last}");
                found.push(Violation::new(UNREAD, what, at, [number]));
            }
        }
    }
    found
}

/// How many entries behind the mark are no messages. Nothing tells of which life of the store the answer is, nor of which
/// life an entry is whose text is gone.
fn others(target: &str, read: u64, last: u64, unread: u64, behind: u64, logs: &Logs<'_>) -> u64 {
    let (kind, name) = log_of(target, "");
    let log = |life| LogName { kind, name: name.to_owned(), life };
    let known = |life| logs.others(&log(life), read, last);
    let wanted = behind.saturating_sub(unread);
    let fits = |life: &usize| {
        let at_most = known(*life) + logs.undated_others(&log(*life), read, last);
        (known(*life)..=at_most).contains(&wanted)
    };
    let last_life = logs.last_life();
    (0..=last_life).find(fits).map_or_else(|| known(last_life), |_| wanted)
}

/// The entries of the other user behind the mark, as pages showed them after that.
fn waiting(connection: &Connection, target: &str, peer: &str, read: u64, since: Moment) -> u64 {
    let mut ids = std::collections::BTreeSet::new();
    for exchange in connection.exchanges_by_answer().filter(|exchange| exchange.sent >= since) {
        if let Some((_, Reply::Page { target: shown, entries, .. })) = exchange.answer
            && shown == target
        {
            ids.extend(entries.iter().filter(|it| it.from == peer && it.id > read).map(|entry| entry.id));
        }
    }
    ids.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;
    use crate::entry::Content;
    use crate::record::{Entry, Heard, What};

    const NOTHING: [&str; 0] = [];

    fn invariants(story: HistoryBuilder) -> Vec<&'static str> {
        story.judged_by(check)
    }

    fn sync(story: &mut HistoryBuilder, connection: usize, last: u64, read: u64, unread: u64) {
        let (target, epoch) = ("#lobby".to_owned(), "first".to_owned());
        let standings = vec![Standing { target, epoch, last, read, unread }];
        story.ask(connection, Line::Sync, Some(Reply::Synced { current: "lobby".to_owned(), standings }));
    }

    fn read(story: &mut HistoryBuilder, connection: usize, id: u64) {
        story.ask(connection, Line::Read { target: "#lobby".to_owned(), id }, Some(Reply::Done));
    }

    #[test]
    fn what_is_no_message_is_not_unread() {
        let story = |unread: u64| {
            let mut story = HistoryBuilder::default();
            let ann = story.log_in("ann", 0);
            story.hear_deed(ann, 4, "jan", "mute", Some("ben"), "");
            sync(&mut story, ann, 5, 2, unread);
            invariants(story)
        };
        assert_eq!(story(2), NOTHING);
        assert_eq!(story(3), [UNREAD]);
    }

    #[test]
    fn an_entry_without_its_text_may_be_of_any_life() {
        let story = |unread: u64| {
            let mut story = HistoryBuilder::default();
            let ann = story.log_in("ann", 0);
            story.empty(&[]);
            // It was edited again.
            let content = Content::Edit { of: 1 };
            let entry = Entry { id: 4, from: "ben".to_owned(), to: None, text: String::new(), content };
            story.note(ann, What::Heard(Heard::Message { room: "lobby".to_owned(), entry }));
            sync(&mut story, ann, 5, 2, unread);
            invariants(story)
        };
        assert_eq!(story(2), NOTHING);
        assert_eq!(story(3), NOTHING);
        assert_eq!(story(1), [UNREAD]);
    }

    #[test]
    fn marks_that_move_forward_are_found_right() {
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        sync(&mut story, ann, 5, 0, 5);
        read(&mut story, ann, 3);
        read(&mut story, ann, 2);
        sync(&mut story, ann, 5, 3, 2);
        assert_eq!(invariants(story), NOTHING);
    }

    #[test]
    fn a_mark_that_moves_back_is_found() {
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        read(&mut story, ann, 3);
        let again = story.log_in("ann", 0);
        sync(&mut story, again, 5, 2, 3);
        assert_eq!(invariants(story), [BACK]);
    }

    #[test]
    fn a_mark_of_what_one_wrote_may_be_lost_in_a_fault() {
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        sync(&mut story, ann, 5, 5, 0);
        story.wait(2).fault(1, 2);
        let again = story.log_in("ann", 0);
        sync(&mut story, again, 5, 4, 1);
        assert_eq!(invariants(story), NOTHING);
    }

    #[test]
    fn a_wrong_number_of_unread_entries_is_found() {
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        sync(&mut story, ann, 5, 3, 1);
        assert_eq!(invariants(story), [UNREAD]);
    }
}
