//! One `redis-server` process with a directory and a port of its own. It must not hide anything of what Redis
//! does: whatever a test wants to see or to change it does by [`RedisServer::cli`].

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::iter;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::options::{ADMIN, ADMIN_PASSWORD, RedisOptions};
use crate::process::Process;
use crate::tls::Certificates;
use crate::{FaultProxy, free_port, lock, wait_for, wait_until};

/// Another port is tried if somebody took the first one in the meantime.
const ATTEMPTS: usize = 5;
/// How long `redis-cli` may take, in seconds; a frozen server would hold it for ever.
const CLI_SECONDS: &str = "60";
/// How much of the log is shown when a test fails.
const LOG_LINES: usize = 40;

/// A running `redis-server`; killed when dropped, and its directory removed.
///
/// ```
/// use parlor_redis_testkit::{Fsync, RedisServer};
///
/// let redis = RedisServer::options().append_only(Fsync::Always).password("secret").start();
/// redis.cli(&["SET", "key", "value"]);
/// redis.kill();
/// redis.restart();
/// assert_eq!(redis.cli(&["GET", "key"]), "value");
/// ```
#[derive(Debug)]
pub struct RedisServer {
    /// `None` while it is killed. Before the directory, so that it is dropped first.
    process: Mutex<Option<Process>>,
    directory: TempDir,
    options: RedisOptions,
    port: u16,
    tls: Option<(u16, Certificates)>,
}

impl RedisServer {
    /// Starts one without options, and waits until it answers.
    #[must_use]
    pub fn start() -> Self {
        Self::options().start()
    }

    /// Options to start one with.
    #[must_use]
    pub fn options() -> RedisOptions {
        RedisOptions::default()
    }

    pub(crate) fn start_with(options: RedisOptions) -> Self {
        let mut attempts = 0..ATTEMPTS;
        let server = attempts.find_map(|_| Self::try_start(options.clone()).ok());
        server.expect("redis-server does not start; its log is above, if it is installed")
    }

