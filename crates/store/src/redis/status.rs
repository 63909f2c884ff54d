//! Status for operators: nodes of Redis, servers, rooms. It must not change anything.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ::redis::{FromRedisValue, Value};
use parlor_core::ports::{StoreError, StoreResult};
use parlor_proto::RoomName;

use super::codec;
use super::connection::check;
use super::connection::command::{self, Command};
use super::connection::dial::{Dialer, HelloReply};
use super::connection::router::Router;
use super::connection::url::Address;
use super::keys::{self, ServerId};
use super::{Config, EventSink, NoEvents, OpenError, rooms};

/// The status of a Redis and the servers that share it.
#[derive(Debug, Clone)]
pub struct Status {
    /// The nodes of Redis that hold data.
    pub redis: Vec<NodeStatus>,
    /// The servers; none if the node with the list of servers is unreachable.
    pub servers: Option<Vec<ServerStatus>>,
    /// Rooms that have members, sorted; none if the node with the index of rooms is unreachable.
    pub rooms: Option<Vec<RoomStatus>>,
    /// Why something is unknown; empty if everything is known.
    pub problems: Vec<String>,
}

/// One node of Redis.
#[derive(Debug, Clone)]
pub struct NodeStatus {
    /// Host and port.
    pub address: String,
    /// The node's description of itself; none if the node is unreachable.
    pub facts: Option<NodeFacts>,
}

/// A node's description of itself.
#[derive(Debug, Clone)]
pub struct NodeFacts {
    /// Its version.
    pub version: String,
    /// `master` or `replica`.
    pub role: String,
    /// How it keeps its data.
    pub persistence: String,
}

/// A room.
#[derive(Debug, Clone)]
pub struct RoomStatus {
    /// Its name.
    pub room: RoomName,
    /// Number of members; none if its node is unreachable.
    pub members: Option<usize>,
}

/// One run of a server. Its report about itself is part of its lease, and expires with it.
#[derive(Debug, Clone)]
pub struct ServerStatus {
    /// Its name; `?` if it is unknown.
    pub name: String,
    /// Id of the run, in hexadecimal digits.
    pub boot: String,
    /// Its lease.
    pub lease: Lease,
    /// Number of its sessions; none if unknown.
    pub sessions: Option<u64>,
    /// Number of logs that it follows; none if unknown.
    pub logs_followed: Option<u64>,
    /// Number of entries that it is behind in the log with the largest lag; none if unknown.
    pub lag: Option<u64>,
    /// Whether its pulse arrives; none if unknown.
    pub pulse: Option<Pulse>,
    /// Its scripts.
    pub scripts: Vec<ScriptStatus>,
}

/// The state of a server's lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// It is held for this long.
    Holds(Duration),
    /// It expired, and other servers are about to end the server's sessions.
    RunOut,
    /// Its node is unreachable, so the state of the server is unknown.
    Unknown,
}

/// Whether a server receives its own pulse through Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    /// It never received one.
    Never,
    /// The age of the last one.
    Ago(Duration),
}

/// Statistics of a script on one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptStatus {
    /// Its name.
    pub name: String,
    /// Number of calls.
    pub calls: u64,
    /// Average time of an answer.
    pub mean: Duration,
    /// Longest time of an answer.
    pub longest: Duration,
}

/// Reads the status from Redis. Data on unreachable nodes of a Cluster is reported as unknown. Blocks for some seconds
/// at most.
///
/// # Errors
/// The node in the URL cannot be used, or does not return the other nodes. See [`OpenError`].
pub fn status(config: &Config) -> Result<Status, OpenError> {
    let dialer = Arc::new(Dialer::new(config.url.clone(), config.ca.clone()));
    let node = dialer.locate()?;
    let (_, greeting) = dialer.connect(&node)?;
    let events: Arc<dyn EventSink> = Arc::new(NoEvents);
    let router = Router::start(dialer.clone(), events, greeting.is_cluster, 0)?;
    let nodes = router.nodes().into_iter().map(|owner| owner.unwrap_or_else(|| node.clone()));
    let mut inquiry = StatusQuery { router: &router, away: HashMap::new(), problems: Vec::new() };
    let redis = nodes.map(|node| inquiry.node(&dialer, &node)).collect();
    let (servers, rooms) = (inquiry.servers(), inquiry.rooms());
    Ok(Status { redis, servers, rooms, problems: inquiry.problems })
}

