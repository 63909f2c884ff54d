//! Hooks on two servers.

use super::two;
use crate::harness::Http;

#[test]
fn a_hook_speaks_through_every_server_until_it_is_ended() {
    let (_redis, one, two) = two();
    let mut ann = one.register("ann");
    assert_eq!(ann.ask("/open garden"), "OK open garden 1");
    let reply = ann.ask("/hook garden ci");
    let path = format!("/hooks/{}", reply.rsplit_once('/').unwrap().1);
    let post = |text: &str| Http::open(two.address(), &two.ca()).ask("POST", &path, "", text).status;
    assert_eq!(post("built"), 200);
    assert_eq!(ann.line(), "MSG garden ci built");
    let id = ann.list("/hooks garden", "OK hooks")[0].split(' ').nth(1).unwrap().to_owned();
    assert_eq!(ann.ask(&format!("/unhook garden {id}")), format!("OK unhook garden {id}"));
    assert_eq!(post("late"), 404);
}
