//! What `parlor status` prints for states that are hard to produce.

use std::time::Duration;

use parlor_store::redis::{Lease, NodeFacts, NodeStatus, Pulse, RoomStatus, ScriptStatus, ServerStatus, Status};

use super::{json, text};

fn script(name: &str, calls: u64, mean: u64, longest: u64) -> ScriptStatus {
    let (mean, longest) = (Duration::from_micros(mean), Duration::from_micros(longest));
    ScriptStatus { name: name.to_owned(), calls, mean, longest }
}

fn room(name: &str, members: usize) -> RoomStatus {
    RoomStatus { room: name.parse().unwrap(), members: Some(members) }
}

fn status() -> Status {
    let one = ServerStatus {
        name: "one.example.org".to_owned(),
        boot: "0011223344556677".to_owned(),
        lease: Lease::Holds(Duration::from_millis(8_240)),
        sessions: Some(1234),
        logs_followed: Some(17),
        lag: Some(0),
        pulse: Some(Pulse::Ago(Duration::from_millis(412))),
        scripts: vec![script("append", 100, 40, 900), script("claim", 3, 80, 12_345), script("reap", 0, 0, 0)],
    };
    let two = ServerStatus {
        name: "two".to_owned(),
        boot: "8899aabbccddeeff".to_owned(),
        lease: Lease::Holds(Duration::from_millis(4_000)),
        sessions: Some(2),
        logs_followed: Some(3),
        lag: Some(4_096),
        pulse: Some(Pulse::Never),
        scripts: vec![script("append", 300, 80, 2_000_000)],
    };
    let dead = ServerStatus {
        name: "?".to_owned(),
        boot: "1032547698badcfe".to_owned(),
        lease: Lease::RunOut,
        sessions: Some(1),
        logs_followed: None,
        lag: None,
        pulse: None,
        scripts: Vec::new(),
    };
    let node = |address: &str, role: &str, persistence: &str| NodeStatus {
        address: address.to_owned(),
        facts: Some(NodeFacts {
            version: "7.0.15".to_owned(),
            role: role.to_owned(),
            persistence: persistence.to_owned(),
        }),
    };
    Status {
        redis: vec![node("192.0.2.10:6379", "master", "aof everysec"), node("[2001:db8::1]:6379", "replica", "none")],
        servers: Some(vec![dead, one, two]),
        rooms: Some(vec![room("garden", 7), room("attic", 7), room("lobby", 1200)]),
        problems: Vec::new(),
    }
}

#[test]
fn people_see_straight_columns() {
    let expected = "\
Redis
  ADDRESS             VERSION  ROLE     PERSISTENCE
  192.0.2.10:6379     7.0.15   master   aof everysec
  [2001:db8::1]:6379  7.0.15   replica  none

Servers: 3, sessions: 1237
  NAME             BOOT                LEASE  SESSIONS  LOGS   LAG       PULSE
  ?                1032547698badcfe  run out         1     ?     ?           ?
  one.example.org  0011223344556677    8.2 s      1234    17     0  412 ms ago
  two              8899aabbccddeeff    4.0 s         2     3  4096       never

Scripts, as all servers timed them
  SCRIPT  CALLS   MEAN  LONGEST
  append    400  70 µs    2.0 s
  claim       3  80 µs    12 ms

Rooms: 3
  ROOM    MEMBERS
  lobby      1200
  attic         7
  garden        7
";
    assert_eq!(text::render(&status()), expected);
}

#[test]
fn nothing_at_all_is_said_in_words() {
    let nothing = Status { servers: Some(Vec::new()), rooms: Some(Vec::new()), ..status() };
    let text = text::render(&nothing);
    assert!(text.ends_with("\nServers: none\n\nScripts: none ran\n\nRooms: none\n"), "{text}");
}

/// Returns a state with an unreachable node of Redis, which stores one of the servers and a room.
fn partly_known() -> Status {
    let mut status = status();
    status.redis[1].facts = None;
    let server = &mut status.servers.as_mut().unwrap()[0];
    (server.lease, server.sessions) = (Lease::Unknown, None);
    status.rooms.as_mut().unwrap()[2].members = None;
    Status { problems: vec!["[2001:db8::1]:6379: Connection refused".to_owned()], ..status }
}

#[test]
fn what_lies_on_a_node_that_is_away_is_not_known() {
    let text = text::render(&partly_known());
    let lines = [
        "  [2001:db8::1]:6379  ?        unreachable  ?",
        "Servers: 3, sessions: at least 1236",
        "  ?                1032547698badcfe      ?         ?     ?     ?           ?",
        "Scripts, as the servers that are known timed them",
        "  lobby         ?",
    ];
    for line in lines {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    let read: serde_json::Value = serde_json::from_str(&json::render(&partly_known())).unwrap();
    let [node, server, room] = [&read["redis"][1], &read["servers"][0], &read["rooms"][2]];
    assert_eq!((&node["reachable"], &node["role"]), (&false.into(), &().into()));
    assert_eq!((&server["reachable"], &server["sessions"]), (&false.into(), &().into()));
    assert_eq!(room, &serde_json::json!({ "room": "lobby", "members": null }));
    assert_eq!(read["problems"], serde_json::json!(["[2001:db8::1]:6379: Connection refused"]));
}

#[test]
fn lists_that_are_not_known_are_not_taken_for_empty() {
    let status = Status { servers: None, rooms: None, ..partly_known() };
    let text = text::render(&status);
    assert!(text.ends_with("\nServers: ?\n\nScripts: ?\n\nRooms: ?\n"), "{text}");
    let read: serde_json::Value = serde_json::from_str(&json::render(&status)).unwrap();
    assert_eq!((&read["servers"], &read["rooms"]), (&().into(), &().into()));
}

#[test]
fn of_many_rooms_the_largest_are_shown() {
    let rooms = Some((0..100).map(|number| room(&format!("room-{number:02}"), number)).collect());
    let text = text::render(&Status { rooms, ..status() });
    let (_, shown) = text.split_once("\nRooms: 100\n").unwrap();
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!((lines[1], lines[20]), ("  room-99       99", "  room-80       80"));
    assert_eq!(lines[21..], ["  and 80 smaller ones, which --json shows"]);
}

#[test]
fn scripts_get_everything_in_one_line() {
    let json = json::render(&status());
    assert_eq!(json.matches('\n').count(), 1);
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["redis"][1]["role"], "replica");
    let [dead, one, two] = [0, 1, 2].map(|at| &read["servers"][at]);
    assert_eq!((&one["lease_ms"], &one["lag"], &one["pulse_ms"]), (&8240.into(), &0.into(), &412.into()));
    assert_eq!((&two["lag"], &two["pulse_ms"]), (&4096.into(), &().into()));
    for field in ["lease_ms", "logs_followed", "lag", "pulse_ms"] {
        assert_eq!(dead[field], serde_json::Value::Null, "{field}");
    }
    assert_eq!((&dead["reachable"], &read["redis"][1]["reachable"]), (&true.into(), &true.into()));
    assert_eq!(one["scripts"][1]["longest_us"], 12_345);
    assert_eq!(read["rooms"][2], serde_json::json!({ "room": "lobby", "members": 1200 }));
}
