//! The name that a user probably meant. It must not know any name.

/// How alike two names have to be, from 0 to 1: one or two wrong letters in a name of usual length.
const ALIKE: f64 = 0.75;

/// Returns the name in `known` that is most like `word`, if one is.
pub(crate) fn of<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.map(|name| (strsim::normalized_damerau_levenshtein(word, name), name));
    let best = scored.filter(|(score, _)| *score >= ALIKE).max_by(|one, other| one.0.total_cmp(&other.0));
    best.map(|(_, name)| name)
}
