//! Opens connections to Redis nodes and finds the master. It must not send commands of the store.

use std::time::Duration;

use ::redis::io::tcp::TcpSettings;
use ::redis::{Client, Connection, ConnectionInfo, ErrorKind, ProtocolVersion, RedisError, TlsCertificates, Value};

use crate::redis::OpenError;
use crate::redis::connection::url::{Address, RedisUrl, Seeds};

/// Timeout of a connection attempt, including the greeting.
const PATIENCE: Duration = Duration::from_millis(1500);

/// If sent data is not acknowledged for this long, the operating system closes the connection.
const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens connections.
#[derive(Debug)]
pub(in crate::redis) struct Dialer {
    url: RedisUrl,
    /// PEM of the authority that signed the nodes' certificates. If there is none, the authorities of the system are
    /// used.
    ca: Option<Vec<u8>>,
}

/// A node's description of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::redis) struct HelloReply {
    pub(in crate::redis) version: String,
    pub(in crate::redis) is_cluster: bool,
    pub(in crate::redis) is_master: bool,
}

impl Dialer {
    pub(in crate::redis) fn new(url: RedisUrl, ca: Option<Vec<u8>>) -> Self {
        Self { url, ca }
    }

    /// # Errors
    /// An authority for certificates is set, but TLS is not.
    pub(in crate::redis) fn check(&self) -> Result<(), OpenError> {
        if self.ca.is_some() && !self.url.is_tls {
            return Err(OpenError::Unsuitable(
                "--redis-ca is of no use without TLS; the URL begins with rediss:// then".to_owned(),
            ));
        }
        Ok(())
    }

    /// The name for operators.
    pub(in crate::redis) fn name(&self) -> String {
        self.url.to_string()
    }

    /// Connects, logs in and reads the greeting. Blocks for at most `PATIENCE` plus a name lookup, and as long as
    /// [`Self::locate`].
    pub(in crate::redis) fn connect(&self, node: &Address) -> Result<(Connection, HelloReply), OpenError> {
        let info = self.url.node(node).map_err(|error| unfit(node, &error))?;
        let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let mut connection = self.open(info.set_redis_settings(redis)).map_err(|error| failure(node, &error))?;
        bound(&connection, PATIENCE).map_err(|error| failure(node, &error))?;
        let reply = ::redis::cmd("HELLO").arg(3).query(&mut connection).map_err(|error| failure(node, &error))?;
        let greeting =
            greeting(&reply).ok_or_else(|| OpenError::Unsuitable(format!("{node} does not answer as Redis 7 does")))?;
        self.confirm(node)?;
        Ok((connection, greeting))
    }

    /// Asks the Sentinels again: since they named this master, another one may have taken over. If this one was started again
    /// meanwhile, it takes itself for the master until a Sentinel tells it, and may be empty.
    fn confirm(&self, node: &Address) -> Result<(), OpenError> {
        let is_named = matches!(self.url.seeds, Seeds::Node(_)) || self.locate()? == *node;
        if is_named { Ok(()) } else { Err(OpenError::Unreachable(format!("{node} is not the master any more"))) }
    }

    /// Returns the address of the master, or of a node of a Cluster. Blocks if it must ask Sentinels.
    pub(in crate::redis) fn locate(&self) -> Result<Address, OpenError> {
        let (sentinels, name) = match &self.url.seeds {
            Seeds::Node(node) => return Ok(node.clone()),
            Seeds::Sentinels(sentinels, name) => (sentinels, name),
        };
        let mut problem = OpenError::Unreachable("there is no Sentinel to ask".to_owned());
        for sentinel in sentinels {
            match self.ask(sentinel, name) {
                Ok(Some(master)) => return Ok(master),
                Ok(None) => problem = OpenError::Unreachable(format!("Sentinel {sentinel} knows no master {name}")),
                Err(error) => problem = error,
            }
        }
        Err(problem)
    }

    fn ask(&self, sentinel: &Address, master: &str) -> Result<Option<Address>, OpenError> {
        let stranger = RedisUrl { login: Default::default(), ..self.url.clone() };
        let info = stranger.node(sentinel).map_err(|error| unfit(sentinel, &error))?;
        let mut connection = self.open(info).map_err(|error| failure(sentinel, &error))?;
        bound(&connection, PATIENCE).map_err(|error| failure(sentinel, &error))?;
        let answer: ::redis::RedisResult<Option<(String, u16)>> =
            ::redis::cmd("SENTINEL").arg("get-master-addr-by-name").arg(master).query(&mut connection);
        answer.map(|found| found.map(|(host, port)| Address { host, port })).map_err(|error| failure(sentinel, &error))
    }

