//! Tables in documents that are generated from the code, between `<!-- table: NAME -->` and `<!-- end -->`. It must not
//! change anything else in them.

mod records;

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use parlor_proto::{Bye, RefusalCode, VERBS, VerbInfo};

/// The documents that contain tables.
const DOCUMENTS: [&str; 2] = ["docs/protocol.md", "docs/reliability.md"];

const OPEN: &str = "<!-- table: ";
const OPEN_END: &str = " -->\n";
const CLOSE: &str = "<!-- end -->";

/// Updates every table.
pub(crate) fn write(root: &Path) -> Result<()> {
    for document in DOCUMENTS {
        let path = root.join(document);
        let text = std::fs::read_to_string(&path).context(document)?;
        std::fs::write(&path, regenerate(root, &text).context(document)?).context(document)?;
    }
    Ok(())
}

/// Whether every table is up to date. Prints which document is not.
pub(crate) fn check(root: &Path) -> Result<bool> {
    let mut current = true;
    for document in DOCUMENTS {
        let text = std::fs::read_to_string(root.join(document)).context(document)?;
        if regenerate(root, &text).context(document)? != text {
            println!("error: {document}: its tables differ from the code; run `cargo xtask docs`");
            current = false;
        }
    }
    Ok(current)
}

/// The document with regenerated tables.
fn regenerate(root: &Path, text: &str) -> Result<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (name, old) = after.split_once(OPEN_END).context("a table's marker has no end")?;
        let (_, after) = old.split_once(CLOSE).with_context(|| format!("table {name} has no end"))?;
        write!(out, "{before}{OPEN}{name}{OPEN_END}{}{CLOSE}", table(root, name)?)?;
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn table(root: &Path, name: &str) -> Result<String> {
    let (head, rows) = match name {
        "planted-bugs" => return records::planted_bugs(root),
        "long-runs" => return records::long_runs(root),
        "commands" => {
            (["before login", "in a session", "what it does"].as_slice(), VERBS.iter().map(command).collect())
        }
        "refusals" => (["code", "meaning"].as_slice(), RefusalCode::ALL.iter().map(refusal).collect()),
        "goodbyes" => (["code", "explanation", "close code"].as_slice(), Bye::ALL.iter().map(goodbye).collect()),
        "constants" => (["what", "value"].as_slice(), constants()),
        _ => bail!("there is no table {name}"),
    };
    Ok(markdown(head, &rows))
}

fn command(info: &VerbInfo) -> Vec<String> {
    let usage = |in_session| if info.available(in_session) { code(&info.usage(in_session)) } else { "—".to_owned() };
    vec![usage(false), usage(true), info.help.to_owned()]
}

fn refusal((refusal, meaning): &(RefusalCode, &str)) -> Vec<String> {
    vec![code(refusal.as_str()), (*meaning).to_owned()]
}

fn goodbye(bye: &Bye) -> Vec<String> {
    vec![code(bye.as_str()), bye.explanation().to_owned(), bye.close_code().to_string()]
}

fn constants() -> Vec<Vec<String>> {
    let row = |what: &str, value: &dyn std::fmt::Display| vec![what.to_owned(), code(&value.to_string())];
    vec![
        row("name and version of the protocol", &parlor_proto::PROTOCOL),
        row("default port", &parlor_proto::DEFAULT_PORT),
        row("longest line in bytes, its ending included (default)", &parlor_proto::DEFAULT_MAX_LINE_BYTES),
        row("longest password in bytes", &parlor_proto::PASSWORD_MAX_BYTES),
        row("entries of `/history` without a count", &parlor_proto::HISTORY_DEFAULT),
        row("entries of `/history` at most", &parlor_proto::HISTORY_MAX),
    ]
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn markdown(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(head.iter().map(|&cell| cell.to_owned()).collect());
    out.push_str(&line(vec!["---".to_owned(); head.len()]).replace(' ', ""));
    for row in rows {
        // A bar would end the cell, even inside code.
        out.push_str(&line(row.iter().map(|cell| cell.replace('|', "\\|")).collect()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_made_anew_and_the_rest_is_left_alone() {
        let old = "before\n<!-- table: goodbyes -->\nstale\n<!-- end -->\nafter\n";
        let root = Path::new("");
        let new = regenerate(root, old).unwrap();
        assert!(new.starts_with(
            "before\n<!-- table: goodbyes -->\n| code | explanation | close code |\n|---|---|---|\n| `quit` |"
        ));
        assert!(new.ends_with("<!-- end -->\nafter\n") && !new.contains("stale"));
        assert_ne!(new, old);
        assert_eq!(regenerate(root, &new).unwrap(), new);
    }

    #[test]
    fn broken_markers_are_refused() {
        let root = Path::new("");
        assert!(regenerate(root, "<!-- table: nonsense -->\n<!-- end -->").is_err());
        assert!(regenerate(root, "<!-- table: goodbyes -->\n").is_err());
    }

    #[test]
    fn every_command_has_a_row() {
        let table = table(Path::new(""), "commands").unwrap();
        assert_eq!(table.lines().count(), VERBS.len() + 2);
        assert!(table.contains("`/format text\\|json`"));
    }
}
