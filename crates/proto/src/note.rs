//! A text that may be empty: a topic, a reason, what is left of a removed message. It must not know which event has it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// Maximum size of a topic or a reason, in bytes.
pub const NOTE_MAX_BYTES: usize = 400;

/// A text, or nothing, which is written as an empty string.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Note(Option<Text>);

impl Note {
    /// The text; empty if there is none.
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or("", Text::as_str)
    }

    /// The text, if there is one.
    pub fn text(&self) -> Option<&Text> {
        self.0.as_ref()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl From<Option<Text>> for Note {
    fn from(text: Option<Text>) -> Self {
        Self(text)
    }
}

impl From<Text> for Note {
    fn from(text: Text) -> Self {
        Self(Some(text))
    }
}

impl From<String> for Note {
    fn from(text: String) -> Self {
        Self(Text::sanitise(&text))
    }
}

impl From<Note> for String {
    fn from(note: Note) -> String {
        note.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::Note;

    #[test]
    fn nothing_is_an_empty_string() {
        assert_eq!(serde_json::to_string(&Note::default()).unwrap(), "\"\"");
        assert_eq!(serde_json::from_str::<Note>("\"\"").unwrap(), Note::default());
        let note: Note = serde_json::from_str("\"a b\"").unwrap();
        assert_eq!((note.as_str(), note.is_empty()), ("a b", false));
    }

    #[test]
    fn what_is_blank_without_its_control_characters_is_nothing() {
        for blank in ["", " \t ", "\u{7}\u{202e}", " \u{85} "] {
            let note = Note::from(blank.to_owned());
            assert_eq!((note.is_empty(), note.text(), note.as_str()), (true, None, ""), "{blank:?}");
            let json = serde_json::to_string(blank).unwrap();
            assert_eq!(serde_json::from_str::<Note>(&json).unwrap(), note, "{blank:?}");
        }
        let note = Note::from("  a\u{7}b ".to_owned());
        assert_eq!((note.to_string().as_str(), note.is_empty()), ("  ab ", false));
    }
}
