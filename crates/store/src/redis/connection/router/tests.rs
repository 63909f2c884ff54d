//! Commands find the node of their slot, wherever that is by now.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;
use crate::redis::connection::fake_node::{FakeNode, Notes, hello, slots};

fn node(port: u16) -> Address {
    Address { host: "127.0.0.1".to_owned(), port }
}

/// A router of a Cluster that knows these owners, and reaches nobody.
fn knowing(owners: &[(&str, u16)]) -> Router {
    let slots = owners.iter().map(|(key, port)| (Slot::for_key(key), node(*port))).collect();
    let routes = Mutex::new(Routes { slots, ..Routes::default() });
    let dialer = Arc::new(Dialer::new("redis://127.0.0.1".parse().unwrap(), None));
    let (events, statistics) = (Arc::new(Notes::default()), Arc::default());
    Router { dialer, events, statistics, replicas: 0, is_cluster: true, routes }
}

fn get(key: &'static str) -> Command {
    Command::plain("GET", key, &[])
}

/// A router of the Cluster that a node tells of.
fn router(node: &FakeNode) -> StoreResult<Router> {
    let started = Router::start(node.dialer(), Arc::new(Notes::default()), true, 0);
    started.map_err(|error| StoreError::new(error.reason()))
}

/// The greeting of a member of a Cluster.
fn greeting(line: &str) -> Option<String> {
    line.starts_with("HELLO").then(|| hello("cluster", "master"))
}

/// Whether an error says this.
fn says(reply: &StoreResult<Value>, what: &str) -> bool {
    reply.as_ref().is_err_and(|error| error.to_string().contains(what))
}

#[test]
fn whoever_failed_last_is_asked_last() {
    let mut routes = Routes { nodes: vec![node(1), node(2), node(3)], ..Routes::default() };
    routes.ask_last(&node(1));
    routes.ask_last(&node(9));
    assert_eq!(routes.nodes, [node(2), node(3), node(1)]);
    routes.ask_first(&node(3));
    routes.ask_first(&node(9));
    assert_eq!(routes.nodes, [node(3), node(2), node(1)]);
}

#[test]
fn a_node_that_is_in_doubt_is_asked_last_though_it_knows_more() {
    let router = knowing(&[]);
    let nodes = || lock(&router.routes).nodes.clone();
    lock(&router.routes).nodes = vec![node(1), node(2), node(3)];
    router.judge(Some(node(2)), true, false);
    assert_eq!(nodes(), [node(2), node(1), node(3)]);
    router.judge(Some(node(2)), true, true);
    assert_eq!(nodes(), [node(1), node(3), node(2)]);
    router.judge(Some(node(3)), false, false);
    router.judge(None, true, true);
    assert_eq!(nodes(), [node(1), node(3), node(2)]);
}

#[test]
fn commands_are_grouped_by_the_owners_of_their_keys_in_their_order() {
    let router = knowing(&[("red", 1), ("ann", 2)]);
    let keys = ["parlor:room:{red}", "parlor:user:{ann}", "nobody's", "parlor:log:{red}", "parlor:session:{ann}"];
    let groups = router.by_node(keys.map(get).into_iter().enumerate().collect());
    let places: Vec<_> = groups
        .into_iter()
        .map(|(owner, group)| (owner, group.into_iter().map(|(at, _)| at).collect::<Vec<_>>()))
        .collect();
    assert_eq!(places, [(Some(node(1)), vec![0, 3]), (Some(node(2)), vec![1, 4]), (None, vec![2])]);
    assert!(router.by_node(Vec::new()).is_empty());
    // Without a Cluster, all have one way.
    let single = Router { is_cluster: false, ..knowing(&[]) };
    let groups = single.by_node(keys.map(get).into_iter().enumerate().collect());
    assert_eq!(groups.iter().map(|(owner, group)| (owner.clone(), group.len())).collect::<Vec<_>>(), [(None, 5)]);
    assert!(single.by_node(Vec::new()).is_empty());
}

