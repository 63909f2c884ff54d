//! One `redis-server` process with its own directory and port. It must not hide anything of Redis: a test reads and
//! changes everything with [`RedisServer::cli`].

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::iter;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::options::{ADMIN, ADMIN_PASSWORD, RedisOptions};
use crate::process::Process;
use crate::query::query;
use crate::tls::Certificates;
use crate::{FaultProxy, Port, lock, wait_for, wait_until};

/// Where many systems have a file system in memory.
const MEMORY: &str = "/dev/shm";
/// Number of ports to try. A program that is no test may take a port between the choice and the start.
const ATTEMPTS: usize = 5;
/// How many lines of the log are shown if a test fails.
const LOG_LINES: usize = 40;

/// A running `redis-server`. When dropped, it is killed and its directory is removed.
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
    /// `None` while the server is killed. The field is before the directory, so that it is dropped first.
    process: Mutex<Option<Process>>,
    directory: TempDir,
    options: RedisOptions,
    port: Port,
    tls: Option<(Port, Certificates)>,
}

impl RedisServer {
    /// Starts a server without options, and waits until it replies.
    #[must_use]
    pub fn start() -> Self {
        Self::options().start()
    }

    /// Options to start a server with.
    #[must_use]
    pub fn options() -> RedisOptions {
        RedisOptions::default()
    }

    pub(crate) fn start_with(options: RedisOptions) -> Self {
        let mut attempts = 0..ATTEMPTS;
        let server = attempts.find_map(|_| Self::try_start(options.clone()).ok());
        server.expect("redis-server does not start; its log is above, if it is installed")
    }

    /// Fails if the process ends instead of replying.
    fn try_start(options: RedisOptions) -> Result<Self, ()> {
        let directory = in_memory().map_or_else(tempfile::tempdir, tempfile::tempdir_in).unwrap();
        fs::create_dir(directory.path().join("data")).unwrap();
        let tls = options.tls.then(|| (Port::free(), Certificates::make(directory.path())));
        let port = options.port.clone().unwrap_or_else(Port::free);
        let server = Self { process: Mutex::new(None), directory, options, port, tls };
        let config = server.options.render(server.directory.path(), &server.port, server.tls.as_ref());
        fs::write(server.config_file(), config).unwrap();
        server.spawn().inspect_err(|()| println!("{}", server.end_of_log()))?;
        Ok(server)
    }

    /// Starts the process, and waits until it replies. Fails if it ends instead.
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

