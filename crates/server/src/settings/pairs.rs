//! The command line as a whole: flags, environment and file, and what no single setting can say of itself since it
//! spans two. It must not read anything but the file of settings that is named.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};
use parlor_settings::file;

/// The subcommands whose flags are the settings, which a file may set.
const WITH_SETTINGS: [&str; 2] = ["serve", "audit"];

/// Parses a command line of `root`. If it is one with settings and names a file by `--config` or `PARLOR_CONFIG`, the
/// file's values take the place of the defaults. Reads that file.
///
/// # Errors
/// A usage error, also for a file that cannot be read, an unknown key and a bad value; it names file and key.
pub(crate) fn parse(root: Command, args: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let matches = file::parse(&root, &WITH_SETTINGS, args)?;
    match matches.subcommand().filter(|(name, _)| WITH_SETTINGS.contains(name)) {
        Some((name, given)) if given.contains_id("tls_cert") != given.contains_id("tls_key") => {
            let message = "--tls-cert and --tls-key are needed together";
            Err(file::usage(&root, name, ErrorKind::MissingRequiredArgument, message))
        }
        _ => Ok(matches),
    }
}
