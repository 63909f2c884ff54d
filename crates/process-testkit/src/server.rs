//! A running `parlor serve` in a directory of its own, with the ways to observe and control it from outside. It must
//! not know the purpose of its caller. A server is killed when dropped. Where `setpriv` is installed, it is also killed
//! when this process ends, however that happens.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use parlor_redis_testkit::{Port, mortal, spawn};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tempfile::TempDir;

use crate::failure::Failure;

/// Timeout for a server to start, and to end after a request; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of the log that are kept.
const LOG_BYTES: usize = 1 << 20;

/// The environment variable that names a planted bug, for servers that are built with the feature.
pub const PLANTED_BUG: &str = "PARLOR_PLANTED_BUG";

/// How a server is started.
#[derive(Debug, Clone)]
pub struct Launch {
    program: PathBuf,
    args: Vec<String>,
    env: Vec<(String, String)>,
    port: Option<Port>,
    max_descriptors: Option<u32>,
}

impl Launch {
    /// Starts this program with default options, except for a cheap password hash, and passwords of any length.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), args: Vec::new(), env: Vec::new(), port: None, max_descriptors: None }
            .env("PARLOR_BCRYPT_COST", "4")
            .env("PARLOR_MIN_PASSWORD", "1")
    }

    /// Arguments of `serve`; `--listen` adds an address.
    #[must_use]
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// A variable of the environment. The last value of a name counts.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Uses this port instead of any free one.
    #[must_use]
    pub fn port(mut self, port: Port) -> Self {
        self.port = Some(port);
        self
    }

    /// Limit of open descriptors. The server cannot raise it.
    #[must_use]
    pub fn max_descriptors(mut self, max: u32) -> Self {
        self.max_descriptors = Some(max);
        self
    }

    /// Starts a server, on data that may exist already, and waits until it listens.
    ///
    /// # Errors
    /// If it does not listen within 30 s. The error contains its log.
    pub fn start(self, data: Arc<TempDir>) -> Result<Server, Failure> {
        let port = self.port.clone().unwrap_or_else(Port::free);
        let mut child =
            spawn(self.command(data.path(), &port)).map_err(Failure::of(self.program.display().to_string()))?;
        let log = Arc::new(Mutex::new(String::new()));
        if let Some(stream) = child.stderr.take() {
            collect(stream, log.clone());
        }
        let output = child.stdout.take().map_or_else(|| channel().1, lines);
        let address = ([0, 0, 0, 0], 0).into();
        let mut server = Server { child, address, port, data, launch: self, log, output: Mutex::new(output) };
        server.address = server.listening()?;
        Ok(server)
    }

    fn command(&self, data: &Path, port: &Port) -> Command {
        let mut command = match self.max_descriptors {
            None => mortal(&self.program),
            Some(max) => {
                let mut shell = mortal("bash");
                shell.args(["-c", &format!("ulimit -n {max} && exec \"$0\" \"$@\"")]).arg(&self.program);
                shell
            }
        };
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}")]).args(&self.args);
        // Settings in this environment are for the servers of the user who runs this.
        let settings = env::vars_os().map(|(name, _)| name);
        let settings = settings.filter(|name| name.to_str().is_some_and(|name| name.starts_with("PARLOR_")));
        for name in settings.filter(|name| *name != PLANTED_BUG) {
            command.env_remove(name);
        }
        command.env("PARLOR_DATA", data).envs(self.env.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// A server process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    /// It is kept from others while the server is down, too.
    port: Port,
    data: Arc<TempDir>,
    launch: Launch,
    log: Arc<Mutex<String>>,
    output: Mutex<Receiver<String>>,
}

impl Server {
    /// The address on which it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its port. While anybody has it, no other test gets it.
    #[must_use]
    pub fn port(&self) -> Port {
        self.port.clone()
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The certificate file with which clients verify the server.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.data().join("tls/ca.pem")
    }

    /// The end of its log so far.
    #[must_use]
    pub fn log(&self) -> String {
        lock(&self.log).clone()
    }

