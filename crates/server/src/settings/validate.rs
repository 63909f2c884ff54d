//! Parses the whole command line: flags, environment and file, and checks that involve two settings. It must not read
//! anything but the files of settings.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use parlor_settings::command_line;
use parlor_settings::file::Defaults;
use parlor_settings::variables;

use super::WebState;
use super::package::Package;

/// Commands whose flags are all settings.
const WITH_SETTINGS: [&str; 2] = ["serve", "audit"];

/// Flags that name an installation, or make none necessary. If none of them is given, a command looks for that of the
/// package.
const NAMES_INSTALLATION: [&str; 7] = ["config", "data", "redis", "tls_dir", "tls_cert", "ca", "pin"];

/// Variables that are read without a flag: the password of `parlor connect`, and those of tests.
/// Kubernetes sets those of a service of this name.
const OTHER_VARIABLES: [&str; 6] =
    ["PARLOR_PASSWORD", "PARLOR_PLANTED_", "PARLOR_WRITE_DOCS", "PARLOR_PORT", "PARLOR_PORT_", "PARLOR_SERVICE_"];

/// Minimum size of a client's outbox, in lines of maximum length: otherwise one line would disconnect all its
/// recipients. JSON makes two bytes of a quotation mark, and adds names and numbers.
const QUEUED_LINES: usize = 4;

/// Parses a command line of `root`. If its subcommand has `--config`, the file of that flag or of `PARLOR_CONFIG`
/// replaces the defaults. All such commands but `serve` use the installation of the Debian package if there is one and
/// nothing names another.
///
/// # Errors
/// A usage error, also for a file that cannot be read, an unknown key and a bad value; it names variable, or file, line
/// and key.
pub(crate) fn parse(root: Command, args: &[OsString]) -> Result<ArgMatches, clap::Error> {
    parse_with(root, args, &Package::below(Path::new("/")))
}

/// The same, with the package in other places.
pub(super) fn parse_with(root: Command, args: &[OsString], package: &Package) -> Result<ArgMatches, clap::Error> {
    let root = variables::without_empty(root);
    let path = command_line::Path::of(&root, args);
    let command = path.command(&root);
    let refused = |why: String| path.usage(&root, ErrorKind::ValueValidation, &why);
    let matches = root.clone().try_get_matches_from(args).map_err(|error| match error.kind() {
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            variables::wrong_value(command, args).map_or(error, refused)
        }
        _ => error,
    })?;
    let given = path.matches(&matches);
    let defaults = defaults(&root, &path, given, package).map_err(refused)?;
    let matches = match defaults {
        Some(defaults) => path.change(root.clone(), |command| defaults.apply(command)).try_get_matches_from(args)?,
        None => matches,
    };
    check(&path, path.matches(&matches)).map_err(|(kind, message)| path.usage(&root, kind, &message))?;
    Ok(matches)
}

/// Returns a warning for each variable `PARLOR_…` that has no effect.
pub(crate) fn unknown_variables(root: &Command) -> Vec<String> {
    variables::unknown(root, "PARLOR_", &OTHER_VARIABLES, std::env::vars_os().map(|(name, _)| name))
}

/// Reads the settings that replace the defaults of the command, if there are any.
fn defaults(
    root: &Command,
    path: &command_line::Path,
    given: &ArgMatches,
    package: &Package,
) -> Result<Option<Defaults>, String> {
    let command = path.command(root);
    let has = |id: &str| command.get_arguments().any(|arg| arg.get_id() == id);
    let Some(settings) = root.find_subcommand("serve").filter(|_| has("config")) else { return Ok(None) };
    let keys = if path.is(&["audit"]) { command } else { settings };
    let is_named = |id: &&str| {
        let source = given.try_contains_id(id).ok().and_then(|_| given.value_source(id));
        matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
    };
    let address = given.try_get_one::<parlor_client::Address>("address").ok().flatten();
    let is_elsewhere = address.is_some_and(|address| !address.is_loopback());
    let file = given.get_one::<PathBuf>("config");
    let is_packaged = match file {
        Some(file) => package.has(file),
        None => !is_elsewhere && !NAMES_INSTALLATION.iter().any(is_named) && package.is_installed(),
    };
    let mut defaults = match file {
        _ if is_packaged && !path.is(&["serve"]) => package.read(keys, has("redis"))?,
        Some(file) => Defaults::read(file, keys)?,
        None => return Ok(None),
    };
    if path.is(&["cert", "init"]) {
        // A certificate is renewed with the names that it has.
        defaults.remove("tls_name");
    }
    Ok(Some(defaults))
}

fn check(path: &command_line::Path, given: &ArgMatches) -> Result<(), (ErrorKind, String)> {
    if path.is(&["status"]) && !given.contains_id("redis") {
        let message = "no Redis is named: give --redis, PARLOR_REDIS, or a settings file with the key redis; a server \
                       without Redis has no status";
        return Err((ErrorKind::MissingRequiredArgument, message.to_owned()));
    }
    if !WITH_SETTINGS.iter().any(|name| path.is(&[name])) {
        return Ok(());
    }
    if given.contains_id("tls_cert") != given.contains_id("tls_key") {
        let message = "--tls-cert and --tls-key are needed together".to_owned();
        return Err((ErrorKind::MissingRequiredArgument, message));
    }
    let is_closed = given.get_one::<WebState>("web") == Some(&WebState::Off);
    if let Some(flag) = ["web_listen", "web_host"].into_iter().find(|id| is_closed && given.contains_id(id)) {
        let message = format!("--web off and --{} contradict each other", flag.replace('_', "-"));
        return Err((ErrorKind::ArgumentConflict, message));
    }
    if given.contains_id("forwarded_from") && !given.contains_id("web_listen") {
        let message = "--forwarded-from is about requests on --web-listen, which is not given".to_owned();
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
