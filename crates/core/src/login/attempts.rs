//! One attempt to log in, by a password, a ticket or an invitation: it waits for its turn, and is counted with its result. It must not
//! know how a secret is compared.

use std::time::Duration;

use parlor_proto::{Refusal, TicketId, UserName};

use super::Applicant;
use crate::connection::effects::{CommandError, During};
use crate::delivery::peer::Origin;
use crate::limits::whole_seconds;
use crate::ports::{
    Account, Attempt, AttemptOutcome, AttemptPermit, LoginDecision, StartedAttempt, StoreResult, Ticket,
};
use crate::services::Services;

/// A delay up to this time is waited for. With a longer delay, the client is refused and must retry later.
const PATIENCE: Duration = Duration::from_secs(2);

/// Pause between two checks whether concurrent attempts have their results.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// What an attempt showed.
pub(super) enum Verified<T> {
    /// The secret is right.
    Right(T),
    /// The secret is right, and is nobody's own: it forgives no earlier failure.
    Shared(T),
    /// The secret is wrong, or there is no such account.
    Wrong,
    /// The secret was right once, and the refusal tells why it does not help now. It counts as no failure.
    Refused(Refusal),
}

/// What a secret is compared with, as it was read when the attempt began.
pub(super) struct Known {
    pub(super) account: StoreResult<Option<Account>>,
    pub(super) ticket: StoreResult<Option<Ticket>>,
}

/// What a right secret opens. The attempt that showed it still counts as a failure, until it is settled. That is left to whoever
/// goes on, since a store can do it together with the next step. An attempt that is not settled expires.
#[derive(Debug)]
#[must_use = "the attempt must be settled"]
pub(crate) struct Passed<T> {
    value: T,
    permit: Option<AttemptPermit>,
}

impl<T> Passed<T> {
    /// Of an attempt that is over.
    pub(super) fn settled(value: T) -> Self {
        Self { value, permit: None }
    }

    /// Ends the attempt as a right one. May block on the store.
    pub(crate) fn settle(self, applicant: &Applicant<'_>, user: &UserName) -> T {
        if let Some(permit) = self.permit {
            let attempt = applicant.attempt(user);
            let ended = applicant.services.store.attempts.release(&attempt, permit, AttemptOutcome::Right);
            note_end(applicant, ended);
        }
        self.value
    }

    /// What was opened.
    pub(super) fn value(&self) -> &T {
        &self.value
    }

    /// What was opened, and the permit with which the attempt is to be ended.
    pub(super) fn into_parts(self) -> (T, Option<AttemptPermit>) {
        (self.value, self.permit)
    }

    /// Goes on with what was opened.
    pub(crate) fn map<R>(self, change: impl FnOnce(T) -> R) -> Passed<R> {
        Passed { value: change(self.value), permit: self.permit }
    }
}

/// Compares a secret as one attempt at `user`. Blocks until it is allowed. Returns none if the secret is wrong.
pub(super) fn attempt<T>(
    applicant: &Applicant<'_>,
    user: &UserName,
    ticket: Option<TicketId>,
    compare: impl FnOnce(Known) -> Result<Verified<T>, CommandError>,
) -> Result<Option<Passed<T>>, CommandError> {
    let StartedAttempt { permit, account, ticket } = wait_for_start(applicant, user, ticket)?;
    let compared = compare(Known { account, ticket });
    let outcome = match &compared {
        Ok(Verified::Right(_)) => None,
        Ok(Verified::Wrong) => Some(AttemptOutcome::Wrong),
        Ok(Verified::Shared(_) | Verified::Refused(_)) | Err(_) => Some(AttemptOutcome::Unknown),
    };
    let release = |outcome| applicant.services.store.attempts.release(&applicant.attempt(user), permit, outcome);
    let ended = outcome.map_or(Ok(()), release);
    // Returns the first failure. A permit that was not released expires.
    match compared? {
        Verified::Right(value) => Ok(Some(Passed { value, permit: Some(permit) })),
        Verified::Shared(value) => {
            note_end(applicant, ended);
            Ok(Some(Passed::settled(value)))
        }
        Verified::Wrong => {
            ended.during("counting a failed login")?;
            applicant.services.observer.login_failed(applicant.connection, user, applicant.origin);
            Ok(None)
        }
        Verified::Refused(refusal) => {
            applicant.note("counting a login", ended);
            Err(refusal.into())
        }
    }
}

/// What operators are told of an attempt whose secret was right, and which could not be ended.
pub(crate) const FORGETTING_FAILURES: &str = "forgetting failed logins";

/// A user with the right secret may log in even if the disk is full.
fn note_end(applicant: &Applicant<'_>, ended: StoreResult<()>) {
    applicant.note(FORGETTING_FAILURES, ended);
}

