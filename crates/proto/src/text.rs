//! Text that users send to each other, safe to show. It must not know which message contains it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::control_chars::is_control;

/// The text of a message: one line without control characters (TAB is not one of them) that is not blank. Cheap to
/// clone.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text(Arc<str>);

impl Text {
    /// Strips control characters. Returns `None` if only white space is left.
    pub fn sanitise(text: &str) -> Option<Self> {
        if text.contains(is_control) {
            // The text may be a login. So the buffer never moves, and is overwritten.
            let mut clean = Zeroizing::new(String::with_capacity(text.len()));
            clean.extend(text.chars().filter(|&character| !is_control(character)));
            return Self::unless_blank(&clean);
        }
        Self::unless_blank(text)
    }

    fn unless_blank(text: &str) -> Option<Self> {
        (!text.trim().is_empty()).then(|| Self(text.into()))
    }

    /// Overwrites the text, since it holds a password, unless there are clones.
    pub(crate) fn forget(mut self) {
        if let Some(text) = Arc::get_mut(&mut self.0) {
            text.zeroize();
        }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, out)
    }
}

impl TryFrom<String> for Text {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::sanitise(&text).ok_or("a blank text")
    }
}

impl From<Text> for String {
    fn from(text: Text) -> String {
        text.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::Text;
    use crate::control_chars::is_control;
    use proptest::prelude::*;

    fn clean(text: &str) -> Option<String> {
        Text::sanitise(text).map(String::from)
    }

    #[test]
    fn spaces_and_tabs_stay() {
        assert_eq!(clean("  a\t b  ").as_deref(), Some("  a\t b  "));
    }

    #[test]
    fn control_characters_go() {
        assert_eq!(clean("\u{1b}[31mred\u{202e}\0\r").as_deref(), Some("[31mred"));
    }

    #[test]
    fn blank_is_nothing() {
        for text in ["", "   ", "\t", "\u{7}\u{200e} ", "\u{3000}"] {
            assert_eq!(clean(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_read_from_a_store_or_a_server_is_cleaned_too() {
        let read = |json: &str| serde_json::from_str::<Text>(json).map(String::from).ok();
        assert_eq!(read(r#""a\u001b[1m""#).as_deref(), Some("a[1m"));
        assert_eq!(read(r#"" \u0007""#), None);
    }

    proptest! {
        #[test]
        fn no_text_holds_a_control_character(text in "\\PC*|.*|[\\x00-\\x20\u{2028}-\u{202e}a]*") {
            if let Some(clean) = clean(&text) {
                prop_assert!(!clean.contains(is_control));
                prop_assert!(!clean.contains(['\n', '\r']));
            }
        }
    }

    #[test]
    fn a_text_of_a_log_may_show_nothing_if_it_is_not_blank() {
        // Earlier versions accepted that, so it has to be read.
        for text in ["\u{200b}", "\u{feff}\u{3164}", " \u{2800} "] {
            assert_eq!(clean(text).as_deref(), Some(text));
            let json = serde_json::to_string(text).unwrap();
            assert_eq!(serde_json::from_str::<Text>(&json).unwrap().as_str(), text);
        }
    }

    proptest! {
        #[test]
        fn nothing_but_control_characters_goes(text in "([\\x00-\\x20\u{200b}-\u{202e}]|.){0,20}") {
            let kept: String = text.chars().filter(|&character| !is_control(character)).collect();
            prop_assert_eq!(clean(&text), (!kept.trim().is_empty()).then_some(kept));
        }
    }
}
