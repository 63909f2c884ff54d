//! `parlor audit`: checks the settings and files of a server for weaknesses that an attacker could use. It must not
//! change anything, and connects to nothing but the Redis of the server.

mod accounts;
mod certificate;
mod database;
mod exposure;
mod files;
mod machine;
mod operators;
mod rooms;
mod store;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use crate::settings::{CertificateFiles, Settings, installation};

pub(crate) const EXAMPLES: &str =
    "Give it the settings that the server has: the same flags, variables and file. It looks at
the modes of files, for damage at all of the database (3 to 10 s for each GiB), at
certificates, at what strangers can reach and do, at operators who do not come and rooms
without an owner, at Redis, and at the limits of this machine. It changes nothing, and connects
to nothing but Redis.

Examples:
  parlor audit
  sudo parlor audit --config /etc/parlor/parlor.toml --data /var/lib/parlor
  parlor audit --listen 0.0.0.0:7878 --json | jq '.findings[] | .cure'

Exit codes:
  0  nothing serious
  1  something serious, or it could not be looked at
  2  settings that the server would not start with";

/// Look for weak settings and files that are open to others
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    settings: Settings,

    /// Print a JSON object, for scripts
    #[arg(long)]
    json: bool,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    /// It gives an attacker access, or will stop the service.
    Serious,
    /// It makes an attack easier, or will become serious later.
    Warning,
}

/// A weakness.
#[derive(Debug, Serialize)]
struct Finding {
    severity: Severity,
    /// Kind of finding, for scripts.
    check: &'static str,
    /// The problem, in one line.
    what: String,
    /// The remedy, in one line.
    cure: String,
}

impl Finding {
    fn serious(check: &'static str, what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { severity: Severity::Serious, check, what: what.into(), cure: cure.into() }
    }

    fn warning(check: &'static str, what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, check, what: what.into(), cure: cure.into() }
    }

    /// Finding for a file that may exist but cannot be examined.
    fn not_looked_at(file: &Path, error: &io::Error) -> Self {
        let what = format!("{} cannot be looked at: {error}", file.display());
        let cure = "run parlor audit as the server's own user or as root, and see that the path leads to a file";
        Self::serious("not-looked-at", what, cure)
    }
}

/// All findings, the serious ones first.
#[derive(Debug, Serialize)]
struct Report {
    serious: usize,
    warnings: usize,
    findings: Vec<Finding>,
}

/// Runs all checks and prints the findings to standard output. The exit code is 1 if there is a serious finding.
///
/// # Errors
/// There is no installation, or standard output cannot be written.
pub(crate) fn run(args: &AuditArgs) -> anyhow::Result<ExitCode> {
    args.announce()?;
    let report = Report::of(&args.settings);
    let mut out = io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &report)?;
        writeln!(out)?;
    } else {
        report.write(&mut out)?;
    }
    out.flush()?;
    Ok(if report.serious > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl AuditArgs {
    /// Tells on standard error what is looked at. Refuses a place where there is nothing.
    fn announce(&self) -> anyhow::Result<()> {
        let Settings { redis, data, config, .. } = &self.settings;
        let is_own = matches!(self.settings.certificate(), CertificateFiles::Own { .. });
        // A directory that this user cannot look into is a finding.
        if redis.redis.is_none() && !is_own && !installation::exists(data).unwrap_or(true) {
            installation::require(data)?;
        }
        match &redis.redis {
            Some(url) => installation::announce(format_args!("{} and {url}", data.display()), config.as_deref()),
            None => installation::announce(data.display(), config.as_deref()),
        }
        Ok(())
    }
}

impl Report {
    fn of(settings: &Settings) -> Self {
        let mut findings = Vec::new();
        files::look(settings, &mut findings);
        database::look(settings, &mut findings);
        certificate::look(settings, &mut findings);
        exposure::look(settings, &mut findings);
        accounts::look(settings, &mut findings);
        let overview = store::overview(settings, &mut findings);
        operators::look(&overview.operators, &mut findings);
        rooms::look(&overview.ownerless_rooms, &mut findings);
        machine::look(settings, &mut findings);
        findings.sort_by_key(|finding| finding.severity);
        let serious = findings.iter().filter(|finding| finding.severity == Severity::Serious).count();
        Self { serious, warnings: findings.len() - serious, findings }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        if self.findings.is_empty() {
            return writeln!(out, "nothing found");
        }
        for Finding { severity, check, what, cure } in &self.findings {
            let severity = match severity {
                Severity::Serious => "serious",
                Severity::Warning => "warning",
            };
            writeln!(out, "{severity}  {check}: {what}; {cure}")?;
        }
        Ok(())
    }
}
