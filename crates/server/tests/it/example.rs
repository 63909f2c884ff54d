//! The example client and bot in Python: the protocol is enough to write a client.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use parlor_redis_testkit::Port;

use crate::harness::{Client, Options, Server, feed};

/// A Python program in which two clients chat, with the class of the example.
const CHAT: &str = r#"
import sys
from parlor_client import Client, Refused

host, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]

def wanted(client, kind):
    return next(event for event in client.events() if event["type"] == kind)

with Client(host, port, ca) as ann, Client(host, port, ca) as bob:
    ann.register("ann", "two  words ")
    bob.register("bob", "secret")
    assert wanted(ann, "joined")["user"] == "bob"
    try:
        bob.command("/join lobby")
    except Refused as refused:
        assert refused.code == "already-in-room", refused
    else:
        raise AssertionError("nothing was refused")
    assert ann.say("grüße  bob ") == 1
    assert bob.say("/join is a command") == 2
    heard = wanted(bob, "message")
    assert (heard["from"], heard["text"], heard["id"]) == ("ann", "grüße  bob ", 1), heard
    assert wanted(ann, "message")["text"] == "/join is a command"
    ann.command("/join red")
    assert wanted(bob, "left")["user"] == "ann"
    assert ann.command("/rooms")["rooms"] == [{"room": "lobby", "members": 1}, {"room": "red", "members": 1}]
    bob.command("/subscribe ann")
    ann.command("/publish news")
    assert wanted(bob, "publication")["text"] == "news"
    assert ann.command("/quit")["type"] == "bye"
    assert ann.receive() is None

try:
    Client(host, port).log_in("ann", "two  words ")
except OSError:
    print("done")
"#;

/// Time in which a program has to say something.
const PATIENCE: Duration = Duration::from_secs(60);

fn python() -> Command {
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut python = Command::new("python3");
    python.current_dir(examples).env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUTF8", "1");
    python.env("PARLOR_PASSWORD", "secret").env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
    python.stdout(Stdio::piped()).stderr(Stdio::piped());
    python
}

/// Returns the output of a program. Fails unless it succeeded.
fn printed(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn two_people_chat_by_the_example_s_class() {
    let server = Server::start();
    let mut python = python();
    python.args(["-c", CHAT, "localhost", &server.address().port().to_string()]).arg(server.ca());
    assert_eq!(printed(python.output().unwrap()), "done\n");
}

#[test]
fn the_example_chats_with_somebody_else() {
    let server = Server::start();
    let mut ann = server.register("ann");
    ann.send("/join red");
    assert_eq!(ann.line(), "OK join red 1");
    let mut python = python();
    python.args(["parlor_client.py", "--port", &server.address().port().to_string(), "--ca"]).arg(server.ca());
    python.args(["--lines", "--register", "--room", "red", "bob"]);
    let events = printed(feed(python, "hello  ann\n/who\n"));
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0], json!({"type": "ok", "command": "message", "room": "red", "id": 1}));
    assert_eq!(events[1], json!({"type": "users", "room": "red", "users": ["ann", "bob"]}));
    assert_eq!((events[2]["type"].as_str(), events.len()), (Some("bye"), 3));
    assert_eq!(ann.line(), "JOIN red bob");
    assert_eq!(ann.line(), "MSG red bob hello  ann");
    assert_eq!(ann.line(), "PART red bob");
}

#[test]
fn a_wrong_password_is_one_line() {
    let server = Server::start();
    let mut python = python();
    python.args(["parlor_client.py", "--port", &server.address().port().to_string(), "--ca"]).arg(server.ca());
    let output = python.arg("ann").output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "parlor_client.py: bad-credentials: Unknown user or wrong password\n");
}

/// A program of which somebody reads the lines. Dropping it ends it.
struct Program {
    child: Child,
    /// What it tells its operator.
    told: Receiver<String>,
}

/// The lines of an output, as they come.
fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    // It ends with the output.
    thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    lines
}

impl Program {
    fn start(server: &Server, state: &Path, args: &[&str]) -> Self {
        let bot = Self::begin(server, state, args);
        bot.tells("helper is on ");
        bot
    }