    /// Fails if the process ends instead of answering.
    fn try_start(options: RedisOptions) -> Result<Self, ()> {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("data")).unwrap();
        let tls = options.tls.then(|| (free_port(), Certificates::make(directory.path())));
        let port = options.port.unwrap_or_else(free_port);
        let server = Self { process: Mutex::new(None), directory, options, port, tls };
        let config = server.options.render(server.directory.path(), server.port, server.tls.as_ref());
        fs::write(server.config_file(), config).unwrap();
        server.spawn().inspect_err(|()| println!("{}", server.end_of_log()))?;
        Ok(server)
    }

    /// Starts the process, and waits until it answers; fails if it ends instead.
    fn spawn(&self) -> Result<(), ()> {
        let file = self.config_file();
        let mode = self.options.sentinel.then(|| "--sentinel".as_ref());
        let arguments: Vec<&OsStr> = iter::once(file.as_os_str()).chain(mode).collect();
        let mut process = Process::spawn("redis-server", &arguments);
        let outcome = wait_for("redis-server to answer", || {
            if self.answers() { Some(Ok(())) } else { process.has_ended().then_some(Err(())) }
        });
        *lock(&self.process) = outcome.is_ok().then_some(process);
        outcome
    }

    /// Whether it answers PING, which it does not while it loads its data.
    fn answers(&self) -> bool {
        let ask = || -> io::Result<bool> {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            write!(stream, "AUTH {ADMIN} {ADMIN_PASSWORD}\r\nPING\r\n")?;
            let mut replies = BufReader::new(stream).lines();
            Ok(replies.nth(1).transpose()?.as_deref() == Some("+PONG"))
        };
        ask().unwrap_or(false)
    }

    /// The port without TLS; it stays the same when it is started again.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `redis://[user:password@]127.0.0.1:port/`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("redis", self.port)
    }

    /// The same by way of a proxy.
    #[must_use]
    pub fn url_by(&self, proxy: &FaultProxy) -> String {
        self.url_of("redis", proxy.port())
    }

    /// The port with TLS; panics without [`RedisOptions::tls`], as do the next two.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.tls.as_ref().expect("started without TLS").0
    }

    /// `rediss://[user:password@]127.0.0.1:port/`.
    #[must_use]
    pub fn tls_url(&self) -> String {
        self.url_of("rediss", self.tls_port())
    }

    /// The file with the certificate of the authority.
    #[must_use]
    pub fn ca(&self) -> &Path {
        &self.tls.as_ref().expect("started without TLS").1.ca
    }

    fn url_of(&self, scheme: &str, port: u16) -> String {
        format!("{scheme}://{}127.0.0.1:{port}/", self.options.login_of_url())
    }

    /// The process id; panics while it is killed, as do the next two.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.with_process(Process::id)
    }

    /// Freezes it: connections stay open, new ones are taken in by the kernel, and nothing is answered.
    pub fn pause(&self) {
        self.with_process(Process::pause);
    }

    /// Goes on after [`Self::pause`].
    pub fn resume(&self) {
        self.with_process(Process::resume);
    }

    fn with_process<T>(&self, act: impl FnOnce(&Process) -> T) -> T {
        act(lock(&self.process).as_ref().expect("redis-server is killed"))
    }

    /// Kills it as `kill -9` does, and waits for its end.
    pub fn kill(&self) {
        *lock(&self.process) = None;
    }

    /// Stops it as an operator does, and waits for its end; what it was told is on the disk.
    pub fn stop(&self) {
        // It ends instead of answering.
        let _ = self.try_cli(&["SHUTDOWN"]);
        wait_until("redis-server to end", || lock(&self.process).as_mut().is_none_or(Process::has_ended));
        self.kill();
    }

    /// Whether it was killed and not started again.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        lock(&self.process).is_none()
    }

    /// Whether it can answer: neither killed nor frozen.
    pub(crate) fn is_awake(&self) -> bool {
        lock(&self.process).as_ref().is_some_and(|process| !process.is_paused())
    }

    /// Kills it if it lives, starts it on the same port, configuration and data, and waits until it answers.
    pub fn restart(&self) {
        self.kill();
        self.spawn().unwrap_or_else(|()| panic!("redis-server does not start again:\n{}", self.end_of_log()));
    }

    /// The same with an empty disk.
    pub fn restart_empty(&self) {
        self.kill();
        let data = self.directory.path().join("data");
        fs::remove_dir_all(&data).unwrap();
        fs::create_dir(&data).unwrap();
        self.restart();
    }

    /// What `redis-cli` prints for a command, run as a user who may do everything; panics at an error.
    pub fn cli(&self, args: &[&str]) -> String {
        self.try_cli(args).unwrap_or_else(|error| panic!("redis-cli {args:?}: {error}"))
    }

    /// The same, with an error for an error.
    pub fn try_cli(&self, args: &[&str]) -> Result<String, String> {
        let login = ["-e", "--user", ADMIN, "--pass", ADMIN_PASSWORD, "--no-auth-warning"];
        redis_cli(self.port, &[&login, args].concat())
    }

    /// A field of `INFO`, such as `role` or `connected_clients`.
    #[must_use]
    pub fn info(&self, field: &str) -> Option<String> {
        let info = self.try_cli(&["INFO", "everything"]).ok()?;
        info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':').map(|value| value.trim().to_owned()))
    }

    /// Waits until it is a replica that is in step with its master.
    pub fn wait_for_link(&self) {
        wait_until("the link of a replica", || self.info("master_link_status").as_deref() == Some("up"));
    }

    /// All that it logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("redis.log")).unwrap_or_default()
    }

    fn end_of_log(&self) -> String {
        let log = self.log();
        let skipped = log.lines().count().saturating_sub(LOG_LINES);
        log.lines().skip(skipped).collect::<Vec<_>>().join("\n")
    }

    fn config_file(&self) -> PathBuf {
        self.directory.path().join("redis.conf")
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("redis-server on port {}:\n{}", self.port, self.end_of_log());
        }
    }
}

/// Runs `redis-cli`; an error is what it printed.
fn redis_cli(port: u16, args: &[&str]) -> Result<String, String> {
    let mut command = Command::new("timeout");
    command.args([CLI_SECONDS, "redis-cli", "-h", "127.0.0.1", "-p", &port.to_string()]);
    let output = command.args(args).stdin(Stdio::null()).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    Err(format!("{}: {}{stdout}", output.status, String::from_utf8_lossy(&output.stderr)))
}
