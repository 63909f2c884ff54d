//! An invitation makes one account, whoever comes at the same time, until it is revoked. Whoever was told that there is an account
//! has it, and is in the room of the invitation.

use std::collections::BTreeMap;

use super::RECOVERY;
use crate::record::{Connection, Exchange, History, Line, Moment, Reply};
use crate::report::Violation;

const ENDLESS: &str = "an invitation makes no more accounts than it has uses";
const VOID: &str = "a revoked invitation makes no account";
const VALID: &str = "an invitation is valid until it is used or revoked";
const ACCOUNT: &str = "who is invited has an account";
const ROOMS: &str = "who is invited is in the rooms of the invitation";

/// A revocation that was not refused for certain.
struct End {
    sent: Moment,
    /// When it was answered that it is done.
    done: Option<Moment>,
}

/// A registration by an invitation.
struct Guest<'a> {
    connection: usize,
    user: &'a str,
    id: &'a str,
    register: Exchange<'a>,
}

/// What all clients know of invitations.
#[derive(Default)]
struct Book<'a> {
    /// The room of each.
    rooms: BTreeMap<&'a str, &'a str>,
    ends: BTreeMap<&'a str, Vec<End>>,
    guests: Vec<Guest<'a>>,
}

/// Checks every invitation that was shown, and what became of those who were invited.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let book = Book::of(history);
    let mut found = book.endless();
    for (number, connection) in history.connections.iter().enumerate() {
        let shown = shown(connection);
        for exchange in connection.exchanges_by_answer() {
            let judged = shown.and_then(|id| book.judge(id, number, &exchange));
            let wrong = judged.or_else(|| book.missing(&connection.user, &exchange, history));
            // With the store, invitations and accounts are gone.
            let wrong = wrong.filter(|(invariant, _)| *invariant == VOID || history.dumps.is_empty());
            let at = exchange.answer.map_or(exchange.sent, |(at, _)| at);
            found.extend(wrong.map(|(invariant, what)| Violation::new(invariant, what, at, [number])));
        }
    }
    found
}

/// The id of the invitation that was shown on a connection.
fn shown(connection: &Connection) -> Option<&str> {
    connection.exchanges().into_iter().find_map(|exchange| match exchange.line {
        Line::Invite(invitation) => Some(&*invitation.id),
        _ => None,
    })
}

impl<'a> Book<'a> {
    fn of(history: &'a History) -> Self {
        let mut book = Self::default();
        for (number, connection) in history.connections.iter().enumerate() {
            let shown = shown(connection);
            for register in connection.exchanges() {
                book.note(&register);
                if let (Line::Register, Some(id)) = (register.line, shown) {
                    book.guests.push(Guest { connection: number, user: &connection.user, id, register });
                }
            }
        }
        book
    }

    fn note(&mut self, exchange: &Exchange<'a>) {
        match (exchange.line, exchange.answer) {
            (Line::Invitation(room), Some((_, Reply::Invitation(invitation)))) => {
                self.rooms.insert(&invitation.id, room);
            }
            (Line::Uninvite(id), _) if exchange.may_be_done() => {
                self.ends.entry(id).or_default().push(End { sent: exchange.sent, done: exchange.done() });
            }
            _ => {}
        }
    }

    /// Accounts beside the first one that an invitation made.
    fn endless(&self) -> Vec<Violation> {
        let mut first: BTreeMap<&str, &Guest<'_>> = BTreeMap::new();
        let mut found = Vec::new();
        for guest in &self.guests {
            let Some(at) = guest.admitted() else { continue };
            if let Some(other) = first.get(guest.id) {
                let what = format!("{} and {} have an account by Ticket({})", other.user, guest.user, guest.id);
                found.push(Violation::new(ENDLESS, what, at, [other.connection, guest.connection]));
            }
            first.entry(guest.id).or_insert(guest);
        }
        found
    }

