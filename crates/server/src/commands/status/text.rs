//! The state of the servers for people: few lines, few digits. It must not leave out that something is wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use parlor_store::redis::{Pulse, ScriptStatus, Status};

use super::table::Side::{Left, Right};
use super::table::Table;

/// Rooms that are shown; a server may have thousands.
const ROOMS_SHOWN: usize = 20;

/// All of it, ending with a line.
pub(super) fn render(status: &Status) -> String {
    [nodes(status), servers(status), scripts(status), rooms(status)].join("\n")
}

fn nodes(status: &Status) -> String {
    let mut table = Table::new([("address", Left), ("version", Left), ("role", Left), ("persistence", Left)]);
    for node in &status.redis {
        table.row([&node.address, &node.version, &node.role, &node.persistence].map(Clone::clone));
    }
    format!("Redis\n{}", table.render())
}

fn servers(status: &Status) -> String {
    if status.servers.is_empty() {
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
    for server in &status.servers {
        table.row([
            server.name.clone(),
            server.boot.to_string(),
            server.lease.map_or_else(|| "run out".to_owned(), short),
            server.sessions.to_string(),
            known(server.logs_followed.map(|logs| logs.to_string())),
            known(server.lag.map(|lag| lag.to_string())),
            known(server.pulse.map(pulse)),
        ]);
    }
    format!("Servers: {}, sessions: {}\n{}", status.servers.len(), sessions(status), table.render())
}

/// A dead server tells nothing of itself.
fn known(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| "?".to_owned())
}

fn pulse(pulse: Pulse) -> String {
    match pulse {
        Pulse::Never => "never".to_owned(),
        Pulse::Ago(age) => format!("{} ago", short(age)),
    }
}

fn sessions(status: &Status) -> u64 {
    status.servers.iter().map(|server| server.sessions).sum()
}

/// The scripts of all servers together.
fn scripts(status: &Status) -> String {
    let mut sums: BTreeMap<&str, ScriptStatus> = BTreeMap::new();
    for script in status.servers.iter().flat_map(|server| &server.scripts).filter(|script| script.calls > 0) {
        sums.entry(&script.name).and_modify(|sum| *sum = together(sum, script)).or_insert_with(|| script.clone());
    }
    if sums.is_empty() {
        return "Scripts: none ran\n".to_owned();
    }
    let mut table = Table::new([("script", Left), ("calls", Right), ("mean", Right), ("longest", Right)]);
    for ScriptStatus { name, calls, mean, longest } in sums.into_values() {
        table.row([name, calls.to_string(), short(mean), short(longest)]);
    }
    format!("Scripts, as all servers timed them\n{}", table.render())
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

/// The largest rooms.
fn rooms(status: &Status) -> String {
    if status.rooms.is_empty() {
        return "Rooms: none\n".to_owned();
    }
    let mut rooms: Vec<_> = status.rooms.iter().collect();
    rooms.sort_by(|a, b| b.members.cmp(&a.members).then_with(|| a.room.cmp(&b.room)));
    let mut table = Table::new([("room", Left), ("members", Right)]);
    for room in rooms.iter().take(ROOMS_SHOWN) {
        table.row([room.room.to_string(), room.members.to_string()]);
    }
    let more = match rooms.len().saturating_sub(ROOMS_SHOWN) {
        0 => String::new(),
        more => format!("  and {more} smaller ones, which --json shows\n"),
    };
    format!("Rooms: {}\n{}{more}", rooms.len(), table.render())
}

/// A time with two or three digits and its unit.
fn short(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let (number, unit) = match seconds {
        _ if seconds < 0.001 => (seconds * 1e6, "µs"),
        _ if seconds < 1.0 => (seconds * 1e3, "ms"),
        _ => (seconds, "s"),
    };
    if number < 10.0 { format!("{number:.1} {unit}") } else { format!("{number:.0} {unit}") }
}
