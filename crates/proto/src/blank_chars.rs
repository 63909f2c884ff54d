//! Which characters show nothing. It must not decide how to handle them: emojis and some scripts need them between
//! visible characters.

use crate::control_chars::is_control;

/// Whether a text of only such characters says nothing: white space, control characters and invisible characters.
pub(crate) fn is_blank(character: char) -> bool {
    character.is_whitespace() || is_control(character) || is_invisible(character)
}

/// Whether `character` shows nothing, and is neither white space nor a control character of the protocol: the Unicode
/// property `Default_Ignorable_Code_Point`, format characters that no terminal shows, and letters and symbols whose
/// glyph is blank.
pub(crate) fn is_invisible(character: char) -> bool {
    is_default_ignorable(character)
        || matches!(
            character,
            // Braille pattern blank, and format characters of interlinear annotations.
            '\u{2800}' | '\u{FFF9}'..='\u{FFFB}'
            // Egyptian format characters and blanks, and the musical null notehead.
            | '\u{13430}'..='\u{1343F}' | '\u{13441}' | '\u{13442}' | '\u{1D159}'
        )
}

/// The property `Default_Ignorable_Code_Point`. Unicode reserves whole ranges for it, so later versions seldom add one.
fn is_default_ignorable(character: char) -> bool {
    matches!(
        character,
        '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{17B4}'
            | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFF8}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn neighbours_of_the_ranges_are_visible() {
        for code in [
            0xAC, 0xAE, 0x34E, 0x350, 0x115E, 0x1161, 0x17B3, 0x17B6, 0x180A, 0x1810, 0x2010, 0x2027, 0x2030, 0x205E,
            0x2070, 0x27FF, 0x2801, 0x3163, 0x3165, 0xFDFF, 0xFE10, 0xFEFE, 0xFF9F, 0xFFA1, 0xFFEF, 0xFFFC, 0xFFFD,
            0x1342F, 0x13440, 0x13443, 0x1BC9F, 0x1BCA4, 0x1D158, 0x1D15A, 0x1D172, 0x1D17B, 0xDFFFF, 0xE1000,
        ] {
            assert!(char::from_u32(code).is_some_and(|character| !is_blank(character)), "{code:x}");
        }
    }

    #[test]
    fn letters_without_a_glyph_are_invisible() {
        for character in ['\u{2800}', '\u{3164}', '\u{FFA0}', '\u{115F}', '\u{1160}', '\u{1D159}'] {
            assert!(is_invisible(character), "{character:?}");
        }
    }

    #[test]
    fn the_ends_of_the_ranges_are_invisible() {
        for code in [
            0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180F, 0x200B, 0x200F, 0x202A, 0x202E, 0x2060,
            0x206F, 0x2800, 0x3164, 0xFE00, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF0, 0xFFF8, 0xFFF9, 0xFFFB, 0x13430, 0x1343F,
            0x13441, 0x13442, 0x1BCA0, 0x1BCA3, 0x1D159, 0x1D173, 0x1D17A, 0xE0000, 0xE0FFF,
        ] {
            assert!(char::from_u32(code).is_some_and(is_invisible), "{code:x}");
        }
    }

    proptest! {
        /// The tables of the test library are the ones of Unicode.
        #[test]
        fn what_unicode_ignores_or_calls_white_space_is_blank(
            text in "[\\p{Default_Ignorable_Code_Point}\\p{White_Space}\\p{Cc}]{1,64}"
        ) {
            prop_assert!(text.chars().all(is_blank), "{text:?}");
        }

        #[test]
        fn letters_that_unicode_does_not_ignore_are_visible(
            letter in "[[\\p{L}\\p{N}\\p{P}\\p{S}\\p{M}]--[\\p{Default_Ignorable_Code_Point}\u{2800}\u{13430}-\u{13442}\u{1D159}]]"
        ) {
            prop_assert!(!letter.chars().any(is_blank), "{letter:?}");
        }
    }
}