    /// Whether it replies to PING. It does not while it loads its data.
    fn answers(&self) -> bool {
        let ask = || -> io::Result<bool> {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port()))?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            write!(stream, "AUTH {ADMIN} {ADMIN_PASSWORD}\r\nPING\r\n")?;
            let mut replies = BufReader::new(stream).lines();
            Ok(replies.nth(1).transpose()?.as_deref() == Some("+PONG"))
        };
        ask().unwrap_or(false)
    }

    /// The port without TLS. It stays the same after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// `redis://[user:password@]127.0.0.1:port/`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("redis", self.port())
    }

    /// The URL through a proxy.
    #[must_use]
    pub fn url_by(&self, proxy: &FaultProxy) -> String {
        self.url_of("redis", proxy.port())
    }

    /// The port with TLS. This and the next two panic without [`RedisOptions::tls`].
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.tls.as_ref().expect("started without TLS").0.number()
    }

    /// `rediss://[user:password@]127.0.0.1:port/`.
    #[must_use]
    pub fn tls_url(&self) -> String {
        self.url_of("rediss", self.tls_port())
    }

    /// The file with the CA certificate.
    #[must_use]
    pub fn ca(&self) -> &Path {
        &self.tls.as_ref().expect("started without TLS").1.ca
    }

    fn url_of(&self, scheme: &str, port: u16) -> String {
        format!("{scheme}://{}127.0.0.1:{port}/", self.options.login_of_url())
    }

    /// The process id. This and the next two panic while the server is killed.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.with_process(Process::id)
    }

    /// Freezes the server: connections stay open, the kernel accepts new ones, and nothing gets a reply.
    pub fn pause(&self) {
        self.with_process(Process::pause);
    }

    /// Resumes the server after [`Self::pause`].
    pub fn resume(&self) {
        self.with_process(Process::resume);
    }

    fn with_process<T>(&self, act: impl FnOnce(&Process) -> T) -> T {
        act(lock(&self.process).as_ref().expect("redis-server is killed"))
    }

    /// Kills the server as `kill -9` does, and waits for its end.
    pub fn kill(&self) {
        *lock(&self.process) = None;
    }

    /// Kills the server once all that it answered is in its file. Otherwise a slow disk makes the test fail: with
    /// `appendfsync everysec`, Redis answers up to 2 s before it writes, if the fsync before has not ended
    /// (<https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/>).
    pub fn kill_when_written(&self) {
        // With `always`, this command is answered after everything before it was written. A frozen server writes nothing.
        if self.is_awake() {
            self.cli(&["CONFIG", "SET", "appendfsync", "always"]);
        }
        self.kill();
    }

    /// Stops the server as an operator does, and waits for its end. All accepted writes are on disk.
    pub fn stop(&self) {
        // The server ends instead of replying.
        let _ = self.try_cli(&["SHUTDOWN"]);
        wait_until("redis-server to end", || lock(&self.process).as_mut().is_none_or(Process::has_ended));
        self.kill();
    }

    /// Whether the server was killed and not started again.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        lock(&self.process).is_none()
    }

    /// Whether the server can reply: it is neither killed nor frozen.
    pub(crate) fn is_awake(&self) -> bool {
        lock(&self.process).as_ref().is_some_and(|process| !process.is_paused())
    }

    /// Kills the server if it runs, starts it with the same port, configuration and data, and waits until it replies.
    pub fn restart(&self) {
        self.kill();
        self.spawn().unwrap_or_else(|()| panic!("redis-server does not start again:\n{}", self.end_of_log()));
    }

    /// Like [`Self::restart`], with an empty disk.
    pub fn restart_empty(&self) {
        self.kill();
        let data = self.directory.path().join("data");
        fs::remove_dir_all(&data).unwrap();
        fs::create_dir(&data).unwrap();
        self.restart();
    }

    /// The reply to a command, as `redis-cli` prints it for a user with all permissions. Panics on an error.
    pub fn cli(&self, args: &[&str]) -> String {
        self.try_cli(args).unwrap_or_else(|error| panic!("{args:?}: {error}"))
    }

    /// Like [`Self::cli`], but returns an error instead of panicking.
    pub fn try_cli(&self, args: &[&str]) -> Result<String, String> {
        query(self.port(), args)
    }

    /// A field of `INFO`, such as `role` or `connected_clients`.
    #[must_use]
    pub fn info(&self, field: &str) -> Option<String> {
        let info = self.try_cli(&["INFO", "everything"]).ok()?;
        info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':').map(|value| value.trim().to_owned()))
    }

    /// Waits until the replica of this master has everything. A replica that has just joined gets nothing before its first
    /// acknowledgement, which may come a second late.
    pub fn wait_for_replica(&self) {
        self.cli(&["SET", "probe", "1"]);
        self.cli(&["DEL", "probe"]);
        let has_all = || {
            let (sent, replica) = (self.info("master_repl_offset")?, self.info("slave0")?);
            Some(replica.contains(&format!("offset={sent},")))
        };
        wait_until("the replica to have everything", || has_all() == Some(true));
    }

    /// Waits until the server is a replica in sync with its master.
    pub fn wait_for_link(&self) {
        wait_until("the link of a replica", || self.info("master_link_status").as_deref() == Some("up"));
    }

    /// The whole log.
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

/// Where files need no disk, if there is such a place. The main thread of Redis waits for the disk again and again, also for
/// `nodes.conf`: while a disk is busy with something else, a healthy member of a cluster would look dead.
fn in_memory() -> Option<&'static Path> {
    Some(Path::new(MEMORY)).filter(|path| tempfile::tempfile_in(path).is_ok())
}
