//! The servers of a run and their store, and the faults that can be injected into them. It must not decide which faults
//! happen.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use parlor_redis_testkit::{Direction, FaultProxy, Fsync, RedisServer};
use rustix::process::{Resource, Signal};
use tempfile::TempDir;

use crate::config::{Config, Store, Target};
use crate::dump;
use crate::monitor::Prober;
use crate::plan::{Fault, FaultKind, Step};
use crate::record::{Dump, Moment, Sample, Usage};
use crate::recorded_connection::Endpoint;
use crate::refuge::Refuge;
use parlor_process_testkit::{Failure, Launch, Server, Trust};

/// Maximum size of a file on a full disk. It is smaller than the data that the database has already written.
const FULL_DISK_BYTES: u64 = 4096;
/// Number of free descriptors that are left when a server must run out of them.
const SPARE_DESCRIPTORS: u64 = 2;
/// How far a clock jumps, in milliseconds, forwards or back.
const CLOCK_JUMP: i64 = 3_600_000;
/// Names the file that contains the clock error of a server in milliseconds.
const PLANTED_CLOCK: &str = "PARLOR_PLANTED_CLOCK";

/// A server, and its own link to Redis.
struct ServerNode {
    /// Host and port that clients use.
    name: String,
    door: Endpoint,
    /// Proxy in front of the server, for clients whose connections can be made silent.
    front: FaultProxy,
    own: Option<OwnServer>,
}

/// A server that this run has started.
struct OwnServer {
    /// `None` only if it could not be started again.
    server: Mutex<Option<Server>>,
    /// Whether the run has ended it on purpose. Set before that happens.
    is_down: AtomicBool,
    /// Proxy between the server and Redis.
    proxy: Option<FaultProxy>,
    /// Its resource usage before any client connected.
    idle: Usage,
    /// The old value of a limit that was changed.
    limit: Mutex<Option<Option<u64>>>,
    clock: PathBuf,
}

/// The servers of a run and their Redis, if they have their own.
pub(crate) struct Deployment {
    stations: Vec<ServerNode>,
    redis: Option<RedisServer>,
    /// Where everything of a server moves for a while.
    refuge: Option<Refuge>,
    has_leases: bool,
    /// Clock files, and certificates of given servers.
    _scratch: TempDir,
}

impl Deployment {
    /// Starts the servers and the store that the configuration requires.
    pub(crate) fn open(config: &Config, password: &Arc<str>) -> Result<Self, Failure> {
        let scratch = tempfile::tempdir().map_err(Failure::of("no temporary directory can be made"))?;
        match &config.target {
            Target::Given { servers, ca } => {
                let stations = servers.iter().enumerate();
                let stations = stations.map(|(number, (host, address))| {
                    let trust = Trust::new(ca, host.trim_matches(['[', ']']));
                    let trust = trust.map_err(Failure::of(ca.display().to_string()))?;
                    let name = format!("{host}:{}", address.port());
                    Ok(ServerNode::at(name, number, *address, trust, password, None))
                });
                let stations = stations.collect::<Result<_, Failure>>()?;
                Ok(Self { stations, redis: None, refuge: None, has_leases: true, _scratch: scratch })
            }
            Target::Own { servers, store } => {
                let redis = match store {
                    Store::OwnRedis => Some(RedisServer::options().append_only(Fsync::EverySecond).start()),
                    _ => None,
                };
                let refuge = config.faults.contains(&FaultKind::Migrate).then(|| Refuge::open(&config.program));
                let mut stations = Vec::new();
                for number in 0..*servers {
                    let link = match (store, &redis) {
                        (Store::Embedded, _) => None,
                        (Store::Redis { url, address }, _) => {
                            let proxy = FaultProxy::start_for(*address);
                            let to = url.replacen(&address.to_string(), &proxy.address().to_string(), 1);
                            Some((proxy, to))
                        }
                        (Store::OwnRedis, redis) => redis.as_ref().map(|redis| {
                            let proxy = FaultProxy::start(redis.port());
                            let to = redis.url_by(&proxy);
                            (proxy, to)
                        }),
                    };
                    let clock = scratch.path().join(format!("clock-{number}"));
                    let launch = launch(config, number, &clock);
                    stations.push(ServerNode::start(number, launch, link, clock, password)?);
                }
                let has_leases = *store != Store::Embedded;
                Ok(Self { stations, redis, refuge, has_leases, _scratch: scratch })
            }
        }
    }

