//! Invitations from outside: `parlor invite`, its links, and what they open.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::harness::{Client, Http, Options, Server, command, ends, outcome, parlor, parlor_with_input};

/// A server on which nobody can make an account without an invitation.
fn closed() -> Server {
    Options::default().args(&["--registration", "closed", "--presence-limit", "0"]).start()
}

/// Runs `parlor invite` with these arguments. Returns the lines that it says, if it succeeds.
fn invite(data: &Path, args: &[&str]) -> Result<Vec<String>, String> {
    let output = parlor(data, &[&["invite"], args].concat());
    let said = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    if output.status.success() {
        Ok(said(&output.stdout).lines().map(str::to_owned).collect())
    } else {
        Err(said(&output.stderr))
    }
}

/// The ways in to a server that listens at an address of this machine.
fn ways(server: &Server, args: &[&str]) -> [String; 3] {
    let address = server.address().to_string();
    let lines = invite(server.data(), &[&["--address", &address], args].concat()).unwrap();
    lines.try_into().unwrap()
}

fn code(link: &str) -> String {
    link.rsplit_once("#invite=").unwrap().1.to_owned()
}

/// Logs in through the page, with these further fields.
fn post(server: &Server, user: &str, more: &serde_json::Value) -> (u16, serde_json::Value) {
    let mut form = json!({ "user": user, "password": "secret-12" });
    form.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut http = Http::open(server.address(), &server.ca());
    let response = http.ask_from_page("POST", "/session", "", &form.to_string());
    (response.status, response.json())
}

#[test]
fn each_way_in_is_a_line_with_the_code() {
    let server = closed();
    let port = server.address().port();
    let [page, command, mail] = ways(&server, &["--room", "kitchen", "--room", "garden", "--uses", "3"]);
    let code = code(&page);
    assert!(code.starts_with("pli_") && code.len() == 44, "{code}");
    assert_eq!(page, format!("https://127.0.0.1:{port}/#invite={code}"));
    let pin = command.strip_prefix(&format!("parlor connect parlor://127.0.0.1:{port}/{code}#sha256:"));
    assert_eq!(pin.map(str::len), Some(44), "{command}");
    for part in [&*page, &*command, "garden, kitchen", "3 accounts"] {
        assert!(mail.contains(part), "{mail}");
    }
    assert_eq!(server.connect().ask(&format!("INVITE {code}")), "OK invite 3");
}

#[test]
fn the_page_makes_an_account_by_an_invitation_and_enters_its_rooms() {
    let server = closed();
    let code = code(&ways(&server, &["--room", "garden"])[0]);
    let register = json!({ "register": true });
    let invited = json!({ "register": true, "invite": code });
    let refused = |(status, body): (u16, serde_json::Value)| (status, body["code"].as_str().unwrap().to_owned());
    assert_eq!(refused(post(&server, "ann", &register)), (403, "registration-closed".to_owned()));
    let wrong = json!({ "register": true, "invite": "pli_00" });
    assert_eq!(refused(post(&server, "ann", &wrong)), (403, "bad-invitation".to_owned()));
    assert_eq!(post(&server, "ann", &invited), (200, json!({ "user": "ann" })));
    assert_eq!(refused(post(&server, "bob", &invited)), (403, "bad-invitation".to_owned()));
    // An account that is there needs none.
    assert_eq!(post(&server, "ann", &json!({})), (200, json!({ "user": "ann" })));
    let mut ann = server.connect();
    assert_eq!(ann.ask("LOGIN ann secret-12"), "OK login ann lobby");
    assert_eq!(ann.list("/sync", "OK sync"), ["OPEN garden 1 0", "OPEN lobby 1 0", "OK sync 2 0"]);
}

