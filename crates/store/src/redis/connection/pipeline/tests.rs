//! Links to a node that answers something else than was asked for, breaks off, or is no master any more.

use std::sync::atomic::{AtomicUsize, Ordering};

use parlor_redis_testkit::Port;

use super::*;
use crate::redis::connection::dial::Dialer;
use crate::redis::connection::fake_node::{FakeNode, Notes};
use crate::redis::connection::script;

/// A link that wants a number of replicas, and what it counts.
fn link_to(node: &FakeNode, replicas: u32) -> (NodePipeline, Arc<Statistics>) {
    let statistics = Arc::<Statistics>::default();
    let origin = Origin { dialer: node.dialer(), node: Some(node.address.clone()), events: Arc::new(Notes::default()) };
    (NodePipeline::start(origin, statistics.clone(), replicas).unwrap(), statistics)
}

fn exchange(link: &NodePipeline, commands: Vec<Command>) -> Vec<String> {
    link.exchange(commands, Instant::now() + PATIENCE).iter().map(told).collect()
}

/// An outcome in words.
fn told(outcome: &CommandOutcome) -> String {
    match outcome {
        CommandOutcome::Done(Value::ServerError(error)) => format!("error {}", error.code()),
        CommandOutcome::Done(Value::Int(number)) => format!("number {number}"),
        CommandOutcome::Done(_) => "done".to_owned(),
        CommandOutcome::Moved(_) => "moved".to_owned(),
        CommandOutcome::Ask(node, _) => format!("ask {node}"),
        CommandOutcome::Later(..) => "later".to_owned(),
        CommandOutcome::Failed(error, None) => format!("failed for good: {error}"),
        CommandOutcome::Failed(..) => "failed".to_owned(),
    }
}

fn error(line: &str) -> Value {
    ::redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap()
}

fn get(key: &'static str) -> Command {
    Command::plain("GET", key, &[])
}

fn append() -> Command {
    Command::script(script::append_room(), &["log"], &[])
}

/// A node that answers one kind of command, for the first time or always.
fn node_with(beginning: &'static str, answer: &'static str, times: usize) -> FakeNode {
    let answered = AtomicUsize::new(0);
    FakeNode::start(move |line| {
        let is_it = line.starts_with(beginning) && answered.fetch_add(1, Ordering::SeqCst) < times;
        is_it.then(|| answer.to_owned())
    })
}

const ALWAYS: usize = usize::MAX;

#[test]
fn what_a_node_says_of_a_slot_is_no_answer_to_the_command() {
    let outcome = |line: &str| told(&classify(error(line), get("key")));
    assert_eq!(outcome("MOVED 3999 127.0.0.1:6381"), "moved");
    assert_eq!(outcome("ASK 3999 127.0.0.1:6381"), "ask 127.0.0.1:6381");
    assert_eq!(outcome("ASK 3999 ::1:6381"), "ask [::1]:6381");
    // A node that is not named cannot be asked. Then the owner is looked for.
    for strange in ["ASK", "ASK 3999", "ASK 3999 nowhere", "ASK 3999 127.0.0.1:port", "ASK 3999 127.0.0.1:65536"] {
        assert_eq!(outcome(strange), "moved", "{strange}");
    }
    for busy in ["LOADING", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN", "READONLY"] {
        assert_eq!(outcome(&format!("{busy} for a reason")), "later", "{busy}");
    }
    for answer in ["ERR", "OOM", "NOSCRIPT", "WRONGTYPE", "NOPERM", "CROSSSLOT"] {
        assert_eq!(outcome(&format!("{answer} for a reason")), format!("error {answer}"));
    }
    assert_eq!(told(&classify(Value::Int(7), get("key"))), "number 7");
}

#[test]
fn only_a_node_that_is_no_master_is_left() {
    let is_left = |code: &str| is_of_no_master(&error(&format!("{code} for a reason")));
    assert!(["LOADING", "MASTERDOWN", "READONLY"].into_iter().all(is_left));
    assert!(!["TRYAGAIN", "CLUSTERDOWN", "MOVED", "ASK", "ERR", "OOM"].into_iter().any(is_left));
    assert!(!is_of_no_master(&Value::SimpleString("READONLY".to_owned())));
}

#[test]
fn what_has_a_number_is_stored_and_what_is_refused_is_not() {
    let is_stored = |value: Value| has_stored(&CommandOutcome::Done(value));
    let list = |numbers: &[i64]| Value::Array(numbers.iter().copied().map(Value::Int).collect());
    assert!(is_stored(Value::Int(1)) && is_stored(list(&[5, 2])) && is_stored(list(&[5])));
    for refused in [Value::Int(0), Value::Int(-3), list(&[-6, 9, 0, 0]), list(&[]), Value::Nil, error("OOM")] {
        assert!(!is_stored(refused.clone()), "{refused:?}");
    }
    assert!(!has_stored(&CommandOutcome::Moved(append())));
}

