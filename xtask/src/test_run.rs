//! `cargo xtask test`: all tests as `cargo test` runs them, with the time of each, a timeout for a test program that
//! hangs, and the slowest tests at the end. It must not decide what a test is, or whether it passed.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A test program that prints nothing for this time hangs. Normally it prints a line for each test that ends, and for
/// each test that takes longer than a minute.
const SILENCE: Duration = Duration::from_secs(300);
/// How many test programs run at the same time. Tests mostly wait.
const AT_ONCE: usize = 3;
/// How many of the slowest tests are shown.
const SHOWN: usize = 10;

/// A test program that cargo has built.
#[derive(Debug, PartialEq, Eq)]
struct Program {
    name: String,
    path: PathBuf,
    /// The working directory that its tests expect.
    directory: PathBuf,
    /// Whether it is from a directory `tests`. Such tests start servers and take long.
    is_of_integration_tests: bool,
}

/// The result of a test program.
#[derive(Debug)]
struct Report {
    passed: bool,
    /// Its output.
    text: String,
    /// The time of each of its tests, in seconds.
    times: Vec<(f64, String)>,
}

/// Builds and runs the tests that `arguments` select, as for `cargo test`. Returns `false` if a test failed.
///
/// # Errors
/// If they cannot be built or started.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<bool> {
    let mut programs = build(root, arguments)?;
    // Slow programs run first, so that none of them runs alone at the end.
    programs.sort_by_key(|program| !program.is_of_integration_tests);
    let next = Mutex::new(programs.into_iter());
    let done = Mutex::new(Vec::new());
    let examples = thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(program) = take(&next) {
                    let report = program.run();
                    print!("{}", report.text);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push(report);
                }
            });
        }
        let mut examples = Command::new(env!("CARGO"));
        examples.arg("test").args(arguments).arg("--doc").current_dir(root).output()
    })?;
    print!("{}", String::from_utf8_lossy(&examples.stdout));
    eprint!("{}", String::from_utf8_lossy(&examples.stderr));
    let reports = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    print!("{}", slowest(reports.iter().flat_map(|report| report.times.clone()).collect()));
    Ok(reports.iter().all(|report| report.passed) && examples.status.success())
}

/// The next program. The lock is held only in this call.
fn take(next: &Mutex<std::vec::IntoIter<Program>>) -> Option<Program> {
    next.lock().unwrap_or_else(PoisonError::into_inner).next()
}

/// Builds all test programs. Cargo prints the errors.
fn build(root: &Path, arguments: &[&str]) -> Result<Vec<Program>> {
    let build = ["--no-run", "--message-format", "json-render-diagnostics"];
    let mut cargo = Command::new(env!("CARGO"));
    cargo.arg("test").args(arguments).args(build).current_dir(root).stderr(Stdio::inherit());
    let output = cargo.output().context("cargo cannot be started")?;
    if !output.status.success() {
        bail!("the tests cannot be built");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| program(&serde_json::from_str(line).ok()?)).collect())
}

/// The test program in a message of cargo.
fn program(message: &Value) -> Option<Program> {
    if message["profile"]["test"] != true {
        return None;
    }
    let manifest = Path::new(message["manifest_path"].as_str()?);
    let kinds = message["target"]["kind"].as_array()?;
    Some(Program {
        is_of_integration_tests: kinds.iter().any(|kind| kind == "test"),
        name: format!("{} ({})", message["target"]["name"].as_str()?, message["target"]["src_path"].as_str()?),
        path: message["executable"].as_str()?.into(),
        directory: manifest.parent()?.to_owned(),
    })
}

impl Program {
    /// Runs the program until it ends or hangs.
    fn run(&self) -> Report {
        let mut report = Report { passed: false, text: format!("\n     Running {}\n", self.name), times: Vec::new() };
        let mut command = Command::new(&self.path);
        command.args(["-Z", "unstable-options", "--report-time"]).current_dir(&self.directory);
        // The times of tests are not stable yet, but this command needs them.
        command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_MANIFEST_DIR", &self.directory);
        match command.stdout(Stdio::piped()).spawn() {
            Ok(child) => report.follow(child),
            Err(error) => report.text.push_str(&format!("error: it cannot be started: {error}\n")),
        }
        report
    }
}

