//! Pages of the database that were overwritten: nothing that looks at them says that all is well, and a way out is shown.

use std::fs::{self, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{
    Options, Server, command, copy_program, ends, installation, parlor, parlor_with_input, without_notice,
};

/// What an operator calls the tables, behind which something is lost.
const PARTS: [(&str, &str); 5] = [
    ("account", "accounts"),
    ("follow", "follows"),
    ("log", "rooms"),
    ("entry", "messages"),
    ("usual_address", "usual addresses"),
];

/// Brings everything into the one file, and overwrites the first page of a table in it.
pub(crate) fn overwrite(data: &Path, table: &str) {
    let path = data.join("parlor.db");
    let database = Connection::open(&path).unwrap();
    let left: i64 = database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
    let size: u64 = database.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
    let page: u64 = database
        .query_row("SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = ?1", [table], |row| row.get(0))
        .unwrap();
    drop(database);
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start((page - 1) * size)).unwrap();
    file.write_all(&vec![0xa5; usize::try_from(size).unwrap()]).unwrap();
}

/// Data of a server that was stopped.
fn installation_of_alice() -> Arc<TempDir> {
    let data = installation();
    let added = parlor_with_input(data.path(), &["user", "add", "alice", "--password-stdin"], "long secret\n");
    assert!(added.status.success());
    data
}

fn names(data: &Path) -> Vec<String> {
    let names = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_damaged_database_is_not_served_and_the_way_out_is_shown() {
    for (table, part) in PARTS {
        let data = installation_of_alice();
        overwrite(data.path(), table);
        let bytes = fs::read(data.path().join("parlor.db")).unwrap();
        let (code, said, complaint) = ends(data.path(), command(data.path(), &["serve", "--listen", "127.0.0.1:0"]));
        assert_eq!((code, said.as_str()), (Some(1), ""), "{table}: {complaint}");
        let last = complaint.lines().last().unwrap();
        assert!(last.starts_with("parlor: the database DIR/parlor.db is damaged: "), "{complaint}");
        assert!(last.contains(part) && last.contains("docs/deployment.md"), "{complaint}");
        assert_eq!(fs::read(data.path().join("parlor.db")).unwrap(), bytes, "{table}: it was changed");
    }
}

#[test]
fn audit_says_what_is_damaged_and_makes_and_changes_nothing() {
    for (table, part) in PARTS {
        let data = installation_of_alice();
        overwrite(data.path(), table);
        let before = names(data.path());
        let (code, said, _) = ends(data.path(), command(data.path(), &["audit", "--json"]));
        let report: Value = serde_json::from_str(&said).unwrap();
        let findings = report["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["check"] == "database-damaged").expect(&said);
        assert_eq!((code, &found["severity"]), (Some(1), &"serious".into()));
        assert!(found["what"].as_str().unwrap().contains(part), "{said}");
        assert!(found["cure"].as_str().unwrap().contains("docs/deployment.md"), "{said}");
        assert_eq!(names(data.path()), before);
    }
}

#[test]
fn audit_looks_at_a_running_server_and_at_one_that_was_killed() {
    let mut server = Server::start();
    let (mut alice, _) = server.register_json("alice");
    assert_eq!(alice.say("one"), 1);
    let is_damaged = |server: &Server| {
        let output = parlor(server.data(), &["audit"]);
        String::from_utf8(output.stdout).unwrap().contains("database-damaged")
    };
    assert!(!is_damaged(&server));
    server.kill();
    assert!(!is_damaged(&server));
    overwrite(server.data(), "entry");
    assert!(is_damaged(&server));
}

#[test]
fn a_database_behind_a_link_is_looked_at_too() {
    let (data, disk) = (installation_of_alice(), tempfile::tempdir().unwrap());
    let path = data.path().join("parlor.db");
    fs::copy(&path, disk.path().join("chat.db")).unwrap();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(disk.path().join("chat.db"), &path).unwrap();
    let server = Options::default().start_in(data);
    let check = || ends(server.data(), command(server.data(), &["check", &server.address().to_string()])).0;
    assert_eq!(check(), Some(0));
    overwrite(server.data(), "account");
    assert_eq!(check(), Some(1));
}

#[test]
fn a_server_whose_database_is_damaged_under_it_is_not_healthy() {
    for (table, part) in PARTS {
        let server = Server::start();
        let (mut alice, _) = server.register_json("alice");
        assert_eq!(alice.say("one"), 1);
        let check = || ends(server.data(), command(server.data(), &["check", &server.address().to_string()]));
        assert_eq!(
            without_notice(check()),
            (Some(0), format!("test answers on {}\n", server.address()), String::new())
        );
        overwrite(server.data(), table);
        let (code, said, complaint) = without_notice(check());
        assert_eq!((code, said.as_str()), (Some(1), ""), "{table}: {complaint}");
        assert!(complaint.contains("damaged") && complaint.contains(part), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
    }
}

#[test]
fn a_server_that_cannot_write_is_not_healthy() {
    let server = Server::start();
    let other = Connection::open(server.data().join("parlor.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let check = || ends(server.data(), command(server.data(), &["check", &server.address().to_string()]));
    let (code, _, complaint) = check();
    assert!(code == Some(1) && complaint.contains("locked"), "{complaint}");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(check().0, Some(0));
}

#[test]
fn a_command_that_finds_damage_shows_the_way_out() {
    let data = installation_of_alice();
    overwrite(data.path(), "account");
    let (code, _, complaint) = ends(data.path(), command(data.path(), &["user", "list"]));
    assert_eq!(code, Some(1));
    assert!(complaint.contains("is damaged") && complaint.contains("docs/deployment.md"), "{complaint}");
}

#[test]
fn who_may_not_read_the_database_is_told_that_it_was_not_looked_at() {
    if !rustix::process::geteuid().is_root() {
        println!("NOT TESTED: another user without rights, since only root can become one");
        return;
    }
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    // Another user need not reach the program where it was built.
    let program = place.path().join("parlor");
    copy_program(&program);
    for dir in [place.path(), server.data(), &server.data().join("tls")] {
        fs::set_permissions(dir, Permissions::from_mode(0o755)).unwrap();
    }
    let mut check = Command::new(&program);
    check.args(["check", &server.address().to_string()]).env_clear().env("PARLOR_DATA", server.data());
    check.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).uid(65534).gid(65534);
    let (code, said, complaint) = ends(server.data(), check);
    let answers = format!("test answers on {}\nits database was not looked at: ", server.address());
    assert!(code == Some(0) && said.starts_with(&answers), "{said}{complaint}");
}
