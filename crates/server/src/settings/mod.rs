//! The settings of `parlor serve`: one typed struct with defaults, from flags, environment and file. It must not open,
//! create or contact anything that a setting names; it reads only files of settings.

pub(crate) mod installation;
mod operations;
mod package;
mod redis;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
mod validate;
mod values;

use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::builder::RangedU64ValueParser;
use clap::{ArgAction, Args};
use parlor_proto::{PASSWORD_MAX_BYTES, UserName};
use parlor_settings::{EndpointRule, duration, listen, path, size};

pub(crate) use installation::InstallationArgs;
pub(crate) use operations::OperationsArgs;
pub(crate) use parlor_settings::duration::{parse_long as parse_long_duration, parse_positive as parse_duration};
pub(crate) use parlor_settings::{Network, ServerName};
pub(crate) use redis::RedisArgs;
pub(crate) use validate::{parse, unknown_variables};
pub(crate) use values::{
    CertificateFiles, DuplicateLogin, LogFilter, LogFormat, Registration, ReservedName, RoomRetention, Synchronous,
    WebState,
};

use crate::public_address;
use crate::tls::TlsName;
use values::history;

const EXAMPLES: &str =
    "A flag goes before the environment, the environment before the file, the file before the default.
A certificate that changes is read again, by SIGHUP at once; SIGTERM and SIGINT say goodbye to everyone and end.

Examples:
  parlor serve
  parlor serve --listen 0.0.0.0:7878 --listen [::]:7878 --tls-name chat.example.org
  parlor serve --config /etc/parlor.toml --log info,parlor=debug
  parlor serve --redis redis://127.0.0.1
  PARLOR_DATA=/var/lib/parlor PARLOR_LISTEN=127.0.0.1:7878,[::1]:7878 parlor serve";

/// Default data directory of a process without a home.
const HOMELESS: &str = "/var/lib/parlor";
/// Default of the shortest new password, in characters.
pub(crate) const DEFAULT_MIN_PASSWORD: usize = 8;

/// Default of the time after its last use for which a ticket is valid.
pub(crate) const DEFAULT_TICKET_LIFETIME: &str = "30d";

/// Allowed range of the maximum line length, in bytes.
const LINE_BYTES: std::ops::RangeInclusive<usize> = 512..=65_536;

/// Allowed range of the limit of one client's outbox, in bytes.
const QUEUED_BYTES: std::ops::RangeInclusive<usize> = 65_536..=1 << 30;

/// All settings of `parlor serve`. If an absent `Option` field has a meaning, a method of the same name returns it.
#[derive(Debug, Clone, Args)]
#[command(about = "Run the chat server", long_about = None, after_help = EXAMPLES)]
pub(crate) struct Settings {
    /// TOML file of settings, named as the flags are; flags and environment go before it
    #[arg(long, env = "PARLOR_CONFIG", value_name = "FILE", value_parser = path::parser())]
    pub(crate) config: Option<PathBuf>,

    /// Address and port to listen on; port 0 takes a free one; `[::]` listens on IPv6 only, `0.0.0.0` on IPv4 only; repeatable
    #[arg(long, env = "PARLOR_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:7878")]
    #[arg(value_delimiter = ',', help_heading = "Network", value_parser = listen::parse)]
    pub(crate) listen: Vec<SocketAddr>,

    /// Name by which the server greets its clients [default: the host name]
    #[arg(long, env = "PARLOR_SERVER_NAME", value_name = "NAME", default_value_t = ServerName::of_machine())]
    #[arg(hide_default_value = true, help_heading = "Network")]
    pub(crate) server_name: ServerName,

    /// Whether browsers find the page and programs WebSocket: on the port of lines, for clients that offer `http/1.1` by ALPN
    #[arg(long, env = "PARLOR_WEB", value_name = "STATE", default_value = "on", help_heading = "Network")]
    web: WebState,

    /// Address and port for HTTP alone, whatever a client offers by ALPN, such as a reverse proxy that offers nothing; repeatable
    #[arg(long, env = "PARLOR_WEB_LISTEN", value_name = "ADDR:PORT", value_delimiter = ',')]
    #[arg(help_heading = "Network", value_parser = listen::parse)]
    pub(crate) web_listen: Vec<SocketAddr>,

