//! A session that the server ends as idle while the input goes on.

use super::*;

/// A server that ends the first session as idle, once it heard a line, and is not done with it at once.
fn ends_as_idle(input: &'static str, answered: bool) -> (Exit, String, Vec<Vec<String>>) {
    const IDLE: &str = r#"{"type":"bye","code":"idle-timeout","message":"Nothing was heard for too long"}"#;
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start_many(&identity, 3, move |number, mut peer: Peer| {
        if number == 1 {
            peer.say(&[HELLO, r#"{"type":"error","code":"already-logged-in","message":"Wait","command":"login"}"#]);
            while !peer.hear().is_empty() {}
            return Vec::new();
        }
        peer.welcome();
        let peer = &mut peer;
        let mut heard = vec![hear(peer)];
        if heard[0].starts_with("/join ") {
            peer.say(&[JOINED]);
            heard.push(hear(peer));
        }
        if number == 0 {
            peer.say(&if answered { vec![ACCEPTED, IDLE] } else { vec![IDLE] });
            // What comes later is not carried out; to close before it is read would reset the connection.
            while !hear(peer).is_empty() {}
            return heard;
        }
        while heard.last().is_some_and(|line| line != "/quit") {
            if heard.last().is_some_and(|line| !line.starts_with('/') || line.starts_with("/say ")) {
                peer.say(&[ACCEPTED]);
            }
            heard.push(hear(peer));
        }
        peer.say(&[GOODBYE]);
        heard
    });
    let ran = run_against(&identity, &server.address, Sink::default(), Some("red"), View::Text, Trickle(input), LONG);
    (ran.0, ran.1, server.finish())
}

/// An input whose lines come one by one; the second and those behind it only when the first session is over.
struct Trickle(&'static str);

impl Read for Trickle {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let end = self.0.find('\n').map_or(0, |at| at + 1);
        bytes[..end].copy_from_slice(&self.0.as_bytes()[..end]);
        self.0 = &self.0[end..];
        Ok(end)
    }
}

#[test]
fn a_session_that_ends_as_idle_is_begun_anew_and_no_line_is_lost_or_doubled() {
    for answered in [true, false] {
        let (exit, errors, heard) = ends_as_idle("one\ntwo\nthree\n", answered);
        assert_eq!((exit, heard[0].join(" ")), (Exit::Done, "/join red /say red one".to_owned()));
        let again = if answered { "" } else { "one " };
        // After an idle timeout the client pings, and how often depends on the machine.
        let said: Vec<_> = heard[2].iter().filter(|line| !line.starts_with("/ping ")).map(String::as_str).collect();
        assert_eq!(said.join(" ").replace("/say red ", ""), format!("/join red {again}two three /quit"));
        assert!(errors.starts_with("BYE idle-timeout ") && errors.contains("connected again"), "{errors}");
    }
}
