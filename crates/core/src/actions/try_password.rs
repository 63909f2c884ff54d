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
        visit.parlor.observer.login_failed(visit.connection(), &credentials.user);
        return Err(Refusal::BadCredentials.into());
    };
    visit.store().attempts.succeeded(&attempt).during("forgetting failed logins")?;
    if verdict == Verdict::RightButOutdated {
        renew_hash(visit, credentials)?;
    }
    Ok(account)
}

fn renew_hash(visit: &Visit<'_>, credentials: &Credentials) -> Result<(), Denial> {
    let hash = visit.parlor.passwords.hash(&credentials.password).during("hashing a password")?;
    visit.store().accounts.set_password(&credentials.user, &hash).during("renewing a hash")?;
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
