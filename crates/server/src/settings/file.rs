//! The file of settings: its values become the defaults of the flags with the same names, so that one parser decides
//! what goes first and what is valid. It must not know a single setting by name, but for the rules that span two.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command};
use toml::{Table, Value};

/// The subcommands whose flags are the settings, which the file may set.
const WITH_SETTINGS: [&str; 2] = ["serve", "audit"];

/// Flags that are not settings, so that no file can hold them.
const NOT_IN_FILES: [&str; 3] = ["config", "help", "json"];

/// Values of one key of the file, as one would write them after the flag.
struct FromFile {
    id: String,
    values: Vec<String>,
}

/// Parses a command line of `root`. If it is one with settings, of `serve` for example, and names a file by `--config` or `PARLOR_CONFIG`, the
/// file's values take the place of the defaults. Reads that file.
///
/// # Errors
/// A usage error, also for a file that cannot be read, an unknown key and a bad value; it names file and key.
pub(crate) fn parse(root: Command, args: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let matches = with_file(&root, root.clone().try_get_matches_from(args)?, args)?;
    match settings_of(&matches) {
        Some((name, given)) if given.contains_id("tls_cert") != given.contains_id("tls_key") => {
            let message = "--tls-cert and --tls-key are needed together";
            Err(usage(&root, name, ErrorKind::MissingRequiredArgument, message))
        }
        _ => Ok(matches),
    }
}

/// The subcommand that has settings, and the part of the command line that belongs to it, if one was asked for.
fn settings_of(matches: &ArgMatches) -> Option<(&str, &ArgMatches)> {
    matches.subcommand().filter(|(name, _)| WITH_SETTINGS.contains(name))
}

fn with_file(root: &Command, matches: ArgMatches, args: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let Some((name, given)) = settings_of(&matches) else { return Ok(matches) };
    let (Some(path), Some(serve)) = (given.get_one::<PathBuf>("config"), root.find_subcommand(name)) else {
        return Ok(matches);
    };
    let settings = read(path, serve).map_err(|message| usage(root, name, ErrorKind::ValueValidation, &message))?;
    let with_defaults = |serve: Command| {
        settings
            .into_iter()
            .fold(serve, |serve, FromFile { id, values }| serve.mut_arg(id, |arg| arg.default_values(values)))
    };
    root.clone().mut_subcommand(name, with_defaults).try_get_matches_from(args)
}

/// An error that ends with the usage of the subcommand.
fn usage(root: &Command, name: &str, kind: ErrorKind, message: &str) -> clap::Error {
    let mut root = root.clone();
    root.build();
    let command = root.find_subcommand_mut(name);
    match command {
        Some(serve) => serve.error(kind, message),
        None => root.error(kind, message),
    }
}

fn read(path: &Path, serve: &Command) -> Result<Vec<FromFile>, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let table: Table = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        format!("{shown}: line {line}: {}", error.message())
    })?;
    table.into_iter().map(|(key, value)| setting(serve, &key, value).map_err(|why| format!("{shown}: {why}"))).collect()
}

/// What one key of the file sets, checked as the flag would be.
fn setting(serve: &Command, key: &str, value: Value) -> Result<FromFile, String> {
    let arg = find(serve, key).ok_or_else(|| unknown(serve, key))?;
    let values = values(arg, value).map_err(|why| format!("{key}: {why}"))?;
    check(arg, key, &values).map_err(|why| format!("{key}: {why}"))?;
    Ok(FromFile { id: arg.get_id().to_string(), values })
}

fn find<'a>(serve: &'a Command, key: &str) -> Option<&'a Arg> {
    let mut args = serve.get_arguments().filter(|arg| !arg.is_global_set());
    args.find(|arg| arg.get_long() == Some(key) && !NOT_IN_FILES.contains(&key))
}

fn unknown(serve: &Command, key: &str) -> String {
    let kebab = key.to_lowercase().replace('_', "-");
    match find(serve, &kebab) {
        Some(_) => format!("unknown key {key:?}; did you mean {kebab:?}?"),
        None => format!("unknown key {key:?}"),
    }
}

/// The value as text. Lists are arrays, and nothing else is.
fn values(arg: &Arg, value: Value) -> Result<Vec<String>, String> {
    let is_list = matches!(arg.get_action(), ArgAction::Append);
    match value {
        Value::Array(items) if is_list && items.is_empty() && !arg.get_default_values().is_empty() => {
            Err("the array is empty".into())
        }
        Value::Array(items) if is_list => items.into_iter().map(scalar).collect(),
        _ if is_list => Err("expected an array".into()),
        value => Ok(vec![scalar(value)?]),
    }
}

fn scalar(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Boolean(flag) => Ok(flag.to_string()),
        other => Err(format!("a value cannot be of type {}", other.type_str())),
    }
}

/// Lets the flag's own parser judge each value.
fn check(arg: &Arg, key: &str, values: &[String]) -> Result<(), String> {
    for value in values {
        let probe = Command::new("probe").no_binary_name(true).arg(arg.clone());
        probe.try_get_matches_from([format!("--{key}={value}")]).map_err(|error| one_line(&error, key))?;
    }
    Ok(())
}

/// What the parser said, without the flag and the hints about the command line.
fn one_line(error: &clap::Error, key: &str) -> String {
    let text = error.to_string();
    let said = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    let flag = format!(" for '--{key}");
    let Some((value, rest)) = said.split_once(&flag) else {
        return said.replace('\n', " ");
    };
    // After the flag comes its value's name and the closing quote.
    let reason = rest.split_once('\'').map_or("", |(_, reason)| reason);
    format!("{value}{reason}").split_whitespace().collect::<Vec<_>>().join(" ")
}
