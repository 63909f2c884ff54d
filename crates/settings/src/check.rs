//! Checks a value of a file or of the environment with the parser of its flag. It must not repeat a value that the
//! parser does not repeat.

use std::ffi::{OsStr, OsString};

use clap::builder::Resettable;
use clap::{Arg, Command};

/// Checks `value` as if it stood after the flag `--flag`, whose definition is `arg`.
///
/// # Errors
/// The parser's error in one line, without the flag.
pub(crate) fn value(arg: &Arg, flag: &str, value: &OsStr) -> Result<(), String> {
    let probe = Command::new("probe").no_binary_name(true).arg(arg.clone().env(Resettable::Reset));
    let mut word = OsString::from(format!("--{flag}="));
    word.push(value);
    probe.try_get_matches_from([word]).map(drop).map_err(|error| one_line(&error, flag))
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
