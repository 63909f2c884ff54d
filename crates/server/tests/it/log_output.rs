//! A server whose log and banner nobody takes: a full disk, a closed pipe, a pipe that nobody reads. It serves on, and ends
//! in time.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, PipeReader, PipeWriter, pipe};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tempfile::TempDir;

use crate::harness::{Client, command, eventually};

/// How long a server may take to start.
const STARTS_WITHIN: Duration = Duration::from_secs(20);

/// How long a server may take to end.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// Killed when dropped.
struct Server {
    child: Child,
    address: SocketAddr,
    data: TempDir,
}

fn serve(data: &Path) -> Command {
    command(data, &["serve", "--listen", "127.0.0.1:0", "--bcrypt-cost", "4", "--log", "debug"])
}

impl Server {
    fn start(stderr: impl Into<Stdio>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut child = serve(data.path()).stderr(stderr).spawn().unwrap();
        let line = first_line(child.stdout.take().unwrap());
        let mut server = Self { child, address: ([0, 0, 0, 0], 0).into(), data };
        let line = line.recv_timeout(STARTS_WITHIN).expect("the server does not start");
        server.address = line.strip_prefix("parlor listening on ").unwrap().parse().unwrap();
        server
    }

    fn connect(&self) -> Client {
        let mut client = Client::open(self.address, &self.data.path().join("tls/ca.pem"));
        assert!(client.line().starts_with("HELLO "));
        client
    }

    fn register(&self, user: &str) -> Client {
        let mut client = self.connect();
        assert_eq!(client.ask(&format!("REGISTER {user} secret of {user}")), format!("OK register {user} lobby"));
        client
    }

    /// Users come, talk and go, each with several lines of the log.
    fn works(&self, users: std::ops::Range<usize>) {
        for number in users {
            let mut client = self.register(&format!("user{number}"));
            client.send("hello");
            assert_eq!(client.ask("/ping"), "PONG");
        }
    }

    /// Whether the thread that writes log lines waits for the next one: it has tried to write all that came before.
    fn log_thread_sleeps(&self) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let mut stats = threads.filter_map(|thread| std::fs::read_to_string(thread.unwrap().path().join("stat")).ok());
        stats.any(|stat| stat.contains(" (log) S "))
    }

    fn stop(mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        wait(&mut self.child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a line on a thread of its own, so that there is a limit to it.
fn first_line(output: ChildStdout) -> Receiver<String> {
    let (sender, line) = channel();
    thread::spawn(move || {
        BufReader::new(output).lines().map_while(Result::ok).take(1).try_for_each(|it| sender.send(it))
    });
    line
}

fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + ENDS_WITHIN;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < deadline, "the server does not end");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A pipe that takes nothing more; it is open as long as the reader is.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, writer) = pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    while rustix::io::write(&writer, &[b'x'; 4096]).is_ok() {}
    while rustix::io::write(&writer, b"x").is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    (reader, writer)
}

#[test]
fn a_full_disk_under_the_log_ends_nothing() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let server = Server::start(full);
    server.works(0..3);
    assert!(server.stop().success());
}

#[test]
fn a_closed_log_ends_nothing() {
    let (reader, writer) = pipe().unwrap();
    let server = Server::start(writer);
    server.works(0..1);
    drop(reader);
    server.works(1..3);
    assert!(server.stop().success());
}

#[test]
fn a_log_that_nobody_reads_holds_nothing_up() {
    let (_reader, writer) = full_pipe();
    let server = Server::start(writer);
    server.works(0..3);
    assert!(server.stop().success());
}

#[test]
fn a_later_line_says_how_many_were_lost() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let server = Server::start(log.reopen().unwrap());
    let logged = || std::fs::read_to_string(log.path()).unwrap();
    // Files of the server cannot grow for a while.
    let pid = Some(Pid::from_child(&server.child));
    let before = prlimit(pid, Resource::Fsize, Rlimit { current: Some(1), maximum: None }).unwrap();
    let fail_to_log_in = |user: &str| {
        let mut client = server.connect();
        assert!(client.ask(&format!("LOGIN {user} wrong password")).starts_with("ERR bad-credentials "));
    };
    fail_to_log_in("ann");
    eventually("the line to be lost", || server.log_thread_sleeps());
    prlimit(pid, Resource::Fsize, before).unwrap();
    fail_to_log_in("bob");
    eventually("the lost lines to be reported", || logged().contains("log lines were lost"));
    eventually("the next lines to be logged", || logged().contains("user=bob"));
    assert!(!logged().contains("user=ann"), "{}", logged());
}

#[test]
fn a_server_that_cannot_start_ends_although_nobody_reads_why() {
    let (_reader, writer) = full_pipe();
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("parlor.db"), "no database at all, but a text that is long enough").unwrap();
    let mut child = serve(data.path()).stderr(writer).spawn().unwrap();
    assert_eq!(wait(&mut child).code(), Some(1));
}

#[test]
fn a_banner_that_nobody_reads_holds_nothing_up() {
    let (_reader, writer) = full_pipe();
    let data = tempfile::tempdir().unwrap();
    let mut child = serve(data.path()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let listens = log.by_ref().map_while(Result::ok).any(|line| line.contains("serving with this certificate"));
    assert!(listens, "the log does not say that the server is up");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(wait(&mut child).success());
}

#[test]
fn messages_of_commands_that_nobody_can_read_are_no_panic() {
    let data = tempfile::tempdir().unwrap();
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    for words in [&["user", "delete", "nobody"][..], &["check", "127.0.0.1:1"], &["connect", "127.0.0.1:1"]] {
        let mut child = command(data.path(), words).stdout(full()).stderr(full()).spawn().unwrap();
        let code = wait(&mut child).code();
        assert!(code.is_some_and(|code| (1..=9).contains(&code)), "{words:?} ends with {code:?}");
    }
}
