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