    fn open(&self, info: ConnectionInfo) -> ::redis::RedisResult<Connection> {
        let tcp = TcpSettings::default().set_nodelay(true).set_user_timeout(USER_TIMEOUT);
        let info = info.set_tcp_settings(tcp);
        let client = if self.url.is_tls {
            Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert: self.ca.clone() })?
        } else {
            Client::open(info)?
        };
        client.get_connection_with_timeout(PATIENCE)
    }
}

/// Sets the timeout for reads and writes.
pub(in crate::redis) fn bound(connection: &Connection, time: Duration) -> ::redis::RedisResult<()> {
    let time = time.max(Duration::from_millis(1));
    connection.set_read_timeout(Some(time))?;
    connection.set_write_timeout(Some(time))
}

fn greeting(reply: &Value) -> Option<HelloReply> {
    let field = |name: &str| {
        let mut entries = reply.as_map_iter()?;
        let (_, value) = entries.find(|(key, _)| matches!(key, Value::BulkString(key) if key == name.as_bytes()))?;
        ::redis::from_redis_value_ref::<String>(value).ok()
    };
    let (version, mode, role) = (field("version")?, field("mode")?, field("role")?);
    Some(HelloReply { version, is_cluster: mode == "cluster", is_master: role == "master" })
}

/// Separates errors that an operator must fix from errors that may be temporary.
fn failure(node: &Address, error: &RedisError) -> OpenError {
    match error.code() {
        Some("NOAUTH") => OpenError::Unsuitable(format!("{node} needs a password: redis://:PASSWORD@HOST")),
        Some("WRONGPASS") => OpenError::Unsuitable(format!("{node} refuses the password")),
        Some("NOPERM" | "DENIED") => unfit(node, error),
        _ if error.kind() == ErrorKind::AuthenticationFailed => {
            OpenError::Unsuitable(format!("{node} refuses the login: {}", error.detail().unwrap_or("no reason given")))
        }
        _ if is_about_certificates(error) => unfit(node, error),
        _ => OpenError::Unreachable(format!("{node}: {}", describe(error))),
    }
}

/// Describes an error for an operator.
pub(in crate::redis) fn describe(error: &RedisError) -> String {
    if error.is_timeout() { "no answer in time".to_owned() } else { error.to_string() }
}

fn is_about_certificates(error: &RedisError) -> bool {
    error.to_string().contains("certificate")
}

