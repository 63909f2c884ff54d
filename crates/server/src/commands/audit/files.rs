//! Audits files that users other than the server's own can read or change. It must not open the database, since that
//! would create it.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use parlor_store::sqlite;
use toml::Table;

use super::Finding;
use crate::settings::{CertificateFiles, Settings};
use crate::tls::Authority;

/// Permissions of the group, and of all others.
const GROUP_AND_OTHERS: u32 = 0o077;
const OTHERS: u32 = 0o007;
/// Write permissions of users other than the owner.
const WRITE: u32 = 0o022;

/// Missing files have no findings: the server makes them private.
pub(super) fn look(settings: &Settings, findings: &mut Vec<Finding>) {
    directory(&settings.data, findings);
    let database = settings.data.join(sqlite::FILE_NAME);
    for suffix in ["", "-wal", "-shm", ".stamp"] {
        let mut name = database.clone().into_os_string();
        name.push(suffix);
        content(Path::new(&name), findings);
    }
    for key in keys(settings) {
        private_key(&key, findings);
    }
    if let Some(file) = &settings.config {
        settings_file(file, findings);
    }
}

/// Returns the permissions of a file: 0 if it does not exist or cannot be examined. The latter is a finding.
fn mode(path: &Path, findings: &mut Vec<Finding>) -> u32 {
    match fs::metadata(path) {
        Ok(metadata) => metadata.mode() & 0o7777,
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => {
            findings.push(Finding::not_looked_at(path, &error));
            0
        }
    }
}

/// The data directory: a user that may enter it can reach the files in it.
fn directory(dir: &Path, findings: &mut Vec<Finding>) {
    let mode = mode(dir, findings);
    if mode & GROUP_AND_OTHERS == 0 {
        return;
    }
    let shown = dir.display();
    let what = format!("others can enter the data directory {shown} (mode {mode:04o})");
    let cure = format!("chmod 700 {shown}");
    // The files in it are private themselves, but a user with write permission on it can replace them.
    findings.push(match mode & (OTHERS | WRITE) {
        0 => Finding::warning("data-directory-mode", what, cure),
        _ => Finding::serious("data-directory-mode", what, cure),
    });
}

/// A file of the database, with messages and password hashes.
fn content(file: &Path, findings: &mut Vec<Finding>) {
    let mode = mode(file, findings);
    if mode & GROUP_AND_OTHERS != 0 {
        let shown = file.display();
        let what = format!("others can read or change the database file {shown} (mode {mode:04o})");
        findings.push(Finding::serious("database-mode", what, format!("chmod 600 {shown}")));
    }
}

fn keys(settings: &Settings) -> Vec<PathBuf> {
    match settings.certificate() {
        CertificateFiles::Own { key, .. } => vec![key],
        CertificateFiles::Made { dir } => {
            let authority = Authority::in_dir(&dir);
            vec![authority.key_path(), authority.ca_key_path()]
        }
    }
}

fn private_key(file: &Path, findings: &mut Vec<Finding>) {
    let mode = mode(file, findings);
    if mode & GROUP_AND_OTHERS != 0 {
        let shown = file.display();
        let what = format!("others can read or change the private key {shown} (mode {mode:04o})");
        findings.push(Finding::serious("key-mode", what, format!("make a new one, and: chmod 600 {shown}")));
    }
}

/// The settings file: other users must not change it, nor read a password in it.
fn settings_file(file: &Path, findings: &mut Vec<Finding>) {
    let mode = mode(file, findings);
    let shown = file.display();
    if mode & WRITE != 0 {
        let what = format!("others can change the settings in {shown} (mode {mode:04o})");
        findings.push(Finding::serious("settings-mode", what, format!("chmod 644 {shown}")));
    }
    if mode & GROUP_AND_OTHERS != 0 && holds_password(file) {
        let what = format!("others can read the password of Redis in {shown} (mode {mode:04o})");
        let cure = format!("change the password, and: chmod 600 {shown}");
        findings.push(Finding::serious("settings-password", what, cure));
    }
}

/// Whether the file contains the URL of a Redis with a password.
fn holds_password(file: &Path) -> bool {
    let url = fs::read_to_string(file).ok().and_then(|text| text.parse::<Table>().ok()).and_then(|table| {
        let url = table.get("redis")?.as_str()?;
        url.parse::<parlor_store::redis::RedisUrl>().ok()
    });
    url.is_some_and(|url| url.has_password())
}
