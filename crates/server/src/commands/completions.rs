//! `parlor completions`: prints scripts with which a shell completes our command line. It must not know any flag.

use std::io;

use clap::{Args, Command};
use clap_complete::Shell;

const EXAMPLES: &str = "Examples:
  parlor completions bash > ~/.local/share/bash-completion/completions/parlor
  parlor completions zsh > ~/.zfunc/_parlor
  parlor completions fish > ~/.config/fish/completions/parlor.fish";

/// Print a script with which a shell completes this command line
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell that reads the script
    shell: Shell,
}

/// Writes the script for all of `root` to standard output.
///
/// # Errors
/// Fails if standard output cannot be written.
pub(crate) fn run(args: &CompletionsArgs, mut root: Command) -> anyhow::Result<()> {
    let name = root.get_name().to_string();
    // The generator panics if its output fails, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut root, name, &mut script);
    Ok(io::Write::write_all(&mut io::stdout(), &script)?)
}