    /// The same without waiting for it.
    fn begin(server: &Server, state: &Path, args: &[&str]) -> Self {
        let mut python = python();
        python.args(["parlor_client.py", "--port", &server.address().port().to_string(), "--ca"]).arg(server.ca());
        python.args(["--room", "red", "--room", "blue", "--state"]).arg(state).args(args).arg("helper");
        let mut child = python.stdin(Stdio::null()).spawn().unwrap();
        let told = lines(child.stderr.take().unwrap());
        Self { child, told }
    }

    /// Waits until it says this to its operator.
    fn tells(&self, text: &str) {
        while !self.line().contains(text) {}
    }

    fn line(&self) -> String {
        self.told.recv_timeout(PATIENCE).expect("the program says nothing in time, or has ended")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // A failure here would hide the reason of an earlier failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A user who is in both rooms of the bot.
fn in_both_rooms(mut ann: Client) -> Client {
    for room in ["red", "blue"] {
        ann.send(&format!("/open {room}"));
        assert_eq!(ann.event_of("ok")["room"], room);
    }
    ann
}

/// The next message of the bot, wherever it is said.
fn answer(ann: &mut Client) -> String {
    loop {
        let event = ann.event();
        if event["from"] == "helper" {
            let place = event["room"].as_str().unwrap_or("direct");
            return format!("{place}: {}", event["text"].as_str().unwrap());
        }
    }
}

/// What the bot has said in a conversation.
fn said_by_bot(ann: &mut Client, target: &str) -> Vec<String> {
    ann.send(&format!("/backlog {target} 500"));
    let page = ann.event_of("backlog");
    let entries = page["entries"].as_array().unwrap().iter();
    let own = entries.filter(|entry| entry["from"] == "helper");
    own.map(|entry| entry["text"].as_str().unwrap().to_owned()).collect()
}

/// A program of the page for authors of bots.
fn program_of_the_page(fence: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/bots.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once(fence).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_bot_of_the_page_rolls_dice() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    std::fs::write(home.path().join("dice.py"), program_of_the_page("```python\n")).unwrap();
    let mut python = python();
    let examples = python.get_current_dir().unwrap().to_owned();
    python.current_dir(&home).env("PYTHONPATH", examples).env("PARLOR_PORT", server.address().port().to_string());
    let mut child = python.arg("dice.py").arg(server.ca()).arg("--register").spawn().unwrap();
    let told = lines(child.stderr.take().unwrap());
    let bot = Program { child, told };
    bot.tells("dice is on ");
    let mut ann = server.register_json("ann").0;
    ann.send("/open garden");
    assert_eq!(ann.event_of("ok")["room"], "garden");
    for (asked, answered) in [("dice, roll", "You rolled "), ("dice, hello", "Say: dice, roll")] {
        ann.send(&format!("/say garden {asked}"));
        let said = std::iter::repeat_with(|| ann.event()).find(|event| event["from"] == "dice").unwrap();
        assert!(said["text"].as_str().unwrap().starts_with(answered), "{said}");
    }
}

#[test]
fn the_receiver_of_the_page_prints_what_is_said() {
    let server = Options::default().args(&["--outhook-allow", "127.0.0.1"]).start();
    let (home, port) = (tempfile::tempdir().unwrap(), Port::free());
    std::fs::write(home.path().join("receiver.py"), program_of_the_page("```python receiver\n")).unwrap();
    let mut ann = in_both_rooms(server.register_json("ann").0);
    ann.send(&format!("/outhook red http://127.0.0.1:{port}/"));
    let secret = ann.event_of("ok")["secret"].as_str().unwrap().to_owned();
    let mut python = python();
    python.current_dir(&home).args(["receiver.py", &secret, &port.to_string()]);
    let mut child = python.spawn().unwrap();
    let told = lines(child.stdout.take().unwrap());
    let receiver = Program { child, told };
    ann.send("/say red hello");
    assert_eq!(receiver.line(), "red ann hello");
}

#[test]
fn the_bot_answers_once_whatever_is_interrupted() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let state = home.path().join("state.json");
    let bot = Program::start(&server, &state, &["--register"]);
    let mut ann = in_both_rooms(server.register_json("ann").0);
    for line in [
        "/say red nobody is meant",
        "/say red Helper, one?",
        "/say blue helpers helper-x helper: two",
        "/msg helper three",
    ] {
        ann.send(line);
    }
    let mut answers: Vec<String> = (0..3).map(|_| answer(&mut ann)).collect();
    answers.sort();
    let expected = [
        "blue: ann: you said 'helpers helper-x helper: two'",
        "direct: ann: you said 'three'",
        "red: ann: you said 'Helper, one?'",
    ];
    assert_eq!(answers, expected);

    // The server dies, and what is said before the bot is back is answered by it.
    let server = server.restart_on_same_port();
    let mut ann = in_both_rooms(server.log_in_json("ann").0);
    ann.send("/say red helper four");
    ann.send("/msg helper five");
    let mut answers = [answer(&mut ann), answer(&mut ann)];
    answers.sort();
    assert_eq!(answers, ["direct: ann: you said 'five'", "red: ann: you said 'helper four'"]);

    // The bot dies, and is started again.
    bot.tells("helper is on ");
    drop(bot);
    ann.send("/say blue helper six");
    ann.send("/msg helper seven");
    let _bot = Program::start(&server, &state, &[]);
    let mut answers = [answer(&mut ann), answer(&mut ann)];
    answers.sort();
    assert_eq!(answers, ["blue: ann: you said 'helper six'", "direct: ann: you said 'seven'"]);

    ann.send("/say red helper, the last");
    assert_eq!(answer(&mut ann), "red: ann: you said 'helper, the last'");
    assert_eq!([said_by_bot(&mut ann, "#red").len(), said_by_bot(&mut ann, "#blue").len()], [3, 2]);
    assert_eq!(said_by_bot(&mut ann, "@helper").len(), 3);
}

#[test]
fn the_bot_survives_it_that_moderators_do_not_want_it() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let state = home.path().join("state.json");
    // Who is there first owns the rooms.
    let mut ann = in_both_rooms(server.register_json("ann").0);
    let bot = Program::start(&server, &state, &["--register"]);
    ann.send("/kick red helper too loud");
    bot.tells("removed from red: kick by ann too loud");
    // It misses this one until it is back, and goes on elsewhere.
    ann.send("/say red helper, one");
    ann.send("/say blue helper, two");
    assert_eq!(answer(&mut ann), "blue: ann: you said 'helper, two'");
    drop(bot);
    let bot = Program::start(&server, &state, &[]);
    assert_eq!(answer(&mut ann), "red: ann: you said 'helper, one'");

