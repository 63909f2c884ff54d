//! A ticket lets its user in, on every server and after restarts, until it is revoked, and it lets in nobody else.

use std::collections::BTreeMap;

use crate::record::{Connection, Exchange, History, Line, Moment, Reply};
use crate::report::Violation;

const VOID: &str = "a revoked ticket lets nobody in";
const KEPT: &str = "a ticket is valid until it is revoked";
const OTHERS: &str = "a ticket lets in its own user only";

/// The number of tickets from which on a new one makes another one go.
const FULL: usize = 16;

/// A ticket that a user was told.
struct Made<'a> {
    user: &'a str,
    told: Moment,
}

/// What makes tickets void, unless it was refused for certain.
struct End<'a> {
    user: &'a str,
    /// None for all.
    id: Option<&'a str>,
    sent: Moment,
    /// When it was answered that it is done.
    done: Option<Moment>,
}

/// What all clients know of tickets.
struct Book<'a> {
    made: BTreeMap<&'a str, Made<'a>>,
    ends: Vec<End<'a>>,
    /// Who asked for tickets, when, and the ids that were told.
    asked: Vec<(&'a str, Moment, Option<&'a str>)>,
}

/// Checks every login by a ticket.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let book = Book::of(history);
    let mut found = Vec::new();
    for (number, connection) in history.connections.iter().enumerate() {
        for exchange in connection.exchanges_by_answer() {
            let what = book.judge(connection, &exchange, history);
            let at = exchange.answer.map_or(exchange.sent, |(at, _)| at);
            found.extend(what.map(|(invariant, what)| Violation::new(invariant, what, at, [number])));
        }
    }
    found
}

impl<'a> Book<'a> {
    fn of(history: &'a History) -> Self {
        let mut book = Self { made: BTreeMap::new(), ends: Vec::new(), asked: Vec::new() };
        for connection in &history.connections {
            connection.exchanges().into_iter().for_each(|exchange| book.note(&connection.user, &exchange));
        }
        book
    }

    fn note(&mut self, user: &'a str, exchange: &Exchange<'a>) {
        let sent = exchange.sent;
        let ends = match exchange.line {
            Line::Ticket => {
                let told = match exchange.answer {
                    Some((told, Reply::Ticket(ticket))) => Some((told, &*ticket.id)),
                    _ => None,
                };
                self.asked.push((user, sent, told.map(|(_, id)| id)));
                self.made.extend(told.map(|(told, id)| (id, Made { user, told })));
                return;
            }
            Line::Revoke(id) => (user, id.as_deref()),
            Line::Passwd => (user, None),
            Line::Suspend { user, .. } => (user.as_str(), None),
            _ => return,
        };
        let (user, id) = ends;
        let done = match exchange.answer {
            Some((at, Reply::Done)) => Some(at),
            Some((_, Reply::Refused { code })) if code != "store-unavailable" => return,
            _ => None,
        };
        self.ends.push(End { user, id, sent, done });
    }

    /// What is wrong with the answer to a login by a ticket, if it is one.
    fn judge(
        &self,
        connection: &Connection,
        exchange: &Exchange<'_>,
        history: &History,
    ) -> Option<(&'static str, String)> {
        let Line::Resume(ticket, _) = exchange.line else { return None };
        let Made { user, .. } = self.made.get(&*ticket.id)?;
        match exchange.answer? {
            (_, Reply::Entered { .. }) if *user != connection.user => {
                Some((OTHERS, format!("{} was let in by {ticket:?} of {user}", connection.user)))
            }
            (_, Reply::Entered { .. }) if self.is_void(&ticket.id, exchange.sent) => {
                Some((VOID, format!("{user} was let in by {ticket:?}")))
            }
            (at, Reply::Refused { code }) if code == "bad-credentials" && *user == connection.user => {
                // All tickets are gone with the store.
                let may_be_void =
                    !history.dumps.is_empty() || self.may_be_void(&ticket.id, at) || self.is_full(user, at);
                (!may_be_void).then(|| (KEPT, format!("{user} was not let in by {ticket:?}")))
            }
            _ => None,
        }
    }

