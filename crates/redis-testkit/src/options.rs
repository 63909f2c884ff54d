//! The options of a `redis-server`, and its configuration file. It must not start the server.

use std::path::Path;

use crate::tls::Certificates;
use crate::{Port, RedisServer};

/// The user of the testkit. It has all permissions, independent of the users that the test defines.
pub(crate) const ADMIN: &str = "testkit";
/// Its password.
pub(crate) const ADMIN_PASSWORD: &str = "testkit";

/// When the append-only file is synced to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fsync {
    /// Before the reply to a command.
    Always,
    /// Once a second. Acknowledged writes survive the death of the process, but not of the machine.
    EverySecond,
}

/// The login of clients.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    /// Empty for the default user.
    pub(crate) user: String,
    pub(crate) password: String,
    rules: String,
}

/// Options of a [`RedisServer`]. Without options it stores nothing on disk and requires no password.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    pub(crate) login: Option<Login>,
    pub(crate) tls: bool,
    pub(crate) port: Option<Port>,
    bus: Option<Port>,
    pub(crate) sentinel: bool,
    lines: Vec<String>,
}

impl RedisOptions {
    /// Stores all data in an append-only file, so that it survives [`RedisServer::restart`].
    #[must_use]
    pub fn append_only(self, fsync: Fsync) -> Self {
        let fsync = if fsync == Fsync::Always { "always" } else { "everysec" };
        self.config("appendonly", "yes").config("appendfsync", fsync)
    }

    /// The default user requires this password.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.login = Some(Login { user: String::new(), password: password.into(), rules: String::new() });
        self
    }

    /// An ACL user with rules such as `~parlor:* &* +@all`. The default user is disabled.
    #[must_use]
    pub fn user(mut self, user: &str, password: &str, rules: &str) -> Self {
        self.login = Some(Login { user: user.into(), password: password.into(), rules: rules.into() });
        self
    }

    /// Uses this port instead of any free one.
    #[must_use]
    pub fn port(mut self, port: Port) -> Self {
        self.port = Some(port);
        self
    }

    /// Speaks to other members of a Cluster by this port.
    pub(crate) fn bus(mut self, port: Port) -> Self {
        self.bus = Some(port);
        self
    }

    /// Opens a second port with TLS and a certificate for 127.0.0.1 and `localhost`, from its own authority.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Limits the memory, such as `4mb`, with an eviction policy, such as `allkeys-lru`.
    #[must_use]
    pub fn max_memory(self, limit: &str, policy: &str) -> Self {
        self.config("maxmemory", limit).config("maxmemory-policy", policy)
    }

    /// Makes it a replica of `master`.
    #[must_use]
    pub fn replica_of(self, master: &RedisServer) -> Self {
        self.config("replicaof", &format!("127.0.0.1 {}", master.port()))
    }

    /// Makes it a Sentinel, which monitors other servers and stores no data.
    pub(crate) fn sentinel(mut self) -> Self {
        self.sentinel = true;
        self
    }

    /// Any other line of the configuration file. It overrides the settings of the testkit.
    #[must_use]
    pub fn config(mut self, name: &str, value: &str) -> Self {
        self.lines.push(format!("{name} {value}"));
        self
    }

    /// Starts the server, and waits until it replies.
    #[must_use]
    pub fn start(self) -> RedisServer {
        RedisServer::start_with(self)
    }

    /// `user:password@`, or nothing.
    pub(crate) fn login_of_url(&self) -> String {
        self.login.as_ref().map(|login| format!("{}:{}@", login.user, login.password)).unwrap_or_default()
    }

    /// The text of the configuration file.
    pub(crate) fn render(&self, directory: &Path, port: &Port, tls: Option<&(Port, Certificates)>) -> String {
        let mut lines = vec![
            "bind 127.0.0.1".to_owned(),
            format!("port {port}"),
            format!("dir {}", directory.join("data").display()),
            format!("logfile {}", directory.join("redis.log").display()),
            "save \"\"".to_owned(),
            "enable-debug-command yes".to_owned(),
            "repl-diskless-sync-delay 0".to_owned(),
            format!("user {ADMIN} on >{ADMIN_PASSWORD} ~* &* +@all"),
            format!("masteruser {ADMIN}"),
            format!("masterauth {ADMIN_PASSWORD}"),
        ];
        lines.extend(self.login.iter().flat_map(Login::lines));
        if let Some((port, files)) = tls {
            lines.extend(tls_lines(port, files));
        }
        lines.extend(self.bus.iter().map(|port| format!("cluster-port {port}")));
        lines.extend_from_slice(&self.lines);
        lines.join("\n") + "\n"
    }
}

impl Login {
    fn lines(&self) -> Vec<String> {
        let Self { user, password, rules } = self;
        if user.is_empty() {
            return vec![format!("requirepass {password}")];
        }
        vec!["user default off".to_owned(), format!("user {user} on >{password} {rules}")]
    }
}

fn tls_lines(port: &Port, files: &Certificates) -> [String; 5] {
    [
        format!("tls-port {port}"),
        format!("tls-cert-file {}", files.certificate.display()),
        format!("tls-key-file {}", files.key.display()),
        format!("tls-ca-cert-file {}", files.ca.display()),
        "tls-auth-clients no".to_owned(),
    ]
}
