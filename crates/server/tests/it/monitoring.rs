//! What monitoring sees: metrics that Prometheus and OpenMetrics parsers read, and readiness that is red as soon as no
//! message would be accepted or delivered.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use parlor_redis_testkit::{Direction, FaultProxy, Port, RedisServer};
use tempfile::TempDir;

use crate::harness::{Admin, Client, DatabaseLock, Options, Server, SmallDisk, eventually, feed, heavy};

/// Time within which a server that does not serve must say so.
const RED_WITHIN: Duration = Duration::from_secs(5);

fn start(options: Options) -> (Server, Admin, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("admin.sock");
    (options.admin(&socket).start(), Admin::at(socket), dir)
}

/// Waits until the server says that it is not ready, and returns why.
fn red(admin: &Admin) -> String {
    let asked = Instant::now();
    loop {
        match admin.readiness() {
            Err(why) => return why,
            Ok(()) => assert!(asked.elapsed() < RED_WITHIN, "the server is ready, it says"),
        }
    }
}

fn green(admin: &Admin) {
    eventually("the server to be ready", || admin.readiness().is_ok());
}

fn accepts(program: &str, args: &[&str], page: &str) {
    let mut parser = Command::new(program);
    parser.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = feed(parser, page);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{program}: {said}\n{page}");
}

#[test]
fn parsers_of_both_formats_read_the_page() {
    let (server, admin, _dir) = start(Options::default());
    server.register("ann");
    let (status, text) = admin.get("/metrics");
    assert_eq!(status, 200);
    // Complains also about names and units that break its conventions.
    accepts("promtool", &["check", "metrics"], &text);
    let (_, open) = admin.get_as("/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n");
    let parser = "import sys; from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
families = {family.name for family in parse(sys.stdin.read())}
assert {'parlor_logins', 'parlor_store_batch_duration_seconds', 'parlor_build_info'} <= families, families";
    accepts("/usr/bin/python3", &["-c", parser], &open);
}

#[test]
fn what_happens_is_counted_and_nobody_is_named() {
    let (server, admin, _dir) = start(Options::default());
    let mut ann = server.register("ann");
    let mut bob = server.connect_web();
    bob.send("REGISTER bob secret");
    bob.until("{\"type\":\"ok\",\"command\":\"register\"");
    ann.until("JOIN lobby bob");
    for text in ["one", "two", "three"] {
        ann.send(text);
        bob.until(&format!(
            "{{\"type\":\"message\",\"room\":\"lobby\",\"id\":{}",
            ["one", "two", "three"].iter().position(|it| *it == text).unwrap() + 1
        ));
    }
    ann.send("/join red");
    ann.until("OK join red");
    ann.send("/publish hello");
    ann.until("OK publish");
    ann.send("/msg bob hello");
    ann.until("OK msg");
    ann.send("/dance");
    ann.until("ERR unknown-command");
    let mut stranger = server.connect();
    stranger.send("LOGIN ann wrong");
    stranger.until("ERR bad-credentials");
    TcpStream::connect(server.address()).unwrap().write_all(b"hello\n").unwrap();
    eventually("the plaintext client to be counted", || {
        admin.sample("parlor_tls_handshakes_total{result=\"plaintext\"}") == 1.0
    });
    for (name, value) in [
        ("parlor_logins_total{result=\"ok\"}", 2.0),
        ("parlor_logins_total{result=\"failed\"}", 1.0),
        ("parlor_sessions", 2.0),
        ("parlor_connections{door=\"lines\"}", 2.0),
        ("parlor_connections{door=\"web\"}", 1.0),
        ("parlor_messages_accepted_total{log=\"room\"}", 3.0),
        ("parlor_messages_accepted_total{log=\"feed\"}", 1.0),
        ("parlor_messages_accepted_total{log=\"inbox\"}", 1.0),
        // Three to one listener, and the direct message.
        ("parlor_messages_delivered_total", 4.0),
        ("parlor_commands_refused_total{code=\"unknown-command\"}", 1.0),
        ("parlor_commands_refused_total{code=\"bad-credentials\"}", 1.0),
        ("parlor_rooms", 2.0),
        ("parlor_tls_handshakes_total{result=\"ok\"}", 3.0),
        ("parlor_queued_bytes", 0.0),
        ("parlor_store_failures_total", 0.0),
    ] {
        assert_eq!(admin.sample(name), value, "{name}");
    }
    assert!(admin.sample("parlor_store_batch_duration_seconds_count") >= 5.0);
    assert!(admin.sample("parlor_database_size_bytes") > 4096.0);
    let in_two_years = admin.sample("parlor_certificate_expiry_timestamp_seconds");
    assert!(in_two_years > admin.sample("process_start_time_seconds"));
    drop(bob);
    eventually("the end of a session", || admin.sample("parlor_sessions_ended_total{reason=\"gone\"}") == 1.0);
    let (_, page) = admin.get("/metrics");
    for name in ["ann", "bob", "red", "lobby", "127.0.0.1"] {
        assert!(!page.contains(&format!("\"{name}\"")), "{name} is a label:\n{page}");
    }
}

