//! `parlor audit`, as an operator runs it before others can reach the server: it finds each weakness, and only that
//! one.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Server, command, outcome, parlor, without_notice};

/// An installation without weaknesses: no server has run yet, and a user of its own owns the data.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.allow("", 0o700);
        // The first file that a server makes.
        fs::write(place.path().join("server.lock"), "").unwrap();
        place.allow("server.lock", 0o600);
        // If the tests run as root, the audit would find that root runs the server.
        if rustix::process::geteuid().is_root() {
            chown(place.path(), Some(65534), Some(65534)).unwrap();
        }
        place
    }

    /// Returns an installation whose server has run, so that all files exist.
    fn used() -> Self {
        let place = Self::new();
        assert!(parlor(place.path(), &["cert", "init"]).status.success());
        rusqlite::Connection::open(place.path().join("parlor.db"))
            .unwrap()
            .pragma_update(None, "user_version", 0)
            .unwrap();
        place.allow("parlor.db", 0o600);
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn allow(&self, file: &str, mode: u32) {
        fs::set_permissions(self.path().join(file), Permissions::from_mode(mode)).unwrap();
    }

    /// Runs the audit. Returns the exit code and the output.
    fn audit(&self, args: &[&str]) -> (Option<i32>, String) {
        // Few connections, so that the limits of any machine are high enough.
        let all = [&["audit", "--max-connections", "100"], args].concat();
        let (code, said, complaint) = without_notice(outcome(self.path(), parlor(self.path(), &all)));
        assert_eq!(complaint, "", "{said}");
        (code, said)
    }

    /// Fails unless the audit finds exactly these weaknesses, and its exit code says whether one is serious.
    fn finds(&self, args: &[&str], expected: &[Found]) {
        let (code, said) = self.audit(&[args, &["--json"]].concat());
        let report: Value = serde_json::from_str(&said).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let findings = report["findings"].as_array().unwrap();
        let found: Vec<_> =
            findings.iter().map(|finding| (text(&finding["severity"]), text(&finding["check"]))).collect();
        let wanted: Vec<_> = expected.iter().map(|(severity, check)| ((*severity).into(), (*check).into())).collect();
        assert_eq!(found, wanted, "{args:?}: {said}");
        assert!(findings.iter().all(|finding| !text(&finding["cure"]).is_empty()), "{said}");
        let serious = expected.iter().filter(|(severity, _)| *severity == "serious").count();
        assert_eq!((&report["serious"], &report["warnings"]), (&serious.into(), &(expected.len() - serious).into()));
        assert_eq!(code, Some(i32::from(serious > 0)), "{said}");
    }
}

/// Severity and check of a finding.
type Found<'a> = (&'a str, &'a str);

const SERIOUS: &str = "serious";
/// A Redis that nobody runs.
const NOWHERE: &str = "redis://127.0.0.1:1";
const WARNING: &str = "warning";

#[test]
fn without_fault_there_is_nothing_to_say() {
    for place in [Place::new(), Place::used()] {
        assert_eq!(place.audit(&[]), (Some(0), "nothing found\n".to_owned()));
        place.finds(&["--listen", "0.0.0.0:7878"], &[]);
    }
}

#[test]
fn nothing_is_made_or_changed() {
    let place = Place::new();
    place.audit(&["--listen", "0.0.0.0:7878", "--redis", NOWHERE]);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "only the file that was there");
}

#[test]
fn what_is_found_is_a_line_with_its_cure() {
    let place = Place::used();
    place.allow("tls/server.key", 0o640);
    let (code, said) = place.audit(&["--login-timeout", "1h"]);
    let lines: Vec<&str> = said.lines().collect();
    let key = "serious  key-mode: others can read or change the private key DIR/tls/server.key (mode 0640); \
        make a new one, and: chmod 600 DIR/tls/server.key";
    let timeout = "warning  long-timeout: login-timeout: a stranger who says nothing holds a thread and a descriptor \
        for 3600s; login-timeout = \"10s\"";
    assert_eq!((code, lines), (Some(1), vec![key, timeout]));
}

#[test]
fn files_that_others_can_reach_are_found() {
    let cases: &[(&str, u32, &str, &str)] = &[
        ("", 0o755, SERIOUS, "data-directory-mode"),
        ("", 0o770, SERIOUS, "data-directory-mode"),
        ("", 0o750, WARNING, "data-directory-mode"),
        ("parlor.db", 0o644, SERIOUS, "database-mode"),
        ("parlor.db", 0o660, SERIOUS, "database-mode"),
        ("tls/server.key", 0o644, SERIOUS, "key-mode"),
        ("tls/ca.key", 0o604, SERIOUS, "key-mode"),
    ];
    for (file, mode, severity, check) in cases {
        let place = Place::used();
        place.allow(file, *mode);
        place.finds(&[], &[(severity, check)]);
    }
    // The write-ahead log of a database contains a copy of its newest parts.
    let place = Place::used();
    fs::write(place.path().join("parlor.db-wal"), "").unwrap();
    place.allow("parlor.db-wal", 0o644);
    place.finds(&[], &[(SERIOUS, "database-mode")]);
    // A public file that all users can read is no weakness.
    let place = Place::used();
    place.allow("tls/ca.pem", 0o644);
    place.finds(&[], &[]);
}

