//! Logging in without a session, for a door that gives out tickets: the same rules as LOGIN, REGISTER and RESUME. It must
//! not know who is at the door.

use std::time::Duration;

use parlor_proto::{
    Credentials, InvitationCode, Note, Refusal, TicketCredentials, TicketSecret, Tickets, Timestamp, UserName,
};

use super::{Applicant, Patience, authenticate, inspect, issue, redeem, register};
use crate::connection::effects::CommandError;
use crate::delivery::peer::{ConnectionId, Origin};
use crate::ports::{Account, StoreError};
use crate::services::Services;

/// A client at a door.
#[derive(Clone, Copy)]
pub struct Visitor<'a> {
    /// Where it comes from.
    pub origin: &'a Origin,
    /// The number of its connection, for reports.
    pub connection: ConnectionId,
    /// When it has to have its answer, as the clock's elapsed time.
    pub deadline: Duration,
    /// Waits for the end of a delay after failed logins, for 2 s at most, and longer for attempts that run at the same time.
    pub patience: &'a dyn Patience,
}

impl std::fmt::Debug for Visitor<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Visitor({})", self.connection)
    }
}

/// A ticket that was made for a visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedTicket {
    /// Its user.
    pub user: UserName,
    /// Its secret, which nobody can find out again.
    pub secret: TicketSecret,
    /// When it ends, if it is not used before; none for never.
    pub expires: Option<Timestamp>,
}

impl Services {
    /// Makes a ticket for whoever shows a right password. Blocks as LOGIN does.
    ///
    /// # Errors
    /// The refusal that LOGIN would get.
    pub fn log_in(
        &self,
        visitor: &Visitor<'_>,
        credentials: &Credentials,
        label: &Note,
    ) -> Result<IssuedTicket, Refusal> {
        let applicant = self.applicant(visitor);
        let attempt = || {
            let account = authenticate(&applicant, credentials)?.settle(&applicant, &credentials.user);
            applicant.require_active(&account)?;
            self.issue_once(visitor, account, label)
        };
        // Another login with the same password may renew its hash in between.
        let issued = attempt().and_then(|issued| issued.map_or_else(attempt, |issued| Ok(Some(issued))));
        issued.and_then(|issued| issued.ok_or_else(changing)).map_err(|error| self.refusal(error))
    }

    /// Makes an account, by an invitation if there is a code, and a ticket for it. Blocks as REGISTER does.
    ///
    /// # Errors
    /// The refusal that INVITE or REGISTER would get.
    pub fn register(
        &self,
        visitor: &Visitor<'_>,
        credentials: &Credentials,
        code: Option<&InvitationCode>,
        label: &Note,
    ) -> Result<IssuedTicket, Refusal> {
        let applicant = self.applicant(visitor);
        let invitation = code.map(|code| inspect(&applicant, code)).transpose();
        let made = invitation.and_then(|invitation| register(&applicant, credentials, invitation.as_ref()));
        let issued = made.and_then(|account| self.issue_once(visitor, account, label)?.ok_or_else(changing));
        issued.map_err(|error| self.refusal(error))
    }

    /// Returns the user of a valid ticket, and notes its use. Blocks as RESUME does.
    ///
    /// # Errors
    /// The refusal that RESUME would get.
    pub fn verify_ticket(&self, visitor: &Visitor<'_>, ticket: &TicketCredentials) -> Result<UserName, Refusal> {
        let applicant = self.applicant(visitor);
        let redeemed = redeem(&applicant, ticket);
        let active = redeemed.and_then(|redeemed| {
            let redeemed = redeemed.settle(&applicant, &ticket.user);
            applicant.require_active(&redeemed.account)?;
            Ok(redeemed.account.user)
        });
        active.map_err(|error| self.refusal(error))
    }

    /// Revokes the ticket with this secret, and ends the sessions that began by it, on whatever server. Blocks as RESUME
    /// does.
    ///
    /// # Errors
    /// As [`Services::verify_ticket`]: one that is not valid counts as a failed login.
    pub fn revoke_ticket(&self, visitor: &Visitor<'_>, ticket: &TicketCredentials) -> Result<(), Refusal> {
        let applicant = self.applicant(visitor);
        let redeemed = redeem(&applicant, ticket).map_err(|error| self.refusal(error))?;
        let redeemed = redeemed.settle(&applicant, &ticket.user);
        let which = Tickets::One(redeemed.ticket);
        let revoked = self.store.tickets.revoke(&ticket.user, which, None);
        revoked.map(drop).map_err(|error| self.refusal(CommandError::Failed { what: "revoking a ticket", error }))
    }

    /// Makes a ticket of an account. Returns none if it changed since it was verified.
    fn issue_once(
        &self,
        visitor: &Visitor<'_>,
        account: Account,
        label: &Note,
    ) -> Result<Option<IssuedTicket>, CommandError> {
        let made = issue(self, &account, label.clone(), &visitor.origin.address)?;
        Ok(made.map(|(secret, ticket)| IssuedTicket { user: account.user, secret, expires: ticket.expires() }))
    }

    fn applicant<'a>(&'a self, visitor: &Visitor<'a>) -> Applicant<'a> {
        let Visitor { origin, connection, deadline, patience } = *visitor;
        Applicant { services: self, origin, connection, deadline: Some(deadline), patience }
    }

    /// Reports a failure of the store to operators, and says what the visitor is told.
    pub(crate) fn refusal(&self, error: CommandError) -> Refusal {
        match error {
            CommandError::Refused(refusal) => refusal,
            CommandError::Failed { what, error } => {
                self.observer.store_failed(what, &error);
                if error.is_full() { Refusal::StoreFull } else { Refusal::StoreUnavailable }
            }
        }
    }
}

/// An account that others change again and again gets no ticket.
fn changing() -> CommandError {
    CommandError::Failed { what: "making a ticket", error: StoreError::new("the account changes all the time") }
}
