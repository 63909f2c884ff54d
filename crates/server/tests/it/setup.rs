//! How commands find the installation that they work on: only `parlor serve` creates one, and the other commands say
//! which they use.

use std::fs;
use std::path::Path;

use parlor_redis_testkit::RedisServer;

use crate::harness::{Options, Server, command, ends, feed, installation, outcome, parlor};

type Outcome = (Option<i32>, String, String);

fn run(data: &Path, words: &[&str]) -> Outcome {
    outcome(data, feed(command(data, words), "long secret\n"))
}

/// Runs the command without the variable that names the data directory, with this home.
fn run_at_home(home: &Path, words: &[&str]) -> Outcome {
    let mut command = command(home, words);
    command.env_remove("PARLOR_DATA").env("HOME", home);
    outcome(home, feed(command, "long secret\n"))
}

const ADD: [&str; 6] = ["user", "add", "ann", "--password-stdin", "--bcrypt-cost", "4"];

/// All commands that work on the database of an installation.
const OF_ACCOUNTS: [&[&str]; 7] = [
    &ADD,
    &["user", "list"],
    &["user", "passwd", "ann", "--password-stdin"],
    &["user", "delete", "ann"],
    &["user", "promote", "ann"],
    &["user", "demote", "ann"],
    &["user", "unlock", "ann"],
];

#[test]
fn a_command_without_an_installation_refuses_and_creates_nothing() {
    let others: [&[&str]; 3] = [&["cert", "show"], &["check", "127.0.0.1:1"], &["audit"]];
    for words in OF_ACCOUNTS.iter().chain(&others) {
        let data = tempfile::tempdir().unwrap();
        for dir in [data.path().to_owned(), data.path().join("none")] {
            let all = [words, &["--data", dir.to_str().unwrap()][..]].concat();
            let (code, said, complaint) = run(data.path(), &all);
            assert_eq!((code, said.as_str()), (Some(1), ""), "{all:?}: {complaint}");
            assert!(complaint.starts_with("parlor: there is no Parlor installation in DIR"), "{all:?}: {complaint}");
            assert!(complaint.contains("start the server once") && complaint.contains("--data"), "{complaint}");
            assert_eq!(complaint.lines().count(), 1, "{complaint}");
        }
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0, "{words:?} made something");
    }
}

