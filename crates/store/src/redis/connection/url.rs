//! The address of Redis as an operator writes it. It must not connect, nor show the password.

use std::fmt;
use std::str::FromStr;

use ::redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};

/// Default port of Redis.
const REDIS_PORT: u16 = 6379;

/// Default port of a Sentinel.
const SENTINEL_PORT: u16 = 26379;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::redis) struct Address {
    pub(in crate::redis) host: String,
    pub(in crate::redis) port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(out, "[{host}]:{port}") } else { write!(out, "{host}:{port}") }
    }
}

/// How to find the node to talk to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::redis) enum Seeds {
    /// This node. In a Cluster it returns the other nodes.
    Node(Address),
    /// These Sentinels know the master with this name.
    Sentinels(Vec<Address>, String),
}

/// The address of Redis and the login: `redis://[user:password@]host[:port]`, `rediss://…` for TLS, and
/// `redis+sentinel://[user:password@]host[:port][,host[:port]…]/master` for Sentinels. A Cluster is named by any of its
/// nodes.
#[derive(Clone)]
pub struct RedisUrl {
    pub(in crate::redis) seeds: Seeds,
    pub(in crate::redis) is_tls: bool,
    pub(in crate::redis) login: RedisConnectionInfo,
}

impl FromStr for RedisUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_socket(text) {
            return Err("a Redis on a Unix socket is not supported: let it listen on TCP (`port 6379`), and write \
                        redis://127.0.0.1:6379"
                .to_owned());
        }
        let (scheme, rest) = text.split_once("://").ok_or("a Redis URL begins with redis:// or rediss://")?;
        check_login(rest)?;
        match scheme {
            "redis" | "rediss" => single(text),
            "redis+sentinel" => sentinels(rest, false),
            "rediss+sentinel" => sentinels(rest, true),
            // The text before :// may be a part of a password.
            _ => Err("a Redis URL begins with redis://, rediss://, redis+sentinel:// or rediss+sentinel://".to_owned()),
        }
    }
}

/// Whether the text names a Unix socket, in any of the usual forms.
fn is_socket(text: &str) -> bool {
    let is_scheme = |scheme: &str| scheme.contains("unix") || scheme.contains("socket");
    text.starts_with(['/', '.'])
        || text.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme))
        || ["redis:///", "rediss:///"].iter().any(|start| text.starts_with(start))
}

/// Refuses a user name or a password with a character that would end it. The rest would be taken for the host, which
/// messages show.
fn check_login(rest: &str) -> Result<(), String> {
    const ENDS: [char; 4] = ['#', '/', '?', '@'];
    let login = rest.rsplit_once('@').map_or("", |(login, _)| login);
    if login.contains(ENDS) {
        return Err("user name and password must be percent-encoded: # as %23, / as %2F, ? as %3F, @ as %40".to_owned());
    }
    Ok(())
}

fn single(text: &str) -> Result<RedisUrl, String> {
    // The library's message may quote the text, which contains the password.
    let info = text.into_connection_info().map_err(|_| "this is not a URL of a Redis".to_owned())?;
    let (host, port, is_tls) = match info.addr() {
        ConnectionAddr::Tcp(host, port) => (host.clone(), *port, false),
        ConnectionAddr::TcpTls { host, port, insecure: false, .. } => (host.clone(), *port, true),
        ConnectionAddr::TcpTls { .. } => return Err("certificates are always verified; see --redis-ca".to_owned()),
        _ => return Err("a Redis on a Unix socket is not supported".to_owned()),
    };
    let login = info.redis_settings().clone();
    if login.db() != 0 {
        return Err("the database must be 0: channels are the same in all databases of a Redis".to_owned());
    }
    Ok(RedisUrl { seeds: Seeds::Node(Address { host, port }), is_tls, login })
}

fn sentinels(rest: &str, is_tls: bool) -> Result<RedisUrl, String> {
    let (login, rest) = rest.rsplit_once('@').map_or(("", rest), |(login, rest)| (login, rest));
    let (hosts, name) = rest.split_once('/').ok_or("a URL of Sentinels ends with / and the name of the master")?;
    if name.is_empty() || name.contains('/') {
        return Err("a URL of Sentinels ends with / and the name of the master".to_owned());
    }
    let addresses = hosts.split(',').map(address).collect::<Result<Vec<_>, _>>()?;
    // A URL of one node, only to parse the login.
    let at = if login.is_empty() { String::new() } else { format!("{login}@") };
    let RedisUrl { login, .. } = single(&format!("redis://{at}localhost:{REDIS_PORT}"))?;
    Ok(RedisUrl { seeds: Seeds::Sentinels(addresses, name.to_owned()), is_tls, login })
}

fn address(text: &str) -> Result<Address, String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().map_err(|_| "a port is no number".to_owned())?),
        None => (text, SENTINEL_PORT),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() { Err("a host is missing".to_owned()) } else { Ok(Address { host: host.to_owned(), port }) }
}

impl RedisUrl {
    /// Whether all traffic is encrypted.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Whether it contains a password.
    pub fn has_password(&self) -> bool {
        self.login.password().is_some()
    }

    /// The hosts in the URL, as they were written.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        let addresses = match &self.seeds {
            Seeds::Node(node) => std::slice::from_ref(node),
            Seeds::Sentinels(addresses, _) => addresses,
        };
        addresses.iter().map(|address| address.host.as_str())
    }

    /// How to connect to one node.
    ///
    /// # Errors
    /// The address is invalid.
    pub(in crate::redis) fn node(&self, node: &Address) -> ::redis::RedisResult<ConnectionInfo> {
        let Address { host, port } = node.clone();
        let addr = if self.is_tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        Ok(addr.into_connection_info()?.set_redis_settings(self.login.clone()))
    }
}

