//! Which characters may reach another client. It must not decide how to handle the others.

/// Whether `character` is a control character as the protocol defines it: C0 (but not TAB), DEL, C1, the line and
/// paragraph separators, and the controls of text direction.
pub(crate) fn is_control(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{8}'
            | '\u{A}'..='\u{1F}'
            | '\u{7F}'..='\u{9F}'
            | '\u{61C}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::is_control;

    #[test]
    fn tab_is_text_and_the_other_controls_are_not() {
        assert!(!is_control('\t'));
        for character in ['\0', '\n', '\r', '\u{1b}', '\u{7f}', '\u{85}', '\u{9f}'] {
            assert!(is_control(character), "{character:?}");
        }
    }

    #[test]
    fn every_direction_control_is_a_control() {
        let listed = [0x61C, 0x200E, 0x200F, 0x2028, 0x2029].into_iter().chain(0x202A..=0x202E).chain(0x2066..=0x2069);
        for code in listed {
            assert!(char::from_u32(code).is_some_and(is_control), "{code:x}");
        }
    }

    #[test]
    fn neighbours_of_the_ranges_are_text() {
        for code in [0x20, 0x7E, 0xA0, 0x61B, 0x61D, 0x200D, 0x2010, 0x2027, 0x202F, 0x2065, 0x206A] {
            assert!(char::from_u32(code).is_some_and(|c| !is_control(c)), "{code:x}");
        }
    }

    #[test]
    fn every_control_code_but_tab_is_a_control() {
        let codes = (0..=0x1F).chain(0x7F..=0x9F).filter_map(char::from_u32);
        for character in codes.filter(|&character| character != '\t') {
            assert!(is_control(character), "{character:?}");
        }
    }
}
