//! `parlor check`: asks one server for its greeting and looks whether its store takes messages, as a health check does. It
//! must not log in.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use parlor_client::{Address, Connector, Pin, Timeouts, Trust};
use parlor_settings::{Network, listen, path};
use parlor_store::{redis, sqlite};

use crate::backend;
use crate::settings::{self, InstallationArgs, RedisArgs, installation, parse_duration};
use crate::tls::{self, Authority, TlsName};

/// Server name that this command passes to the Redis configuration.
const NAME: &str = "parlor check";

const EXAMPLES: &str = "\
Examples:
  The server on this machine:
      parlor check
  One elsewhere, verified by its CA file, or by its key:
      parlor check chat.example.org --ca ca.pem
      parlor check chat.example.org --pin sha256:…

The server has to shake hands over TLS with a certificate that is trusted, and to
greet. A server on this machine proves itself by the certificate that it was given
(--tls-cert), or by the authority in its TLS directory; all others by --ca, --pin, or
the system's root certificates.

Of a server on this machine that keeps a database in --data, the database is looked at, too:
what a login and a message need of it must be readable, and a row is written. Where the
server keeps its data in a Redis, Redis is asked whether it takes messages: it does not if its
memory is full. A Redis that cannot be reached is no fault of the server, and only mentioned.
All this is left out with --ca or --pin, for the server may be another one; and for users who
may not read the database, who are told so.

Exit codes:
  0  the server answers, and its store works
  1  it does not, or messages are refused; standard error says why";

/// Check that a server answers and that its store takes messages
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    /// Server; an IPv6 address stands in brackets, the port is 7878 if none is given [default: --listen of the server on
    /// this machine]
    #[arg(value_name = "HOST[:PORT]")]
    address: Option<Address>,

    /// Addresses of the server on this machine
    #[arg(long, env = "PARLOR_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:7878", hide = true)]
    #[arg(value_delimiter = ',', value_parser = listen::parse)]
    listen: Vec<SocketAddr>,

    /// Trust a server whose certificate was issued by an authority in this PEM file
    #[arg(long, value_name = "FILE", conflicts_with = "pin", value_parser = path::parser())]
    ca: Option<PathBuf>,

    /// Trust the server that has this key
    #[arg(long, value_name = "PIN")]
    pin: Option<Pin>,

    /// The server on this machine.
    #[command(flatten)]
    installation: InstallationArgs,

    /// TLS directory of the server on this machine [default: tls in the data directory]
    #[arg(long, env = "PARLOR_TLS_DIR", value_name = "DIR", value_parser = path::parser())]
    tls_dir: Option<PathBuf>,

    /// Certificate that the server on this machine was given
    #[arg(long, env = "PARLOR_TLS_CERT", value_name = "FILE", value_parser = path::parser())]
    tls_cert: Option<PathBuf>,

    /// Balancers of the server on this machine
    #[arg(long, env = "PARLOR_PROXY_FROM", value_name = "ADDR[/PREFIX]", value_delimiter = ',', hide = true)]
    proxy_from: Vec<Network>,

    #[command(flatten)]
    redis: RedisArgs,

    /// Time for each of connecting, TLS and the greeting
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = parse_duration)]
    timeout: Duration,
}

/// Asks for the greeting, looks at the store, and says who answered on standard output. Blocks for some timeouts at most.
///
/// # Errors
/// One line that says why there is no answer, or none to be trusted, or what is wrong with the store.
pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<()> {
    let timeouts = Timeouts { connect: args.timeout, ..Timeouts::default() };
    let address = args.address()?;
    let connector = Connector::new(address.clone(), &args.trust()?)?.with_timeouts(timeouts);
    let connector = if args.is_balancer()? { connector.with_preamble(&parlor_proxy_header::LOCAL) } else { connector };
    // The error's text contains its sources.
    let greeted = connector.open().map_err(|error| anyhow!("{error}"))?;
    let answers = format!("{} answers on {}", greeted.server(), address);
    let unseen = args.look_at_store().map_err(|problem| anyhow!("{answers}, but {problem}"))?;
    let mut out = io::stdout();
    writeln!(out, "{answers}")?;
    unseen.map_or(Ok(()), |unseen| Ok(writeln!(out, "{unseen}")?))
}