    /// Address or network of reverse proxies, whose requests on --web-listen say by X-Forwarded-For where the client is;
    /// repeatable
    #[arg(long, env = "PARLOR_FORWARDED_FROM", value_name = "ADDR[/PREFIX]", value_delimiter = ',')]
    #[arg(help_heading = "Network")]
    pub(crate) forwarded_from: Vec<Network>,

    /// Name or address by which browsers know the server, besides those of the certificate; repeatable
    #[arg(long, env = "PARLOR_WEB_HOST", value_name = "NAME", value_delimiter = ',', help_heading = "Network")]
    pub(crate) web_host: Vec<TlsName>,

    /// Address or network of load balancers, whose connections have to begin with a PROXY header of version 2 that says
    /// where the client is; repeatable
    #[arg(long, env = "PARLOR_PROXY_FROM", value_name = "ADDR[/PREFIX]", value_delimiter = ',')]
    #[arg(help_heading = "Network")]
    pub(crate) proxy_from: Vec<Network>,

    /// Where rooms may post what is said in them by /outhook: a host, `*.DOMAIN`, `*` for all public hosts, or an address or
    /// network, also of this machine; repeatable [default: nowhere]
    #[arg(long, env = "PARLOR_OUTHOOK_ALLOW", value_name = "HOST|ADDR[/PREFIX]", value_delimiter = ',')]
    #[arg(help_heading = "Network")]
    outhook_allow: Vec<EndpointRule>,

    /// Directory of everything that the server keeps; with --redis of the certificate only [default: $XDG_DATA_HOME/parlor, or ~/.local/share/parlor]
    #[arg(long, env = "PARLOR_DATA", value_name = "DIR", default_value_os_t = default_data_dir())]
    #[arg(hide_default_value = true, help_heading = "Storage", value_parser = path::parser())]
    pub(crate) data: PathBuf,

