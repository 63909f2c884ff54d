//! Moves a slot of a cluster from one master to another. It must not take a step on its own: the test decides each
//! step.

use crate::options::{ADMIN, ADMIN_PASSWORD};
use crate::{RedisCluster, RedisServer};

/// Number of keys that one command moves.
const BATCH: &str = "100";
/// Timeout of one such command, in milliseconds.
const TIMEOUT: &str = "30000";

/// A slot that is moving. Until [`Self::finish`] its owner replies for the keys that it still has, and with `ASK` for
/// all others.
///
/// ```
/// # use parlor_redis_testkit::RedisCluster;
/// # let cluster = RedisCluster::start();
/// let from = cluster.master_of("key");
/// from.cli(&["SET", "key", "value"]);
/// let to = cluster.nodes().find(|node| node.port() != from.port()).unwrap();
/// let migration = cluster.begin_migration("key", to);
/// assert_eq!(from.cli(&["GET", "key"]), "value");
/// migration.move_keys();
/// assert!(from.try_cli(&["GET", "key"]).unwrap_err().contains("ASK "));
/// migration.finish();
/// assert!(from.try_cli(&["GET", "key"]).unwrap_err().contains("MOVED "));
/// ```
#[derive(Debug)]
pub struct Migration<'a> {
    cluster: &'a RedisCluster,
    slot: String,
    from: &'a RedisServer,
    to: &'a RedisServer,
}

impl<'a> Migration<'a> {
    pub(crate) fn begin(cluster: &'a RedisCluster, slot: u16, from: &'a RedisServer, to: &'a RedisServer) -> Self {
        assert_ne!(from.port(), to.port(), "the target owns the slot already");
        let migration = Self { cluster, slot: slot.to_string(), from, to };
        migration.set_slot(to, &["IMPORTING", &id(from)]);
        migration.set_slot(from, &["MIGRATING", &id(to)]);
        migration
    }

    /// Moves all keys that are in the slot now.
    pub fn move_keys(&self) {
        let port = self.to.port().to_string();
        loop {
            let keys = self.from.cli(&["CLUSTER", "GETKEYSINSLOT", &self.slot, BATCH]);
            let keys: Vec<_> = keys.lines().filter(|key| !key.is_empty()).collect();
            if keys.is_empty() {
                return;
            }
            let head = ["MIGRATE", "127.0.0.1", &port, "", "0", TIMEOUT, "AUTH2", ADMIN, ADMIN_PASSWORD, "KEYS"];
            self.from.cli(&[&head, keys.as_slice()].concat());
        }
    }

    /// Makes the target the owner, and notifies all masters that are neither killed nor frozen.
    pub fn finish(self) {
        let owner = id(self.to);
        let others = self.cluster.awake().into_iter().filter(|server| server.port() != self.to.port());
        for server in [self.to].into_iter().chain(others.filter(|server| is_master(server))) {
            self.set_slot(server, &["NODE", &owner]);
        }
    }

    fn set_slot(&self, server: &RedisServer, what: &[&str]) {
        server.cli(&[&["CLUSTER", "SETSLOT", &self.slot], what].concat());
    }
}

fn id(server: &RedisServer) -> String {
    server.cli(&["CLUSTER", "MYID"])
}

fn is_master(server: &RedisServer) -> bool {
    server.info("role").as_deref() == Some("master")
}