    // What is edited, removed or set counts as known, and is not answered.
    for (line, kind) in [("/topic red helper", "topic"), ("/mute red helper", "mute"), ("/edit red 2 helper?", "edit")]
    {
        ann.send(line);
        assert_eq!(ann.event_of("ok")["command"], kind);
    }
    ann.send("/say red helper, three");
    bot.tells("not said: /say red ann: you said 'helper, three' (muted:");
    ann.send("/ban red helper");
    bot.tells("removed from red: ban by ann");
    ann.send("/access blue private");
    // Who is there at that moment may come back.
    while ann.event_of("ok")["command"] != "access" {}
    drop(bot);
    let bot = Program::begin(&server, &state, &[]);
    bot.tells("not in red: banned: ");
    bot.tells("helper is on ");
    ann.send("/say blue helper, four");
    assert_eq!(answer(&mut ann), "blue: ann: you said 'helper, four'");
    assert_eq!(said_by_bot(&mut ann, "#red"), ["ann: you said 'helper, one'"]);
}

/// A Python program that plays a server's part: what the bot sends under which key.
const CUT: &str = r#"
from parlor_client import Bot, Ended, Refused, State

class Cut:
    """A connection that is lost once, behind an answer that nobody hears."""
    server, lines = "den", []
    def __init__(self, is_lost): self.is_lost = is_lost
    def command(self, line):
        if line == "/sync":
            return {"rooms": [{"room": "red", "epoch": "1", "last": 0}], "directs": [],
                    "inbox": {"epoch": "1", "last": 0}}
        if line == "/open blue":
            raise Refused({"code": "banned", "message": "not you"})
        if line.startswith("/backlog"):
            return {"entries": [{"type": "topic", "id": 1}, {"type": "message", "id": 2, "from": "ann", "text": ""}],
                    "more": False}
        self.lines.append(line)
        if self.is_lost: raise Ended("lost")
        return {"type": "ok"}
    def events(self):
        yield {"type": "reaction", "room": "red", "of": 1}
        yield {"type": "message", "room": "green", "id": 7, "from": "ann", "text": "bot, from a room of no interest"}
        yield {"type": "message", "room": "red", "id": 1, "from": "ann", "text": "bot?"}
        yield {"type": "bye", "code": "quit", "message": "over"}

