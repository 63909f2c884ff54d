//! Audits certificates: expired ones, those that expire soon, missing names. It must not make certificates.

use std::path::Path;

use jiff::Timestamp;

use super::Finding;
use crate::settings::{CertificateFiles, Settings};
use crate::tls::{self, Authority, CertificateInfo, TlsName, Validity};

const RENEW: &str = "parlor cert init --force, then SIGHUP to the server";

pub(super) fn look(settings: &Settings, findings: &mut Vec<Finding>) {
    match settings.certificate() {
        CertificateFiles::Own { chain, .. } => {
            let shown = format!("the certificate {}", chain.display());
            judge(
                &shown,
                tls::facts_of(&chain),
                &settings.tls_name,
                "get a new one, then SIGHUP to the server",
                findings,
            );
        }
        CertificateFiles::Made { dir } => {
            let authority = Authority::in_dir(&dir);
            if is_there(&authority.certificate_path(), findings) {
                let shown = format!("the certificate {}", authority.certificate_path().display());
                judge(&shown, authority.certificate_facts(), &settings.tls_name, RENEW, findings);
            }
            if is_there(&authority.ca_path(), findings) {
                let shown = format!("the authority {}", authority.ca_path().display());
                let cure =
                    "move it and its key away, make a new one by parlor cert init --force, and give clients its file";
                judge(&shown, authority.facts(), &[], cure, findings);
            }
        }
    }
}

/// Whether the file exists. A missing file is no finding: the first start makes it.
fn is_there(file: &Path, findings: &mut Vec<Finding>) -> bool {
    file.try_exists().unwrap_or_else(|error| {
        findings.push(Finding::not_looked_at(file, &error));
        false
    })
}

fn judge(
    what: &str,
    facts: anyhow::Result<CertificateInfo>,
    names: &[TlsName],
    cure: &str,
    findings: &mut Vec<Finding>,
) {
    let facts = match facts {
        Ok(facts) => facts,
        Err(error) => {
            findings.push(Finding::serious("certificate", format!("{what} cannot be read: {error:#}"), cure));
            return;
        }
    };
    match facts.validity(Timestamp::now()) {
        Validity::Good => {}
        Validity::Ending(days) => {
            let what = format!("{what} ends {}, at {}", tls::in_days(days), facts.not_after);
            findings.push(Finding::warning("certificate-ends", what, cure));
        }
        Validity::Expired => {
            let what = format!("{what} has expired at {}", facts.not_after);
            findings.push(Finding::serious("certificate-expired", what, cure));
        }
        Validity::Early => {
            let what = format!("{what} is not valid before {}", facts.not_before);
            findings.push(Finding::serious(
                "certificate-early",
                what,
                "set the clock of this machine, or get a new one",
            ));
        }
    }
    for name in names.iter().filter(|name| !facts.names.contains(name)) {
        let what = format!("{what} does not name {name}, so clients will not accept it there");
        findings.push(Finding::warning("certificate-name", what, cure));
    }
}
