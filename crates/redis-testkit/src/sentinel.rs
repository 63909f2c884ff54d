//! A master, a replica and three Sentinels that fail over between them. It must not know how a client finds the master.

use crate::member::{Member, find};
use crate::options::{ADMIN, ADMIN_PASSWORD};
use crate::{FaultProxy, Reach, RedisOptions, RedisServer, wait_for, wait_until};

/// The Sentinels' name for the master.
const NAME: &str = "parlor";
const SENTINELS: usize = 3;
const QUORUM: usize = 2;
/// How long a server must be silent before it is considered dead, in milliseconds.
const SILENCE: &str = "2000";

/// A master with a replica, watched by three Sentinels. Two of them are a quorum. A master that is silent for two
/// seconds is considered dead.
///
/// ```
/// use parlor_redis_testkit::RedisSentinel;
///
/// let group = RedisSentinel::start();
/// let old = group.kill_master();
/// let new = group.wait_for_failover(old);
/// assert_eq!(new.info("role").as_deref(), Some("master"));
/// old.restart(); // It is a master again, until the Sentinels make it a replica.
/// ```
#[derive(Debug)]
pub struct RedisSentinel {
    sentinels: Vec<RedisServer>,
    members: Vec<Member>,
    login: String,
}

impl RedisSentinel {
    /// Starts all five servers without options and without proxies. Returns when they know each other.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(RedisServer::options(), Reach::Direct)
    }

    /// Like [`Self::start`], with options for master and replica. With proxies, the Sentinels and the replica also
    /// reach the servers through them.
    #[must_use]
    pub fn start_with(options: RedisOptions, reach: Reach) -> Self {
        let login = options.login_of_url();
        let master = Member::start(options.clone(), reach, "replica-announce-port");
        let followed = format!("127.0.0.1 {}", master.port());
        let replica = Member::start(options.config("replicaof", &followed), reach, "replica-announce-port");
        replica.server.wait_for_link();
        let sentinels = (0..SENTINELS).map(|_| start_sentinel(master.port())).collect();
        let group = Self { sentinels, members: vec![master, replica], login };
        group.wait_until_ready();
        group
    }

    /// `redis+sentinel://[user:password@]127.0.0.1:P1,127.0.0.1:P2,127.0.0.1:P3/NAME`.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port())).collect();
        format!("redis+sentinel://{}{}/{NAME}", self.login, hosts.join(","))
    }

    /// The Sentinels' name for the master.
    #[must_use]
    pub fn name(&self) -> &str {
        NAME
    }

    /// The Sentinels, each with a process of its own.
    #[must_use]
    pub fn sentinels(&self) -> &[RedisServer] {
        &self.sentinels
    }

    /// The master that the Sentinels agree on.
    #[must_use]
    pub fn master(&self) -> &RedisServer {
        &wait_for("the Sentinels to agree", || self.agreed()).server
    }

    /// The server that is not the master.
    #[must_use]
    pub fn replica(&self) -> &RedisServer {
        let master = self.master().port();
        // There are two servers.
        self.members.iter().map(|member| &member.server).find(|server| server.port() != master).unwrap()
    }

    /// The proxy of a server. Panics without [`Reach::ByProxy`].
    #[must_use]
    pub fn proxy(&self, server: &RedisServer) -> &FaultProxy {
        find(&self.members, server).proxy()
    }

    /// Kills the master, and returns it.
    pub fn kill_master(&self) -> &RedisServer {
        let master = self.master();
        master.kill();
        master
    }

    /// Orders a failover to the replica while the master is alive. Returns the old master.
    pub fn fail_over(&self) -> &RedisServer {
        let master = self.master();
        let order = || self.sentinels[0].try_cli(&["SENTINEL", "FAILOVER", NAME]).is_ok();
        wait_until("a Sentinel to take the order", order);
        master
    }

    /// Waits until the Sentinels agree on another master than `old`, and its role is master.
    pub fn wait_for_failover(&self, old: &RedisServer) -> &RedisServer {
        let new = || self.agreed().map(|member| &member.server).filter(|server| server.port() != old.port());
        let new = wait_for("a failover", new);
        wait_until("the new master", || new.info("role").as_deref() == Some("master"));
        new
    }

    /// The master, if enough Sentinels reply and agree.
    fn agreed(&self) -> Option<&Member> {
        let ask = |sentinel: &RedisServer| sentinel.try_cli(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]).ok();
        let answers: Vec<_> = self.sentinels.iter().filter(|sentinel| sentinel.is_awake()).filter_map(ask).collect();
        if answers.len() < QUORUM || answers.windows(2).any(|pair| pair[0] != pair[1]) {
            return None;
        }
        self.members.iter().find(|member| answers[0] == format!("127.0.0.1\n{}", member.port()))
    }

    /// Waits until each Sentinel knows the others, and a replica that could take over and has everything.
    fn wait_until_ready(&self) {
        for sentinel in &self.sentinels {
            let has = |command, field: &str, value: &str| {
                let lines = sentinel.cli(&["SENTINEL", command, NAME]);
                format!("{lines}\n").contains(&format!("{field}\n{value}\n"))
            };
            wait_until("the Sentinels to know each other", || has("MASTER", "num-other-sentinels", "2"));
            wait_until("the Sentinels to know the replica", || has("REPLICAS", "master-link-status", "ok"));
        }
        self.master().wait_for_replica();
    }
}

fn start_sentinel(master: u16) -> RedisServer {
    let line = |value: &str| format!("{NAME} {value}");
    let options = RedisServer::options().sentinel();
    let options = options.config("sentinel monitor", &line(&format!("127.0.0.1 {master} {QUORUM}")));
    let options = options.config("sentinel down-after-milliseconds", &line(SILENCE));
    let options = options.config("sentinel failover-timeout", &line("3000"));
    let options = options.config("sentinel auth-user", &line(ADMIN));
    let sentinel = options.config("sentinel auth-pass", &line(ADMIN_PASSWORD)).start();
    // Otherwise the Sentinels need about ten seconds to know each other. And with the usual one ping a second, they
    // consider a live master dead whenever a busy machine delays a reply.
    sentinel.cli(&["SENTINEL", "DEBUG", "INFO-PERIOD", "500", "PUBLISH-PERIOD", "200", "PING-PERIOD", "200"]);
    sentinel
}
