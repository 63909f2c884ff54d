//! The tag of a version of a resource (`ETag`). It must not say how it is computed.

use std::fmt::{self, Write};

/// A tag, such as `"5f3a"`: by construction without a character that would need care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// The tag of content with this hash.
    pub fn of_hash(hash: &[u8]) -> Self {
        let mut tag = String::from("\"");
        for byte in hash {
            // Writing to a string cannot fail.
            let _ = write!(tag, "{byte:02x}");
        }
        tag.push('"');
        Self(tag)
    }

    /// Whether `list`, the value of `If-None-Match`, has this tag, weak or not, or is `*`.
    pub(crate) fn is_in(&self, list: &str) -> bool {
        list.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.0)
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_list_has_a_tag_only_as_a_whole_item() {
        let tag = ETag::of_hash(&[0x00, 0x1f]);
        assert_eq!(tag.to_string(), "\"001f\"");
        for list in ["\"001f\",\"a\"", "\"a\"\t,\tW/\"001f\" ", "\"a\", *", ",,\"001f\"", "\"001f\", \"001f\""] {
            assert!(tag.is_in(list), "{list}");
        }
        for list in
            ["w/\"001f\"", "W/ \"001f\"", "W/W/\"001f\"", "W/*", "**", "\"*\"", "\"001f", "\"00,1f\"", "\"001f \""]
        {
            assert!(!tag.is_in(list), "{list}");
        }
    }

    proptest! {
        #[test]
        fn two_tags_are_the_same_only_for_the_same_hash(
            one in prop::collection::vec(0_u8..33, 0..3),
            other in prop::collection::vec(0_u8..33, 0..3),
        ) {
            let (tag, list) = (ETag::of_hash(&one), ETag::of_hash(&other).to_string());
            prop_assert_eq!(tag.is_in(&list), one == other);
            let both = format!("{list}, W/{tag}");
            prop_assert!(tag.is_in(&both));
        }
    }
}
