//! Files stay short enough to be read. It must not count test code.

use super::Report;
use crate::tree::Tree;

/// Lines of a shipped file from which on there is a note.
const LONG: usize = 400;
/// Maximum number of lines of a file.
const MAX: usize = 450;

pub(super) fn check(tree: &Tree, report: &mut Report) {
    for (file, rust) in tree.rust() {
        let lines = rust.shipped_lines().count();
        if lines > MAX {
            report.problem_of_file(&file.path, format!("{lines} lines without tests; at most {MAX}"));
        } else if lines > LONG {
            report.note(&file.path, format!("{lines} lines without tests; rarely over {LONG}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_ship_count() {
        let long = "//! x\n".to_owned() + &"const A: u8 = 1;\n".repeat(MAX);
        assert_eq!(super::super::problems(check, &[("crates/x/src/a.rs", &long)]).len(), 1);
        assert!(super::super::problems(check, &[("crates/x/tests/a.rs", &long)]).is_empty());
        let tested = format!("//! x\n#[cfg(test)]\nmod tests {{\n{long}\n}}\n");
        assert!(super::super::problems(check, &[("crates/x/src/a.rs", &tested)]).is_empty());
    }

    #[test]
    fn long_files_are_noted() {
        let mut report = Report::default();
        check(&Tree::of(&[("a.rs", &"const A: u8 = 1;\n".repeat(LONG + 1))]), &mut report);
        assert_eq!((report.notes.len(), report.problems.len()), (1, 0));
    }
}
