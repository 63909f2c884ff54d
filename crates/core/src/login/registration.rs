//! Makes an account, where that is allowed. It must not begin a session.

use parlor_proto::{Credentials, Refusal};

use super::Applicant;
use super::attempts::made_now;
use crate::connection::effects::{CommandError, During};
use crate::ports::{Account, Role};

/// Makes the account of an applicant.
pub(crate) fn register(applicant: &Applicant<'_>, credentials: &Credentials) -> Result<Account, CommandError> {
    let Applicant { services, .. } = applicant;
    if !services.policy.registration_open {
        return Err(Refusal::RegistrationClosed.into());
    }
    let user = credentials.user.clone();
    if services.policy.reserved_names.contains(&user) {
        return Err(Refusal::NameReserved.into());
    }
    applicant.require_length(&credentials.password)?;
    // Checked before hashing, so that a taken name costs no hash; the result of `create` decides.
    if services.store.accounts.find(&user).during("looking a user up")?.is_some() {
        return Err(Refusal::NameTaken.into());
    }
    let hash = services.passwords.hash(&credentials.password).during("hashing a password")?;
    let created = services.clock.now();
    let account = Account { user, hash, role: Role::Member, created, kicks: 0, suspension: None };
    if !services.store.accounts.create(&account).during("making an account")? {
        return Err(Refusal::NameTaken.into());
    }
    let remembered = services.store.attempts.note_known_address(&made_now(applicant, &account.user));
    applicant.note("remembering an address", remembered);
    Ok(account)
}
