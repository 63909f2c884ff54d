//! `parlor export` and `parlor import`, as operators run them: from every store to every store, and with what is no archive.
//! That every record survives is tested in `crates/store/tests/redis/archive.rs`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use parlor_redis_testkit::RedisServer;
use tempfile::TempDir;

use crate::harness::{Client, Options, Server, command, eventually, feed};

/// Makes a place.
type New = fn() -> Place;

/// Where a server keeps everything.
pub(crate) struct Place {
    pub(crate) data: Arc<TempDir>,
    pub(crate) redis: Option<RedisServer>,
}

impl Place {
    pub(crate) fn embedded() -> Self {
        Self { data: Arc::new(tempfile::tempdir().unwrap()), redis: None }
    }

    pub(crate) fn shared() -> Self {
        Self { redis: Some(RedisServer::start()), ..Self::embedded() }
    }

    pub(crate) fn serve(&self) -> Server {
        let options = self.redis.iter().fold(Options::default(), |it, redis| it.env("PARLOR_REDIS", &redis.url()));
        options.start_in(self.data.clone())
    }

    fn command(&self, words: &[&str]) -> std::process::Command {
        let mut command = command(self.data.path(), words);
        command.envs(self.redis.iter().map(|redis| ("PARLOR_REDIS", redis.url())));
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Runs the program, which must succeed. Returns its standard output.
    pub(crate) fn says(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs the program, which must fail. Returns the last line of its standard error, the only one besides what it uses.
    pub(crate) fn complains(&self, words: &[&str]) -> String {
        complaint(words, &self.run(words))
    }
}

pub(crate) fn complaint(words: &[&str], output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{words:?}");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> = complaint.lines().filter(|line| !line.starts_with("using ")).collect();
    assert_eq!(lines.len(), 1, "{complaint}");
    lines[0].to_owned()
}

/// Stops a server as an operator does.
pub(crate) fn stop(mut server: Server) {
    server.signal("TERM");
    assert!(server.wait().success());
}

/// Two users say something everywhere.
fn talk(server: &Server) {
    let (mut ann, mut bob) = (server.register("ann"), server.register("bob"));
    let commands = "/open garden\n/say garden roses\n/publish news\n/msg bob psst\n/once key /msg bob twice\n/block cyd\n/close lobby\n/ping said";
    ann.send(commands);
    ann.until("PONG said");
    bob.send("/subscribe ann\n/open garden\n/say garden tulips\n/edit garden 2 tulips, too\n/ping said");
    bob.until("PONG said");
}

/// What a client of each user sees in JSON: rooms, marks, epochs, pages.
fn seen(server: &Server) -> Vec<String> {
    let mut seen = Vec::new();
    for user in ["ann", "bob"] {
        eventually("whoever was here before is counted no more", || {
            server.threads("client-") + server.threads("idle-") == 0
        });
        let mut client: Client = server.connect();
        client.send(&format!(
            "FORMAT json\nLOGIN {user} secret\n/sync\n/backlog #garden\n/backlog +ann\n/inbox\n/ping said"
        ));
        loop {
            let line = client.line();
            if line.contains("\"pong\"") {
                break;
            }
            let mut event: serde_json::Value = serde_json::from_str(&line).unwrap();
            if let Some(rooms) = event.get_mut("rooms").and_then(serde_json::Value::as_array_mut) {
                // The lobby has no message, so there is no number that anybody could know.
                rooms.retain(|room| room["room"] != "lobby");
            }
            if event["command"] != "login" {
                seen.push(event.to_string());
            }
        }
    }
    seen
}

fn archive(data: &TempDir) -> (PathBuf, String) {
    let path = data.path().join("everything.archive");
    let text = path.to_str().unwrap().to_owned();
    (path, text)
}

#[test]
fn everything_moves_from_each_store_to_each_other_and_clients_notice_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let (path, file) = archive(&scratch);
    let ways: [(New, New); 4] = [
        (Place::embedded, Place::shared),
        (Place::shared, Place::embedded),
        (Place::embedded, Place::embedded),
        (Place::shared, Place::shared),
    ];
    for (from, to) in ways {
        let (from, to) = (from(), to());
        let server = from.serve();
        talk(&server);
        // What is shown is read from then on.
        drop(seen(&server));
        let before = seen(&server);
        assert!(before.iter().any(|line| line.contains("tulips, too")), "{before:?}");
        // The server runs meanwhile.
        assert_eq!(from.says(&["export", &file]), "");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        stop(server);
        let imported = to.says(&["import", &file]);
        assert!(imported.starts_with("imported 2 accounts, "), "{imported}");
        assert_eq!(seen(&to.serve()), before);
    }
}

#[test]
fn an_archive_goes_through_a_pipe() {
    let (from, to) = (Place::embedded(), Place::embedded());
    let server = from.serve();
    talk(&server);
    let piped = from.says(&["export"]);
    let output = feed(to.command(&["import", "-"]), &piped);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(to.says(&["export"]), piped);
}

#[test]
fn what_is_no_whole_archive_is_refused_in_one_line_and_leaves_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let (path, file) = archive(&scratch);
    let from = Place::embedded();
    let server = from.serve();
    talk(&server);
    from.says(&["export", &file]);
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let foreign = fs::read(from.data.path().join("parlor.db")).unwrap();
    for to in [Place::embedded(), Place::shared()] {
        for (content, why) in [
            (&whole[..whole.len() / 2], "incomplete"),
            (&flipped[..], "damaged"),
            (&foreign[..], "no archive of Parlor"),
        ] {
            fs::write(&path, content).unwrap();
            let complaint = to.complains(&["import", &file]);
            assert!(
                complaint.starts_with("parlor: the archive is ") || complaint.contains("no archive"),
                "{complaint}"
            );
            assert!(complaint.contains(why), "{complaint}");
        }
        assert!(!to.data.path().join("parlor.db").exists());
        assert!(to.redis.iter().all(|redis| redis.cli(&["DBSIZE"]).trim() == "0"));
    }
    assert!(from.complains(&["import", "/nowhere"]).contains("cannot open /nowhere"));
}

#[test]
fn nothing_is_imported_where_something_is_or_where_a_server_runs() {
    let scratch = tempfile::tempdir().unwrap();
    let (_, file) = archive(&scratch);
    for place in [Place::embedded(), Place::shared()] {
        let server = place.serve();
        talk(&server);
        place.says(&["export", &file]);
        let complaint = place.complains(&["import", &file]);
        let expected = if place.redis.is_some() { "a server runs on this Redis" } else { "another parlor server uses" };
        assert!(complaint.contains(expected), "{complaint}");
        stop(server);
        let complaint = place.complains(&["import", &file]);
        assert!(complaint.contains("has accounts or messages already"), "{complaint}");
        assert!(exists(place.data.path()).iter().all(|name| !name.ends_with(".import")));
    }
    let nowhere = Place::embedded();
    assert!(nowhere.complains(&["export", &file]).contains("there is no Parlor installation"));
}

/// The names of the files in a directory.
fn exists(directory: &Path) -> Vec<String> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