impl Report {
    /// Reads the output of a program to its end. A program that hangs is killed, and counts as failed.
    fn follow(&mut self, mut child: Child) {
        let finished = child.stdout.take().is_some_and(|output| self.read(output));
        if !finished {
            self.text.push_str(&format!("error: it printed nothing for {} s: it hangs\n", SILENCE.as_secs()));
            // It may have ended on its own just now.
            let _ = child.kill();
        }
        self.passed = child.wait().is_ok_and(|status| status.success()) && finished;
    }

    /// Reads to the end. Returns `false` if nothing arrives for [`SILENCE`].
    fn read(&mut self, output: impl Read + Send + 'static) -> bool {
        let (sender, lines) = channel();
        thread::spawn(move || {
            // Output that is not text ends the reading. The program then fails or hangs.
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        loop {
            match lines.recv_timeout(SILENCE) {
                Ok(line) => {
                    self.times.extend(time(&line));
                    self.text.push_str(&(line + "\n"));
                }
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }
}

/// The time and the name of a test: `test name ... ok <1.234s>`.
fn time(line: &str) -> Option<(f64, String)> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let seconds = rest.split_once('<')?.1.strip_suffix("s>")?;
    Some((seconds.parse().ok()?, name.to_owned()))
}

/// The slowest tests, slowest first.
fn slowest(mut times: Vec<(f64, String)>) -> String {
    times.sort_by(|one, other| other.0.total_cmp(&one.0));
    let rows = times.iter().take(SHOWN).map(|(seconds, name)| format!("{seconds:8.1} s  {name}\n"));
    format!("\nthe slowest of {} tests:\n{}", times.len(), rows.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_test_is_read_whether_it_passed_or_failed() {
        assert_eq!(time("test a::b ... ok <1.250s>"), Some((1.25, "a::b".to_owned())));
        assert_eq!(time("test a::b ... FAILED <0.001s>"), Some((0.001, "a::b".to_owned())));
        assert_eq!(time("test result: ok. 3 passed; 0 failed; finished in 0.10s"), None);
        assert_eq!(time("test a::b has been running for over 60 seconds"), None);
    }

    #[test]
    fn the_slowest_come_first_and_only_ten() {
        let times = (0..30).map(|number| (f64::from(number), format!("t{number}"))).collect();
        let text = slowest(times);
        assert!(text.starts_with("\nthe slowest of 30 tests:\n    29.0 s  t29\n    28.0 s  t28\n"), "{text}");
        assert_eq!(text.lines().count(), 12);
    }

    #[test]
    fn only_programs_of_tests_are_run() {
        let message = |is_test: bool| {
            serde_json::json!({
                "profile": { "test": is_test }, "manifest_path": "a/Cargo.toml", "executable": "t/a-1",
                "target": { "name": "a", "src_path": "a/src/lib.rs", "kind": ["lib"] },
            })
        };
        let program = program(&message(true)).unwrap();
        assert_eq!((program.directory, program.path), (PathBuf::from("a"), PathBuf::from("t/a-1")));
        assert_eq!(super::program(&message(false)), None);
    }

    fn shell(script: &str) -> Report {
        let child = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut report = Report { passed: false, text: String::new(), times: Vec::new() };
        report.follow(child);
        report
    }

    #[test]
    fn a_program_is_followed_to_its_end() {
        let report = shell("echo 'test a ... ok <0.1s>'");
        assert!(report.passed && report.times.len() == 1 && report.text.contains("test a ... ok"), "{report:?}");
        assert!(!shell("echo 'test a ... ok <0.1s>'; exit 101").passed);
    }
}
