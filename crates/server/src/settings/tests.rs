//! Precedence of the sources of a setting, and invalid values. The environment belongs to the whole process, so code
//! that reads it runs in a child process.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command as Server;

use clap::{Args, Command, FromArgMatches};

use super::*;

fn root() -> Command {
    Command::new("parlor").subcommand(Settings::augment_args(Command::new("serve")))
}

fn read(args: &[&str]) -> Result<Settings, clap::Error> {
    let args: Vec<OsString> = ["parlor", "serve"].iter().chain(args).map(OsString::from).collect();
    let matches = parse(root(), &args)?;
    Settings::from_arg_matches(matches.subcommand_matches("serve").unwrap())
}

/// Returns the parser's error for a file with this content. Asserts that the exit code is that of usage errors.
fn complaint(content: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let error = read(&["--config", write(dir.path(), content).to_str().unwrap()]).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let text = error.to_string();
    let line = text.lines().next().unwrap();
    line.replace(dir.path().to_str().unwrap(), "DIR").trim_start_matches("error: ").to_string()
}

fn write(dir: &Path, content: &str) -> PathBuf {
    let path = dir.join("parlor.toml");
    std::fs::write(&path, content).unwrap();
    path
}

/// Runs `print_settings` of this test program with exactly this environment.
fn in_environment(environment: &[(&str, &str)], args: &[&str]) -> String {
    let output = Server::new(std::env::current_exe().unwrap())
        .args(["--exact", "settings::tests::print_settings", "--ignored", "--nocapture"])
        .env_clear()
        .env("TEST_ARGS", args.join("\n"))
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.split_once("SETTINGS ")).expect("the child printed no settings");
    line.1.to_string()
}

#[test]
#[ignore = "a helper that other tests run in a process of its own"]
fn print_settings() {
    let args = std::env::var("TEST_ARGS").unwrap_or_default();
    match read(&args.lines().collect::<Vec<_>>()) {
        Ok(Settings { redis, redis_replicas, .. }) if std::env::var_os("TEST_REDIS").is_some() => {
            println!("SETTINGS {:?} {:?} {redis_replicas}", redis.redis, redis.redis_ca);
        }
        Ok(read) => println!("SETTINGS {:?} {} {}", read.listen, read.max_rooms, read.limit_loopback),
        Err(error) => println!("SETTINGS {}", error.to_string().replace('\n', " ")),
    }
}

#[test]
fn flag_before_environment_before_file_before_default() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "listen = ['127.0.0.3:3', '[::1]:3']\nmax-rooms = 3\nlimit-loopback = true\n");
    let file = [("PARLOR_CONFIG", path.to_str().unwrap())];
    let environment = [
        file[0],
        ("PARLOR_LISTEN", "127.0.0.2:2,[::1]:2"),
        ("PARLOR_MAX_ROOMS", "2"),
        ("PARLOR_LIMIT_LOOPBACK", "false"),
    ];
    let flags = ["--listen=127.0.0.1:1", "--listen", "[::1]:1", "--max-rooms=1", "--limit-loopback"];
    assert_eq!(in_environment(&[], &[]), "[127.0.0.1:7878] 10000 false");
    assert_eq!(in_environment(&file, &[]), "[127.0.0.3:3, [::1]:3] 3 true");
    assert_eq!(in_environment(&environment, &[]), "[127.0.0.2:2, [::1]:2] 2 false");
    assert_eq!(in_environment(&environment, &flags), "[127.0.0.1:1, [::1]:1] 1 true");
    assert_eq!(in_environment(&file, &["--limit-loopback=false"]), "[127.0.0.3:3, [::1]:3] 3 false");
}

#[test]
fn a_bad_value_in_the_environment_is_refused() {
    assert!(in_environment(&[("PARLOR_MAX_ROOMS", "many")], &[]).contains("invalid value 'many' for '--max-rooms"));
}

#[test]
fn a_redis_comes_from_flag_environment_or_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "redis = 'rediss://:pw@c.example'\nredis-ca = 'ca.pem'\nredis-replicas = 2\n");
    let file = [("PARLOR_CONFIG", path.to_str().unwrap())];
    let environment = [file[0], ("PARLOR_REDIS", "redis://b.example"), ("PARLOR_REDIS_REPLICAS", "1")];
    let asked = "TEST_REDIS";
    let read =
        |environment: &[(&str, &str)], args: &[&str]| in_environment(&[environment, &[(asked, "1")]].concat(), args);
    assert_eq!(read(&[], &[]), "None None 0");
    assert!(read(&file, &[]).contains("c.example"), "{}", read(&file, &[]));
    assert!(read(&file, &[]).ends_with(" Some(\"ca.pem\") 2"), "{}", read(&file, &[]));
    assert!(read(&environment, &[]).contains("b.example"), "{}", read(&environment, &[]));
    let flags = read(&environment, &["--redis=redis://a.example", "--redis-replicas=0"]);
    assert!(flags.contains("a.example") && flags.ends_with(" 0"), "{flags}");
}