    /// Messages kept in the log of each room and of each publisher; 0 keeps none, `all` keeps all; with --redis people see no more than these, and 1000 are kept at least
    #[arg(
        long,
        env = "PARLOR_HISTORY",
        value_name = "ENTRIES|all",
        default_value_t = 10_000,
        help_heading = "Storage"
    )]
    #[arg(value_parser = history)]
    pub(crate) history: u64,

    /// How long messages are kept, such as 90d; the newest of each log stays [default: for ever]
    #[arg(long, env = "PARLOR_HISTORY_AGE", value_name = "TIME", value_parser = duration::parse_long, help_heading = "Storage")]
    pub(crate) history_age: Option<Duration>,

    /// Whether owners of rooms may shorten the time for which messages of their rooms are kept, by /retention; operators always may
    #[arg(long, env = "PARLOR_ROOM_RETENTION", value_name = "STATE", default_value = "off", help_heading = "Storage")]
    room_retention: RoomRetention,

    /// What an accepted message survives: `normal` the death of the process, `full` also a loss of power; with --redis
    /// that is up to Redis
    #[arg(long, env = "PARLOR_SYNCHRONOUS", value_name = "LEVEL", default_value = "normal", help_heading = "Storage")]
    pub(crate) synchronous: Synchronous,

    /// The Redis that keeps all else, if any.
    #[command(flatten, next_help_heading = "Storage")]
    pub(crate) redis: RedisArgs,

    /// Replicas of Redis that have to have a message before it is accepted
    #[arg(long, env = "PARLOR_REDIS_REPLICAS", value_name = "COUNT", default_value_t = 0, help_heading = "Storage")]
    pub(crate) redis_replicas: u32,

    /// Directory of ca.pem, ca.key, server.pem and server.key, made on first start [default: tls in the data directory]
    #[arg(long, env = "PARLOR_TLS_DIR", value_name = "DIR", help_heading = "TLS", value_parser = path::parser())]
    tls_dir: Option<PathBuf>,

    /// Certificate chain of your own in PEM, the server's first; needs --tls-key [default: one made in the TLS directory]
    #[arg(long, env = "PARLOR_TLS_CERT", value_name = "FILE", help_heading = "TLS", value_parser = path::parser())]
    tls_cert: Option<PathBuf>,

    /// Private key in PEM that belongs to --tls-cert [default: one made in the TLS directory]
    #[arg(long, env = "PARLOR_TLS_KEY", value_name = "FILE", help_heading = "TLS", value_parser = path::parser())]
    tls_key: Option<PathBuf>,

    /// DNS name or IP address for the certificate that is made, besides localhost and the host name; repeatable
    #[arg(long, env = "PARLOR_TLS_NAME", value_name = "NAME", value_delimiter = ',', help_heading = "TLS")]
    pub(crate) tls_name: Vec<TlsName>,

    /// Whether strangers may create accounts [default: open if all listeners are loopback addresses and neither --proxy-from nor --web-host is set, else closed]
    #[arg(long, env = "PARLOR_REGISTRATION", value_name = "POLICY", help_heading = "Accounts")]
    registration: Option<Registration>,

    /// Shortest password of a new account, and shortest new password, in characters; those of before stay valid
    #[arg(long, env = "PARLOR_MIN_PASSWORD", value_name = "COUNT", default_value_t = DEFAULT_MIN_PASSWORD)]
    #[arg(value_parser = min_password(), help_heading = "Accounts")]
    pub(crate) min_password: usize,

    /// Names of which only the operator makes accounts; repeatable; an empty one reserves none
    #[arg(long, env = "PARLOR_RESERVED_NAMES", value_name = "NAME", value_delimiter = ',')]
    #[arg(default_value = "system,server,root,admin,operator,parlor", help_heading = "Accounts")]
    reserved_names: Vec<ReservedName>,

    /// What a login does to an earlier session of the same user: `takeover` ends that, `reject` refuses the login
    #[arg(long, env = "PARLOR_DUPLICATE_LOGIN", value_name = "POLICY", default_value = "takeover")]
    #[arg(help_heading = "Accounts")]
    pub(crate) duplicate_login: DuplicateLogin,

    /// Cost of password hashes, 4 to 31; each step doubles the work of a login
    #[arg(long, env = "PARLOR_BCRYPT_COST", value_name = "COST", default_value_t = 12, help_heading = "Accounts")]
    #[arg(value_parser = clap::value_parser!(u32).range(4..=31))]
    pub(crate) bcrypt_cost: u32,

    /// Program that decides about passwords, instead of the hashes of accounts: it gets a line of JSON with user, password and address, and answers one with ok, and perhaps operator and rooms
    #[arg(long, env = "PARLOR_AUTH_COMMAND", value_name = "PROGRAM", help_heading = "Accounts", value_parser = path::parser())]
    pub(crate) auth_command: Option<PathBuf>,

    /// How long after its last use a ticket logs its user in, such as 12h, 30d or 8w; it holds for tickets made from now on
    #[arg(long, env = "PARLOR_TICKET_LIFETIME", value_name = "DURATION", default_value = DEFAULT_TICKET_LIFETIME)]
    #[arg(value_parser = duration::parse_long, help_heading = "Accounts")]
    pub(crate) ticket_lifetime: Duration,

    /// Failed logins after which a connection is closed
    #[arg(long, env = "PARLOR_MAX_LOGIN_FAILURES", value_name = "COUNT", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..), help_heading = "Accounts")]
    pub(crate) max_login_failures: u32,

    /// Takeovers of one account within 60 seconds after which newcomers are refused
    #[arg(long, env = "PARLOR_MAX_TAKEOVERS", value_name = "COUNT", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..), help_heading = "Accounts")]
    pub(crate) max_takeovers: u32,

    /// Time for the TLS handshake of a new connection
    #[arg(long, env = "PARLOR_HANDSHAKE_TIMEOUT", value_name = "TIME", default_value = "10s")]
    #[arg(value_parser = duration::parse_positive, help_heading = "Timeouts")]
    pub(crate) handshake_timeout: Duration,

    /// Time for the login after the handshake
    #[arg(long, env = "PARLOR_LOGIN_TIMEOUT", value_name = "TIME", default_value = "10s")]
    #[arg(value_parser = duration::parse_positive, help_heading = "Timeouts")]
    pub(crate) login_timeout: Duration,

    /// Silence after which a client is sent away; 0 never does
    #[arg(long, env = "PARLOR_IDLE_TIMEOUT", value_name = "TIME", default_value = "0")]
    #[arg(value_parser = duration::parse, help_heading = "Timeouts")]
    idle_timeout: Duration,

    /// How long after it was said a message can be edited; 0 forbids it
    #[arg(long, env = "PARLOR_EDIT_WINDOW", value_name = "TIME", default_value = "15m")]
    #[arg(value_parser = duration::parse, help_heading = "Timeouts")]
    pub(crate) edit_window: Duration,

    /// Longest line of a client with its ending, 512 bytes to 64KiB
    #[arg(long, env = "PARLOR_MAX_LINE_BYTES", value_name = "SIZE", default_value = "4096", help_heading = "Limits")]
    #[arg(value_parser = |text: &str| size::parse_in(text, &LINE_BYTES))]
    pub(crate) max_line_bytes: usize,

    /// What may wait for a client that does not read before it is cut off, at least 64KiB and four times --max-line-bytes
    #[arg(long, env = "PARLOR_MAX_QUEUED_BYTES", value_name = "SIZE", default_value = "1MiB", help_heading = "Limits")]
    #[arg(value_parser = |text: &str| size::parse_in(text, &QUEUED_BYTES))]
    pub(crate) max_queued_bytes: usize,

    /// Connections in all
    #[arg(long, env = "PARLOR_MAX_CONNECTIONS", value_name = "COUNT", default_value_t = 10_000)]
    #[arg(value_parser = at_least_one(), help_heading = "Limits")]
    pub(crate) max_connections: usize,

    /// Connections from one address
    #[arg(long, env = "PARLOR_MAX_CONNECTIONS_PER_ADDRESS", value_name = "COUNT", default_value_t = 64)]
    #[arg(value_parser = at_least_one(), help_heading = "Limits")]
    pub(crate) max_connections_per_address: usize,

    /// Lines a second that a client may send in the long run; a faster one is read more slowly; 0 sets no limit
    #[arg(long, env = "PARLOR_LINE_RATE", value_name = "COUNT", default_value_t = 20, help_heading = "Limits")]
    line_rate: u32,

    /// Lines that a client may send at once before --line-rate slows it down
    #[arg(long, env = "PARLOR_LINE_BURST", value_name = "COUNT", default_value_t = 100, help_heading = "Limits")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) line_burst: u32,

    /// Rooms that have members or a log
    #[arg(long, env = "PARLOR_MAX_ROOMS", value_name = "COUNT", default_value_t = 10_000, help_heading = "Limits")]
    #[arg(value_parser = at_least_one())]
    pub(crate) max_rooms: usize,

    /// Users that one user may subscribe to
    #[arg(long, env = "PARLOR_MAX_SUBSCRIPTIONS", value_name = "COUNT", default_value_t = 1000)]
    #[arg(value_parser = at_least_one(), help_heading = "Limits")]
    pub(crate) max_subscriptions: usize,
    /// Rooms that one user may have open at the same time
    #[arg(long, env = "PARLOR_MAX_OPEN_ROOMS", value_name = "COUNT", default_value_t = 64, help_heading = "Limits")]
    #[arg(value_parser = at_least_one())]
    pub(crate) max_open_rooms: usize,

    /// Members of a room above which nobody is told who enters and leaves it
    #[arg(long, env = "PARLOR_PRESENCE_LIMIT", value_name = "MEMBERS", default_value_t = 100, help_heading = "Limits")]
    pub(crate) presence_limit: usize,

    /// Apply the limits per address, of takeovers and of the line rate to loopback peers too
    #[arg(long, env = "PARLOR_LIMIT_LOOPBACK", value_name = "true|false", default_value_t = false)]
    #[arg(action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(hide_possible_values = true, help_heading = "Limits")]
    pub(crate) limit_loopback: bool,

    /// Where it shows itself to its operators.
    #[command(flatten, next_help_heading = "Operations")]
    pub(crate) operations: OperationsArgs,

    /// What is logged to standard error: a level, or directives such as `info,parlor=debug`
    #[arg(long, env = "PARLOR_LOG", value_name = "FILTER", default_value = "info", help_heading = "Logging")]
    pub(crate) log: LogFilter,

    /// How each event is logged
    #[arg(long, env = "PARLOR_LOG_FORMAT", value_name = "FORMAT", default_value = "text", help_heading = "Logging")]
    pub(crate) log_format: LogFormat,
}