bot = Bot("bot", "secret", ["red", "blue"], State())
for is_lost in (True, False):
    try:
        bot.serve(Cut(is_lost))
    except Ended:
        pass
first, second = Cut.lines
assert first == second and first.endswith("/say red ann: you said 'bot?'"), Cut.lines
print("done")
"#;

/// A Python program that plays a server's part, before and after a backup of it was restored: which questions are answered.
const RESTORED: &str = r##"
from parlor_client import Bot, Ended, State

class Played:
    server, lines = "den", []
    def __init__(self, epoch, entries): self.epoch, self.entries = epoch, entries
    def command(self, line):
        if line == "/sync":
            return {"rooms": [{"room": "red", "epoch": self.epoch, "last": len(self.entries)}], "directs": [],
                    "inbox": {"epoch": self.epoch, "last": 0}}
        if line.startswith("/backlog"):
            return {"entries": self.entries, "more": False}
        self.lines.append(line.split("'bot", 1)[1])
        return {"type": "ok"}
    def events(self):
        for entry in [said(1, "11")] if self.epoch == "1" else []: yield {**entry, "room": "red"}
        yield {"type": "bye", "code": "quit", "message": "over"}

def said(number, minute, year="2999"):
    time = f"{year}-01-01T00:{minute}:00.000Z"
    return {"type": "message", "id": number, "time": time, "from": "ann", "text": f"bot {number} {minute}"}

def play(state, *connections):
    bot, Played.lines = Bot("bot", "secret", ["red"], state), []
    for connection in connections:
        try:
            bot.serve(connection)
        except Ended:
            pass
    return Played.lines

restored = Played("2", [said(1, "11"), said(2, "12")])
lines = play(State(), Played("1", []), restored)
assert lines == [" 1 11'", " 2 12'"], lines

# A file of the version before has no times.
with open("state.json", "w") as file:
    file.write('{"logs": {"#red": ["1", 1], "inbox": ["1", 0]}, "owed": []}')
lines = play(State("state.json"), Played("2", [said(1, "11", "2001"), said(2, "12")]))
assert lines == [" 2 12'"], lines
print("done")
"##;

#[test]
fn what_was_answered_before_a_restore_is_not_answered_again() {
    let home = tempfile::tempdir().unwrap();
    let mut python = python();
    let examples = python.get_current_dir().unwrap().to_owned();
    python.current_dir(&home).env("PYTHONPATH", examples);
    assert_eq!(printed(python.args(["-c", RESTORED]).output().unwrap()), "done\n");
}

#[test]
fn the_bot_comes_when_it_is_invited() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut ann = in_both_rooms(server.register_json("ann").0);
    ann.send("/access red private");
    while ann.event_of("ok")["command"] != "access" {}
    let bot = Program::begin(&server, &home.path().join("state.json"), &["--register"]);
    bot.tells("not in red: invite-only");
    bot.tells("helper is on ");
    ann.send("/invite red helper");
    while ann.event_of("joined")["room"] != "red" {}
    ann.send("/say red helper, hello");
    assert_eq!(answer(&mut ann), "red: ann: you said 'helper, hello'");
}

#[test]
fn a_bot_without_the_file_of_the_authority_says_which() {
    let server = Server::start();
    let mut python = python();
    python.args(["parlor_client.py", "--port", &server.address().port().to_string(), "--ca", "nowhere.pem", "helper"]);
    let said = python.output().unwrap();
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said, "parlor_client.py: [Errno 2] there is no such file: 'nowhere.pem'\n");
}

#[test]
fn an_answer_that_got_lost_is_sent_again_under_its_key() {
    let mut python = python();
    python.args(["-c", CUT]);
    assert_eq!(printed(python.output().unwrap()), "done\n");
}
