//! The layers of the code where Cargo cannot enforce them: which crate must not name which path. It reads names in the
//! source, and must not resolve them.

use super::Report;
use crate::paths::paths;
use crate::tree::Tree;

struct Rule {
    /// The crate's directory.
    directory: &'static str,
    /// Paths that it must not name.
    never: &'static [&'static str],
    /// Paths that only its tests may name.
    tests_only: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule { directory: "crates/proto/", never: PURE, tests_only: PROVIDED },
    Rule { directory: "crates/core/", never: PURE, tests_only: PROVIDED },
    Rule { directory: "crates/store/", never: &["parlor_server", "parlor_client", "rustls"], tests_only: &[] },
    Rule { directory: "crates/torture/", never: &["parlor_core", "parlor_store", "parlor_server"], tests_only: &[] },
    Rule { directory: "crates/client/", never: &["parlor_core", "parlor_store", "parlor_server"], tests_only: &[] },
];

/// The outside world: sockets, TLS, SQL, the wall clock.
const PURE: &[&str] = &["std::net", "rustls", "rusqlite", "SystemTime", "jiff::Timestamp::now", "Zoned::now"];
/// Threads, time and files, which callers provide to a pure crate. Its tests may use them.
const PROVIDED: &[&str] = &["std::thread", "Instant::now", "std::fs"];

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

/// Whether `path` contains `forbidden` as consecutive whole parts.
fn names(path: &str, forbidden: &str) -> bool {
    format!("::{path}::").contains(&format!("::{forbidden}::"))
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