impl Settings {
    /// Whether strangers may create accounts. If it is not set, they may only if every listener is a loopback address
    /// and neither a balancer nor a name in public is configured.
    pub(crate) fn registration(&self) -> Registration {
        self.registration.unwrap_or(if self.is_public() { Registration::Closed } else { Registration::Open })
    }

    /// Names of which strangers may not create accounts.
    pub(crate) fn reserved_names(&self) -> Vec<UserName> {
        self.reserved_names.iter().filter_map(|ReservedName(name)| name.clone()).collect()
    }

    /// Where rooms may post what is said in them; nowhere if no message is kept that could be posted later.
    pub(crate) fn outhook_allow(&self) -> Option<Vec<EndpointRule>> {
        (!self.outhook_allow.is_empty() && self.history > 0).then(|| self.outhook_allow.clone())
    }

    /// Whether owners may shorten the time for which messages of their rooms are kept.
    pub(crate) fn room_retention(&self) -> bool {
        self.room_retention == RoomRetention::On
    }

    /// Whether the web door is open.
    pub(crate) fn has_web(&self) -> bool {
        self.web == WebState::On
    }

    /// Whether clients on other machines can connect, directly, through a balancer or through a reverse proxy.
    pub(crate) fn is_public(&self) -> bool {
        let mut addresses = self.listen.iter().chain(&self.web_listen);
        let only_loopback = addresses.all(public_address::is_of_this_machine);
        !(only_loopback && self.proxy_from.is_empty() && self.web_host.is_empty())
    }

