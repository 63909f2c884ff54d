//! A running `parlor serve` with its own directory and port. Dropping it kills the process.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::thread;

use parlor_process_testkit::{Launch, Server as Process};
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use super::{Client, eventually};

/// How to start a server.
#[derive(Default, Clone)]
pub(crate) struct Options {
    args: Vec<String>,
    env: Vec<(String, String)>,
    unnamed: bool,
    max_descriptors: Option<u32>,
    program: Option<PathBuf>,
}

impl Options {
    /// Adds arguments of `serve`. The environment has data directory, a cheap hash and a name; `--listen` adds an
    /// address.
    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets no server name; otherwise the name is `test`.
    pub(crate) fn unnamed(mut self) -> Self {
        self.unnamed = true;
        self
    }

    /// Limits the open descriptors of the server; the server cannot raise this limit.
    pub(crate) fn max_descriptors(mut self, max: u32) -> Self {
        self.max_descriptors = Some(max);
        self
    }

    /// Runs the program from another file.
    pub(crate) fn program(mut self, program: &Path) -> Self {
        self.program = Some(program.to_owned());
        self
    }

    fn launch(&self) -> Launch {
        let built = || PathBuf::from(env!("CARGO_BIN_EXE_parlor"));
        let mut launch = Launch::new(self.program.clone().unwrap_or_else(built));
        if !self.unnamed {
            launch = launch.env("PARLOR_SERVER_NAME", "test");
        }
        if let Some(max) = self.max_descriptors {
            launch = launch.max_descriptors(max);
        }
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        self.env.iter().fold(launch.args(&args), |launch, (name, value)| launch.env(name, value))
    }

    /// Starts a server in a new directory.
    pub(crate) fn start(self) -> Server {
        self.start_in(Arc::new(tempfile::tempdir().unwrap()))
    }

    /// Starts a server on data that may exist already.
    pub(crate) fn start_in(self, data: Arc<TempDir>) -> Server {
        Server(self.launch().start(data).unwrap_or_else(|error| panic!("{error}")))
    }
}

/// A server process.
pub(crate) struct Server(Process);

impl Server {
    /// Starts a server with the default settings of the tests.
    pub(crate) fn start() -> Self {
        Options::default().start()
    }

    /// Returns the address on which it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Returns the process id.
    pub(crate) fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// Returns its data directory.
    pub(crate) fn data(&self) -> &Path {
        self.0.data()
    }

    /// Returns its data directory, which stays for as long as somebody holds it.
    pub(crate) fn shared_data(&self) -> Arc<TempDir> {
        self.0.shared_data()
    }

    /// Returns the CA file with which clients verify it.
    pub(crate) fn ca(&self) -> PathBuf {
        self.0.ca()
    }

    /// Returns its log so far.
    pub(crate) fn log(&self) -> String {
        self.0.log()
    }

    /// Returns the next line of its standard output, after the listening addresses.
    pub(crate) fn output_line(&self) -> String {
        self.0.output_line().unwrap()
    }

    /// Returns a connection that has read the greeting.
    pub(crate) fn connect(&self) -> Client {
        let mut client = Client::open(self.address(), &self.ca());
        assert_eq!(client.line(), "HELLO parlor/1 test");
        client
    }

    /// Returns a connection through the web door that has read the greeting.
    pub(crate) fn connect_web(&self) -> Client {
        let mut client = Client::open_web(self.address(), &self.ca());
        assert_eq!(client.line(), r#"{"type":"hello","protocol":"parlor/1","server":"test"}"#);
        client
    }

    /// Returns a connection from one of this machine's addresses that has read the greeting.
    pub(crate) fn connect_from(&self, address: Ipv4Addr) -> Client {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((address, 0)).into()).unwrap();
        socket.connect(&self.address().into()).unwrap();
        let mut client = Client::over(socket.into(), Client::config(&self.ca()), &[]);
        assert_eq!(client.line(), "HELLO parlor/1 test");
        client
    }

    /// Returns a connection of a new account, logged in.
    pub(crate) fn register(&self, user: &str) -> Client {
        let mut client = self.connect();
        client.send(&format!("REGISTER {user} secret"));
        assert_eq!(client.line(), format!("OK register {user} lobby"));
        client
    }

    /// Returns a connection of an account whose password is `secret`, logged in.
    pub(crate) fn log_in(&self, user: &str) -> Client {
        let mut client = self.connect();
        client.send(&format!("LOGIN {user} secret"));
        assert_eq!(client.line(), format!("OK login {user} lobby"));
        client
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// Freezes it, and waits until all its threads are stopped: the signal reaches them one by one, and each runs on
    /// until then.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
        eventually("every thread is stopped", || self.stands_still());
    }

    /// Lets it run on after a freeze.
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    /// Kills it as `kill -9` does, and waits for its end.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
    }

    /// Starts it again on the same data, after it has ended.
    pub(crate) fn restart(self) -> Self {
        let launch = self.0.launch().clone();
        self.restart_by(launch)
    }

    /// Starts it again on the same data and port, after it has ended.
    pub(crate) fn restart_on_same_port(self) -> Self {
        let launch = self.0.launch().clone().port(self.0.port());
        self.restart_by(launch)
    }

    /// Starts it again on the same data with other options, after it has ended.
    pub(crate) fn restart_with(self, options: Options) -> Self {
        self.restart_by(options.launch())
    }

    fn restart_by(mut self, launch: Launch) -> Self {
        self.kill();
        let data = self.0.shared_data();
        Self(launch.start(data).unwrap_or_else(|error| panic!("{error}")))
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.0.wait().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.has_ended().is_some()
    }

    /// The number in a line of `/proc/PID/status`, such as `Threads` or `VmRSS`.
    pub(crate) fn status(&self, field: &str) -> usize {
        self.0.status(field).unwrap()
    }

    /// Returns the number of its threads whose name begins with `prefix`.
    pub(crate) fn threads(&self, prefix: &str) -> usize {
        self.0.threads(prefix)
    }

    /// Whether all its threads are stopped: the letter T follows the name in parentheses.
    fn stands_still(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        // A listed thread may have ended since.
        let mut states = threads.filter_map(|thread| fs::read_to_string(thread.unwrap().path().join("stat")).ok());
        states.all(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')))
    }

    /// Returns the number of its open descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        self.0.descriptors()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("log of the server:\n{}", self.log());
        }
    }
}
