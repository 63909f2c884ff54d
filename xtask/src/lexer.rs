//! Just enough of Rust's lexical rules to distinguish code, comments and string literals. It must not judge what it
//! finds.

/// A string literal of a source file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Literal {
    /// Line on which it begins, counted from 0.
    pub(crate) line: usize,
    /// The text between its quotes, with escapes as written.
    pub(crate) content: String,
}

/// The parts of a source file.
#[derive(Debug, Default)]
pub(crate) struct Lexed {
    /// The text with comments and the contents of literals replaced by spaces; lines stay in place.
    pub(crate) code: String,
    /// All string literals, in order.
    pub(crate) literals: Vec<Literal>,
    /// The lines, counted from 0, that contain a comment or a part of one.
    pub(crate) commented: Vec<usize>,
}

/// Splits `source` into its parts.
pub(crate) fn lex(source: &str) -> Lexed {
    let mut lexer = Lexer { rest: source, line: 0, previous: ' ', out: Lexed::default() };
    while !lexer.rest.is_empty() {
        lexer.step();
    }
    lexer.out
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    previous: char,
    out: Lexed,
}

impl Lexer<'_> {
    fn step(&mut self) {
        if self.rest.starts_with("//") {
            self.comment(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.comment(block_comment_len(self.rest));
        } else if let Some((before, hashes)) = raw_string_start(self.rest, self.previous) {
            let close = format!("\"{}", "#".repeat(hashes));
            self.code(before);
            let content = self.rest.find(&close).unwrap_or(self.rest.len());
            self.literal(content, close.len());
        } else if self.rest.starts_with('"') {
            self.code(1);
            self.literal(string_content_len(self.rest), 1);
        } else if let Some(length) = char_literal_len(self.rest) {
            self.blank(length);
        } else {
            self.code(self.rest.chars().next().map_or(0, char::len_utf8));
        }
    }

    fn comment(&mut self, length: usize) {
        let lines = self.rest[..length].matches('\n').count();
        self.out.commented.extend(self.line..=self.line + lines);
        self.blank(length);
    }

    fn literal(&mut self, content: usize, close: usize) {
        self.out.literals.push(Literal { line: self.line, content: self.rest[..content].to_owned() });
        self.blank(content);
        self.code(close.min(self.rest.len()));
    }

    /// Copies `length` bytes.
    fn code(&mut self, length: usize) {
        let (taken, rest) = self.rest.split_at(length);
        self.out.code.push_str(taken);
        self.line += taken.matches('\n').count();
        self.previous = taken.chars().last().unwrap_or(' ');
        self.rest = rest;
    }

    /// Replaces `length` bytes by spaces, except for line ends.
    fn blank(&mut self, length: usize) {
        let (taken, rest) = self.rest.split_at(length);
        self.out.code.extend(taken.chars().map(|character| if character == '\n' { '\n' } else { ' ' }));
        self.line += taken.matches('\n').count();
        self.previous = ' ';
        self.rest = rest;
    }
}

/// Whether a character may occur inside a name.
pub(crate) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Length of the nested comment at the beginning of `text`.
fn block_comment_len(text: &str) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// If a raw string begins here: the number of bytes up to and including its quote, and of its `#`.
fn raw_string_start(text: &str, previous: char) -> Option<(usize, usize)> {
    if is_word(previous) {
        return None;
    }
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| {
        let after = text.strip_prefix(prefix);
        after.is_some_and(|after| after.trim_start_matches('#').starts_with('"'))
    })?;
    let hashes = text[prefix.len()..].bytes().take_while(|&byte| byte == b'#').count();
    Some((prefix.len() + hashes + 1, hashes))
}

/// Length of a string's content, up to its closing quote.
fn string_content_len(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at,
            _ => {}
        }
    }
    text.len()
}

/// Length of the character literal at the beginning of `text`. `None` for a lifetime.
fn char_literal_len(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let mut characters = inside.char_indices();
    let (_, first) = characters.next()?;
    if first == '\\' {
        let (escaped_at, escaped) = characters.next()?;
        let from = escaped_at + escaped.len_utf8();
        return inside[from..].find('\'').map(|at| 1 + from + at + 1);
    }
    let (second_at, second) = characters.next()?;
    (second == '\'').then_some(1 + second_at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(source: &str) -> Vec<String> {
        lex(source).literals.into_iter().map(|literal| literal.content).collect()
    }

    #[test]
    fn comments_and_literals_leave_the_code() {
        let lexed = lex("let a = \"x // y\"; // \"z\"\nlet b = 1; /* { /* } */ */ let c;");
        assert_eq!(lexed.code.lines().count(), 2);
        assert!(lexed.code.contains("let a = \"      \";") && lexed.code.contains("let c;"));
        assert!(!lexed.code.contains('{') && !lexed.code.contains('z'));
        assert_eq!(lexed.commented, [0, 1]);
    }

    #[test]
    fn strings_of_every_kind() {
        assert_eq!(contents(r##"f("a\"b", r#"c"d"#, b"e", br"f")"##), ["a\\\"b", "c\"d", "e", "f"]);
        assert_eq!(lex("\n\"a\nb\" \"c\"").literals[1].line, 2);
    }

    #[test]
    fn quotes_of_characters_and_lifetimes_open_no_string() {
        assert_eq!(contents(r#"x('"', '\'', '\u{22}', 'é'); fn f<'a>(t: &'a str) { "s" }"#), ["s"]);
    }
}
