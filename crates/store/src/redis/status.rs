//! What an operator looks at first: nodes of Redis, servers, rooms. It must not change anything.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parlor_core::ports::{StoreError, StoreResult};
use parlor_proto::RoomSummary;

use super::command::{self, Command};
use super::dial::{Dialer, Greeting};
use super::keys::{self, ServerId};
use super::router::Router;
use super::url::Address;
use super::{Config, Journal, OpenError, Silence, check};

/// What is known of a Redis and the servers that share it.
#[derive(Debug, Clone)]
pub struct Status {
    /// The nodes of Redis that hold data.
    pub redis: Vec<NodeStatus>,
    /// The servers.
    pub servers: Vec<ServerStatus>,
    /// Rooms that have members, sorted.
    pub rooms: Vec<RoomSummary>,
}

/// One node of Redis.
#[derive(Debug, Clone)]
pub struct NodeStatus {
    /// Host and port.
    pub address: String,
    /// Its version.
    pub version: String,
    /// `master` or `replica`.
    pub role: String,
    /// How it keeps its data.
    pub persistence: String,
}

/// One run of a server. What it tells of itself is in its lease, and is gone with that.
#[derive(Debug, Clone)]
pub struct ServerStatus {
    /// Its name; `?` if that is not known.
    pub name: String,
    /// Number of the run, in hexadecimal digits.
    pub boot: String,
    /// How long its lease holds; none if it ran out and others are about to end its sessions.
    pub lease: Option<Duration>,
    /// Its sessions.
    pub sessions: u64,
    /// Logs that it follows; none if that is not known.
    pub logs_followed: Option<u64>,
    /// Entries that it has still to hear of the log that it lags most; none if that is not known.
    pub lag: Option<u64>,
    /// Whether it hears itself; none if that is not known.
    pub pulse: Option<Pulse>,
    /// Its scripts.
    pub scripts: Vec<ScriptStatus>,
}

/// Whether a server hears itself through Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    /// It never did.
    Never,
    /// It did last so long ago.
    Ago(Duration),
}

/// How a script fares, as one server sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptStatus {
    /// Its name.
    pub name: String,
    /// How often it was called.
    pub calls: u64,
    /// How long an answer took, on average.
    pub mean: Duration,
    /// And at most.
    pub longest: Duration,
}

/// Asks Redis. Blocks for some seconds at most.
///
/// # Errors
/// See [`OpenError`].
pub fn status(config: &Config) -> Result<Status, OpenError> {
    let dialer = Arc::new(Dialer::new(config.url.clone(), config.ca.clone()));
    let node = dialer.locate()?;
    let (_, greeting) = dialer.connect(&node)?;
    let journal: Arc<dyn Journal> = Arc::new(Silence);
    let router = Router::start(dialer.clone(), journal, greeting.is_cluster, 0)?;
    let unreachable = |error: StoreError| OpenError::Unreachable(error.to_string());
    let nodes = router.nodes().into_iter().map(|owner| owner.unwrap_or_else(|| node.clone()));
    let redis = nodes.map(|node| node_status(&dialer, &node)).collect::<Result<_, _>>()?;
    let servers = servers(&router).map_err(unreachable)?;
    let rooms = super::rooms::rooms(&router).map_err(unreachable)?;
    Ok(Status { redis, servers, rooms: rooms.into_iter().map(|(summary, _)| summary).collect() })
}

fn node_status(dialer: &Dialer, node: &Address) -> Result<NodeStatus, OpenError> {
    let (mut connection, Greeting { version, is_master, .. }) = dialer.connect(node)?;
    let info: ::redis::RedisResult<String> = ::redis::cmd("INFO").arg("persistence").query(&mut connection);
    let persistence = match info {
        Ok(info) if check::field(&info, "aof_enabled") == Some("1") => "append-only file".to_owned(),
        Ok(_) => "no append-only file".to_owned(),
        Err(error) => format!("unknown ({error})"),
    };
    let role = if is_master { "master" } else { "replica" }.to_owned();
    Ok(NodeStatus { address: node.to_string(), version, role, persistence })
}

