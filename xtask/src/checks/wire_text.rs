//! Only the encoders of the protocol crate create wire text. The check reads literals, and must not follow what is
//! written to sockets.

use super::Report;
use crate::tree::Tree;

const CRATES: [&str; 3] = ["crates/core/", "crates/store/", "crates/server/"];

/// First words of the lines that a server sends.
const WORDS: &[&str] = &[
    "HELLO",
    "OK",
    "ERR",
    "MSG",
    "PUB",
    "DM",
    "JOIN",
    "PART",
    "NOTICE",
    "BYE",
    "PONG",
    "ROOM",
    "USER",
    "SUBSCRIPTION",
    "SUBSCRIBER",
    "OLD",
    "HELP",
];

pub(super) fn check(tree: &Tree, report: &mut Report) {
    for (file, rust) in tree.rust() {
        if !CRATES.iter().any(|directory| file.path.starts_with(directory)) {
            continue;
        }
        for literal in &rust.lexed.literals {
            if !rust.is_test(literal.line) && is_wire_text(&literal.content) {
                report.problem(&file.path, literal.line, "wire text outside the encoders of crates/proto");
            }
        }
    }
}

fn is_wire_text(literal: &str) -> bool {
    let starts_line = |word: &&str| literal.strip_prefix(*word).is_some_and(|rest| rest.starts_with(' '));
    let json = literal.replace(['\\', '{', ' '], "");
    WORDS.iter().any(starts_line) || json.starts_with("\"type\":")
}

#[cfg(test)]
mod tests {
    use super::super::problems;
    use super::*;

    #[test]
    fn lines_of_the_wire_are_found() {
        let text = "fn f() { send(\"OK join\"); send(&format!(\"BYE {code}\")); send(r#\"{\"type\":\"ok\"}\"#); }\n";
        assert_eq!(problems(check, &[("crates/server/src/a.rs", text)]).len(), 3);
    }

    #[test]
    fn tests_and_other_texts_may() {
        let tests = "#[cfg(test)]\nmod tests { const A: &str = \"OK join\"; }\n";
        assert!(problems(check, &[("crates/core/src/a.rs", tests)]).is_empty());
        let other = "const A: &str = \"OKAY then\"; const B: &str = \"Users OK\"; // \"OK join\"\n";
        assert!(problems(check, &[("crates/core/src/a.rs", other)]).is_empty());
        assert!(problems(check, &[("crates/proto/src/a.rs", "const A: &str = \"OK join\";\n")]).is_empty());
    }
}
