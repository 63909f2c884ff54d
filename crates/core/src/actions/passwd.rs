//! `/passwd`: changes the user's password. Wrong old passwords count like failed logins.

use parlor_proto::{Credentials, Password, Reply};

use super::try_password::try_password;
use super::{Context, Outcome};
use crate::effects::{During, Effect};

pub(super) fn run(context: &mut Context<'_>, old: &Password, new: &Password) -> Outcome {
    let credentials = Credentials { user: context.user.clone(), password: old.clone() };
    try_password(&context.visit, &credentials)?;
    let hash = context.visit.parlor.passwords.hash(new).during("hashing a password")?;
    context.store().accounts.set_password(context.user, &hash).during("changing a password")?;
    context.add(Effect::Reply(Reply::Passwd.into()));
    Ok(())
}