#[test]
fn parlor_connect_understands_the_link() {
    let server = closed();
    let [_, line, _] = ways(&server, &["--room", "garden", "--uses", "2"]);
    let link = line.strip_prefix("parlor connect ").unwrap();
    // The key in the link is all that proves the server.
    let connect = |user: &str, link: &str| {
        let mut command = command(server.data(), &["connect", link, "--user", user, "--data", "/nonexistent"]);
        command.env("PARLOR_PASSWORD", "secret-12");
        ends(server.data(), command)
    };
    let (code, _, complaint) = connect("ann", link);
    assert_eq!(code, Some(0), "{complaint}");
    let mut ann = server.connect();
    assert_eq!(ann.ask("LOGIN ann secret-12"), "OK login ann lobby");
    let (code, _, complaint) = connect("ann", link);
    assert!(code == Some(3) && complaint.contains("name-taken"), "{complaint}");
    let (code, _, complaint) = connect("bob", &link.replace("/pli_", "/pli_0"));
    assert!(code == Some(3) && complaint.contains("bad-invitation"), "{complaint}");
    // A server with another key does not even hear the code.
    let (server_and_code, _) = link.split_once('#').unwrap();
    let (code, _, complaint) = connect("bob", &format!("{server_and_code}#sha256:{}=", "A".repeat(43)));
    assert!(code == Some(1) && complaint.contains("pin"), "{complaint}");
}

#[test]
fn they_are_listed_and_made_void_and_no_code_is_kept() {
    let server = closed();
    let code = code(&ways(&server, &["--operator", "--expires", "2h"])[0]);
    let mut ann = server.connect();
    assert_eq!(ann.ask(&format!("INVITE {code}")), "OK invite 1");
    assert_eq!(ann.ask("REGISTER ann secret-12"), "OK register ann lobby");
    assert_eq!(ann.list("/invitations", "OK invitations").len(), 2, "ann is an operator");
    let listed = invite(server.data(), &["--list"]).unwrap();
    assert!(listed.len() == 1 && listed[0].contains(" 1/1 ") && listed[0].ends_with("used by ann"), "{listed:?}");
    assert!(listed[0].contains(" operator "), "{listed:?}");
    let id = listed[0].split(' ').next().unwrap();
    assert_eq!(invite(server.data(), &["--revoke", id]).unwrap(), [format!("{id} is void")]);
    assert!(invite(server.data(), &["--revoke", id]).unwrap_err().contains(&format!("there is no invitation {id}")));
    assert_eq!(invite(server.data(), &["--list"]).unwrap(), [""; 0]);
    let digits = code.strip_prefix("pli_").unwrap();
    for entry in fs::read_dir(server.data()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = if path.is_file() { fs::read(&path).unwrap() } else { continue };
        assert!(!bytes.windows(digits.len()).any(|window| window == digits.as_bytes()), "{}", path.display());
    }
    assert!(!server.log().contains(digits));
}

#[test]
fn what_does_not_fit_is_refused() {
    let server = closed();
    let refused = |args: &[&str]| invite(server.data(), args).unwrap_err();
    assert!(refused(&["--uses", "0"]).contains("--uses"));
    assert!(refused(&["--room", "r!d"]).contains("--room"));
    assert!(refused(&["--expires", "soon"]).contains("--expires"));
    assert!(refused(&["--list", "--operator"]).contains("cannot be used with"));
    let place = tempfile::tempdir().unwrap();
    let (code, _, complaint) = outcome(place.path(), parlor(place.path(), &["invite"]));
    assert_eq!(code, Some(1), "{complaint}");
    let wrong = command(place.path(), &["connect", "parlor://127.0.0.1"]);
    let (code, _, complaint) = ends(place.path(), wrong);
    assert!(code == Some(2) && complaint.contains("parlor://HOST:PORT/CODE#PIN"), "{complaint}");
}

