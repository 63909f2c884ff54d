//! Failures of a store: ours, never the client's. They must not carry anything secret, since they are logged.

use std::fmt;
use std::sync::Arc;

/// The store could not do what it was asked for. Nothing of it took effect, unless the port says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError(Arc<str>);

/// What calls of a store return.
pub type StoreResult<T> = Result<T, StoreError>;

impl StoreError {
    /// A failure that is described by what the store's library says of it.
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
