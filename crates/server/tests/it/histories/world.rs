//! The servers of a run and their store, and what can be done to them. It must not decide what is done.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parlor_redis_testkit::{Direction, FaultProxy, Fsync, RedisServer};
use serde_json::Value;

use crate::harness::{Client, Options, Server};

use super::link::Door;
use super::plan::{Kind, Step};
use super::record::{Dump, Entry};

/// All logs that are in Redis.
const LOGS: &str = "local logs = {}
for _, kind in ipairs({'log', 'feed'}) do
  for _, key in ipairs(redis.call('KEYS', 'parlor:' .. kind .. ':*')) do logs[key] = redis.call('XRANGE', key, '-', '+') end
end
if ARGV[1] == 'empty' then redis.call('FLUSHALL') end
return cjson.encode(logs)";

/// A server, and its own way to Redis.
struct Station {
    door: Door,
    /// None while it is down.
    server: Mutex<Option<Server>>,
    proxy: Option<FaultProxy>,
}

/// The servers of a run and their Redis, if they have one.
pub(super) struct World {
    stations: Vec<Station>,
    redis: Option<RedisServer>,
}

impl World {
    /// One server that keeps everything itself.
    pub(super) fn embedded(reject: bool) -> Self {
        Self { stations: vec![Station::open(0, options(0, reject), None)], redis: None }
    }

    /// Servers that share one Redis, each by a proxy of its own.
    pub(super) fn on_redis(servers: usize, reject: bool) -> Self {
        let redis = RedisServer::options().append_only(Fsync::EverySecond).start();
        let station = |number| {
            let proxy = FaultProxy::start(redis.port());
            let options = options(number, reject).args(&["--redis", &redis.url_by(&proxy)]);
            Station::open(number, options, Some(proxy))
        };
        let stations = (0..servers).map(station).collect();
        Self { stations, redis: Some(redis) }
    }

    /// Where the servers are found; they keep their places when they are started again.
    pub(super) fn doors(&self) -> Vec<Door> {
        self.stations.iter().map(|station| station.door.clone()).collect()
    }

    /// Whether sessions outlive their server for a while.
    pub(super) fn has_leases(&self) -> bool {
        self.redis.is_some()
    }

    /// What each server logged since it was last started.
    pub(super) fn logs(&self) -> Vec<String> {
        let log = |station: &Station| lock(&station.server).as_ref().map_or_else(String::new, Server::log);
        self.stations.iter().map(log).collect()
    }

    /// Begins a fault. What is emptied is returned.
    pub(super) fn begin(&self, step: &Step) -> Option<Dump> {
        let station = || &self.stations[step.fault.server.expect("hits a server")];
        let proxy = || station().proxy.as_ref().expect("has a way to Redis");
        match step.fault.kind {
            Kind::Kill => station().kill(),
            Kind::Freeze => station().signal("STOP"),
            Kind::Stop => station().stop(),
            Kind::Cut => proxy().cut(),
            Kind::Hole => proxy().black_hole(),
            Kind::Mute => proxy().hold(Direction::ToClient),
            Kind::Delay => proxy().delay(Duration::from_millis(50)),
            Kind::Reset => proxy().cut_after_bytes(Direction::ToClient, 700),
            Kind::RedisKill => self.redis().kill(),
            Kind::RedisPause => self.redis().pause(),
            Kind::Flush => return Some(self.dump("empty")),
        }
        None
    }

    /// Ends a fault.
    pub(super) fn end(&self, step: &Step) {
        let station = || &self.stations[step.fault.server.expect("hits a server")];
        let proxy = || station().proxy.as_ref().expect("has a way to Redis");
        match step.fault.kind {
            Kind::Kill | Kind::Stop => station().start_again(),
            Kind::Freeze => station().signal("CONT"),
            Kind::Hole | Kind::Mute if step.loses => proxy().pass_without_held(),
            Kind::Hole | Kind::Mute | Kind::Delay => proxy().pass(),
            Kind::RedisKill => self.redis().restart(),
            Kind::RedisPause => self.redis().resume(),
            Kind::Cut | Kind::Reset | Kind::Flush => {}
        }
    }

    /// All logs as they are, if there is a Redis.
    pub(super) fn logs_kept(&self) -> Option<Dump> {
        self.redis.is_some().then(|| self.dump("keep"))
    }

    /// Reads all logs, and in the same step empties Redis, if that is asked for.
    fn dump(&self, what: &str) -> Dump {
        dump(&self.redis().cli(&["EVAL", LOGS, "0", what]))
    }

    fn redis(&self) -> &RedisServer {
        self.redis.as_ref().expect("the faults of Redis are planned where there is one")
    }
}

impl Station {
    fn open(number: usize, options: Options, proxy: Option<FaultProxy>) -> Self {
        let server = options.start();
        let door = Door { server: number, address: server.address(), config: Client::config(&server.ca()) };
        Self { door, server: Mutex::new(Some(server)), proxy }
    }

    fn signal(&self, name: &str) {
        lock(&self.server).as_ref().expect("it runs").signal(name);
    }

    fn kill(&self) {
        lock(&self.server).as_mut().expect("it runs").kill();
    }

    /// Ends it as an operator does.
    fn stop(&self) {
        let mut server = lock(&self.server);
        let running = server.as_mut().expect("it runs");
        running.signal("TERM");
        running.wait();
    }

    fn start_again(&self) {
        let mut server = lock(&self.server);
        *server = server.take().map(Server::restart_on_same_port);
    }
}

fn options(number: usize, reject: bool) -> Options {
    let policy = if reject { "reject" } else { "takeover" };
    let name = format!("s{number}");
    Options::default().unnamed().env("PARLOR_SERVER_NAME", &name).args(&["--duplicate-login", policy])
}

/// Reads what [`LOGS`] returned.
fn dump(json: &str) -> Dump {
    let logs: Value = serde_json::from_str(json).unwrap();
    let mut dump = Dump::default();
    for (key, log) in logs.as_object().unwrap() {
        let (kind, name) = key.split_once('{').unwrap();
        let logs = if kind == "parlor:log:" { &mut dump.rooms } else { &mut dump.feeds };
        let entries = log.as_array().map(|log| log.iter().map(entry).collect()).unwrap_or_default();
        logs.insert(name.trim_end_matches('}').to_owned(), entries);
    }
    dump
}

/// An entry of a stream: its id, and its fields with their values in turn.
fn entry(stored: &Value) -> Entry {
    let fields = stored[1].as_array().unwrap();
    let field = |name: &str| {
        let at = fields.iter().step_by(2).position(|field| field == name).unwrap();
        fields[2 * at + 1].as_str().unwrap().to_owned()
    };
    let id = stored[0].as_str().unwrap().split_once('-').unwrap().0.parse().unwrap();
    Entry { id, from: field("from"), text: field("text") }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
