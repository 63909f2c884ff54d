//! Why a run could not be carried out. Such a failure says nothing about any promise. It must not be used for broken
//! promises.

use std::io;

/// One line for users to read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(String);

impl Failure {
    /// A failure with one line that describes it.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// For `map_err`: `what` names the operation whose system call failed.
    pub fn of<E: std::fmt::Display>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |error| Self(format!("{what}: {error}"))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}