#[test]
fn the_default_directory_is_refused_too_if_it_has_no_installation() {
    let home = tempfile::tempdir().unwrap();
    let (code, _, complaint) = run_at_home(home.path(), &ADD);
    assert_eq!(code, Some(1));
    assert!(complaint.contains("installation in DIR/.local/share/parlor"), "{complaint}");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn a_database_that_its_server_left_for_a_redis_takes_no_accounts() {
    let (data, redis) = (installation(), RedisServer::start());
    let server = Options::default().env("PARLOR_REDIS", &redis.url()).start_in(data.clone());
    for words in OF_ACCOUNTS.iter().chain(&[&["backup", "copy"][..], &["export"], &["invite"]]) {
        let (code, said, complaint) = run(data.path(), words);
        assert_eq!((code, said.as_str()), (Some(1), ""), "{words:?}: {complaint}");
        let reason =
            format!("its server keeps the accounts in redis://127.0.0.1:{}; name that by --redis", redis.port());
        assert!(complaint.contains(&reason), "{words:?}: {complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
    }
    let (code, _, complaint) = run(data.path(), &[&ADD[..], &["--redis", &redis.url()]].concat());
    assert_eq!(code, Some(0), "{complaint}");
    drop(server);
    assert_eq!(run(data.path(), &ADD).0, Some(1), "a server that stands still is one");
    // The server goes back to its database.
    drop(Options::default().start_in(data.clone()));
    let (code, _, complaint) = run(data.path(), &ADD);
    assert_eq!(code, Some(0), "{complaint}");
}

#[test]
fn a_file_in_place_of_the_directory_is_named_as_such() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("file");
    fs::write(&file, "").unwrap();
    for words in [&["user", "list"][..], &["audit"], &["serve", "--log", "off", "--listen", "127.0.0.1:0"]] {
        let all = [words, &["--data", file.to_str().unwrap()]].concat();
        let (code, said, complaint) = ends(data.path(), command(data.path(), &all));
        assert_eq!((code, said.as_str()), (Some(1), ""), "{words:?}");
        assert!(complaint.contains("DIR/file is a file"), "{words:?}: {complaint}");
    }
}

#[test]
fn where_the_server_keeps_its_accounts_in_redis_no_database_is_made() {
    let redis = RedisServer::start();
    let server = Options::default().env("PARLOR_REDIS", &redis.url()).start();
    for words in OF_ACCOUNTS {
        let (code, said, complaint) = run(server.data(), words);
        assert_eq!((code, said.as_str()), (Some(1), ""), "{words:?}");
        assert!(complaint.contains("DIR has no database") && complaint.contains("--redis"), "{words:?}: {complaint}");
    }
    assert!(!server.data().join("parlor.db").exists());
}

#[test]
fn commands_name_on_standard_error_what_they_use() {
    let server = Server::start();
    let added = run(server.data(), &ADD);
    assert_eq!(added, (Some(0), "ann added\n".to_owned(), "using DIR/parlor.db\n".to_owned()));
    let address = server.address().to_string();
    let checked = run(server.data(), &["check", &address]);
    assert_eq!(checked.2, "using DIR/tls/ca.pem\n");
    assert_eq!(run(server.data(), &["audit"]).2, "using DIR\n");
    let redis = RedisServer::start();
    let (_, _, notice) = run(server.data(), &["user", "list", "--redis", &redis.url()]);
    assert_eq!(notice, format!("using redis://127.0.0.1:{}\n", redis.port()));
}

#[test]
fn the_settings_file_of_the_server_leads_to_its_data() {
    let data = installation();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("parlor.toml");
    fs::write(&file, format!("data = {:?}\nlisten = [\"0.0.0.0:7878\"]\nbcrypt-cost = 4\n", data.path())).unwrap();
    let config = ["--config", file.to_str().unwrap()];
    let at = |words: &[&str]| run_at_home(home.path(), &[words, &config].concat());
    let (code, said, notice) = at(&["user", "add", "ann", "--password-stdin"]);
    assert_eq!((code, said.as_str()), (Some(0), "ann added\n"), "{notice}");
    assert_eq!(notice, format!("using {}/parlor.db, settings of DIR/parlor.toml\n", data.path().display()));
    assert!(at(&["user", "list"]).1.starts_with("ann "));
    let (code, shown, _) = at(&["cert", "show"]);
    assert!(code == Some(0) && shown.contains(data.path().to_str().unwrap()), "{shown}");
    assert_eq!(at(&["audit"]).2, format!("using {}, settings of DIR/parlor.toml\n", data.path().display()));
    assert!(at(&["check", "127.0.0.1:1"]).2.contains(" cannot be reached"));
}

#[test]
fn the_settings_file_of_the_server_leads_to_its_redis() {
    let redis = RedisServer::start();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("parlor.toml");
    fs::write(&file, format!("redis = {:?}\n", redis.url())).unwrap();
    let config = ["--config", file.to_str().unwrap()];
    let at = |words: &[&str]| run_at_home(home.path(), &[words, &config].concat());
    let (code, said, notice) = at(&ADD);
    assert_eq!((code, said.as_str()), (Some(0), "ann added\n"), "{notice}");
    assert_eq!(notice, format!("using redis://127.0.0.1:{}, settings of DIR/parlor.toml\n", redis.port()));
    assert_eq!(at(&["status"]).0, Some(0));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn the_status_without_a_redis_says_how_to_name_one() {
    let server = Server::start();
    let (code, _, complaint) = outcome(server.data(), parlor(server.data(), &["status"]));
    assert_eq!(code, Some(2));
    assert!(complaint.starts_with("error: no Redis is named: give --redis"), "{complaint}");
}

#[test]
fn a_certificate_is_renewed_where_the_settings_file_says_and_keeps_its_names() {
    let data = installation();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("parlor.toml");
    fs::write(&file, format!("data = {:?}\ntls-name = [\"new.example.org\"]\n", data.path())).unwrap();
    let words = ["cert", "init", "--force", "--config", file.to_str().unwrap()];
    let (code, shown, complaint) = run_at_home(home.path(), &words);
    assert_eq!(code, Some(0), "{complaint}");
    assert!(shown.contains(data.path().to_str().unwrap()) && !shown.contains("new.example.org"), "{shown}");
}
