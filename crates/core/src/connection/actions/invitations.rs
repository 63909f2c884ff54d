//! `/invitations`: lists the invitations to this server, and who used them. For operators.

use parlor_proto::Event;

use super::{ActionResult, SessionContext, unsuspend};
use crate::connection::effects::{During, Effect};
use crate::ports::Invitation;

pub(super) fn run(context: &mut SessionContext<'_>) -> ActionResult {
    unsuspend::require_operator(context)?;
    let now = context.connection.services.clock.now();
    let kept = context.store().invitations.invitations(now).during("listing invitations")?;
    context.add(Effect::Reply(Event::Invitations { invitations: kept.iter().map(Invitation::info).collect() }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn they_are_listed_oldest_first_with_those_who_used_them() {
        let world = World::new();
        world.operator("op");
        let op = world.login("op");
        let reply = op.ask("/invitation red blue").pop().unwrap();
        world.advance(1);
        op.ask("/invitation");
        let invited = world.connect();
        invited.ask(&format!("INVITE {}", reply.strip_prefix("OK invitation ").unwrap()));
        invited.ask("REGISTER ann secret");
        op.read();
        let listed = op.ask("/invitations");
        assert!(listed[0].ends_with(" 1/1 2026-11-30T00:00:00.000Z op blue red"), "{listed:?}");
        assert!(listed[1].ends_with(" 0/1 2026-11-30T00:00:01.000Z op"), "{listed:?}");
        assert_eq!(listed[2], "OK invitations 2");
        op.ask("/format json");
        let listed = op.ask("/invitations").pop().unwrap();
        assert!(listed.contains(r#""uses":1,"used":["ann"],"rooms":["blue","red"],"operator":false}"#), "{listed}");
        // Void ones are kept for a while.
        world.advance(36 * 24 * 60 * 60);
        assert_eq!(op.ask("/invitations").pop().unwrap().matches("\"id\"").count(), 2);
        world.advance(2 * 24 * 60 * 60);
        assert_eq!(op.ask("/invitations"), [r#"{"type":"invitations","invitations":[]}"#]);
        assert!(world.login("ann2").ask("/invitations")[0].starts_with("ERR forbidden "));
    }
}