#[test]
fn what_cannot_be_looked_at_is_serious() {
    // A loop of links gives the same result as missing permissions, which root never lacks.
    let place = Place::new();
    symlink("parlor.db", place.path().join("parlor.db")).unwrap();
    place.finds(&[], &[(SERIOUS, "not-looked-at")]);
    let (_, said) = place.audit(&[]);
    let line = "serious  not-looked-at: DIR/parlor.db cannot be looked at: Too many levels of symbolic links";
    assert!(said.starts_with(line), "{said}");

    let place = Place::new();
    fs::write(place.path().join("tls"), "no directory").unwrap();
    // Two keys, the certificate and the authority.
    place.finds(&[], &[(SERIOUS, "not-looked-at"); 4]);
}

#[test]
fn the_file_of_settings_is_read_and_looked_at() {
    let place = Place::used();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("parlor.toml");
    let args = ["--config", file.to_str().unwrap()];
    let write = |text: &str, mode: u32| {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
    };
    write("bcrypt-cost = 4\n", 0o644);
    place.finds(&args, &[(SERIOUS, "bcrypt-cost")]);
    // A flag goes before the file.
    place.finds(&[&args[..], &["--bcrypt-cost", "12"]].concat(), &[]);
    write("bcrypt-cost = 12\n", 0o666);
    place.finds(&args, &[(SERIOUS, "settings-mode")]);
    // Nobody listens there.
    write("redis = \"redis://:secret@127.0.0.1:1\"\n", 0o644);
    place.finds(&args, &[(SERIOUS, "settings-password"), (SERIOUS, "not-looked-at")]);
    write("redis = \"redis://:secret@127.0.0.1:1\"\n", 0o600);
    place.finds(&args, &[(SERIOUS, "not-looked-at")]);
    write("json = true\n", 0o600);
    let told = outcome(place.path(), parlor(place.path(), &[&["audit"], &args[..]].concat()));
    assert!(told.0 == Some(2) && told.2.contains("unknown key \"json\""), "{told:?}");
}

#[test]
fn settings_of_the_environment_count() {
    let place = Place::new();
    let mut audit = command(place.path(), &["audit", "--max-connections", "100"]);
    let output = audit.env("PARLOR_BCRYPT_COST", "9").output().unwrap();
    let (code, said, _) = outcome(place.path(), output);
    assert!(code == Some(1) && said.starts_with("serious  bcrypt-cost: "), "{said}");
}

#[test]
fn weak_settings_are_found() {
    let cases: &[(&[&str], &[Found])] = &[
        (&["--bcrypt-cost", "9"], &[(SERIOUS, "bcrypt-cost")]),
        (&["--bcrypt-cost", "11"], &[(WARNING, "bcrypt-cost")]),
        (&["--handshake-timeout", "61s"], &[(WARNING, "long-timeout")]),
        (&["--login-timeout", "2m"], &[(WARNING, "long-timeout")]),
        (&["--max-login-failures", "11"], &[(WARNING, "many-failures")]),
        (&["--max-queued-bytes", "64MiB"], &[(WARNING, "much-queued")]),
        // These limits do not apply to programs of this machine anyway.
        (&["--line-rate", "0"], &[]),
        (&["--line-rate", "0", "--listen", "[::]:7878"], &[(WARNING, "line-rate")]),
        (&["--max-connections-per-address", "100", "--listen", "[::]:7878"], &[(WARNING, "one-address")]),
    ];
    let place = Place::new();
    for (args, expected) in cases {
        place.finds(args, expected);
    }
}

#[test]
fn registration_that_strangers_can_reach_is_found() {
    let place = Place::new();
    let open = ["--registration", "open"];
    place.finds(&open, &[]);
    for more in [["--listen", "192.0.2.1:7878"], ["--listen", "[::]:7878"], ["--proxy-from", "192.0.2.1"]] {
        place.finds(&[&open[..], &more].concat(), &[(SERIOUS, "open-registration")]);
    }
}