    /// The addresses of the servers. A server keeps its address when it is started again.
    pub(crate) fn doors(&self) -> Vec<Endpoint> {
        self.stations.iter().map(|station| station.door.clone()).collect()
    }

    /// Arguments of `parlor user` that say where the accounts are. None if that is not known.
    pub(crate) fn accounts_at(&self, config: &Config) -> Vec<String> {
        let data = || {
            let own = self.stations.iter().find_map(|station| station.own.as_ref())?;
            lock(&own.server).as_ref().map(|server| server.data().display().to_string())
        };
        let at = match &config.target {
            Target::Given { .. } => return config.accounts.clone(),
            Target::Own { store: Store::Redis { url, .. }, .. } => Some(("--redis", url.clone())),
            Target::Own { .. } => match &self.redis {
                Some(redis) => Some(("--redis", redis.url())),
                None => data().map(|data| ("--data", data)),
            },
        };
        at.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }

    /// How to check the health of the servers.
    pub(crate) fn prober(&self, config: &Config) -> Prober {
        let given = match &config.target {
            Target::Given { ca, .. } => ca.clone(),
            Target::Own { .. } => PathBuf::new(),
        };
        let target = |station: &ServerNode| {
            let own = station.own.as_ref();
            let ca = own.and_then(|own| lock(&own.server).as_ref().map(Server::ca));
            (station.name.clone(), ca.unwrap_or_else(|| given.clone()))
        };
        Prober { program: config.program.clone(), targets: self.stations.iter().map(target).collect() }
    }

    /// Whether sessions outlive their server for the time of a lease.
    pub(crate) fn has_leases(&self) -> bool {
        self.has_leases
    }

    /// The log of each server since its last start.
    pub(crate) fn logs(&self) -> Vec<String> {
        let log = |own: &OwnServer| lock(&own.server).as_ref().map_or_else(String::new, Server::log);
        self.stations.iter().filter_map(|station| station.own.as_ref()).map(log).collect()
    }

    /// The current resource usage of each server. Servers that are down are not included.
    pub(crate) fn sample(&self, began: Instant) -> Vec<Sample> {
        let mut samples = Vec::new();
        for station in &self.stations {
            let connections = station.door.open.load(Ordering::Relaxed);
            let Some(usage) = station.own.as_ref().and_then(OwnServer::usage) else { continue };
            samples.push(Sample { server: station.door.server, at: began.elapsed(), usage, connections });
        }
        samples
    }

    /// The resource usage of each server before any client connected.
    pub(crate) fn idle(&self) -> BTreeMap<usize, Usage> {
        let idle = |station: &ServerNode| Some((station.door.server, station.own.as_ref()?.idle));
        self.stations.iter().filter_map(idle).collect()
    }

    /// Servers that ended although the run did not end them, with the last part of their logs. Each is started again.
    pub(crate) fn deaths(&self, at: Moment) -> Result<Vec<(Moment, String)>, Failure> {
        let mut deaths = Vec::new();
        for station in &self.stations {
            let Some(own) = &station.own else { continue };
            let mut server = lock(&own.server);
            if own.is_down.load(Ordering::SeqCst) {
                continue;
            }
            let Some(status) = server.as_mut().and_then(Server::has_ended) else { continue };
            let log = server.as_ref().map(Server::log).unwrap_or_default();
            let end: Vec<&str> = log.lines().rev().take(20).collect();
            let end: Vec<&str> = end.into_iter().rev().collect();
            deaths.push((at, format!("server {} ended, {status}: {}", station.door.server, end.join("\n    "))));
            *server = server.take().map(Server::restart_on_same_port).transpose()?;
        }
        Ok(deaths)
    }

    /// Begins a fault. Returns the logs that the fault deletes.
    pub(crate) fn begin(&self, step: &Step) -> Result<Option<Dump>, Failure> {
        match step.fault.kind {
            FaultKind::RedisKill => self.redis()?.kill_when_written(),
            FaultKind::RedisRestart => self.redis()?.stop(),
            FaultKind::RedisFreeze => self.redis()?.pause(),
            FaultKind::RedisEmpty => return self.dump("empty").map(Some),
            FaultKind::Migrate => self.own(step.fault)?.move_to(self.refuge()?)?,
            FaultKind::HalfOpen => self.station(step.fault)?.front.black_hole(),
            // The thread that executes the plan makes the storm.
            FaultKind::RstStorm => {}
            _ => self.own(step.fault)?.begin(step.fault.kind)?,
        }
        Ok(None)
    }

