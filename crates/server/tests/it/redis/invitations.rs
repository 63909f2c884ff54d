//! Invitations on two servers.

use super::two;
use crate::harness::parlor;

#[test]
fn an_invitation_of_one_server_is_used_once_on_both() {
    let (redis, one, two) = two();
    let args = ["invite", "--redis", &redis.url(), "--address", "chat.example", "--room", "garden"];
    let output = parlor(one.data(), &args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let code = said.lines().next().unwrap().rsplit_once("#invite=").unwrap().1.to_owned();
    let mut invited: Vec<_> = [&one, &two].map(|server| server.connect()).into();
    for client in &mut invited {
        assert_eq!(client.ask(&format!("INVITE {code}")), "OK invite 1");
    }
    for (number, client) in invited.iter_mut().enumerate() {
        client.send(&format!("REGISTER user{number} secret"));
    }
    let mut replies: Vec<String> = invited.iter_mut().map(crate::harness::Client::line).collect();
    replies.sort();
    assert!(replies[0].starts_with("ERR bad-invitation ") && replies[1].starts_with("OK register user"), "{replies:?}");
}
