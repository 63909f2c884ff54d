//! What becomes of a room whose owner's account is gone: whoever looks at the rights next completes it. It must not look at
//! accounts that have no role.

use parlor_proto::RoomName;

use super::{SessionContext, moderate};
use crate::connection::effects::{CommandError, During};
use crate::ports::{Account, Deed};
use crate::rights::Holder;

/// If the account of the owner is gone, the room goes to the longest moderator, or to the operators.
pub(super) fn complete(context: &SessionContext<'_>, room: &RoomName, actor: &Account) -> Result<(), CommandError> {
    let governance = &context.store().governance;
    let rights = governance.rights(std::slice::from_ref(room)).during("reading the rights in a room")?;
    let Some(rights) = rights.into_iter().next().flatten() else { return Ok(()) };
    let Some(owner) = &rights.owner else { return Ok(()) };
    if !is_gone(context, owner)? {
        return Ok(());
    }
    let mut gone = Vec::new();
    for holder in rights.holders() {
        if is_gone(context, holder)? {
            gone.push(holder.clone());
        }
    }
    let act = context.act(room, moderate::person(actor), Deed::Succession(gone));
    governance.act(act).during("passing a room on")?.flush.run();
    Ok(())
}

fn is_gone(context: &SessionContext<'_>, holder: &Holder) -> Result<bool, CommandError> {
    let account = moderate::find(context, &holder.user)?;
    Ok(account.is_none_or(|account| account.created != holder.account))
}
