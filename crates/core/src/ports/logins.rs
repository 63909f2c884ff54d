//! The port of logins: the steps of a login, each with all that the store can be asked at once. It must not decide who may log
//! in.

use parlor_proto::{TicketId, UserName};

use super::{
    Account, Attempt, AttemptOutcome, AttemptPermit, Claim, ClaimResult, EnterResult, Entrant, LoginDecision, Store,
    StoreError, StoreResult, Ticket,
};

/// An attempt that may start, with what its secret is compared with.
#[derive(Debug)]
pub struct StartedAttempt {
    /// The right to try.
    pub permit: AttemptPermit,
    /// The account.
    pub account: StoreResult<Option<Account>>,
    /// The ticket that was asked for.
    pub ticket: StoreResult<Option<Ticket>>,
}

/// What was done to claim a session.
#[derive(Debug)]
pub struct ClaimReport {
    /// Whether the attempt was ended, if there was one.
    pub ended: StoreResult<()>,
    /// Whether the session was claimed.
    pub claimed: StoreResult<ClaimResult>,
    /// The users whom the claimant follows, sorted. They may have been read shortly before the claim.
    pub publishers: StoreResult<Vec<UserName>>,
}

/// How a session enters the first room.
#[derive(Debug)]
pub struct FirstEntry<'a> {
    /// The session.
    pub entrant: &'a Entrant,
    /// The maximum number of rooms.
    pub max_rooms: usize,
    /// The ticket by which the session began.
    pub ticket: Option<TicketId>,
    /// Whether unread messages are counted.
    pub counts_unread: bool,
}

/// A session after it entered the first room.
#[derive(Debug)]
pub struct Arrival {
    /// Whether it entered.
    pub entered: StoreResult<EnterResult>,
    /// Its account.
    pub account: StoreResult<Option<Account>>,
    /// Whether its ticket is there; `true` if it began by a password. See [`super::Tickets::bind`].
    pub is_ticket_there: StoreResult<bool>,
    /// The users whom it follows, sorted.
    pub publishers: StoreResult<Vec<UserName>>,
    /// How many messages of each user are unread, as [`super::Personal::unread`]; empty if they are not counted.
    pub unread: StoreResult<Vec<(UserName, u64)>>,
}

/// The steps of a login in which several ports are asked. No question of one step needs the answer to another one. So a store
/// that is far away can be asked all at once. [`Store`] asks its ports one after the other. All calls may block on the store.
pub trait Logins: Send + Sync {
    /// [`super::LoginLimiter::acquire`], and reads the account and a ticket of it.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn start(&self, attempt: &Attempt<'_>, ticket: Option<TicketId>) -> StoreResult<LoginDecision<StartedAttempt>>;

    /// Ends an attempt whose secret was right, claims a session ([`super::Sessions::claim`]), and reads whom the claimant
    /// follows.
    fn claim(&self, right: Option<(&Attempt<'_>, AttemptPermit)>, claim: &Claim<'_>) -> ClaimReport;

    /// Enters the lobby, and reads, perhaps before it, all that may have changed since the session was claimed. The caller hears
    /// already of whatever ends the account, the ticket or a followed account later.
    fn enter(&self, entry: &FirstEntry<'_>) -> Arrival;
}

impl Logins for Store {
    fn start(&self, attempt: &Attempt<'_>, ticket: Option<TicketId>) -> StoreResult<LoginDecision<StartedAttempt>> {
        let decision = self.attempts.acquire(attempt)?;
        Ok(decision.map(|permit| StartedAttempt {
            permit,
            account: self.accounts.find(attempt.user),
            ticket: ticket.map_or(Ok(None), |ticket| self.tickets.find(attempt.user, ticket)),
        }))
    }

    fn claim(&self, right: Option<(&Attempt<'_>, AttemptPermit)>, claim: &Claim<'_>) -> ClaimReport {
        let end = |(attempt, permit)| self.attempts.release(attempt, permit, AttemptOutcome::Right);
        ClaimReport {
            ended: right.map_or(Ok(()), end),
            claimed: self.sessions.claim(claim),
            publishers: self.follows.subscriptions(claim.user),
        }
    }

    fn enter(&self, FirstEntry { entrant, max_rooms, ticket, counts_unread }: &FirstEntry<'_>) -> Arrival {
        let user = &entrant.session_key.user;
        let bind = |ticket| self.tickets.bind(&entrant.session_key, ticket);
        Arrival {
            entered: only(self.rooms.enter(entrant, &[parlor_proto::RoomName::lobby()], *max_rooms)),
            account: self.accounts.find(user),
            is_ticket_there: ticket.map_or(Ok(true), bind),
            publishers: self.follows.subscriptions(user),
            unread: if *counts_unread { self.personal.unread(user) } else { Ok(Vec::new()) },
        }
    }
}

/// The result for the one room that was entered.
fn only(entered: StoreResult<Vec<EnterResult>>) -> StoreResult<EnterResult> {
    entered?.pop().ok_or_else(|| StoreError::new("the store did not say whether the room was entered"))
}
