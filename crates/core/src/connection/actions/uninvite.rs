//! `/uninvite`: makes an invitation void. For operators.

use parlor_proto::{InvitationId, Refusal, Reply};

use super::{ActionResult, SessionContext, unsuspend};
use crate::connection::effects::{During, Effect};

pub(super) fn run(context: &mut SessionContext<'_>, id: InvitationId) -> ActionResult {
    unsuspend::require_operator(context)?;
    if !context.may_act()? {
        return Ok(());
    }
    if !context.store().invitations.revoke(id).during("revoking an invitation")? {
        return Err(Refusal::NoSuchInvitation.into());
    }
    context.add(Effect::Reply(Reply::Uninvite { id }.into()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn a_void_invitation_makes_no_account_and_its_accounts_stay() {
        let world = World::builder().registration_closed().build();
        world.operator("op");
        let op = world.login("op");
        let reply = op.ask("/invitation").pop().unwrap();
        let code = reply.strip_prefix("OK invitation ").unwrap();
        let id = op.ask("/invitations")[0].split(' ').nth(1).unwrap().to_owned();
        let (shown, late) = (world.connect(), world.connect());
        assert_eq!(shown.ask(&format!("INVITE {code}")), ["OK invite 1"]);
        assert_eq!(op.ask(&format!("/uninvite {id}")), [format!("OK uninvite {id}")]);
        let refused = ["ERR bad-invitation This invitation is unknown, used up, over or revoked; ask for another"];
        assert_eq!(late.ask(&format!("INVITE {code}")), refused);
        assert_eq!(shown.ask("REGISTER ann secret"), refused);
        let unknown = ["ERR bad-argument There is no invitation with this id; /invitations lists them"];
        assert_eq!(op.ask(&format!("/uninvite {id}")), unknown);
        assert_eq!(op.ask("/invitations"), ["OK invitations 0"]);
        assert!(world.login("ann").ask(&format!("/uninvite {id}"))[0].starts_with("ERR forbidden "));
    }
}