impl CheckArgs {
    /// The server that is asked: the one that is named, or the one that the settings of this machine are for.
    fn address(&self) -> anyhow::Result<Address> {
        match &self.address {
            Some(address) => Ok(address.clone()),
            None => Ok(self.listener()?.to_string().parse()?),
        }
    }

    /// An address at which the server of the settings is reached from this machine.
    fn listener(&self) -> anyhow::Result<SocketAddr> {
        let is_near = |listener: &&SocketAddr| listener.ip().is_loopback() || listener.ip().is_unspecified();
        let listener = self.listen.iter().find(is_near).or(self.listen.first()).context("--listen has no address")?;
        Ok(reachable(*listener))
    }

    /// Whether it is the server on this machine.
    fn is_here(&self) -> bool {
        self.address.as_ref().is_none_or(Address::is_loopback)
    }

    /// Whether the server on this machine takes connections of this command for those of a balancer.
    fn is_balancer(&self) -> anyhow::Result<bool> {
        let own = match &self.address {
            // A connection to an address of this machine comes from the same one.
            None => self.listener()?.ip(),
            Some(address) => match address.host().parse() {
                Ok(ip) => ip,
                Err(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            },
        };
        Ok(self.is_here() && self.proxy_from.iter().any(|network| network.contains(own)))
    }

    /// Looks at the store of a server on this machine. Returns a line that says what could not be looked at, if anything.
    ///
    /// # Errors
    /// The store takes no messages.
    fn look_at_store(&self) -> anyhow::Result<Option<String>> {
        if !self.is_here() || self.pin.is_some() || self.ca.is_some() {
            return Ok(None);
        }
        if let Some(config) = backend::redis_config(&self.redis, NAME)? {
            return match redis::probe(&config) {
                redis::Probe::Takes => Ok(None),
                redis::Probe::Refuses(why) => Err(anyhow!("messages are refused: {why}")),
                redis::Probe::Unknown(error) => Ok(Some(format!("its Redis was not looked at: {error}"))),
            };
        }
        let data = &self.installation.data;
        if self.tls_dir.as_ref().is_some_and(|dir| !dir.starts_with(data)) {
            return Ok(None);
        }
        match sqlite::probe(data)? {
            sqlite::Probe::Sound => Ok(None),
            sqlite::Probe::Absent => Ok(Some(format!(
                "its store was not looked at: {} has no database; a Redis has to be named by --redis or PARLOR_REDIS",
                data.display()
            ))),
            sqlite::Probe::NotAllowed(error) => Ok(Some(format!("its database was not looked at: {error}"))),
        }
    }

    /// What the command line says goes first; then, on this machine, what the server itself goes by.
    fn trust(&self) -> anyhow::Result<Trust> {
        if let Some(pin) = self.pin {
            return Ok(Trust::Pin(pin));
        }
        if let Some(ca) = &self.ca {
            return Ok(Trust::Ca(ca.clone()));
        }
        if !self.is_here() {
            return Ok(Trust::System);
        }
        if let Some(certificate) = &self.tls_cert {
            // The certificate has the public names of the server, so only the key can be compared here.
            self.installation.announce(certificate.display());
            let pin = tls::facts_of(certificate)?.pin.parse();
            return Ok(Trust::Pin(pin.context("the certificate has no usable pin")?));
        }
        if self.tls_dir.is_none() {
            installation::require(&self.installation.data)?;
        }
        let authority = Authority::in_dir(&settings::tls_dir(self.tls_dir.as_deref(), &self.installation.data));
        let ca = authority.ca_path();
        if !ca.try_exists()? {
            return Ok(Trust::System);
        }
        self.installation.announce(ca.display());
        if self.address.is_none() {
            // Nobody need have asked for a certificate with the address on which the server listens.
            let (facts, ip) = (authority.certificate_facts()?, self.listener()?.ip());
            if !facts.names.contains(&TlsName::Ip(ip)) {
                return Ok(Trust::Pin(facts.pin.parse().context("the certificate has no usable pin")?));
            }
        }
        Ok(Trust::Ca(ca))
    }
}

/// An address at which a listener is reached from its own machine.
fn reachable(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}
