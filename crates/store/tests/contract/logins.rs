//! The steps of a login, as each store takes them.

use std::time::Duration;

use parlor_core::ports::{
    Arrival, Attempt, AttemptOutcome, AttemptPermit, Claim, ClaimReport, ClaimResult, EnterResult, FirstEntry,
    LoginDecision, SecretHash, SessionKey, StartedAttempt, Ticket,
};
use parlor_core::{ConnectionId, DuplicateLogin, LoginBackoff};
use parlor_proto::{Note, TicketId, Tickets as Which, Timestamp, UserName};
use parlor_testkit::entrant;

use crate::harness::{Bench, account, log_of, name, told};

/// Number of failed attempts at an account before there is a delay.
const FREE: u32 = LoginBackoff::ACCOUNT.free;

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_392_000_123)
}

const HOME: &str = "192.0.2.1";

fn attempt<'a>(bench: &Bench, user: &'a UserName) -> Attempt<'a> {
    Attempt { user, address: HOME, is_address_limited: false, at: bench.elapsed(), now: now() }
}

fn start(bench: &Bench, user: &str, ticket: Option<TicketId>) -> LoginDecision<StartedAttempt> {
    let user = name(user);
    bench.store.logins().start(&attempt(bench, &user), ticket).unwrap()
}

fn started(bench: &Bench, user: &str, ticket: Option<TicketId>) -> StartedAttempt {
    match start(bench, user, ticket) {
        LoginDecision::Allowed(started) => started,
        other => panic!("{other:?}"),
    }
}

/// Claims the user's session, and ends an attempt.
fn claim(bench: &Bench, user: &str, permit: Option<AttemptPermit>, policy: DuplicateLogin) -> ClaimReport {
    let user = name(user);
    let attempt = attempt(bench, &user);
    let claim = Claim { user: &user, connection: ConnectionId(7), policy, takeovers: None, at: bench.elapsed() };
    bench.store.logins().claim(permit.map(|permit| (&attempt, permit)), &claim)
}

/// Whether somebody at an address that the user does not know could try.
fn has_a_place_elsewhere(bench: &Bench, user: &str) -> bool {
    let user = name(user);
    let elsewhere = Attempt { address: "192.0.2.2", ..attempt(bench, &user) };
    match bench.store.attempts.acquire(&elsewhere).unwrap() {
        LoginDecision::Allowed(permit) => {
            bench.store.attempts.release(&elsewhere, permit, AttemptOutcome::Unknown).unwrap();
            true
        }
        LoginDecision::RetryAfter(_) | LoginDecision::Queued => false,
    }
}

fn enter(bench: &Bench, session_key: &SessionKey, ticket: Option<TicketId>) -> Arrival {
    let entrant = entrant(session_key);
    bench.store.logins().enter(&FirstEntry { entrant: &entrant, max_rooms: 1000, ticket, counts_unread: true })
}

fn ticket(bench: &Bench, user: &str) -> Ticket {
    let ticket = Ticket {
        hash: SecretHash::of("secret"),
        label: Note::default(),
        made: now(),
        used: None,
        address: None,
        lifetime: Some(Duration::from_secs(1000)),
        is_revoked: false,
    };
    assert!(bench.store.tickets.add(&account(user), &ticket).unwrap());
    ticket
}

pub(crate) fn an_attempt_begins_with_the_account_and_its_ticket(bench: &Bench) {
    bench.create(&["ann", "bob"]);
    let ticket = ticket(bench, "ann");
    let with_ticket = started(bench, "ann", Some(ticket.id()));
    assert_eq!(with_ticket.account.unwrap(), Some(account("ann")));
    assert_eq!(with_ticket.ticket.unwrap(), Some(ticket.clone()));
    let without = started(bench, "ann", None);
    assert_eq!((without.account.unwrap(), without.ticket.unwrap()), (Some(account("ann")), None));
    let of_another = started(bench, "bob", Some(ticket.id()));
    assert_eq!((of_another.account.unwrap(), of_another.ticket.unwrap()), (Some(account("bob")), None));
    let of_nobody = started(bench, "cyd", Some(ticket.id()));
    assert_eq!((of_nobody.account.unwrap(), of_nobody.ticket.unwrap()), (None, None));
}

