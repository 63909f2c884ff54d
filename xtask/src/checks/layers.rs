//! The layers of the code where Cargo cannot keep them: which crate must not name what. It reads names in
//! the source, not what they resolve to.

use super::Report;
use crate::lexer::is_word;
use crate::tree::{Rust, Tree};

struct Rule {
    /// The crate's directory.
    directory: &'static str,
    /// Paths that it must not name.
    never: &'static [&'static str],
    /// Paths that only its tests may name.
    tests_only: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule { directory: "crates/proto/", never: PURE, tests_only: CONCURRENT },
    Rule { directory: "crates/core/", never: PURE, tests_only: CONCURRENT },
    Rule { directory: "crates/store/", never: &["parlor_server", "parlor_client", "rustls"], tests_only: &[] },
    Rule { directory: "crates/torture/", never: &["parlor_core", "parlor_store", "parlor_server"], tests_only: &[] },
    Rule { directory: "crates/client/", never: &["parlor_core", "parlor_store", "parlor_server"], tests_only: &[] },
];

/// The outside world: sockets, files, TLS, SQL, the wall clock.
const PURE: &[&str] =
    &["std::net", "std::fs", "rustls", "rusqlite", "SystemTime", "jiff::Timestamp::now", "Zoned::now"];
/// What a pure crate is handed by others, and what its tests may use to try it.
const CONCURRENT: &[&str] = &["std::thread", "Instant::now"];

pub(super) fn check(tree: &Tree, report: &mut Report) {
    for (file, rust) in tree.rust() {
        for rule in RULES.iter().filter(|rule| file.path.starts_with(rule.directory)) {
            for (line, path) in paths(rust) {
                let tests_only = if rust.is_test(line) { &[] } else { rule.tests_only };
                if let Some(name) = rule.never.iter().chain(tests_only).find(|name| names(&path, name)) {
                    report.problem(&file.path, line, format!("{} must not name {name}", rule.directory));
                }
            }
        }
    }
}

/// Whether `forbidden` is a run of whole parts of `path`.
fn names(path: &str, forbidden: &str) -> bool {
    format!("::{path}::").contains(&format!("::{forbidden}::"))
}

/// Every path in the code, with the line, counted from 0, on which it begins; lists of `use` are spread out.
fn paths(rust: &Rust) -> Vec<(usize, String)> {
    let code = &rust.lexed.code;
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = code[at..].find(is_word).map(|offset| at + offset) {
        let line = code[..start].matches('\n').count();
        let mut reader = Reader { rest: &code[start..] };
        let mut spread = Vec::new();
        reader.path("", &mut spread);
        found.extend(spread.into_iter().map(|path| (line, path)));
        at = code.len() - reader.rest.len();
    }
    found
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// Reads `a::b::c` or `a::{b, c::d}`; the text begins with a part of a path or with a brace.
    fn path(&mut self, prefix: &str, found: &mut Vec<String>) {
        if self.rest.starts_with('{') {
            return self.list(prefix, found);
        }
        let end = self.rest.find(|character| !is_word(character)).unwrap_or(self.rest.len());
        let path =
            if prefix.is_empty() { self.rest[..end].to_owned() } else { format!("{prefix}::{}", &self.rest[..end]) };
        self.rest = &self.rest[end..];
        let Some(after) = self.rest.trim_start().strip_prefix("::") else { return found.push(path) };
        let after = after.trim_start();
        if !after.starts_with(|character| is_word(character) || character == '{') {
            return found.push(path);
        }
        self.rest = after;
        self.path(&path, found);
    }

    /// Reads `{b, c::d}`.
    fn list(&mut self, prefix: &str, found: &mut Vec<String>) {
        self.rest = &self.rest[1..];
        loop {
            self.rest = self.rest.trim_start_matches(|character: char| character == ',' || character.is_whitespace());
            if !self.rest.starts_with(|character| is_word(character) || character == '{') {
                break;
            }
            self.path(prefix, found);
            self.skip_alias();
        }
        self.rest = self.rest.strip_prefix('}').unwrap_or(self.rest);
    }

    /// Skips ` as name`.
    fn skip_alias(&mut self) {
        if let Some(alias) = self.rest.trim_start().strip_prefix("as ") {
            let alias = alias.trim_start();
            self.rest = alias.trim_start_matches(is_word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::problems;
    use super::*;

    #[test]
    fn names_of_the_outside_are_found_however_they_are_written() {
        for text in [
            "use std::net::TcpStream;\n",
            "use std::{fmt, io::{self as i, Read}, fs::File};\n",
            "fn f() { let _ = std::time::SystemTime::now(); }\n",
            "fn f() { let _ = Instant::now(); }\n",
            "fn f() { let _ = jiff::Timestamp::now(); }\n",
            "use std::thread;\n",
            "use rustls::ServerConfig;\n",
        ] {
            assert_eq!(problems(check, &[("crates/core/src/a.rs", text)]).len(), 1, "{text}");
        }
    }

    #[test]
    fn tests_may_use_threads_but_no_sockets() {
        let test = |line: &str| format!("#[cfg(test)]\nmod tests {{\n    {line}\n}}\n");
        assert!(problems(check, &[("crates/core/src/a.rs", &test("use std::thread;"))]).is_empty());
        assert_eq!(problems(check, &[("crates/core/src/a.rs", &test("use std::net::TcpStream;"))]).len(), 1);
    }

    #[test]
    fn the_client_knows_neither_rules_nor_stores() {
        assert_eq!(problems(check, &[("crates/client/src/a.rs", "use parlor_core::Hub;\n")]).len(), 1);
        assert_eq!(problems(check, &[("crates/store/src/a.rs", "use parlor_server as s;\n")]).len(), 1);
        assert_eq!(problems(check, &[("crates/torture/src/a.rs", "use parlor_core::planted;\n")]).len(), 1);
        assert!(problems(check, &[("crates/client/src/a.rs", "// parlor_core\nuse rustls::Stream;\n")]).is_empty());
    }

    #[test]
    fn other_names_are_fine() {
        let text = "use std::{collections, sync::Arc};\nfn f(network: u8) { my_std::network(); t.thread(); }\n";
        assert!(problems(check, &[("crates/core/src/a.rs", text)]).is_empty());
    }
}