#[test]
fn a_password_in_the_url_of_a_redis_is_never_repeated() {
    for url in ["redis://user:hunter2@a.example", "nonsense://user:hunter2@a.example", "hunter2"] {
        let file = format!("redis = '{url}'\n");
        let dir = tempfile::tempdir().unwrap();
        let path = write(dir.path(), &file);
        let environment = [("PARLOR_REDIS", url)];
        let mut said = vec![format!("{:?}", read(&["--config", path.to_str().unwrap()]))];
        said.push(format!("{:?}", read(&["--redis", url])));
        said.extend(read(&["--redis", url]).err().map(|error| error.to_string()));
        said.push(in_environment(&environment, &["--help"]));
        said.push(in_environment(&[environment[0], ("TEST_REDIS", "1")], &[]));
        assert!(said.iter().all(|said| !said.contains("hunter2")), "{said:?}");
    }
    let said = complaint("redis = 'nonsense://user:hunter2@a.example'");
    assert!(said.starts_with("DIR/parlor.toml: redis: invalid value: ") && !said.contains("hunter2"), "{said}");
}

#[test]
fn balancers_come_from_flags_or_file_and_there_are_none_by_default() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "proxy-from = ['192.0.2.0/24', '::1']\n");
    let shown = |args: &[&str]| {
        let networks = read(args).unwrap().proxy_from;
        networks.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(shown(&[]).is_empty());
    assert_eq!(
        shown(&["--proxy-from=10.0.0.0/8,10.1.2.3", "--proxy-from", "::1"]),
        ["10.0.0.0/8", "10.1.2.3/32", "::1/128"]
    );
    assert_eq!(shown(&["--config", path.to_str().unwrap()]), ["192.0.2.0/24", "::1/128"]);
}

#[test]
fn the_tls_directory_lies_in_the_data_directory_unless_set() {
    assert_eq!(read(&["--data", "/d"]).unwrap().certificate(), CertificateFiles::Made { dir: "/d/tls".into() });
    let made = read(&["--data", "/d", "--tls-dir", "/t"]).unwrap().certificate();
    assert_eq!(made, CertificateFiles::Made { dir: "/t".into() });
}

#[test]
fn the_file_of_a_flag_is_read_and_flags_still_win() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "idle-timeout = '2m'\nmax-queued-bytes = '64KiB'\nhistory = 0\nline-rate = 0\n");
    let settings = read(&["--config", path.to_str().unwrap(), "--history", "7"]).unwrap();
    assert_eq!(settings.idle_timeout(), Some(Duration::from_secs(120)));
    assert_eq!((settings.max_queued_bytes, settings.history, settings.line_rate()), (65_536, 7, None));
}

#[test]
fn what_a_file_cannot_say_is_named_with_the_file() {
    let cases = [
        ("max-room = 1", "DIR/parlor.toml: unknown key \"max-room\""),
        ("max_rooms = 1", "DIR/parlor.toml: unknown key \"max_rooms\"; did you mean \"max-rooms\"?"),
        ("config = 'x'", "DIR/parlor.toml: unknown key \"config\""),
        ("[listen]\na = 1", "DIR/parlor.toml: listen: expected an array"),
        ("listen = '127.0.0.1:1'", "DIR/parlor.toml: listen: expected an array"),
        ("listen = []", "DIR/parlor.toml: listen: the array is empty"),
        ("max-rooms = [1]", "DIR/parlor.toml: max-rooms: a value cannot be of type array"),
        ("max-rooms = 1.5", "DIR/parlor.toml: max-rooms: a value cannot be of type float"),
        ("max-rooms = 0", "DIR/parlor.toml: max-rooms: invalid value '0': 0 is not in 1..=4294967295"),
        ("max-rooms = -1", "DIR/parlor.toml: max-rooms: invalid value '-1': invalid digit found in string"),
        (
            "limit-loopback = 'perhaps'",
            "DIR/parlor.toml: limit-loopback: invalid value 'perhaps' [possible values: true, false]",
        ),
        ("synchronous = 'off'", "DIR/parlor.toml: synchronous: invalid value 'off' [possible values: normal, full]"),
        ("listen = ['nowhere']", "DIR/parlor.toml: listen: invalid value 'nowhere': invalid socket address syntax"),
        (
            "max-line-bytes = 511",
            "DIR/parlor.toml: max-line-bytes: invalid value '511': 511 is not between 512 and 65536 bytes",
        ),
        (
            "proxy-from = ['10.0.0.5/8']",
            "DIR/parlor.toml: proxy-from: invalid value '10.0.0.5/8': 10.0.0.5/8 is an address within the network \
             10.0.0.0/8; which of them is meant?",
        ),
        ("\nmax-rooms = ", "DIR/parlor.toml: line 2: string values must be quoted, expected literal string"),
    ];
    for (content, said) in cases {
        assert_eq!(complaint(content), said);
    }
    let missing = read(&["--config", "/nonexistent/parlor.toml"]).unwrap_err().to_string();
    assert!(missing.contains("cannot read /nonexistent/parlor.toml: No such file"), "{missing}");
}