    /// What ends this ticket, carried out after it was told.
    fn ends_of(&self, id: &str) -> impl Iterator<Item = &End<'a>> {
        let made = self.made.get(id);
        let concerns = move |end: &&End<'_>, made: &Made<'_>| {
            end.user == made.user && end.id.is_none_or(|ended| ended == id) && end.done.is_none_or(|at| at > made.told)
        };
        self.ends.iter().filter(move |end| made.is_some_and(|made| concerns(end, made)))
    }

    /// Whether it was certainly made void before `at`.
    fn is_void(&self, id: &str, at: Moment) -> bool {
        let told = self.made.get(id).map(|made| made.told);
        self.ends_of(id).any(|end| end.done.is_some_and(|done| done < at) && told < Some(end.sent))
    }

    /// Whether it may have been made void before `at`. What is not answered may be carried out at any time.
    fn may_be_void(&self, id: &str, at: Moment) -> bool {
        self.ends_of(id).any(|end| end.sent < at)
    }

    /// Whether a user may have had so many tickets at some time before `at` that one made another one go.
    fn is_full(&self, user: &str, at: Moment) -> bool {
        let asked = || self.asked.iter().filter(move |(by, ..)| *by == user);
        let count = |then: Moment| {
            let left = |id: Option<&str>| id.is_none_or(|id| !self.is_void(id, then));
            asked().filter(|(_, sent, id)| *sent <= then && left(*id)).count()
        };
        asked().any(|(_, then, _)| *then < at && count(*then) > FULL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;
    use crate::record::ShownBy;
    use crate::ticket::Ticket;

    const NOTHING: [&str; 0] = [];

    fn invariants(story: HistoryBuilder) -> Vec<&'static str> {
        check(&story.history()).into_iter().map(|violation| violation.invariant).collect()
    }

    /// Ann has a ticket.
    fn begun() -> (HistoryBuilder, usize, Ticket) {
        let mut story = HistoryBuilder::default();
        let (ann, ticket) = (story.log_in("ann", 0), Ticket::new("a1", "secret"));
        story.ask(ann, Line::Ticket, Some(Reply::Ticket(ticket.clone())));
        (story, ann, ticket)
    }

    fn resume(story: &mut HistoryBuilder, user: &str, ticket: &Ticket, is_let_in: bool) {
        let connection = story.connect(user, 1);
        let line = Line::Resume(ticket.clone(), ShownBy::Line);
        if is_let_in {
            let entered = Reply::Entered { room: "lobby".to_owned(), epoch: "first".to_owned(), last: 0 };
            story.ask(connection, line, Some(entered));
        } else {
            story.refuse(connection, line, "bad-credentials");
        }
    }

    #[test]
    fn a_revoked_ticket_that_lets_its_user_in_is_found() {
        for line in [Line::Revoke(Some("a1".to_owned())), Line::Revoke(None), Line::Passwd] {
            for (answer, expected) in [(Some(Reply::Done), &[VOID][..]), (None, &NOTHING)] {
                let (mut story, ann, ticket) = begun();
                resume(&mut story, "ann", &ticket, true);
                story.ask(ann, line.clone(), answer);
                resume(&mut story, "ann", &ticket, true);
                assert_eq!(invariants(story), expected, "{line:?}");
            }
        }
    }

    #[test]
    fn a_ticket_of_a_suspended_user_that_lets_in_is_found() {
        let (mut story, _, ticket) = begun();
        let jan = story.log_in("jan", 0);
        story.ask(jan, Line::Suspend { user: "ann".to_owned(), seconds: 1 }, Some(Reply::Done));
        story.wait(2);
        resume(&mut story, "ann", &ticket, true);
        assert_eq!(invariants(story), [VOID]);
    }

    #[test]
    fn what_ends_another_ticket_does_not_count() {
        let (mut story, ann, ticket) = begun();
        story.ask(ann, Line::Revoke(Some("a2".to_owned())), Some(Reply::Done));
        story.refuse(ann, Line::Passwd, "bad-credentials");
        let ben = story.log_in("ben", 0);
        story.ask(ben, Line::Revoke(None), Some(Reply::Done));
        resume(&mut story, "ann", &ticket, true);
        assert_eq!(invariants(story), NOTHING);
    }

    #[test]
    fn a_valid_ticket_that_does_not_help_is_found() {
        let (mut story, ann, ticket) = begun();
        resume(&mut story, "ann", &ticket, false);
        story.ask(ann, Line::Revoke(None), None);
        resume(&mut story, "ann", &ticket, false);
        assert_eq!(invariants(story), [KEPT]);
    }

    #[test]
    fn a_ticket_that_others_displaced_may_go() {
        let (mut story, ann, ticket) = begun();
        for number in 0..FULL {
            let id = format!("b{number}");
            story.ask(ann, Line::Ticket, Some(Reply::Ticket(Ticket::new(&id, "secret"))));
            if number == 0 {
                story.ask(ann, Line::Revoke(Some(id)), Some(Reply::Done));
            }
        }
        resume(&mut story, "ann", &ticket, false);
        story.ask(ann, Line::Ticket, None);
        resume(&mut story, "ann", &ticket, false);
        assert_eq!(invariants(story), [KEPT]);
    }

    #[test]
    fn whoever_is_let_in_by_a_ticket_of_another_user_is_found() {
        let (mut story, _, ticket) = begun();
        resume(&mut story, "ben", &ticket, false);
        resume(&mut story, "ben", &ticket, true);
        assert_eq!(invariants(story), [OTHERS]);
    }
}
