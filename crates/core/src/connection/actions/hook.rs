//! `/hook`: makes a hook, by which a program says something in a room without a session. It must not judge who may do that; the
//! store does.

use parlor_proto::{Bye, HookSecret, HookUrl, Refusal, Reply, RoomName, UserName};
use zeroize::Zeroizing;

use super::{ActionResult, CommandError, SessionContext, moderate, succession};
use crate::connection::effects::{During, Effect};
use crate::ports::{Act, ActReport, ActResult, Deed, SecretHash};
use crate::rights::Hook;
use crate::services::Services;

/// Random bytes of a secret: 160 bits.
const SECRET_BYTES: usize = 20;

pub(super) fn run(context: &mut SessionContext<'_>, room: RoomName, label: UserName) -> ActionResult {
    let services = context.connection.services;
    let Some(page) = &services.policy.page else {
        return Err(Refusal::Pointless("This server has no web door, to which programs could post").into());
    };
    if label == UserName::outgoing() {
        return Err(Refusal::Pointless("Lists show outgoing hooks by this label; choose another one").into());
    }
    // What is said in these names has a meaning.
    let has_meaning = label == UserName::operator() || label == UserName::erased();
    if has_meaning || services.policy.reserved_names.contains(&label) {
        return Err(Refusal::NameReserved.into());
    }
    if moderate::find(context, &label)?.is_some() {
        return Err(Refusal::NameTaken.into());
    }
    // What it said would be taken for what the program says.
    if context.store().accounts.was_deleted(&label).during("looking a deleted user up")? {
        return Err(Refusal::NameReserved.into());
    }
    let actor = moderate::find_own(context)?;
    succession::complete(context, &room, &actor)?;
    if !context.may_act()? {
        return Ok(());
    }
    let secret = HookSecret::of_random(random_bytes(services)?.as_slice());
    let (hash, by, made) = (SecretHash::of(secret.expose()), context.user.clone(), services.clock.now());
    let hook = Hook { hash, label: label.clone(), by, made };
    let id = hook.id();
    let act = context.act(&room, moderate::person(&actor), Deed::AddHook(hook));
    carry_out(context, act)?;
    let url = HookUrl::given(&Zeroizing::new(format!("{page}hooks/{room}.{}", secret.expose())));
    context.add(Effect::Reply(Reply::Hook { room, label, id, url }.into()));
    Ok(())
}

/// The bytes of a secret that nobody guesses.
pub(super) fn random_bytes(services: &Services) -> Result<Zeroizing<[u8; SECRET_BYTES]>, CommandError> {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    services.random.fill(bytes.as_mut_slice()).during("making up a secret")?;
    Ok(bytes)
}

/// Has the store change the hooks of a room.
pub(super) fn carry_out(context: &mut SessionContext<'_>, act: Act) -> ActionResult {
    let room = act.room.clone();
    let ActReport { result, flush } = context.store().governance.act(act).during("changing hooks")?;
    flush.run();
    match result {
        ActResult::Done(_) => Ok(()),
        ActResult::Fenced => {
            context.add(Effect::HangUp(Bye::LoggedInElsewhere));
            Ok(())
        }
        ActResult::Denied(denial) => Err(denial.refusal(&room, None, None).into()),
    }
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn a_moderator_makes_one_lists_it_and_ends_it() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send("/open red");
        bob.send("/open red");
        ann.read();
        bob.read();
        let reply = ann.ask("/hook red grafana").pop().unwrap();
        assert_eq!(reply, "OK hook https://test/hooks/red.plh_0000000000000001000000000000000000000000");
        let listed = ann.ask("/hooks red");
        assert!(listed[0].starts_with("HOOK ") && listed[0].ends_with(" ann grafana"), "{listed:?}");
        assert_eq!(listed[1], "OK hooks red 1");
        let id = listed[0].split(' ').nth(1).unwrap();
        for line in ["/hook red other", "/hooks red", &format!("/unhook red {id}")] {
            assert_eq!(bob.ask(line), ["ERR not-allowed Only moderators of the room may do that"], "{line}");
        }
        assert!(ann.ask("/hook red grafana")[0].starts_with("ERR bad-argument The room has a hook"));
        assert!(ann.ask("/hook red bob")[0].starts_with("ERR name-taken "));
        world.account("dan");
        world.delete_account("dan");
        assert!(ann.ask("/hook red dan")[0].starts_with("ERR name-reserved "));
        assert!(ann.ask("/hook red operator")[0].starts_with("ERR name-reserved "));
        assert!(ann.ask("/hook red outgoing")[0].starts_with("ERR bad-argument Lists show "));
        assert!(ann.ask("/hook red erased")[0].starts_with("ERR name-reserved "));
        assert!(ann.ask("/hook blue ci")[0].starts_with("ERR no-such-room "));
        assert_eq!(ann.ask(&format!("/unhook red {id}")), [format!("OK unhook red {id}")]);
        assert!(ann.ask(&format!("/unhook red {id}"))[0].starts_with("ERR bad-argument There is no hook"));
        assert_eq!(ann.ask("/hooks red"), ["OK hooks red 0"]);
    }

    #[test]
    fn the_hooks_of_a_private_room_do_not_exist_for_others() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send_raw(b"/open red\n/access red private\n");
        bob.read();
        assert_eq!(bob.ask("/hooks red"), ["ERR no-such-room There is nobody in a room red"]);
        ann.read();
        assert_eq!(ann.ask("/hooks red"), ["OK hooks red 0"]);
    }

    #[test]
    fn json_tells_the_address_once() {
        let world = World::new();
        let ann = world.login("ann");
        ann.send_raw(b"/open red\n/format json\n");
        ann.read();
        let made = ann.ask("/hook red ci").pop().unwrap();
        assert!(made.starts_with(r#"{"type":"ok","command":"hook","room":"red","label":"ci","id":""#), "{made}");
        assert!(made.contains(r#","url":"https://test/hooks/red.plh_"#), "{made}");
        let listed = ann.ask("/hooks red").pop().unwrap();
        assert!(listed.contains(r#""label":"ci","by":"ann","made":"2026-11-23T00:00:00.000Z"}]}"#), "{listed}");
        assert!(!listed.contains("plh_"));
    }

    #[test]
    fn a_server_without_a_web_door_has_none() {
        let world = World::builder().without_page().build();
        let ann = world.login("ann");
        ann.send("/open red");
        ann.read();
        assert!(ann.ask("/hook red ci")[0].starts_with("ERR bad-argument This server has no web door"));
    }

    #[test]
    fn nobody_speaks_in_a_name_that_the_operator_has_reserved() {
        let world = World::builder().reserve_name("admin").build();
        let ann = world.login("ann");
        ann.send("/open red");
        ann.read();
        assert!(ann.ask("/hook red admin")[0].starts_with("ERR name-reserved "));
        assert!(ann.ask("/hook red admin2")[0].starts_with("OK hook "));
    }

    #[test]
    fn a_hook_that_the_store_does_not_keep_is_not_told() {
        let world = World::new();
        let ann = world.login("ann");
        ann.send("/open red");
        ann.read();
        world.fill_disk(true);
        assert!(ann.ask("/hook red ci")[0].starts_with("ERR store-unavailable "));
        world.fill_disk(false);
        assert_eq!(ann.ask("/hooks red"), ["OK hooks red 0"]);
    }
}
