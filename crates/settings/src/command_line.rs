//! A command line before and after its parsing: which subcommand it names, and that subcommand in the tree of all
//! commands. It must not know any command by name.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};

/// The names of nested subcommands, such as `user`, `add`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(Vec<String>);

impl Path {
    /// The subcommand that the arguments name. `args` begins with the program.
    pub fn of(root: &Command, args: &[OsString]) -> Self {
        let (mut names, mut command) = (Vec::new(), root);
        for arg in args.iter().skip(1) {
            // The subcommands come first: their parents have no flags with values.
            let Some(found) = arg.to_str().and_then(|name| command.find_subcommand(name)) else { break };
            names.push(found.get_name().to_owned());
            command = found;
        }
        Self(names)
    }

    /// Whether this is the subcommand with these names.
    pub fn is(&self, names: &[&str]) -> bool {
        self.0 == names
    }

    /// The subcommand.
    pub fn command<'a>(&self, root: &'a Command) -> &'a Command {
        self.0.iter().fold(root, |command, name| command.find_subcommand(name).unwrap_or(command))
    }

    /// The matches of the subcommand.
    pub fn matches<'a>(&self, matches: &'a ArgMatches) -> &'a ArgMatches {
        self.0.iter().fold(matches, |matches, name| matches.subcommand_matches(name).unwrap_or(matches))
    }

    /// The tree of commands in which `change` has changed the subcommand.
    pub fn change(&self, root: Command, change: impl FnOnce(Command) -> Command) -> Command {
        fn descend(command: Command, names: &[String], change: Box<dyn FnOnce(Command) -> Command + '_>) -> Command {
            match names {
                [] => change(command),
                [name, rest @ ..] => command.mut_subcommand(name, |command| descend(command, rest, change)),
            }
        }
        descend(root, &self.0, Box::new(change))
    }

    /// An error that ends with the usage of the subcommand.
    pub fn usage(&self, root: &Command, kind: ErrorKind, message: &str) -> clap::Error {
        let mut root = root.clone();
        root.build();
        let mut command = self.command(&root).clone();
        command.error(kind, message)
    }
}