    /// Ends a fault.
    pub(crate) fn end(&self, step: &Step) -> Result<(), Failure> {
        match step.fault.kind {
            FaultKind::RedisKill | FaultKind::RedisRestart => self.redis()?.restart(),
            FaultKind::RedisFreeze => self.redis()?.resume(),
            FaultKind::Migrate => self.own(step.fault)?.move_back_from(self.refuge()?)?,
            FaultKind::HalfOpen if step.loses => self.station(step.fault)?.front.pass_without_held(),
            FaultKind::HalfOpen => self.station(step.fault)?.front.pass(),
            FaultKind::RedisEmpty | FaultKind::RstStorm => {}
            _ => self.own(step.fault)?.end(step)?,
        }
        Ok(())
    }

    /// The current contents of all logs, if the run has its own Redis.
    pub(crate) fn logs_kept(&self) -> Result<Option<Dump>, Failure> {
        self.redis.is_some().then(|| self.dump("keep")).transpose()
    }

    /// Reads all logs. If `what` is `empty`, also empties Redis in the same step.
    fn dump(&self, what: &str) -> Result<Dump, Failure> {
        let answer = self.redis()?.try_cli(&["EVAL", dump::LOGS, "0", what]).map_err(Failure::of("Redis"))?;
        dump::read(&answer).ok_or_else(|| Failure::new("the logs in Redis cannot be read"))
    }

    fn redis(&self) -> Result<&RedisServer, Failure> {
        self.redis.as_ref().ok_or_else(|| Failure::new("this fault needs a Redis that torture has started"))
    }

    fn refuge(&self) -> Result<&Refuge, Failure> {
        self.refuge.as_ref().ok_or_else(|| Failure::new("this fault needs a Redis beside the server"))
    }

    fn station(&self, fault: Fault) -> Result<&ServerNode, Failure> {
        let station = fault.server.and_then(|server| self.stations.get(server));
        station.ok_or_else(|| Failure::new("this fault needs a server"))
    }

    fn own(&self, fault: Fault) -> Result<&OwnServer, Failure> {
        let own = self.station(fault)?.own.as_ref();
        own.ok_or_else(|| Failure::new("this fault needs a server that torture has started"))
    }
}

impl ServerNode {
    fn at(
        name: String,
        server: usize,
        address: SocketAddr,
        trust: Trust,
        password: &Arc<str>,
        own: Option<OwnServer>,
    ) -> Self {
        let front = FaultProxy::start_for(address);
        let (weak, password) = (front.address(), password.clone());
        let web_trust = trust.for_http();
        let door = Endpoint { server, address, weak, trust, web_trust, password, open: Arc::default() };
        Self { name, door, front, own }
    }

    fn start(
        number: usize,
        launch: Launch,
        link: Option<(FaultProxy, String)>,
        clock: PathBuf,
        password: &Arc<str>,
    ) -> Result<Self, Failure> {
        let data = tempfile::tempdir().map_err(Failure::of("no data directory can be made"))?;
        let (proxy, launch) = match link {
            Some((proxy, url)) => (Some(proxy), launch.env("PARLOR_REDIS", &url)),
            None => (None, launch),
        };
        // A server that begins anew by itself has to find its port again.
        let server = launch.start(Arc::new(data))?.restart_on_same_port()?;
        let address = server.address();
        let trust = Trust::new(&server.ca(), "localhost").map_err(Failure::of("the server's authority"))?;
        let idle = usage(&server).unwrap_or_default();
        let own = OwnServer {
            server: Mutex::new(Some(server)),
            is_down: AtomicBool::new(false),
            proxy,
            idle,
            limit: Mutex::new(None),
            clock,
        };
        Ok(Self::at(address.to_string(), number, address, trust, password, Some(own)))
    }
}

impl OwnServer {
    fn usage(&self) -> Option<Usage> {
        lock(&self.server).as_ref().and_then(usage)
    }