#[test]
fn only_three_paths_are_answered_and_only_to_who_reads() {
    let (_server, admin, dir) = start(Options::default());
    assert_eq!(admin.get("/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(admin.readiness(), Ok(()));
    assert_eq!(admin.get("/").0, 404);
    let head = admin.exchange("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let post = admin.exchange("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    assert!(post.starts_with("HTTP/1.1 405 ") && post.contains("Allow: GET, HEAD\r\n"), "{post}");
    assert!(admin.exchange("nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
    // Clients that say nothing hold up nobody, and are cut off.
    let mut silent: Vec<UnixStream> =
        (0..10).map(|_| UnixStream::connect(dir.path().join("admin.sock")).unwrap()).collect();
    assert_eq!(admin.readiness(), Ok(()));
    let cut = std::io::Read::read(&mut silent[0], &mut [0]);
    assert_eq!(cut.unwrap(), 0);
}

#[test]
fn elsewhere_than_on_loopback_it_speaks_tls() {
    // It is not reserved any more: the server takes it at all addresses.
    let port = Port::free().number();
    let server = Options::default().args(&["--admin-listen", &format!("0.0.0.0:{port}")]).start();
    let mut http = crate::harness::Http::open(([127, 0, 0, 1], port).into(), &server.ca());
    assert_eq!(http.ask("GET", "/healthz", "", "").text(), "ok\n");
    let mut plain = TcpStream::connect(("127.0.0.1", port)).unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    std::io::Read::read_to_end(&mut plain, &mut answer).unwrap();
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn a_server_whose_database_is_locked_is_not_ready() {
    let _heavy = heavy();
    let (server, admin, _dir) = start(Options::default());
    green(&admin);
    let lock = DatabaseLock::take(server.data());
    let why = red(&admin);
    assert!(why.contains("locked") || why.contains("did not arrive"), "{why}");
    drop(lock);
    green(&admin);
}

#[test]
fn a_server_on_a_full_disk_is_not_ready() {
    let _heavy = heavy();
    let Some(disk) = SmallDisk::mount("6m") else { return };
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("admin.sock");
    let server = Options::default().admin(&socket).start_in(disk.dir());
    let admin = Admin::at(socket);
    green(&admin);
    let (mut speaker, _) = server.register_json("speaker");
    let filler = disk.fill();
    // What is free in the file of the database is used first.
    let mut is_refused = || {
        speaker.send(&"x".repeat(3000));
        speaker.event()["type"] == "error"
    };
    assert!((0..2000).any(|_| is_refused()), "the disk is never full");
    let why = red(&admin);
    assert!(why.contains("full"), "{why}");
    fs::remove_file(filler).unwrap();
    green(&admin);
    drop(server);
}

#[test]
fn a_server_that_hears_nothing_from_redis_is_not_ready() {
    let _heavy = heavy();
    let redis = RedisServer::start();
    let proxy = FaultProxy::start(redis.port());
    let (_server, admin, _dir) = start(Options::default().env("PARLOR_REDIS", &redis.url_by(&proxy)));
    green(&admin);
    // Redis still accepts connections and takes commands, but nothing comes back.
    proxy.hold(Direction::ToClient);
    let why = red(&admin);
    assert!(why.starts_with("not ready: "), "{why}");
    proxy.pass_without_held();
    green(&admin);
    assert_eq!(admin.sample("parlor_redis_lease_held"), 1.0);
    assert!(admin.sample("parlor_redis_script_calls_total{script=\"renew\"}") >= 1.0);
}

#[test]
fn a_server_whose_redis_takes_nothing_is_not_ready() {
    let _heavy = heavy();
    let redis = RedisServer::start();
    let (_server, admin, _dir) = start(Options::default().env("PARLOR_REDIS", &redis.url()));
    green(&admin);
    redis.cli(&["CONFIG", "SET", "maxmemory", "1mb"]);
    let why = red(&admin);
    assert!(why.contains("full") || why.contains("OOM"), "{why}");
    redis.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    green(&admin);
}

/// A Prometheus that looks at servers every second, with the rules that come with Parlor.
struct Prometheus {
    process: std::process::Child,
    port: Port,
    _dir: TempDir,
}

impl Prometheus {
    fn start(targets: &[Port]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = Port::free();
        let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging/monitoring/rules.yml");
        let targets: Vec<String> = targets.iter().map(|port| format!("'127.0.0.1:{port}'")).collect();
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{rules}']\nscrape_configs:\n  \
             - job_name: parlor\n    static_configs: [{{targets: [{}]}}]\n",
            targets.join(", ")
        );
        let file = dir.path().join("prometheus.yml");
        fs::write(&file, config).unwrap();
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, port, _dir: dir }
    }

    /// The answer to a query, as JSON; empty while it is not there.
    fn query(&self, query: &str) -> String {
        let url = format!("http://127.0.0.1:{}/api/v1/query", self.port);
        let curl =
            Command::new("curl").args(["-s", "-G", &url, "--data-urlencode", &format!("query={query}")]).output();
        String::from_utf8(curl.unwrap().stdout).unwrap()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_prometheus_sees_two_servers_under_load_and_that_one_is_gone() {
    let _heavy = heavy();
    let redis = RedisServer::start();
    let ports = [Port::free(), Port::free()];
    let start = |port: &Port| {
        let address = format!("127.0.0.1:{port}");
        Options::default().env("PARLOR_REDIS", &redis.url()).args(&["--admin-listen", &address]).start()
    };
    let mut servers: Vec<Server> = ports.iter().map(start).collect();
    let prometheus = Prometheus::start(&ports);
    let mut ann = servers[0].register("ann");
    let mut bob: Client = servers[1].register("bob");
    let mut say = || {
        ann.send("hello");
        bob.until("MSG lobby ann hello");
    };
    say();
    eventually("Prometheus to see deliveries", || {
        prometheus.query("sum(parlor_messages_delivered_total) > 0").contains("\"value\"")
    });
    eventually("Prometheus to see both servers", || prometheus.query("count(up == 1)").contains("\"2\""));
    say();
    servers[1].kill();
    eventually("the alert about a server that is gone", || {
        prometheus.query("ALERTS{alertname=\"ParlorDown\"}").contains("pending")
    });
}

#[test]
fn the_rules_and_the_dashboard_are_sound() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging/monitoring");
    for args in [["check", "rules", "rules.yml"], ["test", "rules", "rules-test.yml"]] {
        let output = Command::new("promtool").args(args).current_dir(dir).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
    // Each metric that the dashboard and the rules name is on the page of a server.
    let (_server, admin, _dir) = start(Options::default());
    let redis = RedisServer::start();
    let (_shared, other, _other_dir) = start(Options::default().env("PARLOR_REDIS", &redis.url()));
    let pages = admin.get("/metrics").1 + &other.get("/metrics").1;
    let sources =
        ["rules.yml", "dashboard.json"].map(|name| fs::read_to_string(format!("{dir}/{name}")).unwrap()).concat();
    let words = sources.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named: std::collections::BTreeSet<&str> = words.filter(|word| word.starts_with("parlor_")).collect();
    assert!(named.len() >= 10, "{named:?}");
    for name in named {
        assert!(pages.contains(&format!("\n{name}")), "{name} is on no page");
    }
}
