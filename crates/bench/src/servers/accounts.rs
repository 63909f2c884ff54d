//! Accounts of those who make the load: made by REGISTER, or by `parlor user add`. It must not speak to a server.

use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// A line that is said, and what the answer has to begin with.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) say: String,
    pub(crate) answer: &'static str,
}

impl Step {
    pub(crate) fn new(say: impl Into<String>, answer: &'static str) -> Self {
        Self { say: say.into(), answer }
    }

    /// The command, without what may be secret.
    pub(crate) fn verb(&self) -> &str {
        self.say.split(' ').next().unwrap_or_default()
    }
}

/// Accounts of one run. Names and passwords are made of chance: what is left on a server is of use to nobody.
#[derive(Debug)]
pub(crate) struct Accounts {
    run: u32,
    password: String,
    /// The program `parlor` and the data directory, if accounts are made with them.
    place: Option<(PathBuf, PathBuf)>,
    made: RefCell<Vec<String>>,
}

impl Accounts {
    /// Made by whoever comes, where registration is open.
    pub(crate) fn registered() -> Self {
        let chance = || RandomState::new().hash_one(0);
        Self { run: chance() as u32, password: format!("{:016x}", chance()), place: None, made: RefCell::default() }
    }

    /// Made by `program` in the data directory, and deleted in the end.
    pub(crate) fn added(program: &Path, data: &Path) -> Self {
        let mut accounts = Self::registered();
        accounts.place = Some((program.to_owned(), data.to_owned()));
        accounts
    }

    /// A number of this run.
    pub(crate) fn run(&self) -> u32 {
        self.run
    }

    /// The name of a user.
    pub(crate) fn name(&self, user: usize) -> String {
        format!("bench-{:08x}-{user}", self.run)
    }

    /// How a user comes in for the first time. Blocks if it makes the account.
    pub(crate) fn first(&self, user: usize) -> Result<Step> {
        if self.place.is_none() {
            return Ok(Step::new(format!("REGISTER {} {}", self.name(user), self.password), "OK register "));
        }
        let name = self.name(user);
        self.call("add", &name, &["--password-stdin"])?;
        self.made.borrow_mut().push(name);
        Ok(self.again(user))
    }

    /// How it comes in later.
    pub(crate) fn again(&self, user: usize) -> Step {
        Step::new(format!("LOGIN {} {}", self.name(user), self.password), "OK login ")
    }

    fn call(&self, action: &str, name: &str, more: &[&str]) -> Result<()> {
        let Some((program, data)) = &self.place else { return Ok(()) };
        let mut command = Command::new(program);
        command.args(["user", action, name]).args(more).arg("--data").arg(data);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("{} does not start", program.display()))?;
        if let Some(mut input) = child.stdin.take() {
            // It may not want to know.
            let _ = writeln!(input, "{}", self.password);
        }
        ensure!(child.wait()?.success(), "parlor user {action} {name} failed");
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
