//! Precedence of the sources of a setting, and invalid values. The environment belongs to the whole process, so code
//! that reads it runs in a child process.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command as Server;

use clap::{Args, Command, FromArgMatches};
use tempfile::TempDir;

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
    let wrong = [("PARLOR_MAX_ROOMS", "many")];
    let said = in_environment(&wrong, &[]);
    assert!(said.contains("error: the variable PARLOR_MAX_ROOMS: invalid value 'many': invalid digit"), "{said}");
    assert!(in_environment(&[("PARLOR_LISTEN", "127.0.0.1:1,junk")], &[]).contains("the variable PARLOR_LISTEN: "));
    let flag = in_environment(&wrong, &["--max-rooms=few"]);
    assert!(flag.contains("invalid value 'few' for '--max-rooms"), "{flag}");
    assert_eq!(in_environment(&wrong, &["--max-rooms=7"]), "[127.0.0.1:7878] 7 false");
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let names = ["PARLOR_LISTEN", "PARLOR_MAX_ROOMS", "PARLOR_REDIS", "PARLOR_CONFIG", "PARLOR_LIMIT_LOOPBACK"];
    let empty = names.map(|name| (name, ""));
    assert_eq!(in_environment(&empty, &[]), "[127.0.0.1:7878] 10000 false");
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
    assert!(said.starts_with("DIR/parlor.toml: line 1: redis: invalid value: ") && !said.contains("hunter2"), "{said}");
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
        ("max-room = 1", "DIR/parlor.toml: line 1: unknown key \"max-room\"; did you mean \"max-rooms\"?"),
        ("# two\n\nelephants = 1", "DIR/parlor.toml: line 3: unknown key \"elephants\""),
        ("max_rooms = 1", "DIR/parlor.toml: line 1: unknown key \"max_rooms\"; did you mean \"max-rooms\"?"),
        ("config = 'x'", "DIR/parlor.toml: line 1: unknown key \"config\""),
        ("[listen]\na = 1", "DIR/parlor.toml: line 1: listen: expected an array"),
        ("listen = '127.0.0.1:1'", "DIR/parlor.toml: line 1: listen: expected an array"),
        ("listen = []", "DIR/parlor.toml: line 1: listen: the array is empty"),
        ("max-rooms = [1]", "DIR/parlor.toml: line 1: max-rooms: a value cannot be of type array"),
        ("max-rooms = 1.5", "DIR/parlor.toml: line 1: max-rooms: a value cannot be of type float"),
        ("max-rooms = 0", "DIR/parlor.toml: line 1: max-rooms: invalid value '0': 0 is not in 1..=4294967295"),
        ("max-rooms = -1", "DIR/parlor.toml: line 1: max-rooms: invalid value '-1': invalid digit found in string"),
        (
            "limit-loopback = 'perhaps'",
            "DIR/parlor.toml: line 1: limit-loopback: invalid value 'perhaps' [possible values: true, false]",
        ),
        (
            "synchronous = 'off'",
            "DIR/parlor.toml: line 1: synchronous: invalid value 'off' [possible values: normal, full]",
        ),
        (
            "listen = ['nowhere']",
            "DIR/parlor.toml: line 1: listen: invalid value 'nowhere': expected an address and a port, such as \
             127.0.0.1:7878 or [::1]:7878",
        ),
        ("history = 1\nhistory = 2", "DIR/parlor.toml: line 2: history: duplicate key"),
        (
            "history = 1\ntls-dir = \"~/tls\"",
            "DIR/parlor.toml: line 2: tls-dir: invalid value '~/tls': ~ stands for a home directory only in a shell, \
             outside quotes; write the whole path",
        ),
        (
            "max-line-bytes = 511",
            "DIR/parlor.toml: line 1: max-line-bytes: invalid value '511': 511 is not between 512 and 65536 bytes",
        ),
        (
            "proxy-from = ['10.0.0.5/8']",
            "DIR/parlor.toml: line 1: proxy-from: invalid value '10.0.0.5/8': 10.0.0.5/8 is an address within the network \
             10.0.0.0/8; which of them is meant?",
        ),
        ("hunter2=secret", "DIR/parlor.toml: line 1: string values must be quoted, expected literal string"),
        ("\nmax-rooms = ", "DIR/parlor.toml: line 2: max-rooms: string values must be quoted, expected literal string"),
    ];
    for (content, said) in cases {
        assert_eq!(complaint(content), said);
    }
    let missing = read(&["--config", "/nonexistent/parlor.toml"]).unwrap_err().to_string();
    assert!(missing.contains("cannot read /nonexistent/parlor.toml: No such file"), "{missing}");
}