#[test]
fn a_slot_without_an_owner_cannot_be_reached_and_a_node_without_a_link_is_not_in_doubt() {
    let router = knowing(&[("red", 1)]);
    assert_eq!((router.owner("parlor:log:{red}"), router.owner("ann")), (Some(node(1)), None));
    assert_eq!((router.is_unreachable("{red}"), router.is_unreachable("ann")), (false, true));
    let single = Router { is_cluster: false, ..knowing(&[]) };
    assert!(!single.is_unreachable("ann"));
    assert_eq!(single.nodes(), [None]);
}

#[test]
fn new_owners_are_asked_first_and_whoever_owns_nothing_is_forgotten() {
    let router = knowing(&[]);
    let assignment = |ports: &[u16]| {
        let slots = ports.iter().zip(0..).map(|(port, slot)| (Slot::new(slot).unwrap(), node(*port)));
        slots.collect::<Assignment>()
    };
    router.assign(assignment(&[3, 1]));
    assert_eq!(router.nodes(), [1, 3].map(|port| Some(node(port))));
    lock(&router.routes).ask_last(&node(1));
    let link = router.link(Some(node(1))).unwrap();
    router.assign(assignment(&[9, 3, 2]));
    assert_eq!(lock(&router.routes).nodes, [node(2), node(9), node(3)]);
    assert_eq!(router.nodes(), [2, 3, 9].map(|port| Some(node(port))));
    assert_eq!((router.owner("ann"), lock(&router.routes).links.len()), (None, 0));
    assert_eq!(Arc::strong_count(&link), 1);
}