#[test]
fn balancers_that_are_named_too_widely_are_found() {
    let cases: &[(&str, &[Found])] = &[
        ("0.0.0.0/0", &[(SERIOUS, "proxy-from")]),
        ("10.0.0.0/8", &[(SERIOUS, "proxy-from")]),
        ("::/0", &[(SERIOUS, "proxy-from")]),
        ("172.16.0.0/16", &[(WARNING, "proxy-from")]),
        ("2001:db8::/64", &[(WARNING, "proxy-from")]),
        ("192.0.2.0/28", &[]),
        ("2001:db8::1", &[]),
    ];
    let place = Place::new();
    for (network, expected) in cases {
        place.finds(&["--proxy-from", network], expected);
    }
}

#[test]
fn a_redis_that_others_reach_needs_tls_and_a_password() {
    // Nothing listens there, so operators and rooms are not looked at.
    let missed: Found = (SERIOUS, "not-looked-at");
    let both: &[Found] = &[(SERIOUS, "redis-tls"), (SERIOUS, "redis-password"), missed];
    let cases: &[(&str, &[Found])] = &[
        ("redis://redis.invalid:1", both),
        ("redis+sentinel://127.0.0.1:1,redis.invalid:1/main", both),
        ("redis://:secret@redis.invalid:1", &[(SERIOUS, "redis-tls"), missed]),
        ("rediss://redis.invalid:1", &[(SERIOUS, "redis-password"), missed]),
        ("rediss://ann:secret@redis.invalid:1", &[missed]),
        (NOWHERE, &[missed, (WARNING, "redis-password")]),
        ("redis://:secret@localhost:1", &[missed]),
        ("redis://:secret@[::1]:1", &[missed]),
    ];
    let place = Place::new();
    for (url, expected) in cases {
        place.finds(&["--redis", url], expected);
        assert!(!place.audit(&["--redis", url]).1.contains("secret"));
    }
}

