//! The revocation of tickets whose sessions are on a server that cannot be told.

use std::time::Duration;

use parlor_core::ports::{AppendResult, PasswordHash, SecretHash, SessionKey, Suspension, Ticket};
use parlor_proto::{Note, Tickets as Which, Timestamp};

use crate::accounts::{account, is_current};
use crate::harness::{Server, log_of, name, pair, stored};

/// Adds a ticket of ann.
pub(crate) fn add_ticket(server: &Server, secret: &str) -> Ticket {
    let ticket = Ticket {
        hash: SecretHash::of(secret),
        label: Note::default(),
        made: Timestamp::from_millis(7),
        used: None,
        address: None,
        lifetime: Some(Duration::from_secs(60)),
        is_revoked: false,
    };
    let ann = server.store.accounts.find(&name("ann")).unwrap().unwrap();
    assert!(server.store.tickets.add(&ann, &ticket).unwrap());
    ticket
}

/// A session of ann that began by a ticket, in the room red.
pub(crate) fn by_ticket(server: &Server, ticket: &Ticket) -> SessionKey {
    let session = server.member("ann", "red");
    assert!(server.store.tickets.bind(&session, ticket.id()).unwrap());
    session
}

#[test]
fn a_revoked_ticket_fences_its_session_off_and_takes_its_seat() {
    let (_redis, one, two) = pair();
    one.store.accounts.create(&account(7)).unwrap();
    let (ticket, other) = (add_ticket(&one, "one"), add_ticket(&one, "other"));
    let session = by_ticket(&one, &ticket);
    assert_eq!(two.store.tickets.revoke(&name("ann"), Which::One(other.id()), None).unwrap(), 1);
    assert!(is_current(&one, &session));
    assert!(stored(one.try_say(&session, &log_of("red"), "before")).is_ok());
    assert_eq!(two.store.tickets.revoke(&name("ann"), Which::One(ticket.id()), None).unwrap(), 1);
    assert!(!is_current(&one, &session));
    assert_eq!(one.try_say(&session, &log_of("red"), "after"), Ok(AppendResult::Fenced));
    assert!(two.members("red").is_empty());
    assert!(!one.store.tickets.bind(&session, ticket.id()).unwrap());
}

#[test]
fn whoever_revokes_its_own_ticket_and_whoever_came_by_password_stays() {
    let (_redis, one, two) = pair();
    let ann = account(7);
    one.store.accounts.create(&ann).unwrap();
    let ticket = add_ticket(&one, "one");
    let session = by_ticket(&one, &ticket);
    assert_eq!(one.store.tickets.revoke(&name("ann"), Which::All, Some(session.generation)).unwrap(), 1);
    assert!(is_current(&one, &session));
    let earlier = by_ticket(&one, &add_ticket(&one, "two"));
    let later = two.member("ann", "red");
    assert!(!is_current(&one, &earlier));
    assert_eq!(one.store.tickets.revoke(&name("ann"), Which::All, None).unwrap(), 1);
    assert!(is_current(&two, &later));
}

#[test]
fn a_new_password_fences_off_the_sessions_of_all_tickets_but_its_own() {
    let (_redis, one, two) = pair();
    let ann = account(7);
    one.store.accounts.create(&ann).unwrap();
    let hash = |text: &str| PasswordHash::new(text.to_owned());
    let session = by_ticket(&one, &add_ticket(&one, "one"));
    assert!(two.store.accounts.change_password(&ann.user, &ann.hash, &hash("new"), session.generation).unwrap());
    assert!(is_current(&one, &session));
    let session = by_ticket(&one, &add_ticket(&one, "two"));
    assert!(two.store.accounts.set_password(&ann.user, &hash("newer")).unwrap());
    assert!(!is_current(&one, &session));
}

#[test]
fn a_ticket_that_an_earlier_session_showed_ends_no_later_one() {
    let (_redis, one, two) = pair();
    one.store.accounts.create(&account(7)).unwrap();
    let ticket = add_ticket(&one, "one");
    let (earlier, later) = (one.session_key("ann"), two.session_key("ann"));
    // It is bound late: its reply was slow.
    assert!(one.store.tickets.bind(&earlier, ticket.id()).unwrap());
    assert_eq!(one.store.tickets.revoke(&name("ann"), Which::All, None).unwrap(), 1);
    assert!(is_current(&two, &later));
}

#[test]
fn a_ticket_that_is_added_again_is_the_same_and_another_one_does_not_take_its_place() {
    let (_redis, one, two) = pair();
    let ann = account(7);
    one.store.accounts.create(&ann).unwrap();
    let ticket = add_ticket(&one, "one");
    assert!(two.store.tickets.add(&ann, &ticket).unwrap());
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&ticket.id().0.to_be_bytes());
    let twin = Ticket { hash: SecretHash::stored(bytes), ..ticket.clone() };
    assert_eq!(twin.id(), ticket.id());
    assert!(!two.store.tickets.add(&ann, &twin).unwrap());
    assert_eq!(two.store.tickets.tickets(&ann.user).unwrap(), [ticket]);
}

#[test]
fn a_use_that_is_noted_late_takes_nothing_back() {
    let (_redis, one, two) = pair();
    let ann = account(7);
    one.store.accounts.create(&ann).unwrap();
    let found = add_ticket(&one, "one");
    let note = |server: &Server, at| {
        server.store.tickets.note_use(&ann.user, &found, Timestamp::from_millis(at), "192.0.2.7").unwrap()
    };
    assert!(note(&one, 9) && note(&two, 8));
    let kept = one.store.tickets.find(&ann.user, found.id()).unwrap().unwrap();
    assert_eq!(kept.used, Some(Timestamp::from_millis(9)));
    // Suspended twice, the ticket is marked once.
    let suspension = Suspension { until: None, reason: Note::default() };
    for _ in 0..2 {
        assert!(one.store.accounts.suspend(&ann.user, Some(&suspension)).unwrap());
    }
    let marked = one.store.tickets.find(&ann.user, found.id()).unwrap();
    assert_eq!(marked, Some(Ticket { is_revoked: true, ..kept }));
    assert!(note(&one, 10), "it is there still");
    assert_eq!(one.store.tickets.find(&ann.user, found.id()).unwrap(), marked);
}
