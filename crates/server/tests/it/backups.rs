//! `parlor backup` and `parlor restore`, as operators run them: while clients write, with files that are no backups, and by
//! the nightly script of the package.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tempfile::TempDir;

use crate::harness::{Client, Server, eventually};
use crate::keeping::{Place, stop};

/// Messages that one client has in the log before the backup begins, at least.
const BEFORE: u64 = 200;

fn both() -> [Place; 2] {
    [Place::embedded(), Place::shared()]
}

fn backup_in(directory: &TempDir) -> (PathBuf, String) {
    let path = directory.path().join("today.backup");
    let text = path.to_str().unwrap().to_owned();
    (path, text)
}

/// The answer to a command, after what others said.
fn answer(client: &mut Client, command: &str, begins: &str) -> String {
    client.send(command);
    client.until(begins)
}

/// The newest number in the garden.
fn newest(server: &Server) -> u64 {
    let mut client = server.log_in("ann");
    let opened = answer(&mut client, "/open garden", "OK open garden");
    assert!(opened.starts_with("OK open garden"), "{opened}");
    let lines = client.list("/backlog #garden 1", "OK backlog");
    lines.iter().rev().nth(1).map_or(0, |line| line.split(' ').nth(2).unwrap().parse().unwrap())
}

/// The epoch of the garden, in the words of the JSON format.
fn epoch(server: &Server) -> String {
    let mut client = server.connect();
    client.send("FORMAT json\nLOGIN ann secret\n/join garden");
    let joined = client.until(r#"{"type":"ok","command":"join""#);
    joined.split("\"epoch\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// Has clients write all the time, as fast as they are answered, while something else happens.
fn under_load<T>(server: &Server, work: impl FnOnce() -> T) -> T {
    /// The load ends also if the work panics.
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _over = Over(&is_over);
        for user in ["ann", "bob"] {
            let mut client = server.register(user);
            client.send("/open garden\n/ping open");
            client.until("PONG open");
            let is_over = &is_over;
            scope.spawn(move || {
                let mut count = 0;
                while !is_over.load(Ordering::Relaxed) {
                    client
                        .send(&format!("/say garden message {count}\n/msg ann {count}\n/publish {count}\n/ping said"));
                    client.until("PONG said");
                    count += 1;
                }
            });
        }
        let mut watcher = server.register("eve");
        watcher.send("/open garden\n/ping open");
        watcher.until("PONG open");
        let watcher = RefCell::new(watcher);
        eventually("there are some messages", || {
            let lines = watcher.borrow_mut().list("/backlog #garden 1", "OK backlog");
            let number =
                lines.iter().find_map(|line| line.strip_prefix("LOG #garden ")?.split(' ').next()?.parse().ok());
            number.is_some_and(|number: u64| number >= BEFORE)
        });
        work()
    })
}

#[test]
fn a_backup_made_under_load_is_rehearsed_and_restored() {
    for place in both() {
        let scratch = tempfile::tempdir().unwrap();
        let (path, file) = backup_in(&scratch);
        let server = place.serve();
        let made = under_load(&server, || place.says(&["backup", &file]));
        assert!(made.contains("3 accounts, "), "{made}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1, "nothing else is left");
        let rehearsed = place.says(&["backup", "--rehearse", &file]);
        assert!(rehearsed.contains("restored in ") && rehearsed.contains("messages of #garden read in"), "{rehearsed}");
        let (last, before) = (newest(&server), epoch(&server));
        let complaint = place.complains(&["restore", &file]);
        let expected = if place.redis.is_some() { "a server runs on this Redis" } else { "another parlor server uses" };
        assert!(complaint.contains(expected), "{complaint}");
        stop(server);
        let restored = place.says(&["restore", &file]);
        assert!(restored.contains("what was there before is now "), "{restored}");
        let server = place.serve();
        assert_ne!(epoch(&server), before, "numbers may be given out again");
        let restored_last = newest(&server);
        assert!((BEFORE..=last).contains(&restored_last), "{restored_last} of {last}");
        assert!(!server.log().contains("WARN parlor::backend"), "{}", server.log());
        what_was_there_is_aside(&place);
    }
}

/// Nothing was deleted.
fn what_was_there_is_aside(place: &Place) {
    if let Some(redis) = &place.redis {
        let aside = redis.cli(&["KEYS", "replaced-*:parlor:log:{garden}"]);
        assert_eq!(aside.lines().count(), 1, "{aside}");
        return;
    }
    let aside: Vec<PathBuf> = fs::read_dir(place.data.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("replaced-"))
        .collect();
    assert_eq!(aside.len(), 1);
    assert!(aside[0].join("parlor.db").exists() && aside[0].join("parlor.db.stamp").exists());
}

#[test]
fn a_backup_of_one_store_is_restored_in_the_other_one() {
    for (from, to) in [(Place::embedded(), Place::shared()), (Place::shared(), Place::embedded())] {
        let scratch = tempfile::tempdir().unwrap();
        let (_, file) = backup_in(&scratch);
        let server = from.serve();
        let mut ann = server.register("ann");
        assert_eq!(answer(&mut ann, "/open garden\n/say garden roses\n/ping said", "PONG"), "PONG said");
        from.says(&["backup", &file]);
        to.says(&["restore", &file]);
        assert_eq!(newest(&to.serve()), 1);
    }
}

#[test]
fn after_a_kill_the_write_ahead_log_is_moved_aside_with_its_database() {
    let place = Place::embedded();
    let scratch = tempfile::tempdir().unwrap();
    let (_, file) = backup_in(&scratch);
    let mut server = place.serve();
    let mut ann = server.register("ann");
    place.says(&["backup", &file]);
    assert_eq!(answer(&mut ann, "/open garden\n/say garden roses\n/ping said", "PONG"), "PONG said");
    server.kill();
    assert!(place.data.path().join("parlor.db-wal").exists());
    place.says(&["restore", &file]);
    for left in ["parlor.db-wal", "parlor.db-shm"] {
        assert!(!place.data.path().join(left).exists(), "{left}");
    }
    assert_eq!(newest(&place.serve()), 0);
}

/// Complaints about a file, by whatever it is tried.
fn refused(place: &Place, file: &str) -> Vec<String> {
    let mut complaints = vec![place.complains(&["restore", file])];
    complaints.push(place.complains(&["backup", "--rehearse", file]));
    complaints
}

#[test]
fn what_is_no_whole_backup_is_refused_and_nothing_is_moved() {
    for place in both() {
        let scratch = tempfile::tempdir().unwrap();
        let (path, file) = backup_in(&scratch);
        let server = place.serve();
        drop(server.register("ann"));
        place.says(&["backup", &file]);
        stop(server);
        let whole = fs::read(&path).unwrap();
        let flipped = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            bytes
        };
        let wrong = [
            (whole[..whole.len() - 1].to_vec(), "incomplete"),
            (whole[..whole.len() / 2].to_vec(), "incomplete"),
            (flipped(whole.len() / 2), "damaged"),
            (flipped(whole.len() - 10), "damaged"),
            (b"something else".to_vec(), "no archive of Parlor"),
            (Vec::new(), "no archive of Parlor"),
        ];
        for (bytes, why) in wrong {
            fs::write(&path, bytes).unwrap();
            for complaint in refused(&place, &file) {
                assert!(complaint.contains(why), "{why}: {complaint}");
            }
        }
        let names = fs::read_dir(place.data.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        assert!(names.iter().all(|name| !name.contains("re")), "{names:?}");
        drop(place.serve().log_in("ann"));
    }
}

#[test]
fn a_database_that_is_no_backup_is_refused() {
    let place = Place::embedded();
    let scratch = tempfile::tempdir().unwrap();
    let (path, file) = backup_in(&scratch);
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE other (thing TEXT)").unwrap();
    for complaint in refused(&place, &file) {
        assert!(complaint.contains("the backup is incomplete: its end is missing"), "{complaint}");
    }
    // A copy of the database itself has no digest.
    stop(place.serve());
    fs::copy(place.data.path().join("parlor.db"), &path).unwrap();
    assert!(place.complains(&["restore", &file]).contains("the backup is incomplete"));
}

#[test]
fn the_nightly_script_tries_each_backup_and_keeps_some() {
    let place = Place::embedded();
    let directory = tempfile::tempdir().unwrap();
    for old in ["parlor-2026-01-01T000000Z.backup", "parlor-2026-01-02T000000Z.backup", "notes.txt"] {
        fs::write(directory.path().join(old), "old").unwrap();
    }
    let server = place.serve();
    drop(server.register("ann"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/nightly-backup");
    let programs = Path::new(env!("CARGO_BIN_EXE_parlor")).parent().unwrap().to_str().unwrap();
    let run = |keep: &str| {
        let mut command = Command::new("sh");
        command.arg(&script).arg(directory.path()).arg(keep);
        command.env("PATH", format!("{programs}:{}", std::env::var("PATH").unwrap()));
        command.env("PARLOR_DATA", place.data.path()).output().unwrap()
    };
    let output = run("2");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("was rehearsed"), "{said}");
    let mut names: Vec<String> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!((names[0].as_str(), names[1].as_str()), ("notes.txt", "parlor-2026-01-02T000000Z.backup"));
}
