//! Short runs of `parlor torture`: servers keep their promises under faults, and the command prints the result.
//! `tests/planted.rs` checks that it finds broken promises.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use parlor_torture::{Config, Door, FaultKind, Store, Target, run};
use serde_json::Value;

use crate::harness::{Options, Server, command, heavy, outcome, parlor};

fn torture(args: &[&str]) -> Output {
    let data = tempfile::tempdir().unwrap();
    run_torture(data.path(), args)
}

fn run_torture(data: &Path, args: &[&str]) -> Output {
    // The accounts that it makes log in quickly, also where the machine is busy.
    command(data, &[&["torture"], args].concat()).env("PARLOR_BCRYPT_COST", "4").output().unwrap()
}

/// Runs the command. Returns the exit code, standard output, and standard error.
fn said(args: &[&str]) -> (Option<i32>, String, String) {
    let data = tempfile::tempdir().unwrap();
    outcome(data.path(), run_torture(data.path(), args))
}

#[test]
fn one_server_keeps_its_promises_when_it_is_killed_and_frozen() {
    let _heavy = heavy();
    let config = Config {
        target: Target::Own { servers: 1, store: Store::Embedded },
        program: env!("CARGO_BIN_EXE_parlor").into(),
        seed: 1,
        length: Duration::ZERO,
        once: Some(Duration::from_secs(8)),
        faults: vec![FaultKind::Kill, FaultKind::Freeze, FaultKind::Stop],
        clients: 16,
        door: Door::Mixed,
        reject: false,
        stop_at_first: true,
        accounts: Vec::new(),
    };
    let outcome = run(&config, |line| println!("{line}")).unwrap();
    assert!(outcome.kept, "{outcome}");
    assert!(!outcome.counts.faults_injected.is_empty() && outcome.counts.accepted > 100, "{outcome}");
}

#[test]
fn one_server_keeps_its_promises_while_everything_moves_to_a_redis_and_back() {
    let _heavy = heavy();
    let (code, page, progress) = said(&["--seconds", "14", "--seed", "1", "--faults", "migrate", "--clients", "16"]);
    assert_eq!(code, Some(0), "{page}{progress}");
    assert!(page.contains("\nfaults injected ") && page.contains("migrate "), "{page}");
}

#[test]
fn the_result_is_a_page_for_people_and_an_object_for_programs() {
    let _heavy = heavy();
    let args = ["--seconds", "6", "--seed", "2", "--faults", "rst-storm,half-open", "--clients", "16"];
    let (code, page, progress) = said(&args);
    assert_eq!(code, Some(0), "{page}{progress}");
    assert!(page.contains("\nEvery promise was kept.\n") && page.contains("\nfaults injected "), "{page}");
    assert!(page.lines().count() < 60, "one page is enough: {page}");
    let output = torture(&[&args[..], &["--json"]].concat());
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&result["kept"], &result["seed"], &result["rounds"]), (&true.into(), &2.into(), &1.into()));
    assert!(result["counts"]["accepted"].as_u64() > Some(100), "{result}");
    let promises = result["promises"].as_array().unwrap();
    assert_eq!(promises.len(), 21);
    // Each of these can only be broken by somebody who gets so far.
    for unit in ["accounts by invitation", "reports", "posts"] {
        let promise = promises.iter().find(|promise| promise["unit"] == unit).expect(unit);
        assert!(promise["looked_at"].as_u64() > Some(0), "{promise}");
    }
}

#[test]
fn a_given_installation_is_driven_by_clients_alone() {
    let _heavy = heavy();
    let server = Server::start();
    let (address, ca) = (server.address().to_string(), server.ca());
    let given = ["--server", &address, "--ca", ca.to_str().unwrap()];
    let (code, page, progress) = said(&[&given[..], &["--seconds", "6", "--seed", "3", "--clients", "16"]].concat());
    assert_eq!(code, Some(0), "{page}{progress}");
    assert!(page.contains("1 server, given"), "{page}");
    let (code, page, complaint) = said(&[&given[..], &["--faults", "kill"]].concat());
    assert_eq!((code, page.as_str()), (Some(2), ""));
    assert_eq!(complaint, "parlor: the fault kill cannot be done there\n");
}

#[test]
fn where_nobody_may_register_accounts_are_made_and_deleted() {
    let _heavy = heavy();
    let server = Options::default().args(&["--registration", "closed"]).start();
    let (address, ca) = (server.address().to_string(), server.ca());
    let data = server.data().to_str().unwrap().to_owned();
    let args = ["--server", &address, "--ca", ca.to_str().unwrap(), "--data", &data];
    let (code, page, progress) = said(&[&args[..], &["--seconds", "6", "--seed", "4", "--clients", "16"]].concat());
    assert_eq!(code, Some(0), "{page}{progress}");
    let (_, accounts, _) = outcome(server.data(), parlor(server.data(), &["user", "list"]));
    assert_eq!(accounts.lines().count(), 0, "{accounts}");
}

#[test]
fn nothing_is_tortured_that_is_not_on_this_machine_and_not_said_to_be_staging() {
    let ca = tempfile::NamedTempFile::new().unwrap();
    let ca = ca.path().to_str().unwrap();
    let refused = "parlor: 192.0.2.1 is not this machine; if nobody depends on it, say --yes-this-is-staging\n";
    for args in [&["--server", "192.0.2.1:7878", "--ca", ca][..], &["--redis", "redis://192.0.2.1:6379"]] {
        assert_eq!(said(args), (Some(2), String::new(), refused.to_owned()));
    }
}

#[test]
fn what_cannot_be_carried_out_is_said_in_one_line() {
    for (args, word) in [
        (&["--faults", "cut"][..], "the fault cut cannot be done there"),
        (&["--faults", "redis-empty", "--redis", "redis://127.0.0.1:1"], "the fault redis-empty cannot be done there"),
        (&["--servers", "2"], "more need --redis"),
        (&["--faults", "clock", "--server", "127.0.0.1:1", "--ca", "none.pem"], "planted-bugs"),
    ] {
        let (code, page, complaint) = said(args);
        assert_eq!((code, page.as_str(), complaint.lines().count()), (Some(2), "", 1), "{complaint}");
        assert!(complaint.starts_with("parlor: ") && complaint.contains(word), "{complaint}");
    }
}
