//! `cargo xtask test`: all tests as `cargo test` runs them, with the time of each, a limit for a program of tests that
//! hangs, and the slowest ones at the end. It must not decide what a test is, or whether it passed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// If a program of tests prints nothing for so long, it hangs: it prints a line for each test that ends, and for each that
/// takes longer than a minute.
const SILENCE: Duration = Duration::from_secs(300);
/// How many of the slowest tests are shown.
const SHOWN: usize = 10;

/// A program that cargo has built of tests.
#[derive(Debug, PartialEq, Eq)]
struct Program {
    name: String,
    path: PathBuf,
    /// Where tests expect to be.
    directory: PathBuf,
}

/// Builds and runs the tests that `arguments` choose, as `cargo test` takes them; false if one failed.
///
/// # Errors
/// If they cannot be built or started.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<bool> {
    let mut passed = true;
    let mut times = Vec::new();
    for program in build(root, arguments)? {
        println!("\n     Running {}", program.name);
        passed &= program.run(&mut times)?;
    }
    let examples = Command::new(env!("CARGO")).arg("test").args(arguments).arg("--doc").current_dir(root).status()?;
    print!("{}", slowest(times));
    Ok(passed && examples.success())
}

/// Builds all programs of tests; what is wrong with them is printed by cargo.
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

/// The program of tests that a message of cargo is about.
fn program(message: &Value) -> Option<Program> {
    if message["profile"]["test"] != true {
        return None;
    }
    let manifest = Path::new(message["manifest_path"].as_str()?);
    Some(Program {
        name: format!("{} ({})", message["target"]["name"].as_str()?, message["target"]["src_path"].as_str()?),
        path: message["executable"].as_str()?.into(),
        directory: manifest.parent()?.to_owned(),
    })
}

impl Program {
    /// Runs it and notes what each test took, in seconds; false if one failed.
    fn run(&self, times: &mut Vec<(f64, String)>) -> Result<bool> {
        let mut command = Command::new(&self.path);
        command.args(["-Z", "unstable-options", "--report-time"]).current_dir(&self.directory);
        // The times of tests are not stable yet, and are what this is for.
        command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_MANIFEST_DIR", &self.directory);
        let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| self.name.clone())?;
        let finished = self.follow(&mut child, times);
        if !finished {
            eprintln!("error: {} printed nothing for {} s: it hangs", self.name, SILENCE.as_secs());
            child.kill()?;
        }
        Ok(child.wait()?.success() && finished)
    }

    /// Prints what it prints, to its end; false if it hangs.
    fn follow(&self, child: &mut Child, times: &mut Vec<(f64, String)>) -> bool {
        let Some(output) = child.stdout.take() else { return false };
        let (sender, lines) = channel();
        thread::spawn(move || {
            // What is no text ends the output, and the program is then seen to fail or to hang.
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        loop {
            match lines.recv_timeout(SILENCE) {
                Ok(line) => {
                    println!("{line}");
                    times.extend(time(&line));
                }
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }
}

/// What a test took, and its name: `test name ... ok <1.234s>`.
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
                "target": { "name": "a", "src_path": "a/src/lib.rs" },
            })
        };
        let program = program(&message(true)).unwrap();
        assert_eq!((program.directory, program.path), (PathBuf::from("a"), PathBuf::from("t/a-1")));
        assert_eq!(super::program(&message(false)), None);
    }

    fn shell(script: &str) -> bool {
        let mut child = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let program = Program { name: "a".to_owned(), path: "sh".into(), directory: ".".into() };
        let mut times = Vec::new();
        program.follow(&mut child, &mut times) && child.wait().unwrap().success() && times.len() == 1
    }

    #[test]
    fn a_program_is_followed_to_its_end() {
        assert!(shell("echo 'test a ... ok <0.1s>'"));
        assert!(!shell("echo 'test a ... ok <0.1s>'; exit 101"));
    }
}