#[test]
fn a_server_that_runs_says_itself_how_people_reach_it() {
    let server = closed();
    let port = server.address().port();
    let lines = invite(server.data(), &[]).unwrap();
    assert!(lines[0].starts_with(&format!("https://127.0.0.1:{port}/#invite=")), "{lines:?}");
    assert!(lines[1].contains(&format!(" parlor://127.0.0.1:{port}/")), "{lines:?}");
    let proxied = Options::default().args(&["--web-host", "chat.example.org", "--registration", "closed"]).start();
    // It listens on this machine only, so nobody but the proxy reaches its port.
    let [page, mail] = <[String; 2]>::try_from(invite(proxied.data(), &[]).unwrap()).unwrap();
    assert!(page.starts_with("https://chat.example.org/#invite="), "{page}");
    assert!(
        mail.starts_with(&format!("You are invited to chat at chat.example.org. Open {page} in a browser - ")),
        "{mail}"
    );
    let without = Options::default().args(&["--web", "off", "--registration", "closed"]).start();
    let lines = invite(without.data(), &["--address", "chat.example"]).unwrap();
    assert!(lines.len() == 2 && lines[0].starts_with("parlor connect parlor://chat.example:7878/pli_"), "{lines:?}");
    // What its settings say is told where it does not run.
    let mut ended = closed();
    ended.kill();
    let lines = invite(ended.data(), &["--web", "off"]).unwrap();
    assert!(lines[0].starts_with("parlor connect parlor://127.0.0.1:7878/"), "{lines:?}");
    // What the command line says goes first.
    assert!(
        invite(proxied.data(), &["--address", "chat.example"]).unwrap()[0].starts_with("https://chat.example:7878/")
    );
}

#[test]
fn people_of_a_file_are_made_with_their_rooms_or_nobody_is() {
    let server = closed();
    drop(user(server.data(), &["add", "root", "--operator", "--password-stdin"], "secret-12\n").unwrap());
    let mut root = log_in(&server, "root", "secret-12");
    assert_eq!(root.ask("/open garden"), "OK open garden 1");
    assert_eq!(root.ask("/access garden private"), "OK access garden private");
    let file = server.data().join("people.csv");
    let add = |text: &str| {
        fs::write(&file, text).unwrap();
        user(server.data(), &["add", "--bcrypt-cost", "4", "--file", file.to_str().unwrap()], "")
    };
    let wrong = add("name,role,rooms\nann\nb!b").unwrap_err();
    assert!(wrong.contains("line 3") && wrong.contains("b!b"), "{wrong}");
    let taken = add("ann\nroot").unwrap_err();
    assert!(taken.contains("line 2") && taken.contains("there is a user root already"), "{taken}");
    assert_eq!(user(server.data(), &["list"], "").unwrap().lines().count(), 1, "nobody was made");
    let said = add("ann,operator\nbob,,garden lounge\n").unwrap();
    let passwords: Vec<(&str, &str)> = said.lines().filter_map(|line| line.split_once('\t')).collect();
    assert_eq!(passwords.iter().map(|(user, _)| *user).collect::<Vec<_>>(), ["ann", "bob"]);
    assert_eq!(root.line(), "MODERATED garden bob invite operator invitation of operator");
    let mut bob = log_in(&server, "bob", passwords[1].1);
    let opened = bob.list("/sync", "OK sync");
    assert_eq!(opened, ["OPEN garden 2 0", "OPEN lobby 2 0", "OPEN lounge 1 0", "OK sync 3 0"]);
    let mut ann = log_in(&server, "ann", passwords[0].1);
    assert_eq!(ann.list("/invitations", "OK invitations"), ["OK invitations 0"]);
}

#[test]
fn a_file_of_people_can_be_used_again() {
    let server = closed();
    let file = server.data().join("people.csv");
    let names =
        |said: String| said.lines().filter_map(|line| Some(line.split_once('\t')?.0.to_owned())).collect::<Vec<_>>();
    let add = |text: &str, flags: &[&str]| {
        fs::write(&file, text).unwrap();
        let args = [&["add", "--bcrypt-cost", "4", "--file", file.to_str().unwrap()], flags].concat();
        user(server.data(), &args, "").map(names)
    };
    assert_eq!(add("ann\nbob", &[]).unwrap(), ["ann", "bob"]);
    let refused = add("ann\nbob\ncyd", &[]).unwrap_err();
    assert!(
        refused.contains("line 1: there is a user ann already") && refused.contains("--skip-existing"),
        "{refused}"
    );
    assert_eq!(add("ann\nbob\ncyd\ndan", &["--skip-existing"]).unwrap(), ["cyd", "dan"]);
    assert_eq!(add("ann\neve", &["--skip-existing", "--invite", "--address", "chat.example.org"]).unwrap(), ["eve"]);
    assert_eq!(user(server.data(), &["list"], "").unwrap().lines().count(), 4);
    let alone = user(server.data(), &["add", "carol", "--skip-existing"], "").unwrap_err();
    assert!(alone.contains("cannot be used with '--skip-existing'"), "{alone}");
}

