//! Settings of `parlor serve`: exit codes and one-line errors of bad ones, and the precedence of the sources.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::{self, Options, Server, command, ends, eventually, outcome};

/// Runs `parlor serve` with settings that must fail.
fn serve(data: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut all = vec!["serve", "--log", "off"];
    if !args.contains(&"--listen") {
        all.extend(["--listen", "127.0.0.1:0"]);
    }
    all.extend(args);
    ends(data, command(data, &all))
}

/// Fails unless the result is a usage error: exit code 2, and all of `words` in the first line.
fn assert_usage(told: (Option<i32>, String, String), words: &[&str]) {
    let (code, said, complaint) = told;
    assert_eq!((code, said.as_str()), (Some(2), ""), "{words:?}: {complaint}");
    let first = complaint.lines().next().unwrap_or_default();
    assert!(first.starts_with("error: ") && words.iter().all(|word| first.contains(word)), "{words:?}: {complaint}");
    assert!(!complaint.contains("panicked") && complaint.lines().count() <= 8, "{complaint}");
}

/// Fails unless the result is exit code 1 and one error line with all of `words`.
fn assert_failure(told: (Option<i32>, String, String), words: &[&str]) {
    let (code, said, complaint) = told;
    assert_eq!((code, said.as_str()), (Some(1), ""), "{complaint}");
    assert!(complaint.starts_with("parlor: ") && complaint.lines().count() == 1, "{complaint}");
    assert!(words.iter().all(|word| complaint.contains(word)), "{words:?}: {complaint}");
}

#[test]
fn flags_that_are_unknown_or_bad_are_usage_errors() {
    let data = tempfile::tempdir().unwrap();
    let cases: &[(&[&str], &[&str])] = &[
        (&["--frob"], &["--frob"]),
        (&["extra"], &["extra"]),
        (&["--listen", "nowhere"], &["nowhere", "--listen"]),
        (&["--listen", "localhost:7878"], &["--listen", "not a name", "127.0.0.1:7878"]),
        (&["--listen", "::1:7878"], &["--listen", "brackets", "[::1]:7878"]),
        (&["--listen", ":7878"], &["--listen", "0.0.0.0:7878"]),
        (&["--data", "~/parlor"], &["~/parlor", "--data", "only in a shell"]),
        (&["--redis", "/run/redis.sock"], &["--redis", "Unix socket is not supported"]),
        (&["--redis", "redis://:a#b@h"], &["--redis", "percent-encoded"]),
        (&["--bcrypt-cost", "3"], &["3", "--bcrypt-cost", "4..=31"]),
        (&["--bcrypt-cost", "32"], &["32", "--bcrypt-cost"]),
        (&["--duplicate-login", "ignore"], &["ignore", "--duplicate-login"]),
        (&["--registration", "maybe"], &["maybe", "--registration"]),
        (&["--login-timeout", "soon"], &["soon", "--login-timeout"]),
        (&["--login-timeout", "0"], &["0", "--login-timeout"]),
        (&["--max-line-bytes", "100"], &["100", "--max-line-bytes"]),
        (&["--max-queued-bytes", "1KiB"], &["1KiB", "--max-queued-bytes"]),
        (&["--max-connections", "0"], &["0", "--max-connections"]),
        (&["--history", "-1"], &["-1"]),
        (&["--log", "parlor=loud"], &["parlor=loud", "--log"]),
        (&["--tls-name", "bad..name"], &["bad..name", "--tls-name"]),
        (&["--tls-cert", "chain.pem"], &["--tls-cert and --tls-key are needed together"]),
        (&["--config", "/nonexistent.toml"], &["cannot read /nonexistent.toml"]),
    ];
    for (args, words) in cases {
        let mut all = vec!["serve"];
        all.extend(*args);
        assert_usage(ends(data.path(), command(data.path(), &all)), words);
    }
}

#[test]
fn files_of_settings_that_are_wrong_are_usage_errors() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("parlor.toml");
    let cases: &[(&str, &[&str])] = &[
        ("frob = 1", &["DIR/parlor.toml: line 1: unknown key \"frob\""]),
        ("# settings\n\nhistroy = 3", &["DIR/parlor.toml: line 3: unknown key", "did you mean \"history\"?"]),
        ("history = 3\ndata = \"~/parlor\"", &["DIR/parlor.toml: line 2: data: ", "only in a shell"]),
        ("log = \"info\"\nbcrypt-cost = 3", &["DIR/parlor.toml: line 2: bcrypt-cost: "]),
        ("max_line_bytes = 4096", &["unknown key", "did you mean \"max-line-bytes\"?"]),
        ("[limits]\nhistory = 3", &["unknown key \"limits\""]),
        ("bcrypt-cost = 3", &["bcrypt-cost", "4..=31"]),
        ("history = \"many\"", &["history", "many"]),
        ("listen = \"127.0.0.1:0\"", &["listen", "expected an array"]),
        ("history = 1\nhistory = 2", &["DIR/parlor.toml: line 2: history: "]),
        ("history =", &["DIR/parlor.toml: line 1: history: "]),
        ("config = \"other.toml\"", &["unknown key \"config\""]),
    ];
    for (text, words) in cases {
        std::fs::write(&file, text).unwrap();
        assert_usage(serve(data.path(), &["--config", file.to_str().unwrap()]), words);
    }
}

