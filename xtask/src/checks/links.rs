//! Relative links in Markdown files lead to files and headings that exist. It must not use the network.

use std::collections::BTreeSet;

use super::Report;
use crate::tree::Tree;

pub(super) fn check(tree: &Tree, report: &mut Report) {
    for file in tree.files.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, target) in links(&file.text) {
            if let Some(what) = broken(tree, &file.path, target) {
                report.problem(&file.path, line, format!("link {target}: {what}"));
            }
        }
    }
}

/// The problem with a link, if there is one.
fn broken(tree: &Tree, from: &str, target: &str) -> Option<&'static str> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { from.to_owned() } else { resolve(from, path)? };
    let directory = format!("{}/", path.trim_end_matches('/'));
    let Some(file) = tree.files.iter().find(|file| file.path == path) else {
        let exists = path.is_empty()
            || tree.others.contains(&path)
            || tree.files.iter().any(|file| file.path.starts_with(&directory));
        return (!exists).then_some("there is no such file");
    };
    let unknown = !heading.is_empty() && path.ends_with(".md") && !anchors(&file.text).contains(heading);
    unknown.then_some("there is no such heading")
}

/// Converts a path relative to the file `from` into a path below the root. A path that leaves the root stays unchanged.
fn resolve(from: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Some(path.to_owned());
                }
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// Targets of links with their lines, counted from 0. Code is ignored.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (line, text) in prose(text) {
        for (at, _) in text.match_indices("](") {
            let in_code = text[..at].matches('`').count() % 2 == 1;
            let target = text[at + 2..].split([')', ' ']).next().unwrap_or("");
            if !in_code && !target.is_empty() {
                found.push((line, target));
            }
        }
        if let Some((label, target)) = text.split_once("]: ")
            && label.starts_with('[')
        {
            found.push((line, target.split_whitespace().next().unwrap_or("")));
        }
    }
    found
}

/// Lines outside of fenced code, counted from 0.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The anchors of headings: lower case, spaces as hyphens, without punctuation.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|(_, line)| line.starts_with('#'));
    let anchor = |(_, line): (usize, &str)| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|character| character.is_alphanumeric() || " -_".contains(*character));
        kept.map(|character| if character == ' ' { '-' } else { character }).collect()
    };
    headings.map(anchor).collect()
}

#[cfg(test)]
mod tests {
    use super::super::problems;
    use super::*;

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let text = "[a](b.md) [c](missing.md)\n[d]: ../gone.rs\n[e](#no-such) [f](b.md#nor-this) ![g](../docs)\n";
        let found = problems(check, &[("docs/a.md", text), ("docs/b.md", "# Title\n")]);
        assert_eq!(found.len(), 4, "{found:?}");
    }

    #[test]
    fn links_to_files_that_are_no_text_are_fine() {
        let mut tree = Tree::of(&[("docs/a.md", "[here](b.pdf) [gone](c.pdf)\n")]);
        tree.others.push("docs/b.pdf".to_owned());
        let mut report = Report::default();
        check(&tree, &mut report);
        assert_eq!(report.problems.len(), 1);
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        let text = "# A: b, c\n[x](#a-b-c) [y](../README.md#two-words) [z](https://example.org/x) [r](../src/)\n`[n](no)`\n```\n[n](no)\n```\n";
        let files = [("docs/a.md", text), ("README.md", "## Two words\n"), ("src/main.rs", "//! x\n")];
        assert!(problems(check, &files).is_empty());
    }
}
