//! `parlor user export` and `parlor user erase`: what is kept about a person is shown, and then gone, from files and keys.

use std::fs;
use std::path::PathBuf;

use crate::harness::{Client, Server};
use crate::keeping::{Place, stop};

/// A name and words that nothing else contains.
const NAME: &str = "xenobia";
const WORDS: [&str; 7] = ["zyzomys", "qiviut", "vugg", "xylyl", "wootz", "kvetch", "ptyxis"];

/// Carries out commands, and waits until they are done.
fn carry_out(client: &mut Client, commands: &str) {
    client.send(&format!("{commands}\n/ping done"));
    client.until("PONG done");
}

/// Xenobia says something everywhere, and others have to do with her.
fn live(server: &Server) {
    let [zyzomys, qiviut, vugg, xylyl, wootz, kvetch, ptyxis] = WORDS;
    let (mut xenobia, mut bob) = (server.register(NAME), server.register("bob"));
    carry_out(&mut bob, "/open attic");
    drop(server.register("cyd"));
    carry_out(
        &mut xenobia,
        &format!(
            "/open garden\n/say garden {zyzomys}\n/say garden {qiviut}\n/edit garden 2 {vugg}\n/publish {xylyl}\n\
             /msg bob {wootz}\n/once {ptyxis} /msg bob again\n/block bob\n/unblock bob\n/block cyd\n/ticket mine\n\
             /open attic\n/say attic hello\n/ban garden bob 2h {kvetch}"
        ),
    );
    carry_out(
        &mut bob,
        &format!("/subscribe {NAME}\n/msg {NAME} how are you\n/say attic hello\n/ban attic {NAME} 2h\n/read +{NAME} 1"),
    );
}

/// Everything that a file of the place holds. Of a Redis it is what it writes to its disk, not compressed.
fn kept(place: &Place) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = match &place.redis {
        None => place.data.path().to_owned(),
        Some(redis) => {
            redis.cli(&["CONFIG", "SET", "rdbcompression", "no"]);
            redis.cli(&["SAVE"]);
            let directory = redis.cli(&["CONFIG", "GET", "dir"]);
            PathBuf::from(directory.lines().last().unwrap())
        }
    };
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.is_file() && (place.redis.is_none() || path.ends_with("dump.rdb")));
    files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// The files that have a word.
fn found(place: &Place, word: &str) -> Vec<PathBuf> {
    let has = |bytes: &[u8]| bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()));
    kept(place).into_iter().filter(|(_, bytes)| has(bytes)).map(|(path, _)| path).collect()
}

fn attic(server: &Server) -> Vec<String> {
    let mut bob = server.log_in("bob");
    carry_out(&mut bob, "/open attic");
    bob.list("/backlog #attic", "OK backlog")
}

#[test]
fn what_is_kept_about_a_person_is_shown_as_lines_of_json() {
    for place in [Place::embedded(), Place::shared()] {
        let server = place.serve();
        live(&server);
        let said = place.says(&["user", "export", NAME]);
        for word in WORDS.into_iter().filter(|word| *word != WORDS[1]) {
            assert!(said.contains(word), "{word} in {said}");
        }
        let kinds: Vec<String> = said
            .lines()
            .map(|line| {
                let value: serde_json::Value = serde_json::from_str(line).unwrap();
                value.as_object().unwrap().keys().next().unwrap().clone()
            })
            .collect();
        for kind in ["account", "ticket", "follow", "block", "remembered", "mark", "entry", "conversation", "rights"] {
            assert!(kinds.iter().any(|it| it == kind), "{kind} in {kinds:?}");
        }
        assert!(!said.contains("$2b$04$") || said.matches("$2b$04$").count() == 1, "hashes of others: {said}");
        assert_eq!(place.complains(&["user", "export", "nobody"]), "parlor: there is no user nobody");
    }
}

#[test]
fn nothing_is_found_of_an_erased_person() {
    for place in [Place::embedded(), Place::shared()] {
        let server = place.serve();
        live(&server);
        let refused = place.complains(&["user", "erase", NAME]);
        let expected = if place.redis.is_some() { "a server runs on this Redis" } else { "another parlor server uses" };
        assert!(refused.contains(expected), "{refused}");
        stop(server);
        assert!(!found(&place, NAME).is_empty() && !found(&place, WORDS[0]).is_empty());
        assert_eq!(place.says(&["user", "erase", NAME]), format!("{NAME} is erased\n"));
        for word in WORDS.into_iter().chain([NAME]) {
            assert_eq!(found(&place, word), Vec::<PathBuf>::new(), "{word}");
        }
        let server = place.serve();
        let lines = attic(&server);
        assert!(lines.iter().any(|line| line.contains("bob hello")), "what others said stays: {lines:?}");
        assert!(lines.iter().any(|line| line.contains(" erased")), "{lines:?}");
        let mut later = server.connect();
        assert!(later.ask("REGISTER erased secret").starts_with("ERR name-reserved "));
        drop(server.register(NAME));
        assert_eq!(place.complains(&["user", "erase", "nobody"]).split(':').next(), Some("parlor"));
    }
}

#[test]
fn the_words_of_an_erased_person_stay_where_that_is_asked_for() {
    for place in [Place::embedded(), Place::shared()] {
        let server = place.serve();
        live(&server);
        stop(server);
        place.says(&["user", "erase", NAME, "--keep-messages"]);
        assert_eq!(found(&place, NAME), Vec::<PathBuf>::new());
        assert!(!found(&place, WORDS[0]).is_empty());
        let lines = attic(&place.serve());
        assert!(lines.iter().any(|line| line.contains(" erased hello")), "{lines:?}");
    }
}
