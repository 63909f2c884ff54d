//! The port of randomness for secrets. It must not be used where a unique number is enough.

use super::StoreResult;

/// Gives random numbers that nobody can guess.
pub trait RandomSource: Send + Sync {
    /// Fills `bytes`. Does not block.
    ///
    /// # Errors
    /// The system gives no random numbers.
    fn fill(&self, bytes: &mut [u8]) -> StoreResult<()>;
}
