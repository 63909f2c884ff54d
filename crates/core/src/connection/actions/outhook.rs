//! `/outhook`: makes an outgoing hook, which posts what is said in a room to a program. It must not judge who may do that; the
//! store does. It must not post.

use parlor_proto::{Endpoint, OuthookSecret, Refusal, Reply, RoomName};

use super::{ActionResult, SessionContext, hook, moderate, succession};
use crate::connection::effects::Effect;
use crate::ports::{Deed, LogId};
use crate::rights::Outhook;

pub(super) fn run(context: &mut SessionContext<'_>, room: RoomName, url: Endpoint) -> ActionResult {
    let services = context.connection.services;
    let Some(guard) = &services.endpoints else {
        return Err(Refusal::Pointless("This server posts to no program; its operator may allow that").into());
    };
    if !guard.may_be_allowed(&url) {
        return Err(Refusal::Pointless("The operator of this server does not allow posts to this address").into());
    }
    let actor = moderate::find_own(context)?;
    succession::complete(context, &room, &actor)?;
    if !context.may_act()? {
        return Ok(());
    }
    let secret = OuthookSecret::of_random(hook::random_bytes(services)?.as_slice());
    // What was said before belongs to those who were there.
    let after = context.head(&LogId::Room(room.clone()))?.last;
    let (by, made) = (context.user.clone(), services.clock.now());
    let hook = Outhook { secret: secret.clone(), url: url.clone(), by, made, after };
    let id = hook.id();
    let act = context.act(&room, moderate::person(&actor), Deed::AddOuthook(hook));
    hook::carry_out(context, act)?;
    context.add(Effect::Reply(Reply::Outhook { room, id, url, secret }.into()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn a_moderator_makes_one_lists_it_and_ends_it() {
        let world = World::builder().with_endpoints("bot.example").build();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send("/open red");
        bob.send("/open red");
        ann.read();
        bob.read();
        let reply = ann.ask("/outhook red https://bot.example/in").pop().unwrap();
        assert_eq!(reply, "OK outhook plo_0000000000000001000000000000000000000000");
        let listed = ann.ask("/hooks red");
        assert!(listed[0].ends_with(" ann outgoing https://bot.example/in"), "{listed:?}");
        assert_eq!(listed[1], "OK hooks red 1");
        assert_eq!(
            bob.ask("/outhook red https://bot.example/b"),
            ["ERR not-allowed Only moderators of the room may do that"]
        );
        assert!(ann.ask("/outhook red https://bot.example/in")[0].starts_with("ERR bad-argument The room has a hook"));
        assert!(ann.ask("/outhook red https://other.example/")[0].starts_with("ERR bad-argument The operator"));
        assert!(ann.ask("/outhook red https://ann@bot.example/")[0].starts_with("ERR bad-argument An address is"));
        assert!(ann.ask("/outhook blue https://bot.example/in")[0].starts_with("ERR no-such-room "));
        let id = listed[0].split(' ').nth(1).unwrap();
        assert_eq!(ann.ask(&format!("/unhook red {id}")), [format!("OK unhook red {id}")]);
        assert_eq!(ann.ask("/hooks red"), ["OK hooks red 0"]);
    }

    #[test]
    fn json_tells_the_secret_once() {
        let world = World::builder().with_endpoints("bot.example").build();
        let ann = world.login("ann");
        ann.send_raw(b"/open red\n/format json\n");
        ann.read();
        let made = ann.ask("/outhook red https://bot.example/in").pop().unwrap();
        assert!(made.contains(r#""url":"https://bot.example/in","secret":"plo_0"#), "{made}");
        let listed = ann.ask("/hooks red").pop().unwrap();
        assert!(
            listed.contains(r#""label":"outgoing","by":"ann","made":"2026-11-23T00:00:00.000Z","url":"https://bot"#),
            "{listed}"
        );
        assert!(!listed.contains("plo_"), "{listed}");
    }

    #[test]
    fn a_server_that_allows_no_address_has_none() {
        let ann = World::new().login("ann");
        ann.send("/open red");
        ann.read();
        assert!(ann.ask("/outhook red https://bot.example/")[0].starts_with("ERR bad-argument This server posts"));
    }
}