/// Queries to nodes, some of which may be unreachable.
struct StatusQuery<'a> {
    router: &'a Router,
    /// Unreachable nodes, with the reason.
    away: HashMap<Address, StoreError>,
    problems: Vec<String>,
}

impl StatusQuery<'_> {
    fn node(&mut self, dialer: &Dialer, node: &Address) -> NodeStatus {
        let facts = node_facts(dialer, node).map_err(|error| StoreError::new(error.reason()));
        if let Err(error) = &facts {
            self.away.insert(node.clone(), error.clone());
        }
        NodeStatus { address: node.to_string(), facts: self.known(facts) }
    }

    fn servers(&mut self) -> Option<Vec<ServerStatus>> {
        let ids = self.ask(vec![Command::plain("SMEMBERS", keys::SERVERS, &[])]).pop()?;
        let ids: Vec<String> = self.known(command::read(ids))?;
        let mut servers: Vec<ServerStatus> = ids.into_iter().map(|boot| self.server(boot)).collect();
        servers.sort_by(|a, b| (&a.name, &a.boot).cmp(&(&b.name, &b.boot)));
        Some(servers)
    }

    fn server(&mut self, boot: String) -> ServerStatus {
        let id = ServerId::read(&boot);
        let replies = self.ask(vec![
            Command::plain("HGETALL", keys::lease(&id), &[]),
            Command::plain("PTTL", keys::lease(&id), &[]),
            Command::plain("SCARD", keys::server_sessions(&id), &[]),
        ]);
        let mut replies = replies.into_iter();
        server_status(boot, self.next(&mut replies), self.next(&mut replies), self.next(&mut replies))
    }

    fn rooms(&mut self) -> Option<Vec<RoomStatus>> {
        let index = self.ask(vec![codec::ask_for_index()]).pop()?;
        let index = self.known(codec::read_index(index))?;
        let mut counts = self.ask(index.keys().map(rooms::count_members).collect()).into_iter();
        Some(index.into_keys().map(|room| RoomStatus { room, members: self.next(&mut counts) }).collect())
    }

    /// Runs commands. An unreachable node is not asked, because the wait for it would delay the others too long.
    fn ask(&self, commands: Vec<Command>) -> Vec<StoreResult<Value>> {
        let absence = |command: &Command| self.away.get(&self.router.owner(&command.key)?).cloned();
        let absences: Vec<Option<StoreError>> = commands.iter().map(absence).collect();
        let asked = commands.into_iter().zip(&absences).filter(|(_, absence)| absence.is_none());
        let mut replies = self.router.call_all(asked.map(|(command, _)| command).collect()).into_iter();
        let reply = |absence| match absence {
            Some(absence) => Err(absence),
            None => replies.next().unwrap_or_else(|| Err(StoreError::new("no reply"))),
        };
        absences.into_iter().map(reply).collect()
    }

    fn next<T: FromRedisValue>(&mut self, replies: &mut impl Iterator<Item = StoreResult<Value>>) -> Option<T> {
        let reply = replies.next()?;
        self.known(command::read(reply))
    }

    /// Returns the value of an answer. If it is an error, records the problem and returns none.
    fn known<T>(&mut self, answer: StoreResult<T>) -> Option<T> {
        let tell = |error: &StoreError| {
            let problem = error.to_string();
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        };
        answer.inspect_err(tell).ok()
    }
}

fn node_facts(dialer: &Dialer, node: &Address) -> Result<NodeFacts, OpenError> {
    let (mut connection, HelloReply { version, is_master, .. }) = dialer.connect(node)?;
    let info: ::redis::RedisResult<String> = ::redis::cmd("INFO").arg("persistence").query(&mut connection);
    let persistence = match info {
        Ok(info) if check::field(&info, "aof_enabled") == Some("1") => "append-only file".to_owned(),
        Ok(_) => "no append-only file".to_owned(),
        Err(error) => format!("unknown ({error})"),
    };
    let role = if is_master { "master" } else { "replica" }.to_owned();
    Ok(NodeFacts { version, role, persistence })
}

