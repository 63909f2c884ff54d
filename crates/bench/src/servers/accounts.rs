//! Accounts of the clients that make the load, created by REGISTER or by `parlor user add`. It must not speak to a
//! server.

use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// A line to send, and the start of its expected answer.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) say: String,
    pub(crate) answer: &'static str,
}

impl Step {
    pub(crate) fn new(say: impl Into<String>, answer: &'static str) -> Self {
        Self { say: say.into(), answer }
    }

    /// The command, without arguments that may be secret.
    pub(crate) fn verb(&self) -> &str {
        self.say.split(' ').next().unwrap_or_default()
    }
}

/// Accounts of one run. Names and passwords are random, so accounts that remain on a server are of no use to anybody.
#[derive(Debug)]
pub(crate) struct Accounts {
    run: u32,
    password: String,
    /// The program `parlor` and the data directory, if it creates the accounts.
    place: Option<(PathBuf, PathBuf)>,
    made: RefCell<Vec<String>>,
}

impl Accounts {
    /// For open registration: each client registers its own account.
    pub(crate) fn registered() -> Self {
        let chance = || RandomState::new().hash_one(0);
        Self { run: chance() as u32, password: format!("{:016x}", chance()), place: None, made: RefCell::default() }
    }

    /// `program` creates the accounts in the data directory. They are deleted at the end.
    pub(crate) fn added(program: &Path, data: &Path) -> Self {
        let mut accounts = Self::registered();
        accounts.place = Some((program.to_owned(), data.to_owned()));
        accounts
    }

    /// The number of this run.
    pub(crate) fn run(&self) -> u32 {
        self.run
    }

    /// The name of a user.
    pub(crate) fn name(&self, user: usize) -> String {
        format!("bench-{:08x}-{user}", self.run)
    }

    /// How a user enters for the first time. Blocks if it creates the account.
    pub(crate) fn first(&self, user: usize) -> Result<Step> {
        if self.place.is_none() {
            return Ok(Step::new(format!("REGISTER {} {}", self.name(user), self.password), "OK register "));
        }
        let name = self.name(user);
        self.call("add", &name, &["--password-stdin"])?;
        self.made.borrow_mut().push(name);
        Ok(self.again(user))
    }

    /// How the user enters later.
    pub(crate) fn again(&self, user: usize) -> Step {
        Step::new(format!("LOGIN {} {}", self.name(user), self.password), "OK login ")
    }

    fn call(&self, action: &str, name: &str, more: &[&str]) -> Result<()> {
        let Some((program, data)) = &self.place else { return Ok(()) };
        let mut command = Command::new(program);
        command.args(["user", action, name]).args(more).arg("--data").arg(data);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{} does not start", program.display()))?;
        if let Some(mut input) = child.stdin.take() {
            // The program may not read its input.
            let _ = writeln!(input, "{}", self.password);
        }
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "parlor user {action} {name} failed: {}", said.trim());
        Ok(())
    }
}

impl Drop for Accounts {
    fn drop(&mut self) {
        for name in self.made.take() {
            if let Err(error) = self.call("delete", &name, &[]) {
                eprintln!("the account {name} is left: {error:#}");
            }
        }
    }
}