/// Prints the URL without the password.
impl fmt::Display for RedisUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = if self.is_tls { "s" } else { "" };
        match &self.seeds {
            Seeds::Node(node) => write!(out, "redis{tls}://{node}"),
            Seeds::Sentinels(addresses, name) => {
                let addresses: Vec<_> = addresses.iter().map(Address::to_string).collect();
                write!(out, "redis{tls}+sentinel://{}/{name}", addresses.join(","))
            }
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "RedisUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<RedisUrl>().unwrap().to_string()
    }

    #[test]
    fn urls_are_shown_without_secrets() {
        assert_eq!(shown("redis://localhost"), "redis://localhost:6379");
        assert_eq!(shown("rediss://ann:secret@db.example.org:7000/0"), "rediss://db.example.org:7000");
        assert_eq!(shown("redis+sentinel://:secret@a,b:1/main"), "redis+sentinel://a:26379,b:1/main");
        assert_eq!(format!("{:?}", "redis://:secret@h".parse::<RedisUrl>().unwrap()), "RedisUrl(redis://h:6379)");
    }

    #[test]
    fn logins_are_kept() {
        let url: RedisUrl = "redis+sentinel://ann:secret@a/main".parse().unwrap();
        assert_eq!((url.login.username(), url.login.password()), (Some("ann"), Some("secret")));
    }

    #[test]
    fn a_password_that_is_not_encoded_is_refused_with_the_remedy() {
        for scheme in ["redis", "rediss", "redis+sentinel", "rediss+sentinel"] {
            for password in ["sec#ret", "sec/ret", "sec?ret", "sec@ret", "#secret", "secret/", "@", "a@b/c#d?e"] {
                let text = format!("{scheme}://ann:{password}@h/main");
                let error = text.parse::<RedisUrl>().map(|url| url.to_string()).unwrap_err();
                assert!(error.contains("%23") && error.contains("percent-encoded"), "{text}: {error}");
            }
        }
        let url: RedisUrl = "redis://:a%23b%2Fc%3Fd%40e@h".parse().unwrap();
        assert_eq!((url.login.password(), url.to_string().as_str()), (Some("a#b/c?d@e"), "redis://h:6379"));
    }

    #[test]
    fn a_unix_socket_is_refused_as_such() {
        for text in [
            "/run/redis.sock",
            "./redis.sock",
            "unix:/run/redis.sock",
            "unix:///run/redis.sock",
            "redis+unix:///run/redis.sock",
            "redis-socket:///run/redis.sock",
            "redis:///run/redis.sock",
        ] {
            let error = text.parse::<RedisUrl>().unwrap_err();
            assert!(error.contains("Unix socket is not supported") && error.contains("TCP"), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused_without_its_password() {
        for wrong in
            ["localhost", "secret://x", "redis://:secret@", "redis+sentinel://a:b", "redis+sentinel://a:secret/m"]
        {
            let error = wrong.parse::<RedisUrl>().unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        let insecure = "rediss://h/#insecure".parse::<RedisUrl>().unwrap_err();
        assert!(insecure.contains("certificates are always verified"), "{insecure}");
        assert!("redis://h/1".parse::<RedisUrl>().is_err());
    }

    #[test]
    fn hosts_and_ports_are_read_in_each_form() {
        for (text, shown) in [
            ("redis://[2001:db8::1]", "redis://[2001:db8::1]:6379"),
            ("rediss://[::1]:7000/", "rediss://[::1]:7000"),
            ("rediss+sentinel://[::1]:7000,b/main", "rediss+sentinel://[::1]:7000,b:26379/main"),
            ("redis+sentinel://a:65535/m", "redis+sentinel://a:65535/m"),
        ] {
            assert_eq!(self::shown(text), shown);
        }
        let url: RedisUrl = "rediss+sentinel://a,b:7/main".parse().unwrap();
        assert_eq!((url.hosts().collect::<Vec<_>>(), url.is_tls(), url.has_password()), (vec!["a", "b"], true, false));
        let url: RedisUrl = "redis://:x@h:7".parse().unwrap();
        assert_eq!((url.hosts().collect::<Vec<_>>(), url.is_tls(), url.has_password()), (vec!["h"], false, true));
    }

    #[test]
    fn sentinels_need_hosts_ports_and_one_name_of_a_master() {
        for (text, why) in [
            ("redis+sentinel://a", "ends with / and the name of the master"),
            ("redis+sentinel://a/", "ends with / and the name of the master"),
            ("redis+sentinel://a/main/0", "ends with / and the name of the master"),
            ("redis+sentinel://a,/main", "a host is missing"),
            ("redis+sentinel:///main", "a host is missing"),
            ("redis+sentinel://:7/main", "a host is missing"),
            ("redis+sentinel://a:/main", "a port is no number"),
            ("redis+sentinel://a:65536/main", "a port is no number"),
            ("redis+sentinel://a:-1/main", "a port is no number"),
        ] {
            let error = text.parse::<RedisUrl>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn each_node_is_reached_with_the_login_of_the_url_and_its_encryption() {
        let node = Address { host: "n".to_owned(), port: 7 };
        let info = |text: &str| text.parse::<RedisUrl>().unwrap().node(&node).unwrap();
        let plain = info("redis+sentinel://ann:secret@a/main");
        assert!(matches!(plain.addr(), ConnectionAddr::Tcp(host, 7) if host == "n"));
        assert_eq!(
            (plain.redis_settings().username(), plain.redis_settings().password()),
            (Some("ann"), Some("secret"))
        );
        let verified = info("rediss://a");
        assert!(
            matches!(verified.addr(), ConnectionAddr::TcpTls { host, port: 7, insecure: false, .. } if host == "n")
        );
        assert_eq!(verified.redis_settings().password(), None);
    }
}
