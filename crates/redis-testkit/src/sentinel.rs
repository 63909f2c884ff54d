//! A master, a replica and three Sentinels that fail over between them. It must not know how a client finds
//! the master.

use crate::member::{Member, find};
use crate::options::{ADMIN, ADMIN_PASSWORD};
use crate::{FaultProxy, Reach, RedisOptions, RedisServer, wait_for, wait_until};

/// What the Sentinels call the master.
const NAME: &str = "parlor";
const SENTINELS: usize = 3;
const QUORUM: usize = 2;
/// How long a server must be silent to be given up, in milliseconds.
const SILENCE: &str = "2000";

/// A master with a replica, watched by three Sentinels, two of which decide. A master that is silent for two
/// seconds is given up.
///
/// ```
/// use parlor_redis_testkit::RedisSentinel;
///
/// let group = RedisSentinel::start();
/// let old = group.kill_master();
/// let new = group.wait_for_failover(old);
/// assert_eq!(new.info("role").as_deref(), Some("master"));
/// old.restart(); // Is a master again at first, until the Sentinels tell it otherwise.
/// ```
#[derive(Debug)]
pub struct RedisSentinel {
    sentinels: Vec<RedisServer>,
    members: Vec<Member>,
    login: String,
}

impl RedisSentinel {
    /// Starts all five without options, directly reached; returns when they know each other.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(RedisServer::options(), Reach::Direct)
    }

    /// The same with options for master and replica. With proxies, the Sentinels and the replica reach the
    /// servers by them too.
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

    /// What the Sentinels call the master.
    #[must_use]
    pub fn name(&self) -> &str {
        NAME
    }

    /// The Sentinels, each a process like others.
    #[must_use]
    pub fn sentinels(&self) -> &[RedisServer] {
        &self.sentinels
    }

    /// The server that the Sentinels agree on.
    #[must_use]
    pub fn master(&self) -> &RedisServer {
        &wait_for("the Sentinels to agree", || self.agreed()).server
    }

    /// The other one.
    #[must_use]
    pub fn replica(&self) -> &RedisServer {
        let master = self.master().port();
        // There are two.
        self.members.iter().map(|member| &member.server).find(|server| server.port() != master).unwrap()
    }

    /// The proxy in front of a server; panics without [`Reach::ByProxy`].
    #[must_use]
    pub fn proxy(&self, server: &RedisServer) -> &FaultProxy {
        find(&self.members, server).proxy()
    }

    /// Kills the master; says which that was.
    pub fn kill_master(&self) -> &RedisServer {
        let master = self.master();
        master.kill();
        master
    }

    /// Orders a failover to the replica while the master lives; says which was the master before.
    pub fn fail_over(&self) -> &RedisServer {
        let master = self.master();
        let order = || self.sentinels[0].try_cli(&["SENTINEL", "FAILOVER", NAME]).is_ok();
        wait_until("a Sentinel to take the order", order);
        master
    }

    /// Waits until the Sentinels agree on another master than `old`, and it is one.
    pub fn wait_for_failover(&self, old: &RedisServer) -> &RedisServer {
        let new = || self.agreed().map(|member| &member.server).filter(|server| server.port() != old.port());
        let new = wait_for("a failover", new);
        wait_until("the new master", || new.info("role").as_deref() == Some("master"));
        new
    }

    /// The master, if those Sentinels that answer are enough and agree.
    fn agreed(&self) -> Option<&Member> {
        let ask = |sentinel: &RedisServer| sentinel.try_cli(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]).ok();
        let answers: Vec<_> = self.sentinels.iter().filter(|sentinel| sentinel.is_awake()).filter_map(ask).collect();
        if answers.len() < QUORUM || answers.windows(2).any(|pair| pair[0] != pair[1]) {
            return None;
        }
        self.members.iter().find(|member| answers[0] == format!("127.0.0.1\n{}", member.port()))
    }

    /// Each knows the others and a replica that could take over.
    fn wait_until_ready(&self) {
        for sentinel in &self.sentinels {
            let has = |command, field: &str, value: &str| {
                let lines = sentinel.cli(&["SENTINEL", command, NAME]);
                format!("{lines}\n").contains(&format!("{field}\n{value}\n"))
            };
            wait_until("the Sentinels to know each other", || has("MASTER", "num-other-sentinels", "2"));
            wait_until("the Sentinels to know the replica", || has("REPLICAS", "master-link-status", "ok"));
        }
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
    // They would else need some ten seconds to know each other, and with one ping a second, as usual, they
    // give up a master that lives whenever a busy machine makes a reply late.
    sentinel.cli(&["SENTINEL", "DEBUG", "INFO-PERIOD", "500", "PUBLISH-PERIOD", "200", "PING-PERIOD", "200"]);
    sentinel
}
