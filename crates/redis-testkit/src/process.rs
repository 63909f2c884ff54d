//! A child process that can be killed, frozen and resumed. It dies with its owner. Where `setpriv` is installed, it
//! also dies with the test process, however that ends. It must not know what it runs.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock};
use std::thread;

use crate::{lock, wait_until};

/// A running process; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Runs `program` without input. Its output is discarded.
    pub(crate) fn spawn<A: AsRef<OsStr>>(program: &str, args: &[A]) -> Self {
        let mut command = mortal(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = spawn(command);
        Self { child: child.unwrap_or_else(|error| panic!("{program} does not start: {error}")) }
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Freezes the process, and waits until it is frozen.
    pub(crate) fn pause(&self) {
        self.signal("STOP");
        wait_until("a process to be frozen", || self.is_paused());
    }

    /// Whether it is frozen.
    pub(crate) fn is_paused(&self) -> bool {
        self.state() == 'T'
    }

    /// Resumes the process.
    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status().unwrap();
        assert!(done.success(), "no process {}", self.id());
    }

    /// The letter of the process state, which follows the name in parentheses.
    fn state(&self) -> char {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        stat.rsplit(") ").next().and_then(|rest| rest.chars().next()).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that the kernel kills when the thread that started it ends, where `setpriv` is installed. It must be
/// started with [`spawn`].
pub fn mortal(program: impl AsRef<OsStr>) -> Command {
    static SETPRIV: OnceLock<bool> = OnceLock::new();
    let works = || Command::new("setpriv").args(["--pdeathsig", "KILL", "true"]).status().is_ok_and(|it| it.success());
    if !*SETPRIV.get_or_init(works) {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

type Order = (Command, Sender<io::Result<Child>>);

/// Starts `command` from a thread that lives as long as the test process. The kernel treats the end of the thread, not
/// of the process, as the death of the parent, and the thread of a test ends early.
///
/// # Errors
/// If it cannot be started.
pub fn spawn(command: Command) -> io::Result<Child> {
    static ORDERS: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();
    let orders = ORDERS.get_or_init(|| {
        let (sender, orders) = channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in orders {
                // The caller waits for it below.
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(sender)
    });
    let (sender, answer) = channel();
    lock(orders).send((command, sender)).unwrap();
    answer.recv().unwrap()
}
