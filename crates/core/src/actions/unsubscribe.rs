//! `/unsubscribe`: follows a user no longer.

use parlor_proto::{Refusal, Reply, UserName};

use super::{Context, Outcome};
use crate::effects::{During, Effect};

pub(super) fn run(context: &mut Context<'_>, publisher: UserName) -> Outcome {
    if !context.store().follows.unsubscribe(context.user, &publisher).during("unsubscribing")? {
        return Err(Refusal::NotSubscribed(publisher).into());
    }
    context.add(Effect::Unlisten(publisher.clone()));
    context.add(Effect::Reply(Reply::Unsubscribe { user: publisher }.into()));
    Ok(())
}
