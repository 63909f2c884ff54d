//! RESUME: begins a session of an account by a ticket. It is answered as LOGIN is.

use parlor_proto::{TicketCredentials, Verb};

use super::{ActionResult, ConnectionContext};
use crate::connection::effects::{Effect, VerifiedLogin};
use crate::login::{Redeemed, redeem};

pub(super) fn run(context: &mut ConnectionContext<'_>, credentials: &TicketCredentials) -> ActionResult {
    let applicant = context.applicant();
    let Redeemed { account, ticket } = redeem(&applicant, credentials)?;
    applicant.require_active(&account)?;
    context.add(Effect::Begin(VerifiedLogin::new(account, Some(ticket), Verb::Login)));
    Ok(())
}
