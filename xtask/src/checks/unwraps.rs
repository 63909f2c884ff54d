//! `unwrap` and `expect` are rare outside tests, and each has its invariant beside it. It must not judge the
//! comment.

use super::Report;
use crate::tree::Tree;

/// Lines of shipped code for each allowed call.
const LINES_PER_CALL: usize = 1000;
/// Maximum number of lines between the comment and the call.
const COMMENT_WITHIN: usize = 3;

const CALLS: [&str; 2] = [".unwrap()", ".expect("];

pub(super) fn check(tree: &Tree, report: &mut Report) {
    let (mut calls, mut lines) = (0, 0);
    for (file, rust) in tree.rust() {
        for (line, code) in rust.shipped_lines() {
            lines += 1;
            let here: usize = CALLS.iter().map(|call| code.matches(call).count()).sum();
            calls += here;
            let near = line.saturating_sub(COMMENT_WITHIN)..=line;
            if here > 0 && !rust.lexed.commented.iter().any(|commented| near.contains(commented)) {
                report.problem(&file.path, line, "unwrap or expect without a comment that says why it cannot fail");
            }
        }
    }
    // The first call is always allowed. Otherwise a small workspace could have none.
    let allowed = (lines / LINES_PER_CALL).max(1);
    if calls > allowed {
        report.problem_of_file("crates", format!("{calls} unwrap or expect outside tests; {allowed} are allowed"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::problems;
    use super::*;

    #[test]
    fn a_call_without_a_reason_is_found() {
        assert_eq!(problems(check, &[("a.rs", "fn f() {\n    a().unwrap();\n}\n")]).len(), 1);
        assert_eq!(problems(check, &[("a.rs", "fn f() {\n    // Never empty.\n    a().unwrap();\n}\n")]).len(), 0);
    }

    #[test]
    fn too_many_calls_are_found() {
        let text = "// Never empty.\nfn f() { a().unwrap(); b().expect(\"b\"); }\n";
        let found = problems(check, &[("a.rs", text)]);
        assert_eq!(found, ["crates: 2 unwrap or expect outside tests; 1 are allowed"]);
        let long = text.to_owned() + &"const A: u8 = 1;\n".repeat(2 * LINES_PER_CALL);
        assert!(problems(check, &[("a.rs", &long)]).is_empty());
        assert!(problems(check, &[("crates/x/tests/a.rs", text)]).is_empty());
    }
}
