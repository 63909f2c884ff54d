//! Failures of a store: faults of the server, never of the client. They must not carry anything secret, since they are
//! logged.

use std::fmt;
use std::sync::Arc;

/// A call of the store failed. It had no effect, unless the port says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError(Arc<str>);

/// The result of a call of the store.
pub type StoreResult<T> = Result<T, StoreError>;

impl StoreError {
    /// A failure with the description that the store's library gives.
    pub fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string().into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for StoreError {}
