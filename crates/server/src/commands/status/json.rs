//! The state of the servers for scripts: everything, unrounded numbers, and `null` for unknown values. Fields must not
//! be removed or renamed, only added.

use std::time::Duration;

use parlor_store::redis::{Lease, NodeStatus, Pulse, RoomStatus, ScriptStatus, ServerStatus, Status};
use serde_json::{Value, json};

/// Returns one object on one line.
pub(super) fn render(status: &Status) -> String {
    let servers = status.servers.as_ref().map(|servers| servers.iter().map(server).collect::<Value>());
    let room = |room: &RoomStatus| json!({ "room": room.room, "members": room.members });
    let rooms = status.rooms.as_ref().map(|rooms| rooms.iter().map(room).collect::<Value>());
    let status = json!({
        "redis": status.redis.iter().map(node).collect::<Value>(),
        "servers": servers,
        "rooms": rooms,
        "problems": status.problems,
    });
    format!("{status}\n")
}

fn node(node: &NodeStatus) -> Value {
    let facts = node.facts.as_ref();
    json!({
        "address": node.address,
        "reachable": facts.is_some(),
        "version": facts.map(|facts| &facts.version),
        "role": facts.map(|facts| &facts.role),
        "persistence": facts.map(|facts| &facts.persistence),
    })
}

fn server(server: &ServerStatus) -> Value {
    json!({
        "name": server.name,
        "boot": server.boot.to_string(),
        "reachable": server.lease != Lease::Unknown,
        "lease_ms": lease(server.lease).map(milliseconds),
        "sessions": server.sessions,
        "logs_followed": server.logs_followed,
        "lag": server.lag,
        "pulse_ms": server.pulse.and_then(pulse_age).map(milliseconds),
        "scripts": server.scripts.iter().map(script).collect::<Value>(),
    })
}

fn lease(lease: Lease) -> Option<Duration> {
    match lease {
        Lease::Holds(time) => Some(time),
        Lease::RunOut | Lease::Unknown => None,
    }
}

fn pulse_age(pulse: Pulse) -> Option<Duration> {
    match pulse {
        Pulse::Never => None,
        Pulse::Ago(age) => Some(age),
    }
}

fn script(script: &ScriptStatus) -> Value {
    json!({
        "name": script.name,
        "calls": script.calls,
        "mean_us": microseconds(script.mean),
        "longest_us": microseconds(script.longest),
    })
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
