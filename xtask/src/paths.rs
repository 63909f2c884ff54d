//! The paths in Rust code, `a::b::c`. It must not resolve them.

use crate::lexer::is_word;
use crate::tree::Rust;

/// Every path in the code, with the line, counted from 0, on which it begins. Lists in `use` are expanded.
pub(crate) fn paths(rust: &Rust) -> Vec<(usize, String)> {
    let code = &rust.lexed.code;
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = code[at..].find(is_word).map(|offset| at + offset) {
        let line = code[..start].matches('\n').count();
        let mut reader = Reader { rest: &code[start..] };
        let mut spread = Vec::new();
        reader.path("", &mut spread);
        found.extend(spread.into_iter().map(|path| (line, path)));
        at = code.len() - reader.rest.len();
    }
    found
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// Reads `a::b::c` or `a::{b, c::d}`. The text begins with a part of a path or with a brace.
    fn path(&mut self, prefix: &str, found: &mut Vec<String>) {
        if self.rest.starts_with('{') {
            return self.list(prefix, found);
        }
        let end = self.rest.find(|character| !is_word(character)).unwrap_or(self.rest.len());
        let path =
            if prefix.is_empty() { self.rest[..end].to_owned() } else { format!("{prefix}::{}", &self.rest[..end]) };
        self.rest = &self.rest[end..];
        let Some(after) = self.rest.trim_start().strip_prefix("::") else { return found.push(path) };
        let after = after.trim_start();
        if !after.starts_with(|character| is_word(character) || character == '{') {
            return found.push(path);
        }
        self.rest = after;
        self.path(&path, found);
    }

    /// Reads `{b, c::d}`.
    fn list(&mut self, prefix: &str, found: &mut Vec<String>) {
        self.rest = &self.rest[1..];
        loop {
            self.rest = self.rest.trim_start_matches(|character: char| character == ',' || character.is_whitespace());
            if !self.rest.starts_with(|character| is_word(character) || character == '{') {
                break;
            }
            self.path(prefix, found);
            self.skip_alias();
        }
        self.rest = self.rest.strip_prefix('}').unwrap_or(self.rest);
    }

    /// Skips ` as name`.
    fn skip_alias(&mut self) {
        if let Some(alias) = self.rest.trim_start().strip_prefix("as ") {
            let alias = alias.trim_start();
            self.rest = alias.trim_start_matches(is_word);
        }
    }
}

/// The re-exports of a module: the paths after `pub use` and `pub(…) use`.
pub(crate) fn re_exports(rust: &Rust) -> Vec<String> {
    let mut found = Vec::new();
    for statement in rust.lexed.code.split(';') {
        let statement = statement.rsplit('}').next().filter(|_| !statement.contains('{')).unwrap_or(statement);
        let Some((before, path)) = statement.rsplit_once("use ") else { continue };
        if before.lines().last().is_some_and(|line| line.trim_start().starts_with("pub")) {
            Reader { rest: path.trim_start() }.path("", &mut found);
        }
    }
    found
}
