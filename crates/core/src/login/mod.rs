//! Who may log in: by a password, by a ticket, or by making an account, perhaps by an invitation. The commands of a connection and doors without
//! sessions share these rules. They must not begin a session.

mod admission;
mod attempts;
mod door;
mod elsewhere;
mod invitations;
mod password;
mod registration;
mod tickets;

use std::time::Duration;

use parlor_proto::{Password, Refusal, TicketId, Verb};

use crate::connection::effects::{CommandError, VerifiedLogin};
use crate::delivery::peer::{ConnectionId, Origin, Peer};
use crate::ports::{Account, StoreResult, Suspension};
use crate::services::Services;

pub(crate) use attempts::{FORGETTING_FAILURES, Passed, made_now};
pub use door::{IssuedTicket, Visitor};
pub(crate) use invitations::inspect;
pub use invitations::{INVITATION_LIFETIME, new_invitation};
pub(crate) use password::authenticate;
pub(crate) use registration::register;
pub use tickets::new_ticket;
pub(crate) use tickets::{Redeemed, issue, redeem};

/// Lets the calling thread wait for the end of a delay after failed logins.
pub trait Patience {
    /// Blocks for this time, or less if the client goes away meanwhile.
    fn pause(&self, time: Duration);
}

impl Patience for Peer {
    fn pause(&self, time: Duration) {
        self.transport().pause(time);
    }
}

/// A client that shows a password or a ticket.
pub(crate) struct Applicant<'a> {
    pub(crate) services: &'a Services,
    pub(crate) origin: &'a Origin,
    pub(crate) connection: ConnectionId,
    /// When the time for the login ends, as the clock's elapsed time; `None` in a session.
    pub(crate) deadline: Option<Duration>,
    pub(crate) patience: &'a dyn Patience,
}

impl Applicant<'_> {
    /// Time left for the login; without limit in a session.
    fn time_left(&self) -> Duration {
        let now = self.services.clock.elapsed();
        self.deadline.map_or(Duration::MAX, |deadline| deadline.saturating_sub(now))
    }

    /// Reports a failure that the client need not know.
    fn note(&self, what: &'static str, result: StoreResult<()>) {
        if let Err(error) = result {
            self.services.observer.store_failed(what, &error);
        }
    }

    /// Refuses an account that is suspended now.
    pub(crate) fn require_active(&self, account: &Account) -> Result<(), CommandError> {
        suspended(self.services, account).map_or(Ok(()), |refusal| Err(refusal.into()))
    }

    /// Refuses a new password that is too short. Passwords of existing accounts are not checked.
    pub(crate) fn require_length(&self, password: &Password) -> Result<(), CommandError> {
        let min = self.services.policy.min_password;
        if password.characters() < min { Err(Refusal::PasswordTooShort(min).into()) } else { Ok(()) }
    }
}

/// The login of an account whose password or ticket was right, unless it is suspended.
pub(crate) fn verified_login(
    applicant: &Applicant<'_>,
    passed: Passed<(Account, Option<TicketId>)>,
) -> Result<VerifiedLogin, CommandError> {
    let (account, _) = passed.value();
    if let Some(refusal) = suspended(applicant.services, account) {
        let user = account.user.clone();
        passed.settle(applicant, &user);
        return Err(refusal.into());
    }
    let ((account, ticket), permit) = passed.into_parts();
    Ok(VerifiedLogin::new(account, ticket, Verb::Login, permit))
}

/// The refusal of an account that is suspended now.
fn suspended(services: &Services, account: &Account) -> Option<Refusal> {
    let Suspension { until, reason } = account.suspension_at(services.clock.now())?;
    Some(Refusal::Suspended(*until, reason.clone()))
}
