//! What the fuzz targets share: oracles that are written independently of the code under test. It must not use the
//! tables and parsers of the crates under test where it can decide itself.

mod heard;
pub mod oracle;
pub mod steps;

/// Characters that end a line in some program, or control a terminal, as the protocol lists them.
pub fn is_control(character: char) -> bool {
    let listed = matches!(u32::from(character), 0x61C | 0x200E | 0x200F | 0x2028..=0x202E | 0x2066..=0x2069);
    character != '\t' && (character.is_control() || listed)
}