fn servers(router: &Router) -> StoreResult<Vec<ServerStatus>> {
    let ids: Vec<String> = command::read(router.call(Command::plain("SMEMBERS", keys::SERVERS, &[])))?;
    let mut servers = Vec::new();
    for boot in ids {
        let id = ServerId::read(&boot);
        let [fields, ttl, seats] = router.call_each([
            Command::plain("HGETALL", keys::lease(&id), &[]),
            Command::plain("PTTL", keys::lease(&id), &[]),
            Command::plain("SCARD", keys::seats_of(&id), &[]),
        ]);
        servers.push(server_status(boot, &command::read(fields)?, command::read(ttl)?, command::read(seats)?));
    }
    servers.sort_by(|a, b| (&a.name, &a.boot).cmp(&(&b.name, &b.boot)));
    Ok(servers)
}

fn server_status(boot: String, fields: &HashMap<String, String>, ttl: i64, seats: u64) -> ServerStatus {
    let number = |name: &str| fields.get(name).and_then(|value| value.parse::<i64>().ok());
    let count = |name: &str| number(name).and_then(|number| u64::try_from(number).ok());
    let millis = |millis: i64| u64::try_from(millis).ok().map(Duration::from_millis);
    ServerStatus {
        name: fields.get("name").cloned().unwrap_or_else(|| "?".to_owned()),
        boot,
        lease: millis(ttl),
        sessions: seats,
        logs_followed: count("logs"),
        lag: count("lag"),
        // A server that never heard itself writes -1.
        pulse: number("pulse").map(|age| millis(age).map_or(Pulse::Never, Pulse::Ago)),
        scripts: scripts(fields.get("scripts").map_or("", String::as_str)),
    }
}

/// `name calls microseconds longest`, separated by semicolons.
fn scripts(text: &str) -> Vec<ScriptStatus> {
    let read = |text: &str| {
        let mut words = text.split(' ');
        let name = words.next()?.to_owned();
        let mut number = || words.next()?.parse::<u64>().ok();
        let (calls, total, longest) = (number()?, number()?, number()?);
        let mean = Duration::from_micros(total.checked_div(calls)?);
        Some(ScriptStatus { name, calls, mean, longest: Duration::from_micros(longest) })
    };
    text.split(';').filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_whose_lease_ran_out_tells_nothing_of_itself() {
        let gone = server_status("0011223344556677".to_owned(), &HashMap::new(), -2, 3);
        assert_eq!((gone.lease, gone.sessions), (None, 3));
        assert_eq!((gone.logs_followed, gone.lag, gone.pulse), (None, None, None));
    }

    #[test]
    fn what_a_server_tells_of_itself_is_taken_as_it_is() {
        let told = |pulse: &str| {
            let fields = [("logs", "2"), ("lag", "0"), ("pulse", pulse)];
            let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
            server_status("0011223344556677".to_owned(), &HashMap::from(fields), 8_000, 0)
        };
        let well = told("0");
        assert_eq!((well.logs_followed, well.lag, well.pulse), (Some(2), Some(0), Some(Pulse::Ago(Duration::ZERO))));
        assert_eq!(told("-1").pulse, Some(Pulse::Never));
    }

    #[test]
    fn scripts_are_read_as_servers_write_them() {
        let found = scripts("append_room 4 100 70;x;enter 0 0 0;leave 1 5 5");
        let summary: Vec<_> = found.iter().map(|script| (script.name.as_str(), script.mean.as_micros())).collect();
        assert_eq!(summary, [("append_room", 25), ("leave", 5)]);
        assert_eq!(found[0].longest, Duration::from_micros(70));
        assert!(scripts("").is_empty());
    }
}