/// A node that owns all slots, and answers like this.
fn owner_of_all(answer: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> FakeNode {
    FakeNode::start_as(move |own, line| match line {
        "CLUSTER SLOTS" => Some(slots(&[(0, 16_383, own)])),
        _ => answer(line).or_else(|| greeting(line)),
    })
}

/// The answer to each reading command.
fn to_get(line: &str, answer: &str) -> Option<String> {
    line.starts_with("GET").then(|| answer.to_owned())
}

#[test]
fn a_command_follows_its_slot_to_another_node() {
    let heir = owner_of_all(|line| to_get(line, ":2\r\n"));
    let (has_moved, to) = (Arc::new(AtomicBool::new(false)), heir.address.clone());
    let flag = has_moved.clone();
    let old = FakeNode::start_as(move |own, line| {
        let is_moved = flag.load(Ordering::SeqCst);
        match line.split(' ').next() {
            Some("CLUSTER") => Some(slots(&[(0, 16_383, if is_moved { &to } else { own })])),
            Some("GET") if is_moved => Some(format!("-MOVED 7 {to}\r\n")),
            Some("GET") => Some(":1\r\n".to_owned()),
            _ => greeting(line),
        }
    });
    let router = router(&old).unwrap();
    let read = |key| command::read::<i64>(router.call(get(key)));
    assert_eq!((read("ann"), router.nodes()), (Ok(1), vec![Some(old.address.clone())]));
    has_moved.store(true, Ordering::SeqCst);
    assert_eq!((read("ann"), router.owner("ann")), (Ok(2), Some(heir.address.clone())));
    // Everything is there: the old one is not asked again.
    assert_eq!((read("bob"), old.count("GET"), heir.count("GET")), (Ok(2), 2, 2));
    assert_eq!(router.nodes(), [Some(heir.address.clone())]);
}

#[test]
fn while_a_slot_moves_the_next_node_is_asked_for_what_is_there_already() {
    let heir = owner_of_all(|line| to_get(line, ":2\r\n"));
    let asked = format!("-ASK 7 {}\r\n", heir.address);
    let old = owner_of_all(move |line| to_get(line, &asked));
    let router = router(&old).unwrap();
    assert_eq!(command::read::<i64>(router.call(get("ann"))), Ok(2));
    // The question comes directly before the command.
    let heard: Vec<String> = heir.heard().into_iter().filter(|line| line == "ASKING" || line == "GET ann").collect();
    assert_eq!(heard, ["ASKING", "GET ann"]);
    // The slot has its owner still.
    assert_eq!((router.owner("ann"), old.count("CLUSTER")), (Some(old.address.clone()), 1));
}

#[test]
fn what_can_wait_is_tried_twice_and_the_rest_of_its_batch_once() {
    let node = owner_of_all(|line| match line {
        "GET ann" => Some("-TRYAGAIN the slot moves\r\n".to_owned()),
        _ => to_get(line, ":1\r\n"),
    });
    let router = router(&node).unwrap();
    let replies = router.try_all(vec![get("ann"), get("bob")]);
    assert!(replies.len() == 2 && says(&replies[0], "the slot moves") && replies[1] == Ok(Value::Int(1)));
    assert_eq!((node.count("GET ann"), node.count("GET bob")), (2, 1));
}

#[test]
fn a_node_that_cannot_just_now_is_asked_until_it_can() {
    let asked = AtomicUsize::new(0);
    let node = owner_of_all(move |line| {
        let is_busy = line == "GET ann" && asked.fetch_add(1, Ordering::SeqCst) < 3;
        to_get(line, if is_busy { "-CLUSTERDOWN no quorum\r\n" } else { ":1\r\n" })
    });
    let router = router(&node).unwrap();
    assert_eq!(router.call(get("ann")), Ok(Value::Int(1)));
    assert_eq!(node.count("GET ann"), 4);
}

#[test]
fn commands_whose_slot_has_no_owner_do_not_hold_up_the_others() {
    let slot = 2326;
    assert_eq!(Slot::new(slot), Some(Slot::for_key("ann")));
    let node = FakeNode::start_as(move |own, line| match line {
        "CLUSTER SLOTS" => Some(slots(&[(slot, slot, own)])),
        _ => to_get(line, ":1\r\n").or_else(|| greeting(line)),
    });
    let router = router(&node).unwrap();
    let replies = router.try_all(vec![get("bob"), get("ann"), get("bob")]);
    assert!(says(&replies[0], "the slot has no owner") && says(&replies[2], "the slot has no owner"), "{replies:?}");
    assert_eq!((replies.len(), &replies[1], node.count("GET bob")), (3, &Ok(Value::Int(1)), 0));
}

#[test]
fn a_cluster_that_tells_of_no_owner_is_no_cluster() {
    for (answer, why) in [
        ("*0\r\n", "knows no owner of any slot"),
        ("+many\r\n", "nothing that can be understood"),
        ("-ERR This instance has cluster support disabled\r\n", "cluster support disabled"),
    ] {
        let node = FakeNode::start(move |line| (line == "CLUSTER SLOTS").then(|| answer.to_owned()));
        let error = router(&node).err().unwrap().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn of_several_nodes_that_know_a_part_the_one_that_knows_the_most_is_believed() {
    let knows = |last: u16| {
        FakeNode::start_as(move |own, line| match line {
            "CLUSTER SLOTS" => Some(slots(&[(0, last, own)])),
            _ => greeting(line),
        })
    };
    let nobody = FakeNode::start(|line| (line == "CLUSTER SLOTS").then(|| "*0\r\n".to_owned()));
    let (few, more) = (knows(9), knows(99));
    let router = Router { dialer: few.dialer(), ..knowing(&[]) };
    let upwards = [&nobody, &few, &more].map(|node| node.address.clone());
    lock(&router.routes).nodes = upwards.to_vec();
    let ask = |nodes: &[Address]| router.ask_for_slots(nodes, Instant::now() + PATIENCE).map(|found| found.len());
    assert_eq!(ask(&upwards), Ok(100));
    // None of them knew all, so each went to the end.
    assert_eq!(lock(&router.routes).nodes, upwards);
    let downwards = [&more, &few, &nobody].map(|node| node.address.clone());
    assert_eq!((ask(&downwards), ask(&[]).is_err()), (Ok(100), true));
}