pub(crate) fn no_attempt_begins_after_too_many_failures(bench: &Bench) {
    bench.create(&["ann"]);
    for _ in 0..=FREE {
        let permit = started(bench, "ann", None).permit;
        let user = name("ann");
        bench.store.attempts.release(&attempt(bench, &user), permit, AttemptOutcome::Wrong).unwrap();
    }
    assert!(matches!(start(bench, "ann", None), LoginDecision::RetryAfter(_)));
}

pub(crate) fn a_claim_ends_the_attempt_and_tells_whom_the_user_follows(bench: &Bench) {
    bench.create(&["ann", "bob", "cyd"]);
    let places: Vec<AttemptPermit> = (0..=FREE).map(|_| started(bench, "ann", None).permit).collect();
    assert!(matches!(start(bench, "ann", None), LoginDecision::Queued));
    for publisher in ["cyd", "bob"] {
        bench.store.follows.subscribe(&name("ann"), &name(publisher)).unwrap();
    }
    let report = claim(bench, "ann", Some(places[0]), DuplicateLogin::Takeover);
    report.ended.unwrap();
    assert!(matches!(report.claimed.unwrap(), ClaimResult::Granted(_)));
    assert_eq!(report.publishers.unwrap(), [name("bob"), name("cyd")]);
    assert!(bench.is_online("ann"));
    // The place is free, for other addresses, too. A right secret makes the address a known one.
    assert!(has_a_place_elsewhere(bench, "ann"));
    assert!(started(bench, "ann", None).permit.is_known);
    // A claim without an attempt ends none.
    assert!(matches!(claim(bench, "bob", None, DuplicateLogin::Takeover).claimed.unwrap(), ClaimResult::Granted(_)));
    assert!(!started(bench, "bob", None).permit.is_known);
}

pub(crate) fn a_claim_that_is_refused_ends_the_attempt_too(bench: &Bench) {
    bench.create(&["ann"]);
    bench.session_key("ann");
    let places: Vec<AttemptPermit> = (0..=FREE).map(|_| started(bench, "ann", None).permit).collect();
    let report = claim(bench, "ann", Some(places[0]), DuplicateLogin::Reject);
    report.ended.unwrap();
    assert_eq!(report.claimed.unwrap(), ClaimResult::AlreadyLoggedIn);
    assert!(has_a_place_elsewhere(bench, "ann"));
    assert!(started(bench, "ann", None).permit.is_known);
}

pub(crate) fn who_enters_the_lobby_learns_what_changed(bench: &Bench) {
    bench.create(&["ann", "bob"]);
    bench.follow(&log_of("lobby"));
    let (ann, bob, ticket) = (bench.session_key("ann"), bench.session_key("bob"), ticket(bench, "ann"));
    bench.store.follows.subscribe(&name("ann"), &name("bob")).unwrap();
    bench.append(vec![told("ann", &bob, "a"), told("ann", &bob, "b")]);
    bench.settle();
    let arrival = enter(bench, &ann, Some(ticket.id()));
    assert!(matches!(arrival.entered.unwrap(), EnterResult::Member { members: 1, .. }));
    assert_eq!(bench.members("lobby"), ["ann"]);
    assert_eq!(arrival.account.unwrap(), Some(account("ann")));
    assert!(arrival.is_ticket_there.unwrap());
    assert_eq!(arrival.publishers.unwrap(), [name("bob")]);
    assert_eq!(arrival.unread.unwrap(), [(name("bob"), 2)]);
    bench.store.tickets.revoke(&name("ann"), Which::All, None).unwrap();
    bench.store.accounts.delete(&name("bob")).unwrap();
    let (ann, cyd) = (bench.session_key("ann"), bench.session_key("cyd"));
    let again = enter(bench, &ann, Some(ticket.id()));
    assert!(!again.is_ticket_there.unwrap());
    assert_eq!(again.publishers.unwrap(), []);
    let without_account = enter(bench, &cyd, None);
    assert!(matches!(without_account.entered.unwrap(), EnterResult::Member { .. }));
    assert_eq!(without_account.account.unwrap(), None);
    assert!(without_account.is_ticket_there.unwrap());
}

pub(crate) fn a_displaced_session_does_not_enter_the_lobby(bench: &Bench) {
    bench.create(&["ann"]);
    bench.follow(&log_of("lobby"));
    let (first, second) = (bench.session_key("ann"), bench.session_key("ann"));
    assert!(matches!(enter(bench, &second, None).entered.unwrap(), EnterResult::Member { .. }));
    assert!(matches!(enter(bench, &first, None).entered.unwrap(), EnterResult::Fenced));
}
