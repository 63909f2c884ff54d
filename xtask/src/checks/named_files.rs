//! Every source file that a document names exists: a wrong name misleads the reader. It must not check pages about the
//! past.

use super::Report;
use crate::tree::Tree;

/// Pages about the past, with the file names of their time.
const HISTORY: &[&str] = &["CHANGELOG.md", "docs/decisions/"];
/// The extensions by which a name in a page is a source file.
const SOURCES: &[&str] = &[".rs", ".lua", ".py", ".chat"];

pub(super) fn check(tree: &Tree, report: &mut Report) {
    let pages = tree.files.iter().filter(|file| file.path.ends_with(".md"));
    for page in pages.filter(|page| !HISTORY.iter().any(|history| page.path.starts_with(history))) {
        for (line, text) in page.text.lines().enumerate() {
            // The text between backticks is every second part.
            for name in text.split('`').skip(1).step_by(2).filter(|name| is_source(name)) {
                if !tree.files.iter().any(|file| leads_to(name, &file.path)) {
                    report.problem(&page.path, line, format!("there is no file {name}"));
                }
            }
        }
    }
}

/// Whether `name` is the name of one file. A pattern or a command with arguments is not.
fn is_source(name: &str) -> bool {
    SOURCES.iter().any(|ending| name.ends_with(ending))
        && !name.starts_with('.')
        && !name.contains([' ', '*', '{', '<'])
}

/// A page may omit the directory of the crate, and the `src` in it.
fn leads_to(name: &str, path: &str) -> bool {
    let short = path.replace("/src/", "/");
    [path, &short].iter().any(|path| path.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('/')))
}

#[cfg(test)]
mod tests {
    use super::super::problems;
    use super::*;

    fn found(path: &str, page: &str) -> usize {
        let files = [("crates/core/src/hub.rs", "//! A hub.\n"), (path, page)];
        problems(check, &files).len()
    }

    #[test]
    fn a_page_that_names_a_file_of_another_name_is_found() {
        assert_eq!(found("docs/a.md", "See `core/src/hub.rs`, `core/hub.rs` and `hub.rs`.\n"), 0);
        assert_eq!(found("docs/a.md", "See `core/src/old.rs`.\n"), 1);
        assert_eq!(found("docs/a.md", "See `store/hub.rs` and `ub.rs`.\n"), 2);
    }

    #[test]
    fn patterns_commands_and_the_past_are_left_alone() {
        assert_eq!(found("docs/a.md", "`src/**/*.rs` and `python3 gone.py`\n"), 0);
        assert_eq!(found("docs/decisions/1.md", "`gone.rs`\n"), 0);
    }
}