#[test]
fn what_a_flag_cannot_say() {
    let cases: [&[&str]; 18] = [
        &["--data=~/parlor"],
        &["--config", "~"],
        &["--tls-cert=~ann/a.pem", "--tls-key=a.key"],
        &["--listen=localhost:7878"],
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

/// Runs the parser for `words` of a machine on which the package has these files.
fn on_a_machine(words: &[&str], files: &[(&str, &str)]) -> (TempDir, Result<clap::ArgMatches, clap::Error>) {
    on_a_machine_with(words, &[files, &[("usr/lib/parlor/copy-credentials", "")]].concat())
}

/// The same with nothing but these files.
fn on_a_machine_with(words: &[&str], files: &[(&str, &str)]) -> (TempDir, Result<clap::ArgMatches, clap::Error>) {
    let root = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    parsed(root, words)
}

fn parsed(root: TempDir, words: &[&str]) -> (TempDir, Result<clap::ArgMatches, clap::Error>) {
    let list = Command::new("list");
    let list = InstallationArgs::augment_args(RedisArgs::augment_args(list));
    let command = self::root().subcommand(Command::new("user").subcommand(list));
    let args: Vec<OsString> = ["parlor"].iter().chain(words).map(OsString::from).collect();
    let matches = validate::parse_with(command, &args, &package::Package::below(root.path()));
    (root, matches)
}

/// Returns data directory and Redis of `user list`.
fn place((root, matches): (TempDir, Result<clap::ArgMatches, clap::Error>)) -> (PathBuf, Option<String>) {
    let matches = matches.unwrap();
    let list = matches.subcommand_matches("user").unwrap().subcommand_matches("list").unwrap();
    let data = list.get_one::<PathBuf>("data").unwrap();
    let redis = list.get_one::<parlor_store::redis::RedisUrl>("redis");
    (data.strip_prefix(root.path()).unwrap_or(data).to_owned(), redis.map(ToString::to_string))
}

const TOML: &str = "etc/parlor/parlor.toml";
const SECRETS: &str = "etc/parlor/secrets.env";

#[test]
fn without_another_name_commands_use_the_installation_of_the_package() {
    let list = ["user", "list"];
    let packaged = PathBuf::from("var/lib/parlor");
    assert_eq!(place(on_a_machine(&list, &[])).0, default_data_dir());
    assert_eq!(place(on_a_machine(&list, &[(TOML, "")])), (packaged.clone(), None));
    // The unit gives the data directory as a variable, which goes before the file.
    assert_eq!(place(on_a_machine(&list, &[(TOML, "data = '/elsewhere'")])).0, packaged);
    let redis = place(on_a_machine(&list, &[(TOML, "redis = 'redis://a.example'")])).1;
    assert_eq!(redis.as_deref(), Some("redis://a.example:6379"));
}

#[test]
fn a_settings_file_without_the_package_is_a_file_like_any_other() {
    let list = ["user", "list"];
    let left_over = place(on_a_machine_with(&list, &[(TOML, "data = '/srv/parlor'")]));
    assert_ne!(left_over.0, PathBuf::from("var/lib/parlor"));
}

#[test]
fn the_secret_variables_of_the_package_go_before_its_file() {
    let secrets = "# comment\n\nPARLOR_REDIS='redis://:pw@b.example'\nOTHER=1\nPARLOR_REDIS_CA=\n";
    let files = [(TOML, "redis = 'redis://a.example'"), (SECRETS, secrets)];
    let redis = place(on_a_machine(&["user", "list"], &files)).1;
    assert_eq!(redis.as_deref(), Some("redis://b.example:6379"));
    let (_root, wrong) = on_a_machine(&["user", "list"], &[(TOML, ""), (SECRETS, "\nPARLOR_REDIS=http://:hunter2@b")]);
    let wrong = wrong.unwrap_err().to_string();
    assert!(
        wrong.contains("etc/parlor/secrets.env: line 2: PARLOR_REDIS: invalid value") && !wrong.contains("hunter2"),
        "{wrong}"
    );
}

#[test]
fn the_file_of_the_package_leads_to_its_data_and_its_secret_variables_also_by_name() {
    let files = [(TOML, ""), (SECRETS, "PARLOR_REDIS=redis://b.example\n")];
    let (root, _) = on_a_machine(&["serve"], &files);
    let config = root.path().join(TOML);
    let args = ["user", "list", "--config", config.to_str().unwrap()];
    assert_eq!(place(parsed(root, &args)), ("var/lib/parlor".into(), Some("redis://b.example:6379".to_owned())));
}

#[test]
fn a_flag_names_another_installation_than_that_of_the_package() {
    let files = [(TOML, "redis = 'redis://a.example'")];
    let named = on_a_machine(&["user", "list", "--data", "/d"], &files);
    assert_eq!(place(named), ("/d".into(), None));
    let named = on_a_machine(&["user", "list", "--redis", "redis://c.example"], &files);
    assert_eq!(place(named).1.as_deref(), Some("redis://c.example:6379"));
}

#[test]
fn a_server_does_not_take_the_settings_of_the_package() {
    let (_root, matches) = on_a_machine(&["serve"], &[(TOML, "history = 1")]);
    let matches = matches.unwrap();
    assert_eq!(matches.subcommand_matches("serve").unwrap().get_one::<u64>("history"), Some(&10_000));
}

#[test]
fn without_a_home_the_error_says_what_to_name() {
    assert!(cannot_make(Path::new("/var/lib/parlor")).contains("where HOME is not set; name another by --data"));
    assert_eq!(cannot_make(Path::new("/x")), "cannot make the directory /x");
}
