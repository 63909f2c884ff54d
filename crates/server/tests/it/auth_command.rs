//! `--auth-command`: a program decides about passwords. It is slow, dead, lying, and started again.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use parlor_redis_testkit::Port;
use tempfile::TempDir;

use crate::harness::{Options, Server, command, copy_to_run, ends, eventually};

/// How long a program may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A program that answers by the password. It writes its process number into `pids`, and each question into `questions`.
const PROGRAM: &str = r#"#!/usr/bin/env python3
import json, os, sys, time
here = os.path.dirname(os.path.abspath(__file__))
with open(here + "/pids", "a") as pids:
    pids.write(f"{os.getpid()}\n")
for line in sys.stdin:
    asked = json.loads(line)
    assert set(asked) == {"user", "password", "address"}, asked
    password = asked["password"]
    if password == "slow":
        time.sleep(60)
    if password == "dead":
        sys.exit(1)
    if password == "lies":
        print("yes", flush=True)
        continue
    if password == "more":
        print("{}", flush=True)
    answer = {"ok": password == "right " + asked["user"]}
    if asked["user"] == "root":
        answer.update(operator=True, rooms=["garden"])
    print(json.dumps(answer), flush=True)
    if password == "right last":
        sys.exit(0)
"#;

/// A server whose passwords are decided about by a program in `dir`.
fn start(dir: &Path) -> Server {
    let (source, program) = (dir.join("auth.py"), dir.join("auth"));
    fs::write(&source, PROGRAM).unwrap();
    copy_to_run(&source, &program);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    Options::default().args(&["--presence-limit", "0", "--auth-command", program.to_str().unwrap()]).start()
}

fn log_in(server: &Server, user: &str, password: &str) -> String {
    server.connect().ask(&format!("LOGIN {user} {password}"))
}

fn processes(dir: &Path) -> usize {
    fs::read_to_string(dir.join("pids")).unwrap_or_default().lines().count()
}

/// Logs in by the right password. On a busy machine a program may take longer to start than it may take to answer; then another
/// one is started. Returns how many of them were too late.
fn late_starts(server: &Server) -> usize {
    for late in 0..5 {
        let began = Instant::now();
        let answer = log_in(server, "ann", "right ann");
        if answer == "OK login ann lobby" {
            return late;
        }
        assert!(began.elapsed() >= PATIENCE, "{answer}");
    }
    panic!("no program starts in time");
}

#[test]
fn accounts_are_made_at_the_first_login_and_the_program_is_kept_running() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path());
    assert!(log_in(&server, "root", "wrong").starts_with("ERR bad-credentials "));
    let mut root = server.connect();
    assert_eq!(root.ask("LOGIN root right root"), "OK login root lobby");
    assert_eq!(root.list("/sync", "OK sync"), ["OPEN garden 1 0", "OPEN lobby 1 0", "OK sync 2 0"]);
    assert_eq!(root.list("/invitations", "OK invitations"), ["OK invitations 0"], "root is an operator");
    for _ in 0..3 {
        assert_eq!(log_in(&server, "ann", "right ann"), "OK login ann lobby");
    }
    assert_eq!(processes(dir.path()), 1);
    assert!(server.connect().ask("REGISTER bob right bob").starts_with("ERR registration-closed "));
    assert!(root.ask("/passwd right other-one").starts_with("ERR bad-argument "));
}

#[test]
fn one_that_dies_lies_or_is_slow_is_started_again() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path());
    let mut started = 1;
    for wrong in ["dead", "lies", "more", "slow"] {
        let answer = log_in(&server, "ann", wrong);
        assert!(answer.starts_with("ERR store-unavailable "), "{wrong}: {answer}");
        started += 1 + late_starts(&server);
        assert_eq!(processes(dir.path()), started, "after {wrong}");
    }
    // Repeated failures of a kind are counted in the log, and not told each time.
    eventually("it is logged", || server.log().contains("the program of --auth-command: it ended without an answer"));
    // One that ends between two questions costs nobody anything.
    assert_eq!(log_in(&server, "last", "right last"), "OK login last lobby");
    eventually("the login after it", || log_in(&server, "ann", "right ann") == "OK login ann lobby");
    assert!(!server.log().contains("right ann"));
}

#[test]
fn what_cannot_be_started_ends_the_start() {
    let place = tempfile::tempdir().unwrap();
    let command = command(place.path(), &["serve", "--listen", "127.0.0.1:0", "--auth-command", "/nonexistent"]);
    let (code, _, complaint) = ends(place.path(), command);
    assert!(code == Some(1) && complaint.contains("cannot start /nonexistent of --auth-command"), "{complaint}");
}

/// A directory with one person, of OpenLDAP. It ends with the test.
struct Slapd {
    child: Child,
    url: String,
    _port: Port,
    _dir: TempDir,
}

impl Slapd {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap();
        fs::create_dir(dir.path().join("db")).unwrap();
        let config = format!(
            "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\ndatabase mdb\n\
             suffix dc=example,dc=org\nrootdn cn=admin,dc=example,dc=org\ndirectory {path}/db\n"
        );
        let people = "dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n\
                      dn: cn=ann,dc=example,dc=org\nobjectClass: person\ncn: ann\nsn: Ann\nuserPassword: päss word\n";
        fs::write(dir.path().join("slapd.conf"), config).unwrap();
        fs::write(dir.path().join("people.ldif"), people).unwrap();
        let tool = |name: &str| {
            let mut command = Command::new(format!("/usr/sbin/{name}"));
            command.current_dir(path).args(["-f", "slapd.conf"]);
            command
        };
        assert!(tool("slapadd").args(["-l", "people.ldif"]).status().unwrap().success());
        let port = Port::free();
        let url = format!("ldap://127.0.0.1:{port}");
        let child = tool("slapd").args(["-d", "0", "-h", &url]).stderr(Stdio::null()).spawn().unwrap();
        eventually("slapd listens", || TcpStream::connect(("127.0.0.1", port.number())).is_ok());
        Self { child, url, _port: port, _dir: dir }
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_example_asks_a_directory() {
    let slapd = Slapd::start();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/auth_ldap.py");
    let options = Options::default().args(&["--auth-command", example.to_str().unwrap()]);
    let options = options.env("LDAP_URL", &slapd.url).env("LDAP_DN", "cn={user},dc=example,dc=org");
    let server = options.env("PATH", "/usr/bin:/bin").start();
    assert!(log_in(&server, "ann", "wrong").starts_with("ERR bad-credentials "));
    assert!(log_in(&server, "bob", "päss word").starts_with("ERR bad-credentials "));
    assert_eq!(log_in(&server, "ann", "päss word"), "OK login ann lobby");
    drop(slapd);
    assert!(log_in(&server, "ann", "päss word").starts_with("ERR store-unavailable "));
}