/// Waits up to [`PATIENCE`] for the end of a delay, and longer for concurrent attempts, but never beyond the time limit
/// for the login.
fn wait_for_start(
    applicant: &Applicant<'_>,
    user: &UserName,
    ticket: Option<TicketId>,
) -> Result<StartedAttempt, CommandError> {
    let (mut patience, mut wait_left) = (PATIENCE, applicant.services.policy.login_timeout);
    loop {
        let attempt = applicant.attempt(user);
        match applicant.services.store.logins().start(&attempt, ticket).during("counting failed logins")? {
            LoginDecision::Allowed(started) => return Ok(started),
            LoginDecision::RetryAfter(time) if time <= patience.min(applicant.time_left()) => {
                patience -= time;
                applicant.patience.pause(time);
            }
            LoginDecision::Queued if POLL_INTERVAL <= wait_left.min(applicant.time_left()) => {
                wait_left -= POLL_INTERVAL;
                applicant.patience.pause(POLL_INTERVAL);
            }
            LoginDecision::RetryAfter(time) => return Err(Refusal::TooManyAttempts(whole_seconds(time)).into()),
            LoginDecision::Queued => return Err(Refusal::TooManyAttempts(1).into()),
        }
    }
}

impl<'a> Applicant<'a> {
    /// An attempt, made now.
    pub(super) fn attempt(&self, user: &'a UserName) -> Attempt<'a> {
        made_now(self.services, self.origin, user)
    }
}

/// An attempt from an address, made now.
pub(crate) fn made_now<'a>(services: &Services, origin: &'a Origin, user: &'a UserName) -> Attempt<'a> {
    let clock = &services.clock;
    let is_address_limited = !origin.is_loopback || services.policy.limit_loopback;
    Attempt { user, address: &origin.network, is_address_limited, at: clock.elapsed(), now: clock.now() }
}

#[cfg(test)]
mod tests {
    use parlor_testkit::{World, login_line};

    /// Fails to log in on a new connection.
    fn fail(world: &World, address: &str, user: &str) -> Vec<String> {
        world.from_address(address).ask(&format!("LOGIN {user} wrong"))
    }

    #[test]
    fn failures_of_an_account_make_everybody_wait_who_tries_it() {
        let world = World::new();
        world.account("ann");
        for _ in 0..7 {
            fail(&world, "192.0.2.1", "ann");
        }
        let before = world.elapsed_millis();
        assert_eq!(world.from_address("192.0.2.9").ask(&login_line("ann")), ["OK login ann lobby"]);
        assert_eq!(world.elapsed_millis() - before, 1000);
    }

    #[test]
    fn longer_waits_are_told_instead_and_over_in_time() {
        let world = World::new();
        world.account("ann");
        for _ in 0..9 {
            assert_eq!(fail(&world, "192.0.2.1", "ann"), ["ERR bad-credentials Unknown user or wrong password"]);
        }
        let connection = world.from_address("192.0.2.9");
        let told = "ERR too-many-attempts 4 seconds to wait after too many failures";
        for _ in 0..4 {
            assert_eq!(connection.ask(&login_line("ann")), [told]);
        }
        world.advance(4);
        assert_eq!(connection.ask(&login_line("ann")), ["OK login ann lobby"]);
    }

    #[test]
    fn an_address_waits_whatever_account_it_tries_and_loopback_never() {
        let world = World::new();
        for number in 0..24 {
            fail(&world, "192.0.2.1", &format!("user{number}"));
            world.connect().ask(&format!("LOGIN local{number} wrong"));
        }
        assert!(fail(&world, "192.0.2.1", "other")[0].starts_with("ERR too-many-attempts 4 "));
        let before = world.elapsed_millis();
        assert!(fail(&world, "192.0.2.2", "other")[0].starts_with("ERR bad-credentials "));
        world.login("ann");
        assert_eq!(world.elapsed_millis(), before);
    }

    #[test]
    fn loopback_addresses_wait_too_where_they_are_limited() {
        let world = World::builder().limit_loopback().build();
        for number in 0..24 {
            world.connect().ask(&format!("LOGIN local{number} wrong"));
        }
        assert!(world.connect().ask("LOGIN other wrong")[0].starts_with("ERR too-many-attempts "));
    }

    #[test]
    fn a_right_password_forgives_the_account() {
        let world = World::new();
        world.account("ann");
        for _ in 0..6 {
            fail(&world, "192.0.2.1", "ann");
        }
        world.from_address("192.0.2.2").send(&login_line("ann"));
        let before = world.elapsed_millis();
        world.from_address("192.0.2.2").send(&login_line("ann"));
        assert_eq!(world.elapsed_millis(), before);
    }

    #[test]
    fn failures_elsewhere_do_not_keep_anybody_out_who_is_at_a_usual_address() {
        let world = World::new();
        world.account("ann");
        let home = || world.from_address("192.0.2.9");
        home().send(&login_line("ann"));
        for number in 0..30 {
            fail(&world, &format!("198.51.100.{number}"), "ann");
        }
        assert!(fail(&world, "198.51.100.99", "ann")[0].starts_with("ERR too-many-attempts "));
        let before = world.elapsed_millis();
        assert_eq!(home().ask(&login_line("ann")), ["OK login ann lobby"]);
        assert_eq!(world.elapsed_millis(), before);
        // The password alone does not help at another address: the login from the known address clears no failures
        // there.
        assert!(world.from_address("198.51.100.99").ask(&login_line("ann"))[0].starts_with("ERR too-many-attempts "));
    }

