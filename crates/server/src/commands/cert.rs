//! `parlor cert`: shows the certificate of the server, and renews one that the server made. It must not change certificates
//! of the operator.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args, Subcommand};
use parlor_settings::path;

use crate::settings::{self, InstallationArgs, installation};
use crate::tls::{Authority, CertificateInfo, Renewal, TlsName, facts_of};

const EXAMPLES: &str = "Examples:
  parlor cert show
  parlor cert init --data /var/lib/parlor --tls-name chat.example.org
  parlor cert init --force";

const SHOW_EXAMPLES: &str = "Examples:
  parlor cert show
  parlor cert show --data /var/lib/parlor";

const INIT_EXAMPLES: &str =
    "A renewed certificate keeps the authority and the key of the old one, so clients that verify with
ca.pem or with the pin notice nothing. A running server shows it after `kill -HUP`.

Examples:
  parlor cert init
  parlor cert init --tls-name chat.example.org --tls-name 192.0.2.7
  parlor cert init --force
  parlor cert init --if-needed --tls-name chat.example.org     # at each start, or from cron";

/// Show or renew the certificate that the server made for itself
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CertArgs {
    #[command(subcommand)]
    action: CertAction,
}

#[derive(Debug, Subcommand)]
enum CertAction {
    /// Show the authority's file, the names, the ends of validity and the pin
    #[command(after_help = SHOW_EXAMPLES)]
    Show(TlsDirArgs),
    /// Make the authority and the server's certificate, or renew the latter
    #[command(after_help = INIT_EXAMPLES)]
    Init(InitArgs),
}

/// Where the certificate lies.
#[derive(Debug, Args)]
struct TlsDirArgs {
    #[command(flatten)]
    installation: InstallationArgs,

    /// Directory of ca.pem, ca.key, server.pem and server.key [default: tls in the data directory]
    #[arg(long, env = "PARLOR_TLS_DIR", value_name = "DIR", value_parser = path::parser())]
    tls_dir: Option<PathBuf>,

    /// Certificate that the server was given, which it uses in place of the one in that directory
    #[arg(long, env = "PARLOR_TLS_CERT", value_name = "FILE", value_parser = path::parser())]
    tls_cert: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct InitArgs {
    #[command(flatten)]
    place: TlsDirArgs,

    /// DNS name or IP address besides localhost and the host name; repeatable [default: those of the old certificate]
    #[arg(long, env = "PARLOR_TLS_NAME", value_name = "NAME", value_delimiter = ',')]
    tls_name: Vec<TlsName>,

    /// Renew a certificate that is still valid
    #[arg(long)]
    force: bool,

    /// Renew only a certificate that ends within 30 days or lacks a name given here; one that stays is no error
    #[arg(long, conflicts_with = "force")]
    if_needed: bool,
}

impl TlsDirArgs {
    fn authority(&self) -> Authority {
        Authority::in_dir(&settings::tls_dir(self.tls_dir.as_deref(), &self.installation.data))
    }
}

/// Runs the subcommand and writes the certificate's facts to standard output.
///
/// # Errors
/// One line that names the file that is missing or wrong.
pub(crate) fn run(args: &CertArgs) -> anyhow::Result<()> {
    match &args.action {
        CertAction::Show(TlsDirArgs { tls_cert: Some(chain), .. }) => show_given(chain),
        CertAction::Show(place) => {
            if place.tls_dir.is_none() {
                installation::require(&place.installation.data)?;
            }
            show(&place.authority())
        }
        CertAction::Init(init) => renew(init),
    }
}

fn show(authority: &Authority) -> anyhow::Result<()> {
    if !authority.certificate_path().try_exists()? {
        let path = authority.certificate_path();
        bail!("there is no certificate {}; make one by: parlor cert init", path.display());
    }
    let ca = authority.facts()?;
    let mut out = io::stdout().lock();
    writeln!(out, "CA file:             {}", authority.ca_path().display())?;
    writeln!(out, "CA valid until:      {}", ca.not_after)?;
    write_certificate(&mut out, &authority.certificate_path(), &authority.certificate_facts()?)
}

fn show_given(chain: &Path) -> anyhow::Result<()> {
    write_certificate(&mut io::stdout().lock(), chain, &facts_of(chain)?)
}

fn write_certificate(out: &mut impl Write, path: &Path, facts: &CertificateInfo) -> anyhow::Result<()> {
    let names: Vec<_> = facts.names.iter().map(TlsName::to_string).collect();
    writeln!(out, "certificate:         {}", path.display())?;
    writeln!(out, "names:               {}", names.join(", "))?;
    writeln!(out, "valid until:         {}", facts.not_after)?;
    writeln!(out, "pin:                 {}", facts.pin)?;
    Ok(())
}

fn renew(init: &InitArgs) -> anyhow::Result<()> {
    let authority = init.place.authority();
    let renewal = match (init.force, init.if_needed) {
        (true, _) => Renewal::Forced,
        (false, true) => Renewal::IfNeeded,
        (false, false) => Renewal::IfExpired,
    };
    let renewed = authority.renew(&init.tls_name, renewal)?;
    if !renewed && !init.if_needed {
        let (path, end) = (authority.certificate_path(), authority.certificate_facts()?.not_after);
        bail!("{} is valid until {end}; renew it with --force", path.display());
    }
    if let Some(chain) = &init.place.tls_cert {
        // The certificate is made all the same, even if nobody reads this.
        let _ = writeln!(io::stderr(), "parlor: the server uses {} and not this certificate", chain.display());
    }
    show(&authority)
}
