//! The first login of a chat: at the first of its servers that takes it. It must not read input or print.

use parlor_proto::{Credentials, InvitationCode};

use super::reconnect::is_of_the_server;
use super::{Exit, Failure};
use crate::address::Address;
use crate::connection::UnauthenticatedConnection;
use crate::connector::Connector;
use crate::error::LoginError;
use crate::session::{Entry, Session};

/// Logs in, or creates the account. A server that stops, or whose store is away, is no reason not to ask the next one. A
/// new account is asked for once only, since it may exist although the answer was lost. Blocks.
///
/// # Errors
/// The last server's, or that none answers.
pub(super) fn first_login(
    connector: &Connector,
    entry: Entry,
    invitation: Option<&InvitationCode>,
    credentials: &Credentials,
) -> Result<Session, Failure> {
    let mut greeted = connector.open().map_err(|error| Failure::new(Exit::NoConnection, &error))?;
    let first = greeted.address().clone();
    let mut others = connector.addresses().iter().filter(|address| **address != first);
    loop {
        let address = greeted.address().clone();
        let error = match begin(greeted, entry, invitation, credentials) {
            Ok(session) => return Ok(session),
            Err(error) => error,
        };
        let next = if entry == Entry::Login && is_of_the_server(&error) { next(connector, &mut others)? } else { None };
        match next {
            Some(connection) => greeted = connection,
            None => return Err(login_failure(&address, &error)),
        }
    }
}

/// A connection to the next server that answers.
fn next<'a>(
    connector: &Connector,
    others: &mut impl Iterator<Item = &'a Address>,
) -> Result<Option<UnauthenticatedConnection>, Failure> {
    for address in others {
        match connector.open_at(address) {
            Ok(connection) => return Ok(Some(connection)),
            // The failure of the server before says more than that another one is away, too.
            Err(error) if error.is_transient() => {}
            Err(error) => return Err(Failure::new(Exit::NoConnection, &error)),
        }
    }
    Ok(None)
}

fn begin(
    greeted: UnauthenticatedConnection,
    entry: Entry,
    invitation: Option<&InvitationCode>,
    credentials: &Credentials,
) -> Result<Session, LoginError> {
    let greeted = match invitation {
        Some(code) => greeted.show_invitation(code)?,
        None => greeted,
    };
    greeted.log_in(entry, credentials)
}