#[test]
fn a_script_that_redis_forgets_each_time_is_loaded_three_times_and_no_more() {
    let node = node_with("EVALSHA", "-NOSCRIPT No matching script.\r\n", ALWAYS);
    let (link, statistics) = link_to(&node, 0);
    let head = Command::script(script::head(), &["key"], &[]);
    assert_eq!(exchange(&link, vec![get("a"), head, get("b")]), ["done", "error NOSCRIPT", "done"]);
    assert_eq!((node.count("EVALSHA"), node.count("GET")), (4, 2));
    // When it connected, and before each repetition.
    assert_eq!(node.count("SCRIPT LOAD"), 4 * script::all().len());
    let counted: Vec<_> = statistics.read().into_iter().map(|(name, calls, ..)| (name, calls)).collect();
    assert_eq!(counted, [("head", 4)]);
}

#[test]
fn messages_are_accepted_once_enough_replicas_have_them() {
    for (have, outcome) in [(":1\r\n", "failed for good: too few replicas have it"), (":2\r\n", "number 5")] {
        let node = FakeNode::start(move |line| match line.split(' ').next() {
            Some("EVALSHA") => Some(":5\r\n".to_owned()),
            Some("WAIT") => Some(have.to_owned()),
            _ => None,
        });
        let (link, _) = link_to(&node, 2);
        let head = Command::script(script::head(), &["key"], &[]);
        assert_eq!(exchange(&link, vec![append(), head, append(), get("a")]), [outcome, "number 5", outcome, "done"]);
        // One wait for all of a batch.
        let waits: Vec<String> = node.heard().into_iter().filter(|line| line.starts_with("WAIT")).collect();
        assert_eq!(waits, ["WAIT 2 1000"]);
    }
}

#[test]
fn what_was_refused_waits_for_no_replica() {
    for (answer, told) in [(":-1\r\n", "number -1"), ("*4\r\n:-6\r\n:0\r\n:0\r\n:0\r\n", "done")] {
        let node = node_with("EVALSHA", answer, ALWAYS);
        let (link, _) = link_to(&node, 1);
        assert_eq!(exchange(&link, vec![append()]), [told]);
        assert_eq!(node.count("WAIT"), 0);
    }
}

#[test]
fn messages_of_which_the_replicas_cannot_be_asked_are_not_accepted() {
    let node = FakeNode::start(|line| match line.split(' ').next() {
        Some("EVALSHA") => Some(":5\r\n".to_owned()),
        Some("WAIT") => Some(String::new()),
        _ => None,
    });
    let (link, _) = link_to(&node, 1);
    assert_eq!(exchange(&link, vec![append()]), ["failed for good: too few replicas have it"]);
    assert_eq!(node.count("EVALSHA"), 1, "its caller tries it again, under the same number");
}

#[test]
fn after_a_break_only_what_may_be_repeated_and_has_no_answer_is_sent_again() {
    let node = node_with("GET b", "", 1);
    let (link, _) = link_to(&node, 0);
    let outcomes = exchange(&link, vec![get("a"), get("b"), get("c").never_repeated(), get("d")]);
    assert_eq!([&outcomes[..2], &outcomes[3..]].concat(), ["done", "done", "done"]);
    assert!(outcomes[2].starts_with("failed for good: "), "{outcomes:?}");
    assert_eq!(["GET a", "GET b", "GET d"].map(|line| node.count(line)), [1, 2, 1]);
    assert_eq!(node.count("GET c"), 0, "it was behind the break");
    // What was on its way on the connection before must not run behind what was sent again.
    let heard = node.heard();
    let kill = heard.iter().position(|line| line.starts_with("CLIENT KILL")).unwrap();
    assert!(kill < heard.iter().rposition(|line| line == "GET b").unwrap());
}

#[test]
fn the_link_to_a_node_that_is_no_master_any_more_is_opened_again() {
    for (answer, reopened) in [("-READONLY for a reason\r\n", 1), ("-TRYAGAIN for a reason\r\n", 0)] {
        let node = node_with("GET a", answer, 1);
        let (link, _) = link_to(&node, 0);
        assert_eq!(exchange(&link, vec![get("a"), get("b")]), ["later", "done"]);
        assert_eq!(exchange(&link, vec![get("a")]), ["done"]);
        assert_eq!(node.count("CLIENT KILL"), reopened, "{answer}");
    }
}

#[test]
fn what_is_pushed_in_between_is_no_answer() {
    let node = node_with("GET a", ">2\r\n$10\r\ninvalidate\r\n$1\r\nx\r\n:3\r\n", ALWAYS);
    let (link, _) = link_to(&node, 0);
    assert_eq!(exchange(&link, vec![get("a"), get("b"), get("a")]), ["number 3", "done", "number 3"]);
}

#[test]
fn while_nobody_is_there_each_command_comes_back_unless_it_must_not_be_repeated() {
    let port = Port::free();
    let dialer = Arc::new(Dialer::new(format!("redis://127.0.0.1:{port}").parse().unwrap(), None));
    let origin = Origin { dialer, node: None, events: Arc::new(Notes::default()) };
    let link = NodePipeline::start(origin, Arc::default(), 0).unwrap();
    let outcomes = link.exchange(vec![get("a"), get("b").never_repeated()], Instant::now());
    assert!(matches!(&outcomes[0], CommandOutcome::Failed(_, Some(command)) if *command.key == *"a"));
    assert!(matches!(&outcomes[1], CommandOutcome::Failed(_, None)));
    assert!(outcomes.len() == 2 && !link.is_up());
}
