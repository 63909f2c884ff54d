//! The file of settings. Its values become the defaults of the flags with the same names, so that one parser decides
//! precedence and validity. It must not know any setting by name.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ops::Range;
use std::path::Path;

use clap::{Arg, ArgAction, Command};
use toml::{Spanned, Value};

use crate::{check, nearest};

/// Flags that are not settings, so a file cannot contain them.
const NOT_IN_FILES: [&str; 3] = ["config", "help", "json"];

/// Values of settings, as new defaults of flags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults(Vec<Setting>);

/// Values of one setting, as a user would write them after the flag.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    id: String,
    values: Vec<String>,
}

impl Defaults {
    /// Reads a file, whose keys are the flags of `command`. Blocks on it.
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
    /// The problem in words, with the line and the key.
    pub fn parse(text: &str, command: &Command) -> Result<Self, String> {
        let table: BTreeMap<Spanned<String>, Spanned<Value>> =
            toml::from_str(text).map_err(|error| syntax(command, text, error.span(), error.message()))?;
        let read = |(key, value): (Spanned<String>, Spanned<Value>)| {
            let line = line_of(text, &key.span());
            setting(command, key.get_ref(), value.into_inner()).map_err(|why| format!("line {line}: {why}"))
        };
        table.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Sets the flag with this id, in place of an earlier value.
    pub fn set(&mut self, id: &str, values: Vec<String>) {
        self.remove(id);
        self.0.push(Setting { id: id.to_owned(), values });
    }

    /// Removes the flag with this id.
    pub fn remove(&mut self, id: &str) {
        self.0.retain(|setting| setting.id != id);
    }

    /// Sets the flag that reads the variable `name`, in place of an earlier value. `value` is as in the environment.
    ///
    /// # Errors
    /// The flag refuses the value. The error names the variable.
    pub fn set_variable(&mut self, command: &Command, name: &str, value: &str) -> Result<(), String> {
        let Some(arg) = command.get_arguments().find(|arg| arg.get_env() == Some(OsStr::new(name))) else {
            return Ok(());
        };
        let flag = arg.get_long().unwrap_or_default();
        check::value(arg, flag, value.as_ref()).map_err(|why| format!("{name}: {why}"))?;
        let values = match arg.get_value_delimiter() {
            Some(delimiter) => value.split(delimiter).map(str::to_owned).collect(),
            None => vec![value.to_owned()],
        };
        self.set(arg.get_id().as_str(), values);
        Ok(())
    }

    /// The command with these values in place of its defaults. Flags that it does not have are left out.
    pub fn apply(self, command: Command) -> Command {
        let Self(mut settings) = self;
        settings.retain(|setting| command.get_arguments().any(|arg| arg.get_id().as_str() == setting.id));
        settings
            .into_iter()
            .fold(command, |command, Setting { id, values }| command.mut_arg(id, |arg| arg.default_values(values)))
    }
}

/// The error of the parser, with its line and the key there. Shows nothing else of the line: it may hold a password.
fn syntax(command: &Command, text: &str, span: Option<Range<usize>>, message: &str) -> String {
    let line = span.map_or(1, |span| line_of(text, &span));
    let written = text.lines().nth(line - 1).unwrap_or_default();
    match written.split_once('=').map(|(key, _)| key.trim()) {
        Some(key) if find(command, key).is_some() => format!("line {line}: {key}: {message}"),
        _ => format!("line {line}: {message}"),
    }
}

fn line_of(text: &str, span: &Range<usize>) -> usize {
    1 + text[..span.start].matches('\n').count()
}

/// The setting for one key of the file, checked as the flag would be.
fn setting(command: &Command, key: &str, value: Value) -> Result<Setting, String> {
    let arg = find(command, key).ok_or_else(|| unknown(command, key))?;
    let values = values(arg, value).map_err(|why| format!("{key}: {why}"))?;
    for value in &values {
        check::value(arg, key, value.as_ref()).map_err(|why| format!("{key}: {why}"))?;
    }
    Ok(Setting { id: arg.get_id().to_string(), values })
}

fn find<'a>(command: &'a Command, key: &str) -> Option<&'a Arg> {
    keys(command).find(|(name, _)| *name == key).map(|(_, arg)| arg)
}

/// All keys that a file may have.
fn keys(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    let args = command.get_arguments().filter(|arg| !arg.is_global_set());
    args.filter_map(|arg| Some((arg.get_long()?, arg))).filter(|(key, _)| !NOT_IN_FILES.contains(key))
}

fn unknown(command: &Command, key: &str) -> String {
    let kebab = key.to_lowercase().replace('_', "-");
    match nearest::of(&kebab, keys(command).map(|(key, _)| key)) {
        Some(near) => format!("unknown key {key:?}; did you mean {near:?}?"),
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