    /// What is wrong with the answer to a line of somebody who has this invitation, if anything is.
    fn judge(&self, id: &str, connection: usize, exchange: &Exchange<'_>) -> Option<(&'static str, String)> {
        let (at, reply) = exchange.answer?;
        let is_let_in = match exchange.line {
            Line::Invite(_) => *reply == Reply::Done,
            Line::Register => matches!(reply, Reply::Entered { .. }),
            _ => return None,
        };
        if is_let_in && self.is_void(id, exchange.sent) {
            return Some((VOID, format!("Ticket({id}) was revoked before")));
        }
        let is_refused = exchange.refused() == Some("bad-invitation");
        let is_wrong = is_refused && !self.may_be_void(id, at) && !self.may_be_used(id, connection, at);
        is_wrong.then(|| (VALID, format!("Ticket({id}) was neither used nor revoked")))
    }

    /// Whether it was certainly revoked before `at`.
    fn is_void(&self, id: &str, at: Moment) -> bool {
        self.ends.get(id).is_some_and(|ends| ends.iter().any(|end| end.done.is_some_and(|done| done < at)))
    }

    /// Whether it may have been revoked before `at`. What is not answered may be carried out at any time.
    fn may_be_void(&self, id: &str, at: Moment) -> bool {
        self.ends.get(id).is_some_and(|ends| ends.iter().any(|end| end.sent < at))
    }

    /// Whether somebody on another connection may have used it before `at`.
    fn may_be_used(&self, id: &str, connection: usize, at: Moment) -> bool {
        let others = self.guests.iter().filter(|guest| guest.id == id && guest.connection != connection);
        let mut others = others.filter(|guest| guest.register.sent < at);
        others.any(|guest| guest.register.may_be_done())
    }

    /// What somebody lacks who was told before that there is an account.
    fn missing(&self, user: &str, exchange: &Exchange<'_>, history: &History) -> Option<(&'static str, String)> {
        let is_told = |guest: &&Guest<'_>| guest.user == user && guest.admitted().is_some_and(|at| at < exchange.sent);
        let guest = self.guests.iter().find(is_told)?;
        match (exchange.line, exchange.answer?.1) {
            (Line::Login, Reply::Refused { code }) if code == "bad-credentials" => {
                Some((ACCOUNT, format!("{user} was told that there is an account")))
            }
            (Line::Sync, Reply::Synced { standings, .. }) => {
                let room = self.rooms.get(guest.id)?;
                let is_there = standings.iter().any(|standing| standing.target.strip_prefix('#') == Some(room));
                // A room that could not be opened because of a fault is reported to the operator.
                (!is_there && guest.is_calm(history)).then(|| (ROOMS, format!("{user} is not in {room}")))
            }
            _ => None,
        }
    }
}

