//! The checks of `cargo xtask tidy`, one file each. They must not change any file.

mod absolute_paths;
mod async_runtimes;
mod file_length;
mod forbidden;
mod function_length;
mod import_circles;
mod layers;
mod links;
mod module_docs;
mod named_files;
mod promises;
mod unwraps;
mod wire_text;

use std::fmt;

use anyhow::Result;

use crate::tree::Tree;

/// The results of the checks.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Each problem fails the run.
    pub(crate) problems: Vec<Finding>,
    /// Notes do not fail the run.
    pub(crate) notes: Vec<Finding>,
}

/// A result in a file.
#[derive(Debug)]
pub(crate) struct Finding {
    path: String,
    /// The line, counted from 1; 0 for the file as a whole.
    line: usize,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.path, self.what),
            line => write!(out, "{}:{line}: {}", self.path, self.what),
        }
    }
}

impl Report {
    /// A problem on a line counted from 0.
    fn problem(&mut self, path: &str, line: usize, what: impl Into<String>) {
        self.problems.push(Finding { path: path.to_owned(), line: line + 1, what: what.into() });
    }

    /// A problem of a file as a whole.
    fn problem_of_file(&mut self, path: &str, what: impl Into<String>) {
        self.problems.push(Finding { path: path.to_owned(), line: 0, what: what.into() });
    }

    fn note(&mut self, path: &str, what: impl Into<String>) {
        self.notes.push(Finding { path: path.to_owned(), line: 0, what: what.into() });
    }
}

/// Runs every check.
///
/// # Errors
/// If a check cannot be carried out. Problems that a check finds are in the report instead.
pub(crate) fn run_all(tree: &Tree) -> Result<Report> {
    let mut report = Report::default();
    file_length::check(tree, &mut report);
    function_length::check(tree, &mut report)?;
    forbidden::check(tree, &mut report);
    module_docs::check(tree, &mut report);
    layers::check(tree, &mut report);
    import_circles::check(tree, &mut report);
    wire_text::check(tree, &mut report);
    unwraps::check(tree, &mut report);
    absolute_paths::check(tree, &mut report);
    links::check(tree, &mut report);
    named_files::check(tree, &mut report);
    promises::check(tree, &mut report);
    async_runtimes::check(tree, &mut report)?;
    Ok(report)
}

/// The problems that one check finds in files that exist only in memory.
#[cfg(test)]
fn problems(check: fn(&Tree, &mut Report), files: &[(&str, &str)]) -> Vec<String> {
    let mut report = Report::default();
    check(&Tree::of(files), &mut report);
    report.problems.iter().map(ToString::to_string).collect()
}
