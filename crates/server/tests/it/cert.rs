//! `parlor cert` and the exit codes of the command line, as a shell sees them.

use std::path::Path;

use crate::harness::{self, parlor};

fn outcome(data: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    harness::outcome(data, parlor(data, args))
}

/// Returns the value of a line of `cert show`.
fn field(shown: &str, name: &str) -> String {
    let line = shown.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
    line.unwrap_or_else(|| panic!("no {name} in:\n{shown}")).trim().to_string()
}

#[test]
fn a_certificate_is_made_shown_and_renewed() {
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir(data.path().join("tls")).unwrap();
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
fn a_certificate_that_the_server_was_given_is_shown_in_place_of_ours() {
    let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_, ours, _) = outcome(data.path(), &["cert", "init"]);
    let (_, given, _) = outcome(other.path(), &["cert", "init", "--tls-name", "given.example.org"]);
    std::fs::create_dir(data.path().join("given")).unwrap();
    let chain = data.path().join("given/chain.pem");
    std::fs::copy(other.path().join("tls/server.pem"), &chain).unwrap();
    let config = data.path().join("parlor.toml");
    std::fs::write(&config, format!("tls-cert = '{}'\ntls-key = 'key.pem'\n", chain.display())).unwrap();

    let (code, shown, _) = outcome(data.path(), &["cert", "show", "--config", config.to_str().unwrap()]);
    assert_eq!(code, Some(0));
    assert_eq!(field(&shown, "certificate"), "DIR/given/chain.pem");
    assert_eq!(field(&shown, "pin"), field(&given, "pin"));
    assert!(!shown.contains("CA file"), "{shown}");

    let args = ["cert", "init", "--force", "--tls-cert", chain.to_str().unwrap()];
    let (code, renewed, note) = outcome(data.path(), &args);
    assert_eq!(code, Some(0), "{note}");
    assert_eq!(field(&renewed, "pin"), field(&ours, "pin"));
    assert_eq!(note, "parlor: the server uses DIR/given/chain.pem and not this certificate\n");
}

#[test]
fn a_certificate_is_renewed_where_that_is_needed() {
    let data = tempfile::tempdir().unwrap();
    let serial = || std::fs::read(data.path().join("tls/server.pem")).unwrap();
    let needed = ["cert", "init", "--if-needed", "--tls-name", "chat.example.org"];
    let (code, made, _) = outcome(data.path(), &needed);
    assert_eq!(code, Some(0));
    let first = serial();
    assert_eq!(outcome(data.path(), &needed), (Some(0), made.clone(), String::new()));
    assert_eq!(outcome(data.path(), &needed[..3]), (Some(0), made.clone(), String::new()));
    assert_eq!(serial(), first);

    let (code, renewed, _) = outcome(data.path(), &[&needed[..], &["--tls-name", "192.0.2.7"]].concat());
    assert_eq!(code, Some(0));
    assert!(field(&renewed, "names").ends_with("chat.example.org, 192.0.2.7"), "{renewed}");
    assert_eq!(field(&renewed, "pin"), field(&made, "pin"));
    assert_ne!(serial(), first);
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
