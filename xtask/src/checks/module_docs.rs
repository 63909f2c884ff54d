//! Every module says at its top what it is for and what it must not do. It must not judge the sentence.

use super::Report;
use crate::tree::Tree;

pub(super) fn check(tree: &Tree, report: &mut Report) {
    for (file, _) in tree.rust() {
        if !file.text.starts_with("//! ") {
            report.problem(&file.path, 0, "a module begins with `//! ` and a sentence on what it is for");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::problems;
    use super::*;

    #[test]
    fn modules_without_a_sentence_are_found() {
        assert_eq!(problems(check, &[("a.rs", "use std::fmt;\n"), ("b.rs", ""), ("c.rs", "//! Fine.\n")]).len(), 2);
    }
}
