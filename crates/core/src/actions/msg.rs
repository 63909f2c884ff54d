//! `/msg`: says something to one user who is connected. It must not be logged.

use parlor_proto::{Refusal, Text, UserName};

use super::{Context, Outcome};
use crate::effects::{During, Effect};

pub(super) fn run(context: &mut Context<'_>, to: UserName, text: Text) -> Outcome {
    if context.store().accounts.find(&to).during("looking a user up")?.is_none() {
        return Err(Refusal::NoSuchUser(to).into());
    }
    context.add(Effect::Direct { to, text });
    Ok(())
}