#[test]
fn bad_values_in_the_environment_are_usage_errors() {
    let data = tempfile::tempdir().unwrap();
    let mut command = command(data.path(), &["serve"]);
    command.env("PARLOR_BCRYPT_COST", "many");
    assert_usage(ends(data.path(), command), &["many", "PARLOR_BCRYPT_COST"]);
}

#[test]
fn a_variable_that_is_not_known_is_told_with_the_nearest_name() {
    let server = Options::default().env("PARLOR_LISTN", "0.0.0.0:1").env("PARLOR_ELEPHANT", "1").start();
    let told = |words: &str| server.log().lines().any(|line| line.contains("WARN") && line.contains(words));
    eventually("the server has logged its start", || server.log().contains("serving with this certificate"));
    assert!(told("PARLOR_LISTN is not known and has no effect; did you mean PARLOR_LISTEN?"), "{}", server.log());
    assert!(told("PARLOR_ELEPHANT is not known and has no effect"), "{}", server.log());
    assert_eq!(server.log().matches("is not known").count(), 2, "{}", server.log());
    let mut list = command(server.data(), &["user", "list"]);
    list.env("PARLOR_DTA", "/x").env("PARLOR_PASSWORD", "x").env("PARLOR_USER", "x");
    let (code, _, complaint) = outcome(server.data(), list.output().unwrap());
    let warning = "parlor: the variable PARLOR_DTA is not known and has no effect; did you mean PARLOR_DATA?\n";
    assert_eq!((code, complaint), (Some(0), format!("{warning}using DIR/parlor.db\n")));
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let empty = ["PARLOR_CONFIG", "PARLOR_REDIS", "PARLOR_TLS_CERT", "PARLOR_BCRYPT_COST", "PARLOR_MAX_ROOMS"];
    let options = empty.iter().fold(Options::default(), |options, name| options.env(name, ""));
    let server = options.start();
    assert!(!server.log().contains("is not known"), "{}", server.log());
    let mut list = command(server.data(), &["user", "list"]);
    list.env("PARLOR_REDIS", "").env("PARLOR_CONFIG", "");
    assert!(list.output().unwrap().status.success());
}

#[test]
fn flags_without_a_command_are_those_of_serve() {
    let data = tempfile::tempdir().unwrap();
    let (_, said, _) = outcome(data.path(), harness::parlor(data.path(), &["--help"]));
    assert!(said.contains("A self-hosted chat server"), "{said}");
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = holder.local_addr().unwrap().to_string();
    let told = ends(data.path(), command(data.path(), &["--listen", &busy, "--log", "off"]));
    assert_failure(told, &[&format!("cannot listen on {busy}")]);
    assert_usage(ends(data.path(), command(data.path(), &["--frob"])), &["--frob"]);
}

#[test]
fn a_listener_of_all_ipv6_addresses_says_that_it_leaves_ipv4_out() {
    let data = tempfile::tempdir().unwrap();
    let mut alone = command(data.path(), &["serve", "--listen", "[::]:0"]).spawn().unwrap();
    let log = BufReader::new(alone.stderr.take().unwrap()).lines().map_while(Result::ok);
    let start: Vec<_> = log.take_while(|line| !line.contains("serving with this certificate")).collect();
    alone.kill().unwrap();
    alone.wait().unwrap();
    let warning = "WARN parlor::commands::serve: [::]:0 accepts IPv6 only; for IPv4 too, add --listen 0.0.0.0:0";
    assert!(start.iter().any(|line| line.ends_with(warning)), "{start:?}");
    let both = Options::default().args(&["--listen", "[::]:0"]).start();
    eventually("the server has logged its start", || both.log().contains("serving with this certificate"));
    let mut client = harness::Client::open(both.address(), &both.ca());
    assert_eq!(client.line(), "HELLO parlor/1 test");
    assert!(!both.log().contains("IPv6 only"), "{}", both.log());
}

#[test]
fn a_busy_port_is_one_line() {
    let data = tempfile::tempdir().unwrap();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = holder.local_addr().unwrap();
    let told = serve(data.path(), &["--listen", &busy.to_string()]);
    assert_failure(told, &[&format!("cannot listen on {busy}"), "in use"]);
}

#[test]
fn an_address_of_another_machine_is_one_line() {
    let data = tempfile::tempdir().unwrap();
    assert_failure(serve(data.path(), &["--listen", "192.0.2.1:0"]), &["cannot listen on 192.0.2.1:0"]);
}

