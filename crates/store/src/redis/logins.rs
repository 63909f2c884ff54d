//! The steps of a login, each in one request. It must not decide anything: the parts of a step are those of the ports.

use ::redis::Value;
use parlor_core::ports::{
    Arrival, Attempt, AttemptPermit, Claim, ClaimReport, FirstEntry, LoginDecision, Logins, StartedAttempt, StoreError,
    StoreResult,
};
use parlor_proto::{RoomName, TicketId};

use super::connection::companions::Companions;
use super::membership::server::Server;
use super::{accounts, follows, login_limiter, personal, tickets};

impl Logins for Server {
    fn start(&self, attempt: &Attempt<'_>, ticket: Option<TicketId>) -> StoreResult<LoginDecision<StartedAttempt>> {
        let user = attempt.user;
        let mut commands = vec![accounts::ask_for_account(user)];
        commands.extend(ticket.map(|ticket| tickets::ask_for_ticket(user, ticket)));
        let (decision, replies) = self.acquire_with(attempt, commands)?;
        let mut replies = replies.into_iter();
        Ok(decision.map(|permit| StartedAttempt {
            permit,
            account: accounts::read_account(user, next(&mut replies)),
            ticket: ticket.map_or(Ok(None), |_| tickets::read_ticket(next(&mut replies))),
        }))
    }

    fn claim(&self, right: Option<(&Attempt<'_>, AttemptPermit)>, claim: &Claim<'_>) -> ClaimReport {
        let end = |(attempt, permit)| login_limiter::end_right(attempt, permit);
        let before = right.map(end).unwrap_or_default();
        let mut companions = Companions::new(before, vec![follows::ask_for_publishers(claim.user)]);
        let claimed = self.claim_with(claim, &mut companions);
        ClaimReport {
            claimed,
            ended: login_limiter::read_ends(companions.replies_before),
            publishers: follows::read_publishers(next(&mut companions.replies_after.into_iter())),
        }
    }

    fn enter(&self, FirstEntry { entrant, max_rooms, ticket, counts_unread }: &FirstEntry<'_>) -> Arrival {
        let session_key = &entrant.session_key;
        let user = &session_key.user;
        let mut commands = vec![accounts::ask_for_account(user), follows::ask_for_publishers(user)];
        commands.extend(ticket.map(|ticket| tickets::bind(session_key, ticket)));
        commands.extend(counts_unread.then(|| personal::ask_for_conversations(user)));
        let mut companions = Companions::new(Vec::new(), commands);
        let entered = self.enter_with(entrant, &[RoomName::lobby()], *max_rooms, &mut companions);
        let entered = entered.and_then(|mut entered| entered.pop().ok_or_else(missing));
        let mut replies = companions.replies_after.into_iter();
        Arrival {
            entered,
            account: accounts::read_account(user, next(&mut replies)),
            publishers: follows::read_publishers(next(&mut replies)),
            is_ticket_there: ticket.map_or(Ok(true), |_| tickets::read_bound(next(&mut replies))),
            unread: if *counts_unread { personal::read_unread(next(&mut replies)) } else { Ok(Vec::new()) },
        }
    }
}

/// The next reply; an error if nothing was asked, since the step failed before.
fn next(replies: &mut impl Iterator<Item = StoreResult<Value>>) -> StoreResult<Value> {
    replies.next().unwrap_or_else(|| Err(missing()))
}

fn missing() -> StoreError {
    StoreError::new("no reply")
}
