//! Failures of a store: faults of the server, never of the client. They must not carry anything secret, since they are
//! logged.

use std::fmt;
use std::sync::Arc;

/// A call of the store failed. It had no effect, unless the port says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    what: Arc<str>,
    is_full: bool,
}

/// The result of a call of the store.
pub type StoreResult<T> = Result<T, StoreError>;

impl StoreError {
    /// A failure with the description that the store's library gives.
    pub fn new(what: impl fmt::Display) -> Self {
        Self { what: what.to_string().into(), is_full: false }
    }

    /// The store has no room for more; what it has can still be read.
    pub fn full(what: impl fmt::Display) -> Self {
        Self { is_full: true, ..Self::new(what) }
    }

    /// Whether the call failed because the store has no room for more.
    pub fn is_full(&self) -> bool {
        self.is_full
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.what)
    }
}

impl std::error::Error for StoreError {}
