//! Makes tickets and compares them. It must not begin a session, nor keep a secret.

use std::time::Duration;

use parlor_proto::{Note, Refusal, TicketCredentials, TicketId, TicketSecret, Timestamp};
use zeroize::Zeroizing;

use super::attempts::{Known, Passed, Verified, attempt};
use super::{Applicant, suspended};
use crate::connection::effects::{CommandError, During};
use crate::planted::{Bug, planted};
use crate::ports::{Account, RandomSource, SecretHash, StoreResult, Ticket};
use crate::services::Services;

/// Random bytes of a secret: 160 bits.
const SECRET_BYTES: usize = 20;

/// The account of a ticket.
pub(crate) struct Redeemed {
    pub(crate) account: Account,
    pub(crate) ticket: TicketId,
}

/// Makes up a secret, and its ticket, which is valid for `lifetime` after each use, or for ever. It is stored nowhere.
///
/// # Errors
/// The system gives no random numbers.
pub fn new_ticket(
    random: &dyn RandomSource,
    made: Timestamp,
    lifetime: Option<Duration>,
    label: Note,
    address: Option<String>,
) -> StoreResult<(TicketSecret, Ticket)> {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    random.fill(bytes.as_mut_slice())?;
    let secret = TicketSecret::of_random(bytes.as_slice());
    let hash = SecretHash::of(secret.expose());
    Ok((secret, Ticket { hash, label, made, used: None, address, lifetime, is_revoked: false }))
}

/// Makes a ticket of an account that was verified. Returns none if the account changed since.
pub(crate) fn issue(
    services: &Services,
    account: &Account,
    label: Note,
    address: &str,
) -> Result<Option<(TicketSecret, Ticket)>, CommandError> {
    let (now, lifetime) = (services.clock.now(), Some(services.policy.ticket_lifetime));
    let made = new_ticket(&*services.random, now, lifetime, label, Some(address.to_owned()));
    let (secret, ticket) = made.during("making up a secret")?;
    let is_stored = services.store.tickets.add(account, &ticket).during("making a ticket")?;
    Ok(is_stored.then_some((secret, ticket)))
}

/// Returns the account if the ticket is valid, and notes its use. A wrong one counts as a failed login.
pub(crate) fn redeem(applicant: &Applicant<'_>, given: &TicketCredentials) -> Result<Passed<Redeemed>, CommandError> {
    let hash = SecretHash::of(given.secret.expose());
    let ticket = Some(TicketId(hash.number()));
    let redeemed = attempt(applicant, &given.user, ticket, |known| compare(applicant, given, &hash, known))?;
    redeemed.ok_or_else(|| Refusal::BadTicket.into())
}

fn compare(
    applicant: &Applicant<'_>,
    given: &TicketCredentials,
    hash: &SecretHash,
    known: Known,
) -> Result<Verified<Redeemed>, CommandError> {
    let store = &applicant.services.store;
    let account = known.account.during("looking a user up")?;
    let found = match planted(Bug::AnyTicket) {
        true => store.tickets.tickets(&given.user).map(|mut all| all.pop()),
        false => known.ticket,
    };
    let is_right = |found: &Ticket| found.hash.matches(hash) || planted(Bug::AnyTicket);
    let (Some(account), Some(ticket)) = (account, found.during("looking a ticket up")?.filter(is_right)) else {
        return Ok(Verified::Wrong);
    };
    let now = applicant.services.clock.now();
    if planted(Bug::ForgetTicket) && ticket.made.after(applicant.services.clock.elapsed()) < now {
        return Ok(Verified::Wrong);
    }
    if ticket.is_revoked
        && let Some(refusal) = suspended(applicant.services, &account)
    {
        return Ok(Verified::Refused(refusal));
    }
    if !ticket.is_valid_at(now) {
        return Ok(Verified::Wrong);
    }
    let noted = store.tickets.note_use(&given.user, &ticket, now, &applicant.origin.address);
    // Whoever begins a session looks whether the ticket is still there, so a full disk keeps nobody out.
    if noted.unwrap_or_else(|error| {
        applicant.note("noting the use of a ticket", Err(error));
        true
    }) {
        Ok(Verified::Right(Redeemed { account, ticket: ticket.id() }))
    } else {
        Ok(Verified::Wrong)
    }
}
