//! The installation that a command works on: the data directory or the Redis of a server that has run. It must not
//! create an installation: only `parlor serve` does, and what brings everything from elsewhere (`parlor import`).

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use parlor_settings::path;
use parlor_store::sqlite;

use super::default_data_dir;

/// What a server makes in its data directory. Each proves that there is an installation.
const TRACES: [&str; 3] = [sqlite::FILE_NAME, "server.lock", "tls"];

/// The file of a data directory whose server keeps everything in a Redis. It has the address of that Redis.
const REDIS_NOTE: &str = "server.redis";

/// Flags that name the installation.
#[derive(Debug, Clone, Args)]
pub(crate) struct InstallationArgs {
    /// Settings file of the server [default: /etc/parlor/parlor.toml, if it exists and no flag and no variable names an
    /// installation]
    #[arg(long, env = "PARLOR_CONFIG", value_name = "FILE", value_parser = path::parser())]
    pub(crate) config: Option<PathBuf>,

    /// Data directory of the server [default: that of the settings file, else $XDG_DATA_HOME/parlor, or
    /// ~/.local/share/parlor]
    #[arg(long, env = "PARLOR_DATA", value_name = "DIR", default_value_os_t = default_data_dir())]
    #[arg(hide_default_value = true, value_parser = path::parser())]
    pub(crate) data: PathBuf,
}

impl InstallationArgs {
    /// Writes one line to standard error that says what the command uses.
    pub(crate) fn announce(&self, used: impl fmt::Display) {
        announce(used, self.config.as_deref());
    }
}

/// Writes one line to standard error that says what the command uses, and which settings file led to it.
pub(crate) fn announce(used: impl fmt::Display, config: Option<&Path>) {
    let config = config.map(|config| format!(", settings of {}", config.display())).unwrap_or_default();
    // The command does its work also where nobody reads this.
    let _ = writeln!(io::stderr(), "using {used}{config}");
}

/// Whether a server has used the data directory.
///
/// # Errors
/// This user cannot look into the directory.
pub(crate) fn exists(data: &Path) -> anyhow::Result<bool> {
    for trace in TRACES {
        if is_there(&data.join(trace))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Refuses a data directory that no server has used.
///
/// # Errors
/// There is no installation, or this user cannot look into the directory.
pub(crate) fn require(data: &Path) -> anyhow::Result<()> {
    if !exists(data)? {
        bail!("{}", Missing(data));
    }
    Ok(())
}

/// Returns the database of the data directory.
///
/// # Errors
/// There is no database, or this user cannot look into the directory.
pub(crate) fn database(data: &Path) -> anyhow::Result<PathBuf> {
    require(data)?;
    let path = data.join(sqlite::FILE_NAME);
    if !is_there(&path)? {
        bail!(
            "{} has no database: its server keeps the accounts in a Redis, or has not started yet; name the Redis by \
             --redis or PARLOR_REDIS, or start the server once",
            data.display()
        );
    }
    // What has moved says so itself.
    if let (Ok(redis), Ok(None)) = (fs::read_to_string(data.join(REDIS_NOTE)), sqlite::left(data)) {
        bail!(
            "{} is not used: its server keeps the accounts in {redis}; name that by --redis or PARLOR_REDIS, or start the \
             server once without it",
            path.display()
        );
    }
    Ok(path)
}

/// Notes beside a database that its server keeps everything in the Redis of this address, which has no password.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn note_redis(data: &Path, address: &str) -> io::Result<()> {
    if !data.join(sqlite::FILE_NAME).try_exists()? {
        return Ok(());
    }
    fs::write(data.join(REDIS_NOTE), address)
}

/// Notes that the database in the data directory is used.
///
/// # Errors
/// The file that says something else cannot be deleted.
pub(crate) fn note_database(data: &Path) -> io::Result<()> {
    match fs::remove_file(data.join(REDIS_NOTE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn is_there(path: &Path) -> anyhow::Result<bool> {
    match path.try_exists() {
        // A file where the directory should be.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(error).with_context(|| format!("cannot look at {}; run the command as root", path.display()))
        }
        looked => looked.with_context(|| format!("cannot look at {}", path.display())),
    }
}

/// The refusal of a directory without an installation.
struct Missing<'a>(&'a Path);

impl fmt::Display for Missing<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.display();
        if self.0.is_file() {
            return write!(out, "{shown} is a file, not the data directory of a server");
        }
        write!(
            out,
            "there is no Parlor installation in {shown}: start the server once, or name the installation by --data, \
             --config or --redis"
        )
    }
}
