//! What `parlor user` does for a round: it creates the accounts, for servers where clients cannot register, and makes an
//! operator. It must not speak to a server.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::config::Config;
use crate::record::History;
use parlor_process_testkit::Failure;

/// The accounts of one round. Empty if all clients register.
pub(crate) struct Accounts<'a> {
    config: &'a Config,
    /// Arguments that say where the accounts are. None if that is not known.
    at: Vec<String>,
    users: Vec<String>,
}

impl<'a> Accounts<'a> {
    /// Creates the accounts, if the configuration says where. `at` says where they are in any case.
    pub(crate) fn make(config: &'a Config, at: Vec<String>, users: &[String], password: &str) -> Result<Self, Failure> {
        let mut accounts = Self { config, at, users: Vec::new() };
        if !config.accounts.is_empty() {
            for user in users {
                accounts.parlor(&["user", "add", user, "--password-stdin"], password)?;
                accounts.users.push(user.clone());
            }
        }
        Ok(accounts)
    }

    /// Makes a user an operator, if it is known where the accounts are.
    pub(crate) fn promote(&self, user: &str) -> Result<(), Failure> {
        if self.at.is_empty() { Ok(()) } else { self.parlor(&["user", "promote", user], "") }
    }

    /// Deletes the accounts, unless the store has lost them.
    pub(crate) fn remove(&self, history: &History) -> Result<(), Failure> {
        let kept = self.users.iter().filter(|_| history.dumps.is_empty());
        for user in kept {
            self.parlor(&["user", "delete", user], "")?;
        }
        Ok(())
    }

    fn parlor(&self, args: &[&str], input: &str) -> Result<(), Failure> {
        let mut command = Command::new(&self.config.program);
        command.args(args).args(&self.at);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(Failure::of("parlor user"))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that fails early may not read its input.
            let _ = writeln!(stdin, "{input}");
        }
        let output = child.wait_with_output()?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(format!("parlor {}: {}", args.join(" "), said.trim())))
    }
}
