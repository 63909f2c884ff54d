//! Parses the whole command line: flags, environment and file, and checks that involve two settings. It must not read
//! anything but the given settings file.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};
use parlor_settings::file;

/// The subcommands whose flags are the settings; a file can set these too.
const WITH_SETTINGS: [&str; 2] = ["serve", "audit"];

/// Minimum size of a client's outbox, in lines of maximum length: otherwise one line would disconnect all its
/// recipients. JSON makes two bytes of a quotation mark, and adds names and numbers.
const QUEUED_LINES: usize = 4;

/// Parses a command line of `root`. If its subcommand has settings and `--config` or `PARLOR_CONFIG` names a file, this
/// reads the file, and its values replace the defaults.
///
/// # Errors
/// A usage error, also for a file that cannot be read, an unknown key and a bad value; it names file and key.
pub(crate) fn parse(root: Command, args: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let matches = file::parse(&root, &WITH_SETTINGS, args)?;
    if let Some((name, given)) = matches.subcommand().filter(|(name, _)| WITH_SETTINGS.contains(name)) {
        check(given).map_err(|(kind, message)| file::usage(&root, name, kind, &message))?;
    }
    Ok(matches)
}

fn check(given: &ArgMatches) -> Result<(), (ErrorKind, String)> {
    if given.contains_id("tls_cert") != given.contains_id("tls_key") {
        let message = "--tls-cert and --tls-key are needed together".to_owned();
        return Err((ErrorKind::MissingRequiredArgument, message));
    }
    let size = |id| given.get_one::<usize>(id).copied();
    match (size("max_line_bytes"), size("max_queued_bytes")) {
        (Some(line), Some(queued)) if queued < QUEUED_LINES * line => {
            let message = format!(
                "--max-queued-bytes has to be at least four times --max-line-bytes, {} bytes, since everybody who hears \
                 a line is sent it with more around it",
                QUEUED_LINES * line
            );
            Err((ErrorKind::ValueValidation, message))
        }
        _ => Ok(()),
    }
}
