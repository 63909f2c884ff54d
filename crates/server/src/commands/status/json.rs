//! The state of the servers for scripts: everything, numbers unrounded, and `null` where one is not known. Fields are
//! only ever added.

use std::time::Duration;

use parlor_store::redis::{NodeStatus, Pulse, ScriptStatus, ServerStatus, Status};
use serde_json::{Value, json};

/// One object on one line.
pub(super) fn render(status: &Status) -> String {
    let rooms = status.rooms.iter().map(|room| json!({ "room": room.room, "members": room.members }));
    let status = json!({
        "redis": status.redis.iter().map(node).collect::<Value>(),
        "servers": status.servers.iter().map(server).collect::<Value>(),
        "rooms": rooms.collect::<Value>(),
    });
    format!("{status}\n")
}

fn node(node: &NodeStatus) -> Value {
    json!({
        "address": node.address,
        "version": node.version,
        "role": node.role,
        "persistence": node.persistence,
    })
}

fn server(server: &ServerStatus) -> Value {
    json!({
        "name": server.name,
        "boot": server.boot.to_string(),
        "lease_ms": server.lease.map(milliseconds),
        "sessions": server.sessions,
        "logs_followed": server.logs_followed,
        "lag": server.lag,
        "pulse_ms": server.pulse.and_then(pulse_age).map(milliseconds),
        "scripts": server.scripts.iter().map(script).collect::<Value>(),
    })
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