    fn begin(&self, kind: FaultKind) -> Result<(), Failure> {
        match kind {
            FaultKind::Kill => {
                self.is_down.store(true, Ordering::SeqCst);
                self.with(Server::kill)
            }
            FaultKind::Freeze => self.with(|server| server.signal(Signal::STOP)),
            FaultKind::Stop => {
                self.is_down.store(true, Ordering::SeqCst);
                self.with(|server| {
                    server.signal(Signal::TERM)?;
                    server.wait().map(drop)
                })
            }
            FaultKind::DiskFull => self.narrow(Resource::Fsize, |_| FULL_DISK_BYTES),
            FaultKind::NoDescriptors => {
                self.narrow(Resource::Nofile, |server| server.descriptors() as u64 + SPARE_DESCRIPTORS)
            }
            FaultKind::Clock => self.set_clock(CLOCK_JUMP),
            _ => self.link(|proxy| match kind {
                FaultKind::Cut => proxy.cut(),
                FaultKind::Hole => proxy.black_hole(),
                FaultKind::Mute => proxy.hold(Direction::ToClient),
                FaultKind::Delay => proxy.delay(Duration::from_millis(50)),
                _ => proxy.cut_after_bytes(Direction::ToClient, 700),
            }),
        }
    }

    fn end(&self, step: &Step) -> Result<(), Failure> {
        match step.fault.kind {
            FaultKind::Kill | FaultKind::Stop => self.start_again(),
            FaultKind::Freeze => self.with(|server| server.signal(Signal::CONT)),
            FaultKind::DiskFull => self.widen(Resource::Fsize),
            FaultKind::NoDescriptors => self.widen(Resource::Nofile),
            // In half of the cases the clock jumps back beyond its original time.
            FaultKind::Clock => self.set_clock(if step.loses { -CLOCK_JUMP } else { 0 }),
            FaultKind::Hole | FaultKind::Mute if step.loses => self.link(FaultProxy::pass_without_held),
            FaultKind::Hole | FaultKind::Mute | FaultKind::Delay => self.link(FaultProxy::pass),
            _ => Ok(()),
        }
    }

    /// Has the server move to the refuge while it runs.
    fn move_to(&self, refuge: &Refuge) -> Result<(), Failure> {
        self.with(|server| refuge.take_in(server.data()))
    }

    /// Has the server move back into its directory, where it is started again.
    fn move_back_from(&self, refuge: &Refuge) -> Result<(), Failure> {
        self.is_down.store(true, Ordering::SeqCst);
        self.with(|server| {
            refuge.give_back(server.data())?;
            server.wait().map(drop)
        })?;
        self.start_again()
    }

    fn with<T>(&self, act: impl FnOnce(&mut Server) -> Result<T, Failure>) -> Result<T, Failure> {
        act(lock(&self.server).as_mut().ok_or_else(|| Failure::new("a server is gone"))?)
    }

    fn link(&self, act: impl FnOnce(&FaultProxy)) -> Result<(), Failure> {
        act(self.proxy.as_ref().ok_or_else(|| Failure::new("this fault needs a way to Redis"))?);
        Ok(())
    }

    fn narrow(&self, resource: Resource, to: impl FnOnce(&Server) -> u64) -> Result<(), Failure> {
        let before = self.with(|server| server.limit(resource, Some(to(server))))?;
        *lock(&self.limit) = Some(before);
        Ok(())
    }

    fn widen(&self, resource: Resource) -> Result<(), Failure> {
        let Some(before) = lock(&self.limit).take() else { return Ok(()) };
        self.with(|server| server.limit(resource, before)).map(drop)
    }

    fn set_clock(&self, millis: i64) -> Result<(), Failure> {
        std::fs::write(&self.clock, millis.to_string()).map_err(Failure::of("the clock of a server"))
    }

    fn start_again(&self) -> Result<(), Failure> {
        let mut server = lock(&self.server);
        *server = server.take().map(Server::restart_on_same_port).transpose()?;
        self.is_down.store(false, Ordering::SeqCst);
        Ok(())
    }
}

fn usage(server: &Server) -> Option<Usage> {
    let (memory, threads) = (server.status("VmRSS")?, server.status("Threads")?);
    Some(Usage { memory, threads, descriptors: server.descriptors() })
}

fn launch(config: &Config, number: usize, clock: &Path) -> Launch {
    let policy = if config.reject { "reject" } else { "takeover" };
    let launch = Launch::new(&config.program).env("PARLOR_SERVER_NAME", &format!("s{number}"));
    let launch = launch.env(PLANTED_CLOCK, &clock.display().to_string());
    launch.args(&["--duplicate-login", policy, "--outhook-allow", "127.0.0.1"])
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