    /// The next line of its standard output, after the line with its address. `None` after 30 s.
    pub fn output_line(&self) -> Option<String> {
        lock(&self.output).recv_timeout(PATIENCE).ok()
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// If it has ended.
    pub fn signal(&self, signal: Signal) -> Result<(), Failure> {
        kill_process(self.id()?, signal).map_err(Failure::of("a server cannot be signalled"))
    }

    /// Kills it as `kill -9` does, and waits for its end.
    ///
    /// # Errors
    /// If it cannot be killed.
    pub fn kill(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts it again with the same data and port, after it has ended.
    ///
    /// # Errors
    /// As [`Launch::start`].
    pub fn restart_on_same_port(mut self) -> Result<Self, Failure> {
        self.kill()?;
        self.launch.clone().port(self.port.clone()).start(self.data.clone())
    }

    /// The options with which it was started.
    #[must_use]
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// Its data directory, for another server after this one has ended.
    #[must_use]
    pub fn shared_data(&self) -> Arc<TempDir> {
        self.data.clone()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If it has not ended within 30 s. The error contains its log.
    pub fn wait(&mut self) -> Result<ExitStatus, Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                return Err(Failure::new(format!("the server does not end; its log:\n{}", self.log())));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its exit status, if it has ended.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Changes one of its limits while it runs. Returns the earlier limit.
    ///
    /// # Errors
    /// If it has ended, or the change is not allowed.
    pub fn limit(&self, resource: Resource, current: Option<u64>) -> Result<Option<u64>, Failure> {
        let Rlimit { maximum, .. } = prlimit_of(self.id()?, resource)?;
        let before = prlimit(Some(self.id()?), resource, Rlimit { current, maximum });
        Ok(before.map_err(Failure::of("the limits of a server cannot be changed"))?.current)
    }

    /// The number in a line of `/proc/PID/status`, such as `Threads` or `VmRSS`. `None` if it has ended.
    #[must_use]
    pub fn status(&self, field: &str) -> Option<usize> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// Number of its threads whose names begin with `prefix`.
    #[must_use]
    pub fn threads(&self, prefix: &str) -> usize {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid())).into_iter().flatten().flatten();
        // A thread may have ended since it was listed.
        let names = threads.filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok());
        names.filter(|name| name.starts_with(prefix)).count()
    }

    /// Number of its open descriptors; 0 if it has ended.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid())).map_or(0, Iterator::count)
    }

    fn id(&self) -> Result<Pid, Failure> {
        let id = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        id.ok_or_else(|| Failure::new("a server has no process id"))
    }

    fn listening(&self) -> Result<SocketAddr, Failure> {
        loop {
            let Some(line) = self.output_line() else {
                return Err(Failure::new(format!("the server does not listen; its log:\n{}", self.log())));
            };
            if let Some(address) = line.strip_prefix("parlor listening on ") {
                return address.parse().map_err(Failure::of(line));
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The current limits.
fn prlimit_of(pid: Pid, resource: Resource) -> Result<Rlimit, Failure> {
    let name = match resource {
        Resource::Fsize => "Max file size",
        Resource::Nofile => "Max open files",
        _ => return Err(Failure::new("this limit is not changed")),
    };
    let limits = fs::read_to_string(format!("/proc/{}/limits", pid.as_raw_nonzero()))?;
    let line = limits.lines().find_map(|line| line.strip_prefix(name));
    let mut words = line.unwrap_or_default().split_whitespace().map(|word| word.parse().ok());
    Ok(Rlimit { current: words.next().flatten(), maximum: words.next().flatten() })
}

fn collect(stream: impl Read + Send + 'static, log: Arc<Mutex<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut log = lock(&log);
            if log.len() > LOG_BYTES {
                let half = log.floor_char_boundary(log.len() / 2);
                let cut = log[half..].find('\n').map_or(log.len(), |end| half + end + 1);
                log.drain(..cut);
            }
            log.push_str(&line);
            log.push('\n');
        }
    });
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // Reads on even without a receiver, so that the pipe stays open.
            let _ = sender.send(line);
        }
    });
    lines
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
