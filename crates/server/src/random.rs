//! The system's random numbers, for secrets. Code that belongs in the rules must not use it.

use parlor_core::ports::{RandomSource, StoreError, StoreResult};
use rustls::crypto::aws_lc_rs;

/// The generator that TLS uses too.
#[derive(Debug)]
pub(crate) struct SystemRandom;

impl RandomSource for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> StoreResult<()> {
        let filled = aws_lc_rs::default_provider().secure_random.fill(bytes);
        filled.map_err(|_| StoreError::new("the system gives no random numbers"))
    }
}
