//! A ticket as its user was told, an invitation by its code, or a hook by its address. The secret is not printed.

use std::fmt;
use std::sync::Arc;

/// What a client needs to log in by it, to make an account, or to say something by HTTP.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) id: Arc<str>,
    secret: Arc<str>,
}

impl Ticket {
    pub(crate) fn new(id: &str, secret: &str) -> Self {
        Self { id: id.into(), secret: secret.into() }
    }

    /// Only for the server.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Ticket({})", self.id)
    }
}

#[test]
fn no_secret_is_printed() {
    assert_eq!(format!("{:?}", Ticket::new("7", "hunter")), "Ticket(7)");
}
