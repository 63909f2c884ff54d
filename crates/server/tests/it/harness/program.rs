//! Runs the built program to its end, with only those environment variables that a test sets.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Options;

/// Exit code, standard output and standard error.
type Outcome = (Option<i32>, String, String);

/// Returns the program with these arguments, an environment that has only the data directory, and no input.
pub(crate) fn command(data: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
    command.args(args).env_clear().env("PARLOR_DATA", data).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Copies the program to `to`.
pub(crate) fn copy_program(to: &Path) {
    copy_to_run(env!("CARGO_BIN_EXE_parlor").as_ref(), to);
}

/// Copies a file that will be run. Another process does it: what this one starts meanwhile would inherit the open file, and the
/// system runs no file that somebody may write (ETXTBSY).
pub(crate) fn copy_to_run(from: &Path, to: &Path) {
    let copied = Command::new("cp").args([from, to]).status().unwrap();
    assert!(copied.success(), "cp failed");
}

/// Runs the program to its end.
pub(crate) fn parlor(data: &Path, args: &[&str]) -> Output {
    command(data, args).output().unwrap()
}

/// The same, with `input` on standard input.
pub(crate) fn parlor_with_input(data: &Path, args: &[&str], input: &str) -> Output {
    feed(command(data, args), input)
}

/// Runs a command to its end, with `input` on standard input.
pub(crate) fn feed(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // A program that fails early may not read its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Returns the exit code, standard output and standard error, with the directory replaced by `DIR`.
pub(crate) fn outcome(data: &Path, output: Output) -> Outcome {
    let text = |bytes| String::from_utf8(bytes).unwrap().replace(data.to_str().unwrap(), "DIR");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Runs a program that must end by itself within 30 s. Returns its [`outcome`].
pub(crate) fn ends(data: &Path, mut command: Command) -> Outcome {
    let mut child = command.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            let Output { stdout, stderr, .. } = child.wait_with_output().unwrap();
            panic!("it does not end: {}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        }
        thread::sleep(Duration::from_millis(5));
    }
    outcome(data, child.wait_with_output().unwrap())
}

/// The same outcome without the line on standard error that names what the command uses.
pub(crate) fn without_notice((code, said, complaint): Outcome) -> Outcome {
    let rest = match complaint.split_once('\n') {
        Some((first, rest)) if first.starts_with("using ") => rest.to_owned(),
        _ => complaint,
    };
    (code, said, rest)
}

/// Returns a data directory on which a server has run.
pub(crate) fn installation() -> Arc<TempDir> {
    let data = Arc::new(tempfile::tempdir().unwrap());
    install(&data);
    data
}

/// Runs a server on the data directory until it listens.
pub(crate) fn install(data: &Arc<TempDir>) {
    let mut server = Options::default().start_in(data.clone());
    server.signal("TERM");
    assert!(server.wait().success());
}
