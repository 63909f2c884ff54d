//! The state of the servers as text for operators: few lines, few digits. It must not hide a problem.

use std::collections::BTreeMap;
use std::time::Duration;

use parlor_store::redis::{Lease, NodeStatus, Pulse, ScriptStatus, ServerStatus, Status};

use super::table::Side::{Left, Right};
use super::table::Table;

/// Maximum number of rooms shown; a server may have thousands.
const ROOMS_SHOWN: usize = 20;

/// Text for an unknown value.
const UNKNOWN: &str = "?";

/// Returns the whole text; it ends with a line feed.
pub(super) fn render(status: &Status) -> String {
    [nodes(status), servers(status), scripts(status), rooms(status)].join("\n")
}

fn nodes(status: &Status) -> String {
    let mut table = Table::new([("address", Left), ("version", Left), ("role", Left), ("persistence", Left)]);
    for node in &status.redis {
        table.row(node_row(node));
    }
    format!("Redis\n{}", table.render())
}

fn node_row(node: &NodeStatus) -> [String; 4] {
    match &node.facts {
        Some(facts) => [&node.address, &facts.version, &facts.role, &facts.persistence].map(Clone::clone),
        None => [&node.address, UNKNOWN, "unreachable", UNKNOWN].map(str::to_owned),
    }
}

fn servers(status: &Status) -> String {
    let Some(servers) = &status.servers else { return format!("Servers: {UNKNOWN}\n") };
    if servers.is_empty() {
        return "Servers: none\n".to_owned();
    }
    let mut table = Table::new([
        ("name", Left),
        ("boot", Left),
        ("lease", Right),
        ("sessions", Right),
        ("logs", Right),
        ("lag", Right),
        ("pulse", Right),
    ]);
    for server in servers {
        table.row([
            server.name.clone(),
            server.boot.to_string(),
            lease(server.lease),
            known(server.sessions.map(|sessions| sessions.to_string())),
            known(server.logs_followed.map(|logs| logs.to_string())),
            known(server.lag.map(|lag| lag.to_string())),
            known(server.pulse.map(pulse)),
        ]);
    }
    format!("Servers: {}, sessions: {}\n{}", servers.len(), sessions(servers), table.render())
}

fn lease(lease: Lease) -> String {
    match lease {
        Lease::Holds(time) => short(time),
        Lease::RunOut => "run out".to_owned(),
        Lease::Unknown => UNKNOWN.to_owned(),
    }
}

/// A dead server reports nothing, and data on an unreachable node is unknown.
fn known(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| UNKNOWN.to_owned())
}

fn pulse(pulse: Pulse) -> String {
    match pulse {
        Pulse::Never => "never".to_owned(),
        Pulse::Ago(age) => format!("{} ago", short(age)),
    }
}

/// Returns the total number of sessions.
fn sessions(servers: &[ServerStatus]) -> String {
    let sum: u64 = servers.iter().filter_map(|server| server.sessions).sum();
    if servers.iter().all(|server| server.sessions.is_some()) { sum.to_string() } else { format!("at least {sum}") }
}

/// Returns the table of scripts, summed over all servers.
fn scripts(status: &Status) -> String {
    let Some(servers) = &status.servers else { return format!("Scripts: {UNKNOWN}\n") };
    let mut sums: BTreeMap<&str, ScriptStatus> = BTreeMap::new();
    for script in servers.iter().flat_map(|server| &server.scripts).filter(|script| script.calls > 0) {
        sums.entry(&script.name).and_modify(|sum| *sum = together(sum, script)).or_insert_with(|| script.clone());
    }
    let are_all_known = servers.iter().all(|server| server.lease != Lease::Unknown);
    if sums.is_empty() && !are_all_known {
        return format!("Scripts: {UNKNOWN}\n");
    }
    if sums.is_empty() {
        return "Scripts: none ran\n".to_owned();
    }
    let mut table = Table::new([("script", Left), ("calls", Right), ("mean", Right), ("longest", Right)]);
    for ScriptStatus { name, calls, mean, longest } in sums.into_values() {
        table.row([name, calls.to_string(), short(mean), short(longest)]);
    }
    let which = if are_all_known { "all servers" } else { "the servers that are known" };
    format!("Scripts, as {which} timed them\n{}", table.render())
}

fn together(one: &ScriptStatus, other: &ScriptStatus) -> ScriptStatus {
    let calls = one.calls + other.calls;
    let total = |script: &ScriptStatus| script.mean.as_secs_f64() * script.calls as f64;
    ScriptStatus {
        name: one.name.clone(),
        calls,
        mean: Duration::from_secs_f64((total(one) + total(other)) / calls as f64),
        longest: one.longest.max(other.longest),
    }
}

/// Returns the table of the largest rooms. Rooms with an unknown number of members come last.
fn rooms(status: &Status) -> String {
    let Some(rooms) = &status.rooms else { return format!("Rooms: {UNKNOWN}\n") };
    if rooms.is_empty() {
        return "Rooms: none\n".to_owned();
    }
    let mut rooms: Vec<_> = rooms.iter().collect();
    rooms.sort_by(|a, b| b.members.cmp(&a.members).then_with(|| a.room.cmp(&b.room)));
    let mut table = Table::new([("room", Left), ("members", Right)]);
    for room in rooms.iter().take(ROOMS_SHOWN) {
        table.row([room.room.to_string(), known(room.members.map(|members| members.to_string()))]);
    }
    let more = match rooms.len().saturating_sub(ROOMS_SHOWN) {
        0 => String::new(),
        more if rooms.iter().all(|room| room.members.is_some()) => {
            format!("  and {more} smaller ones, which --json shows\n")
        }
        more => format!("  and {more} others, which --json shows\n"),
    };
    format!("Rooms: {}\n{}{more}", rooms.len(), table.render())
}

/// Formats a time with two or three digits and its unit.
fn short(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let (number, unit) = match seconds {
        _ if seconds < 0.001 => (seconds * 1e6, "µs"),
        _ if seconds < 1.0 => (seconds * 1e3, "ms"),
        _ => (seconds, "s"),
    };
    if number < 10.0 { format!("{number:.1} {unit}") } else { format!("{number:.0} {unit}") }
}
