//! Random numbers that are considered unique. They must not be used as secrets.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A unique number: the standard library seeds its hash tables from the system's randomness.
pub(super) fn number() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_differ() {
        let numbers: std::collections::BTreeSet<_> = (0..1000).map(|_| super::number()).collect();
        assert_eq!(numbers.len(), 1000);
    }
}
