//! Runs the transcripts in `tests/scripts` against the built program, as one server and as a pair, through both doors, and checks that they
//! cover every command and code.

mod script;
mod stage;

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;

use parlor_proto::{Bye, RefusalCode, VERBS};

use script::{Act, Action, Pattern, Script};
use stage::{Door, House};

/// Maximum number of concurrent transcripts.
const MAX_AT_ONCE: usize = 8;

/// Returns all transcripts.
fn scripts() -> Vec<Script> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "chat")).collect();
    paths.sort();
    paths.iter().map(|path| Script::read(path).unwrap_or_else(|error| panic!("{error}"))).collect()
}

#[test]
fn every_transcript_comes_true() {
    run_all(House::Alone, Door::Lines, &[]);
}

/// What is said in lines is said in WebSocket messages too, and is answered alike.
#[test]
fn every_transcript_comes_true_through_the_web_door() {
    run_all(House::Alone, Door::Web, &NOT_IN_WEBSOCKET);
}

/// Clients of the web door on two servers.
#[test]
fn every_transcript_comes_true_through_the_web_doors_of_two_servers() {
    run_all(House::Pair, Door::Web, &[NOT_ON_A_PAIR, &NOT_IN_WEBSOCKET].concat());
}

/// Two clients on two servers send the same lines and get the same answers.
#[test]
fn every_transcript_comes_true_on_two_servers() {
    run_all(House::Pair, Door::Lines, NOT_ON_A_PAIR);
}

/// What two servers do in another way than one.
const NOT_ON_A_PAIR: &[&str] = &[
    // Numbers restart with the server; in Redis they continue.
    "history-none.chat",
    // The sender receives its broadcast before the answer; through Redis it may come after it.
    "broadcast.chat",
    "promote.chat",
    // The server of a user who has just left may still accept a message.
    "msg-after-part.chat",
    // Users of a killed server stay until its lease expires, which takes long.
    "reject-after-kill.chat",
    "subscriptions-survive.chat",
    // A client that does not read gets the goodbye only if it can still be sent.
    "slow-consumer.chat",
    // A command refused while Redis was paused may still take effect when it resumes.
    "store-unavailable.chat",
];

/// What cannot be said in WebSocket messages.
const NOT_IN_WEBSOCKET: [&str; 1] = [
    // A text message that is not UTF-8 ends the connection.
    "invalid-utf8.chat",
];

fn run_all(house: House, door: Door, except: &[&str]) {
    let wanted = std::env::var("TRANSCRIPT").unwrap_or_default();
    let is_wanted = |script: &Script| script.name.contains(&wanted) && !except.contains(&script.name.as_str());
    let scripts: Vec<_> = scripts().into_iter().filter(is_wanted).collect();
    assert!(!scripts.is_empty(), "there is no transcript like {wanted:?}");
    let (queue, failures) = (Mutex::new(scripts.iter()), Mutex::new(Vec::new()));
    let work = || {
        while let Some(script) = { queue.lock().unwrap().next() } {
            if let Err(failure) = stage::run(script, house, door) {
                failures.lock().unwrap().push(failure);
            }
        }
    };
    let at_once = 2 * thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..at_once.min(MAX_AT_ONCE) {
            scope.spawn(work);
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    assert!(failures.is_empty(), "{} of {} failed:\n{}", failures.len(), scripts.len(), failures.join("\n"));
}

/// Returns the lines that transcripts send, and the lines that they expect.
fn lines(scripts: &[Script]) -> (Vec<String>, Vec<&Pattern>) {
    let (mut sent, mut expected) = (Vec::new(), Vec::new());
    for step in scripts.iter().flat_map(|script| &script.steps) {
        match &step.action {
            Action::Client(_, Act::Send(bytes)) => sent.push(String::from_utf8_lossy(bytes).to_ascii_lowercase()),
            Action::Client(_, Act::Expect(pattern) | Act::Keep(_, pattern) | Act::Await(pattern)) => {
                expected.push(pattern)
            }
            _ => {}
        }
    }
    (sent, expected)
}

#[test]
fn every_command_is_in_a_transcript() {
    let scripts = scripts();
    let (sent, _) = lines(&scripts);
    for info in VERBS {
        for in_session in [false, true].into_iter().filter(|&in_session| info.available(in_session)) {
            let word = if in_session { format!("/{}", info.word) } else { info.word.to_owned() };
            assert!(sent.iter().any(|line| line.split_whitespace().next() == Some(&word)), "nobody sends {word}");
        }
    }
}

#[test]
fn every_code_is_in_a_transcript() {
    let scripts = scripts();
    let (_, expected) = lines(&scripts);
    // Only servers of earlier versions send it.
    let sent = RefusalCode::ALL.iter().filter(|(code, _)| *code != RefusalCode::UserOffline);
    let refusals = sent.map(|(code, _)| ("ERR", code.as_str()));
    let goodbyes = Bye::ALL.iter().map(|bye| ("BYE", bye.as_str()));
    for code in refusals.chain(goodbyes) {
        assert!(expected.iter().any(|pattern| pattern.code() == Some(code)), "nobody gets {code:?}");
    }
}
