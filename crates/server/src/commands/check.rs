//! `parlor check`: asks one server for its greeting and looks whether its database works, as a health check does. It must not
//! log in.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use parlor_client::{Address, Connector, Pin, Timeouts, Trust};
use parlor_settings::path;
use parlor_store::sqlite::{self, Probe};

use crate::settings::{self, InstallationArgs, installation, parse_duration};
use crate::tls::{self, Authority};

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
what a login and a message need of it must be readable, and a row is written. This is left
out with --ca or --pin, for the server may be another one; with PARLOR_REDIS; and for users
who may not read the database, who are told so.

Exit codes:
  0  the server answers, and its database works
  1  it does not; standard error says why";

/// Check that a server answers and that its database works
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    /// Server; an IPv6 address stands in brackets, the port is 7878 if none is given
    #[arg(value_name = "HOST[:PORT]", default_value = "127.0.0.1:7878")]
    address: Address,

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

    /// Where it is set, the server has no database
    #[arg(long, env = "PARLOR_REDIS", hide = true, hide_env_values = true)]
    redis: Option<String>,

    /// Time for each of connecting, TLS and the greeting
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = parse_duration)]
    timeout: Duration,
}

/// Asks for the greeting, looks at the database, and says who answered on standard output. Blocks for some timeouts at most.
///
/// # Errors
/// One line that says why there is no answer, or none to be trusted, or what is wrong with the database.
pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<()> {
    let timeouts = Timeouts { connect: args.timeout, ..Timeouts::default() };
    let connector = Connector::new(args.address.clone(), &args.trust()?)?.with_timeouts(timeouts);
    // The error's text contains its sources.
    let greeted = connector.open().map_err(|error| anyhow!("{error}"))?;
    let answers = format!("{} answers on {}", greeted.server(), args.address);
    let probe = if args.is_of_this_data() { sqlite::probe(&args.installation.data) } else { Ok(Probe::Absent) };
    let mut out = io::stdout();
    match probe.map_err(|error| anyhow!("{answers}, but {error}"))? {
        Probe::Absent | Probe::Sound => writeln!(out, "{answers}")?,
        Probe::NotAllowed(error) => writeln!(out, "{answers}\nits database was not looked at: {error}")?,
    }
    Ok(())
}

impl CheckArgs {
    /// Whether the server is the one that keeps its data in the data directory.
    fn is_of_this_data(&self) -> bool {
        let data = &self.installation.data;
        let has_its_tls = self.tls_dir.as_ref().is_none_or(|dir| dir.starts_with(data));
        self.address.is_loopback() && self.pin.is_none() && self.ca.is_none() && self.redis.is_none() && has_its_tls
    }

    /// What the command line says goes first; then, on this machine, what the server itself goes by.
    fn trust(&self) -> anyhow::Result<Trust> {
        if let Some(pin) = self.pin {
            return Ok(Trust::Pin(pin));
        }
        if let Some(ca) = &self.ca {
            return Ok(Trust::Ca(ca.clone()));
        }
        if !self.address.is_loopback() {
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
        let ca = Authority::in_dir(&settings::tls_dir(self.tls_dir.as_deref(), &self.installation.data)).ca_path();
        if !ca.try_exists()? {
            return Ok(Trust::System);
        }
        self.installation.announce(ca.display());
        Ok(Trust::Ca(ca))
    }
}