/// Builds the status from the fields of the lease, its TTL, and the number of sessions.
fn server_status(
    boot: String,
    fields: Option<HashMap<String, String>>,
    ttl: Option<i64>,
    sessions: Option<u64>,
) -> ServerStatus {
    let fields = fields.unwrap_or_default();
    let number = |name: &str| fields.get(name).and_then(|value| value.parse::<i64>().ok());
    let count = |name: &str| number(name).and_then(|number| u64::try_from(number).ok());
    let millis = |millis: i64| u64::try_from(millis).ok().map(Duration::from_millis);
    ServerStatus {
        name: fields.get("name").cloned().unwrap_or_else(|| "?".to_owned()),
        boot,
        lease: ttl.map_or(Lease::Unknown, |ttl| millis(ttl).map_or(Lease::RunOut, Lease::Holds)),
        sessions,
        logs_followed: count("logs"),
        lag: count("lag"),
        // If a server never received its own pulse, it writes -1.
        pulse: number("pulse").map(|age| millis(age).map_or(Pulse::Never, Pulse::Ago)),
        scripts: scripts(fields.get("scripts").map_or("", String::as_str)),
    }
}

/// Reads `name calls microseconds longest`, separated by semicolons.
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
    use crate::redis::connection::fake_node::{FakeNode, hello, slots};

    #[test]
    fn a_server_whose_lease_ran_out_tells_nothing_of_itself() {
        let gone = server_status("0011223344556677".to_owned(), Some(HashMap::new()), Some(-2), Some(3));
        assert_eq!((gone.lease, gone.sessions), (Lease::RunOut, Some(3)));
        assert_eq!((gone.logs_followed, gone.lag, gone.pulse), (None, None, None));
    }

    #[test]
    fn what_a_server_tells_of_itself_is_taken_as_it_is() {
        let told = |pulse: &str| {
            let fields = [("logs", "2"), ("lag", "0"), ("pulse", pulse)];
            let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
            server_status("0011223344556677".to_owned(), Some(HashMap::from(fields)), Some(8_000), Some(0))
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

    #[test]
    fn what_cannot_be_asked_is_unknown_and_not_gone() {
        let unknown = server_status("0011223344556677".to_owned(), None, None, None);
        assert_eq!((unknown.name.as_str(), unknown.lease, unknown.sessions), ("?", Lease::Unknown, None));
        let fields = [("name", "den"), ("logs", "-2"), ("lag", "much"), ("scripts", "head 1 2 3")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let strange = server_status("0011223344556677".to_owned(), Some(HashMap::from(fields)), Some(-1), None);
        assert_eq!((strange.name.as_str(), strange.lease, strange.pulse), ("den", Lease::RunOut, None));
        assert_eq!((strange.logs_followed, strange.lag, strange.scripts.len()), (None, None, 1));
    }

    #[test]
    fn a_line_about_a_script_that_lacks_a_number_is_left_out() {
        let names = |text: &str| scripts(text).into_iter().map(|script| script.name).collect::<Vec<_>>();
        assert_eq!(names("a 1 2 3;b 1 2;c 1 x 3; d 1 2 3;e 1 2 3 4;f -1 2 3;;g 2 3 9"), ["a", "e", "g"]);
        assert_eq!(scripts("g 2 3 9")[0].mean, Duration::from_micros(1));
    }

    #[test]
    fn a_node_that_is_away_is_not_asked_and_named_once() {
        let nobody = Address { host: "127.0.0.1".to_owned(), port: 1 };
        let away = nobody.clone();
        let node = FakeNode::start_as(move |own, line| match line {
            "CLUSTER SLOTS" => Some(slots(&[(0, 8_000, own), (8_001, 16_383, &nobody)])),
            "EXISTS ann" => Some(":1\r\n".to_owned()),
            _ => line.starts_with("HELLO").then(|| hello("cluster", "master")),
        });
        let events: Arc<dyn EventSink> = Arc::new(NoEvents);
        let router = Router::start(node.dialer(), events, true, 0).unwrap();
        let away = HashMap::from([(away, StoreError::new("it is away"))]);
        let mut query = StatusQuery { router: &router, away, problems: Vec::new() };
        let asked = ["red", "ann", "red"].map(|key| Command::plain("EXISTS", key, &[])).to_vec();
        let mut replies = query.ask(asked).into_iter();
        let read: [Option<i64>; 4] = std::array::from_fn(|_| query.next(&mut replies));
        assert_eq!((read, query.problems), ([None, Some(1), None, None], vec!["it is away".to_owned()]));
    }
}