impl Guest<'_> {
    /// When it was answered that there is an account.
    fn admitted(&self) -> Option<Moment> {
        self.register.answer.filter(|(_, reply)| matches!(reply, Reply::Entered { .. })).map(|(at, _)| at)
    }

    /// Whether no fault touched the registration.
    fn is_calm(&self, history: &History) -> bool {
        let from = self.register.sent.saturating_sub(RECOVERY);
        self.admitted().is_some_and(|at| history.calm(from, at, RECOVERY) == at - from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;
    use crate::record::Standing;
    use crate::ticket::Ticket;

    const NOTHING: [&str; 0] = [];

    fn invariants(story: HistoryBuilder) -> Vec<&'static str> {
        check(&story.history()).into_iter().map(|violation| violation.invariant).collect()
    }

    /// Jan makes an invitation to a room.
    fn begun() -> (HistoryBuilder, usize) {
        let mut story = HistoryBuilder::default();
        let jan = story.log_in("jan", 0);
        story.ask(jan, Line::Invitation("red".to_owned()), Some(Reply::Invitation(Ticket::new("i1", "secret"))));
        (story, jan)
    }

    fn show(story: &mut HistoryBuilder, user: &str) -> usize {
        let guest = story.connect(user, 0);
        story.ask(guest, Line::Invite(Ticket::new("i1", "secret")), Some(Reply::Done));
        guest
    }

    fn register(story: &mut HistoryBuilder, guest: usize) {
        let entered = Reply::Entered { room: "lobby".to_owned(), epoch: "first".to_owned(), last: 0 };
        story.ask(guest, Line::Register, Some(entered));
    }

    fn sync(story: &mut HistoryBuilder, guest: usize, target: &str) {
        let standing = Standing { target: target.to_owned(), epoch: "first".to_owned(), last: 0, read: 0, unread: 0 };
        let synced = Reply::Synced { current: "lobby".to_owned(), standings: vec![standing] };
        story.ask(guest, Line::Sync, Some(synced));
    }

    #[test]
    fn a_second_account_of_one_invitation_is_found() {
        let (mut story, _) = begun();
        let guests = [show(&mut story, "gil"), show(&mut story, "gus")];
        register(&mut story, guests[0]);
        story.refuse(guests[1], Line::Register, "bad-invitation");
        assert_eq!(check(&story.so_far()), []);
        let third = show(&mut story, "guy");
        register(&mut story, third);
        assert_eq!(invariants(story), [ENDLESS]);
    }

    #[test]
    fn a_revoked_invitation_that_makes_an_account_is_found() {
        let revoked = |answer: Option<Reply>| {
            let (mut story, jan) = begun();
            let guest = show(&mut story, "gil");
            story.ask(jan, Line::Uninvite("i1".to_owned()), answer);
            register(&mut story, guest);
            invariants(story)
        };
        assert_eq!(revoked(Some(Reply::Done)), [VOID]);
        assert_eq!(revoked(None), NOTHING);
        assert_eq!(revoked(Some(Reply::Refused { code: "bad-argument".to_owned() })), NOTHING);
        let (mut story, jan) = begun();
        story.ask(jan, Line::Uninvite("i1".to_owned()), Some(Reply::Done));
        show(&mut story, "gil");
        assert_eq!(invariants(story), [VOID]);
    }

    #[test]
    fn a_valid_invitation_that_is_refused_is_found() {
        let (mut story, _) = begun();
        let gil = show(&mut story, "gil");
        story.refuse(gil, Line::Register, "bad-invitation");
        assert_eq!(invariants(story), [VALID]);
        // Two who are refused prove nothing of each other, and one who is not answered may have used it.
        for (answer, expected) in [(Some("bad-invitation"), &[VALID, VALID][..]), (None, &[])] {
            let (mut story, _) = begun();
            let guests = [show(&mut story, "gil"), show(&mut story, "gus")];
            let refused = |code: &str| Reply::Refused { code: code.to_owned() };
            story.ask(guests[0], Line::Register, answer.map(refused));
            story.refuse(guests[1], Line::Register, "bad-invitation");
            assert_eq!(invariants(story), expected);
        }
        let (mut story, jan) = begun();
        story.ask(jan, Line::Uninvite("i1".to_owned()), None);
        let gil = story.connect("gil", 0);
        story.refuse(gil, Line::Invite(Ticket::new("i1", "secret")), "bad-invitation");
        assert_eq!(invariants(story), NOTHING);
    }

    #[test]
    fn who_lacks_the_account_or_the_room_is_found() {
        let (mut story, _) = begun();
        let gil = show(&mut story, "gil");
        register(&mut story, gil);
        sync(&mut story, gil, "#red");
        assert_eq!(check(&story.so_far()), []);
        let again = story.connect("gil", 1);
        story.refuse(again, Line::Login, "bad-credentials");
        sync(&mut story, gil, "#blue");
        let mut found = invariants(story);
        found.sort_unstable();
        assert_eq!(found, [ACCOUNT, ROOMS]);
    }

    #[test]
    fn a_fault_may_leave_a_room_out() {
        let (mut story, _) = begun();
        story.fault(0, 2).wait(1);
        let gil = show(&mut story, "gil");
        register(&mut story, gil);
        sync(&mut story, gil, "#blue");
        assert_eq!(invariants(story), NOTHING);
    }

    #[test]
    fn with_the_store_accounts_and_invitations_are_lost() {
        let (mut story, _) = begun();
        let gil = show(&mut story, "gil");
        register(&mut story, gil);
        story.empty(&[]);
        let again = story.connect("gil", 1);
        story.refuse(again, Line::Login, "bad-credentials");
        let guest = story.connect("guy", 0);
        story.refuse(guest, Line::Invite(Ticket::new("i1", "secret")), "bad-invitation");
        assert_eq!(invariants(story), NOTHING);
    }
}
