//! What a server prints at its start: every command in it works, and it fits the settings.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

use crate::harness::{command, feed, outcome};

/// The page that shows the banner of a first start.
const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");

/// A server that runs, and what it printed.
struct Shown {
    data: TempDir,
    child: Child,
    text: String,
    _output: BufReader<ChildStdout>,
}

impl Shown {
    fn start(args: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut command = command(data.path(), &[&["serve", "--log", "off", "--bcrypt-cost", "4"], args].concat());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        output.read_line(&mut text).unwrap();
        // The server prints everything in one write, of which the first line has arrived.
        text.push_str(std::str::from_utf8(output.buffer()).unwrap());
        Self { data, child, text, _output: output }
    }

    /// Returns the only line that contains these words.
    fn line(&self, words: &str) -> &str {
        let mut lines = self.text.lines().filter(|line| line.contains(words));
        let line = lines.next().unwrap_or_else(|| panic!("no {words} in:\n{}", self.text));
        assert!(lines.next().is_none(), "{words} is there twice:\n{}", self.text);
        line.trim()
    }

    fn port(&self) -> &str {
        self.text.lines().next().unwrap().rsplit(':').next().unwrap()
    }

    fn has(&self, words: &str) -> bool {
        self.text.contains(words)
    }

    /// Runs a printed command in a shell. Returns exit code, output and errors.
    fn run(&self, line: &str, input: &str) -> (Option<i32>, String, String) {
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).env("PARLOR_PASSWORD", "long secret");
        shell.stdout(Stdio::piped()).stderr(Stdio::piped());
        outcome(self.data.path(), feed(shell, input))
    }

    /// Fails unless a client that runs the command, with these flags, gets into the lobby.
    fn lets_in(&self, line: &str, flags: &str) {
        let (code, said, complaint) = self.run(&format!("{line} {flags}"), "/who\n");
        assert_eq!((code, said.contains("OK who lobby 1")), (Some(0), true), "{line}: {said}{complaint}");
    }

    /// Fails unless the printed command of openssl verifies the server.
    fn greets_openssl(&self) {
        let line = self.line("openssl s_client").to_owned();
        let (_, said, complaint) = self.run(&line, "QUIT\n");
        assert!(said.starts_with("HELLO parlor/1 "), "{line}: {said}{complaint}");
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_sample_of_the_readme_is_what_a_first_start_prints() {
    let shown = Shown::start(&["--listen", "127.0.0.1:0"]);
    let real = shown
        .text
        .replace(env!("CARGO_BIN_EXE_parlor"), "target/release/parlor")
        .replace(shown.data.path().to_str().unwrap(), "$HOME/.local/share/parlor")
        .replace(&format!("127.0.0.1:{}", shown.port()), "127.0.0.1:7878")
        .replace(&format!("localhost:{}", shown.port()), "localhost:7878");
    let mut readme = String::new();
    std::fs::File::open(README).unwrap().read_to_string(&mut readme).unwrap();
    let sample =
        readme.split("```text\n$ cargo run --release\n").nth(1).expect("README.md has no sample of the banner");
    assert_eq!(sample.split("```").next().unwrap(), real);
}

#[test]
fn where_registration_is_open_both_commands_work_and_a_client_makes_an_account() {
    let shown = Shown::start(&["--listen", "127.0.0.1:0"]);
    shown.lets_in(shown.line(" --ca "), "--user ann --register");
    shown.greets_openssl();
    assert!(shown.has("REGISTER") && !shown.has("user add") && !shown.has("another machine"), "{}", shown.text);
}

#[test]
fn where_registration_is_closed_the_operator_makes_the_account() {
    let shown = Shown::start(&["--listen", "127.0.0.1:0", "--registration", "closed"]);
    assert!(
        !shown.has("REGISTER") && !shown.has("--register") && shown.has("Registration is closed"),
        "{}",
        shown.text
    );
    let (code, said, complaint) =
        shown.run(&format!("{} --password-stdin", shown.line("user add alice")), "long secret\n");
    assert_eq!((code, said.as_str()), (Some(0), "alice added\n"), "{complaint}");
    shown.lets_in(shown.line(" --ca "), "--user alice");
}

#[test]
fn a_public_server_shows_the_commands_for_other_machines() {
    let shown = Shown::start(&["--listen", "0.0.0.0:0", "--tls-name", "*.example.org,chat.example.org"]);
    let ca = shown.data.path().join("tls/ca.pem");
    let port = shown.port();
    assert!(shown.has("To connect from another machine:\n"), "{}", shown.text);
    assert_eq!(shown.line("--ca ca.pem"), format!("parlor connect chat.example.org:{port} --ca ca.pem"));
    assert!(shown.line("with a copy of").contains(ca.to_str().unwrap()));
    let pinned = shown.line("--pin").to_owned();
    assert!(pinned.starts_with(&format!("parlor connect chat.example.org:{port} --pin sha256:")), "{pinned}");
    assert!(shown.has("Registration is closed"), "{}", shown.text);
    let (code, _, complaint) =
        shown.run(&format!("{} --password-stdin", shown.line("user add alice")), "long secret\n");
    assert_eq!(code, Some(0), "{complaint}");
    let here = pinned
        .replace("parlor connect chat.example.org", &format!("{} connect 127.0.0.1", env!("CARGO_BIN_EXE_parlor")));
    shown.lets_in(&here, "--user alice");
    shown.lets_in(shown.line(&format!("--ca {}", ca.display())), "--user alice");
    shown.greets_openssl();
}

#[test]
fn a_public_server_without_a_public_name_says_so_and_shows_the_pin() {
    let shown = Shown::start(&["--listen", "0.0.0.0:0"]);
    assert!(shown.line("no name for other machines").contains("--tls-name"));
    assert!(shown.line("--pin").starts_with(&format!("parlor connect HOST:{} --pin sha256:", shown.port())));
}

/// Writes a certificate and its key into the directory. Returns the flags that name them.
fn own_certificate(dir: &Path) -> [String; 4] {
    let text = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["chat.example.org".to_owned()]).unwrap();
    std::fs::write(text("own.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(text("own.key"), key.serialize_pem()).unwrap();
    ["--tls-cert".to_owned(), text("own.pem"), "--tls-key".to_owned(), text("own.key")]
}

#[test]
fn with_a_certificate_of_the_operator_every_command_works_too() {
    let dir = tempfile::tempdir().unwrap();
    let own = own_certificate(dir.path());
    let flags =
        [&["--listen", "0.0.0.0:0", "--registration", "open"], &own.each_ref().map(String::as_str)[..]].concat();
    let shown = Shown::start(&flags);
    assert!(!shown.has("ca.pem"), "{}", shown.text);
    shown.lets_in(shown.line(" connect 127.0.0.1:"), "--user ann --register");
    shown.greets_openssl();
    let elsewhere = format!("  parlor connect chat.example.org:{}\n", shown.port());
    assert!(shown.has(&elsewhere), "{}", shown.text);
    assert!(shown.has(&format!("{} --pin sha256:", elsewhere.trim_end())), "{}", shown.text);
}

#[test]
fn behind_a_balancer_clients_connect_to_that() {
    let name = ["--tls-name", "chat.example.org"];
    let shown = Shown::start(&[&["--listen", "127.0.0.1:0", "--proxy-from", "127.0.0.1"], &name[..]].concat());
    assert!(!shown.has("from this machine, in"), "a direct connection has no PROXY header:\n{}", shown.text);
    assert!(shown.has("To connect through the balancer (127.0.0.1/32)"), "{}", shown.text);
    assert_eq!(shown.line("--ca ca.pem"), "parlor connect chat.example.org:PORT --ca ca.pem");
    let shown = Shown::start(&["--listen", "127.0.0.1:0", "--proxy-from", "192.0.2.1", "--registration", "open"]);
    shown.lets_in(shown.line(" --ca "), "--user ann --register");
    assert!(shown.has("To connect through the balancer (192.0.2.1/32)"), "{}", shown.text);
}