    #[test]
    fn a_usual_address_can_be_used_up_for_one_user_and_for_no_other() {
        let world = World::new();
        for user in ["ann", "bob"] {
            world.account(user);
            world.from_address("192.0.2.9").send(&login_line(user));
        }
        for _ in 0..9 {
            assert!(fail(&world, "192.0.2.9", "ann")[0].starts_with("ERR bad-credentials "));
        }
        assert!(fail(&world, "192.0.2.9", "ann")[0].starts_with("ERR too-many-attempts 4 "));
        assert_eq!(world.from_address("192.0.2.9").ask(&login_line("bob")), ["OK login bob lobby"]);
        // No login failed from elsewhere yet.
        assert_eq!(world.from_address("198.51.100.1").ask(&login_line("ann")), ["OK login ann lobby"]);
    }

    #[test]
    fn whoever_makes_an_account_is_at_a_usual_address_there() {
        let world = World::new();
        assert_eq!(world.from_address("192.0.2.9").ask("REGISTER ann secret of ann"), ["OK register ann lobby"]);
        for number in 0..30 {
            fail(&world, &format!("198.51.100.{number}"), "ann");
        }
        assert_eq!(world.from_address("192.0.2.9").ask(&login_line("ann")), ["OK login ann lobby"]);
    }

    #[test]
    fn what_could_not_be_looked_at_is_no_failure() {
        let world = World::new();
        world.account("ann");
        world.fail_store(true);
        for _ in 0..20 {
            assert!(world.from_address("192.0.2.1").ask(&login_line("ann"))[0].starts_with("ERR store-unavailable "));
        }
        world.fail_store(false);
        let before = world.elapsed_millis();
        assert_eq!(world.from_address("192.0.2.1").ask(&login_line("ann")), ["OK login ann lobby"]);
        assert_eq!(world.elapsed_millis(), before);
    }

    #[test]
    fn a_full_disk_keeps_nobody_out_whose_hash_is_to_be_renewed() {
        let world = World::new();
        world.outdated_account("ann");
        let outdated = world.hash_of("ann");
        world.fill_disk(true);
        assert_eq!(world.from_address("192.0.2.1").ask(&login_line("ann")), ["OK login ann lobby"]);
        assert_eq!(world.reports()[0], "store failed renewing a hash: failing on purpose");
        world.fill_disk(false);
        assert_eq!(world.hash_of("ann"), outdated);
        world.from_address("192.0.2.1").send(&login_line("ann"));
        assert_ne!(world.hash_of("ann"), outdated);
    }

    #[test]
    fn no_attempt_extends_the_time_for_logging_in() {
        let world = World::builder().login_timeout(1).build();
        world.account("ann");
        for _ in 0..8 {
            fail(&world, "192.0.2.1", "ann");
        }
        let before = world.elapsed_millis();
        let connection = world.from_address("192.0.2.9");
        let told = "ERR too-many-attempts 2 seconds to wait after too many failures";
        assert_eq!(connection.ask(&login_line("ann")), [told]);
        assert!(connection.is_open());
        assert_eq!(world.elapsed_millis(), before);
    }

    #[test]
    fn two_seconds_are_waited_for() {
        let world = World::new();
        world.account("ann");
        for _ in 0..8 {
            fail(&world, "192.0.2.1", "ann");
        }
        let before = world.elapsed_millis();
        assert_eq!(world.from_address("192.0.2.9").ask(&login_line("ann")), ["OK login ann lobby"]);
        assert_eq!(world.elapsed_millis() - before, 2000);
    }

    /// The code that a world makes first.
    const CODE: &str = "pli_0000000000000001000000000000000000000000";

    #[test]
    fn a_code_that_many_look_at_delays_nobody() {
        let world = World::new();
        world.operator("op");
        assert_eq!(world.login("op").ask("/invitation"), [format!("OK invitation {CODE}")]);
        let before = world.elapsed_millis();
        for _ in 0..30 {
            assert_eq!(world.from_address("192.0.2.1").ask(&format!("INVITE {CODE}")), ["OK invite 1"]);
        }
        assert_eq!(world.elapsed_millis(), before);
    }

    #[test]
    fn a_right_code_is_nobody_s_own_and_forgives_no_wrong_one() {
        let world = World::new();
        world.operator("op");
        let op = world.login("op");
        let look = || {
            let before = world.elapsed_millis();
            let told = world.from_address("192.0.2.1").ask(&format!("INVITE {CODE}")).swap_remove(0);
            (told.split(' ').nth(1).unwrap().to_owned(), world.elapsed_millis() - before)
        };
        let waits: Vec<u128> = (0..7).map(|_| look().1).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 500]);
        op.ask("/invitation");
        assert_eq!(look(), ("invite".to_owned(), 1000));
        let id = op.ask("/invitations")[0].split(' ').nth(1).unwrap().to_owned();
        op.ask(&format!("/uninvite {id}"));
        assert_eq!(look(), ("bad-invitation".to_owned(), 0));
        assert_eq!(look(), ("bad-invitation".to_owned(), 2000));
    }
}
