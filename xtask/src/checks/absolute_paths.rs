//! No file contains paths of the machine on which it was written. The check searches only for absolute paths of home
//! and work directories.

use super::Report;
use crate::lexer::is_word;
use crate::tree::Tree;

// Joined here, so that this file does not contain them.
const PREFIXES: [&str; 3] = [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/wo", "rk/")];

pub(super) fn check(tree: &Tree, report: &mut Report) {
    for file in &tree.files {
        for (line, text) in file.text.lines().enumerate() {
            if let Some(prefix) = PREFIXES.iter().find(|prefix| has_path(text, prefix)) {
                report.problem(&file.path, line, format!("an absolute path below {prefix}"));
            }
        }
    }
}

/// Whether `text` contains a path below `prefix`. A match inside a longer path does not count.
fn has_path(text: &str, prefix: &str) -> bool {
    let inside = |character: char| is_word(character) || matches!(character, '.' | '-' | '~' | '}' | '*');
    text.match_indices(prefix).any(|(at, _)| !text[..at].ends_with(inside))
}

#[cfg(test)]
mod tests {
    use super::super::problems;
    use super::*;

    #[test]
    fn paths_of_a_machine_are_found() {
        for prefix in PREFIXES {
            let text = format!("fine\nsee ({prefix}me/x)\n");
            assert_eq!(problems(check, &[("docs/a.md", &text)]).len(), 1);
            assert!(problems(check, &[("docs/a.md", &format!("https://example.org{prefix}x\n"))]).is_empty());
        }
    }
}
