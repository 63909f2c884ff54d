//! `parlor cert` and the exit codes of the command line, as a shell sees them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::path::Path;
use std::process::{Command, Output};

fn parlor(data: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_parlor")).args(args).env_clear().env("PARLOR_DATA", data).output().unwrap()
}

/// Exit code and what was said on standard output and standard error, with the directory replaced by `DIR`.
fn outcome(data: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = parlor(data, args);
    let text = |bytes| String::from_utf8(bytes).unwrap().replace(data.to_str().unwrap(), "DIR");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The value of a line of `cert show`.
fn field(shown: &str, name: &str) -> String {
    let line = shown.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
    line.unwrap_or_else(|| panic!("no {name} in:\n{shown}")).trim().to_string()
}

#[test]
fn a_certificate_is_made_shown_and_renewed() {
    let data = tempfile::tempdir().unwrap();
    let missing = "parlor: there is no certificate DIR/tls/server.pem; make one by: parlor cert init\n";
    assert_eq!(outcome(data.path(), &["cert", "show"]), (Some(1), String::new(), missing.into()));

    let (code, made, complaints) = outcome(data.path(), &["cert", "init", "--tls-name", "chat.example.org"]);
    assert_eq!((code, complaints.as_str()), (Some(0), ""));
    assert_eq!(field(&made, "CA file"), "DIR/tls/ca.pem");
    assert!(field(&made, "names").starts_with("localhost, 127.0.0.1, ::1, "), "{made}");
    assert!(field(&made, "names").ends_with("chat.example.org"), "{made}");
    assert!(field(&made, "pin").starts_with("sha256:"), "{made}");
    assert_eq!(outcome(data.path(), &["cert", "show"]), (Some(0), made.clone(), String::new()));

    let (code, said, complaint) = outcome(data.path(), &["cert", "init"]);
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(complaint.ends_with("renew it with --force\n") && complaint.lines().count() == 1, "{complaint}");

    let (code, renewed, _) = outcome(data.path(), &["cert", "init", "--force"]);
    assert_eq!(code, Some(0));
    for name in ["CA file", "CA valid until", "names", "pin"] {
        assert_eq!(field(&renewed, name), field(&made, name));
    }
}

#[test]
fn what_cannot_be_read_is_one_line_and_exit_code_1() {
    let data = tempfile::tempdir().unwrap();
    assert_eq!(outcome(data.path(), &["cert", "init"]).0, Some(0));
    std::fs::write(data.path().join("tls/ca.pem"), "junk").unwrap();
    for args in [&["cert", "show"][..], &["cert", "init", "--force"]] {
        let (code, said, complaint) = outcome(data.path(), args);
        assert_eq!((code, said.as_str()), (Some(1), ""));
        assert!(complaint.starts_with("parlor: DIR/tls/ca.pem holds no certificate"), "{complaint}");
        assert_eq!(complaint.lines().count(), 1);
    }
}

#[test]
fn usage_errors_have_exit_code_2_and_no_panic() {
    let data = tempfile::tempdir().unwrap();
    let cases: [&[&str]; 5] =
        [&["frob"], &["--frob"], &["cert"], &["cert", "init", "--tls-name", "bad..name"], &["completions", "cobol"]];
    for args in cases {
        let (code, said, complaint) = outcome(data.path(), args);
        assert_eq!((code, said.as_str()), (Some(2), ""), "{args:?}");
        assert!(!complaint.is_empty() && !complaint.contains("panicked"), "{args:?}: {complaint}");
    }
}

#[test]
fn every_help_has_examples() {
    let data = tempfile::tempdir().unwrap();
    let cases: [&[&str]; 6] = [
        &["--help"],
        &["connect", "--help"],
        &["cert", "--help"],
        &["cert", "show", "--help"],
        &["cert", "init", "--help"],
        &["completions", "--help"],
    ];
    for args in cases {
        let (code, said, _) = outcome(data.path(), args);
        assert_eq!(code, Some(0));
        assert!(said.contains("\nExamples:\n  parlor "), "{args:?}: {said}");
    }
}

#[test]
fn completions_know_the_commands() {
    let data = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, _) = outcome(data.path(), &["completions", shell]);
        assert_eq!(code, Some(0));
        assert!(script.contains("cert") && script.contains("tls-name"), "{shell}: {script}");
    }
}