fn unfit(node: &Address, error: &RedisError) -> OpenError {
    OpenError::Unsuitable(format!("{node}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::redis::connection::fake_node::{FakeNode, hello};

    fn value(wire: &str) -> Value {
        ::redis::parse_redis_value(wire.as_bytes()).unwrap()
    }

    #[test]
    fn a_greeting_tells_the_version_the_role_and_whether_it_is_a_cluster() {
        let read =
            |mode, role| greeting(&value(&hello(mode, role))).map(|it| (it.version, it.is_cluster, it.is_master));
        assert_eq!(read("standalone", "master"), Some(("7.2.0".to_owned(), false, true)));
        assert_eq!(read("cluster", "replica"), Some(("7.2.0".to_owned(), true, false)));
        assert_eq!(read("sentinel", "slave"), Some(("7.2.0".to_owned(), false, false)));
        for strange in
            ["+OK\r\n", "%0\r\n", "%1\r\n$7\r\nversion\r\n$5\r\n7.2.0\r\n", "*2\r\n$4\r\nmode\r\n$1\r\nx\r\n"]
        {
            assert_eq!(greeting(&value(strange)), None, "{strange}");
        }
    }

    #[test]
    fn what_an_operator_must_mend_is_told_from_what_may_pass() {
        let node = Address { host: "h".to_owned(), port: 1 };
        let is_unfit = |error: &RedisError| matches!(failure(&node, error), OpenError::Unsuitable(_));
        let said = |line: &str| value(&format!("-{line}\r\n")).extract_error().unwrap_err();
        for line in ["NOAUTH Authentication required.", "WRONGPASS invalid pair", "NOPERM no", "DENIED protected mode"]
        {
            assert!(is_unfit(&said(line)), "{line}");
        }
        for line in ["ERR max number of clients reached", "LOADING Redis is loading", "MASTERDOWN no"] {
            assert!(!is_unfit(&said(line)), "{line}");
        }
        let io = |kind: io::ErrorKind, why: &str| RedisError::from(io::Error::new(kind, why.to_owned()));
        assert!(is_unfit(&io(io::ErrorKind::InvalidData, "invalid peer certificate: UnknownIssuer")));
        assert!(!is_unfit(&io(io::ErrorKind::ConnectionRefused, "refused")));
        let slow = failure(&node, &io(io::ErrorKind::TimedOut, "os error 110"));
        assert_eq!((slow.reason(), is_unfit(&io(io::ErrorKind::WouldBlock, ""))), ("h:1: no answer in time", false));
        let login = |why: Option<&str>| match why {
            Some(why) => RedisError::from((ErrorKind::AuthenticationFailed, "failed", why.to_owned())),
            None => RedisError::from((ErrorKind::AuthenticationFailed, "failed")),
        };
        assert_eq!(failure(&node, &login(Some("bad pair"))).reason(), "h:1 refuses the login: bad pair");
        assert_eq!(failure(&node, &login(None)).reason(), "h:1 refuses the login: no reason given");
        assert!(is_unfit(&login(None)));
    }

    #[test]
    fn an_authority_needs_a_url_with_tls() {
        let check = |url: &str, ca: Option<Vec<u8>>| Dialer::new(url.parse().unwrap(), ca).check().is_ok();
        assert!(check("redis://h", None) && check("rediss://h", None) && check("rediss://h", Some(vec![7])));
        assert!(!check("redis://h", Some(vec![7])) && !check("redis+sentinel://h/main", Some(vec![7])));
    }

    #[test]
    fn a_node_that_does_not_say_what_it_is_cannot_be_used() {
        let node = FakeNode::start(|line| line.starts_with("HELLO").then(|| "%0\r\n".to_owned()));
        let refused = node.dialer().connect(&node.address).err().unwrap();
        assert!(matches!(&refused, OpenError::Unsuitable(why) if why.ends_with("does not answer as Redis 7 does")));
    }

    /// A Sentinel that names these ports one after the other, and then the last of them again and again; 0 for no master.
    fn sentinel(ports: Vec<u16>) -> FakeNode {
        let asked = AtomicUsize::new(0);
        FakeNode::start(move |line| {
            (line == "SENTINEL get-master-addr-by-name main").then(|| {
                let at = asked.fetch_add(1, Ordering::SeqCst).min(ports.len() - 1);
                match ports[at].to_string().as_str() {
                    "0" => "*-1\r\n".to_owned(),
                    port => format!("*2\r\n$9\r\n127.0.0.1\r\n${}\r\n{port}\r\n", port.len()),
                }
            })
        })
    }

    fn dialer(sentinels: &[&FakeNode]) -> Dialer {
        let hosts: Vec<String> = sentinels.iter().map(|sentinel| sentinel.address.to_string()).collect();
        Dialer::new(format!("redis+sentinel://ann:secret@{}/main", hosts.join(",")).parse().unwrap(), None)
    }

    #[test]
    fn the_first_sentinel_that_knows_the_master_is_believed() {
        let (ignorant, one, two) = (sentinel(vec![0]), sentinel(vec![7001]), sentinel(vec![7002]));
        assert_eq!(dialer(&[&ignorant, &one, &two]).locate().unwrap().to_string(), "127.0.0.1:7001");
        assert_eq!(two.heard(), [""; 0]);
        let error = dialer(&[&ignorant]).locate().unwrap_err();
        assert_eq!(error.reason(), format!("Sentinel {} knows no master main", ignorant.address));
        assert!(matches!(error, OpenError::Unreachable(_)));
        // What the last one says is told.
        let strange = FakeNode::start(|line| line.starts_with("SENTINEL").then(|| "-ERR no such thing\r\n".to_owned()));
        assert!(dialer(&[&ignorant, &strange]).locate().unwrap_err().reason().contains("no such thing"));
    }

    #[test]
    fn the_password_is_for_the_master_and_not_for_its_sentinels() {
        let master = FakeNode::start(|_| None);
        let sentinel = sentinel(vec![master.address.port]);
        drop(dialer(&[&sentinel]).connect(&master.address).unwrap());
        assert_eq!(master.count("HELLO 3 AUTH ann secret"), 1);
        assert!(sentinel.heard().iter().all(|line| !line.contains("secret") && !line.starts_with("AUTH")));
    }

    #[test]
    fn a_master_that_is_not_the_one_any_more_when_it_answers_is_left() {
        let (old, other) = (FakeNode::start(|_| None), 7002);
        let dialer = dialer(&[&sentinel(vec![old.address.port, old.address.port, other])]);
        let master = dialer.locate().unwrap();
        assert!(dialer.connect(&master).is_ok());
        let left = dialer.connect(&master).err().unwrap();
        assert_eq!(left.reason(), format!("{master} is not the master any more"));
        assert!(matches!(left, OpenError::Unreachable(_)));
    }
}
