//! `/subscribe`: follows a user, durably and from now on.

use parlor_proto::{Refusal, Reply, UserName};

use super::{Context, Outcome};
use crate::effects::{During, Effect};

pub(super) fn run(context: &mut Context<'_>, publisher: UserName) -> Outcome {
    if *context.user == publisher {
        return Err(Refusal::SelfSubscription.into());
    }
    if context.store().accounts.find(&publisher).during("looking a user up")?.is_none() {
        return Err(Refusal::NoSuchUser(publisher).into());
    }
    let followed = context.store().follows.subscriptions(context.user).during("listing subscriptions")?;
    if followed.contains(&publisher) {
        return Err(Refusal::AlreadySubscribed(publisher).into());
    }
    if followed.len() >= context.visit.parlor.policy.max_subscriptions {
        return Err(Refusal::LimitReached("subscriptions of one user").into());
    }
    context.store().follows.subscribe(context.user, &publisher).during("subscribing")?;
    context.add(Effect::Listen(publisher.clone()));
    context.add(Effect::Reply(Reply::Subscribe { user: publisher }.into()));
    Ok(())
}
