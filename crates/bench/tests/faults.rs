//! The measuring program notices faults: the whole program against its own server, without and with faults.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_parlor-bench");

/// A bare server. It ends when dropped.
struct Bare {
    child: Child,
    address: String,
    data: TempDir,
}

impl Bare {
    fn start(options: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut command = Command::new(PROGRAM);
        command.arg("bare").args(options).arg("--data").arg(data.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("bare listening on ").unwrap().to_owned();
        Self { child, address, data }
    }

    /// Measures it as a server that is already running.
    fn measure(&self, options: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(options).args(["--rounds", "1", "--seconds", "0.3", "--warmup", "0", "--parlor", PROGRAM]);
        command.args(["--server", &self.address, "--alone", "--pid", &self.child.id().to_string(), "--ca"]);
        command.arg(self.data.path().join("tls/ca.pem")).output().unwrap()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_server_without_faults_is_measured() {
    for options in [&[][..], &["--coalesce"]] {
        let output = Bare::start(options).measure(&["fanout", "--members", "5", "--publishers", "2", "--window", "4"]);
        assert!(output.status.success(), "{}", said(&output.stderr));
        assert!(said(&output.stdout).contains("| fan-out: 5 members, 2 speaking, window 4 | parlor |"));
    }
}

#[test]
fn a_message_that_is_lost_fails_the_run() {
    let output = Bare::start(&["--lose", "7"]).measure(&["rooms", "--rooms", "2", "--members", "3", "--rate", "50"]);
    let error = said(&output.stderr);
    assert!(!output.status.success() && error.contains(" lost, 0 doubled, 0 reordered") && !error.contains(" 0 lost"));
}

#[test]
fn results_are_kept_and_drawn() {
    let results = tempfile::tempdir().unwrap();
    let file = results.path().join("results.json");
    let output = Bare::start(&[]).measure(&["fanout", "--members", "3", "--json", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", said(&output.stderr));
    let output = Command::new(PROGRAM).args(["plot", "--directory"]).arg(results.path()).output().unwrap();
    assert!(output.status.success(), "{}", said(&output.stderr));
    let drawing = std::fs::read_to_string(results.path().join("cost.svg")).unwrap();
    assert!(drawing.contains("fan-out: 3 members"));
}

#[test]
fn bare_servers_are_not_measured_in_json() {
    for (options, message) in [
        (&["--format", "json"][..], "the bare servers speak only text lines: add --alone"),
        (&["--door", "web", "--beside", "bare"], "the bare servers speak only text lines: add --alone"),
        (&["--door", "web", "--format", "text"], "clients of the web door speak JSON"),
    ] {
        let output = Command::new(PROGRAM).args(["fanout", "--parlor", PROGRAM]).args(options).output().unwrap();
        assert!(!output.status.success() && said(&output.stderr).contains(message), "{}", said(&output.stderr));
    }
}