#[test]
fn certificates_that_cannot_be_used_are_one_line() {
    let data = tempfile::tempdir().unwrap();
    assert_eq!(harness::parlor(data.path(), &["cert", "init"]).status.code(), Some(0));
    let path = |name: &str| data.path().join(name).to_str().unwrap().to_owned();
    let (chain, key, junk) = (path("tls/server.pem"), path("tls/server.key"), path("junk.pem"));
    std::fs::write(&junk, "junk").unwrap();
    let cases: &[(&str, &str, &[&str])] = &[
        ("/nonexistent.pem", &key, &["cannot read /nonexistent.pem"]),
        (&junk, &key, &["DIR/junk.pem holds no certificate"]),
        (&chain, &junk, &["DIR/junk.pem holds no private key"]),
        (&chain, &path("tls/ca.key"), &["DIR/tls/ca.key", "DIR/tls/server.pem", "is not the key of"]),
    ];
    for (chain, key, words) in cases {
        assert_failure(serve(data.path(), &["--tls-cert", chain, "--tls-key", key]), words);
    }
}

#[test]
fn a_data_directory_of_a_newer_version_is_one_line_and_untouched() {
    let data = harness::installation();
    let path = data.path().join("parlor.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    let newer = ["DIR/parlor.db", "version 99", "newer"];
    assert_failure(serve(data.path(), &[]), &newer);
    assert_failure(outcome(data.path(), harness::parlor(data.path(), &["user", "list"])), &newer);
    let database = rusqlite::Connection::open(&path).unwrap();
    let version: u32 = database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 99);
}

#[test]
fn a_database_that_is_none_is_one_line() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("parlor.db"), "this is no database, however long it is ".repeat(100)).unwrap();
    assert_failure(serve(data.path(), &[]), &["DIR/parlor.db"]);
}

#[test]
fn a_data_directory_that_cannot_be_made_is_one_line() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("below");
    assert_failure(serve(data.path(), &["--data", below.to_str().unwrap()]), &["cannot make", "DIR/file/below"]);
}

#[test]
fn a_data_directory_has_one_server() {
    let server = Server::start();
    assert_failure(serve(server.data(), &[]), &["another parlor server uses the data directory DIR"]);
    let mut client = server.register("alice");
    client.expect_quiet();
}

#[test]
fn the_data_is_its_owner_s_only() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("deep/data");
    let server = Options::default().args(&["--data", data.to_str().unwrap()]).start();
    for path in ["", "tls/server.key", "tls/ca.key"] {
        let mode = std::fs::metadata(data.join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path} has mode {mode:o}");
    }
    drop(server);
}

/// Returns the server name in the greeting, which shows the source that was used.
fn name_by(flag: Option<&str>, environment: Option<&str>, file: Option<&str>) -> String {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("parlor.toml");
    let mut options = Options::default().unnamed();
    if let Some(name) = file {
        std::fs::write(&path, format!("server-name = {name:?}\nhistory = 5\n")).unwrap();
        options = options.env("PARLOR_CONFIG", path.to_str().unwrap());
    }
    if let Some(name) = environment {
        options = options.env("PARLOR_SERVER_NAME", name);
    }
    if let Some(name) = flag {
        options = options.args(&["--server-name", name]);
    }
    let server = options.start();
    let greeting = harness::Client::open(server.address(), &server.ca()).line();
    greeting.strip_prefix("HELLO parlor/1 ").unwrap().to_owned()
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_file() {
    assert_eq!(name_by(Some("flag"), Some("environment"), Some("file")), "flag");
    assert_eq!(name_by(None, Some("environment"), Some("file")), "environment");
    assert_eq!(name_by(None, None, Some("file")), "file");
    assert!(!["flag", "environment", "file", ""].contains(&name_by(None, None, None).as_str()));
}

#[test]
fn settings_of_a_file_hold() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("parlor.toml");
    std::fs::write(&path, "registration = \"closed\"\nmax-line-bytes = 512\ntls-name = [\"chat.example.org\"]\n")
        .unwrap();
    let server = Options::default().args(&["--config", path.to_str().unwrap()]).start();
    let mut client = server.connect();
    assert!(client.ask("REGISTER alice secret").starts_with("ERR registration-closed "));
    client.send(&"x".repeat(512));
    assert!(client.line().starts_with("ERR line-too-long "));
    let shown = outcome(server.data(), harness::parlor(server.data(), &["cert", "show"])).1;
    assert!(shown.contains("chat.example.org"), "{shown}");
}

#[test]
fn it_listens_on_several_addresses_and_says_so() {
    let server = Options::default().args(&["--listen", "[::1]:0"]).start();
    let line = server.output_line();
    let second = line.strip_prefix("parlor listening on ").unwrap().parse().unwrap();
    let mut alice = server.register("alice");
    let mut bob = harness::Client::open(second, &server.ca());
    assert_eq!(bob.line(), "HELLO parlor/1 test");
    assert_eq!(bob.ask("REGISTER bob secret"), "OK register bob lobby");
    assert_eq!(alice.line(), "JOIN lobby bob");
}
