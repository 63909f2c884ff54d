//! A running `parlor serve` in a directory of its own, on a port of its own. It is killed when dropped.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use super::Client;

/// How a server is started.
#[derive(Default, Clone)]
pub(crate) struct Options {
    args: Vec<String>,
    env: Vec<(String, String)>,
    port: u16,
    unnamed: bool,
    max_descriptors: Option<u32>,
}

impl Options {
    /// Arguments of `serve`. Data, a cheap hash and a name are in the environment; `--listen` adds an address.
    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// A variable of the environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A port of its own, instead of any that is free.
    pub(crate) fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// No name of the server, which else is `test`.
    pub(crate) fn unnamed(mut self) -> Self {
        self.unnamed = true;
        self
    }

    /// How many descriptors the server may have open; it cannot raise that.
    pub(crate) fn max_descriptors(mut self, max: u32) -> Self {
        self.max_descriptors = Some(max);
        self
    }

    /// The program, under the limits that were asked for.
    fn program(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_parlor");
        let Some(max) = self.max_descriptors else { return Command::new(program) };
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("ulimit -n {max} && exec \"$0\" \"$@\""), program]);
        shell
    }

    /// Starts a server in a new directory.
    pub(crate) fn start(self) -> Server {
        self.start_in(Arc::new(tempfile::tempdir().unwrap()))
    }

    /// Starts a server on data that may exist already.
    pub(crate) fn start_in(self, data: Arc<TempDir>) -> Server {
        Server::start_in(data, self)
    }
}

/// A server process.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    data: Arc<TempDir>,
    options: Options,
    log: Arc<Mutex<String>>,
    output: Mutex<Receiver<String>>,
}

impl Server {
    /// Starts a server with the default settings of the tests.
    pub(crate) fn start() -> Self {
        Options::default().start()
    }

    fn start_in(data: Arc<TempDir>, options: Options) -> Self {
        let mut child = options
            .program()
            .args(["serve", "--listen", &format!("127.0.0.1:{}", options.port)])
            .args(&options.args)
            .env("PARLOR_DATA", data.path())
            .env("PARLOR_BCRYPT_COST", "4")
            .envs((!options.unnamed).then_some(("PARLOR_SERVER_NAME", "test")))
            .envs(options.env.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        collect(child.stderr.take().unwrap(), log.clone());
        let lines = lines(child.stdout.take().unwrap());
        let address = listening(&lines, &log);
        Self { child, address, data, options, log, output: Mutex::new(lines) }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// The file that clients verify with.
    pub(crate) fn ca(&self) -> PathBuf {
        self.data().join("tls/ca.pem")
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The next line of what it says on standard output, behind where it listens.
    pub(crate) fn output_line(&self) -> String {
        self.output.lock().unwrap().recv_timeout(Duration::from_secs(30)).unwrap()
    }

    /// A connection that has read the greeting.
    pub(crate) fn connect(&self) -> Client {
        let mut client = Client::open(self.address, &self.ca());
        assert_eq!(client.line(), "HELLO parlor/1 test");
        client
    }

    /// A connection from one of this machine's addresses, that has read the greeting.
    pub(crate) fn connect_from(&self, address: Ipv4Addr) -> Client {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((address, 0)).into()).unwrap();
        socket.connect(&self.address.into()).unwrap();
        let mut client = Client::over(socket.into(), Client::config(&self.ca()), &[]);
        assert_eq!(client.line(), "HELLO parlor/1 test");
        client
    }

    /// A connection with a new account that is logged in.
    pub(crate) fn register(&self, user: &str) -> Client {
        let mut client = self.connect();
        client.send(&format!("REGISTER {user} secret"));
        assert_eq!(client.line(), format!("OK register {user} lobby"));
        client
    }

    /// A connection of an account whose password is `secret`.
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

    /// Kills it as `kill -9` does, and waits for its end.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same data, after it has ended.
    pub(crate) fn restart(mut self) -> Self {
        self.kill();
        Self::start_in(self.data.clone(), self.options.clone())
    }

    /// Starts it again on the same data and port, after it has ended.
    pub(crate) fn restart_on_same_port(mut self) -> Self {
        self.kill();
        self.options.clone().port(self.address.port()).start_in(self.data.clone())
    }

    /// Starts it again on the same data with other options, after it has ended.
    pub(crate) fn restart_with(mut self, options: Options) -> Self {
        self.kill();
        options.start_in(self.data.clone())
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the server does not end; its log:\n{}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The number in a line of `/proc/PID/status`, such as `Threads` or `VmRSS`.
    pub(crate) fn status(&self, field: &str) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(&format!("{field}:"))).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// How many of its threads have a name that begins with `prefix`.
    pub(crate) fn threads(&self, prefix: &str) -> usize {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        // A thread may have ended since it was listed.
        let names = threads.filter_map(|thread| std::fs::read_to_string(thread.unwrap().path().join("comm")).ok());
        names.filter(|name| name.starts_with(prefix)).count()
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("log of the server:\n{}", self.log());
        }
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(stream: impl Read + Send + 'static, log: Arc<Mutex<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // Reads on when nobody listens any more, so that the pipe stays open.
            let _ = sender.send(line);
        }
    });
    lines
}

fn listening(lines: &Receiver<String>, log: &Mutex<String>) -> SocketAddr {
    loop {
        let line = lines.recv_timeout(Duration::from_secs(30));
        let line = line.unwrap_or_else(|_| panic!("the server does not listen; its log:\n{}", log.lock().unwrap()));
        if let Some(address) = line.strip_prefix("parlor listening on ") {
            return address.parse().unwrap();
        }
    }
}
