//! Compares a password with an account's, with the same work and the same answer whether or not the account
//! exists, and with growing delays after failures. It must not begin a session.

use std::time::Duration;

use parlor_proto::{Credentials, Refusal};

use super::Visit;
use crate::effects::{Denial, During};
use crate::ports::{Account, Admission, Attempt, Verdict};

/// Up to so much delay is simply waited for; with more, the client is told to come back.
const PATIENCE: Duration = Duration::from_secs(2);

/// The account, if the password is right. A hash of another cost than the one that is set is renewed.
pub(super) fn try_password(visit: &Visit<'_>, credentials: &Credentials) -> Result<Account, Denial> {
    wait_for_admission(visit, credentials)?;
    let account = visit.store().accounts.find(&credentials.user).during("looking a user up")?;
    let hash = account.as_ref().map(|account| &account.hash);
    let verdict = visit.parlor.passwords.verify(&credentials.password, hash).during("verifying a password")?;
    let attempt = attempt(visit, credentials);
    let (Some(account), Verdict::Right | Verdict::RightButOutdated) = (account, verdict) else {
        visit.store().attempts.failed(&attempt).during("counting a failed login")?;
        visit.parlor.observer.login_failed(visit.connection(), &credentials.user, visit.origin);
        return Err(Refusal::BadCredentials.into());
    };
    visit.store().attempts.succeeded(&attempt).during("forgetting failed logins")?;
    if verdict == Verdict::RightButOutdated {
        renew_hash(visit, credentials, &account)?;
    }
    Ok(account)
}

/// Not if the password was changed meanwhile: the old one must not come back.
fn renew_hash(visit: &Visit<'_>, credentials: &Credentials, account: &Account) -> Result<(), Denial> {
    let hash = visit.parlor.passwords.hash(&credentials.password).during("hashing a password")?;
    visit.store().accounts.renew_hash(&account.user, &account.hash, &hash).during("renewing a hash")?;
    Ok(())
}

fn wait_for_admission(visit: &Visit<'_>, credentials: &Credentials) -> Result<(), Denial> {
    let admission = visit.store().attempts.admit(&attempt(visit, credentials)).during("counting failed logins")?;
    match admission {
        Admission::Now => Ok(()),
        Admission::After(time) if time <= PATIENCE => {
            visit.pause(time);
            Ok(())
        }
        Admission::After(time) => Err(Refusal::TooManyAttempts(whole_seconds(time)).into()),
    }
}

fn attempt<'a>(visit: &'a Visit<'_>, credentials: &'a Credentials) -> Attempt<'a> {
    let is_limited = !visit.origin.is_loopback || visit.parlor.policy.limit_loopback;
    let address = is_limited.then_some(visit.origin.address.as_str());
    Attempt { user: &credentials.user, address, at: visit.parlor.clock.elapsed() }
}

/// Seconds to wait, rounded up so that waiting as told is enough.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use parlor_testkit::{World, login_line};

    /// Fails to log in on a connection of its own.
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
    fn waits_are_rounded_up_to_seconds() {
        use std::time::Duration;
        let rounded = [0, 1, 1000, 1001].map(|millis| super::whole_seconds(Duration::from_millis(millis)));
        assert_eq!(rounded, [0, 1, 1, 2]);
    }
}
