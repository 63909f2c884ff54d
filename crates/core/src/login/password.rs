//! Compares a password with the account's hash, with the same work and the same reply whether or not the account
//! exists. It must not begin a session.

use parlor_proto::{Credentials, Refusal};

use super::attempts::{Known, Passed, Verified, attempt};
use super::{Applicant, elsewhere};
use crate::connection::effects::{CommandError, During};
use crate::ports::{Account, PasswordHash, StoreResult, Verdict};

/// Returns the account if the password is right. Renews the hash if its cost differs from the setting.
pub(crate) fn authenticate(
    applicant: &Applicant<'_>,
    credentials: &Credentials,
) -> Result<Passed<Account>, CommandError> {
    if let Some(authority) = &applicant.services.authority {
        return elsewhere::authenticate(applicant, &**authority, credentials);
    }
    let passed = attempt(applicant, &credentials.user, None, |known| compare(applicant, credentials, known))?;
    let passed = passed.ok_or(Refusal::BadCredentials)?;
    Ok(passed
        .map(|(account, is_outdated)| if is_outdated { renewed(applicant, credentials, account) } else { account }))
}

/// Returns the account, and whether its hash has another cost than the setting.
fn compare(
    applicant: &Applicant<'_>,
    credentials: &Credentials,
    known: Known,
) -> Result<Verified<(Account, bool)>, CommandError> {
    let services = applicant.services;
    let account = known.account.during("looking a user up")?;
    let hash = account.as_ref().map(|account| &account.hash);
    let verdict = services.passwords.verify(&credentials.password, hash).during("verifying a password")?;
    Ok(match (account, verdict) {
        (Some(account), Verdict::Right) => Verified::Right((account, false)),
        (Some(account), Verdict::RightButOutdated) => Verified::Right((account, true)),
        _ => Verified::Wrong,
    })
}

/// The account with a renewed hash, if that is possible.
fn renewed(applicant: &Applicant<'_>, credentials: &Credentials, mut account: Account) -> Account {
    match renew_hash(applicant, credentials, &account) {
        Ok(renewed) => account.hash = renewed.unwrap_or(account.hash),
        Err(error) => applicant.note("renewing a hash", Err(error)),
    }
    account
}

/// Renews the hash, unless the password was changed meanwhile: the old password must not come back. Returns the new one.
fn renew_hash(
    applicant: &Applicant<'_>,
    credentials: &Credentials,
    account: &Account,
) -> StoreResult<Option<PasswordHash>> {
    let hash = applicant.services.passwords.hash(&credentials.password)?;
    let is_renewed = applicant.services.store.accounts.renew_hash(&account.user, &account.hash, &hash)?;
    Ok(is_renewed.then_some(hash))
}