    /// Returns the files of the certificate.
    pub(crate) fn certificate(&self) -> CertificateFiles {
        match (&self.tls_cert, &self.tls_key) {
            (Some(chain), Some(key)) => CertificateFiles::Own { chain: chain.clone(), key: key.clone() },
            _ => CertificateFiles::Made { dir: tls_dir(self.tls_dir.as_deref(), &self.data) },
        }
    }

    /// Silence after which a client is disconnected, if there is a limit.
    pub(crate) fn idle_timeout(&self) -> Option<Duration> {
        (!self.idle_timeout.is_zero()).then_some(self.idle_timeout)
    }

    /// Lines a second that a client may send on average, if there is a limit.
    pub(crate) fn line_rate(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.line_rate)
    }
}

/// Returns the default data directory: `$XDG_DATA_HOME/parlor`, else `~/.local/share/parlor`, else, for a process
/// without a home, `/var/lib/parlor`. Relative paths in these variables count as absent, as the XDG specification says.
pub(crate) fn default_data_dir() -> PathBuf {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map_or_else(|| HOMELESS.into(), |share| share.join("parlor"))
}

/// Returns the TLS directory: the one that is set, else `tls` in the data directory.
pub(crate) fn tls_dir(set: Option<&Path>, data: &Path) -> PathBuf {
    set.map_or_else(|| data.join("tls"), Path::to_path_buf)
}

/// Parser of the length that a new password must have. A longer one than this may not fit, since the maximum is in bytes.
pub(crate) fn min_password() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=PASSWORD_MAX_BYTES as u64)
}

/// Parser of a count that must not be zero.
fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=u64::from(u32::MAX))
}

/// Makes a directory that only its owner may enter, and its parents. An existing directory does not change.
///
/// # Errors
/// Names the directory that cannot be made.
pub(crate) fn make_private_dir(dir: &Path) -> anyhow::Result<()> {
    if dir.is_file() {
        bail!("the data directory {} is a file", dir.display());
    }
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.with_context(|| cannot_make(dir))
}

fn cannot_make(dir: &Path) -> String {
    let is_default = dir == Path::new(HOMELESS);
    let hint = if is_default { " (the default where HOME is not set; name another by --data)" } else { "" };
    format!("cannot make the directory {}{hint}", dir.display())
}
