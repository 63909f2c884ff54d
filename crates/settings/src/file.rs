//! The file of settings. Its values become the defaults of the flags with the same names, so that one parser decides
//! precedence and validity. It must not know any setting by name.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command};
use toml::{Table, Value};

/// The flag that names the file.
const CONFIG: &str = "config";

/// Flags that are not settings, so a file cannot contain them.
const NOT_IN_FILES: [&str; 3] = [CONFIG, "help", "json"];

/// The content of a file, as new defaults of flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults(Vec<FromFile>);

/// Values of one key of the file, as a user would write them after the flag.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FromFile {
    id: String,
    values: Vec<String>,
}

/// Parses a command line of `root`. If it is a subcommand in `names`, and its flag `--config` names a file, then the
/// file's values replace the defaults. Reads that file.
///
/// # Errors
/// A usage error. It also covers a file that cannot be read, an unknown key and a bad value; then it names file and
/// key.
pub fn parse(root: &Command, names: &[&str], args: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let matches = root.clone().try_get_matches_from(args)?;
    let Some((name, given)) = matches.subcommand().filter(|(given, _)| names.contains(given)) else {
        return Ok(matches);
    };
    let (Some(path), Some(command)) = (given.get_one::<PathBuf>(CONFIG), root.find_subcommand(name)) else {
        return Ok(matches);
    };
    let defaults = Defaults::read(path, command).map_err(|why| usage(root, name, ErrorKind::ValueValidation, &why))?;
    root.clone().mut_subcommand(name, |command| defaults.apply(command)).try_get_matches_from(args)
}

/// An error that ends with the usage of the subcommand `name`.
pub fn usage(root: &Command, name: &str, kind: ErrorKind, message: &str) -> clap::Error {
    let mut root = root.clone();
    root.build();
    match root.find_subcommand_mut(name) {
        Some(command) => command.error(kind, message),
        None => root.error(kind, message),
    }
}

impl Defaults {
    /// Reads a file. Blocks on it.
    ///
    /// # Errors
    /// The name of the file, and the problem in words.
    pub fn read(path: &Path, command: &Command) -> Result<Self, String> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
        Self::parse(&text, command).map_err(|why| format!("{shown}: {why}"))
    }

    /// Parses the text of a file, whose keys are the flags of `command`.
    ///
    /// # Errors
    /// The problem in words, with the line or the key.
    pub fn parse(text: &str, command: &Command) -> Result<Self, String> {
        let table: Table = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            format!("line {line}: {}", error.message())
        })?;
        table.into_iter().map(|(key, value)| setting(command, &key, value)).collect::<Result<_, _>>().map(Self)
    }

    /// The command with these values in place of its defaults.
    pub fn apply(self, command: Command) -> Command {
        let Self(settings) = self;
        settings
            .into_iter()
            .fold(command, |command, FromFile { id, values }| command.mut_arg(id, |arg| arg.default_values(values)))
    }
}

/// The setting for one key of the file, checked as the flag would be.
fn setting(command: &Command, key: &str, value: Value) -> Result<FromFile, String> {
    let arg = find(command, key).ok_or_else(|| unknown(command, key))?;
    let values = values(arg, value).map_err(|why| format!("{key}: {why}"))?;
    check(arg, key, &values).map_err(|why| format!("{key}: {why}"))?;
    Ok(FromFile { id: arg.get_id().to_string(), values })
}

fn find<'a>(command: &'a Command, key: &str) -> Option<&'a Arg> {
    let mut args = command.get_arguments().filter(|arg| !arg.is_global_set());
    args.find(|arg| arg.get_long() == Some(key) && !NOT_IN_FILES.contains(&key))
}

fn unknown(command: &Command, key: &str) -> String {
    let kebab = key.to_lowercase().replace('_', "-");
    match find(command, &kebab) {
        Some(_) => format!("unknown key {key:?}; did you mean {kebab:?}?"),
        None => format!("unknown key {key:?}"),
    }
}

/// The value as text. Only lists are arrays.
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

/// Checks each value with the flag's own parser.
fn check(arg: &Arg, key: &str, values: &[String]) -> Result<(), String> {
    for value in values {
        let probe = Command::new("probe").no_binary_name(true).arg(arg.clone());
        probe.try_get_matches_from([format!("--{key}={value}")]).map_err(|error| one_line(&error, key))?;
    }
    Ok(())
}

/// The parser's error message, without the flag and the hints about the command line.
fn one_line(error: &clap::Error, key: &str) -> String {
    let text = error.to_string();
    let said = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    let flag = format!(" for '--{key}");
    let Some((value, rest)) = said.split_once(&flag) else {
        return said.replace('\n', " ");
    };
    // The value's name and the closing quote follow the flag.
    let reason = rest.split_once('\'').map_or("", |(_, reason)| reason);
    format!("{value}{reason}").split_whitespace().collect::<Vec<_>>().join(" ")
}