#[test]
fn what_a_flag_cannot_say() {
    let cases: [&[&str]; 14] = [
        &["--bcrypt-cost=3"],
        &["--bcrypt-cost=32"],
        &["--min-password=0"],
        &["--min-password=73"],
        &["--reserved-names=root,two words"],
        &["--login-timeout=0"],
        &["--max-queued-bytes=65535"],
        &["--max-login-failures=0"],
        &["--server-name=two words"],
        &["--tls-name=not a name"],
        &["--log=parlor=loud"],
        &["--tls-cert=a.pem"],
        &["--tls-key=a.key"],
        &["--proxy-from=balancer"],
    ];
    for args in cases {
        assert_eq!(read(args).unwrap_err().exit_code(), 2, "{args:?}");
    }
}

#[test]
fn certificate_and_key_may_come_from_different_sources() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "tls-cert = 'a.pem'\n");
    let settings = read(&["--config", path.to_str().unwrap(), "--tls-key", "a.key"]).unwrap();
    assert_eq!(settings.certificate(), CertificateFiles::Own { chain: "a.pem".into(), key: "a.key".into() });
    assert_eq!(complaint("tls-cert = 'a.pem'"), "--tls-cert and --tls-key are needed together");
}

#[test]
fn what_may_wait_has_room_for_the_longest_line() {
    let told = "--max-queued-bytes has to be at least four times --max-line-bytes, 262144 bytes, since everybody who hears \
                a line is sent it with more around it";
    assert_eq!(complaint("max-line-bytes = '64KiB'\nmax-queued-bytes = 262143"), told);
    assert!(read(&["--max-line-bytes=64KiB", "--max-queued-bytes=64KiB"]).is_err());
    let settings = read(&["--max-line-bytes=64KiB", "--max-queued-bytes=256KiB"]).unwrap();
    assert_eq!((settings.max_line_bytes, settings.max_queued_bytes), (65_536, 262_144));
}

#[test]
fn registration_is_open_only_where_all_listeners_are_loopback() {
    let registration = |args: &[&str]| read(args).unwrap().registration();
    assert_eq!(registration(&["--listen=127.0.0.1:0", "--listen=[::1]:0"]), Registration::Open);
    assert_eq!(registration(&["--listen=[::ffff:127.0.0.1]:0"]), Registration::Open);
    assert_eq!(registration(&["--listen=127.0.0.1:0,0.0.0.0:0"]), Registration::Closed);
    assert_eq!(registration(&["--listen=[::]:0"]), Registration::Closed);
    assert_eq!(registration(&["--listen=[::]:0", "--registration=open"]), Registration::Open);
    assert_eq!(registration(&["--registration=closed"]), Registration::Closed);
    assert_eq!(registration(&["--proxy-from=127.0.0.1"]), Registration::Closed);
    assert_eq!(registration(&["--proxy-from=127.0.0.1", "--registration=open"]), Registration::Open);
}

#[test]
fn an_empty_list_reserves_no_name() {
    let names = |args: &[&str]| {
        let names = read(args).unwrap().reserved_names();
        names.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), ["system", "server", "root", "admin", "operator", "parlor"]);
    assert_eq!(names(&["--reserved-names=Ann,bob"]), ["ann", "bob"]);
    assert_eq!(names(&["--reserved-names="]), [""; 0]);
    let dir = tempfile::tempdir().unwrap();
    for (content, expected) in [("reserved-names = ['']", vec![]), ("reserved-names = ['ann']", vec!["ann"])] {
        let path = write(dir.path(), content);
        assert_eq!(names(&["--config", path.to_str().unwrap()]), expected, "{content}");
    }
}

#[test]
fn the_command_is_sound_and_every_setting_is_explained() {
    root().debug_assert();
    for arg in Settings::augment_args(Command::new("serve")).get_arguments() {
        assert!(arg.get_help().is_some(), "{} has no help", arg.get_id());
        let name = format!("PARLOR_{}", arg.get_long().unwrap().to_uppercase().replace('-', "_"));
        assert_eq!(arg.get_env().unwrap().to_str().unwrap(), name);
    }
}
