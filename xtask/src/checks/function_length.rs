//! Functions stay short enough to be understood. Exceptions are in a file, each with its reason.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};

use super::Report;
use crate::lexer::is_word;
use crate::tree::Tree;

/// Maximum number of lines of a function, from its `fn` to its closing brace.
const MAX: usize = 70;
/// Lines of `path function reason`; `#` begins a comment.
const ALLOWED: &str = "xtask/long-functions.txt";

pub(super) fn check(tree: &Tree, report: &mut Report) -> Result<()> {
    let list = tree.files.iter().find(|file| file.path == ALLOWED).context(ALLOWED)?;
    let mut unused = allowed(&list.text)?;
    for (file, rust) in tree.rust() {
        for function in functions(&rust.lexed.code) {
            if function.lines <= MAX || unused.remove(&(file.path.clone(), function.name.clone())) {
                continue;
            }
            let what = format!("function {} has {} lines; at most {MAX}", function.name, function.lines);
            report.problem(&file.path, function.line, what);
        }
    }
    for (path, name) in unused {
        report.problem_of_file(ALLOWED, format!("{path} has no long function {name} any more"));
    }
    Ok(())
}

fn allowed(list: &str) -> Result<BTreeSet<(String, String)>> {
    let mut entries = BTreeSet::new();
    for line in list.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        match line.splitn(3, ' ').collect::<Vec<_>>().as_slice() {
            [path, name, reason] if !reason.trim().is_empty() => {
                entries.insert(((*path).to_owned(), (*name).to_owned()));
            }
            _ => bail!("{ALLOWED}: not `path function reason`: {line}"),
        }
    }
    Ok(entries)
}

struct Function {
    name: String,
    /// The line, counted from 0.
    line: usize,
    lines: usize,
}

/// All functions with a body, including functions inside others.
fn functions(code: &str) -> Vec<Function> {
    let starts = code.match_indices("fn ").filter(|(at, _)| !code[..*at].ends_with(is_word));
    starts.filter_map(|(at, _)| function(code, at)).collect()
}

fn function(code: &str, at: usize) -> Option<Function> {
    let name: String = code[at + 3..].trim_start().chars().take_while(|&character| is_word(character)).collect();
    let end = body_end(code, at).filter(|_| !name.is_empty())?;
    let lines = code[at..=end].matches('\n').count() + 1;
    Some(Function { name, line: code[..at].matches('\n').count(), lines })
}

/// Offset of the brace that closes the body. `None` if there is no body.
fn body_end(code: &str, from: usize) -> Option<usize> {
    let mut brackets = 0usize;
    let mut braces = 0usize;
    for (at, character) in code[from..].char_indices() {
        match character {
            '(' | '[' => brackets += 1,
            // A function pointer as the type of an argument ends with the argument list.
            ')' | ']' if brackets == 0 => return None,
            ')' | ']' => brackets -= 1,
            ';' if brackets == 0 && braces == 0 => return None,
            '{' => braces += 1,
            '}' if braces <= 1 => return (braces == 1).then_some(from + at),
            '}' => braces -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(list: &str, path: &str, text: &str) -> Vec<String> {
        let mut report = Report::default();
        check(&Tree::of(&[(ALLOWED, list), (path, text)]), &mut report).unwrap();
        report.problems.iter().map(ToString::to_string).collect()
    }

    fn long() -> String {
        format!("trait T {{ fn a(&self) -> [u8; 2]; }}\nfn b(f: fn (u8)) {{\n{}}}\n", "    { x(); }\n".repeat(MAX))
    }

    #[test]
    fn long_functions_are_found() {
        assert_eq!(found("", "a.rs", &long()), ["a.rs:2: function b has 72 lines; at most 70"]);
        assert!(found("", "a.rs", "fn b() {\n}\n").is_empty());
    }

    #[test]
    fn exceptions_have_a_reason_and_a_function() {
        assert!(found("# why\na.rs b a table\n", "a.rs", &long()).is_empty());
        assert_eq!(found("a.rs b a table\n", "a.rs", "fn b() {}\n").len(), 1);
        assert!(allowed("a.rs b").is_err());
    }
}