/// Writes a certificate that expires in `days` days, and its key. Returns the flags that name them.
fn certificate(place: &Place, days: i64) -> [String; 4] {
    let mut params = CertificateParams::new(vec!["chat.example.org".to_owned()]).unwrap();
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
    let end = end.to_zoned(jiff::tz::TimeZone::UTC);
    let part = |number: i8| u8::try_from(number).unwrap();
    params.not_after = date_time_ymd(end.year().into(), part(end.month()), part(end.day()));
    let key = KeyPair::generate().unwrap();
    let file = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    fs::write(file("own.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(file("own.key"), key.serialize_pem()).unwrap();
    place.allow("own.key", 0o600);
    ["--tls-cert".to_owned(), file("own.pem"), "--tls-key".to_owned(), file("own.key")]
}

#[test]
fn certificates_that_end_are_found() {
    let cases: &[(i64, &[Found])] =
        &[(-2, &[(SERIOUS, "certificate-expired")]), (20, &[(WARNING, "certificate-ends")]), (90, &[])];
    for (days, expected) in cases {
        let place = Place::new();
        let flags = certificate(&place, *days);
        place.finds(&flags.each_ref().map(String::as_str), expected);
    }
    let place = Place::new();
    let flags = certificate(&place, 90);
    let flags = flags.each_ref().map(String::as_str);
    place.finds(&[&flags[..], &["--tls-name", "chat.example.org"]].concat(), &[]);
    place.finds(&[&flags[..], &["--tls-name", "other.example.org"]].concat(), &[(WARNING, "certificate-name")]);
    place.allow("own.key", 0o644);
    place.finds(&flags, &[(SERIOUS, "key-mode")]);
    fs::write(place.path().join("own.pem"), "nothing").unwrap();
    place.allow("own.key", 0o600);
    place.finds(&flags, &[(SERIOUS, "certificate")]);
}

#[test]
fn limits_of_the_machine_that_are_too_low_are_found() {
    let place = Place::new();
    let shell = "ulimit -n 256 && exec \"$0\" audit --max-connections 1000";
    let mut audit = std::process::Command::new("bash");
    audit.args(["-c", shell, env!("CARGO_BIN_EXE_parlor")]).env_clear().env("PARLOR_DATA", place.path());
    let (code, said, _) = outcome(place.path(), audit.output().unwrap());
    let line = "warning  limits: max-connections 1000 needs 1128 open files of this process, and 256 are allowed; ";
    assert!(code == Some(0) && said.contains(line), "{said}");
}

#[test]
fn a_server_of_root_is_found() {
    let place = Place::new();
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        chown(place.path(), Some(0), Some(0)).unwrap();
    }
    // A server runs as root only if the tests do.
    place.finds(&[], if is_root { &[(SERIOUS, "root")] } else { &[] });
}

#[test]
fn a_server_that_runs_has_made_its_files_for_itself_alone() {
    let server = Server::start();
    // The directory existed before the server.
    fs::set_permissions(server.data(), Permissions::from_mode(0o700)).unwrap();
    let mut audit = command(server.data(), &["audit", "--max-connections", "100", "--json"]);
    let (_, said, _) = outcome(server.data(), audit.output().unwrap());
    let report: Value = serde_json::from_str(&said).unwrap();
    let checks = report["findings"].as_array().unwrap().iter().map(|finding| finding["check"].as_str().unwrap());
    assert!(checks.clone().all(|check| check == "root"), "{said}");
}

/// Lets a server run on the place while `act` does something there.
fn with_server(act: impl FnOnce(&Server)) -> Place {
    let data = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let mut server = crate::harness::Options::default().start_in(data.clone());
    act(&server);
    server.signal("TERM");
    server.wait();
    drop(server);
    let place = Place(std::sync::Arc::into_inner(data).unwrap());
    place.allow("", 0o700);
    if rustix::process::geteuid().is_root() {
        chown(place.path(), Some(65534), Some(65534)).unwrap();
    }
    place
}

fn change(place: &Place, sql: &str) {
    let changed = rusqlite::Connection::open(place.path().join("parlor.db")).unwrap().execute(sql, []).unwrap();
    assert!(changed > 0, "{sql}");
}

#[test]
fn operators_who_do_not_log_in_are_found() {
    let place = with_server(|server| {
        let add = ["user", "add", "ann", "--operator", "--random-password", "--bcrypt-cost", "4"];
        assert!(parlor(server.data(), &add).status.success());
        drop(server.register("zoe"));
    });
    // Whoever was made today has had no time to log in.
    place.finds(&[], &[]);
    change(&place, "UPDATE account SET created = created - 91 * 24 * 60 * 60 * 1000");
    place.finds(&[], &[(WARNING, "absent-operator")]);
    assert!(parlor(place.path(), &["user", "promote", "zoe"]).status.success());
    place.finds(&[], &[(WARNING, "absent-operator")]);
    assert!(place.audit(&[]).1.contains("the operator ann, made at 2"));
    change(&place, "UPDATE usual_address SET seen = seen - 91 * 24 * 60 * 60 * 1000");
    place.finds(&[], &[(WARNING, "absent-operator"), (WARNING, "absent-operator")]);
    assert!(place.audit(&[]).1.contains("the operator zoe has logged in last at about 2"));
    for name in ["ann", "zoe"] {
        assert!(parlor(place.path(), &["user", "suspend", name]).status.success());
    }
    place.finds(&[], &[]);
}

#[test]
fn rooms_that_nobody_moderates_are_found() {
    let place = with_server(|server| {
        let (mut ann, _bob) = (server.register("ann"), server.register("bob"));
        ann.send("/join garden\nhello\n/moderator garden bob");
        ann.until("OK moderator");
    });
    place.finds(&[], &[]);
    assert!(parlor(place.path(), &["user", "delete", "ann"]).status.success());
    place.finds(&[], &[]);
    assert!(parlor(place.path(), &["user", "delete", "bob"]).status.success());
    place.finds(&[], &[(WARNING, "ownerless-room")]);
    assert!(place.audit(&[]).1.contains("the account of its owner ann is gone; parlor room transfer garden USER"));
    assert!(parlor(place.path(), &["room", "transfer", "garden", "--to-operators"]).status.success());
    place.finds(&[], &[]);
}

#[test]
fn operators_and_rooms_in_a_redis_are_looked_at() {
    let redis = parlor_redis_testkit::RedisServer::start();
    let (place, url) = (Place::new(), redis.url());
    let run = |words: &[&str]| {
        let output = parlor(place.path(), &[words, &["--redis", &url]].concat());
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    {
        let server = crate::harness::Options::default().args(&["--redis", &url]).start();
        let (mut ann, _bob) = (server.register("ann"), server.register("bob"));
        ann.send("/join garden\nhello\n/moderator garden bob");
        ann.until("OK moderator");
    }
    let password = (WARNING, "redis-password");
    place.finds(&["--redis", &url], &[password]);
    run(&["user", "add", "olga", "--operator", "--random-password", "--bcrypt-cost", "4"]);
    run(&["user", "promote", "ann"]);
    place.finds(&["--redis", &url], &[password]);
    redis.cli(&["HSET", "parlor:user:{olga}", "created", "1600000000000"]);
    place.finds(&["--redis", &url], &[password, (WARNING, "absent-operator")]);
    assert!(place.audit(&["--redis", &url]).1.contains("the operator olga, made at 2020"));
    run(&["user", "suspend", "olga"]);
    run(&["user", "delete", "ann"]);
    place.finds(&["--redis", &url], &[password]);
    run(&["user", "delete", "bob"]);
    place.finds(&["--redis", &url], &[password, (WARNING, "ownerless-room")]);
    run(&["room", "transfer", "garden", "--to-operators"]);
    place.finds(&["--redis", &url], &[password]);
}
