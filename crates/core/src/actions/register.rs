//! REGISTER: makes an account, where that is allowed, and begins its session.

use parlor_proto::{Credentials, Refusal, Verb};

use super::{Outcome, Visit};
use crate::effects::{During, Effect};
use crate::ports::{Account, Role};

pub(super) fn run(visit: &mut Visit<'_>, credentials: &Credentials) -> Outcome {
    if !visit.parlor.policy.registration_open {
        return Err(Refusal::RegistrationClosed.into());
    }
    let user = credentials.user.clone();
    // Asked before hashing, so that a taken name costs no hash; what counts is the answer of `create`.
    if visit.store().accounts.find(&user).during("looking a user up")?.is_some() {
        return Err(Refusal::NameTaken.into());
    }
    let hash = visit.parlor.passwords.hash(&credentials.password).during("hashing a password")?;
    let account = Account { user: user.clone(), hash, role: Role::Member, created: visit.parlor.clock.now() };
    if !visit.store().accounts.create(&account).during("making an account")? {
        return Err(Refusal::NameTaken.into());
    }
    visit.add(Effect::Begin { user, verb: Verb::Register });
    Ok(())
}
