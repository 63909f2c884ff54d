//! The files of the repository as the checks see them: read once, with test code marked. It must not judge them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::lexer::{Lexed, is_word, lex};

/// All files that Git knows or would add.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The root directory.
    pub(crate) root: PathBuf,
    /// Sorted by path, without files that are not UTF-8.
    pub(crate) files: Vec<File>,
    /// Paths of the files that are not UTF-8.
    pub(crate) others: Vec<String>,
}

/// One text file.
#[derive(Debug)]
pub(crate) struct File {
    /// Path below the root, with `/` between its parts.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
    /// Its code and literals, if it is Rust.
    pub(crate) rust: Option<Rust>,
}

/// The parts of a Rust file.
#[derive(Debug)]
pub(crate) struct Rust {
    /// Code and literals.
    pub(crate) lexed: Lexed,
    /// Whether each line is test code.
    pub(crate) test_lines: Vec<bool>,
}

impl Tree {
    /// Reads the files below `root`.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let (mut files, mut others) = (Vec::new(), Vec::new());
        for path in tracked(root)? {
            match std::fs::read_to_string(root.join(&path)) {
                Ok(text) => files.push(File::new(path, text)),
                // Deleted but not yet committed files are listed too.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                // Files that are not text are not checked, but links may lead to them.
                Err(_) => others.push(path),
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        mark_test_modules(&mut files);
        Ok(Self { root: root.to_owned(), files, others })
    }

    /// The Rust files with their parts.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&File, &Rust)> {
        self.files.iter().filter_map(|file| Some((file, file.rust.as_ref()?)))
    }

    /// A tree of files that exist only in memory.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut files: Vec<File> =
            files.iter().map(|(path, text)| File::new((*path).to_owned(), (*text).to_owned())).collect();
        mark_test_modules(&mut files);
        Self { root: PathBuf::new(), files, others: Vec::new() }
    }
}

impl File {
    fn new(path: String, text: String) -> Self {
        let rust = path.ends_with(".rs").then(|| Rust::new(&path, &text));
        Self { path, text, rust }
    }
}

impl Rust {
    fn new(path: &str, text: &str) -> Self {
        let lexed = lex(text);
        let lines = text.lines().count();
        let mut test_lines = vec![is_test_path(path); lines];
        for region in test_regions(&lexed.code) {
            for line in region {
                if let Some(flag) = test_lines.get_mut(line) {
                    *flag = true;
                }
            }
        }
        Self { lexed, test_lines }
    }

    /// Whether a line, counted from 0, is test code.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        self.test_lines.get(line).copied().unwrap_or(false)
    }

    /// The lines of code, counted from 0, that are not test code.
    pub(crate) fn shipped_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lexed.code.lines().enumerate().filter(|(line, _)| !self.is_test(*line))
    }
}

fn tracked(root: &Path) -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let output = git.output().context("git cannot be run")?;
    if !output.status.success() {
        bail!("git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let names = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    Ok(names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// Whether a whole file is test code, according to its directory or its name.
fn is_test_path(path: &str) -> bool {
    let in_tests = path.split('/').any(|part| matches!(part, "tests" | "benches" | "examples"));
    let for_tests = ["crates/testkit/", "crates/redis-testkit/", "fuzz/"];
    in_tests || path.ends_with("/tests.rs") || for_tests.iter().any(|directory| path.starts_with(directory))
}

/// Marks the files of modules that are declared as `#[cfg(test)] mod name;`.
fn mark_test_modules(files: &mut [File]) {
    let mut stems = Vec::new();
    for file in files.iter() {
        let Some(rust) = &file.rust else { continue };
        for name in test_module_names(&rust.lexed.code) {
            stems.push(format!("{}/{name}", module_directory(&file.path)));
        }
    }
    for file in files.iter_mut() {
        let inside = stems.iter().any(|stem| {
            let rest = file.path.strip_prefix(stem.as_str());
            rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        });
        if let (true, Some(rust)) = (inside, &mut file.rust) {
            rust.test_lines.fill(true);
        }
    }
}

/// The directory that contains the modules of a file.
fn module_directory(path: &str) -> String {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "lib.rs" | "main.rs" | "mod.rs" => directory.to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    }
}

/// Ranges of lines, counted from 0, of items that exist only in tests.
fn test_regions(code: &str) -> Vec<std::ops::RangeInclusive<usize>> {
    let line_of = |at: usize| code[..at].matches('\n').count();
    let found = test_items(code).map(|(start, end)| line_of(start)..=line_of(end));
    found.collect()
}

/// Names of the modules that have files of their own and exist only in tests.
fn test_module_names(code: &str) -> Vec<&str> {
    let declared = |(start, end): (usize, usize)| {
        let item = code[start..end].trim();
        let head = item.rsplit(']').next().unwrap_or(item).trim();
        let name = head.split_whitespace().last()?;
        (head.starts_with("mod ") || head.contains(" mod ")).then_some(name)
    };
    test_items(code).filter(|&(_, end)| code[end..].starts_with(';')).filter_map(declared).collect()
}

/// Offsets of the attribute and of the last character of every item that exists only in tests.
fn test_items(code: &str) -> impl Iterator<Item = (usize, usize)> {
    code.match_indices("#[cfg(").filter_map(move |(start, _)| {
        let close = start + code[start..].find(']')?;
        names_test(&code[start..close]).then_some((start, item_end(code, close + 1)?))
    })
}

/// Whether a condition requires tests, not their absence.
fn names_test(condition: &str) -> bool {
    let condition: String = condition.chars().filter(|character| !character.is_whitespace()).collect();
    let positive = condition.replace("not(test)", "");
    positive.split(|character| !is_word(character)).any(|word| word == "test")
}

/// Offset of the last character of the item that begins at `from`: its `;` or its last `}`.
fn item_end(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (at, character) in code[from..].char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(from + at);
                }
            }
            ';' if depth == 0 => return Some(from + at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped(path: &str, text: &str) -> Vec<usize> {
        let tree = Tree::of(&[(path, text)]);
        let (_, rust) = tree.rust().next().unwrap();
        rust.shipped_lines().map(|(line, _)| line).collect()
    }

    #[test]
    fn test_modules_are_told_from_the_rest() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
        assert_eq!(shipped("crates/x/src/lib.rs", text), [0, 5]);
        assert_eq!(shipped("crates/x/src/lib.rs", "#[cfg(not(test))]\nfn a() {}\n"), [0, 1]);
        assert_eq!(shipped("crates/x/tests/a.rs", "fn a() {}\n"), [0usize; 0]);
    }

    #[test]
    fn test_modules_in_files_of_their_own() {
        let tree = Tree::of(&[
            ("crates/x/src/lib.rs", "#[cfg(all(test, shuttle))]\nmod model;\nmod other;\n"),
            ("crates/x/src/model.rs", "fn a() {}\n"),
            ("crates/x/src/other.rs", "fn a() {}\n"),
        ]);
        let tested: Vec<bool> = tree.rust().map(|(_, rust)| rust.test_lines.iter().all(|&test| test)).collect();
        assert_eq!(tested, [false, true, false]);
    }
}
