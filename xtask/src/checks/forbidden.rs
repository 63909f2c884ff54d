//! Nothing unfinished is committed: no macros in place of missing code, no markers for later. It must not know
//! exceptions; there are none.

use super::Report;
use crate::lexer::is_word;
use crate::tree::Tree;

const MACROS: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];
// Joined here, so that this file does not contain them.
const MARKERS: [&str; 4] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];

pub(super) fn check(tree: &Tree, report: &mut Report) {
    for (file, rust) in tree.rust() {
        for (line, code) in rust.lexed.code.lines().enumerate() {
            for name in MACROS.iter().filter(|name| has_word(code, name)) {
                report.problem(&file.path, line, format!("{name} stands for code that is missing"));
            }
        }
    }
    for file in &tree.files {
        for (line, text) in file.text.lines().enumerate() {
            for marker in MARKERS.iter().filter(|marker| has_word(text, marker)) {
                report.problem(&file.path, line, format!("marker {marker}: do it, or open an issue"));
            }
        }
    }
}

/// Whether `text` contains `word` with no letter or digit next to it.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let after = &text[at + word.len()..];
        !text[..at].ends_with(is_word) && !after.starts_with(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::super::problems;
    use super::*;

    #[test]
    fn unfinished_code_is_found() {
        let found = problems(check, &[("a.rs", "fn f() {\n    todo!()\n}\nfn g() { dbg!(1); }\n")]);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("a.rs:2: todo!"));
    }

    #[test]
    fn markers_are_found_in_every_text() {
        for marker in MARKERS {
            let text = format!("fine\nhere: {marker}: later\n");
            assert_eq!(problems(check, &[("docs/a.md", &text)]).len(), 1);
        }
    }

    #[test]
    fn longer_words_and_literals_are_fine() {
        let text = format!("// {0}S {0}{0}\nconst A: &str = \"todo!\";\n", MARKERS[2]);
        assert!(problems(check, &[("a.rs", &text)]).is_empty());
    }
}
