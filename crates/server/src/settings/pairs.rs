//! The command line as a whole: flags, environment and file, and what no single setting can say of itself since it
//! spans two. It must not read anything but the file that `parlor serve` is given.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};
use parlor_settings::file;

/// The subcommand whose flags a file may set.
const SERVE: &str = "serve";

/// Parses a command line of `root`. If it is one of `serve` and names a file by `--config` or `PARLOR_CONFIG`, the
/// file's values take the place of the defaults. Reads that file.
///
/// # Errors
/// A usage error, also for a file that cannot be read, an unknown key and a bad value; it names file and key.
pub(crate) fn parse(root: Command, args: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let matches = file::parse(&root, SERVE, args)?;
    match matches.subcommand().filter(|(name, _)| *name == SERVE) {
        Some((_, serve)) if serve.contains_id("tls_cert") != serve.contains_id("tls_key") => {
            let message = "--tls-cert and --tls-key are needed together";
            Err(file::usage(&root, SERVE, ErrorKind::MissingRequiredArgument, message))
        }
        _ => Ok(matches),
    }
}
