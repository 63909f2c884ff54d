//! The program `parlor`: reads the command line and runs one subcommand. It must not do any work of a subcommand.

mod admin;
mod admission;
mod audit_trail;
mod backend;
mod banner;
mod clock;
mod commands;
mod connection;
mod control;
mod handover;
mod listener;
mod logging;
mod metrics;
mod observers;
mod public_address;
mod random;
mod server;
mod service_manager;
mod settings;
mod system_limits;
mod tls;
mod web;
mod workers;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use commands::{
    audit, backup, cert, check, completions, connect, drain, export, import, invite, kick, log_level, migrate, restore,
    room, serve, sessions, status, torture, user,
};
use settings::Settings;
use zeroizing_alloc::ZeroAlloc;

/// Overwrites all memory when it is freed, so that no copy of a password that a library made stays in memory.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

const EXAMPLES: &str = "Examples:
  parlor                                run a server on 127.0.0.1:7878, as `parlor serve` does
  parlor connect --user ann             chat on the server of this machine
  parlor check                          ask it whether it is there
  parlor invite                         let somebody make an account
  parlor cert show                      CA file, names and pin of this machine's server
  parlor audit                          look for weak settings and open files
  parlor serve --redis redis://HOST     run one of many servers that share a Redis
  parlor status --redis redis://HOST    show what these servers are at
  parlor backup today.backup            copy everything while the server runs
  parlor export all.archive             write everything into one file, which every store can import
  parlor migrate --to redis://HOST      move everything to a Redis while the server runs
  parlor torture                        check every promise on servers of its own
  parlor completions bash               script for your shell

`parlor COMMAND --help` explains each command.";

/// A self-hosted chat server: rooms, follow, TLS, one thread per client
#[derive(Debug, Parser)]
#[command(name = "parlor", version, after_help = EXAMPLES)]
#[command(disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<Settings>),
    Connect(connect::ConnectArgs),
    User(user::UserArgs),
    Room(room::RoomArgs),
    Invite(Box<invite::InviteArgs>),
    Cert(cert::CertArgs),
    Check(check::CheckArgs),
    #[command(about = "Look for weak settings and files that are open to others", after_help = audit::EXAMPLES)]
    Audit(Box<audit::AuditArgs>),
    Status(status::StatusArgs),
    Sessions(sessions::SessionsArgs),
    Kick(kick::KickArgs),
    LogLevel(log_level::LogLevelArgs),
    Drain(drain::DrainArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Export(export::ExportArgs),
    Import(import::ImportArgs),
    Migrate(Box<migrate::MigrateArgs>),
    Torture(torture::TortureArgs),
    Completions(completions::CompletionsArgs),
}

impl Command {
    /// Whether settings of a server have an effect on the command. `serve` itself has a log for warnings.
    fn uses_settings(&self) -> bool {
        matches!(
            self,
            Self::User(_)
                | Self::Room(_)
                | Self::Invite(_)
                | Self::Cert(_)
                | Self::Check(_)
                | Self::Audit(_)
                | Self::Status(_)
                | Self::Sessions(_)
                | Self::Kick(_)
                | Self::LogLevel(_)
                | Self::Drain(_)
                | Self::Backup(_)
                | Self::Restore(_)
                | Self::Export(_)
                | Self::Import(_)
                | Self::Migrate(_)
        )
    }
}

fn main() -> ExitCode {
    let mut args: Vec<OsString> = std::env::args_os().collect();
    if serves(&args) {
        args.insert(1, "serve".into());
    }
    let matches = settings::parse(Cli::command(), &args).unwrap_or_else(|error| error.exit());
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match run(cli.command) {
        Ok(code) => code,
        // The reader of our output may stop reading, as `head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Whether a command line without a command runs a server, as `parlor serve` does.
fn serves(args: &[OsString]) -> bool {
    let is_of_program = |word: &OsString| ["-h", "--help", "-V", "--version"].iter().any(|flag| word == flag);
    args.get(1).is_none_or(|word| word.as_encoded_bytes().starts_with(b"-") && !is_of_program(word))
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let unknown = settings::unknown_variables(&Cli::command());
    if command.uses_settings() {
        for warning in &unknown {
            // The command does its work also where nobody reads this.
            let _ = writeln!(io::stderr(), "parlor: {warning}");
        }
    }
    match command {
        Command::Serve(settings) => return serve::run(&settings, &unknown),
        Command::Connect(args) => return Ok(connect::run(args)),
        Command::User(args) => user::run(&args)?,
        Command::Room(args) => room::run(&args)?,
        Command::Invite(args) => invite::run(&args)?,
        Command::Cert(args) => cert::run(&args)?,
        Command::Check(args) => check::run(&args)?,
        Command::Audit(args) => return audit::run(&args),
        Command::Status(args) => status::run(&args)?,
        Command::Sessions(args) => sessions::run(&args)?,
        Command::Kick(args) => kick::run(&args)?,
        Command::LogLevel(args) => log_level::run(&args)?,
        Command::Drain(args) => drain::run(&args)?,
        Command::Backup(args) => backup::run(&args)?,
        Command::Restore(args) => restore::run(&args)?,
        Command::Export(args) => export::run(&args)?,
        Command::Import(args) => import::run(&args)?,
        Command::Migrate(args) => migrate::run(&args)?,
        Command::Torture(args) => return torture::run(&args),
        Command::Completions(args) => completions::run(&args, Cli::command())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what is wrong; where standard error is closed or full, the exit code has to do.
fn complain(error: &anyhow::Error) {
    let _ = writeln!(io::stderr(), "parlor: {error:#}");
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
