//! Environment variables that set flags: empty ones, wrong values and mistyped names. It must not know any of them by
//! name.

use std::ffi::{OsStr, OsString};

use clap::builder::Resettable;
use clap::{Arg, Command};

use crate::check;
use crate::nearest;

/// The same commands, in which a variable that is set to an empty text counts as unset.
pub fn without_empty(command: Command) -> Command {
    command.mut_args(without_empty_variable).mut_subcommands(without_empty)
}

fn without_empty_variable(arg: Arg) -> Arg {
    match arg.get_env() {
        Some(name) if std::env::var_os(name).is_some_and(|value| value.is_empty()) => arg.env(Resettable::Reset),
        _ => arg,
    }
}

/// Returns the first variable of `command` whose value its flag refuses, as an error that names the variable. A flag in
/// `args` goes before its variable.
pub fn wrong_value(command: &Command, args: &[OsString]) -> Option<String> {
    command.get_arguments().filter(|arg| !is_given(arg, args)).find_map(|arg| {
        let (name, flag) = (arg.get_env()?, arg.get_long()?);
        let value = std::env::var_os(name)?;
        let why = check::value(arg, flag, &value).err()?;
        Some(format!("the variable {}: {why}", name.display()))
    })
}

fn is_given(arg: &Arg, args: &[OsString]) -> bool {
    let Some(flag) = arg.get_long() else { return true };
    let names = |word: &str| word.strip_prefix("--").is_some_and(|word| word.split('=').next() == Some(flag));
    args.iter().any(|word| names(&word.to_string_lossy()))
}

/// Returns a warning for each of `names` that begins with `prefix` and that no command reads. `others` are the names
/// that are read elsewhere, or the beginnings of such names if they end with `_`.
pub fn unknown(root: &Command, prefix: &str, others: &[&str], names: impl Iterator<Item = OsString>) -> Vec<String> {
    let mut known: Vec<String> = others.iter().map(|name| (*name).to_owned()).collect();
    collect(root, &mut known);
    let is_known = |name: &str| known.iter().any(|it| it == name || (it.ends_with('_') && name.starts_with(it)));
    let mut unknown: Vec<_> = names.filter_map(|name| name.into_string().ok()).collect();
    unknown.retain(|name| name.starts_with(prefix) && !is_known(name));
    unknown.sort();
    let warning = |name: String| match nearest::of(&name, known.iter().map(String::as_str)) {
        Some(near) => format!("the variable {name} is not known and has no effect; did you mean {near}?"),
        None => format!("the variable {name} is not known and has no effect"),
    };
    unknown.into_iter().map(warning).collect()
}

fn collect(command: &Command, names: &mut Vec<String>) {
    let variables = command.get_arguments().filter_map(Arg::get_env).filter_map(OsStr::to_str);
    names.extend(variables.map(str::to_owned));
    command.get_subcommands().for_each(|command| collect(command, names));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(names: &[&str]) -> Vec<String> {
        let command = |arg: &'static str, env: &'static str| Command::new(arg).arg(Arg::new(arg).long(arg).env(env));
        let root = Command::new("root").subcommand(command("data", "IT_DATA")).subcommand(command("log", "IT_LOG"));
        unknown(&root, "IT_", &["IT_PASSWORD", "IT_TEST_"], names.iter().map(OsString::from))
    }

    #[test]
    fn variables_that_nobody_reads_are_told_with_the_nearest_name() {
        assert_eq!(warnings(&["IT_DATA", "IT_LOG", "IT_PASSWORD", "IT_TEST_ANY", "OTHER", "IT"]), Vec::<String>::new());
        let said = warnings(&["IT_DTA", "IT_PASWORD", "IT_ELEPHANT"]);
        let unknown = |name: &str| format!("the variable {name} is not known and has no effect");
        let mean = |name: &str, near: &str| format!("{}; did you mean {near}?", unknown(name));
        assert_eq!(said, [mean("IT_DTA", "IT_DATA"), unknown("IT_ELEPHANT"), mean("IT_PASWORD", "IT_PASSWORD")]);
    }
}