/// What the program says and returns if a login failed.
pub(super) fn login_failure(address: &Address, error: &LoginError) -> Failure {
    let exit = if is_of_the_server(error) { Exit::NoConnection } else { Exit::LoginRefused };
    Failure { exit, message: format!("{address}: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{HELLO, Identity, Scripted, WELCOME, ann};
    use crate::trust::Trust;

    const STOPS: &str = r#"{"type":"bye","code":"server-shutdown","message":"The server stops"}"#;
    const AWAY: &str = r#"{"type":"error","command":"login","code":"store-unavailable","message":"later"}"#;
    const WRONG: &str = r#"{"type":"error","command":"login","code":"bad-credentials","message":"wrong"}"#;

    /// A server that answers a login or a registration with this line.
    fn answering(identity: &Identity, line: &'static str) -> Scripted<String> {
        Scripted::start(identity, move |mut peer| {
            peer.say(&[HELLO]);
            peer.hear();
            let asked = peer.hear();
            peer.say(&[line]);
            peer.close();
            asked
        })
    }

    fn connector(identity: &Identity, addresses: &[&Address]) -> Connector {
        let others = addresses[1..].iter().map(|address| (*address).clone());
        Connector::new(addresses[0].clone(), &Trust::Pin(identity.pin)).unwrap().with_others(others)
    }

    #[test]
    fn a_server_that_stops_or_has_no_store_is_left_for_the_next() {
        let identity = Identity::new(&["localhost"]);
        let stopping = answering(&identity, STOPS);
        let away = answering(&identity, AWAY);
        let good = Scripted::start(&identity, |mut peer| peer.welcome());
        let connector = connector(&identity, &[&stopping.address, &away.address, &good.address]);
        let session = first_login(&connector, Entry::Login, None, &ann()).ok().unwrap();
        assert_eq!(session.address, good.address);
        good.finish();
    }

    #[test]
    fn a_wrong_password_is_wrong_everywhere() {
        let identity = Identity::new(&["localhost"]);
        let wrong = answering(&identity, WRONG);
        let other = answering(&identity, STOPS);
        let connector = connector(&identity, &[&wrong.address, &other.address]);
        let failure = first_login(&connector, Entry::Login, None, &ann()).err().unwrap();
        assert_eq!(failure.exit, Exit::LoginRefused, "{}", failure.message);
        assert!(failure.message.starts_with(&wrong.address.to_string()), "{}", failure.message);
    }

    #[test]
    fn where_all_are_away_there_is_no_connection() {
        let identity = Identity::new(&["localhost"]);
        let (stopping, away) = (answering(&identity, STOPS), answering(&identity, AWAY));
        let connector = connector(&identity, &[&stopping.address, &away.address]);
        let failure = first_login(&connector, Entry::Login, None, &ann()).err().unwrap();
        assert_eq!(failure.exit, Exit::NoConnection, "{}", failure.message);
        assert!(failure.message.starts_with(&away.address.to_string()), "{}", failure.message);
    }

    #[test]
    fn the_next_server_has_to_prove_its_identity_too() {
        let (identity, other) = (Identity::new(&["localhost"]), Identity::new(&["localhost"]));
        let stopping = answering(&identity, STOPS);
        let wrong = Scripted::start(&other, |mut peer| peer.hear());
        let good = Scripted::start(&identity, |mut peer| peer.welcome());
        let connector = connector(&identity, &[&stopping.address, &wrong.address, &good.address]);
        let failure = first_login(&connector, Entry::Login, None, &ann()).err().unwrap();
        assert_eq!(failure.exit, Exit::NoConnection, "{}", failure.message);
        assert!(failure.message.contains("is not the one of --pin"), "{}", failure.message);
    }

    #[test]
    fn an_account_is_asked_for_once() {
        let identity = Identity::new(&["localhost"]);
        let away = answering(&identity, AWAY);
        let other = answering(&identity, STOPS);
        let connector = connector(&identity, &[&away.address, &other.address]);
        let failure = first_login(&connector, Entry::Register, None, &ann()).err().unwrap();
        assert!(failure.message.starts_with(&away.address.to_string()), "{}", failure.message);
        assert!(away.finish().starts_with("REGISTER ann "));
    }

    #[test]
    fn whoever_is_invited_shows_the_invitation_before_the_account_is_made() {
        const TAKEN: &str =
            r#"{"type":"ok","command":"invite","uses":1,"rooms":[],"expires":"2026-11-22T10:20:30.456Z"}"#;
        const REFUSED: &str = r#"{"type":"error","code":"bad-invitation","message":"No","command":"invite"}"#;
        const BOTH: &[&str] = &[TAKEN, WELCOME[1]];
        let identity = Identity::new(&["localhost"]);
        // Each of these lines answers two: FORMAT and another one.
        let register = |lines: &'static [&'static str]| {
            let server = Scripted::start(&identity, move |mut peer| {
                peer.say(&[HELLO]);
                let mut heard = vec![];
                for line in lines {
                    heard.extend([peer.hear(), peer.hear()]);
                    peer.say(&[line]);
                }
                heard
            });
            let connector = connector(&identity, &[&server.address]);
            let code = InvitationCode::of_random(&[7]);
            (first_login(&connector, Entry::Register, Some(&code), &ann()), server.finish())
        };
        let (session, heard) = register(BOTH);
        assert_eq!(session.ok().unwrap().user, ann().user);
        assert_eq!(heard, ["FORMAT json", "INVITE pli_07", "FORMAT json", "REGISTER ann pass word"]);
        let (session, heard) = register(&[REFUSED]);
        let failure = session.err().unwrap();
        assert_eq!((failure.exit, heard.len()), (Exit::LoginRefused, 2), "{}", failure.message);
        assert!(failure.message.ends_with(": login refused: No (bad-invitation)"), "{}", failure.message);
    }

    #[test]
    fn that_another_server_is_away_says_less_than_why_this_one_refuses() {
        let identity = Identity::new(&["localhost"]);
        let stopping = answering(&identity, STOPS);
        let away = Scripted::start_plain(drop);
        let connector = connector(&identity, &[&stopping.address, &away.address]);
        let failure = first_login(&connector, Entry::Login, None, &ann()).err().unwrap();
        let told = format!("{}: login refused: The server stops (server-shutdown)", stopping.address);
        assert_eq!((failure.exit, failure.message), (Exit::NoConnection, told));
    }
}