#[test]
fn who_was_made_is_named_if_the_password_cannot_be_written() {
    let server = closed();
    let file = server.data().join("people.csv");
    fs::write(&file, "ann\nbob\n").unwrap();
    let mut command = command(server.data(), &["user", "add", "--bcrypt-cost", "4", "--file", file.to_str().unwrap()]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command.stdout(full).output().unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && complaint.contains("parlor user passwd ann"), "{complaint}");
    assert_eq!(user(server.data(), &["list"], "").unwrap().lines().count(), 1, "bob was made");
}

#[test]
fn people_of_a_file_are_invited_with_their_roles_and_rooms() {
    let server = closed();
    let file = server.data().join("people.csv");
    fs::write(&file, "ann,operator\nbob,,garden\ncyd\n").unwrap();
    let args = ["add", "--file", file.to_str().unwrap(), "--invite", "--address", "chat.example.org"];
    let said = user(server.data(), &args, "").unwrap();
    let lines: Vec<Vec<&str>> = said.lines().map(|line| line.split('\t').collect()).collect();
    let lines: Vec<&[&str]> = lines.iter().map(Vec::as_slice).collect();
    let [["ann", of_ann, _], ["bob", of_bob, _], ["cyd", of_cyd, id]] = lines[..] else { panic!("{said}") };
    assert_eq!(user(server.data(), &["list"], "").unwrap().lines().count(), 0, "an account was made");
    assert_eq!(invite(server.data(), &["--revoke", id]).unwrap(), [format!("{id} is void")]);
    let void = server.connect().ask(&format!("INVITE {}", code(of_cyd)));
    assert!(void.starts_with("ERR bad-invitation"), "{void}");
    let come = |link: &str, name: &str| {
        let (mut client, code) = (server.connect(), code(link));
        assert_eq!(client.ask(&format!("INVITE {code}")), "OK invite 1");
        assert_eq!(client.ask(&format!("REGISTER {name} secret-12")), format!("OK register {name} lobby"));
        client
    };
    // Whoever is invited chooses the name.
    let mut robert = come(of_bob, "robert");
    assert_eq!(robert.list("/sync", "OK sync"), ["OPEN garden 1 0", "OPEN lobby 1 0", "OK sync 2 0"]);
    let mut ann = come(of_ann, "ann");
    assert_eq!(ann.list("/invitations", "OK invitations").len(), 3);
    let again = user(server.data(), &args, "").unwrap_err();
    assert!(again.contains("line 1: there is a user ann already; nothing was made"), "{again}");
    for flag in [["--address", "chat.example.org"], ["--expires", "3d"]] {
        let args = [&["add", "carol", "--random-password"][..], &flag].concat();
        assert!(user(server.data(), &args, "").unwrap_err().contains("add --invite"), "{flag:?}");
    }
    let alone = user(server.data(), &["add", "carol", "--invite"], "").unwrap_err();
    assert!(alone.contains("cannot be used with '--invite'"), "{alone}");
}

/// A session of a user, on a server that tells nobody who comes.
fn log_in(server: &Server, user: &str, password: &str) -> Client {
    let mut client = server.connect();
    assert_eq!(client.ask(&format!("LOGIN {user} {password}")), format!("OK login {user} lobby"));
    client
}

/// Runs `parlor user` with these arguments and this input. Returns what it says, if it succeeds.
fn user(data: &Path, args: &[&str], input: &str) -> Result<String, String> {
    let output = parlor_with_input(data, &[&["user"], args].concat(), input);
    let said = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) }
}
