//! Tickets and invitations.

use parlor_proto::{InvitationCode, TicketCredentials, TicketSecret};

use super::*;
use crate::UnauthenticatedConnection;

const TICKET: &str = r#"{"type":"ok","command":"ticket","ticket":"plt_07","id":"000000ab","expires":null}"#;
const ENTERED: &str = r#"{"type":"joined","room":"lobby","user":"bob"}"#;
const LEFT: &str = r#"{"type":"left","room":"lobby","user":"bob"}"#;
const INVITED: &str = r#"{"type":"ok","command":"invite","uses":1,"rooms":[],"expires":"2026-11-22T10:20:30.456Z"}"#;
/// The answers to FORMAT and INVITE.
const TAKEN: &[&str] = &[WELCOME[0], INVITED];

/// What a server says after a login, and after one more line, which it returns.
fn answering(identity: &Identity, lines: &'static [&'static str]) -> Scripted<String> {
    Scripted::start(identity, move |mut peer| {
        peer.welcome();
        let asked = peer.hear();
        peer.say(lines);
        asked
    })
}

#[test]
fn what_comes_before_a_ticket_is_handed_out_in_its_order() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = answering(&identity, &[ENTERED, LEFT, TICKET]);
    let mut session = log_in(&identity, &server.address);
    let (id, secret) = session.make_ticket("my laptop").unwrap().unwrap();
    assert_eq!((id.to_string().as_str(), secret.expose()), ("000000ab", "plt_07"));
    let heard = [(); 2].map(|()| session.events.next().unwrap().line().to_owned());
    assert_eq!(heard, [ENTERED, LEFT]);
    assert_eq!(server.finish(), "/ticket my laptop");
}

#[test]
fn a_server_may_make_no_ticket_but_whoever_is_sent_away_has_no_session() {
    let identity = Identity::new(&["127.0.0.1"]);
    let refusing =
        answering(&identity, &[r#"{"type":"error","code":"unknown-command","message":"No","command":null}"#]);
    assert!(log_in(&identity, &refusing.address).make_ticket("x").unwrap().is_none());
    let ending = answering(&identity, &[r#"{"type":"bye","code":"suspended","message":"Out"}"#]);
    let error = log_in(&identity, &ending.address).make_ticket("x").unwrap_err();
    assert!(matches!(error, LoginError::Ended { code: Bye::Suspended, .. }), "{error}");
}

#[test]
fn a_ticket_is_shown_in_the_place_of_a_password() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| {
        peer.say(&[HELLO]);
        let heard = [peer.hear(), peer.hear()];
        peer.say(WELCOME);
        heard
    });
    let ticket = TicketCredentials { user: ann().user, secret: TicketSecret::of_random(&[7]) };
    let session = pinned(&server.address, identity.pin).open().unwrap().resume(&ticket).unwrap();
    assert_eq!(session.user, ann().user);
    assert_eq!(server.finish(), ["FORMAT json", "RESUME ann plt_07"]);
}

/// Shows an invitation to a server that answers it with these lines.
fn invited(lines: &'static [&'static str]) -> (Vec<String>, Result<UnauthenticatedConnection, LoginError>) {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, move |mut peer| {
        peer.say(&[HELLO]);
        let heard = vec![peer.hear(), peer.hear()];
        peer.say(lines);
        heard
    });
    let greeted = pinned(&server.address, identity.pin).open().unwrap();
    let shown = greeted.show_invitation(&InvitationCode::of_random(&[7]));
    (server.finish(), shown)
}

#[test]
fn an_invitation_is_shown_before_the_account_is_made() {
    let (heard, shown) = invited(TAKEN);
    assert_eq!(heard, ["FORMAT json", "INVITE pli_07"]);
    assert_eq!(shown.unwrap().server(), "den");
}

#[test]
fn an_invitation_that_is_not_taken_is_told_as_a_refused_login() {
    let refused: &[&str] = &[r#"{"type":"error","code":"bad-invitation","message":"No","command":"invite"}"#];
    let ended: &[&str] = &[r#"{"type":"bye","code":"server-shutdown","message":"Later"}"#];
    let cases = [
        (refused, "login refused: No (bad-invitation)"),
        (ended, "login refused: Later (server-shutdown)"),
        (&["ERR bad-invitation No"], "login refused: No (bad-invitation)"),
        (&["ERR from-the-future No"], "login refused: No (unknown)"),
        (&["BYE from-the-future No"], "login refused: No (unknown)"),
    ];
    for (lines, expected) in cases {
        assert_eq!(invited(lines).1.unwrap_err().to_string(), expected);
    }
}
