//! Lines of the input that cannot be sent, or not as they should be.

use super::*;

/// What is said of an input behind the line that was the password, none of whose lines can be sent.
fn refused(input: &[u8]) -> String {
    let (progress, errors) = (Progress::default(), Sink::default());
    let complaints = Complaints::start(errors.clone()).unwrap();
    Feed { progress: &progress, complaints: &complaints, has_keys: true }.run(Input { reader: input, lines_before: 1 });
    complaints.finish(Duration::from_secs(20));
    assert!(progress.is_refused());
    errors.text()
}

#[test]
fn the_lines_are_counted_as_they_are_in_the_whole_input() {
    assert_eq!(refused(b"\xff\n"), "parlor: line 2 of the input is not UTF-8 from byte 1 on; it was not sent\n");
    assert_eq!(refused(b"\n \n/format json"), "parlor: line 4: /format is not for this client; --json shows JSON\n");
}

#[test]
fn a_line_that_no_server_takes_is_told_and_those_behind_it_are_sent() {
    let input = format!("{}\nhello\n", "x".repeat((64 << 10) + 1));
    let ran = run_with(None, View::Text, io::Cursor::new(input), |peer| {
        let heard = hear(peer);
        peer.say(&[ACCEPTED]);
        hear(peer);
        peer.say(&[GOODBYE]);
        heard
    });
    let told = "parlor: line 1 of the input is longer than 65536 bytes; it was not sent\n";
    assert_eq!((ran.exit, ran.script.as_str(), ran.errors.as_str()), (Exit::LineRefused, "/say lobby hello", told));
}

#[test]
fn an_input_that_cannot_be_read_any_more_ends_like_one_that_is_over_but_not_well() {
    struct Torn(&'static [u8]);
    impl Read for Torn {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() { Err(io::Error::other("the disk is gone")) } else { self.0.read(bytes) }
        }
    }
    let ran = run_with(None, View::Text, Torn(b"hello\n"), |peer| {
        let heard = hear(peer);
        peer.say(&[ACCEPTED]);
        let end = hear(peer);
        peer.say(&[GOODBYE]);
        [heard, end]
    });
    assert_eq!((ran.exit, ran.script), (Exit::LineRefused, ["/say lobby hello", "/quit"].map(str::to_owned)));
    assert_eq!(ran.errors, "parlor: cannot read the input: the disk is gone\n");
}

/// How a server that answers a line with a key like this hears that line again, and a later one.
fn without_key(code: &str) -> (Exit, String, [String; 2]) {
    let error = format!(r#"{{"type":"error","code":"{code}","message":"No","command":null}}"#);
    let ran = run_text("one\n/join red\ntwo\n", move |peer| {
        assert!(peer.hear().starts_with("/once "));
        peer.say(&[&error]);
        let again = peer.hear();
        peer.say(&[ACCEPTED]);
        assert_eq!(peer.hear(), "/join red");
        peer.say(&[JOINED]);
        let later = peer.hear();
        peer.say(&[ACCEPTED]);
        peer.hear();
        peer.say(&[GOODBYE]);
        [again, later]
    });
    (ran.exit, ran.errors, ran.script)
}

#[test]
fn a_line_that_is_too_long_with_its_key_goes_without_and_so_do_all_where_keys_are_unknown() {
    let (exit, errors, [again, later]) = without_key("line-too-long");
    assert_eq!((exit, errors.as_str(), again.as_str()), (Exit::Done, "", "one"));
    assert!(later.starts_with("/once ") && later.ends_with(" /say red two"), "{later}");
    let (exit, errors, heard) = without_key("unknown-command");
    assert_eq!((exit, errors.as_str(), heard), (Exit::Done, "", ["one", "two"].map(str::to_owned)));
}
