//! The script with which the unit of systemd gives the server files that only root can read. What systemd itself does
//! is tested in a container (tests/containers/package.py).

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

use crate::harness::{Client, Options, eventually, parlor};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging/copy-credentials");

/// Runs the script as the unit does, with the state directory of the server.
fn copy(source: &Path, target: &Path, state: &Path) {
    let mut script = Command::new(SCRIPT);
    let output = script.args([source, target]).env("STATE_DIRECTORY", state).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn copies_belong_to_the_server_and_follow_their_originals() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("source")).unwrap();
    fs::create_dir(at("state")).unwrap();
    if rustix::process::geteuid().is_root() {
        chown(at("state"), Some(65534), Some(65534)).unwrap();
    }
    fs::write(at("source/key.pem"), "first").unwrap();
    fs::write(at("source/old.pem"), "old").unwrap();
    let run = || copy(&at("source"), &at("target"), &at("state"));
    run();
    assert_eq!((mode(&at("target")), mode(&at("target/key.pem"))), (0o711, 0o400));
    let owner = |name: &str| fs::metadata(at(name)).unwrap().uid();
    assert_eq!(owner("target/key.pem"), owner("state"));
    assert_ne!((owner("target"), rustix::process::geteuid().is_root()), (65534, true), "the server could change it");
    fs::write(at("source/key.pem"), "second").unwrap();
    fs::remove_file(at("source/old.pem")).unwrap();
    run();
    assert_eq!(fs::read_to_string(at("target/key.pem")).unwrap(), "second");
    let left: Vec<_> = fs::read_dir(at("target")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["key.pem"]);
}

#[test]
fn a_link_in_place_of_a_copy_is_replaced_and_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir_all(at("source")).unwrap();
    fs::create_dir_all(at("target")).unwrap();
    fs::write(at("source/key.pem"), "secret").unwrap();
    fs::write(at("victim"), "as it was").unwrap();
    symlink(at("victim"), at("target/key.pem")).unwrap();
    copy(&at("source"), &at("target"), dir.path());
    assert_eq!(fs::read_to_string(at("victim")).unwrap(), "as it was");
    assert_eq!(fs::read_to_string(at("target/key.pem")).unwrap(), "secret");
}

#[test]
fn without_files_nothing_fails() {
    let dir = tempfile::tempdir().unwrap();
    copy(&dir.path().join("none"), &dir.path().join("target"), dir.path());
    assert_eq!(fs::read_dir(dir.path().join("target")).unwrap().count(), 0);
}

#[test]
fn a_renewed_certificate_is_taken_at_a_reload_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    assert!(parlor(dir.path(), &["cert", "init"]).status.success());
    fs::create_dir(at("source")).unwrap();
    let renew = || {
        for name in ["server.pem", "server.key"] {
            fs::copy(at("tls").join(name), at("source").join(name)).unwrap();
        }
        copy(&at("source"), &at("target"), dir.path());
    };
    renew();
    let (chain, key) = (at("target/server.pem"), at("target/server.key"));
    let flags = ["--tls-cert", chain.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let server = Options::default().args(&flags).start();
    let mut alice = Client::open(server.address(), &at("tls/ca.pem"));
    assert_eq!(alice.line(), "HELLO parlor/1 test");
    assert!(parlor(dir.path(), &["cert", "init", "--force", "--tls-name", "new.example.org"]).status.success());
    renew();
    server.signal("HUP");
    let shown = || {
        let ask = format!(
            "openssl s_client -connect {} </dev/null | openssl x509 -noout -ext subjectAltName",
            server.address()
        );
        String::from_utf8(Command::new("sh").args(["-c", &ask]).output().unwrap().stdout).unwrap()
    };
    eventually("the new certificate is shown", || shown().contains("new.example.org"));
    assert_eq!(alice.ask("PING"), "PONG");
}
