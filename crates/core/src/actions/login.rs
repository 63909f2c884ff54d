//! LOGIN: begins a session of an account whose password is known.

use parlor_proto::{Credentials, Verb};

use super::try_password::try_password;
use super::{Outcome, Visit};
use crate::effects::Effect;

pub(super) fn run(visit: &mut Visit<'_>, credentials: &Credentials) -> Outcome {
    let account = try_password(visit, credentials)?;
    visit.add(Effect::Begin { user: account.user, verb: Verb::Login });
    Ok(())
}
