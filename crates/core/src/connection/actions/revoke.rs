//! `/revoke`: revokes one ticket of the user, or all. Sessions that began by them end, but not this one.

use parlor_proto::{Refusal, Reply, Tickets};

use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};

pub(super) fn run(context: &mut SessionContext<'_>, which: Tickets) -> ActionResult {
    if !context.may_act()? {
        return Ok(());
    }
    let revoked = context.store().tickets.revoke(context.user, which, Some(context.generation));
    let count = revoked.during("revoking tickets")?;
    if count == 0 && which != Tickets::All {
        return Err(Refusal::NoSuchTicket.into());
    }
    context.add(Effect::Reply(Reply::Revoke { id: which, count }.into()));
    Ok(())
}
