//! Every promise has a test: `docs/promises.md` has at least as many rows for a section of the protocol as that section
//! has points, and one row for each promise of the page on reliability. It names only tests that exist. The check must
//! not judge whether a test tests the promise.

use super::Report;
use crate::tree::Tree;

const PROMISES: &str = "docs/promises.md";
const PROTOCOL: &str = "docs/protocol.md";
const RELIABILITY: &str = "docs/reliability.md";
const TRANSCRIPTS: &str = "crates/server/tests/scripts/";
const BUGS: &str = "crates/core/src/planted.rs";
/// Sections that explain, without promises.
const EXPLAIN: &[&str] = &["in-one-minute", "in-a-session", "advice-for-clients"];

/// A row of the table.
struct Row<'a> {
    line: usize,
    /// Page and heading, as in a link.
    section: &'a str,
    promise: &'a str,
    tests: Vec<&'a str>,
}

pub(super) fn check(tree: &Tree, report: &mut Report) {
    let text = |path: &str| tree.files.iter().find(|file| file.path == path).map(|file| file.text.as_str());
    let (Some(promises), Some(protocol), Some(reliability)) = (text(PROMISES), text(PROTOCOL), text(RELIABILITY))
    else {
        return report.problem_of_file(PROMISES, "the table of promises, or a page of them, is missing");
    };
    let rows: Vec<Row<'_>> = promises.lines().enumerate().filter_map(|(line, text)| row(line, text)).collect();
    for row in &rows {
        if row.tests.is_empty() {
            report.problem(PROMISES, row.line, "a promise without a test");
        }
        for test in row.tests.iter().filter(|test| !exists(tree, test)) {
            report.problem(PROMISES, row.line, format!("there is no test {test}"));
        }
    }
    for (line, anchor, points) in sections(protocol) {
        let section = format!("protocol.md#{anchor}");
        let found = rows.iter().filter(|row| row.section == section).count();
        if found < points && !EXPLAIN.contains(&anchor.as_str()) {
            report.problem(PROTOCOL, line, format!("{points} points here, and {found} rows in {PROMISES}"));
        }
    }
    for (line, promise) in reliability.lines().enumerate().filter_map(|(line, text)| Some((line, promised(text)?))) {
        if !rows.iter().any(|row| row.promise == promise) {
            report.problem(RELIABILITY, line, format!("no row in {PROMISES}"));
        }
    }
}

fn row(line: usize, text: &str) -> Option<Row<'_>> {
    let mut cells = text.strip_prefix("| [")?.strip_suffix('|')?.split(" | ").map(str::trim);
    let section = cells.next()?.split_once("](")?.1.strip_suffix(')')?;
    let promise = cells.next()?;
    let tests = cells.next()?.split('`').skip(1).step_by(2).collect();
    Some(Row { line, section, promise, tests })
}

/// Whether the test exists: a transcript, a function, or a planted bug.
fn exists(tree: &Tree, test: &str) -> bool {
    if test.ends_with(".chat") {
        let path = format!("{TRANSCRIPTS}{test}");
        return tree.files.iter().any(|file| file.path == path);
    }
    let (function, bug) = (format!("fn {test}("), format!("\"{test}\""));
    let is_test =
        |text: &str| text.split(&function).next().is_some_and(|before| before.trim_end().ends_with("#[test]"));
    tree.files.iter().any(|file| match file.path.as_str() {
        BUGS => file.text.contains(&bug),
        path => path.ends_with(".rs") && file.text.contains(&function) && is_test(&file.text),
    })
}

/// Each heading below the title: its line, its anchor, and the number of its points, at least one.
fn sections(page: &str) -> Vec<(usize, String, usize)> {
    let mut found: Vec<(usize, String, usize)> = Vec::new();
    for (line, text) in page.lines().enumerate() {
        if let Some(title) = text.strip_prefix("### ").or_else(|| text.strip_prefix("## ")) {
            let kept = |character: &char| character.is_alphanumeric() || matches!(character, ' ' | '-');
            let anchor = title.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-");
            found.push((line, anchor, 0));
        } else if text.starts_with("- ")
            && let Some(section) = found.last_mut()
        {
            section.2 += 1;
        }
    }
    found.into_iter().map(|(line, anchor, points)| (line, anchor, points.max(1))).collect()
}

/// The promise in a row of the reliability page, if the row links to the protocol.
fn promised(text: &str) -> Option<&str> {
    let (promise, link) = text.strip_prefix("| ")?.split_once(" | [")?;
    link.contains("](protocol.md#").then_some(promise)
}

#[cfg(test)]
mod tests {
    use super::super::problems;
    use super::*;

    const HOLDS: &str = "| [a](protocol.md#a-b) | one | `it_holds` |\n| [a](protocol.md#a-b) | two | `say.chat`, `bug` |\n\
                         | [r](reliability.md#x) | Kept | `it_holds` |\n";

    fn found(promises: &str) -> Vec<String> {
        let files = [
            (PROMISES, promises),
            (PROTOCOL, "# P\n\n## A b\n\n- one\n- two\n\n## In one minute\n"),
            (RELIABILITY, "| Kept | [a](protocol.md#a-b) |\n"),
            (BUGS, "Bug \"bug\" \"what it does\"\n"),
            ("crates/server/tests/scripts/say.chat", ""),
            ("crates/server/tests/it/a.rs", "#[test]\nfn it_holds() {}\nfn helps() {}\n"),
        ];
        problems(check, &files)
    }

    #[test]
    fn a_table_that_is_whole_is_fine() {
        assert_eq!(found(HOLDS), Vec::<String>::new());
    }

    #[test]
    fn a_promise_that_lost_its_row_is_found() {
        for row in HOLDS.lines() {
            assert_eq!(found(&HOLDS.replace(&format!("{row}\n"), "")).len(), 1, "{row}");
        }
    }

    #[test]
    fn a_test_that_is_not_there_is_found() {
        for (old, new) in
            [("say.chat", "gone.chat"), ("`bug`", "`no-bug`"), ("it_holds", "gone"), ("it_holds", "helps")]
        {
            assert!(!found(&HOLDS.replace(old, new)).is_empty(), "{new}");
        }
        assert_eq!(found(&HOLDS.replace("`say.chat`, `bug`", "nothing")).len(), 1);
    }
}
