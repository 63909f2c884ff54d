//! A password that a line of the input changes.

use super::*;

/// How the client logs in again after its `/passwd old new` got this answer.
fn login_after(answer: &'static str) -> String {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start_many(&identity, 2, move |number, mut peer: Peer| {
        if number == 0 {
            peer.welcome();
            assert_eq!(peer.hear(), "/passwd old new");
            peer.say(&[answer]);
            peer.hear();
            peer.close();
            return String::new();
        }
        peer.say(&[HELLO]);
        peer.hear();
        let login = peer.hear();
        peer.say(WELCOME);
        peer.hear();
        peer.say(&[ACCEPTED]);
        peer.hear();
        peer.say(&[GOODBYE]);
        login
    });
    let input = &b"/passwd old new\nhello\n"[..];
    run_against(&identity, &server.address, Sink::default(), None, View::Text, input, LONG);
    server.finish().concat()
}

#[test]
fn a_new_password_is_used_for_the_next_login_if_the_server_took_it() {
    assert_eq!(login_after(r#"{"type":"ok","command":"passwd"}"#), "LOGIN ann new");
    let refused = r#"{"type":"error","code":"bad-credentials","message":"No","command":"passwd"}"#;
    assert_eq!(login_after(refused), "LOGIN ann pass word");
}
