//! `/invitation`: makes an invitation to this server and to some rooms, for one account. For operators.

use parlor_proto::{Refusal, Reply, RoomName};

use super::{ActionResult, SessionContext, unsuspend};
use crate::connection::effects::{During, Effect};
use crate::login::{INVITATION_LIFETIME, new_invitation};
use crate::ports::{Invitation, InvitationTerms, Role};

pub(super) fn run(context: &mut SessionContext<'_>, rooms: Vec<RoomName>) -> ActionResult {
    unsuspend::require_operator(context)?;
    if !context.may_act()? {
        return Ok(());
    }
    let services = context.connection.services;
    let made = new_invitation(&*services.random, context.user.clone(), Role::Member, rooms, 1);
    let (code, terms) = made.during("making up a code")?;
    let kept = services.store.invitations.add(&terms, INVITATION_LIFETIME, services.clock.now());
    let Some(Invitation { expires, .. }) = kept.during("keeping an invitation")? else {
        return Err(Refusal::LimitReached("invitations").into());
    };
    let id = terms.id();
    let InvitationTerms { uses, rooms, .. } = terms;
    context.add(Effect::Reply(Reply::Invitation { code, id, uses, rooms, expires }.into()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn an_operator_makes_one_whose_code_is_told_once() {
        let world = World::new();
        world.operator("op");
        let op = world.login("op");
        assert_eq!(op.ask("/invitation"), ["OK invitation pli_0000000000000001000000000000000000000000"]);
        op.ask("/format json");
        let told = op.ask("/invitation Red lobby blue red").pop().unwrap();
        assert!(
            told.starts_with(r#"{"type":"ok","command":"invitation","code":"pli_0000000000000002000000000000"#)
                && told.ends_with(r#","uses":1,"rooms":["blue","red"],"expires":"2026-11-30T00:00:00.000Z"}"#),
            "{told}"
        );
        assert!(!op.ask("/invitations").concat().contains("pli_"));
        assert!(world.login("ann").ask("/invitation")[0].starts_with("ERR forbidden "));
    }

    #[test]
    fn a_store_that_fails_makes_none() {
        let world = World::new();
        world.operator("op");
        let op = world.login("op");
        world.fill_disk(true);
        assert!(op.ask("/invitation")[0].starts_with("ERR store-"));
        world.fill_disk(false);
        assert_eq!(op.ask("/invitations"), ["OK invitations 0"]);
    }

    #[test]
    fn a_server_keeps_a_thousand_invitations() {
        let world = World::new();
        world.operator("op");
        let op = world.login("op");
        op.send_raw("/invitation\n".repeat(1000).as_bytes());
        assert!(op.read().iter().all(|line| line.starts_with("OK invitation ")));
        assert_eq!(op.ask("/invitation"), ["ERR limit-reached This server keeps no more invitations"]);
        let id = op.ask("/invitations")[0].split(' ').nth(1).unwrap().to_owned();
        op.ask(&format!("/uninvite {id}"));
        assert!(op.ask("/invitation")[0].starts_with("OK invitation "));
    }
}
