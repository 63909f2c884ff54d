//! A Redis Cluster: three masters, and replicas on request. It must not know how a client finds the right master.

use crate::member::{Member, find};
use crate::options::RedisOptions;
use crate::{FaultProxy, Migration, Port, Reach, RedisServer, wait_for, wait_until};

const MASTERS: usize = 3;
const SLOTS: u16 = 16_384;
/// How long a server must be silent before it is considered dead, in milliseconds.
const NODE_TIMEOUT: &str = "3000";

/// A running cluster of three masters, each with a third of the slots.
///
/// ```
/// use parlor_redis_testkit::RedisCluster;
///
/// let cluster = RedisCluster::start();
/// cluster.master_of("key").cli(&["SET", "key", "value"]);
/// let to = cluster.node((0..3).find(|n| cluster.node(*n).port() != cluster.master_of("key").port()).unwrap());
/// cluster.migrate_slot("key", to);
/// assert_eq!(to.cli(&["GET", "key"]), "value");
/// ```
#[derive(Debug)]
pub struct RedisCluster {
    /// The masters at the start, then their first replicas in the same order, and so on.
    members: Vec<Member>,
}

impl RedisCluster {
    /// Starts three masters without options and without proxies. Returns when the cluster is healthy.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(RedisServer::options(), Reach::Direct, 0)
    }

    /// Like [`Self::start`], with options for every server, and with this number of replicas for each master. With
    /// proxies, the servers still reach each other directly: a server whose proxy is cut is healthy for the others.
    #[must_use]
    pub fn start_with(options: RedisOptions, reach: Reach, replicas: usize) -> Self {
        let start = |_| start_member(options.clone(), reach);
        let cluster = Self { members: (0..MASTERS * (1 + replicas)).map(start).collect() };
        cluster.assign_slots();
        cluster.meet();
        cluster.replicate();
        cluster.wait_until_ok();
        cluster
    }

    /// URLs of all servers.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.members.iter().map(Member::url).collect()
    }

    /// A server: 0 to 2 are the first masters, 3 to 5 their replicas, and so on.
    #[must_use]
    pub fn node(&self, number: usize) -> &RedisServer {
        &self.members[number].server
    }

    /// All servers, in the order of their numbers.
    pub fn nodes(&self) -> impl Iterator<Item = &RedisServer> {
        self.members.iter().map(|member| &member.server)
    }

    /// The proxy of a server. Panics without [`Reach::ByProxy`].
    #[must_use]
    pub fn proxy(&self, server: &RedisServer) -> &FaultProxy {
        find(&self.members, server).proxy()
    }

    /// The hash slot of a key.
    #[must_use]
    pub fn slot_of(&self, key: &str) -> u16 {
        self.awake()[0].cli(&["CLUSTER", "KEYSLOT", key]).parse().unwrap()
    }

    /// The master that owns the slot of a key, as the servers report it.
    #[must_use]
    pub fn master_of(&self, key: &str) -> &RedisServer {
        let slot = self.slot_of(key);
        wait_for("a master of the slot", || self.owner(slot))
    }

    /// If two servers claim the slot, which happens after a failover, then the one with the newer epoch.
    fn owner(&self, slot: u16) -> Option<&RedisServer> {
        let claims = self.awake().into_iter().filter_map(|server| Some((Row::of(server)?, server)));
        let claims = claims.filter(|(row, _)| row.is_master && row.has(slot));
        claims.max_by_key(|(row, _)| row.epoch).map(|(_, server)| server)
    }

    /// Moves the slot of `key` with all its keys. Afterwards, clients that do not know it get `MOVED`.
    pub fn migrate_slot(&self, key: &str, to: &RedisServer) {
        let migration = self.begin_migration(key, to);
        migration.move_keys();
        migration.finish();
    }

    /// Starts to move the slot of `key`: its owner replies `ASK` for keys that it no longer has, or never had.
    #[must_use]
    pub fn begin_migration<'a>(&'a self, key: &str, to: &'a RedisServer) -> Migration<'a> {
        Migration::begin(self, self.slot_of(key), self.master_of(key), to)
    }

    /// Waits until another server than `old` owns the slot of `key`, and the cluster is healthy.
    pub fn wait_for_failover(&self, key: &str, old: &RedisServer) -> &RedisServer {
        let slot = self.slot_of(key);
        let new = || self.owner(slot).filter(|server| server.port() != old.port());
        let new = wait_for("a failover", new);
        self.wait_until_ok();
        new
    }

    /// Waits until, on every server that is neither killed nor frozen, all slots are served and each replica is in
    /// sync.
    pub fn wait_until_ok(&self) {
        for server in self.awake() {
            wait_until("the cluster to be well", || is_ok(server));
        }
    }

    /// The servers that are neither killed nor frozen.
    pub(crate) fn awake(&self) -> Vec<&RedisServer> {
        self.nodes().filter(|server| server.is_awake()).collect()
    }

    fn assign_slots(&self) {
        let bound = |number: usize| number * usize::from(SLOTS) / MASTERS;
        for (number, server) in self.nodes().take(MASTERS).enumerate() {
            let (first, last) = (bound(number).to_string(), (bound(number + 1) - 1).to_string());
            server.cli(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
        }
        for (number, server) in self.nodes().enumerate() {
            server.cli(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
        }
    }

    fn meet(&self) {
        for other in self.nodes().skip(1) {
            let bus = other.cli(&["CONFIG", "GET", "cluster-port"]);
            let bus = bus.lines().last().unwrap();
            self.node(0).cli(&["CLUSTER", "MEET", "127.0.0.1", &other.port().to_string(), bus]);
        }
        let all = format!("cluster_known_nodes:{}", self.members.len());
        for server in self.nodes() {
            wait_until("the servers to meet", || server.cli(&["CLUSTER", "INFO"]).contains(&all));
        }
    }

    fn replicate(&self) {
        for (number, replica) in self.nodes().enumerate().skip(MASTERS) {
            let master = self.node(number % MASTERS).cli(&["CLUSTER", "MYID"]);
            // A known server may still be in the handshake.
            let order = || replica.try_cli(&["CLUSTER", "REPLICATE", &master]).is_ok();
            wait_until("a replica to know its master", order);
        }
    }
}

fn start_member(options: RedisOptions, reach: Reach) -> Member {
    let options = options.config("cluster-enabled", "yes").config("cluster-node-timeout", NODE_TIMEOUT);
    Member::start(options.bus(Port::free()), reach, "cluster-announce-port")
}

fn is_ok(server: &RedisServer) -> bool {
    let Ok(info) = server.try_cli(&["CLUSTER", "INFO"]) else { return false };
    let served = info.contains("cluster_state:ok") && info.contains(&format!("cluster_slots_ok:{SLOTS}"));
    served && server.info("master_link_status").is_none_or(|link| link == "up")
}

/// A server's row in `CLUSTER NODES`: id, address, flags, master, ping, pong, epoch, link, ranges of slots.
struct Row {
    is_master: bool,
    epoch: u64,
    slots: Vec<(u16, u16)>,
}

impl Row {
    fn of(server: &RedisServer) -> Option<Self> {
        let nodes = server.try_cli(&["CLUSTER", "NODES"]).ok()?;
        let row = nodes.lines().find(|row| row.contains("myself"))?;
        let fields: Vec<_> = row.split(' ').collect();
        let slots = fields.iter().skip(8).filter_map(|range| Self::range(range)).collect();
        Some(Self { is_master: fields.get(2)?.contains("master"), epoch: fields.get(6)?.parse().ok()?, slots })
    }

    /// `5` or `5-9`. Slots that are moving are in brackets, and also within a range.
    fn range(text: &str) -> Option<(u16, u16)> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Some((first.parse().ok()?, last.parse().ok()?))
    }

    fn has(&self, slot: u16) -> bool {
        self.slots.iter().any(|(first, last)| (*first..=*last).contains(&slot))
    }
}
