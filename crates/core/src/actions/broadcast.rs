//! `/broadcast`: says something to everybody. Operators only, which the store is asked for each time, since
//! an operator may have been demoted meanwhile.

use parlor_proto::{Refusal, Text};

use super::{Context, Outcome};
use crate::effects::{During, Effect};
use crate::ports::Role;

pub(super) fn run(context: &mut Context<'_>, text: Text) -> Outcome {
    let account = context.store().accounts.find(context.user).during("looking a user up")?;
    if account.is_none_or(|account| account.role != Role::Operator) {
        return Err(Refusal::Forbidden.into());
    }
    context.add(Effect::Broadcast(text));
    Ok(())
}
