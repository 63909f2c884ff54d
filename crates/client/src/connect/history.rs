//! The history of typed lines, kept for the next run. It must not keep a line that may hold a password. A lost history
//! is never an error.

use std::path::PathBuf;

/// Maximum number of lines that are kept.
pub(super) const LINES_MAX: usize = 1000;

/// The path of the file. Creates its directory if it is missing. `None` if there is no place for it.
pub(super) fn file() -> Option<PathBuf> {
    let directory = super::home_directory("XDG_STATE_HOME", ".local/state")?;
    std::fs::create_dir_all(&directory).ok()?;
    Some(directory.join("history"))
}

/// Whether a line may be kept.
pub(super) fn is_harmless(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    !line.trim().is_empty() && !["/passwd", "login", "register"].iter().any(|word| line.contains(word))
}

#[cfg(test)]
mod tests {
    use super::is_harmless;

    #[test]
    fn no_password_is_kept() {
        for line in
            ["/passwd a b", "/PassWd a b", "LOGIN ann secret", "login ann secret", " REGISTER ann secret", "", "  "]
        {
            assert!(!is_harmless(line), "{line}");
        }
        for line in ["hello", "/join red", "/msg bob hi"] {
            assert!(is_harmless(line), "{line}");
        }
    }
}
